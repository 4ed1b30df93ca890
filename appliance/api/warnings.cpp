// See warnings.h.
#include "appliance/api/warnings.h"

#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

#include "base/bytes.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace entrepot::api {
namespace {

using namespace std::chrono_literals;

constexpr auto kCertificateAhead = std::chrono::days{30};
constexpr auto kStateCopyAgeMax = std::chrono::days{3};  // One is made each day.
constexpr std::size_t kNameShownMax = 64;

void add_share_server(Services& services, std::vector<Warning>& warnings) {
    const share::SambaHealth health = services.managed_shares.health();
    if (health.state != share::SambaState::failed) return;
    warnings.push_back(
        {"share.server-down", true,
         "the share's file server does not run, so nothing can be backed up: " + health.message,
         health.hint.empty() ? "The page Hosts shows the end of its log." : health.hint});
}

std::optional<Warning> judge_certificate(Services& services) {
    try {
        const auto end = services.certificate_end();
        const WallTime now = services.clock.wall_now();
        if (!end || *end - now > kCertificateAhead) return std::nullopt;
        const bool is_over = *end <= now;
        return Warning{"certificate.ends",
                       is_over,
                       fmt::format("the console's certificate {} on {}", is_over ? "ended" : "ends",
                                   format_time(*end).substr(0, 10)),
                       {}};
    } catch (const Error& error) {
        // What was loaded at the start is still served.
        return Warning{"certificate.ends",
                       true,
                       std::string{"the console's certificate cannot be read: "} + error.what(),
                       {}};
    }
}

void add_certificate(Services& services, std::vector<Warning>& warnings) {
    if (!services.certificate_end) return;
    auto warning = judge_certificate(services);
    if (!warning) return;
    warning->hint = fmt::format(
        "Put a new one and its key into {}, if it is yours; one that the appliance "
        "made is made anew when entrepotd starts again.",
        (services.config.data_directory / "tls").string());
    warnings.push_back(*std::move(warning));
}

void add_repository(Services& services, std::vector<Warning>& warnings) {
    auto& repository = services.repository();
    const repository::TimeState time = repository.time_state();
    if (!time.frozen.empty()) {
        warnings.push_back({"repository.deletion-frozen", false,
                            "nothing is deleted: " + time.frozen,
                            "Set the clock right if it is wrong, then say so: under Settings, or "
                            "entrepot clock confirm"});
    }
    const repository::RepositoryInfo info = repository.info();
    if (info.damaged_chunks > 0) {
        warnings.push_back(
            {"repository.damaged-chunks", true,
             fmt::format("{} of the repository {} damaged",
                         info.damaged_chunks == 1 ? std::string{"a chunk"}
                                                  : fmt::format("{} chunks", info.damaged_chunks),
                         info.damaged_chunks == 1 ? "is" : "are"),
             "Verify everything: it names the points. What comes by again in a backup heals "
             "them. Look after the disk that the repository is on."});
    }
}

/// Those of a time when there was something to copy: the oldest host was added, or the last copy.
void add_state_copies(Services& services, std::vector<Warning>& warnings) {
    const auto copies = services.repository().list_state_copies();
    const auto newest = std::max_element(
        copies.begin(), copies.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    const bool has_copy = newest != copies.end();
    const auto hosts = services.state.hosts.list();
    const auto oldest =
        std::min_element(hosts.begin(), hosts.end(),
                         [](const auto& a, const auto& b) { return a.created < b.created; });
    if (!has_copy && oldest == hosts.end()) return;
    // A copy has the repository's own time, which never goes back.
    const WallTime now =
        has_copy ? services.repository().time_state().now : services.clock.wall_now();
    if (now - (has_copy ? newest->time : oldest->created) <= kStateCopyAgeMax) return;
    warnings.push_back(
        {"repository.state-copy-old", false,
         has_copy
             ? fmt::format("the newest copy of the appliance's settings in the repository is of {}",
                           format_time(newest->time).substr(0, 10))
             : std::string{"no copy of the appliance's settings lies in the repository"},
         "One is made each day while entrepotd runs; its log says why not."});
}

/// One for each kind, of the newest that failed, and how many others did.
void add_failed_jobs(Services& services, std::vector<Warning>& warnings) {
    std::map<std::string, std::vector<SharedJob>> failed;
    const WallTime now = services.clock.wall_now();
    for (const SharedJob& job : services.last_jobs->read_care(services.engine)) {
        const bool is_failure =
            job->state == jobs::JobState::failed || job->state == jobs::JobState::interrupted;
        if (is_failure && now - job->created <= kCareAgeMax) failed[job->kind].push_back(job);
    }
    for (const auto& [kind, jobs] : failed) {
        const SharedJob& newest =
            *std::max_element(jobs.begin(), jobs.end(),
                              [](const auto& a, const auto& b) { return a->created < b->created; });
        const std::string others =
            jobs.size() > 1 ? fmt::format(" (and {} more)", jobs.size() - 1) : std::string{};
        warnings.push_back({fmt::format("job.{}-failed", kind), true,
                            fmt::format("{}{}: {}", newest->subject, others,
                                        newest->error ? newest->error->message : "it was cut off"),
                            newest->error && !newest->error->hint.empty()
                                ? newest->error->hint
                                : std::string{"Open the job, and try it again."},
                            newest->id});
    }
}

void add_refused_logins(Services& services, std::vector<Warning>& warnings) {
    using Kind = access::SignInThrottle::Suspect::Kind;
    for (const auto& suspect : services.access.list_suspects()) {
        const std::string name = suspect.name.substr(0, kNameShownMax);
        const bool is_address = suspect.kind == Kind::address;
        warnings.push_back(
            {is_address ? "login.refused-address" : "login.refused-user", false,
             fmt::format("{} logins in a row were refused {} {}", suspect.failure_count,
                         is_address ? "from" : "for the user", name),
             "The audit log says when. If it was nobody you know, find out what is behind it; the "
             "appliance lets it try ever more rarely."});
    }
}

Json encode_warning(const Warning& warning) {
    return Json{{"id", warning.id},
                {"severity", warning.is_bad ? "bad" : "warning"},
                {"text", warning.text},
                {"hint", warning.hint},
                {"job", text_or_null(warning.job)}};
}

}  // namespace

std::vector<Warning> list_warnings(Services& services, Privilege privilege) {
    std::vector<Warning> warnings;
    add_share_server(services, warnings);
    add_certificate(services, warnings);
    add_repository(services, warnings);
    add_state_copies(services, warnings);
    add_failed_jobs(services, warnings);
    if (privilege == Privilege::administrator) add_refused_logins(services, warnings);
    std::stable_partition(warnings.begin(), warnings.end(),
                          [](const Warning& warning) { return warning.is_bad; });
    return warnings;
}

void add_warning_routes(Router& router, Services& services) {
    router.add("listWarnings", [&](const Request& request) {
        Json entries = Json::array();
        for (const Warning& warning : list_warnings(services, request.user.privilege))
            entries.push_back(encode_warning(warning));
        return Response::json(encode_list("warnings", std::move(entries)));
    });
}

}  // namespace entrepot::api
