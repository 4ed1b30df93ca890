// Write, check by the rules, read by everybody; then convert once more and read again.
#include "tests/property/case.h"

#include "tests/property/known_faults.h"
#include "tests/property/log_maker.h"
#include "tests/property/vhd_rules.h"
#include "tests/property/vhdx_rules.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::property {
namespace {

/// So that a change of what is drawn for the writers does not change the operations.
constexpr std::uint64_t kWriterStream = 0x5DEECE66DULL;

/// 7-Zip gives whole disks only.
constexpr std::uint64_t kStreamBytesMax = 512 * kMiB;

Finding read_with(Reader reader, const Subject& subject, Chance& chance, Statistics& statistics) {
    switch (reader) {
        case Reader::ours:
            return read_with_ours(subject, chance);
        case Reader::qemu:
            return read_with_qemu(subject);
        case Reader::libvhdi:
            return read_with_libvhdi(subject, chance, statistics.misread);
        case Reader::seven_zip:
            return read_with_seven_zip(subject);
    }
    return std::nullopt;
}

Finding judge(const Subject& subject, const std::set<Reader>& asked, Chance& chance,
              Statistics& statistics) {
    for (const Reader reader : asked) {
        const std::string name{to_string(reader)};
        if (const KnownRefusal* refusal = find_known_refusal(reader, subject)) {
            ++statistics
                  .not_asked[fmt::format("{}, {}: {}", name, refusal->where, refusal->reason)];
            continue;
        }
        if (reader == Reader::seven_zip && subject.model().size_bytes() > kStreamBytesMax) {
            ++statistics.not_asked[name + ", disk over 512 MiB"];
            continue;
        }
        Finding finding;
        try {
            finding = read_with(reader, subject, chance, statistics);
        } catch (const Error& error) {
            finding = error.what();
        }
        ++statistics.read[subject.leaf().is_log_dirty ? name + ", a dirty log" : name];
        if (!finding) continue;
        return fmt::format("{} reads {} (written by {}): {}", name,
                           subject.leaf().path.filename().string(),
                           to_string(subject.leaf().writer), *finding);
    }
    return std::nullopt;
}

std::vector<std::string> broken_rules_of(const Subject& subject) {
    const Image& image = subject.leaf();
    if (format_of(image.writer) == Format::vhd) {
        return find_broken_vhd_rules(image.path, image.model.size_bytes());
    }
    ExpectedVhdx expected{image.model.size_bytes(), image.model.sector_size(), {}};
    if (is_differencing(image.writer)) {
        expected.parent = subject.images[subject.images.size() - 2].path;
    }
    return find_broken_rules(image.path, expected);
}

/// What Windows demands of images like ours. qemu's own files do not keep all rules.
Finding check_rules(const Subject& subject, Statistics& statistics) {
    const Writer writer = subject.leaf().writer;
    const bool is_judged = is_ours(writer) || is_hostsim(writer) || writer == Writer::maker_vhd;
    const bool is_image = subject.format() == Format::vhdx || subject.format() == Format::vhd;
    if (!is_judged || !is_image) return std::nullopt;
    ++statistics.rules_checked;
    const auto broken = broken_rules_of(subject);
    if (broken.empty()) return std::nullopt;
    return fmt::format("{} (written by {}) breaks the specification: {}",
                       subject.leaf().path.filename().string(), to_string(writer),
                       fmt::join(broken, "; "));
}

}  // namespace

Finding run_case(const Sequence& sequence, const std::set<Reader>& asked,
                 const std::filesystem::path& directory, Statistics& statistics) {
    Chance chance{sequence.seed ^ kWriterStream};
    Subject subject{{}, sequence.seed};
    try {
        for (std::size_t number = 0; number < sequence.layers.size(); ++number) {
            add_image(subject, sequence, number, directory, chance);
            ++statistics.written[std::string{to_string(subject.leaf().writer)}];
            if (auto finding = check_rules(subject, statistics)) return finding;
        }
        if (sequence.has_dirty_log) {
            Image& leaf = subject.images.back();
            leaf.is_log_dirty = true;
            leaf.needs_log_tail = make_log_dirty(leaf.path, chance).needs_tail;
            ++statistics.written["dirty logs"];
        }
        if (auto finding = judge(subject, asked, chance, statistics)) return finding;
        if (!sequence.is_flattened) return std::nullopt;

        const std::filesystem::path target =
            directory / fmt::format("flat.{}", to_string(format_of(sequence.flat_writer)));
        convert_ours(subject, sequence.flat_writer, sequence.layers.back().block_size_bytes, target,
                     chance);
        ++statistics.written[std::string{to_string(sequence.flat_writer)}];
        const Subject flat{{{target, sequence.flat_writer, subject.model()}}, sequence.seed};
        if (auto finding = check_rules(flat, statistics)) return finding;
        return judge(flat, asked, chance, statistics);
    } catch (const Error& error) {
        return fmt::format("writing: {}", error.what());
    }
}

}  // namespace entrepot::property
