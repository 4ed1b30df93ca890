// See secret_file.h.
#include "base/secret_file.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

#include <fmt/format.h>

namespace entrepot {

Secret read_secret_file(FileSystem& file_system, const std::filesystem::path& file) {
    const Bytes content = file_system.read_file(file, limits::kSecretFileBytesMax);
    std::string_view text = as_text(content);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    if (text.empty()) {
        throw Error{ErrorCode::invalid, fmt::format("{} holds no secret", file.string())};
    }
    return Secret{text};
}

}  // namespace entrepot
