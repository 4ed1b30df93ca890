// Where files of a guest are written to: below one folder, and nowhere else.
#pragma once

#include "base/bytes.h"
#include "base/file_system.h"
#include "base/random.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace entrepot::ctl {

enum class Existing { keep, replace };

/// A file that appears under its name whole or not at all. Zeros become holes.
class TargetFile {
public:
    /// Error{already_exists} for what is there and is not to be replaced, Error{invalid} for a name
    /// that cannot be one here.
    TargetFile(FileSystem& file_system, Random& random, const std::filesystem::path& folder,
               const std::string& name, Existing existing);
    TargetFile(const TargetFile&) = delete;
    TargetFile& operator=(const TargetFile&) = delete;
    ~TargetFile();  ///< Removes what was not committed.

    void append(ByteView data);
    /// Error{already_exists} where somebody else made it meanwhile, and it is not to be replaced.
    void commit();
    const std::filesystem::path& path() const { return target_; }

private:
    FileSystem& file_system_;
    Existing existing_;
    std::filesystem::path target_;
    std::filesystem::path temporary_;
    std::unique_ptr<File> file_;
    std::uint64_t end_ = 0;
    bool is_committed_ = false;
};

/// The folder of that name in another, made if it is not there. Error{invalid} for a name that
/// cannot be one here, and for a link or a file in its place: what a guest has never leads us out.
std::filesystem::path ensure_folder(FileSystem& file_system, const std::filesystem::path& parent,
                                    const std::string& name);

}  // namespace entrepot::ctl
