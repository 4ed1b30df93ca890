// Encoders; the order of members is that of the OpenAPI document.
#include "appliance/api/encode.h"

namespace entrepot::api {
namespace {

Json encode_skipped(const std::vector<repository::SkippedDisk>& skipped) {
    Json entries = Json::array();
    for (const auto& disk : skipped)
        entries.push_back({{"name", disk.name}, {"reason", disk.reason}});
    return entries;
}

}  // namespace

Json encode_error(const std::optional<jobs::JobError>& error) {
    if (!error) return nullptr;
    return Json{{"code", error->code},
                {"message", error->message},
                {"hint", error->hint},
                {"context", error->context}};
}

Json encode_verification(const std::optional<repository::Verification>& verification) {
    if (!verification) return nullptr;
    return Json{{"time", format_time(verification->time)},
                {"result", verification->result},
                {"depth", verification->depth.empty() ? Json{} : Json(verification->depth)}};
}

Json encode_time(const std::optional<WallTime>& time) {
    if (!time) return nullptr;
    return format_time(*time);
}

Json text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return text;
}

Json encode_list(const std::string& noun, Json entries, const std::string& next_cursor) {
    return Json{{noun, std::move(entries)}, {"next_cursor", text_or_null(next_cursor)}};
}

Json encode(const repository::DiskSummary& disk) {
    return Json{{"id", disk.draft.id},
                {"index", disk.draft.index},
                {"name", disk.draft.name},
                {"virtual_size_bytes", disk.draft.size_bytes},
                {"logical_sector_size", disk.draft.logical_sector_size},
                {"changed_bytes", disk.changed_bytes},
                {"new_stored_bytes", disk.new_stored_bytes},
                {"root", disk.root},
                {"sha256", text_or_null(disk.sha256)}};
}

Json encode(const repository::PointSummary& point, const HostNames& hosts) {
    Json disks = Json::array();
    for (const auto& disk : point.disks)
        disks.push_back(encode(disk));
    const auto& draft = point.draft;
    return Json{{"id", point.id},
                {"sequence", point.sequence},
                {"vm",
                 {{"id", draft.vm_id},
                  {"name", draft.vm_name},
                  {"host", hosts.name_of(draft.host)},
                  {"host_id", draft.host}}},
                {"time", format_time(point.time)},
                {"kind", repository::to_string(draft.kind)},
                {"reason", draft.reason},
                {"consistency", repository::to_string(draft.consistency)},
                {"base_point", text_or_null(draft.base_point)},
                {"disks", std::move(disks)},
                {"skipped", encode_skipped(draft.skipped)},
                {"logical_bytes", point.logical_bytes},
                {"unique_bytes", point.unique_bytes},
                {"protected_until", encode_time(point.protected_until)},
                {"hold_reason", text_or_null(point.hold_reason)},
                {"verified", encode_verification(point.verification)},
                {"has_known_damage", point.has_known_damage},
                {"comparison", draft.host_facts.value("comparison", Json{})}};
}

Json encode(const repository::KeySlot& slot) {
    return Json{
        {"number", slot.number}, {"kind", slot.kind}, {"created", format_time(slot.created)}};
}

Json encode(const jobs::JobView& job) {
    Json events = Json::array();
    for (const auto& event : job.events) {
        events.push_back(
            {{"time", format_time(event.time)}, {"level", event.level}, {"text", event.text}});
    }
    const bool has_result = job.result.is_object() && !job.result.empty();
    return Json{{"id", job.id},
                {"kind", job.kind},
                {"subject", job.subject},
                {"state", jobs::to_string(job.state)},
                {"stage", job.stage},
                {"waiting_for", text_or_null(job.waiting_for)},
                {"done_bytes", job.done_bytes},
                {"total_bytes", job.total_bytes},
                {"requested_by", job.requested_by},
                {"created", format_time(job.created)},
                {"started", encode_time(job.started)},
                {"ended", encode_time(job.ended)},
                {"parameters", job.parameters.is_object() ? job.parameters : Json::object()},
                {"result", has_result ? job.result : Json(nullptr)},
                {"error", encode_error(job.error)},
                {"events", std::move(events)}};
}

Json encode(const state::ShareRecord& share) {
    return Json{{"name", share.name},
                {"unc", share.unc},
                {"path", share.path.string()},
                {"managed", share.is_managed()},
                {"listen", text_or_null(share.listen)}};
}

Json encode(const share::AccountView& account) {
    const auto& record = account.record;
    return Json{{"host", account.host_name},
                {"host_id", record.host_id},
                {"account", record.account},
                {"computer", text_or_null(record.computer)},
                {"has_password", record.has_password},
                {"password_made", record.has_password ? Json(format_time(record.changed)) : Json()},
                {"quota_bytes", record.quota_bytes == 0 ? Json() : Json(record.quota_bytes)},
                {"used_bytes", account.used_bytes}};
}

}  // namespace entrepot::api
