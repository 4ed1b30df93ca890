// A log that remembers its lines.
#pragma once

#include "base/log.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

namespace entrepot::test {

class RecordingLog final : public Log {
public:
    void write(LogLevel, std::string_view message,
               std::initializer_list<LogField> fields) override {
        std::string line{message};
        for (const LogField& field : fields)
            line += " " + std::string{field.name} + "=" + field.value;
        const std::scoped_lock lock{mutex_};
        lines_.push_back(std::move(line));
    }
    /// "message name=value name=value"
    bool has(const std::string& line) const {
        const std::scoped_lock lock{mutex_};
        return std::ranges::find(lines_, line) != lines_.end();
    }

    /// Whether any line holds the text.
    bool holds(const std::string& text) const {
        const std::scoped_lock lock{mutex_};
        return std::ranges::any_of(
            lines_, [&](const std::string& line) { return line.find(text) != std::string::npos; });
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

}  // namespace entrepot::test
