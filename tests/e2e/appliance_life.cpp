// See appliance_life.h.
#include "tests/e2e/appliance_life.h"

#include "tests/e2e/kill_switch.h"
#include "tests/e2e/watched_restore_host.h"
#include "tests/support/fault_file_system.h"
#include "tests/support/hasty_clock.h"

#include "appliance/backup/backup_job.h"
#include "appliance/jobs/job_engine.h"
#include "appliance/restore/restore_request.h"
#include "appliance/restore/restore_vm_job.h"
#include "appliance/share/share_registry.h"
#include "appliance/state/state.h"
#include "storage/repository/crypto.h"
#include "storage/repository/repository.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace entrepot::test {
namespace {

constexpr int kLifeMilliseconds = 120'000;
constexpr std::chrono::seconds kJobTime{60};

void write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(file, text.data(), text.size());
        if (size <= 0) ::_exit(3);
        text.remove_prefix(static_cast<std::size_t>(size));
    }
}

class Life {
public:
    Life(const Place& place, int told)
        : place_(place),
          told_(told),
          files_(system_files_),
          killer_([this](const std::string& event) { die(event); }),
          state_(place.data / "state.db", clock_, random_),
          shares_({files_, clock_, state_.shares, state_.hosts}),
          services_(make_services()),
          restore_services_(make_restore_services()),
          engine_({clock_, random_, log_, state_.jobs, state_.journal}, {.worker_count = 1}) {
        files_.on_crash([this] { die("a change of a file"); });
        engine_.register_handler("backup",
                                 [this](jobs::JobContext& job) {
                                     WatchedJob watched{job, killer_};
                                     return backup::run_backup(services_, watched);
                                 },
                                 {jobs::AfterCrash::resume});
        engine_.register_handler("restore_vm",
                                 [this](jobs::JobContext& job) {
                                     WatchedJob watched{job, killer_};
                                     return restore::run_restore_vm(restore_services_, watched);
                                 },
                                 {jobs::AfterCrash::resume});
    }

    Json run(Task task, const std::optional<KillPoint>& kill_point) {
        if (task == Task::back_up) remove_old_points();
        Json said{{"points_before", list_points()}, {"jobs", Json::array()}};
        if (task != Task::resume) {
            const std::string job = task == Task::back_up ? enqueue_backup() : enqueue_restore();
            if (kill_point) arm(*kill_point);
            said["jobs"].push_back(describe(engine_.run_here(job)));
        } else {
            const auto left = state_.jobs.list_in_state(jobs::JobState::running);
            engine_.start();
            for (const auto& record : left) {
                said["jobs"].push_back(describe(engine_.wait(record.view.id, kJobTime)));
            }
        }
        said["points_after"] = list_points();
        said["residue"] = Json::array();
        for (const auto& residue : state_.residue.list())
            said["residue"].push_back(residue.text);
        return said;
    }

private:
    backup::Services make_services() {
        const repository::Environment environment{files_, clock_, random_, log_};
        const auto directory = place_.data / "repository";
        if (!system_files_.exists(directory)) {
            repository::Repository::create(environment, directory, {});
            shares_.add("exports", place_.unc, place_.share);
            state::HostDraft host;
            host.name = "hv01";
            host.url = place_.connection.url;
            host.authentication = "basic";
            host.user = place_.connection.user;
            state_.hosts.add(host);
        }
        repository_ = repository::Repository::open(environment, directory, {});
        backup::Services services{
            .repository = *repository_,
            .state = state_,
            .shares = shares_,
            .connect =
                [this](const state::HostRecord&, std::stop_token stop) {
                    return watch(hyperv::connect({clock_, log_}, place_.connection, stop), killer_);
                },
            .clock = clock_,
            .random = random_,
            .log = log_,
            .file_system = files_};
        return services;
    }

    std::string enqueue_backup() {
        return engine_.enqueue(
            {.kind = "backup",
             .parameters = {
                 {"host", "hv01"}, {"vm", place_.vm_id}, {"full_every", place_.full_every}}});
    }

    std::string enqueue_restore() {
        restore::RestoreRequest request;
        request.point = repository_->list_points({}).back().id;
        request.host = state_.hosts.get("hv01").id;
        request.to = place_.unc;
        request.switches = {{"LAN", "Lab"}};
        return engine_.enqueue({.kind = "restore_vm", .parameters = restore::to_json(request)});
    }

    restore::Services make_restore_services() {
        return {services_, [this](const state::HostRecord&, std::stop_token stop) {
                    return watch(
                        hyperv::connect_for_restore({clock_, log_}, place_.connection, stop),
                        killer_);
                }};
    }

    void arm(const KillPoint& point) {
        if (point.kind == KillPoint::Kind::step) {
            killer_.arm(point.number);
        } else {
            files_.crash_at(point.number);
        }
    }

    [[noreturn]] void die(const std::string& event) {
        // The threads that pack chunks may come here together.
        if (is_dying_.test_and_set()) {
            for (;;)
                ::pause();
        }
        write_all(told_, Json{{"killed", event}}.dump() + "\n");
        ::kill(::getpid(), SIGKILL);
        std::abort();
    }

    void remove_old_points() {
        const auto points = repository_->list_points({});
        for (std::size_t i = 0; i + 1 < points.size(); ++i)
            repository_->delete_point(points[i].id);
    }

    Json list_points() {
        Json points = Json::array();
        for (const auto& point : repository_->list_points({})) {
            const auto reader = repository_->open_point(point.id);
            Json disks = Json::object();
            for (const auto& disk : point.disks) {
                const auto content = reader->open_disk(disk.draft.index, repository::View::restore);
                Bytes bytes(static_cast<std::size_t>(content->size_bytes()));
                content->read(0, bytes);
                disks[std::to_string(disk.draft.index)] = repository::sha256(bytes).hex();
            }
            points.push_back(
                {{"id", point.id},
                 {"kind", to_string(point.draft.kind)},
                 {"reason", point.draft.reason},
                 {"comparison", point.draft.host_facts.value("comparison", Json::object())},
                 {"run", point.draft.host_facts.value("run_id", "")},
                 {"disks", disks}});
        }
        return points;
    }

    static Json describe(const jobs::JobView& view) {
        Json job{{"state", to_string(view.state)}, {"result", view.result}};
        if (view.error) job["error"] = view.error->message;
        return job;
    }

    const Place& place_;
    int told_;
    std::atomic_flag is_dying_;
    PosixFileSystem system_files_;
    FaultFileSystem files_;
    HastyClock clock_;
    SystemRandom random_;
    NullLog log_;
    KillSwitch killer_;
    state::State state_;
    share::ShareRegistry shares_;
    std::unique_ptr<repository::Repository> repository_;
    backup::Services services_;
    restore::Services restore_services_;
    jobs::JobEngine engine_;
};

[[noreturn]] void live_here(const Place& place, Task task,
                            const std::optional<KillPoint>& kill_point, int told) {
    int status = 0;
    try {
        Json said;
        {
            Life life{place, told};
            said = life.run(task, kill_point);
        }
        write_all(told, said.dump() + "\n");
    } catch (const std::exception& error) {
        write_all(told, Json{{"failed", error.what()}}.dump() + "\n");
        status = 1;
    }
    ::_exit(status);
}

std::string read_until_end(int file, pid_t process) {
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        pollfd waiting{file, POLLIN, 0};
        if (::poll(&waiting, 1, kLifeMilliseconds) <= 0) {
            ::kill(process, SIGKILL);
            ::waitpid(process, nullptr, 0);
            throw std::runtime_error{"a life of the appliance does not end"};
        }
        const ssize_t size = ::read(file, buffer.data(), buffer.size());
        if (size <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace

Told live(const Place& place, Task task, const std::optional<KillPoint>& kill_point) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error{"no process"};
    if (process == 0) {
        ::close(ends[0]);
        live_here(place, task, kill_point, ends[1]);
    }
    ::close(ends[1]);
    const std::string text = read_until_end(ends[0], process);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(process, &status, 0);
    Told told;
    told.said = text.empty() ? Json::object() : parse_json(text, "what a life told");
    told.is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool is_ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!is_ended && !(told.is_killed && told.said.contains("killed"))) {
        throw std::runtime_error{"a life ended with status " + std::to_string(status) + ": " +
                                 text};
    }
    if (told.is_killed) told.event = told.said.at("killed");
    return told;
}

}  // namespace entrepot::test
