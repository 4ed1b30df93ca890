// A path inside an image is shown and never opened: not even where it leads to the right parent.
#include "tests/unit/ctl/fake_terminal.h"

#include "tests/support/temporary_directory.h"
#include "tests/support/vhd_image_builder.h"
#include "tests/support/vhdx_image_builder.h"
#include "tests/support/watching_file_system.h"

#include "base/atomic_file.h"
#include "base/bytes.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace entrepot;

namespace {

namespace fs = std::filesystem;

/// A child in one folder, and the parent that it names in another, where its paths lead.
class Scene {
public:
    Scene() {
        fs::create_directories(here());
        fs::create_directories(there());
        fs::create_directories(here() / "below");
    }
    fs::path here() const { return directory_.path() / "here"; }
    fs::path there() const { return directory_.path() / "there"; }

    template <typename Builder>
    void write(const fs::path& path, const Builder& builder) {
        const auto image = builder.build();
        Bytes content(image->size());
        image->read_exactly(0, content);
        write_file_atomically(files_, path, content);
    }

    struct Answer {
        int status = 0;
        std::string text;
        std::set<fs::path> paths;
    };
    Answer run(std::vector<std::string> words) {
        test::WatchingFileSystem watched;
        test::Shell shell;
        words.insert(words.begin(), "image");
        Answer answer;
        answer.status = ctl::run(words, {{shell.clock, shell.random, watched, shell.log},
                                         shell.terminal,
                                         [](const config::Config&, const ctl::GlobalOptions&) {
                                             return std::unique_ptr<ctl::ApiClient>{};
                                         }});
        answer.text = shell.terminal.out_text() + shell.terminal.err_text();
        answer.paths = watched.paths();
        return answer;
    }

    /// Every command that needs the parent does without it, and looks at nothing outside of the
    /// child's folder.
    void check_not_followed(const std::string& child, const std::vector<std::string>& shown) {
        const std::string path = (here() / child).string();
        const std::string target = (here() / "target").string();
        const std::vector<std::pair<std::vector<std::string>, int>> commands{
            {{"info", path}, 0},          {{"map", path}, 0},
            {{"check", path}, 1},         {{"read", path, "--offset", "0", "--length", "512"}, 1},
            {{"compare", path, path}, 1}, {{"convert", path, target, "--format", "raw"}, 1},
        };
        for (const auto& [words, status] : commands) {
            INFO(words.front());
            const Answer answer = run(words);
            INFO(answer.text);
            CHECK(answer.status == status);
            for (const fs::path& used : answer.paths) {
                INFO("used: " << used);
                CHECK((used == here() || used.parent_path() == here()));
            }
            if (words.front() != "info") continue;
            for (const std::string& text : shown)
                CHECK(answer.text.find(text) != std::string::npos);
        }
        CHECK_FALSE(fs::exists(target));
    }

private:
    test::TemporaryDirectory directory_;
    PosixFileSystem files_;
};

}  // namespace

TEST_CASE("image: the paths in a VHDX are shown and never opened", "[ctl]") {
    Scene scene;
    test::VhdxImageBuilder parent;
    parent.file_size_bytes = 6 * kMiB;
    parent.block(0, 6, 4 * kMiB).content(4 * kMiB, Bytes(2 * kMiB, std::byte{7}));
    const fs::path target = scene.there() / "parent.vhdx";
    scene.write(target, parent);
    scene.write(scene.here() / "below" / "parent.vhdx", parent);
    for (const std::string relative : {"../there/parent.vhdx", "..\\there\\parent.vhdx",
                                       "below/parent.vhdx", ".\\below\\parent.vhdx"}) {
        test::VhdxImageBuilder child;
        child.file_size_bytes = 5 * kMiB;
        child.data_write_guid = test::guid_of("99999999-2222-4333-8444-555555555555");
        child.child_of(parent.data_write_guid, relative);
        child.locator.emplace_back("absolute_win32_path", target.string());
        child.locator.emplace_back("volume_path", target.string());
        const fs::path path = scene.here() / "child.avhdx";
        fs::remove(path);
        scene.write(path, child);
        scene.check_not_followed("child.avhdx", {relative, target.string()});
    }
    // The parent is the right one: named by a person, it is taken.
    const auto answer = scene.run({"read", (scene.here() / "child.avhdx").string(), "--offset", "0",
                                   "--length", "3", "--parent", target.string()});
    CHECK(answer.status == 0);
    CHECK(answer.text == "\7\7\7");
}

TEST_CASE("image: the paths in a VHD are shown and never opened", "[ctl]") {
    Scene scene;
    test::VhdImageBuilder parent;
    parent.unique_id = test::guid_of("77777777-2222-4333-8444-555555555555");
    const fs::path target = scene.there() / "parent.vhd";
    scene.write(target, parent);
    test::VhdImageBuilder child;
    child.unique_id = test::guid_of("99999999-2222-4333-8444-555555555555");
    child.child_of(parent.unique_id, target.string());
    scene.write(scene.here() / "child.avhd", child);
    scene.check_not_followed("child.avhd", {target.string()});
    const auto answer = scene.run({"read", (scene.here() / "child.avhd").string(), "--offset", "0",
                                   "--length", "512", "--parent", target.string()});
    CHECK(answer.status == 0);
}
