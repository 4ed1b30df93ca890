// What an error of an image says beside its cause.
#pragma once

#include "base/error.h"

#include <filesystem>
#include <string>

namespace entrepot::disk {

/// Runs the body; an Error that leaves it names the image, and damage carries the advice: many
/// things can be wrong inside; what a person can do is the same for all. `action` is "opening",
/// "reading" or "checking". Costs nothing where nothing is thrown.
template <typename Body>
decltype(auto) with_image(const char* action, const std::filesystem::path& path, Body&& body) {
    try {
        return body();
    } catch (Error& error) {
        error.add_context(std::string{action} + " image " + path.string());
        if (error.code() == ErrorCode::corrupt && error.hint().empty()) {
            error.set_hint("The image is damaged or not complete. Export or copy it again.");
        }
        throw;
    }
}

}  // namespace entrepot::disk
