// Log lines on standard error.
#include "base/log.h"

#include "base/json.h"

#include <cstdio>

namespace entrepot {
namespace {

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warning:
            return "warning";
        case LogLevel::error:
            return "error";
    }
    return "error";
}

}  // namespace

void StderrLog::write(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
    if (level < level_min_) return;
    Json line = {{"time", format_time(clock_.wall_now())},
                 {"level", to_string(level)},
                 {"message", message}};
    for (const LogField& field : fields)
        line[std::string{field.name}] = field.value;
    const std::string text = dump_json(line) + "\n";
    const std::scoped_lock lock{mutex_};
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace entrepot
