// Reads the configuration; an unknown key is an error, since a misspelt fault would test nothing.
#include "tests/hostsim/host/config.h"

#include "base/error.h"
#include "base/file_system.h"
#include "tests/hostsim/host/names.h"
#include "tests/hostsim/wire/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kConfigBytesMax = kMiB;

[[noreturn]] void refuse(const std::string& why) {
    throw Error{ErrorCode::invalid, "simulator configuration: " + why};
}

void check_keys(const Json& json, const std::string& where,
                std::initializer_list<std::string_view> known) {
    if (!json.is_object()) refuse(fmt::format("{} is no object", where));
    for (const auto& [key, value] : json.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            refuse(fmt::format("unknown key '{}' in {}", key, where));
        }
    }
}

void read_address(const std::string& key, const std::string& text, std::string& host,
                  std::uint16_t& port) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) refuse(key + " is no ADDRESS:PORT");
    host = text.substr(0, colon);
    const int number = std::atoi(text.c_str() + colon + 1);
    if (number < 0 || number > 65535) refuse(key + " has no port");
    port = static_cast<std::uint16_t>(number);
}

void read_users(const Json& json, const std::filesystem::path& base, Config& config) {
    for (const Json& user : json) {
        check_keys(user, "users", {"name", "password", "groups", "certificate", "token_filtered"});
        User known{user.at("name"), user.value("password", std::string{}),
                   user.value("groups", std::vector<std::string>{"Administrators"})};
        known.is_token_filtered = user.value("token_filtered", false);
        if (user.contains("certificate")) {
            known.certificate_digest =
                certificate_digest(base / user.at("certificate").get<std::string>());
        }
        config.login.users.push_back(std::move(known));
    }
}

void read_shares(const Json& json, const std::filesystem::path& base, Config& config) {
    for (const Json& share : json) {
        check_keys(share, "shares", {"unc", "path", "smb"});
        ShareMapping mapping;
        mapping.unc = share.at("unc");
        if (share.contains("smb")) {
            const Json& smb = share.at("smb");
            check_keys(smb, "smb", {"server", "port", "user", "password"});
            mapping.smb = SmbAccess{smb.at("server"), smb.value("port", std::uint16_t{445}),
                                    smb.at("user"), smb.at("password")};
        } else {
            mapping.path = base / share.at("path").get<std::string>();
        }
        config.shares.push_back(std::move(mapping));
    }
}

void read_volumes(const Json& json, const std::filesystem::path& base, Config& config) {
    for (const Json& volume : json) {
        check_keys(volume, "volumes", {"path", "directory", "free_bytes", "total_bytes"});
        VolumeMapping mapping{
            volume.at("path"), base / volume.at("directory").get<std::string>(), {}, {}};
        if (volume.contains("free_bytes")) mapping.free_bytes = volume.at("free_bytes");
        if (volume.contains("total_bytes")) mapping.total_bytes = volume.at("total_bytes");
        config.volumes.push_back(std::move(mapping));
    }
}

/// A name, or a name with an id.
void read_switches(const Json& json, Config& config) {
    for (const Json& item : json) {
        if (!item.is_string()) check_keys(item, "switches", {"name", "id"});
        const Json row = item.is_string() ? Json{{"name", item}} : item;
        const std::string name = row.at("name");
        const std::string id = row.value("id", std::string{});
        const auto guid = Guid::parse(id);
        if (!id.empty() && !guid) refuse(fmt::format("id of switch '{}' is no GUID", name));
        const Guid made = guid ? *guid : guid_of(config.host_name + "/switch/" + name);
        config.switches.push_back({name, made.to_upper_string()});
    }
}

/// The build of a Windows Server release.
std::uint32_t build_of_profile(const std::string& release) {
    if (release == "2016") return 14393;
    if (release == "2019") return 17763;
    if (release == "2022") return 20348;
    if (release == "2025") return 26100;
    refuse(fmt::format("profile '{}'", release));
}

Language read_language(const std::string& text) {
    if (text == "en") return Language::english;
    if (text == "de") return Language::german;
    if (text == "ja") return Language::japanese;
    refuse(fmt::format("language '{}'", text));
}

void read_host(const Json& json, Config& config) {
    check_keys(json, "host",
               {"name", "os_build", "schema", "default_disk_path", "default_data_root",
                "missing_switch", "profile", "hyper_v", "language"});
    config.language = read_language(json.value("language", "en"));
    config.os_build = build_of_profile(json.value("profile", "2022"));
    config.has_hyper_v = json.value("hyper_v", true);
    const std::string missing = json.value("missing_switch", "error");
    if (missing != "error" && missing != "warning") {
        refuse(fmt::format("missing_switch '{}'", missing));
    }
    config.missing_switch_is_warning = missing == "warning";
    config.host_name = json.value("name", config.host_name);
    config.os_build = json.value("os_build", config.os_build);
    config.schema = json.value("schema", config.schema);
    config.default_disk_path = json.value("default_disk_path", std::string{});
    config.default_data_root = json.value("default_data_root", std::string{});
}

void read_cluster(const Json& json, Config& config) {
    check_keys(json, "cluster", {"name", "owner_node"});
    config.cluster = json.at("name");
    config.cluster_owner = json.value("owner_node", config.host_name);
}

/// What the host offers for new VMs: its first volume, unless the configuration says otherwise.
void choose_default_folders(Config& config) {
    const std::string root = config.volumes.empty() ? std::string{"C:\\ClusterStorage\\Volume1"}
                                                    : config.volumes.front().path;
    if (config.default_data_root.empty()) config.default_data_root = root;
    if (config.default_disk_path.empty()) {
        config.default_disk_path = root + "\\Virtual Hard Disks";
    }
}

void read_speed(const Json& json, Config& config) {
    check_keys(json, "speed",
               {"export_bytes_per_second", "job_step_ms", "merge_ms", "job_removal_s",
                "enumeration_timeout_s"});
    Speed& speed = config.speed;
    speed.export_bytes_per_second = json.value("export_bytes_per_second", std::uint64_t{0});
    speed.job_step = std::chrono::milliseconds{json.value("job_step_ms", 10)};
    speed.merge = std::chrono::milliseconds{json.value("merge_ms", 5 * speed.job_step.count())};
    speed.job_removal = std::chrono::seconds{json.value("job_removal_s", 300)};
    speed.enumeration_timeout = std::chrono::seconds{json.value("enumeration_timeout_s", 240)};
}

void read_quotas(const Json& json, Config& config) {
    check_keys(json, "quotas", {"operations_per_user", "envelope_kb"});
    constexpr std::size_t kEnvelopeKilobytesMin = 32;
    config.quotas.operations_per_user_max =
        json.value("operations_per_user", config.quotas.operations_per_user_max);
    const std::size_t kilobytes = json.value("envelope_kb", std::size_t{500});
    if (kilobytes < kEnvelopeKilobytesMin) refuse("envelope_kb is below 32");
    config.quotas.envelope_bytes_max = kilobytes * 1024;
}

void read_crowd(const Json& json, CrowdConfig& crowd) {
    check_keys(json, "crowd", {"virtual_machines", "checkpoints", "disks"});
    constexpr int kCountMax = 100'000;
    crowd.virtual_machines = json.value("virtual_machines", 0);
    crowd.checkpoints = json.value("checkpoints", 0);
    crowd.disks = json.value("disks", 1);
    for (const int count : {crowd.virtual_machines, crowd.checkpoints, crowd.disks}) {
        if (count < 0 || count > kCountMax) refuse("crowd: a number is below 0 or above 100000");
    }
}

/// What a VM has beside disks and adapters, as it is shown.
void check_traits(const Json& vm) {
    check_keys(vm.value("replication", Json::object()), "replication", {"mode", "state", "health"});
    check_keys(vm.value("guest", Json::object()), "guest", {"os", "host_name"});
    const Json services = vm.value("integration_services", Json::object());
    check_keys(services, "integration_services",
               {"backup", "heartbeat", "data_exchange", "shutdown", "time", "files"});
    for (const auto& [key, value] : services.items()) {
        if (value != "ok" && value != "off" && value != "no-contact") {
            refuse(fmt::format("integration_services: '{}' of {}", dump_json(value), key));
        }
    }
}

void read_virtual_machines(const Json& json, const std::filesystem::path& base, Config& config) {
    config.virtual_machines = json;
    for (Json& vm : config.virtual_machines) {
        check_keys(vm, "virtual_machines",
                   {"id", "name", "generation", "version", "state", "disks", "guest_vss",
                    "network_adapters", "notes", "dvd", "replication", "guest",
                    "integration_services", "tpm", "shielded"});
        check_traits(vm);
        for (const Json& adapter : vm.value("network_adapters", Json::array())) {
            check_keys(adapter, "network_adapters", {"name", "switch", "mac", "static_mac", "id"});
        }
        if (!vm.contains("disks")) continue;
        for (Json& disk : vm.at("disks")) {
            check_keys(
                disk, "disks",
                {"raw", "controller", "controller_number", "location", "format", "block_size",
                 "logical_sector_size", "name", "disk_id", "shared", "pass_through"});
            if (disk.contains("raw")) {
                disk["raw"] = (base / disk.at("raw").get<std::string>()).string();
            }
        }
    }
}

CbtHardening read_hardening(const std::string& text) {
    if (text == "none") return CbtHardening::none;
    if (text == "relaxed") return CbtHardening::relaxed;
    if (text == "strict") return CbtHardening::strict;
    refuse(fmt::format("channel_binding '{}'", text));
}

void read_login(const Json& json, const std::filesystem::path& base, Config& config) {
    LoginOptions& login = config.login;
    if (json.contains("auth")) {
        const auto schemes = json.at("auth").get<std::vector<std::string>>();
        const auto has = [&](std::string_view name) {
            return std::find(schemes.begin(), schemes.end(), name) != schemes.end();
        };
        for (const std::string& name : schemes) {
            const bool is_known = name == "basic" || name == "negotiate" || name == "certificate";
            if (!is_known) refuse(fmt::format("auth '{}'", name));
        }
        login.allows_basic = has("basic");
        login.allows_negotiate = has("negotiate");
        login.allows_certificate = has("certificate");
    }
    if (json.contains("keytab")) login.keytab = base / json.at("keytab").get<std::string>();
    login.cbt = read_hardening(json.value("channel_binding", "relaxed"));
    login.has_tabs = json.value("inner_header_tabs", true);
}

Config read_json(const Json& json, const std::filesystem::path& base) {
    check_keys(json, "the file",
               {"listen",
                "http",
                "tls",
                "host",
                "users",
                "auth",
                "keytab",
                "channel_binding",
                "inner_header_tabs",
                "shares",
                "state",
                "virtual_machines",
                "seed",
                "speed",
                "faults",
                "tracking_granularity",
                "hash_exports",
                "volumes",
                "switches",
                "cluster",
                "crowd",
                "quotas"});
    Config config;
    read_address("listen", json.value("listen", "127.0.0.1:5986"), config.listen_host,
                 config.listen_port);
    if (json.contains("http")) {
        read_address("http", json.at("http"), config.http_host, config.http_port);
    }
    if (json.contains("tls")) {
        check_keys(json.at("tls"), "tls", {"certificate", "key"});
        config.certificate = base / json.at("tls").at("certificate").get<std::string>();
        config.key = base / json.at("tls").at("key").get<std::string>();
    }
    read_host(json.value("host", Json::object()), config);
    read_login(json, base, config);
    read_users(json.at("users"), base, config);
    read_shares(json.value("shares", Json::array()), base, config);
    read_volumes(json.value("volumes", Json::array()), base, config);
    read_switches(json.value("switches", Json::array()), config);
    choose_default_folders(config);
    if (json.contains("cluster")) read_cluster(json.at("cluster"), config);
    config.state = base / json.at("state").get<std::string>();
    read_virtual_machines(json.value("virtual_machines", Json::array()), base, config);
    config.seed = json.value("seed", std::uint64_t{0});
    config.tracking_granularity_bytes = json.value("tracking_granularity", 65536U);
    const std::uint32_t granularity = config.tracking_granularity_bytes;
    if (granularity < 512 || granularity > kMiB || (granularity & (granularity - 1)) != 0) {
        refuse("tracking_granularity is no power of two from 512 to 1 MiB");
    }
    config.hashes_exports = json.value("hash_exports", true);
    read_crowd(json.value("crowd", Json::object()), config.crowd);
    read_speed(json.value("speed", Json::object()), config);
    read_quotas(json.value("quotas", Json::object()), config);
    config.faults = json.value("faults", Json::array());
    return config;
}

}  // namespace

Config read_config(const std::filesystem::path& file) {
    PosixFileSystem files;
    const Bytes text = files.read_file(file, kConfigBytesMax);
    const Json json = parse_json(as_text(text), file.string());
    try {
        return read_json(json, std::filesystem::absolute(file).parent_path());
    } catch (const Json::exception& error) {
        refuse(error.what());
    }
}

}  // namespace entrepot::hostsim
