// What lands on the share and should not, or does not and should (threats-and-faults.md F-SH).
#include "simulator.h"

#include "base/file_system.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace entrepot;
using namespace entrepot::test;

namespace {

class Export {
public:
    Export() : soap_(simulator_), vm_(vm_id(soap_)) {
        simulator_.guest_writes("a.raw", 0, 4 * kMiB, 'a');
        snapshot_ = take_snapshot(soap_, vm_, 2);
    }
    /// The folder of one more export with this fault; the job must end well.
    std::filesystem::path run(const std::string& fault) {
        const std::string name = "run" + std::to_string(++count_);
        simulator_.plan_fault("ExportSystemDefinition", fault);
        REQUIRE(soap_.wait(start_export(soap_, vm_, snapshot_, name)).text("JobState") == "7");
        return simulator_.path("exports/" + name);
    }
    const std::string& vm() const { return vm_; }

private:
    Simulator simulator_;
    Soap soap_;
    std::string vm_;
    std::string snapshot_;
    int count_ = 0;
};

std::size_t count_files(const std::filesystem::path& folder) {
    const auto files = std::filesystem::recursive_directory_iterator{folder};
    return static_cast<std::size_t>(std::count_if(begin(files), end(files), [](const auto& entry) {
        return entry.is_regular_file() && !entry.is_symlink();
    }));
}

constexpr std::size_t kBlockBytes = 32 * kMiB;

/// From so many bytes before its end on nothing was written.
bool ends_in_hole(const std::filesystem::path& path, std::size_t length) {
    const std::size_t size = std::filesystem::file_size(path);
    const auto file = PosixFileSystem{}.open_read(path);
    return !file->find_data(size - length).has_value();
}

std::string read(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("hostsim share: trees that are empty, deeper, or hold another VM's configuration",
          "[hostsim]") {
    Export exports;
    CHECK(count_files(exports.run("empty-export")) == 0);
    CHECK(count_files(exports.run("nested-export") / "deeper") == 5);
    CHECK(count_files(exports.run("second-configuration")) == 6);
    CHECK(count_files(exports.run("many-files:300")) == 305);
}

TEST_CASE("hostsim share: files that are no plain files, or far too long", "[hostsim]") {
    Export exports;
    const auto linked = exports.run("link-for-image") / "Virtual Hard Disks";
    const auto entries = std::filesystem::directory_iterator{linked};
    CHECK(std::count_if(begin(entries), end(entries),
                        [](const auto& entry) { return entry.is_symlink(); }) == 1);
    CHECK(std::filesystem::is_fifo(exports.run("fifo-beside") /
                                   "Virtual Hard Disks/web01.fifo.vhdx"));
    CHECK(std::filesystem::exists(exports.run("huge-file") / "Virtual Hard Disks/pagefile.vhdx"));
    const auto odd = exports.run("odd-names") / "Virtual Hard Disks";
    CHECK(std::filesystem::exists(odd / "WEB01.VHDX"));
    CHECK(std::filesystem::exists(odd / "CON"));
}

TEST_CASE("hostsim share: the end of an image is zeros, or it changes after the job", "[hostsim]") {
    Export exports;
    const std::string sound = read(exports.run("keep-open:1") / "Virtual Hard Disks/web01.vhdx");
    const std::string zeros(kBlockBytes, '\0');
    REQUIRE_FALSE(sound.ends_with(zeros));
    const auto zeroed = exports.run("zero-tail") / "Virtual Hard Disks/web01.vhdx";
    REQUIRE(std::filesystem::file_size(zeroed) == sound.size());
    CHECK(read(zeroed).ends_with(zeros));
    CHECK_FALSE(ends_in_hole(zeroed, kBlockBytes));
    const auto unwritten = exports.run("unwritten-tail") / "Virtual Hard Disks/web01.vhdx";
    REQUIRE(std::filesystem::file_size(unwritten) == sound.size());
    CHECK(read(unwritten).ends_with(zeros));
    CHECK(ends_in_hole(unwritten, kBlockBytes));

    const auto late = exports.run("late-write:200") / "Virtual Hard Disks/web01.vhdx";
    const auto begun = std::chrono::steady_clock::now();
    while (read(late).find(std::string(4096, '\xA5')) == std::string::npos) {
        REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::seconds{20});
    }
}
