// Images that others wrote, from the data beside the checkout.
#pragma once

#include <filesystem>
#include <optional>

namespace entrepot::test {

/// Nullopt, with a warning, where the data is not there.
std::optional<std::filesystem::path> find_images();

/// Unpacks with holes, by reading what the system's tool writes into a pipe.
void unpack(const std::filesystem::path& packed, const std::filesystem::path& target);

}  // namespace entrepot::test
