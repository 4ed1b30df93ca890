// From a request and its answer to an entry of the audit log.
#include "appliance/api/audit_trail.h"

#include "appliance/api/problem.h"

#include "base/error.h"

namespace entrepot::api {
namespace {

using namespace std::chrono_literals;

constexpr int kStatusFirstError = 400;
constexpr int kStatusUnauthorized = 401;
constexpr int kStatusForbidden = 403;
constexpr int kStatusTooManyRequests = 429;
// Whoever is refused more often than that fills no log with it.
constexpr int kRefusalsMax = 60;
constexpr auto kRefusalWindow = 1min;
constexpr std::size_t kDetailBytesMax = 256;
constexpr std::size_t kDetailEndBytes = 160;
constexpr std::string_view kCut = " ... ";

// Deletions must work on a full disk, and be in the log: they may use what the repository keeps
// back for them. Nothing else may.
bool frees_space(const Operation& operation) {
    return operation.id == "deletePoint" || operation.id == "startPrune";
}

std::string object_of(const Request& request) {
    std::string object;
    for (const auto& [name, value] : request.parameters)
        object += (object.empty() ? "" : "/") + value;
    return object;
}

Json bounded(const Json& value) {
    if (value.is_boolean() || value.is_number()) return value;
    std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
    if (text.size() > kDetailBytesMax) {
        // Of a path the end tells more than the beginning.
        const std::string end = text.substr(text.size() - kDetailEndBytes);
        text.resize(kDetailBytesMax - kDetailEndBytes - kCut.size());
        text += std::string{kCut} + end;
    }
    return text;
}

// Only what the document names: a secret that somebody adds to a body later stays out.
Json details_of(const Request& request, const Operation& operation) {
    Json details = Json::object();
    Json body = Json::object();
    try {
        if (!operation.audited_members.empty()) body = request.json();
    } catch (const Error&) {
        // The handler refuses it, too; the entry has no details then.
    }
    for (const std::string& member : operation.audited_members) {
        const auto found = request.query.find(member);
        if (found != request.query.end()) {
            details[member] = bounded(Json(found->second));
        } else if (body.is_object() && body.contains(member)) {
            details[member] = bounded(body.at(member));
        }
    }
    return details;
}

access::AuditDraft make_draft(const Request& request, const Operation& operation) {
    access::AuditDraft draft;
    draft.user = request.user.name;
    draft.via = to_string(request.user.via);
    draft.address = request.peer;
    draft.action = operation.id;
    draft.object = object_of(request);
    draft.details = details_of(request, operation);
    // Who signs in is nobody yet: the entry has the name that was given.
    if (draft.user.empty() && draft.details.contains("name")) {
        draft.user = draft.details.at("name").is_string()
                         ? draft.details.at("name").get<std::string>()
                         : std::string{};
    }
    return draft;
}

}  // namespace

void AuditTrail::append_with_room(const access::AuditDraft& draft) {
    try {
        audit_.append(draft);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::no_space) throw;
        make_room_();
        audit_.append(draft);
    }
}

bool AuditTrail::is_refusal_counted() {
    const std::scoped_lock lock{mutex_};
    const SteadyTime now = clock_.steady_now();
    if (now - window_begin_ >= kRefusalWindow) {
        window_begin_ = now;
        refusal_count_ = 0;
    }
    return ++refusal_count_ <= kRefusalsMax;
}

void AuditTrail::before(const Request& request, const Operation& operation) {
    if (!operation.is_audited) return;
    access::AuditDraft draft = make_draft(request, operation);
    draft.result = "asked";
    with_context("writing the audit log", [&] {
        if (frees_space(operation)) {
            append_with_room(draft);
        } else {
            audit_.append(draft);
        }
    });
}

void AuditTrail::after(const Request& request, const Operation& operation,
                       const Response& response) {
    if (!operation.is_audited || response.status == kStatusTooManyRequests) return;
    const bool is_stranger = request.user.via == access::Via::nothing;
    const bool is_refused =
        response.status == kStatusUnauthorized || response.status == kStatusForbidden;
    if (is_stranger && is_refused && operation.privilege != Privilege::none) return;
    access::AuditDraft draft = make_draft(request, operation);
    draft.result = is_refused                             ? "refused"
                   : response.status >= kStatusFirstError ? "failed"
                                                          : "done";
    if (response.status >= kStatusFirstError) {
        draft.details["status"] = response.status;
        if (!is_refusal_counted()) {
            log_.warning("refused often, not in the audit log",
                         {{"user", draft.user}, {"action", draft.action}});
            return;
        }
    }
    try {
        audit_.append(draft);
    } catch (const std::exception& error) {
        log_.error("the audit log could not be written", {{"user", draft.user},
                                                          {"action", draft.action},
                                                          {"object", draft.object},
                                                          {"result", draft.result},
                                                          {"error", error.what()}});
    }
}

}  // namespace entrepot::api
