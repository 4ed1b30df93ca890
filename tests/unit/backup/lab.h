// Host, share, state and repository of a test, and jobs that can be made to crash anywhere.
#pragma once

#include "tests/support/temporary_directory.h"
#include "tests/unit/backup/fake_host.h"
#include "tests/unit/backup/memory_repository.h"

#include "appliance/backup/services.h"
#include "appliance/jobs/job.h"
#include "appliance/share/share_registry.h"
#include "appliance/state/state.h"

#include "base/clock.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/log.h"
#include "base/random.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::test {

/// The process dies here. No std::exception: nothing on the way may catch it.
struct Crash {};

/// Counts what happens in a run, and does something at one of the events.
class Script {
public:
    std::function<void(int number, const std::string& event)> on_event = [](int,
                                                                            const std::string&) {};
    void happen(const std::string& event) { on_event(count_++, event); }
    void reset() { count_ = 0; }
    int count() const { return count_; }

private:
    int count_ = 0;
};

/// A journal that outlives the job's lives.
class TestJournal final : public jobs::Journal {
public:
    explicit TestJournal(Script& script) : script_(script) {}
    std::optional<Json> find(std::string_view key) const override;
    void put(std::string_view key, const Json& value) override;
    std::map<std::string, Json, std::less<>> entries;

private:
    Script& script_;
};

class TestJob final : public jobs::JobContext, public Progress {
public:
    TestJob(Script& script, Clock& clock, std::string id, Json parameters);

    const std::string& id() const override { return id_; }
    const Json& parameters() const override { return parameters_; }
    jobs::Journal& journal() override { return journal_; }
    void enter_stage(std::string_view stage) override { stages.emplace_back(stage); }
    void note(std::string_view text) override { notes.emplace_back(text); }
    void warn(std::string_view text) override { warnings.emplace_back(text); }
    Progress& progress() override { return *this; }
    void report(std::string_view, std::uint64_t, std::uint64_t) override {}
    std::stop_token stop() const override { return stop_source.get_token(); }
    void sleep_for(std::chrono::milliseconds duration) override;

    std::stop_source stop_source;
    std::vector<std::string> stages;
    std::vector<std::string> notes;
    std::vector<std::string> warnings;
    TestJournal journal_;

private:
    Clock& clock_;
    std::string id_;
    Json parameters_;
};

class Lab {
public:
    Lab();

    TestJob make_backup(Json parameters = Json::object());
    /// One life of a job.
    jobs::JobOutcome run(TestJob& job);
    /// A backup that must succeed; checks what a restore gives, and that the host is clean.
    Json back_up(Json parameters = Json::object());

    void guest_writes();
    /// Empty, or what is wrong with the host or the share after a run.
    std::string find_dirt() const;
    /// True if a restore of the newest point gives what the host exported last.
    bool newest_point_restores() const;

    TemporaryDirectory directory;
    PosixFileSystem file_system;
    ManualClock clock;
    SeededRandom random;
    NullLog log;
    Script script;
    state::State state;
    share::ShareRegistry shares;
    FakeHostWorld world;
    MemoryRepository repository;
    backup::Services services;
    std::string host_id;

private:
    std::unique_ptr<hyperv::HyperVHost> connect(std::stop_token stop);
    int next_job_ = 1;
};

}  // namespace entrepot::test
