// share and residue: where exports would arrive.
#include "tests/doctor/expectations.h"
#include "tests/support/failing_file_system.h"

#include "appliance/share/file_server.h"

#include <filesystem>

namespace entrepot::test {
namespace {

using doctor::Result;

/// A stage whose host cannot be reached; its share can be looked at all the same.
struct ShareStage : Stage {
    ShareStage() {
        draft.url = "https://hv01.nowhere.test:5986/wsman";
        network.names["hv01.nowhere.test"] = {wsman::NameState::unknown, {}, "not known"};
    }
    void expect_failure(const std::string& id) { expect_failures(*this, {"name.unknown", id}); }
};

class SilentSamba final : public share::FileServer {
public:
    void check_running(std::stop_token) override {
        throw Error{ErrorCode::unreachable, "the file server of /etc/smb.conf does not answer"};
    }
    std::vector<share::Holder> find_holders(std::string_view, std::stop_token) override {
        return {};
    }
    void close_sessions(const share::Holder&, std::stop_token) override {}
    void end_clients(const std::vector<std::string>&, std::stop_token) override {}
};

}  // namespace

TEST_CASE("doctor: no share, or too many", "[doctor]") {
    ShareStage stage;
    SECTION("none") {
        stage.shares.remove("exports");
        stage.expect_failure("share.none");
    }
    SECTION("two") {
        std::filesystem::create_directories(stage.directory.path() / "other");
        stage.shares.add("other", "\\\\localhost\\other", stage.directory.path() / "other");
        stage.expect_failure("share.ambiguous");
    }
}

TEST_CASE("doctor: a share whose directory is gone, read-only or full", "[doctor]") {
    ShareStage stage;
    SECTION("gone") {
        std::filesystem::remove(stage.share_folder);
        stage.expect_failure("share.directory-missing");
    }
    SECTION("read-only") {
        // Not even root makes a file there.
        stage.shares.remove("exports");
        stage.shares.add("exports", "\\\\localhost\\exports", "/sys/kernel");
        stage.expect_failure("share.not-writable");
    }
    SECTION("full") {
        FailingFileSystem files{0};
        stage.files = &files;
        stage.expect_failure("share.full");
    }
}

TEST_CASE("doctor: less room than the largest VM may need", "[doctor]") {
    ShareStage stage;
    state::VmRecord vm;
    vm.host_id = stage.host_id();
    vm.vm_id = "AAAAAAAA-0000-4000-8000-000000000001";
    vm.name = "big01";
    vm.disks = Json::array({{{"size_bytes", std::uint64_t{1} << 60}}});
    stage.state.vms.put(vm);

    expect_check(stage, "share.low", Result::warning);
    const auto checks = stage.examine();
    CHECK(find(checks, "share.low")->evidence.find("big01") != std::string::npos);
}

TEST_CASE("doctor: our own Samba that does not answer", "[doctor]") {
    ShareStage stage;
    SilentSamba samba;
    stage.file_server = &samba;

    stage.expect_failure("share.samba-silent");
}

TEST_CASE("doctor: how the share's name looks from here", "[doctor]") {
    ShareStage stage;
    using Row = std::tuple<std::string, wsman::NameReport>;
    const auto [id, report] = GENERATE(table<std::string, wsman::NameReport>({
        Row{"share.name-unknown", {wsman::NameState::unknown, {}, "not known"}},
        Row{"share.name-elsewhere", {wsman::NameState::known, {"192.0.2.7"}, ""}},
        Row{"share.name-is-address", {wsman::NameState::is_address, {"192.0.2.7"}, ""}},
    }));
    stage.network.names["localhost"] = report;

    expect_check(stage, id, Result::warning);
}

TEST_CASE("doctor: nobody serves files at the share's own name", "[doctor]") {
    ShareStage stage;
    stage.network.ports[445] = {wsman::PortState::refused, "127.0.0.1", "port 445: refused"};

    stage.expect_failure("share.smb-closed");
}

TEST_CASE("doctor: an export that arrived proves the host's account", "[doctor]") {
    ShareStage stage;
    stage.knowledge.find_export_proof = [&](const std::string&) {
        return doctor::ExportProof{stage.clock.wall_now(), "web01"};
    };

    expect_check(stage, "share.identity-proven", Result::ok);
}

TEST_CASE("doctor: folders that an earlier run left on the share", "[doctor]") {
    ShareStage stage;
    const auto folder = stage.share_folder / stage.host_id();
    std::filesystem::create_directories(folder / "0123456789abcdef0123456789abcdef");
    std::filesystem::create_directories(folder / "not one of ours");

    expect_check(stage, "residue.folders", Result::warning);
    const auto checks = stage.examine();
    CHECK(find(checks, "residue.folders")->evidence == "0123456789abcdef0123456789abcdef");
}

TEST_CASE("doctor: what a backup noted as left is said again", "[doctor]") {
    ShareStage stage;
    stage.state.residue.add(stage.host_id(), "VM", {.text = "Recovery snapshot 'x' of ours."});

    expect_check(stage, "residue.noted", Result::warning);
}

}  // namespace entrepot::test
