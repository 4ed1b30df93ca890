// Samba's programs as a test wants them: what they answer, and what was asked of them.
#pragma once

#include "appliance/share/samba_supervisor.h"

#include "tests/support/temporary_directory.h"

#include "base/background_process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace entrepot::test {

/// What one life of smbd is; outlives whoever holds the process.
struct FakeLife {
    pid_t id = 0;
    bool runs = true;
    bool is_stubborn = false;  ///< Does not end when asked.
    int asked_to_end = 0;
    int killed = 0;
};

class FakeProcess final : public BackgroundProcess {
public:
    explicit FakeProcess(std::shared_ptr<FakeLife> life) : life_(std::move(life)) {}
    pid_t id() const override { return life_->id; }
    bool is_running() override { return life_->runs; }
    bool wait_for_end(std::chrono::milliseconds) override { return !life_->runs; }
    void ask_to_end() override {
        ++life_->asked_to_end;
        if (!life_->is_stubborn) life_->runs = false;
    }
    void kill() override {
        ++life_->killed;
        life_->runs = false;
    }

private:
    std::shared_ptr<FakeLife> life_;  ///< Shared with the test.
};

class FakeStarter final : public ProcessStarter {
public:
    bool is_missing = false;
    std::vector<BackgroundCommand> commands;
    std::vector<std::shared_ptr<FakeLife>> lives;  ///< Shared with the processes.

    std::unique_ptr<BackgroundProcess> start(const BackgroundCommand& command) override {
        if (is_missing) throw Error{ErrorCode::not_found, "the program smbd is not there"};
        commands.push_back(command);
        auto life = std::make_shared<FakeLife>();
        life->id = static_cast<pid_t>(1'000 + lives.size());
        lives.push_back(life);
        return std::make_unique<FakeProcess>(life);
    }
    std::unique_ptr<BackgroundProcess> find(pid_t id, const std::string& argument) override {
        for (std::size_t i = 0; i < lives.size(); ++i) {
            const auto& words = commands[i].arguments;
            const bool is_same = std::find(words.begin(), words.end(), argument) != words.end();
            if (lives[i]->id == id && lives[i]->runs && is_same) {
                return std::make_unique<FakeProcess>(lives[i]);
            }
        }
        return nullptr;
    }
};

/// pdbedit and smbpasswd over a map, smbcontrol and smbstatus as set.
class FakeTools final : public ProcessRunner {
public:
    bool answers_pings = true;
    bool takes_reload = true;
    bool can_run_script = true;
    std::string smbpasswd_failure;
    std::map<std::string, std::string> accounts;   ///< Name to password.
    std::map<std::string, std::string> logged_in;  ///< Process id to account.
    std::vector<Command> commands;

    CommandResult run(const Command& command, std::stop_token) override {
        commands.push_back(command);
        if (command.program == "smbcontrol") return control(command);
        if (command.program == "smbstatus") return {.exit_status = 0, .out = status(), .err = {}};
        if (command.program == "pdbedit") return database(command);
        if (command.program == "smbpasswd") return set_password(command);
        if (command.program == "setpriv") {
            return can_run_script ? CommandResult{.exit_status = 0, .out = "0 0 1024\n", .err = {}}
                                  : CommandResult{.exit_status = 126, .out = {}, .err = "denied"};
        }
        throw Error{ErrorCode::not_found, "the program " + command.program + " is not there"};
    }
    std::size_t count(const std::string& program, const std::string& word) const {
        return static_cast<std::size_t>(
            std::count_if(commands.begin(), commands.end(), [&](const Command& command) {
                const auto& words = command.arguments;
                return command.program == program &&
                       std::find(words.begin(), words.end(), word) != words.end();
            }));
    }

private:
    CommandResult control(const Command& command) {
        const auto has = [&](const char* word) {
            return std::find(command.arguments.begin(), command.arguments.end(), word) !=
                   command.arguments.end();
        };
        if (has("ping")) {
            return answers_pings ? CommandResult{.exit_status = 0, .out = "PONG\n", .err = {}}
                                 : CommandResult{.exit_status = 1, .out = {}, .err = "no replies"};
        }
        if (has("shutdown")) logged_in.erase(command.arguments.at(1));
        const bool is_refused = has("reload-config") && !takes_reload;
        return {.exit_status = is_refused ? 1 : 0, .out = {}, .err = {}};
    }
    std::string status() const {
        std::string sessions;
        for (const auto& [process, account] : logged_in) {
            sessions += (sessions.empty() ? "" : ",") + ("\"" + process) + R"(":{"username":")" +
                        account + R"(","server_id":{"pid":")" + process + R"("}})";
        }
        return R"({"version":"4.17.12","sessions":{)" + sessions + "}}";
    }
    CommandResult database(const Command& command) {
        CommandResult result;
        for (const std::string& word : command.arguments) {
            if (word.starts_with("--user=")) accounts.erase(word.substr(7));
        }
        if (count_word(command, "--list")) {
            for (const auto& [name, password] : accounts)
                result.out += name + ":999:\n";
        }
        return result;
    }
    static bool count_word(const Command& command, const std::string& word) {
        return std::count(command.arguments.begin(), command.arguments.end(), word) > 0;
    }
    CommandResult set_password(const Command& command) {
        if (!smbpasswd_failure.empty()) {
            return {.exit_status = 1, .out = {}, .err = smbpasswd_failure + "\nmore"};
        }
        const std::string twice{command.input.reveal_text()};
        accounts[command.arguments.back()] = twice.substr(0, twice.find('\n'));
        return {};
    }
};

}  // namespace entrepot::test
