// The index of a million names: how long it takes to make, its size, and how long a search takes.
//   bench_file_search DIR [NAMES]     DIR is made, and left there
#include "appliance/search/file_search.h"
#include "appliance/search/index_builder.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/random.h"

#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace entrepot::search {
namespace {

constexpr std::uint64_t kNamesPerFolder = 500;
constexpr std::uint64_t kFoldersPerFolder = 40;
constexpr std::array<std::string_view, 8> kWords{"report", "invoice", "Übersicht", "photo",
                                                 "backup", "config",  "отчёт",     "library"};
constexpr std::array<std::string_view, 4> kEndings{"docx", "dll", "jpg", "txt"};

double seconds_since(SteadyTime begin, Clock& clock) {
    return std::chrono::duration<double>(clock.steady_now() - begin).count();
}

long peak_mib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

std::string name_of(std::uint64_t number) {
    const std::uint64_t mixed = number * 0x9E3779B97F4A7C15ULL;
    return fmt::format("{:03} {} {:08x}.{}", number % kNamesPerFolder, kWords[mixed >> 61U],
                       mixed >> 20U & 0xFFFFFFFF, kEndings[mixed >> 5U & 3U]);
}

/// Folders of folders of files, made up as they are asked for.
class MadeUpDisk final : public files::DiskFiles {
public:
    explicit MadeUpDisk(std::uint64_t name_count) : name_count_(name_count) {}

    guest::VolumeTable volumes() override {
        guest::Volume volume;
        volume.number = 1;
        volume.content = guest::VolumeContent::ntfs;
        return {"gpt", {volume}, {}};
    }

    guest::FolderPage list(std::uint32_t, const std::string& path,
                           const guest::PageRequest& page) override {
        const std::uint64_t folder_count = name_count_ / kNamesPerFolder;
        const auto depth = std::count(path.begin(), path.end(), '/') - (path == "/" ? 1 : 0);
        guest::FolderPage result;
        if (!page.after.empty()) return result;
        if (depth == 0) {
            for (std::uint64_t i = 0; i * kFoldersPerFolder < folder_count; ++i)
                add_folder(result, fmt::format("user {:05}", i));
        } else if (depth == 1) {
            for (std::uint64_t i = 0; i < kFoldersPerFolder; ++i)
                add_folder(result, fmt::format("folder {:02}", i));
        } else {
            const std::uint64_t user = std::strtoull(path.c_str() + 6, nullptr, 10);
            const std::uint64_t folder = std::strtoull(path.c_str() + 19, nullptr, 10);
            const std::uint64_t first = (user * kFoldersPerFolder + folder) * kNamesPerFolder;
            for (std::uint64_t i = 0; i < kNamesPerFolder; ++i)
                add_file(result, first + i);
        }
        return result;
    }

    guest::FileStatus status(std::uint32_t, const std::string&) override { return {}; }
    Bytes read(std::uint32_t, const std::string&, const std::string&,
               const guest::DiskRange&) override {
        return {};
    }

private:
    static void add_folder(guest::FolderPage& page, std::string name) {
        guest::FileEntry entry;
        entry.name = std::move(name);
        entry.kind = guest::FileKind::folder;
        page.entries.push_back(std::move(entry));
    }

    static void add_file(guest::FolderPage& page, std::uint64_t number) {
        guest::FileEntry entry;
        entry.name = name_of(number);
        entry.kind = guest::FileKind::file;
        entry.size_bytes = number * 7919 % 10'000'000;
        entry.modified = WallTime{std::chrono::seconds{1'600'000'000 + number * 6151 % 90'000'000}};
        page.entries.push_back(std::move(entry));
    }

    std::uint64_t name_count_;
};

void search_for(IndexStore& store, Clock& clock, const repository::PointSummary& point,
                const std::string& name) {
    SearchQuery query;
    query.name = name;
    query.points = {point};
    query.time_max = std::chrono::seconds{60};
    const SteadyTime begin = clock.steady_now();
    const SearchPage page = search(store, clock, query);
    fmt::print("{:<34} {:>4} found {:8.3f} s\n", name, page.files.size(),
               seconds_since(begin, clock));
}

void run(const std::filesystem::path& directory, std::uint64_t name_count) {
    PosixFileSystem file_system;
    SystemRandom random;
    SystemClock clock;
    NullProgress progress;
    IndexStore store{file_system, random, directory, [] { return Secret{"a key of the bench"}; }};
    repository::PointSummary point;
    point.id = "0123456789abcdef";
    point.disks.resize(1);
    const SteadyTime begin = clock.steady_now();
    IndexBuilder builder{store, clock, [&](const repository::DiskSummary&) {
                             return std::make_unique<MadeUpDisk>(name_count);
                         }};
    const PointIndex index = builder.build(point, {progress, {}});
    std::uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory})
        if (entry.is_regular_file()) bytes += entry.file_size();
    fmt::print("{} names, made in {:.1f} s without reading disks; {} ({:.1f} bytes a name)\n",
               index.file_count, seconds_since(begin, clock), format_size(bytes),
               static_cast<double>(bytes) / static_cast<double>(index.file_count));
    search_for(store, clock, point, name_of(name_count - 7));
    search_for(store, clock, point, "nothing has this name");
    search_for(store, clock, point, "ОТЧЁТ ffff");
    search_for(store, clock, point, "*invoice*00.txt");
    search_for(store, clock, point, "report");
    fmt::print("peak memory {} MiB\n", peak_mib());
}

}  // namespace
}  // namespace entrepot::search

int main(int count, char** arguments) {
    constexpr std::uint64_t kNamesDefault = 1'000'000;
    if (count < 2) {
        std::fputs("usage: bench_file_search DIR [NAMES]\n", stderr);
        return 2;
    }
    try {
        entrepot::search::run(arguments[1],
                              count > 2 ? std::strtoull(arguments[2], nullptr, 10) : kNamesDefault);
        return 0;
    } catch (const entrepot::Error& error) {
        fmt::print(stderr, "bench_file_search: {}\n", error.what());
        return 1;
    }
}
