// From an export on disk to a restored disk with the real programs, with and without a daemon.
#include "tests/cli/process.h"
#include "tests/support/temporary_directory.h"

#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/random.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <string>

using namespace entrepot;

namespace {

constexpr std::size_t kDiskBytes = 8 * kMiB;

class Lab {
public:
    Lab() {
        content_.resize(kDiskBytes);
        SeededRandom random{7};
        random.fill(MutableByteView{content_}.first(3 * kMiB));
        write("passphrase", as_bytes("correct horse battery staple\n"));
    }

    std::string path(const std::string& name) const { return (directory_.path() / name).string(); }

    void write(const std::string& name, ByteView data) {
        write_file_atomically(file_system_, path(name), data);
    }

    Bytes read(const std::string& name) {
        return file_system_.read_file(path(name), 2 * kDiskBytes);
    }

    test::Finished run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"--data", path("data")});
        return test::run_to_end({bin("entrepot"), std::move(arguments), environment()});
    }

    /// With --json; the exit status must be the expected one, and the output one document.
    Json json(std::vector<std::string> arguments, int status = 0) {
        arguments.push_back("--json");
        const auto finished = run(std::move(arguments));
        INFO(finished.out << finished.err);
        REQUIRE(finished.status == status);
        return parse_json(finished.out, "standard output");
    }

    /// The guest writes; then its disk lies there as an export of one image.
    void make_image(const std::string& name, std::size_t offset, char value,
                    const std::string& base = {}) {
        std::fill_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), 64 * kKiB,
                    static_cast<std::byte>(value));
        write(name + ".raw", content_);
        std::vector<std::string> arguments{"image", "convert", path(name + ".raw"), path(name)};
        if (base.empty()) {
            arguments.insert(arguments.end(), {"--format", "vhdx"});
        } else {
            arguments.insert(arguments.end(), {"--format", "vhdx-diff", "--base", path(base)});
        }
        json(arguments);
    }

    std::unique_ptr<test::BackgroundProcess> start_daemon() {
        return std::make_unique<test::BackgroundProcess>(
            test::Command{bin("entrepotd"),
                          {"--data", path("data"), "--listen", "127.0.0.1:0"},
                          environment()},
            path("daemon.log"));
    }

    const Bytes& content() const { return content_; }

private:
    static std::filesystem::path bin(const std::string& name) {
        return std::filesystem::path{ENTREPOT_BINARY_DIR} / "bin" / name;
    }

    std::map<std::string, std::string> environment() const {
        return {{"ENTREPOT_PASSPHRASE_FILE", path("passphrase")}, {"no_proxy", "*"}};
    }

    test::TemporaryDirectory directory_;
    PosixFileSystem file_system_;
    Bytes content_;
};

std::string restored(Lab& lab, const std::string& point, const std::string& file) {
    lab.json({"restore", "disk", point, "0", "--to", lab.path(file), "--format", "raw"});
    return to_hex(lab.read(file));
}

// The whole story; the caller decides whether a daemon listens.
void tell_story(Lab& lab) {
    lab.make_image("full.vhdx", 0, 'a');
    const Bytes first = lab.content();
    const Json full = lab.json({"ingest", lab.path("full.vhdx"), "--vm", "web01", "--sha256"});
    CHECK(full.at("kind") == "full");
    CHECK(full.at("disks").at(0).at("sha256").get<std::string>().size() == 64);

    lab.make_image("increment.avhdx", 5 * kMiB, 'b', "full.vhdx");
    const std::string base = full.at("point");
    const Json increment =
        lab.json({"ingest", lab.path("increment.avhdx"), "--vm", "web01", "--base", base});
    CHECK(increment.at("kind") == "incremental");
    CHECK(increment.at("disks").at(0).at("changed_bytes") == 64 * kKiB);

    const Json list = lab.json({"point", "list", "web01"});
    CHECK(list.at("points").size() == 2);
    CHECK(restored(lab, base.substr(0, 10), "first.raw") == to_hex(first));
    CHECK(restored(lab, "web01@latest", "second.raw") == to_hex(lab.content()));

    const Json verdict = lab.json({"verify", "--depth", "data"});
    CHECK(verdict.at("points").size() == 2);
    CHECK(verdict.at("points").at(1).at("result") == "sound");
    const Json plan = lab.json({"prune", "web01", "--keep-last", "1", "--dry-run"});
    CHECK(plan.at("removed").size() == 1);
    CHECK(lab.json({"point", "list"}).at("points").size() == 2);
    lab.json({"prune", "web01", "--keep-last", "1"});
    CHECK(lab.json({"point", "list"}).at("points").size() == 1);
    lab.json({"gc"});
    CHECK(restored(lab, "web01@latest", "third.raw") == to_hex(lab.content()));
    CHECK(lab.json({"info"}).at("points") == 1);
    CHECK(lab.json({"job", "list", "--state", "done"}).at("jobs").size() >= 8);
}

}  // namespace

TEST_CASE("cli: a host takes what its way to log in needs, and keeps it sealed", "[cli]") {
    Lab lab;
    lab.json({"init"});
    lab.write("keytab", as_bytes(std::string_view{"\x05\x02 the keys"}));
    const std::string url = "http://hv01.corp.example:5985/wsman";

    const auto add = [&](std::vector<std::string> more, int status) {
        std::vector<std::string> words{"host", "add", "hv01", "--url", url};
        words.insert(words.end(), more.begin(), more.end());
        return lab.json(words, status);
    };
    CHECK(add({"--auth", "kerberos", "--keytab", lab.path("keytab")}, 1).at("error").at("code") ==
          "invalid");
    CHECK(add({"--auth", "basic", "--http"}, 1).at("error").at("code") == "invalid");
    const Json host = add({"--auth", "kerberos", "--user", "backup@CORP.EXAMPLE", "--keytab",
                           lab.path("keytab"), "--spn", "WSMAN", "--http"},
                          0);
    CHECK(host.at("secret") == "keytab");
    CHECK(host.at("spn") == "WSMAN");
    CHECK(host.at("message_encryption") == true);
    CHECK(lab.run({"host", "show", "hv01"}).out.find("encrypted by the login") !=
          std::string::npos);
    const Bytes state = lab.read("data/state.db");
    CHECK(as_text(state).find("the keys") == std::string_view::npos);
}

TEST_CASE("cli: from an export to a restored disk without a daemon", "[cli]") {
    Lab lab;
    CHECK(lab.json({"init"}).at("recovery_key").is_string());
    tell_story(lab);
}

TEST_CASE("cli: the same commands give the same through the daemon", "[cli]") {
    Lab lab;
    lab.json({"init"});
    const auto daemon = lab.start_daemon();
    INFO(daemon->output());
    REQUIRE(daemon->wait_for_output("#token="));
    tell_story(lab);
    CHECK(daemon->stop() == 0);
    // What the daemon made is there without it.
    CHECK(lab.json({"point", "list"}).at("points").size() == 1);
}

TEST_CASE("cli: what goes wrong is one document and a status", "[cli]") {
    Lab lab;
    CHECK(lab.json({"info"}, 1).at("error").at("code") == "not_found");
    lab.json({"init"});
    CHECK(lab.json({"init"}, 1).at("error").at("code") == "already_exists");
    CHECK(lab.json({"point", "show", "nothing@latest"}, 1).at("error").at("code") == "not_found");
    CHECK(lab.json({"prune"}, 2).at("error").at("code") == "usage");
    lab.make_image("full.vhdx", 0, 'a');
    lab.json({"ingest", lab.path("full.vhdx"), "--vm", "web01"});
    CHECK(lab.json({"point", "delete", "web01@latest"}, 2).at("error").at("code") == "usage");
    lab.write("passphrase", as_bytes("another one"));
    CHECK(lab.json({"point", "list"}, 1).at("error").at("code") == "unauthenticated");
}

TEST_CASE("cli: new chunks are compressed as hard as the configuration says", "[cli]") {
    std::string prose;
    SeededRandom random{3};
    while (prose.size() < kMiB)
        prose += "word" + std::to_string(random.u64() % 1000) + " ";
    prose.resize(kMiB);
    std::map<int, std::uint64_t> stored;
    for (const int level : {1, 19}) {
        Lab lab;
        lab.write("entrepot.toml",
                  as_bytes("[repository]\nzstd_level = " + std::to_string(level) + "\n"));
        lab.write("prose.raw", as_bytes(prose));
        lab.json({"image", "convert", lab.path("prose.raw"), lab.path("prose.vhdx"), "--format",
                  "vhdx"});
        const std::string config = lab.path("entrepot.toml");
        lab.json({"--config", config, "init"});
        const Json point =
            lab.json({"--config", config, "ingest", lab.path("prose.vhdx"), "--vm", "web01"});
        stored[level] = point.at("disks").at(0).at("new_stored_bytes");
        CHECK(restored(lab, point.at("point"), "back.raw") == to_hex(as_bytes(prose)));
    }
    CHECK(stored[1] > 0);
    CHECK(stored[19] < stored[1] * 9 / 10);
}

TEST_CASE("cli: damage is found and is exit status 4", "[cli]") {
    Lab lab;
    lab.json({"init"});
    lab.make_image("full.vhdx", 0, 'a');
    lab.json({"ingest", lab.path("full.vhdx"), "--vm", "web01"});
    std::size_t damaged = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator{lab.path("data/repository")}) {
        if (!entry.is_regular_file() || entry.file_size() < kMiB) continue;
        if (entry.path().string().find("packs") == std::string::npos) continue;
        PosixFileSystem file_system;
        const auto file = file_system.open_write(entry.path());
        Bytes byte = file->read_exactly(kMiB / 2, 1);
        byte[0] ^= std::byte{1};
        file->write(kMiB / 2, byte);
        ++damaged;
    }
    REQUIRE(damaged > 0);
    const Json verdict = lab.json({"verify", "--depth", "packs"}, 4);
    CHECK(verdict.at("points").at(0).at("result") == "damaged");
    CHECK_FALSE(verdict.at("points").at(0).at("damage").empty());
}

TEST_CASE("cli: a second daemon is refused, a stopped one leaves no socket", "[cli]") {
    Lab lab;
    lab.json({"init", "--no-encryption"});
    const auto daemon = lab.start_daemon();
    REQUIRE(daemon->wait_for_output("#token="));
    const auto second =
        test::run_to_end({std::filesystem::path{ENTREPOT_BINARY_DIR} / "bin/entrepotd",
                          {"--data", lab.path("data"), "--listen", "127.0.0.1:0"},
                          {}});
    CHECK(second.status == 1);
    CHECK(second.err.find("holds") != std::string::npos);
    CHECK(daemon->stop() == 0);
    CHECK_FALSE(std::filesystem::exists(lab.path("data/entrepot.sock")));
}
