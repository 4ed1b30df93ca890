// The audit log: a page of it, all of it, and whether it is what was written.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"

namespace entrepot::api {
namespace {

Json encode_entry(const access::AuditEntry& entry) {
    return Json{{"number", entry.number},         {"time", format_time(entry.time)},
                {"user", entry.draft.user},       {"via", entry.draft.via},
                {"address", entry.draft.address}, {"action", entry.draft.action},
                {"object", entry.draft.object},   {"result", entry.draft.result},
                {"details", entry.draft.details}, {"digest", entry.digest}};
}

Response list_audit(const Request& request, access::AuditLog& audit) {
    const Page page = read_page(request);
    access::AuditFilter filter;
    filter.user = request.query_value("user");
    filter.action = request.query_value("action");
    filter.since = read_query_time(request, "since");
    filter.until = read_query_time(request, "until");
    filter.before = page.before;
    filter.limit = page.limit;
    const auto found = audit.list(filter);
    Json entries = Json::array();
    for (const access::AuditEntry& entry : found)
        entries.push_back(encode_entry(entry));
    const std::string next =
        found.size() < page.limit ? std::string{} : std::to_string(found.back().number);
    return Response::json(encode_list("entries", std::move(entries), next));
}

// One JSON object a line, oldest first: what a script or an auditor keeps elsewhere.
Response export_audit(const Request& request, access::AuditLog& audit) {
    const auto since = read_query_time(request, "since");
    const auto until = read_query_time(request, "until");
    Response response;
    response.headers["content-type"] = "application/x-ndjson";
    response.headers["content-disposition"] = "attachment; filename=\"entrepot-audit.jsonl\"";
    response.stream = [&audit, since, until](const StreamWriter& write,
                                             const std::stop_token& stop) {
        audit.visit([&](const access::AuditEntry& entry) {
            const bool is_asked_for =
                (!since || entry.time >= *since) && (!until || entry.time < *until);
            if (!is_asked_for) return !stop.stop_requested();
            return !stop.stop_requested() && write(dump_json(encode_entry(entry)) + "\n");
        });
    };
    return response;
}

Response verify_audit(const Request& request, access::AuditLog& audit) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const std::string known_head = reader.text_or("known_digest", "");
    reader.finish();
    const access::AuditCheck check = audit.verify(known_head);
    return Response::json(
        {{"is_sound", check.is_sound()},
         {"entries", check.entry_count},
         {"digest", check.head},
         {"bad_entry", check.bad_number ? Json(*check.bad_number) : Json(nullptr)},
         {"reason", text_or_null(check.reason)}});
}

}  // namespace

void add_audit_routes(Router& router, Services& services) {
    access::AuditLog& audit = services.access.audit;
    router.add("listAudit", [&](const Request& request) { return list_audit(request, audit); });
    router.add("exportAudit", [&](const Request& request) { return export_audit(request, audit); });
    router.add("verifyAudit", [&](const Request& request) { return verify_audit(request, audit); });
}

}  // namespace entrepot::api
