// Samba's tools as they answer: what their words mean, and how their failures are told.
#include "appliance/share/file_server.h"
#include "appliance/share/samba_status.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <functional>

using namespace entrepot;
using namespace entrepot::share;
using test::code_of;

namespace {

const std::string kRun = "0123456789abcdef0123456789abcdef";
const std::string kOther = "fedcba98765432100123456789abcdef";

struct Open {
    std::string pid;
    std::string name;
    std::string folder = "/srv/exports";
};

// The shape of Samba 4.17's answer, as far as we read it.
Json status_of(const std::vector<Open>& opens) {
    Json status{{"version", "4.17.12-Debian"}, {"tcons", Json::object()}};
    status["open_files"] = Json::object();
    for (const Open& open : opens) {
        const Json server{{"pid", open.pid}, {"task_id", "0"}, {"unique_id", "77"}};
        Json& file = status["open_files"][open.folder + "/" + open.name];
        file["service_path"] = open.folder;
        file["filename"] = open.name;
        file["opens"][open.pid + "/" + std::to_string(file["opens"].size())] = {
            {"server_id", server}, {"share_file_id", "4"}};
        status["tcons"][open.pid] = {
            {"service", "exports"}, {"server_id", server}, {"machine", "192.0.2." + open.pid}};
    }
    return status;
}

class FakeTools final : public ProcessRunner {
public:
    std::function<CommandResult(const Command&)> answer;
    std::vector<Command> commands;

    CommandResult run(const Command& command, std::stop_token) override {
        commands.push_back(command);
        return answer(command);
    }
};

struct SambaFixture {
    test::TemporaryDirectory directory;
    PosixFileSystem files;
    FakeTools tools;
    std::filesystem::path smb_conf = directory.path() / "smb.conf";
    std::unique_ptr<FileServer> server = make_samba_server({.smb_conf = smb_conf}, files, tools);

    SambaFixture() { files.create(smb_conf); }
    Error failure(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            return error;
        }
        FAIL("it did not fail");
        throw std::logic_error{"unreachable"};
    }
};

}  // namespace

TEST_CASE("samba: holders are who has something below the run's folder", "[share]") {
    const auto holders = find_holders_in(
        status_of({{"11", "host/" + kRun + "/web01/disk.vhdx"},
                   {"11", "host/" + kRun + "/web01/other.vhdx"},
                   {"12", "host/" + kOther + "/disk.vhdx"},
                   {"13", "host/" + kRun},
                   {"14", "host/" + kRun + "x/disk.vhdx"},
                   {"15", "host"},
                   {"16", "DISK.VHDX", "/srv/exports/host/0123456789ABCDEF0123456789abcdef"}}),
        kRun);
    REQUIRE(holders.size() == 3);
    CHECK(holders[0].client == "11");
    CHECK(holders[0].machine == "192.0.2.11");
    CHECK(holders[0].file.find("web01/") != std::string::npos);
    CHECK(holders[1].client == "13");
    CHECK(holders[2].client == "16");
    for (const Holder& holder : holders)
        CHECK(!holder.is_busy_elsewhere);
}

TEST_CASE("samba: a folder above the run is no work elsewhere, another run's file is", "[share]") {
    const std::string disk = "host/" + kRun + "/disk.vhdx";
    const auto is_busy = [&](const Open& other) {
        return find_holders_in(status_of({{"11", disk}, other}), kRun).at(0).is_busy_elsewhere;
    };
    CHECK(!is_busy({"11", "."}));
    CHECK(!is_busy({"11", "host"}));
    CHECK(!is_busy({"12", "host/" + kOther + "/disk.vhdx"}));
    CHECK(is_busy({"11", "host/" + kOther + "/disk.vhdx"}));
    CHECK(is_busy({"11", "host/" + kOther}));
    CHECK(is_busy({"11", "anything", "/srv/elsewhere"}));
}

TEST_CASE("samba: a handle that nobody has any more holds nothing", "[share]") {
    // A client that is gone and may come back for its handle has the process id -1.
    CHECK(find_holders_in(status_of({{"18446744073709551615", "host/" + kRun + "/a"}}), kRun)
              .empty());
    CHECK(find_holders_in({{"version", "4.17.12"}}, kRun).empty());
}

TEST_CASE("samba: process ids that mean everybody, and other shapes, are refused", "[share]") {
    for (const std::string pid : {"0", "1", "", "-1", "smbd", "4711 ", "99999999999999999999999"}) {
        CAPTURE(pid);
        CHECK(code_of([&] {
                  find_holders_in(status_of({{pid, "host/" + kRun + "/a"}}), kRun);
              }) == ErrorCode::protocol);
    }
    for (
        const std::string text :
        {R"([])", R"({})", R"({"version":"4","open_files":{"a":1}})",
         R"({"version":"4","open_files":{"a":{"filename":7}}})",
         R"({"version":"4","open_files":{"a":{"filename":"a","service_path":"/","opens":{"x":{}}}}})"}) {
        CAPTURE(text);
        CHECK(code_of([&] { find_holders_in(parse_json(text, "x"), kRun); }) ==
              ErrorCode::protocol);
    }
}

TEST_CASE("samba: only the holder's own process is told to close", "[share]") {
    SambaFixture fixture;
    fixture.tools.answer = [](const Command&) { return CommandResult{}; };
    fixture.server->close_sessions({.client = "4711", .machine = {}, .file = {}}, {});
    REQUIRE(fixture.tools.commands.size() == 1);
    const Command& command = fixture.tools.commands[0];
    CHECK(command.program == "smbcontrol");
    CHECK(command.arguments == std::vector<std::string>{"--configfile=" + fixture.smb_conf.string(),
                                                        "4711", "close-share", "*"});
}

TEST_CASE("samba: a file server that is not there is told with a hint", "[share]") {
    SambaFixture fixture;
    SECTION("down") {
        fixture.tools.answer = [](const Command&) {
            return CommandResult{1, {}, "Can't find pid for destination 'smbd'\n"};
        };
        const Error error = fixture.failure([&] { fixture.server->check_running({}); });
        CHECK(error.code() == ErrorCode::unreachable);
        CHECK(error.message().find("Can't find pid") != std::string::npos);
        CHECK(error.hint().find("systemctl start smbd") != std::string::npos);
    }
    SECTION("hanging") {
        fixture.tools.answer = [](const Command&) -> CommandResult {
            throw Error{ErrorCode::timeout, "smbcontrol did not end within 15 s"};
        };
        const Error error = fixture.failure([&] { fixture.server->check_running({}); });
        CHECK(error.code() == ErrorCode::timeout);
        CHECK(!error.hint().empty());
    }
    SECTION("not for us") {
        fixture.tools.answer = [](const Command&) {
            return CommandResult{1, {}, "smbstatus only works as root!\n"};
        };
        const Error error = fixture.failure([&] { fixture.server->find_holders(kRun, {}); });
        CHECK(error.code() == ErrorCode::permission_denied);
        CHECK(error.hint().find("root") != std::string::npos);
    }
    SECTION("of an older version") {
        fixture.tools.answer = [](const Command&) {
            return CommandResult{1, {}, "Invalid option --json: unknown option\n"};
        };
        const Error error = fixture.failure([&] { fixture.server->find_holders(kRun, {}); });
        CHECK(error.code() == ErrorCode::io);
        CHECK(error.hint().find("4.17") != std::string::npos);
    }
    SECTION("configured wrongly") {
        std::filesystem::remove(fixture.smb_conf);
        const Error error = fixture.failure([&] { fixture.server->check_running({}); });
        CHECK(error.code() == ErrorCode::not_found);
        CHECK(error.hint().find("share.smb_conf") != std::string::npos);
        CHECK(fixture.tools.commands.empty());
    }
}
