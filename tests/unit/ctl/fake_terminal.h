// A terminal and an appliance that a test plays.
#pragma once

#include "appliance/ctl/api_client.h"
#include "appliance/ctl/run.h"
#include "appliance/ctl/terminal.h"

#include "base/error.h"

#include <deque>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::test {

class FakeTerminal final : public ctl::Terminal {
public:
    std::ostream& out() override { return out_; }
    std::ostream& err() override { return err_; }
    bool shows_progress() const override { return is_person; }
    bool can_ask() const override { return is_person; }
    int width() const override { return 60; }
    std::string ask(const std::string& question) override {
        questions.push_back(question);
        if (answers.empty()) return {};
        const std::string answer = answers.front();
        answers.pop_front();
        return answer;
    }
    Secret ask_secret(const std::string& question) override { return Secret{ask(question)}; }
    int interrupt_count() const override {
        ++interrupt_questions_;
        const bool comes_now = interrupt_at > 0 && interrupt_questions_ >= interrupt_at;
        return interrupts + (comes_now ? 1 : 0);
    }

    std::string out_text() const { return out_.str(); }
    std::string err_text() const { return err_.str(); }

    bool is_person = false;
    int interrupts = 0;
    int interrupt_at = 0;  ///< Ctrl-C comes before the count is asked for the n-th time.
    std::deque<std::string> answers;
    std::vector<std::string> questions;

private:
    std::ostringstream out_;
    std::ostringstream err_;
    mutable int interrupt_questions_ = 0;
};

/// Answers in the given order and remembers what it was asked.
class FakeAppliance {
public:
    void expect(int status, const Json& body) {
        api::Response response = api::Response::json(body, status);
        answers.push_back(std::move(response));
    }

    class Client final : public ctl::ApiClient {
    public:
        explicit Client(FakeAppliance& appliance) : appliance_(appliance) {}
        api::Response send(const api::Request& request) override {
            appliance_.requests.push_back(request);
            if (appliance_.answers.empty()) {
                throw Error{ErrorCode::unreachable, "nobody answers"};
            }
            api::Response answer = appliance_.answers.front();
            appliance_.answers.pop_front();
            return answer;
        }

    private:
        FakeAppliance& appliance_;
    };

    std::deque<api::Response> answers;
    std::vector<api::Request> requests;
};

/// One command line after another against the same fakes.
class Shell {
public:
    Shell() : clock(*parse_time("2026-03-01T12:00:00Z")) {}

    int run(const std::vector<std::string>& arguments) {
        return ctl::run(arguments, {{clock, random, file_system, log},
                                    terminal,
                                    [this](const config::Config&, const ctl::GlobalOptions&) {
                                        return std::make_unique<FakeAppliance::Client>(appliance);
                                    }});
    }

    ManualClock clock;
    SystemRandom random;
    PosixFileSystem file_system;
    NullLog log;
    FakeTerminal terminal;
    FakeAppliance appliance;
};

}  // namespace entrepot::test
