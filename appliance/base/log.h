// Structured log lines: fixed words, variable fields.
#pragma once

#include "base/clock.h"

#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace entrepot {

enum class LogLevel { debug, info, warning, error };

struct LogField {
    std::string_view name;
    std::string value;
};

/// Where lines go. Implementations are safe to share between threads.
class Log {
public:
    virtual ~Log() = default;
    virtual void write(LogLevel level, std::string_view message,
                       std::initializer_list<LogField> fields) = 0;

    void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
        write(LogLevel::debug, message, fields);
    }
    void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
        write(LogLevel::info, message, fields);
    }
    void warning(std::string_view message, std::initializer_list<LogField> fields = {}) {
        write(LogLevel::warning, message, fields);
    }
    void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
        write(LogLevel::error, message, fields);
    }
};

/// One JSON object a line on standard error, so that no field can forge a line.
class StderrLog final : public Log {
public:
    StderrLog(Clock& clock, LogLevel level_min) : clock_(clock), level_min_(level_min) {}
    void write(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields) override;

private:
    Clock& clock_;
    LogLevel level_min_;
    std::mutex mutex_;
};

class NullLog final : public Log {
public:
    void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace entrepot
