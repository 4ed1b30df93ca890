// See samba_supervisor.h.
#include "appliance/share/samba_supervisor.h"

#include "appliance/share/log_tail.h"
#include "appliance/share/names.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kProcessFileBytesMax = 64 * kKiB;
constexpr std::uint32_t kFolderMode = 0700;
constexpr std::uint32_t kScriptMode = 0755;

// What smbd keeps of root's power: to become the accounts, and to listen at port 445.
constexpr const char* kCapabilities = "-all,+setuid,+setgid,+net_bind_service";

std::string configuration_argument(const SambaPlaces& places) {
    return "--configfile=" + places.smb_conf().string();
}

std::string make_life(Random& random) {
    Bytes bytes(16);
    random.fill(bytes);
    return to_hex(bytes);
}

/// What can't be changed while smbd runs.
Json fixed_part(const SambaSettings& settings) {
    return {{"address", settings.address},
            {"port", settings.port},
            {"server_name", settings.server_name},
            {"include", settings.include.string()}};
}

/// What makes a login what it is, without secrets: if it changes, the sessions under it have to go.
Json logins_of(const WantedSamba& wanted) {
    Json logins = Json::object();
    const auto add = [&](const std::string& account, const std::string& what) {
        Json& login = logins[account];
        if (!login.is_array()) login = Json::array();
        login.push_back(what);
    };
    for (const SambaAccount& account : wanted.accounts)
        add(account.name, "password " + account.version);
    for (const ServedShare& share : wanted.settings.shares) {
        for (const std::string& account : share.accounts)
            add(account, "share " + share.name + " " + share.path.string());
    }
    for (const MappedComputer& mapped : wanted.settings.computers)
        add(mapped.account, "computer " + mapped.computer);
    return logins;
}

}  // namespace

std::string_view to_string(SambaState state) {
    switch (state) {
        case SambaState::off:
            return "off";
        case SambaState::starting:
            return "starting";
        case SambaState::running:
            return "running";
        case SambaState::failed:
            return "failed";
    }
    return "off";
}

SambaSupervisor::SambaSupervisor(const SambaEnvironment& environment, SambaPlaces places,
                                 const SambaPace& pace)
    : environment_(environment),
      places_(std::move(places)),
      pace_(pace),
      server_(make_samba_server(
          {.smb_conf = places_.smb_conf(),
           .missing_hint = "start entrepotd: it serves the share",
           .silent_hint = "start entrepotd, which serves the share; entrepot share list says what "
                          "is the matter"},
          environment_.file_system, environment_.processes)) {
    health_.since = environment_.clock.wall_now();
}

std::uint64_t SambaSupervisor::want(WantedSamba wanted) {
    const std::scoped_lock lock{mutex_};
    wanted_ = std::move(wanted);
    return ++wish_;
}

std::uint64_t SambaSupervisor::acted_on() const {
    const std::scoped_lock lock{mutex_};
    return acted_on_;
}

SambaHealth SambaSupervisor::health() const {
    const std::scoped_lock lock{mutex_};
    return health_;
}

std::string SambaSupervisor::life() const {
    const std::scoped_lock lock{mutex_};
    return life_;
}

std::chrono::milliseconds SambaSupervisor::look() {
    try {
        return act();
    } catch (const Error& error) {
        note_death(error.message(), error.hint());
        return pace_.look;
    }
}

std::chrono::milliseconds SambaSupervisor::act() {
    WantedSamba wanted;
    std::uint64_t wish = 0;
    {
        const std::scoped_lock lock{mutex_};
        wanted = wanted_;
        wish = wish_;
    }
    if (!has_looked_for_earlier_) adopt();
    const bool is_new = wish != applied_wish_;
    if (process_ && !process_->is_running()) note_death("smbd ended: " + last_output(), {});
    if (wanted.settings.shares.empty()) {
        end_process();
        set_state(SambaState::off);
        applied_wish_ = wish;
    } else {
        // A change is worth a try at once.
        if (is_new) start_at_ = environment_.clock.steady_now();
        if (process_ && (is_new || is_to_be_applied_)) apply(wanted);
        applied_wish_ = wish;
        if (!process_ && environment_.clock.steady_now() >= start_at_) start(wanted);
        if (process_) watch();
    }
    const std::scoped_lock lock{mutex_};
    if (health_.state == SambaState::starting) return pace_.look / 10;
    acted_on_ = wish;
    return pace_.look;
}

// Samba outlives a daemon that is killed, and so do the exports that run over it.
void SambaSupervisor::adopt() {
    has_looked_for_earlier_ = true;
    if (!environment_.file_system.exists(places_.process_file())) return;
    try {
        const Json json = parse_json(as_text(environment_.file_system.read_file(
                                         places_.process_file(), kProcessFileBytesMax)),
                                     "the record of smbd");
        auto process = environment_.starter.find(json.at("process").get<pid_t>(),
                                                 configuration_argument(places_));
        if (!process) return;
        fixed_part_ = json.at("settings");
        logins_ = json.at("logins");
        started_ = environment_.clock.steady_now();
        {
            const std::scoped_lock lock{mutex_};
            life_ = json.at("life");
        }
        process_ = std::move(process);
        set_state(SambaState::running);
        environment_.log.info("smbd is taken over from an earlier process",
                              {{"process", std::to_string(process_->id())}});
    } catch (const std::exception& error) {
        environment_.log.warning("the record of smbd is no use", {{"reason", error.what()}});
    }
}

// To a process that runs.
void SambaSupervisor::apply(const WantedSamba& wanted) {
    if (fixed_part_ != fixed_part(wanted.settings)) {
        environment_.log.info("smbd is started anew: where it listens has changed", {});
        end_process();
        return;
    }
    is_to_be_applied_ = true;
    try {
        prepare(wanted);
        const CommandResult result = environment_.processes.run(
            {.program = "smbcontrol",
             .arguments = {configuration_argument(places_), "smbd", "reload-config"}},
            {});
        if (result.exit_status != 0) {
            throw Error{ErrorCode::io, "smbd does not take its new configuration: " +
                                           printable(result.err.substr(0, result.err.find('\n')))};
        }
        end_changed_logins(wanted);
    } catch (const Error& error) {
        environment_.log.error("smbd could not be told of a change; it is tried again",
                               {{"error", error.what()}});
        set_state(health().state, error.message(), error.hint());
        return;
    }
    is_to_be_applied_ = false;
    set_state(health().state);
}

// A removed or rotated login must not live on in a session (F-SH-12).
void SambaSupervisor::end_changed_logins(const WantedSamba& wanted) {
    Json logins = logins_of(wanted);
    std::vector<std::string> changed;
    for (const auto& [account, login] : logins_.items()) {
        const auto now = logins.find(account);
        if (now == logins.end() || *now != login) changed.push_back(account);
    }
    if (!changed.empty()) server_->end_clients(changed, {});
    logins_ = std::move(logins);
    write_record();
}

// What a later daemon needs to go on where this one may be killed.
void SambaSupervisor::write_record() {
    const Json record{{"process", process_->id()},
                      {"life", life()},
                      {"settings", fixed_part_},
                      {"logins", logins_}};
    write_file_atomically(environment_.file_system, places_.process_file(),
                          as_bytes(dump_json(record)));
}

// Everything that smbd reads. The accounts last: they need the configuration.
void SambaSupervisor::prepare(const WantedSamba& wanted) {
    FileSystem& files = environment_.file_system;
    for (const fs::path& folder : samba_folders(places_)) {
        if (files.exists(folder)) continue;
        files.make_directories(folder);
        files.set_access(folder, {.mode = kFolderMode});
    }
    for (const ServedShare& share : wanted.settings.shares)
        write_space_script(share);
    write_file_atomically(files, places_.user_map(), as_bytes(make_user_map(wanted.settings)));
    write_file_atomically(files, places_.smb_conf(),
                          as_bytes(make_smb_conf(wanted.settings, places_)));
    sync_samba_accounts(environment_.processes, places_.smb_conf(), wanted.accounts, {});
}

// If it could not run, Samba would tell every host what the volume has free.
void SambaSupervisor::write_space_script(const ServedShare& share) {
    const fs::path script = share.path / kSpaceScript;
    FileSystem& files = environment_.file_system;
    const std::string text = make_space_script();
    const auto status = files.find_status(script);
    // Only where it must be: while it is written anew, it can't run.
    if (!status || status->mode != kScriptMode || status->size_bytes != text.size() ||
        as_text(files.read_file(script, text.size())) != text) {
        write_file_atomically(files, script, as_bytes(text));
        files.set_access(script, {.mode = kScriptMode});
    }
    if (share.accounts.empty()) return;
    const std::string& account = share.accounts.front();
    const CommandResult result =
        environment_.processes.run({.program = "setpriv",
                                    .arguments = {"--reuid=" + account, "--regid=" + account,
                                                  "--clear-groups", script.string()}},
                                   {});
    if (result.exit_status == 0 && result.out.ends_with(" 1024\n")) return;
    throw Error{ErrorCode::permission_denied,
                fmt::format("the account {} can't run {}: {}", account, script.string(),
                            printable(result.err.substr(0, result.err.find('\n')))),
                "the share's folder must be on a file system that is not mounted noexec, and every "
                "folder above it must let others through (chmod o+x)"};
}

void SambaSupervisor::start(const WantedSamba& wanted) {
    const SambaSettings& settings = wanted.settings;
    if (!environment_.is_root) {
        throw Error{ErrorCode::permission_denied, "smbd can only be started by root",
                    "run entrepotd as root where it serves a share"};
    }
    if (environment_.is_port_taken(settings.address, settings.port)) {
        throw Error{
            ErrorCode::busy,
            fmt::format("something else listens at {}:{} already", settings.address, settings.port),
            "if it is the system's own Samba: systemctl disable --now smbd nmbd"};
    }
    try {
        prepare(wanted);
        process_ = environment_.starter.start(
            {.program = "setpriv",
             .arguments = {std::string{"--bounding-set="} + kCapabilities, "--inh-caps=-all",
                           "--no-new-privs", "smbd", "--foreground", "--no-process-group",
                           configuration_argument(places_)},
             .output_file = places_.output()});
    } catch (Error& error) {
        if (error.code() == ErrorCode::not_found) {
            error.set_hint(
                "install what is missing (Debian: samba, samba-common-bin, "
                "samba-vfs-modules, util-linux)");
        }
        throw;
    }
    started_ = environment_.clock.steady_now();
    fixed_part_ = fixed_part(settings);
    logins_ = logins_of(wanted);
    is_to_be_applied_ = false;
    {
        const std::scoped_lock lock{mutex_};
        life_ = make_life(environment_.random);
        if (has_died_) ++health_.restart_count;
    }
    has_died_ = false;
    set_state(SambaState::starting);
    write_record();
}

// Whether it answers, at its start and now and then.
void SambaSupervisor::watch() {
    const SteadyTime now = environment_.clock.steady_now();
    const bool is_starting = health().state == SambaState::starting;
    if (!is_starting && now < ping_at_) return;
    ping_at_ = now + pace_.ping;
    try {
        server_->check_running({});
        silent_pings_ = 0;
        if (is_starting) {
            environment_.log.info("smbd runs", {{"process", std::to_string(process_->id())}});
            set_state(SambaState::running);
        }
        return;
    } catch (const Error& error) {
        if (!process_->is_running()) {
            note_death("smbd ended: " + last_output(), {});
            return;
        }
        const bool is_late = now - started_ > pace_.ready_max;
        if (is_starting ? !is_late : ++silent_pings_ < pace_.silent_pings_max) return;
        end_process();
        has_died_ = true;
        note_death("smbd does not answer: " + error.message(), {});
    }
}

void SambaSupervisor::note_death(const std::string& message, const std::string& hint) {
    const SteadyTime now = environment_.clock.steady_now();
    const bool ran_well = process_ != nullptr && now - started_ >= pace_.well;
    if (process_) has_died_ = true;
    process_.reset();
    silent_pings_ = 0;
    restart_delay_ = ran_well || restart_delay_.count() == 0
                         ? pace_.restart_min
                         : std::min(restart_delay_ * 2, pace_.restart_max);
    start_at_ = now + restart_delay_;
    environment_.log.error(
        "the share's file server does not run; it is started again",
        {{"reason", message}, {"in_seconds", std::to_string(restart_delay_.count() / 1'000)}});
    set_state(SambaState::failed, message, hint);
    const std::scoped_lock lock{mutex_};
    life_.clear();
    acted_on_ = wish_;
}

void SambaSupervisor::end_process() {
    if (!process_) return;
    process_->ask_to_end();
    if (!process_->wait_for_end(pace_.end_max)) {
        process_->kill();
        process_->wait_for_end(pace_.end_max);
    }
    process_.reset();
    const std::scoped_lock lock{mutex_};
    life_.clear();
}

void SambaSupervisor::shut_down() {
    end_process();
    set_state(SambaState::off);
    try {
        // The hashes of the passwords; they are made anew from what lies sealed.
        environment_.file_system.remove_tree(places_.directory / "private");
        environment_.file_system.remove(places_.process_file());
    } catch (const Error& error) {
        environment_.log.warning("what smbd kept could not be removed", {{"error", error.what()}});
    }
}

std::vector<std::string> SambaSupervisor::read_log_tail() const {
    auto lines = share::read_log_tail(environment_.file_system, places_.log());
    if (lines.empty()) lines = share::read_log_tail(environment_.file_system, places_.output());
    return lines;
}

std::string SambaSupervisor::last_output() const {
    for (const fs::path& file : {places_.output(), places_.log()}) {
        const auto lines = share::read_log_tail(environment_.file_system, file);
        if (!lines.empty()) return lines.back();
    }
    return "it said nothing";
}

void SambaSupervisor::set_state(SambaState state, const std::string& message,
                                const std::string& hint) {
    const std::scoped_lock lock{mutex_};
    if (health_.state != state) health_.since = environment_.clock.wall_now();
    health_.state = state;
    health_.message = message;
    health_.hint = hint;
}

}  // namespace entrepot::share
