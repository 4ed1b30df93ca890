// Findings, the verdict over them, and which check fits which file.
#include "storage/disk/image_check.h"

#include "storage/disk/content_probe.h"
#include "storage/disk/image_chain.h"
#include "storage/disk/structure_findings.h"
#include "storage/disk/vhd_check.h"
#include "storage/disk/vhdx_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::disk {
namespace {

void check_raw(const File& file, ImageCheck& check) {
    constexpr std::uint64_t kSectorBytes = 512;
    check.format = ImageFormat::raw;
    StructureFindings found{check, "file"};
    const std::uint64_t size = file.size();
    if (size == 0 || size % kSectorBytes != 0) {
        found.add(Severity::unsupported, FindingKind::structure, "size", std::nullopt,
                  fmt::format("no disk: {} bytes are no multiple of the sector size {}", size,
                              kSectorBytes));
        return;
    }
    found.note(FindingKind::structure, "", std::nullopt,
               "a raw disk has no structure that could be checked");
}

Json to_json(const BlockCounts& blocks) {
    return {{"not_present", blocks.not_present},   {"zero", blocks.zero},
            {"unmapped", blocks.unmapped},         {"present", blocks.present},
            {"partial", blocks.partial},           {"bitmaps", blocks.bitmaps},
            {"soft_anchors", blocks.soft_anchors}, {"leaked_bytes", blocks.leaked_bytes}};
}

Json to_json(const Finding& finding) {
    return {{"severity", to_string(finding.severity)},
            {"kind", to_string(finding.kind)},
            {"structure", finding.structure},
            {"field", finding.field},
            {"offset", finding.offset ? Json(*finding.offset) : Json(nullptr)},
            {"message", finding.message}};
}

}  // namespace

void StructureFindings::add_refusal(Offset offset, const Error& error) {
    Severity severity = Severity::damage;
    switch (error.code()) {
        case ErrorCode::corrupt:
        case ErrorCode::invalid:
            break;
        case ErrorCode::unsupported:
        case ErrorCode::conflict:  // The host had not finished writing it.
        case ErrorCode::limit:
            severity = Severity::unsupported;
            break;
        default:
            throw;
    }
    if (worst_ < severity) {
        add(severity, FindingKind::structure, "", offset, error.message());
    }
}

void ImageCheck::add(Finding finding) {
    ++finding_count;
    worst = std::max(worst, finding.severity);
    if (findings.size() < kFindingsMax) findings.push_back(std::move(finding));
}

std::string_view ImageCheck::verdict() const {
    switch (worst) {
        case Severity::note:
        case Severity::warning:
            return "sound";
        case Severity::incomplete:
            return "incomplete";
        case Severity::unsupported:
            return "unsupported";
        case Severity::damage:
            return "damaged";
    }
    return "damaged";
}

ImageCheck check_image(const File& file, const Work& work) {
    ImageCheck check;
    check.file = file.path().string();
    const Content content = probe_content(file);
    // As open_any() decides.
    const auto named = content == Content::vhd_set ? std::nullopt : format_of_name(file);
    if (named == ImageFormat::vhdx || (!named && content == Content::vhdx)) {
        check.format = ImageFormat::vhdx;
        vhdx::check_vhdx(file, work, check);
    } else if (named == ImageFormat::vhd || (!named && content == Content::vhd)) {
        check.format = ImageFormat::vhd;
        vhd::check_vhd(file, work, check);
    } else if (content == Content::vhd_set || content == Content::qcow2 ||
               content == Content::vmdk) {
        StructureFindings{check, "file"}.add(Severity::unsupported, FindingKind::structure,
                                             "signature", 0,
                                             fmt::format("the file is {}", describe(content)));
    } else {
        check_raw(file, check);
    }
    return check;
}

void check_parent(const ImageInfo& child, const ImageInfo& parent, ImageCheck& check) {
    StructureFindings found{check, "parent locator"};
    if (!child.parent) {
        found.add(Severity::incomplete, FindingKind::parent, "", std::nullopt,
                  "the image needs no parent, but one was given");
        return;
    }
    if (!is_parent_of(parent, child)) {
        found.add(
            Severity::incomplete, FindingKind::parent, "parent_linkage", std::nullopt,
            fmt::format("it names a parent with identity {}, and the parent at hand has {}",
                        child.parent->linkage.to_string(), parent.data_write_guid.to_string()));
    }
    if (parent.logical_sector_size != child.logical_sector_size) {
        found.damage(FindingKind::parent, "Logical Sector Size", std::nullopt,
                     fmt::format("the image has sectors of {} bytes, its parent of {}",
                                 child.logical_sector_size, parent.logical_sector_size));
    }
    // In a VHD it is the file's own.
    const bool has_disk_id = child.format == ImageFormat::vhdx;
    if (has_disk_id && parent.virtual_disk_id != child.virtual_disk_id) {
        found.warn(
            FindingKind::parent, "Virtual Disk ID", std::nullopt,
            fmt::format("the image belongs to disk {}, its parent to disk {}",
                        child.virtual_disk_id.to_string(), parent.virtual_disk_id.to_string()));
    }
    if (parent.size_bytes != child.size_bytes) {
        found.note(FindingKind::parent, "Virtual Disk Size", std::nullopt,
                   fmt::format("the disk has {} bytes, and {} in its parent", child.size_bytes,
                               parent.size_bytes));
    }
}

Json to_json(const ImageCheck& check) {
    Json findings = Json::array();
    for (const Finding& finding : check.findings)
        findings.push_back(to_json(finding));
    return {{"file", check.file},
            {"format", check.format ? Json(to_string(*check.format)) : Json(nullptr)},
            {"result", check.verdict()},
            {"findings", std::move(findings)},
            {"finding_count", check.finding_count},
            {"blocks", check.blocks ? to_json(*check.blocks) : Json(nullptr)}};
}

std::string_view to_string(Severity severity) {
    switch (severity) {
        case Severity::note:
            return "note";
        case Severity::warning:
            return "warning";
        case Severity::incomplete:
            return "incomplete";
        case Severity::unsupported:
            return "unsupported";
        case Severity::damage:
            return "damage";
    }
    return "unknown";
}

std::string_view to_string(FindingKind kind) {
    switch (kind) {
        case FindingKind::structure:
            return "structure";
        case FindingKind::checksum:
            return "checksum";
        case FindingKind::overlap:
            return "overlap";
        case FindingKind::leak:
            return "leak";
        case FindingKind::soft_anchor:
            return "soft_anchor";
        case FindingKind::dirty_log:
            return "dirty_log";
        case FindingKind::copies_differ:
            return "copies_differ";
        case FindingKind::short_block:
            return "short_block";
        case FindingKind::stray_bits:
            return "stray_bits";
        case FindingKind::parent:
            return "parent";
    }
    return "unknown";
}

}  // namespace entrepot::disk
