// The appliance makes the archive; here it becomes a file, or no file.
#include "appliance/ctl/files_archive.h"

#include "appliance/ctl/format.h"
#include "appliance/ctl/shown_progress.h"
#include "storage/guest_model/name.h"

#include "base/error.h"
#include "base/table.h"

#include <fmt/format.h>

#include <charconv>

namespace entrepot::ctl {
namespace {

constexpr const char* kNotRestoredField = "entrepot-not-restored";

std::string file_name(const FoundVolume& volume, const std::string& path,
                      const std::string& format) {
    const auto parts = guest::split_path(path);
    const std::string name = parts.empty()
                                 ? fmt::format("disk{}-partition{}", volume.disk, volume.volume)
                                 : parts.back();
    return name + "." + format;
}

// The answer's last word; without it nobody knows whether all is there.
std::uint64_t not_restored_count(const std::map<std::string, std::string>& fields) {
    const auto field = fields.find(kNotRestoredField);
    std::uint64_t count = 0;
    if (field != fields.end()) {
        const char* end = field->second.data() + field->second.size();
        const auto result = std::from_chars(field->second.data(), end, count);
        if (result.ec == std::errc{} && result.ptr == end) return count;
    }
    throw Error{ErrorCode::protocol, "the appliance does not say whether the archive is whole",
                "are entrepot and entrepotd of one version?"};
}

Json get_archive(Context& context, const ArchiveRequest& request, const std::string& path) {
    ShownProgress progress{context, "read"};
    const Work work = progress.work();
    TargetFile target{context.world().file_system, context.world().random, request.output,
                      file_name(request.volume, path, request.format), request.existing};
    std::uint64_t size = 0;
    const auto take = [&](std::string_view piece) {
        work.throw_if_stopped();
        target.append(as_bytes(piece));
        size += piece.size();
        work.progress.report("reading", size, 0);
    };
    const auto fields = context.download(
        volume_path(request.volume.point, request.volume.disk, request.volume.volume, "archive"),
        {{"path", path}, {"format", request.format}}, take);
    const std::uint64_t missing_count = not_restored_count(fields);
    target.commit();
    progress.clear();
    return {{"path", path},
            {"file", std::filesystem::absolute(target.path()).string()},
            {"bytes", size},
            {"not_restored_count", missing_count}};
}

void print_archive(std::ostream& out, const Json& archive) {
    out << fmt::format("{}, {}\n", printable(text_of(archive, "file")), size_of(archive, "bytes"));
    const std::uint64_t count = number_of(archive, "not_restored_count");
    if (count == 0) return;
    out << fmt::format("{} not in it, or not whole: ENTREPOT-NOT-RESTORED.txt in it says why\n",
                       plural(count, "file"));
}

}  // namespace

ExitStatus get_archives(Context& context, const ArchiveRequest& request) {
    context.world().file_system.make_directories(request.output);
    Json archives = Json::array();
    bool is_all_there = true;
    for (const std::string& path : request.paths) {
        archives.push_back(get_archive(context, request, path));
        is_all_there = is_all_there && number_of(archives.back(), "not_restored_count") == 0;
    }
    context.show({{"archives", archives}}, [&](std::ostream& out) {
        for (const Json& archive : archives)
            print_archive(out, archive);
    });
    return is_all_there ? ExitStatus::done : ExitStatus::partly;
}

}  // namespace entrepot::ctl
