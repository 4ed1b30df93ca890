// One export in backup mode: the tree of hyperv-wmi.md section 7, with every variation by seed.
#pragma once

#include "tests/hostsim/disk/share_target.h"
#include "tests/hostsim/disk/vhdx_writer.h"
#include "tests/hostsim/host/held_files.h"
#include "tests/hostsim/host/job_runner.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::hostsim {

struct ExportOrder {
    std::string vm_id;
    std::string vm_name;
    std::string snapshot_id;
    std::string directory;     ///< UNC, as it was asked for.
    std::string base_point;    ///< Empty for a full.
    std::string stale_answer;  ///< Of a base that is no good any more: an HRESULT, or "full".
    bool has_subdirectory = false;
    bool copies_storage = true;
    bool names_base = false;          ///< BackupIntent 1: the .vmcx names the base's file.
    std::vector<int> excluded_disks;  ///< By number.
};

/// Carries out the order. Throws JobFailure; what was written until then stays.
void run_export(JobContext& job, const ExportOrder& order);

/// Writes the images of one disk. Lives for one export.
class DiskExporter {
public:
    struct Plan {
        bool is_complete = true;
        bool parent_is_leaf = false;
        bool has_leaf = false;
        bool is_upper_case = false;
        bool has_wrong_linkage = false;
        bool is_incomplete = false;
        unsigned locator_form = 0;
        std::uint32_t block_size = 0;
        ImageVariety variety;
        std::optional<Guid> foreign_linkage;
        std::vector<ByteRange> extra_ranges;
        std::optional<ByteRange> omitted;  ///< Left out of a differential, as if not written.
    };
    DiskExporter(JobContext& job, ShareTarget& target, std::string folder, const FrozenDisk& frozen,
                 const TrackedDisk* base, std::string base_name, Random& random,
                 OnWritten on_written);

    /// Returns what the next differential needs to know.
    ExportedImages write(const Plan& plan);
    /// Of the content that a restore must give.
    std::string digest() const;
    /// Bytes of every file written: name and length.
    const std::vector<std::pair<std::string, std::uint64_t>>& files() const { return files_; }

private:
    Guid write_base(const Plan& plan, const std::string& name);
    void close_image(std::unique_ptr<TargetFile> file, LateContent some);
    void write_leaf(const Plan& plan, ExportedImages& images);
    ParentLocator make_locator(const Plan& plan, const std::string& parent_name,
                               const Guid& parent_guid) const;
    std::vector<ByteRange> changed_ranges(const Plan& plan) const;
    std::string image_name(bool is_child, const Plan& plan) const;
    void write_image(const std::string& name, const ImageGeometry& geometry,
                     const ImageVariety& variety, const DiskContent& content,
                     const std::vector<ByteRange>* ranges);

    JobContext& job_;
    ShareTarget& target_;
    std::string folder_;
    const FrozenDisk& frozen_;
    const TrackedDisk* base_;
    std::string base_name_;
    Random& random_;
    OnWritten on_written_;
    RawContent content_;
    std::vector<std::pair<std::string, std::uint64_t>> files_;
};

}  // namespace entrepot::hostsim
