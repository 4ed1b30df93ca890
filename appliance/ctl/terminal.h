// The person or script on the other side: where text goes, whether somebody can answer, secrets.
#pragma once

#include "base/secret.h"

#include <ostream>
#include <string>

namespace entrepot::ctl {

/// Behind an interface so that tests can play the person.
class Terminal {
public:
    virtual ~Terminal() = default;
    virtual std::ostream& out() = 0;  ///< Results only.
    virtual std::ostream& err() = 0;  ///< Progress, warnings, questions.
    /// True if a person sees err().
    virtual bool shows_progress() const = 0;
    /// True if a person can be asked.
    virtual bool can_ask() const = 0;
    /// Columns of err(), at least 40.
    virtual int width() const = 0;
    /// One line without its end; empty at the end of input.
    virtual std::string ask(const std::string& question) = 0;
    /// As ask(), with echo off.
    virtual Secret ask_secret(const std::string& question) = 0;
    /// How often Ctrl-C was pressed so far.
    virtual int interrupt_count() const = 0;
};

/// The process's own streams. Catches SIGINT and SIGTERM while it lives; one at a time.
class SystemTerminal final : public Terminal {
public:
    SystemTerminal();
    SystemTerminal(const SystemTerminal&) = delete;
    SystemTerminal& operator=(const SystemTerminal&) = delete;
    ~SystemTerminal() override;

    std::ostream& out() override;
    std::ostream& err() override;
    bool shows_progress() const override;
    bool can_ask() const override;
    int width() const override;
    std::string ask(const std::string& question) override;
    Secret ask_secret(const std::string& question) override;
    int interrupt_count() const override;
};

}  // namespace entrepot::ctl
