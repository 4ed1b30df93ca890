// A host against another host's directory, over a real smbd in the appliance's own configuration.
// Follows P9, F-SH-07, F-SH-10, F-SH-11 and F-SH-12 of the fault catalogue.
#include "tests/samba/managed_samba.h"

#include "base/error.h"
#include "base/json.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace entrepot;
using test::ManagedHost;
using test::ManagedSamba;
namespace fs = std::filesystem;

namespace {

#define SKIP_WITHOUT_SAMBA()                                                             \
    if (!ManagedSamba::is_possible()) {                                                  \
        WARN("skipped: the appliance's Samba needs root, /usr/sbin/smbd and smbclient"); \
        return;                                                                          \
    }

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Ways in which somebody may name the second host's run, from the first one's session.
std::vector<std::string> tricky_paths(const ManagedSamba& samba) {
    const ManagedHost& other = samba.second;
    const std::string id = other.record.id;
    const std::string run = id + "\\" + other.run;
    std::string upper = run;
    for (char& c : upper)
        c = static_cast<char>(std::toupper(c));
    return {run,
            upper,
            "\\" + run,
            "..\\" + other.account + "\\" + run,
            "..\\..\\" + other.account + "\\" + run,
            samba.first.record.id + "\\..\\..\\" + other.account + "\\" + run,
            samba.first.record.id + "\\..\\" + run,
            ".\\" + run,
            "\\\\" + run,
            other.account + "\\" + run,
            samba.root.string() + "/" + other.account + "/" + run,
            "\\\\127.0.0.1\\exports\\" + run,
            "@GMT-2026.01.01-00.00.00\\" + run,
            run + "::$DATA",
            run + ":stream",
            "..%5c" + other.account + "%5c" + run,
            "..%2f" + other.account + "%2f" + run,
            "..\xc0\xaf" + other.account + "\\" + run,
            ".taken\\" + other.run,
            "..\\.taken\\" + other.run};
}

}  // namespace

TEST_CASE("samba isolation: a host sees its own folder, and its name alone", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const std::string listing = samba.run_client(samba.first, "ls; recurse; ls");
    CHECK(contains(listing, samba.first.record.id));
    CHECK(contains(listing, samba.first.run));
    CHECK(!contains(listing, samba.second.record.id));
    CHECK(!contains(listing, samba.second.run));
    CHECK(!contains(listing, samba.second.account));
    CHECK(!contains(listing, ".space"));

    const auto local = samba.write_local("disk", "guest data");
    const std::string put = samba.run_client(
        samba.first, fmt::format("cd {}; put {} disk.vhdx; mkdir vm; put {} vm/a.vmcx",
                                 samba.first.run_folder(), local.string(), local.string()));
    CHECK(!contains(put, "NT_STATUS"));
    CHECK(fs::file_size(samba.run_path(samba.first) / "disk.vhdx") == 10);
    CHECK(fs::file_size(samba.run_path(samba.first) / "vm" / "a.vmcx") == 10);
}

TEST_CASE("samba isolation: only runs that we made are written", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const auto local = samba.write_local("disk", "guest data");
    const std::string before = samba.describe_tree();
    const std::string id = samba.first.record.id;
    for (const std::string& command :
         {"put " + local.string() + " x", "put " + local.string() + " " + id + "\\x",
          std::string{"mkdir x"}, "mkdir " + id + "\\11111111111111111111111111111111",
          "rename " + samba.first.run_folder() + " " + id + "\\y", "rename " + id + " other",
          "rmdir " + id, "rmdir " + samba.first.run_folder()}) {
        CAPTURE(command);
        const std::string said = samba.run_client(samba.first, command);
        CAPTURE(said);
        CHECK((contains(said, "NT_STATUS_ACCESS_DENIED") ||
               contains(said, "NT_STATUS_DIRECTORY_NOT_EMPTY")));
    }
    CHECK(samba.describe_tree() == before);
}

TEST_CASE("samba isolation: no name leads to another host's folder", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const std::string secret = "SECRET-OF-THE-OTHER-GUEST";
    samba.run_client(samba.second, fmt::format("cd {}; put {} disk.vhdx", samba.second.run_folder(),
                                               samba.write_local("other", secret).string()));
    const fs::path other = samba.run_path(samba.second);
    REQUIRE(fs::exists(other / "disk.vhdx"));
    const auto evil = samba.write_local("evil", "EVIL");
    const auto target = samba.directory.path() / "stolen";
    const std::string before = samba.describe_tree();
    for (const std::string& path : tricky_paths(samba)) {
        CAPTURE(path);
        for (const std::string& command :
             {fmt::format("ls \"{}\\*\"", path), fmt::format("cd \"{}\"; ls", path),
              fmt::format("get \"{}\\disk.vhdx\" {}", path, target.string()),
              fmt::format("put {} \"{}\\evil\"", evil.string(), path),
              fmt::format("put {} \"{}\\disk.vhdx\"", evil.string(), path),
              fmt::format("del \"{}\\disk.vhdx\"", path), fmt::format("mkdir \"{}\\d\"", path),
              fmt::format("rename \"{}\\disk.vhdx\" \"{}\\got\"", path, samba.first.run_folder()),
              fmt::format("allinfo \"{}\\disk.vhdx\"", path)}) {
            CAPTURE(command);
            const std::string said = samba.run_client(samba.first, command);
            CHECK(!contains(said, secret));
            CHECK(!contains(said, "create_time"));
            CHECK(!contains(said, "disk.vhdx    "));
            CHECK(!fs::exists(target));
        }
    }
    // Wherever "evil" may have got to, it is not with the other host.
    for (const auto& entry : fs::recursive_directory_iterator{other})
        CHECK(entry.path().filename() == "disk.vhdx");
    CHECK(fs::file_size(other / "disk.vhdx") == secret.size());
    CHECK(samba.describe_tree() == before);
}

TEST_CASE("samba isolation: what is there and what is not look the same", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const auto ask = [&](const std::string& id) {
        std::string said = samba.run_client(samba.first, fmt::format("cd {}", id));
        for (std::size_t at; (at = said.find(id)) != std::string::npos;)
            said.replace(at, id.size(), "ID");
        return said;
    };
    const std::string unknown = ask("00000000-0000-4000-8000-000000000000");
    CHECK(contains(unknown, "NT_STATUS_OBJECT_NAME_NOT_FOUND"));
    CHECK(ask(samba.second.record.id) == unknown);
    CHECK(ask(samba.second.account) == unknown);
}

TEST_CASE("samba isolation: links, streams and second names lead nowhere", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const auto local = samba.write_local("disk", "guest data");
    const std::string go = "cd " + samba.first.run_folder() + "; ";
    CHECK(contains(samba.run_client(samba.first, go + "put " + local.string() + " a:evil"),
                   "NT_STATUS_OBJECT_NAME_INVALID"));
    CHECK(contains(samba.run_client(samba.first, go + "posix; symlink /etc/passwd link"),
                   "NT_STATUS"));
    CHECK(!fs::exists(fs::symlink_status(samba.run_path(samba.first) / "link")));

    // One that is there all the same, by whatever means, is not followed.
    fs::create_directory_symlink(samba.run_path(samba.second),
                                 samba.run_path(samba.first) / "planted");
    samba.run_client(samba.second,
                     fmt::format("cd {}; put {} disk", samba.second.run_folder(), local.string()));
    const std::string said =
        samba.run_client(samba.first, go + "ls planted\\*; get planted\\disk " +
                                          samba.directory.path().string() + "/stolen");
    CHECK(contains(said, "NT_STATUS"));
    CHECK(!fs::exists(samba.directory.path() / "stolen"));

    // A second name stays in the run, and spoils the export.
    fs::remove(samba.run_path(samba.first) / "planted");
    samba.run_client(samba.first, go + "put " + local.string() + " b; hardlink b c");
    try {
        samba.area(samba.first).list_files(samba.run_path(samba.first), {});
        FAIL("listed");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::untrusted);
    }
}

TEST_CASE("samba isolation: nothing on the share can be executed here", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const auto local = samba.write_local("disk", "#!/bin/sh\n");
    samba.run_client(
        samba.first,
        fmt::format("cd {}; put {} x.exe; setmode x.exe +rhsa; put {} y; setmode y "
                    "-a; chmod 777 y; mkdir d; put {} d/z",
                    samba.first.run_folder(), local.string(), local.string(), local.string()));
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator{samba.run_path(samba.first)}) {
        if (!entry.is_regular_file()) continue;
        ++count;
        CAPTURE(entry.path());
        CHECK((entry.status().permissions() &
               (fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec |
                fs::perms::set_uid | fs::perms::set_gid)) == fs::perms::none);
    }
    CHECK(count == 3);
}

TEST_CASE("samba isolation: old, plain, unsigned and anonymous clients are refused", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const auto refuses = [&](const std::string& user, const std::string& password,
                             const std::vector<std::string>& options) {
        const std::string said = samba.run_client_as(user, password, "exports", "ls", options);
        CAPTURE(said);
        return !contains(said, samba.first.record.id) && !contains(said, "blocks of size");
    };
    const auto& [record, account, password, run] = samba.first;
    CHECK(!refuses(account, password, {}));
    CHECK(refuses(account, password, {"-m", "SMB2_10"}));
    CHECK(refuses(account, password, {"-m", "SMB3_02"}));
    CHECK(refuses(account, password, {"-m", "NT1", "--option=client min protocol=NT1"}));
    // A client that has no cipher that we take could not encrypt.
    CHECK(refuses(account, password, {"--option=client smb3 encryption algorithms=AES-128-CCM"}));
    CHECK(refuses(account, password, {"--option=client ntlmv2 auth=no"}));
    CHECK(refuses(account, "wrong", {}));
    CHECK(refuses(account, samba.second.password, {}));
    CHECK(refuses("guest", "", {}));
    CHECK(refuses("root", password, {}));
    CHECK(refuses("nobody", "", {}));
    CHECK(refuses("entrepot-share-03", password, {}));
    const CommandResult anonymous = samba.run_tool(
        "smbclient", {"//127.0.0.1/exports", "-p", std::to_string(samba.port), "-N", "-c", "ls"});
    CHECK(contains(anonymous.out + anonymous.err, "NT_STATUS_ACCESS_DENIED"));
    // The account in other letters is the same account, in its own folder.
    std::string upper = account;
    for (char& c : upper)
        c = static_cast<char>(std::toupper(c));
    const std::string listing = samba.run_client_as(upper, password, "EXPORTS", "ls");
    CHECK(contains(listing, record.id));
    CHECK(!contains(listing, samba.second.record.id));
}

TEST_CASE(
    "samba isolation: a client that insists on encryption and one that does not are both "
    "encrypted",
    "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    for (const char* option : {"--client-protection=encrypt", "--client-protection=sign"}) {
        CHECK(contains(samba.run_client(samba.first, "ls", {option}), samba.first.record.id));
    }
    // While the client that did not ask for it is connected.
    const std::string login = samba.login_file(samba.first.account, samba.first.password);
    const auto waiting = samba.starter.start(
        {.program = "smbclient",
         .arguments = {"//127.0.0.1/exports", "-p", std::to_string(samba.port), "-A", login,
                       "--client-protection=sign", "-c",
                       fmt::format("notify \"{}\\{}\"", samba.first.record.id, samba.first.run)},
         .output_file = samba.directory.path() / "notify.out"});
    while (samba.shares->server().find_holders(samba.first.run, {}).empty())
        REQUIRE(!waiting->wait_for_end(std::chrono::milliseconds{50}));
    const CommandResult status =
        samba.run_tool("smbstatus", {"--configfile=" + samba.places.smb_conf().string(), "--json"});
    waiting->kill();
    const Json sessions = parse_json(status.out, "smbstatus").at("sessions");
    REQUIRE(sessions.size() == 1);
    for (const Json& session : sessions) {
        CHECK(session.at("encryption").at("cipher") == "AES-128-GCM");
        CHECK(session.at("encryption").at("degree") == "full");
        CHECK(session.at("session_dialect") == "SMB3_11");
    }
}

TEST_CASE("samba isolation: IPC$ tells nothing of others", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const std::string login = samba.login_file(samba.first.account, samba.first.password);
    for (const char* question :
         {"netshareenum", "netshareenumall", "netsessenum", "netfileenum", "netconnenum exports",
          "enumdomusers", "querydispinfo", "lsaenumsid", "lookupnames entrepot-share-02",
          "wkssvc_enumerateusers", "srvinfo", "dfsenum"}) {
        CAPTURE(question);
        const CommandResult result = samba.run_tool(
            "rpcclient",
            {"-p", std::to_string(samba.port), "-A", login, "127.0.0.1", "-c", question});
        const std::string said = result.out + result.err;
        CHECK(!contains(said, samba.second.account));
        CHECK(!contains(said, samba.second.record.id));
        CHECK(contains(said, "NT_STATUS"));
    }
    const CommandResult list = samba.run_tool(
        "smbclient", {"-L", "127.0.0.1", "-p", std::to_string(samba.port), "-A", login});
    CHECK(!contains(list.out + list.err, "exports"));
}

TEST_CASE("samba isolation: a rotated or closed login is refused, and its sessions end",
          "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    const std::string notify =
        fmt::format("notify \"{}\\{}\"", samba.first.record.id, samba.first.run);
    const std::string login = samba.login_file(samba.first.account, samba.first.password);
    const auto waiting =
        samba.starter.start({.program = "smbclient",
                             .arguments = {"//127.0.0.1/exports", "-p", std::to_string(samba.port),
                                           "-A", login, "-c", notify},
                             .output_file = samba.directory.path() / "notify.out"});
    const auto is_watching = [&] {
        return !samba.shares->server().find_holders(samba.first.run, {}).empty();
    };
    while (!is_watching())
        REQUIRE(!waiting->wait_for_end(std::chrono::milliseconds{50}));

    const std::string old_password = samba.first.password;
    samba.first.password =
        samba.shares->issue(samba.first.record, share::Rotate::yes).password.reveal_text();
    CHECK(waiting->wait_for_end(std::chrono::seconds{20}));
    CHECK(contains(samba.run_client_as(samba.first.account, old_password, "exports", "ls"),
                   "NT_STATUS_LOGON_FAILURE"));
    CHECK(contains(samba.run_client(samba.first, "ls"), samba.first.record.id));
    CHECK(contains(samba.run_client(samba.second, "ls"), samba.second.record.id));

    samba.shares->revoke(samba.first.record);
    CHECK(contains(samba.run_client(samba.first, "ls"), "NT_STATUS_LOGON_FAILURE"));
    CHECK(contains(samba.run_client(samba.second, "ls"), samba.second.record.id));
}

TEST_CASE("samba isolation: free space tells of the host's own files and quota", "[samba]") {
    SKIP_WITHOUT_SAMBA();
    ManagedSamba samba;
    samba.shares->set_quota(samba.first.record, 2 * kGiB);
    const auto free_of = [&](const ManagedHost& host) {
        const std::string said = samba.run_client(host, "ls");
        const std::size_t at = said.find("blocks of size");
        REQUIRE(at != std::string::npos);
        const std::size_t line = said.rfind('\n', at);
        return said.substr(line + 1, said.find('\n', at) - line - 1);
    };
    const std::string unlimited = free_of(samba.second);
    CHECK(contains(unlimited, "68719476736 blocks of size 1024. 68719476736 blocks available"));
    CHECK(contains(free_of(samba.first), "2097152 blocks of size 1024. 2097152 blocks available"));
    // Half a gigabyte of nothing, which occupies nothing.
    samba.files.create(samba.run_path(samba.first) / "hole")->truncate(512 * kMiB);
    samba.shares->refresh();
    CHECK(contains(free_of(samba.first), "2097152 blocks of size 1024. 1572864 blocks available"));
    CHECK(free_of(samba.second) == unlimited);
}
