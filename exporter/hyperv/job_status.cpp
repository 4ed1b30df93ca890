// Jobs: their end is judged by numbers, their words are only shown.
#include "exporter/hyperv/job_status.h"

#include "base/error.h"
#include "exporter/hyperv/hresult.h"
#include "exporter/hyperv/service_call.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hyperv {
namespace {

constexpr std::uint16_t kCompleted = 7;
constexpr std::uint16_t kTerminated = 8;
constexpr std::uint16_t kKilled = 9;
constexpr std::uint16_t kException = 10;
constexpr std::uint16_t kCompletedWithWarnings = 32768;
constexpr std::uint16_t kRequestTerminate = 4;
constexpr std::uint16_t kRequestKill = 5;
constexpr std::uint16_t kTypeExport = 62;
constexpr std::size_t kAffectedMax = 256;

constexpr std::string_view kSnapshotClass = "Msvm_VirtualSystemSettingData";
constexpr std::string_view kSnapshotType = "Microsoft:Hyper-V:Snapshot:";
constexpr std::string_view kAffected = "Msvm_AffectedJobElement";

JobState state_of(std::uint16_t raw, std::uint32_t error_code) {
    switch (raw) {
        case kCompleted:
        case kCompletedWithWarnings:
            return error_code == 0 ? JobState::completed : JobState::failed;
        case kTerminated:
        case kKilled:
        case kException:
            return JobState::failed;
        default:
            return JobState::running;
    }
}

// The class of an instance that an EPR names; empty for what is no WMI object.
std::string class_of(const std::optional<wsman::EndpointReference>& reference) {
    const auto path = reference ? cim::to_object_path(*reference) : std::nullopt;
    return path ? path->class_name : std::string{};
}

}  // namespace

Json JobRef::to_json() const {
    return {{"class", class_name}, {"id", instance_id}, {"synchronous", is_synchronous}};
}

JobRef JobRef::from_json(const Json& json) {
    try {
        return {json.at("class").get<std::string>(), json.at("id").get<std::string>(),
                json.at("synchronous").get<bool>()};
    } catch (const Json::exception& error) {
        throw Error{ErrorCode::invalid, fmt::format("a journalled host job: {}", error.what())};
    }
}

JobStatus decode_job(const cim::Instance& job) {
    JobStatus status;
    status.raw_state = job.u16("JobState");
    status.percent = std::min<std::uint16_t>(job.u16("PercentComplete"), 100);
    status.error_code = job.u32("ErrorCode");
    status.state = state_of(status.raw_state, status.error_code);
    if (status.state != JobState::failed) return status;
    status.error_text = job.text("ErrorDescription");
    if (status.error_text.empty()) status.error_text = job.text("ErrorSummaryDescription");
    status.hresult = hresult_of_text(status.error_text);
    if (status.hresult == 0) status.hresult = hresult_of_text(job.text("ErrorSummaryDescription"));
    // Msvm_StorageJob tells it as a number.
    if (status.hresult == 0) status.hresult = job.u32("JobCompletionStatusCode");
    return status;
}

cim::ObjectPath JobReader::path_of(const JobRef& job) const {
    return wmi_.path(job.class_name, {{"InstanceID", job.instance_id}});
}

JobStatus JobReader::read(const JobRef& job) {
    if (job.is_synchronous) {
        JobStatus done;
        done.state = JobState::completed;
        done.raw_state = kCompleted;
        done.percent = 100;
        return done;
    }
    const auto instance = wmi_.find(path_of(job));
    if (!instance) {
        JobStatus gone;
        gone.state = JobState::vanished;
        return gone;
    }
    JobStatus status = decode_job(*instance);
    if (status.state == JobState::failed && status.hresult == 0) {
        const std::string errors = read_errors(job);
        status.hresult = hresult_of_text(errors);
        if (status.error_text.empty()) status.error_text = errors;
    }
    return status;
}

std::vector<std::string> JobReader::list_errors(const JobRef& job) {
    if (job.is_synchronous) return {};
    try {
        return wmi_.invoke(path_of(job), "GetErrorEx", {}, wsman::Repeat::allowed)
            .parameters.texts("Errors");
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) throw;
        return {};
    }
}

std::string JobReader::read_errors(const JobRef& job) {
    try {
        std::string all;
        for (const std::string& text : list_errors(job)) {
            const std::string message = cim::decode_embedded_instance(text).text("Message");
            if (!message.empty()) all += (all.empty() ? "" : " / ") + message;
        }
        return all;
    } catch (const Error& error) {
        // More words would help, but the failure itself is known without them.
        if (error.code() == ErrorCode::cancelled) throw;
        return {};
    }
}

std::uint32_t JobReader::request_state(const JobRef& job, std::uint16_t state) {
    cim::MethodInput input;
    input.number("RequestedState", state);
    return wmi_.invoke(path_of(job), "RequestStateChange", input, wsman::Repeat::forbidden)
        .return_value;
}

void JobReader::request_end(const JobRef& job) {
    const std::uint32_t code = request_state(job, kRequestTerminate);
    if (code != kReturnDone && code != kReturnJobStarted) request_kill(job);
}

void JobReader::request_kill(const JobRef& job) {
    const std::uint32_t code = request_state(job, kRequestKill);
    if (code == kReturnDone || code == kReturnJobStarted) return;
    if (read(job).state == JobState::running) throw_return_code("RequestStateChange", code);
}

// The association as a query, or the whole association where the host takes no queries.
std::vector<cim::Instance> JobReader::find_affected(const JobRef& job,
                                                    std::string_view class_name) {
    auto found = wmi_.find_associated(path_of(job), kAffected, class_name);
    if (found) return std::move(*found);
    std::vector<cim::Instance> objects;
    for (const cim::Instance& row : wmi_.list(kAffected)) {
        const auto affecting = row.reference("AffectingElement");
        const auto affected = row.reference("AffectedElement");
        const bool is_ours = affecting && affecting->selector("InstanceID") == job.instance_id &&
                             class_of(affected) == class_name;
        if (!is_ours || objects.size() >= kAffectedMax) continue;
        auto object = wmi_.find(*cim::to_object_path(*affected));
        if (object) objects.push_back(std::move(*object));
    }
    return objects;
}

std::vector<std::string> JobReader::list_affected(const JobRef& job, std::string_view class_name) {
    if (job.is_synchronous) {
        const bool is_result = job.class_name == class_name && !job.instance_id.empty();
        return is_result ? std::vector<std::string>{job.instance_id} : std::vector<std::string>{};
    }
    std::vector<std::string> ids;
    try {
        for (const cim::Instance& object : find_affected(job, class_name)) {
            // The VM's own settings are of the snapshots' class, too.
            const bool is_wanted = class_name != kSnapshotClass ||
                                   object.text("VirtualSystemType").starts_with(kSnapshotType);
            if (is_wanted) ids.push_back(object.text("InstanceID"));
        }
    } catch (const Error& error) {
        // A job that has vanished affects nothing any more.
        if (error.code() != ErrorCode::not_found) throw;
    }
    return ids;
}

std::vector<std::string> JobReader::list_affected_systems(const JobRef& job,
                                                          std::string_view class_name) {
    if (job.is_synchronous) return list_affected(job, class_name);
    std::vector<std::string> ids;
    try {
        for (const cim::Instance& object : find_affected(job, class_name)) {
            const std::string id = object.text("Name");
            if (Guid::parse(id)) ids.push_back(id);
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::not_found) throw;
    }
    return ids;
}

std::vector<JobRef> JobReader::list_running(std::uint16_t job_type) {
    std::vector<JobRef> running;
    for (const cim::Instance& job : wmi_.list("Msvm_ConcreteJob")) {
        const bool is_wanted =
            job.number("JobType") == job_type && decode_job(job).state == JobState::running;
        if (is_wanted) running.push_back({job.class_name(), job.text("InstanceID"), false});
    }
    return running;
}

std::vector<JobRef> JobReader::list_exports(const std::string& vm_id) {
    std::vector<JobRef> exports;
    for (const cim::Instance& job : wmi_.list("Msvm_ConcreteJob")) {
        if (job.number("JobType") != kTypeExport) continue;
        exports.push_back({job.class_name(), job.text("InstanceID"), false});
    }
    if (exports.empty()) return exports;

    const auto rows = wmi_.list(kAffected);
    std::erase_if(exports, [&](const JobRef& job) {
        return std::none_of(rows.begin(), rows.end(), [&](const cim::Instance& row) {
            const auto affecting = row.reference("AffectingElement");
            const auto affected = row.reference("AffectedElement");
            if (!affecting || !affected) return false;
            return affecting->selector("InstanceID") == job.instance_id &&
                   class_of(affected) == "Msvm_ComputerSystem" &&
                   affected->selector("Name") == vm_id;
        });
    });
    return exports;
}

}  // namespace entrepot::hyperv
