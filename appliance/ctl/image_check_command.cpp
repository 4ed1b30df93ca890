// image check: an image and its parents, each file by itself and each pair.
#include "appliance/ctl/image_check_command.h"

#include "appliance/ctl/format.h"
#include "appliance/ctl/image_chain_files.h"
#include "appliance/ctl/image_options.h"
#include "appliance/ctl/shown_progress.h"

#include "storage/disk/image_check.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace entrepot::ctl {
namespace {

using Image = std::shared_ptr<const disk::DiskImage>;

class ChainCheck {
public:
    ChainCheck(FileSystem& file_system, const Work& work)
        : file_system_(file_system), work_(work), search_(file_system) {}

    void run(const NamedImage& image) {
        Image child = check_file(image.path);
        std::vector<Image> given;
        for (const auto& path : image.parents)
            given.push_back(check_file(path));
        std::erase(given, nullptr);
        std::size_t child_index = 0;
        std::size_t depth = 1;
        while (child && child->info().type == disk::ImageType::differencing) {
            seen_.push_back(child->file().identity());
            Image parent = find_parent(given, *child);
            if (!parent) return add_missing(child_index, *child);
            if (is_seen(*parent)) return add_cycle(child_index, *parent);
            if (++depth > disk::kChainDepthMax) return add_too_deep(child_index);
            disk::check_parent(child->info(), parent->info(), checks_[child_index]);
            child_index = index_of(*parent);
            child = std::move(parent);
        }
        is_complete_ = child != nullptr;
    }

    const std::vector<disk::ImageCheck>& checks() const { return checks_; }
    bool is_complete() const { return is_complete_; }
    disk::Severity worst() const {
        disk::Severity worst = disk::Severity::note;
        for (const auto& check : checks_)
            worst = std::max(worst, check.worst);
        return worst;
    }

private:
    /// The open image, or nullptr where a reader refuses it; the check says why.
    Image check_file(const std::filesystem::path& path) {
        const auto file = file_system_.open_read(path);
        checks_.push_back(disk::check_image(*file, work_));
        try {
            return disk::open_any(file_system_.open_read(path));
        } catch (const Error& error) {
            if (error.code() == ErrorCode::io) throw;
            add_refusal(checks_.back(), error);
            return nullptr;
        }
    }

    /// A check is never milder than a reader.
    static void add_refusal(disk::ImageCheck& check, const Error& error) {
        if (check.worst >= disk::Severity::incomplete) return;
        const bool is_damage = error.code() == ErrorCode::corrupt;
        check.add({is_damage ? disk::Severity::damage : disk::Severity::unsupported,
                   disk::FindingKind::structure, "file", "", std::nullopt, error.message()});
    }

    bool is_seen(const disk::DiskImage& image) const {
        return std::find(seen_.begin(), seen_.end(), image.file().identity()) != seen_.end();
    }

    /// The one given that the child names, else one beside it, else the nearest given: what does
    /// not fit is then told.
    Image find_parent(std::vector<Image>& given, const disk::DiskImage& child) {
        auto chosen = std::find_if(given.begin(), given.end(), [&](const Image& candidate) {
            return disk::is_parent_of(candidate->info(), child.info());
        });
        if (chosen == given.end()) {
            const Image beside = search_.find_beside(child);
            if (beside) return is_seen(*beside) ? beside : check_file(beside->file().path());
            chosen = given.begin();
        }
        if (chosen == given.end()) return nullptr;
        Image taken = *chosen;
        given.erase(chosen);
        return taken;
    }

    std::size_t index_of(const disk::DiskImage& image) const {
        const std::string path = image.file().path().string();
        const auto found = std::find_if(checks_.begin(), checks_.end(),
                                        [&](const auto& check) { return check.file == path; });
        return static_cast<std::size_t>(found - checks_.begin());
    }

    void add_missing(std::size_t index, const disk::DiskImage& child) {
        checks_[index].add({disk::Severity::incomplete, disk::FindingKind::parent, "parent locator",
                            "parent_linkage", std::nullopt,
                            explain_missing_parent(file_system_, child).what()});
    }

    void add_cycle(std::size_t index, const disk::DiskImage& parent) {
        checks_[index].add({disk::Severity::damage, disk::FindingKind::parent, "parent locator",
                            "parent_linkage", std::nullopt,
                            fmt::format("the parent that it names, {}, is its own descendant",
                                        parent.file().path().string())});
    }

    void add_too_deep(std::size_t index) {
        checks_[index].add(
            {disk::Severity::unsupported, disk::FindingKind::parent, "parent locator", "",
             std::nullopt, fmt::format("the chain has more than {} layers", disk::kChainDepthMax)});
    }

    FileSystem& file_system_;
    const Work& work_;
    ParentSearch search_;
    std::vector<disk::ImageCheck> checks_;
    std::vector<FileIdentity> seen_;
    bool is_complete_ = false;
};

ExitStatus status_of(disk::Severity worst) {
    switch (worst) {
        case disk::Severity::note:
        case disk::Severity::warning:
            return ExitStatus::done;
        case disk::Severity::incomplete:
        case disk::Severity::unsupported:
            return ExitStatus::failed;
        case disk::Severity::damage:
            return ExitStatus::damaged;
    }
    return ExitStatus::failed;
}

Json document_of(const ChainCheck& chain) {
    Json layers = Json::array();
    Json findings = Json::array();
    std::uint64_t count = 0;
    disk::ImageCheck whole;
    whole.worst = chain.worst();
    for (const auto& check : chain.checks()) {
        Json layer = to_json(check);
        for (Json& finding : layer.at("findings")) {
            finding["file"] = check.file;
            findings.push_back(std::move(finding));
        }
        layer.erase("findings");
        count += check.finding_count;
        layers.push_back(std::move(layer));
    }
    return {{"result", whole.verdict()},
            {"complete", chain.is_complete()},
            {"findings", std::move(findings)},
            {"finding_count", count},
            {"layers", std::move(layers)}};
}

void print_check(const disk::ImageCheck& check, std::ostream& out) {
    out << printable(check.file) << ": " << check.verdict() << "\n";
    for (const auto& finding : check.findings) {
        std::string place = finding.structure;
        if (!finding.field.empty() && finding.field != finding.structure) {
            place += " " + finding.field;
        }
        if (finding.offset) place += fmt::format(" at {}", *finding.offset);
        out << fmt::format("  {}: {}: {}\n", to_string(finding.severity), place,
                           printable(finding.message));
    }
    if (check.finding_count > check.findings.size()) {
        out << fmt::format("  and {} more\n", check.finding_count - check.findings.size());
    }
}

ExitStatus check(Context& context, const NamedImage& image) {
    ShownProgress progress{context, "check"};
    const Work work = progress.work();
    ChainCheck chain{context.world().file_system, work};
    chain.run(image);
    progress.clear();
    context.show(document_of(chain), [&](std::ostream& out) {
        for (const auto& check : chain.checks())
            print_check(check, out);
    });
    return status_of(chain.worst());
}

}  // namespace

void add_image_check_command(CLI::App& group, Action& chosen) {
    add_command<NamedImage>(
        group, chosen, "check",
        "Check structures, checksums, tables, log and file space; exit status 4: damaged",
        declare_image, check);
}

}  // namespace entrepot::ctl
