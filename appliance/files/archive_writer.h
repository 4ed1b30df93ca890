// An archive as it is written: from its beginning to its end, with nothing to go back to.
#pragma once

#include "appliance/files/archive_name.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace entrepot::files {

/// One entry. The name has "/" between its parts and none at its ends, and was not given before.
struct ArchiveEntry {
    std::string name;
    std::optional<WallTime> modified{};
    std::uint64_t size_bytes = 0;  ///< Of files.
    std::string link_target{};     ///< Of links.
};

/// Where the archive goes; what it throws ends the archive.
using ArchiveSink = std::function<void(ByteView)>;

class ArchiveWriter {
public:
    virtual ~ArchiveWriter() = default;
    /// True if the format's table of contents would get too large with one more.
    virtual bool is_full() const = 0;
    virtual void add_folder(const ArchiveEntry& entry) = 0;
    /// False: add_link() must not be called.
    virtual bool takes_links() const = 0;
    virtual void add_link(const ArchiveEntry& entry) = 0;
    /// Then append() exactly its size, and end_file().
    virtual void begin_file(const ArchiveEntry& entry) = 0;
    virtual void append(ByteView content) = 0;
    virtual void end_file() = 0;
    /// Instead of end_file(), where the rest of the content cannot be had: an unpacker calls the
    /// file damaged, or its end says what it is; zeros it has none in place of content.
    virtual void break_file() = 0;
    virtual void finish() = 0;
};

std::unique_ptr<ArchiveWriter> make_tar_writer(ArchiveSink sink);
/// Keeps some bytes of each entry in memory, up to 64 MiB.
std::unique_ptr<ArchiveWriter> make_zip_writer(ArchiveSink sink);

}  // namespace entrepot::files
