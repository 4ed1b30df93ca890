// files get: files and folders of a guest, written below one folder here.
#include "appliance/ctl/command.h"
#include "appliance/ctl/files_archive.h"
#include "appliance/ctl/files_place.h"
#include "appliance/ctl/files_target.h"
#include "appliance/ctl/format.h"
#include "appliance/ctl/shown_progress.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <filesystem>

namespace entrepot::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFilesMax = 5'000'000;
/// Told one by one; more are counted.
constexpr std::size_t kSkippedToldMax = 10'000;
constexpr const char* kPageLimit = "1000";
/// With percent signs. An address may have 16 KiB (Poco::Net::HTTPRequest), its query included.
constexpr std::size_t kPathBytesMax = 12 * kKiB;

struct GetValues {
    std::string place;
    std::vector<std::string> paths;
    fs::path output = ".";
    std::string stream;
    std::string format;
    bool overwrites = false;
    Existing existing() const { return overwrites ? Existing::replace : Existing::keep; }
};

class Getter {
public:
    Getter(Context& context, FoundVolume volume, const GetValues& values)
        : context_(context),
          volume_(std::move(volume)),
          values_(values),
          progress_(context, "read"),
          work_(progress_.work()) {}

    void get(const std::string& path) {
        const Json status = context_.get(address("file"), {{"path", path}});
        const std::string shown = text_of(status, "path");
        if (text_of(status, "kind") == "folder") {
            const auto parts = guest::split_path(shown);
            const fs::path folder = parts.empty() ? values_.output
                                                  : ensure_folder(context_.world().file_system,
                                                                  values_.output, parts.back());
            get_folder(shown, folder, 0);
        } else {
            get_file(shown, status, values_.output);
        }
    }

    Json report() const {
        return {{"files", file_count_},
                {"bytes", byte_count_},
                {"output", fs::absolute(values_.output).string()},
                {"skipped", skipped_},
                {"skipped_count", skipped_count_}};
    }
    std::uint64_t skipped_count() const { return skipped_count_; }
    void clear_progress() { progress_.clear(); }

private:
    std::string address(const std::string& action) const {
        return volume_path(volume_.point, volume_.disk, volume_.volume, action);
    }

    void skip(const std::string& path, const std::string& reason) {
        ++skipped_count_;
        if (skipped_.size() < kSkippedToldMax) {
            skipped_.push_back({{"path", path}, {"reason", reason}});
        }
    }

    void get_file(const std::string& path, const Json& entry, const fs::path& folder) {
        work_.throw_if_stopped();
        check_length(path);
        if (const std::string refusal = text_of(entry, "refusal"); !refusal.empty()) {
            throw Error{ErrorCode::unsupported, fmt::format("{}: {}", path, refusal)};
        }
        if (text_of(entry, "kind") == "link") {
            throw Error{ErrorCode::unsupported,
                        fmt::format("{} is a link to {}: links are not followed", path,
                                    text_of(entry, "link_target"))};
        }
        if (text_of(entry, "kind") != "file") {
            throw Error{ErrorCode::unsupported, path + " is a device or a pipe: it has no content"};
        }
        std::string name = text_of(entry, "name");
        std::map<std::string, std::string> query{{"path", path}};
        if (!values_.stream.empty()) {
            query["stream"] = values_.stream;
            name += "-" + values_.stream;
        }
        TargetFile target{context_.world().file_system, context_.world().random, folder, name,
                          values_.existing()};
        fetch(path, query, target);
        target.commit();
        ++file_count_;
    }

    // An answer that breaks off is about this file; what cannot be written here is about all.
    void fetch(const std::string& path, const std::map<std::string, std::string>& query,
               TargetFile& target) {
        bool is_ours = false;
        const auto take = [&](std::string_view piece) {
            is_ours = true;
            work_.throw_if_stopped();
            target.append(as_bytes(piece));
            is_ours = false;
            byte_count_ += piece.size();
            work_.progress.report("reading", byte_count_, 0);
        };
        try {
            context_.download(address("content"), query, take);
        } catch (const Error& error) {
            if (is_ours || error.code() != ErrorCode::io) throw;
            throw Error{ErrorCode::corrupt, fmt::format("{}: {}", path, error.message()),
                        error.hint()};
        }
    }

    /// A daemon takes no longer address.
    static void check_length(const std::string& path) {
        if (api::encode_percent(path).size() <= kPathBytesMax) return;
        throw Error{ErrorCode::limit, path + ": the path is too long to be asked for"};
    }

    // What one file throws does not stop the others, unless it is about all of them.
    void try_entry(const std::string& path, const Json& entry, const fs::path& folder,
                   std::size_t depth) {
        try {
            if (text_of(entry, "kind") == "folder") {
                if (depth >= guest::limits::kPathDepthMax) {
                    return skip(path, "it lies too deep");
                }
                get_folder(
                    path,
                    ensure_folder(context_.world().file_system, folder, text_of(entry, "name")),
                    depth + 1);
            } else {
                get_file(path, entry, folder);
            }
        } catch (const Error& error) {
            switch (error.code()) {
                case ErrorCode::unsupported:
                case ErrorCode::corrupt:
                case ErrorCode::conflict:
                case ErrorCode::already_exists:
                case ErrorCode::invalid:
                case ErrorCode::limit:
                    return skip(path, error.what());
                default:
                    throw;
            }
        }
    }

    void get_folder(const std::string& path, const fs::path& folder, std::size_t depth) {
        check_length(path);
        std::map<std::string, std::string> query{{"path", path}, {"limit", kPageLimit}};
        for (;;) {
            const Json page = context_.get(address("files"), query);
            for (const Json& entry : list_of(page, "files")) {
                if (++seen_count_ > kFilesMax) {
                    throw Error{ErrorCode::limit,
                                fmt::format("there are more than {} files", kFilesMax),
                                "get folder by folder"};
                }
                const std::string child = (path == "/" ? "" : path) + "/" + text_of(entry, "name");
                try_entry(child, entry, folder, depth);
            }
            const std::string next = text_of(page, "next_cursor");
            if (next.empty()) return;
            query["cursor"] = next;
        }
    }

    Context& context_;
    FoundVolume volume_;
    const GetValues& values_;
    ShownProgress progress_;
    Work work_;
    Json skipped_ = Json::array();
    std::uint64_t skipped_count_ = 0;
    std::uint64_t file_count_ = 0;
    std::uint64_t byte_count_ = 0;
    std::size_t seen_count_ = 0;
};

void print_taken(std::ostream& out, const Json& report) {
    out << fmt::format("{} with {} in {}\n", plural(number_of(report, "files"), "file"),
                       size_of(report, "bytes"), printable(text_of(report, "output")));
    for (const Json& skipped : list_of(report, "skipped")) {
        out << fmt::format("skipped {}: {}\n", printable(text_of(skipped, "path")),
                           printable(text_of(skipped, "reason")));
    }
}

ExitStatus get(Context& context, const GetValues& values) {
    if (!values.stream.empty() && values.paths.size() != 1) {
        throw Error{ErrorCode::usage, "--stream goes with one file"};
    }
    if (!values.stream.empty() && !values.format.empty()) {
        throw Error{ErrorCode::usage, "a stream goes into no archive: leave --format away"};
    }
    const FoundVolume volume = find_volume(context, parse_files_place(values.place));
    if (!values.format.empty()) {
        return get_archives(
            context, {volume, values.paths, values.format, values.output, values.existing()});
    }
    context.world().file_system.make_directories(values.output);
    Getter getter{context, volume, values};
    for (const std::string& path : values.paths)
        getter.get(path);
    getter.clear_progress();
    const Json report = getter.report();
    context.show(report, [&](std::ostream& out) { print_taken(out, report); });
    return getter.skipped_count() == 0 ? ExitStatus::done : ExitStatus::partly;
}

}  // namespace

void add_files_get_command(CLI::App& group, Action& chosen) {
    add_command<GetValues>(
        group, chosen, "get", "Write files and folders of a guest into a folder here",
        [](CLI::App& command, GetValues& values) {
            command
                .add_option("PLACE", values.place,
                            "POINT[:DISK[:PARTITION]]; disk and partition where there is a choice")
                ->required();
            command
                .add_option("PATH", values.paths,
                            "As files list shows it: /folder/file; / is everything")
                ->required();
            command.add_option("-o,--output", values.output, "Where to (default: here)")
                ->type_name("DIR");
            command.add_option("--stream", values.stream,
                               "A stream beside the content, as NTFS has them");
            command
                .add_option("--format", values.format,
                            "One archive for each PATH instead of the files themselves")
                ->check(CLI::IsMember({"tar", "zip"}));
            command.add_flag("--overwrite", values.overwrites, "Replace files that are there");
        },
        get);
}

}  // namespace entrepot::ctl
