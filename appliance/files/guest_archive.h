// A folder or a file of a guest as a tar or a zip, made while it is sent.
#pragma once

#include "appliance/files/archive_writer.h"
#include "appliance/files/folder_walk.h"
#include "appliance/files/guest_files.h"

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::files {

/// The last entry of an archive from which something is missing: what, and why.
inline constexpr std::string_view kNotRestoredName = "ENTREPOT-NOT-RESTORED.txt";

struct ArchiveLimits {
    std::uint64_t entry_count_max = 5'000'000;
    std::uint64_t content_bytes_max = 8 * kTiB;
    std::chrono::hours time_max{24};
};

inline constexpr std::size_t kArchiveNamesMax = 1000;

/// The names in "report.docx/pictures/notes.txt". Error{invalid} for what is no name, for one that
/// is there twice and for too many.
std::vector<std::string> archive_names_from(std::string_view list);

struct ArchiveReport {
    std::uint64_t file_count = 0;
    std::uint64_t link_count = 0;
    std::uint64_t content_bytes = 0;
    std::uint64_t not_restored_count = 0;
};

/// What the archive's one entry at the top is called: the folder's name, or "disk0-partition1".
std::string archive_top_name(const FilePlace& place);

struct ArchiveWish {
    FilePlace place;
    ArchiveFormat format = ArchiveFormat::tar;
    /// Only these of the folder at the place; none: all of it.
    std::vector<std::string> names{};
};

class GuestArchive {
public:
    /// What the whole archive is about is looked at here: errors as GuestFiles::status(). The
    /// clock outlives it.
    GuestArchive(Clock& clock, std::unique_ptr<DiskFiles> disk, const ArchiveWish& wish,
                 const ArchiveLimits& limits = {});
    GuestArchive(const GuestArchive&) = delete;
    GuestArchive& operator=(const GuestArchive&) = delete;
    ~GuestArchive();

    /// Gives the archive piece by piece, once. A file whose content cannot be read does not end
    /// it: that stands in its last entry, as does where a limit was reached. Throws what `sink`
    /// throws, Error{cancelled} on stop, and what is about more than one file; without its end an
    /// archive is broken, and every reader of its format says so.
    ArchiveReport write(const ArchiveSink& sink, const std::stop_token& stop);

private:
    class Collector;
    class Run;
    void choose(const std::vector<std::string>& names);
    Clock& clock_;
    std::unique_ptr<DiskFiles> disk_;
    FilePlace place_;
    ArchiveFormat format_;
    ArchiveLimits limits_;
    guest::FileEntry top_;
    std::vector<guest::FileEntry> chosen_;  ///< Empty: all that is in the folder.
};

}  // namespace entrepot::files
