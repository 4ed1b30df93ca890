// entrepot-recover reads what a copy holds, says what it lacks, and writes nothing into it.
#include "storage/recover/run.h"
#include "storage/repository/pack_format.h"
#include "tests/unit/repository/repository_fixture.h"

#include "base/error.h"
#include "base/json.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <sstream>
#include <thread>

namespace entrepot::recover {
namespace {

namespace fs = std::filesystem;
using repository::DryRun;
using repository::View;
using repository::test::change_disk;
using repository::test::DiskContent;
using repository::test::draft_of;
using repository::test::Fixture;
using repository::test::flip_byte;
using repository::test::kChunk;
using repository::test::make_content;
using repository::test::make_disk;
using repository::test::point_draft;
using repository::test::write_all;

constexpr std::size_t kDiskBytes = 40 * kChunk + 512;
// Behind the pack's header and the header of its first slot.
constexpr std::uint64_t kInFirstSlot = 128 + 64 + 1000;

struct Answer {
    int status = 0;
    Json json;
};

/// A copy of a repository's objects, as any copier makes it: no catalog, no index, no lock.
class Copy {
public:
    explicit Copy(const Fixture& original) {
        fs::create_directories(directory());
        for (const char* part : {"packs", "redirects", "maps", "manifests", "marks", "keys"}) {
            const fs::path source = original.directory() / part;
            if (fs::exists(source)) {
                fs::copy(source, directory() / part, fs::copy_options::recursive);
            }
        }
        fs::copy_file(original.directory() / "repository.json", directory() / "repository.json");
        std::ofstream{key_file()} << "correct horse\n";
    }

    fs::path directory() const { return temporary_.path() / "copy"; }
    fs::path key_file() const { return temporary_.path() / "key"; }
    fs::path target() const { return temporary_.path() / "disk.raw"; }

    std::vector<fs::path> objects(const std::string& collection) const {
        std::vector<fs::path> found;
        for (const auto& entry : fs::recursive_directory_iterator{directory() / collection}) {
            if (entry.is_regular_file()) found.push_back(entry.path());
        }
        std::ranges::sort(found);
        return found;
    }

    Answer run(std::vector<std::string> arguments, bool has_key = true) {
        arguments.insert(arguments.begin(), directory().string());
        arguments.emplace_back("--json");
        if (has_key) {
            arguments.emplace_back("--key-file");
            arguments.push_back(key_file().string());
        }
        std::ostringstream out;
        std::ostringstream err;
        PosixFileSystem file_system;
        SystemRandom random;
        ManualClock clock{WallTime{}};
        const int status = recover::run(arguments, {file_system, random, clock, out, err, false});
        if (out.str().empty()) return {status, Json{}};
        return {status, parse_json(out.str(), "the answer", kMiB)};
    }

    Answer restore(const std::string& point, std::vector<std::string> more = {}) {
        fs::remove(target());
        std::vector<std::string> arguments{"restore", point, "0", "--to", target().string()};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run(arguments);
    }

    DiskContent restored() const {
        std::ifstream file{target(), std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const ByteView bytes = as_bytes(text);
        return {bytes.begin(), bytes.end()};
    }

private:
    entrepot::test::TemporaryDirectory temporary_;
};

}  // namespace

TEST_CASE("recover: every point of a bare copy comes back", "[recover]") {
    Fixture fixture;
    DiskContent disk = make_disk(1, kDiskBytes);
    const DiskContent first_disk = disk;
    const std::string first = fixture.add_full("vm", disk);
    const auto chunks = change_disk(disk, 2, 9);
    const std::string second = fixture.add_incremental("vm", first, disk, chunks);
    Copy copy{fixture};  // The repository is open meanwhile: its lock is not wanted.

    const Answer list = copy.run({"list"});
    CHECK(list.status == 0);
    REQUIRE(list.json.at("points").size() == 2);
    CHECK(list.json.at("points").at(0).at("id") == first);
    CHECK(list.json.at("points").at(1).at("kind") == "incremental");
    CHECK(list.json.at("points").at(1).at("problem").is_null());

    CHECK(copy.restore(first).status == 0);
    CHECK((copy.restored() == first_disk));
    CHECK(copy.restore("vm@latest").json.at("point") == second);
    CHECK((copy.restored() == disk));
    CHECK(copy.restore(second.substr(0, 8)).status == 0);
    CHECK((copy.restored() == disk));
}

TEST_CASE("recover: a copy that is taken while a backup runs holds all that was complete",
          "[recover]") {
    Fixture fixture;
    std::map<std::string, DiskContent> expected;
    DiskContent disk = make_disk(30, kDiskBytes);
    std::string last = fixture.add_full("vm", disk);
    expected[last] = disk;
    for (std::uint64_t round = 0; round < 3; ++round) {
        const auto chunks = change_disk(disk, 31 + round, 9);
        std::string fresh;
        std::thread backup{[&] {
            fixture.add_full("other", make_content(60 + round, kDiskBytes));
            fresh = fixture.add_incremental("vm", last, disk, chunks);
        }};
        // Packs first, then maps, then manifests, as the manual says; wherever the backup is.
        Copy copy{fixture};
        backup.join();
        for (const auto& [point, content] : expected) {
            CHECK(copy.restore(point).status == 0);
            CHECK((copy.restored() == content));
        }
        const Answer list = copy.run({"list"});
        for (const Json& point : list.json.at("points")) {
            const std::string id = point.at("id").get<std::string>();
            // What was not complete when the copy began may lack something, and then says so.
            if (!expected.contains(id)) continue;
            CHECK(point.at("problem").is_null());
        }
        last = fresh;
        expected[last] = disk;
    }
    Copy whole{fixture};
    CHECK(whole.restore("vm@latest").status == 0);
    CHECK((whole.restored() == disk));
}

TEST_CASE("recover: a redirect leads to where a damaged chunk was stored anew", "[recover]") {
    Fixture fixture;
    const DiskContent disk = make_content(40, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), kInFirstSlot);
    fixture.reopen();
    CHECK_THROWS_AS(fixture.read_disk(first), Error);
    const std::string second = fixture.add_full("vm", disk);
    fixture.repository().delete_point(second);
    fixture.repository().collect_garbage(DryRun::no, fixture.work());
    Copy copy{fixture};
    CHECK(copy.restore(first).status == 0);
    CHECK((copy.restored() == disk));
}

TEST_CASE("recover: nothing in the copy is changed", "[recover]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(1, kDiskBytes));
    Copy copy{fixture};
    const auto names = [&] {
        std::vector<std::pair<std::string, fs::file_time_type>> list;
        for (const auto& entry : fs::recursive_directory_iterator{copy.directory()}) {
            list.emplace_back(entry.path().string(), entry.last_write_time());
        }
        std::ranges::sort(list);
        return list;
    };
    const auto before = names();
    copy.run({"list"});
    copy.restore(point);
    CHECK(names() == before);
}

TEST_CASE("recover: the key decides", "[recover]") {
    Fixture fixture;
    const DiskContent disk = make_disk(3, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    Copy copy{fixture};
    CHECK(copy.run({"list"}, false).json.at("error").at("code") == "locked");

    std::ofstream{copy.key_file()} << "another horse\n";
    const Answer wrong = copy.run({"list"});
    CHECK(wrong.status == 1);
    CHECK(wrong.json.at("error").at("code") == "unauthenticated");

    std::ofstream{copy.key_file()} << fixture.created_.recovery_key.reveal_text();
    CHECK(copy.restore(point).status == 0);
    CHECK((copy.restored() == disk));
}

TEST_CASE("recover: without encryption no key is needed", "[recover]") {
    Fixture fixture{std::nullopt};
    fixture.add_full("vm", make_disk(3, kDiskBytes));
    Copy copy{fixture};
    CHECK(copy.run({"list"}, false).json.at("points").size() == 1);
}

TEST_CASE("recover: a pack that the copy lacks is an error, or zeros that are told", "[recover]") {
    Fixture fixture;
    const DiskContent disk = make_content(4, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    Copy copy{fixture};
    for (const fs::path& pack : copy.objects("packs"))
        fs::remove(pack);

    const Answer refused = copy.restore(point);
    CHECK(refused.status == 4);
    CHECK(refused.json.at("error").at("code") == "corrupt");
    CHECK_FALSE(fs::exists(copy.target()));

    const Answer partial = copy.restore(point, {"--keep-going"});
    CHECK(partial.status == 4);
    REQUIRE(partial.json.at("lost").size() == 1);
    CHECK(partial.json.at("lost").at(0).at("offset") == 0);
    CHECK(partial.json.at("lost").at(0).at("length") == kDiskBytes);
    CHECK((copy.restored() == DiskContent(kDiskBytes)));
}

TEST_CASE("recover: one damaged chunk costs that chunk only", "[recover]") {
    Fixture fixture;
    DiskContent disk = make_content(5, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    Copy copy{fixture};
    flip_byte(copy.objects("packs").at(0), kInFirstSlot);

    const Answer partial = copy.restore(point, {"--keep-going"});
    REQUIRE(partial.json.at("lost").size() == 1);
    CHECK(partial.json.at("lost").at(0).at("length") == kChunk);
    const auto offset = partial.json.at("lost").at(0).at("offset").get<std::size_t>();
    std::fill_n(disk.begin() + static_cast<std::ptrdiff_t>(offset), kChunk, std::byte{0});
    CHECK((copy.restored() == disk));
}

TEST_CASE("recover: a chunk that stands twice is read where it is sound", "[recover]") {
    Fixture fixture;
    const DiskContent disk = make_content(6, kDiskBytes);
    const std::string first = fixture.add_full("vm", disk);
    fixture.close();
    flip_byte(fixture.objects("packs").at(0), kInFirstSlot);
    fixture.reopen();
    // What is found damaged is stored anew by the next backup that meets it.
    fixture.repository().verify({}, repository::VerifyDepth::data, fixture.work());
    fixture.add_full("vm", disk);
    Copy copy{fixture};

    CHECK(copy.restore(first).status == 0);
    CHECK((copy.restored() == disk));
}

TEST_CASE("recover: a newer generation that was cut short gives way to the older", "[recover]") {
    Fixture fixture;
    const DiskContent disk = make_content(7, kDiskBytes);
    const std::string point = fixture.add_full("vm", disk);
    Copy copy{fixture};
    const fs::path pack = copy.objects("packs").at(0);
    const auto name = repository::parse_pack_name(pack.filename().string());
    REQUIRE(name);
    const fs::path newer =
        pack.parent_path() / repository::pack_key(name->pack, name->generation + 1).name;
    fs::copy_file(pack, newer);
    fs::resize_file(newer, fs::file_size(pack) / 2);

    CHECK(copy.restore(point).status == 0);
    CHECK((copy.restored() == disk));
}

TEST_CASE("recover: a damaged manifest is listed as such", "[recover]") {
    Fixture fixture;
    fixture.add_full("vm", make_disk(8, kDiskBytes));
    const std::string second = fixture.add_full("vm", make_disk(9, kDiskBytes));
    Copy copy{fixture};
    for (const fs::path& manifest : copy.objects("manifests")) {
        if (manifest.filename() == second) flip_byte(manifest, fs::file_size(manifest) / 2);
    }
    const Answer list = copy.run({"list"});
    CHECK(list.status == 4);
    REQUIRE(list.json.at("points").size() == 2);
    CHECK(list.json.at("points").at(1).at("id") == second);
    CHECK_FALSE(list.json.at("points").at(1).at("problem").is_null());
    CHECK(copy.restore(second).json.at("error").at("code") == "not_found");
}

TEST_CASE("recover: a point whose map is missing says which disk", "[recover]") {
    Fixture fixture;
    fixture.add_full("vm", make_disk(10, kDiskBytes));
    Copy copy{fixture};
    for (const fs::path& map : copy.objects("maps"))
        fs::remove(map);
    const Answer list = copy.run({"list"});
    CHECK(list.status == 4);
    const auto problem = list.json.at("points").at(0).at("problem").get<std::string>();
    CHECK(problem.starts_with("disk 0: "));
}

TEST_CASE("recover: configuration files are written under their last name", "[recover]") {
    Fixture fixture;
    const DiskContent disk = make_disk(11, kDiskBytes);
    const auto writer = fixture.repository().begin_point(point_draft("vm"));
    writer->add_disk(draft_of(disk), std::nullopt);
    write_all(*writer->open_sink(0, View::restore), disk);
    const Bytes content = make_content(12, 3 * kChunk + 17);
    writer->add_file("Virtual Machines/vm.vmcx", content);
    const std::string point = writer->commit().id;
    Copy copy{fixture};
    const fs::path folder = copy.directory().parent_path() / "files";

    const Answer answer = copy.run({"files", point, "--to", folder.string()});
    CHECK(answer.status == 0);
    std::ifstream file{folder / "vm.vmcx", std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    CHECK((as_text(content) == text));
    // Nothing is overwritten.
    CHECK(copy.run({"files", point, "--to", folder.string()}).json.at("error").at("code") ==
          "already_exists");
}

TEST_CASE("recover: a directory without a repository is an error", "[recover]") {
    Fixture fixture;
    Copy copy{fixture};
    fs::remove(copy.directory() / "repository.json");
    const Answer answer = copy.run({"list"});
    CHECK(answer.status == 1);
    CHECK(answer.json.at("error").at("code") == "not_found");
}

}  // namespace entrepot::recover
