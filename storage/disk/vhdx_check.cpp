// The file identifier, both headers and the log; then the tables, as the log leaves them.
#include "storage/disk/vhdx_check.h"

#include "storage/disk/structure_findings.h"
#include "storage/disk/vhdx_anatomy.h"
#include "storage/disk/vhdx_log.h"

#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace entrepot::disk::vhdx {
namespace {

constexpr std::size_t kHeaderFieldBytes = 80;  // What follows is reserved.
constexpr std::uint64_t kSequenceNumberOffset = 8;
constexpr std::uint64_t kLogGuidOffset = 48;
constexpr std::uint64_t kLogVersionOffset = 64;
constexpr std::uint64_t kVersionOffset = 66;
constexpr std::uint64_t kLogLengthOffset = 68;

using Copies = std::array<HeaderCopy, 2>;

void check_copy(const HeaderCopy& copy, int number, bool has_other, StructureFindings& found) {
    if (copy.header) {
        const ByteView reserved = ByteView{copy.bytes}.subspan(kHeaderFieldBytes);
        if (!is_zero(reserved)) {
            found.warn(
                FindingKind::structure, "Reserved", copy.offset + kHeaderFieldBytes,
                fmt::format("copy {} has bytes that are not zero behind its fields", number));
        }
        return;
    }
    // A power failure tears one copy; that is what the other is for.
    const Severity severity = has_other ? Severity::warning : Severity::damage;
    if (!copy.has_signature) {
        found.add(severity, FindingKind::checksum, "Signature", copy.offset,
                  fmt::format("copy {} does not begin with \"head\"", number));
    } else {
        found.add(severity, FindingKind::checksum, "Checksum", copy.offset + kChecksumFieldOffset,
                  fmt::format("copy {} has the checksum {:#010x}, which does not fit its bytes",
                              number, load_u32(copy.bytes, kChecksumFieldOffset)));
    }
}

const HeaderCopy* choose_copy(const Copies& copies, StructureFindings& found) {
    const auto& [first, second] = copies;
    check_copy(first, 1, second.header.has_value(), found);
    check_copy(second, 2, first.header.has_value(), found);
    if (!first.header || !second.header) {
        return first.header ? &first : second.header ? &second : nullptr;
    }
    const std::uint64_t a = first.header->sequence_number;
    const std::uint64_t b = second.header->sequence_number;
    if (a != b) return a > b ? &first : &second;
    const bool is_same = first.bytes == second.bytes;
    found.add(
        is_same ? Severity::note : Severity::damage, FindingKind::copies_differ, "SequenceNumber",
        second.offset + kSequenceNumberOffset,
        is_same ? fmt::format("both copies have the number {} and are identical", a)
                : fmt::format("both copies have the number {} and differ, so none is current", a));
    return &first;
}

/// False if the rest of the file cannot be understood.
bool check_current(const HeaderCopy& copy, StructureFindings& found) {
    const Header& header = *copy.header;
    if (header.version != kVersion) {
        found.add(Severity::unsupported, FindingKind::structure, "Version",
                  copy.offset + kVersionOffset,
                  fmt::format("version {} is not supported, only {}", header.version, kVersion));
        return false;
    }
    if (header.log_version == 0) return true;
    const bool counts = !header.log_guid.is_null();
    found.add(counts ? Severity::unsupported : Severity::warning, FindingKind::structure,
              "LogVersion", copy.offset + kLogVersionOffset,
              fmt::format("log version {} is not supported, only 0", header.log_version));
    return true;
}

/// The file as a replay of its log leaves it; a log that cannot be replayed leaves it as it is.
/// Nullopt for a log that we do not understand: nobody knows then what the tables should say.
std::optional<ImageView> check_log(const File& file, const HeaderCopy& copy, const FileRange& log,
                                   ImageCheck& check) {
    StructureFindings found{check, "log"};
    const Header& header = *copy.header;
    if (header.log_guid.is_null() || log.length == 0) return ImageView{file, {}, file.size()};
    if (header.log_version != 0) return std::nullopt;  // Told where the header was checked.
    const LogSurvey survey =
        found.ask_reader(log.offset, [&] { return survey_log(file, log, header.log_guid); })
            .value_or(LogSurvey{});
    if (survey.torn_count > 0) {
        found.note(FindingKind::checksum, "Checksum", log.offset,
                   fmt::format("{} of {} entries with this LogGuid are torn or not valid",
                               survey.torn_count, survey.torn_count + survey.valid_count));
    }
    auto replay =
        found.ask_reader(log.offset, [&] { return replay_log(file, log, header.log_guid); });
    if (!replay && found.worst() == Severity::unsupported) return std::nullopt;
    if (!replay) {
        found.damage(FindingKind::dirty_log, "LogGuid", copy.offset + kLogGuidOffset,
                     fmt::format("the log {} is to be replayed and cannot be; what follows is as "
                                 "the file stands",
                                 header.log_guid.to_string()));
        return ImageView{file, {}, file.size()};
    }
    found.warn(FindingKind::dirty_log, "LogGuid", copy.offset + kLogGuidOffset,
               fmt::format("the log {} is to be replayed: {} of {} valid entries are active; what "
                           "follows is as they leave the file",
                           header.log_guid.to_string(), replay->entry_count, survey.valid_count));
    return ImageView{file, std::move(replay->overlay), replay->file_size_bytes};
}

void check_tables(const ImageView& view, const FileRange& log, const Work& work,
                  ImageCheck& check) {
    const auto regions = check_region_tables(view, log, check);
    if (!regions) return;
    const auto metadata = check_metadata(view, regions->metadata, check);
    if (metadata) check_blocks(view, *regions, *metadata, work, check);
}

void check_still_same(const File& file, const Copies& before, std::uint64_t size,
                      ImageCheck& check) {
    StructureFindings found{check, "file"};
    const Copies now = read_header_copies(file);
    const bool is_same = now[0].bytes == before[0].bytes && now[1].bytes == before[1].bytes;
    if (is_same && file.size() == size) return;
    found.damage(FindingKind::copies_differ, "", std::nullopt,
                 fmt::format("the image changed while it was checked: {} bytes are now {}", size,
                             file.size()));
}

}  // namespace

void check_vhdx(const File& file, const Work& work, ImageCheck& check) {
    const std::uint64_t size = file.size();
    StructureFindings identifier{check, "file identifier"};
    const auto creator = identifier.ask_reader(0, [&] { return read_file_identifier(file); });
    if (!creator) return;

    StructureFindings found{check, "header"};
    const Copies copies = read_header_copies(file);
    const HeaderCopy* current = choose_copy(copies, found);
    if (current == nullptr || !check_current(*current, found)) return;
    const auto log = found.ask_reader(current->offset + kLogLengthOffset,
                                      [&] { return checked_log_range(*current->header, size); });
    const auto view = check_log(file, *current, log.value_or(FileRange{}), check);
    if (view) check_tables(*view, log.value_or(FileRange{}), work, check);
    check_still_same(file, copies, size, check);
}

}  // namespace entrepot::disk::vhdx
