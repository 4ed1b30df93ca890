// entrepot.toml: defaults, every key, and errors that name file, line and key.
#include "appliance/config/config.h"
#include "appliance/config/settings.h"

#include "base/error.h"

#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>

using namespace entrepot;
using namespace entrepot::config;

namespace {

std::string message_of(std::string_view text) {
    try {
        parse_config(text, "/etc/x.toml");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::invalid);
        return error.message();
    }
    return {};
}

}  // namespace

TEST_CASE("config: nothing said means everything has its default", "[config]") {
    const Config config = parse_config("", "/etc/x.toml");
    CHECK(config.repository_directory() == "/var/lib/entrepot/repository");
    CHECK(config.state_file() == "/var/lib/entrepot/state.db");
    CHECK(config.listen == ListenAddress{"127.0.0.1", 8443});
    CHECK(config.time_zone == "UTC");
    CHECK(config.job_keep_days == 90);
    CHECK(config.job_keep_count == 20'000);
    CHECK(!config.allow_loopback_hosts);
    CHECK(config.record_directory.empty());
}

TEST_CASE("config: every key is read", "[config]") {
    const Config config = parse_config(R"(
data = "/srv/e"
time_zone = "Europe/Berlin"
[repository]
path = "/srv/r"
passphrase_file = "/run/p"
zstd_level = 3
ingest_mib_per_second = 200
verify_mib_per_second = 50
[server]
listen = "[::1]:9000"
names = ["Backup.Example.org", "backup"]
[ingest]
directory = "/srv/in"
[hosts]
allow_loopback = true
record = "/var/lib/entrepot/record"
[jobs]
workers = 7
per_host = 3
keep_days = 30
keep_count = 500
[share]
smb_conf = "/etc/samba/smb.conf"
samba_include = "/etc/entrepot/samba.conf"
samba_directory = "/run/entrepot/samba"
wait_for_space_minutes = 30
accept_holes = true
[restore]
directory = "/srv/out"
[files]
index = false
[log]
level = "debug"
)",
                                       "/etc/x.toml");
    CHECK(config.repository_directory() == "/srv/r");
    CHECK(config.passphrase_file == "/run/p");
    CHECK(config.zstd_level == 3);
    CHECK(config.ingest_mib_per_second == 200);
    CHECK(config.verify_mib_per_second == 50);
    CHECK(config.listen == ListenAddress{"::1", 9000});
    CHECK(config.server_names == std::vector<std::string>{"backup.example.org", "backup"});
    CHECK(config.time_zone == "Europe/Berlin");
    CHECK(config.allow_loopback_hosts);
    CHECK(config.ingest_directory == "/srv/in");
    CHECK(config.record_directory == "/var/lib/entrepot/record");
    CHECK(config.worker_count == 7);
    CHECK(config.jobs_per_host_max == 3);
    CHECK(config.job_keep_days == 30);
    CHECK(config.job_keep_count == 500);
    CHECK(config.smb_conf == "/etc/samba/smb.conf");
    CHECK(config.samba_include == "/etc/entrepot/samba.conf");
    CHECK(config.samba_place() == "/run/entrepot/samba");
    CHECK(config.space_wait_minutes == 30);
    CHECK(config.accept_holes);
    CHECK(config.restore_directory == "/srv/out");
    CHECK_FALSE(config.indexes_files);
    CHECK(config.log_level == LogLevel::debug);
}

TEST_CASE("config: an error names the file, the line and the key", "[config]") {
    CHECK(message_of("\n[jobs]\nworkers = \"four\"") ==
          "/etc/x.toml:3: jobs.workers must be a whole number");
    CHECK(message_of("[jobs]\nworkers = 0") == "/etc/x.toml:2: jobs.workers must be from 1 to 64");
    CHECK(message_of("[jobs]\nkeep_days = 0") ==
          "/etc/x.toml:2: jobs.keep_days must be from 1 to 3650");
    CHECK(message_of("[jobs]\nworker = 1") == "/etc/x.toml:2: there is no setting jobs.worker");
    CHECK(message_of("\nrepository = 5") == "/etc/x.toml:2: repository must be a table");
    CHECK(message_of("[extra]\na = 1") == "/etc/x.toml:1: there is no setting extra");
    CHECK(message_of("data = \"here\"") == "/etc/x.toml:1: data must be an absolute path");
    CHECK(message_of("time_zone = \"../etc/passwd\"").find("time_zone must be") !=
          std::string::npos);
    CHECK(message_of("[log]\nlevel = \"loud\"").find(":2: log.level must be") != std::string::npos);
    CHECK(message_of("a = = 1").find("/etc/x.toml:1: ") == 0);
    for (const std::string names : {"\"backup\"", "[5]", "[\"backup:8443\"]", "[\"\"]",
                                    "[\"a..b\"]", "[\"https://backup\"]", "[\"*\"]"}) {
        INFO(names);
        CHECK(message_of("[server]\nnames = " + names).find(":2: server.names must be") !=
              std::string::npos);
    }
    CHECK(message_of("[server]\nlisten = \"everywhere\"").find(":2: server.listen") !=
          std::string::npos);
}

TEST_CASE("config: listen addresses", "[config]") {
    CHECK(parse_listen_address("0.0.0.0:0") == ListenAddress{"0.0.0.0", 0});
    for (const std::string text :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
          "[127.0.0.1]:80", "localhost:80", ":80", "1.2.3.4:80x"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_listen_address(text), Error);
    }
}

TEST_CASE("config: a file that was named must be there", "[config]") {
    const test::TemporaryDirectory directory;
    PosixFileSystem files;
    const auto file = directory.path() / "entrepot.toml";
    CHECK_THROWS_AS(load_config(files, file), Error);
    files.create(file)->write(0, as_bytes("[jobs]\nworkers = 2\n"));
    CHECK(load_config(files, file).worker_count == 2);
}

TEST_CASE("settings: each is shown with its value, its default and who said so", "[config]") {
    Config config = parse_config(R"(
data = "/srv/e"
[repository]
zstd_level = 3
[server]
listen = "[::1]:9000"
[log]
level = "info"
)",
                                 "/etc/x.toml");
    config.sources["data"] = Source::command_line;
    CHECK(config.file == "/etc/x.toml");
    CHECK(config.has_file);
    std::map<std::string, Setting> settings;
    for (Setting& setting : list_settings(config)) {
        CHECK(!setting.about.empty());
        settings.emplace(setting.name, setting);
    }
    CHECK(settings.size() == 24);
    const auto check = [&](const std::string& name, const char* value, const char* standard,
                           Source source) {
        INFO(name);
        const Setting& setting = settings.at(name);
        CHECK(setting.value == value);
        CHECK(setting.standard == standard);
        CHECK(setting.source == source);
    };
    check("data", "/srv/e", "/var/lib/entrepot", Source::command_line);
    check("repository.path", "/srv/e/repository", "/srv/e/repository", Source::standard);
    check("repository.zstd_level", "3", "1", Source::file);
    check("server.listen", "[::1]:9000", "127.0.0.1:8443", Source::file);
    check("files.index", "true", "true", Source::standard);
    check("log.level", "info", "info", Source::file);  // Said, though it is the default.
    check("share.smb_conf", "", "", Source::standard);
    CHECK(settings.at("jobs.per_host").least == 1);
    CHECK(settings.at("jobs.per_host").most == 16);
    CHECK(settings.at("jobs.per_host").kind == SettingKind::number);
}

TEST_CASE("settings: without a file all are the defaults, and the file that there would be is told",
          "[config]") {
    for (const Setting& setting : list_settings(Config{})) {
        INFO(setting.name);
        CHECK(setting.value == setting.standard);
        CHECK(setting.source == Source::standard);
    }
    CHECK(Config{}.file == kDefaultConfigFile);
    CHECK_FALSE(Config{}.has_file);
}
