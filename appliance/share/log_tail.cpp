// See log_tail.h.
#include "appliance/share/log_tail.h"

#include "appliance/share/limits.h"
#include "appliance/share/names.h"

#include "base/error.h"

#include <algorithm>
#include <sstream>

namespace entrepot::share {
namespace {

std::string read_end(FileSystem& file_system, const std::filesystem::path& file) {
    const auto opened = file_system.open_read(file, FollowLinks::no);
    const std::uint64_t size = opened->size();
    const std::uint64_t begin = size > limits::kLogTailBytes ? size - limits::kLogTailBytes : 0;
    std::string text(static_cast<std::size_t>(size - begin), '\0');
    text.resize(opened->read_some(begin, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
    // The first line is most likely a part of one.
    const std::size_t line = begin > 0 ? text.find('\n') : std::string::npos;
    return line == std::string::npos ? text : text.substr(line + 1);
}

}  // namespace

std::vector<std::string> read_log_tail(FileSystem& file_system, const std::filesystem::path& file) {
    std::vector<std::string> lines;
    try {
        std::istringstream text{read_end(file_system, file)};
        for (std::string line; std::getline(text, line);) {
            if (!line.empty()) lines.push_back(printable(line));
        }
    } catch (const Error&) {
        return {};
    }
    if (lines.size() > limits::kLogTailLinesMax) {
        lines.erase(lines.begin(),
                    lines.end() - static_cast<std::ptrdiff_t>(limits::kLogTailLinesMax));
    }
    return lines;
}

}  // namespace entrepot::share
