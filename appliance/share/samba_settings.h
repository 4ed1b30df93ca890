// The configuration of our own Samba as text: what it serves, to whom, and how strictly. Follows
// F-SH-10 and F-SH-11 of the fault catalogue and smb.conf(5) of Samba 4.17.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// A share as hosts see it. Every account has its own folder below the path, and sees nothing else.
struct ServedShare {
    std::string name;
    std::filesystem::path path;
    std::vector<std::string> accounts;

    bool operator==(const ServedShare&) const = default;
};

/// A computer of a domain that logs in by Kerberos and gets the account.
struct MappedComputer {
    std::string account;
    std::string computer;  ///< DOMAIN\HOST$

    bool operator==(const MappedComputer&) const = default;
};

struct SambaSettings {
    std::string server_name = "APPLIANCE";
    std::string address;  ///< An IP address; a wildcard for all.
    std::uint16_t port = 445;
    /// The administrator's own lines for [global], which ours overrule; empty: none.
    std::filesystem::path include;
    std::vector<ServedShare> shares;
    std::vector<MappedComputer> computers;

    bool operator==(const SambaSettings&) const = default;
};

/// Where one Samba of ours keeps everything of its own.
struct SambaPlaces {
    std::filesystem::path directory;

    std::filesystem::path smb_conf() const { return directory / "smb.conf"; }
    std::filesystem::path user_map() const { return directory / "users.map"; }
    std::filesystem::path log() const { return directory / "log" / "smbd.log"; }
    std::filesystem::path output() const { return directory / "log" / "smbd.output"; }
    std::filesystem::path process_file() const { return directory / "smbd.process"; }
};

/// "127.0.0.1:445", "[::1]:445". Requires a text that parse_listen_address() of the configuration
/// lets pass.
void set_listener(SambaSettings& settings, std::string_view listen);
/// NetBIOS' name of a server that hosts reach under this name or address.
std::string make_server_name(std::string_view name);

/// The folders of SambaPlaces that Samba wants to find.
std::vector<std::filesystem::path> samba_folders(const SambaPlaces& places);

/// Requires names and paths that check_* below let pass.
std::string make_smb_conf(const SambaSettings& settings, const SambaPlaces& places);
std::string make_user_map(const SambaSettings& settings);
/// Answers Samba's question for free space from kSpaceFile in the folder of the account that asks.
/// It runs as that account, so it lies where all of them get: in the share's folder, as
/// kSpaceScript.
std::string make_space_script();
inline constexpr std::string_view kSpaceScript = ".free-space";
inline constexpr std::string_view kSpaceFile = ".space";
/// What kSpaceFile holds; always of the same length, so that it is overwritten in one piece.
std::string make_space_text(std::uint64_t total_bytes, std::uint64_t free_bytes);

/// The name of a share of ours, by which hosts reach it: letters, digits, '.', '-', '_', at most
/// 64, and none that Samba or Windows gives a meaning. Throws Error{invalid}.
void check_served_name(std::string_view name);
/// A path that Samba takes literally. Throws Error{invalid}.
void check_served_path(const std::filesystem::path& path);
/// DOMAIN\HOST$. Throws Error{invalid}.
void check_computer(std::string_view computer);

}  // namespace entrepot::share
