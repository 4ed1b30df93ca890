// See samba_settings.h.
#include "appliance/share/samba_settings.h"

#include "appliance/share/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace entrepot::share {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kServedNameBytesMax = 64;
constexpr std::size_t kNetbiosNameBytesMax = 15;
constexpr std::size_t kDomainBytesMax = 64;
constexpr std::size_t kComputerBytesMax = 64;
constexpr std::array<std::string_view, 7> kReservedNames{"global", "homes",  "printers", "print$",
                                                         "ipc$",   "admin$", "netlogon"};

bool is_word(std::string_view text, std::string_view others) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               others.find(c) != std::string_view::npos;
    });
}

bool is_wildcard(std::string_view address) {
    return address == "0.0.0.0" || address == "::";
}

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

// What an administrator's include may set, before it is read.
constexpr std::string_view kDefaults = R"([global]
  server role = standalone server
  workgroup = ENTREPOT
)";

// What nothing may weaken. Windows Server 2016 and later speak SMB 3.1.1 with AES-GCM.
//  - Remote procedure calls are off: a host needs none to write files, and they would tell it of
//    other sessions and accounts.
//  - One process for each connection: with multi-channel, whoever knows a client's GUID would be
//    handed over to that client's process.
constexpr std::string_view kStrictness = R"(  server string = Entrepot
  server min protocol = SMB3_11
  server max protocol = SMB3_11
  server smb encrypt = required
  server smb3 encryption algorithms = AES-128-GCM, AES-256-GCM
  server signing = mandatory
  server multi channel support = no
  ntlm auth = ntlmv2-only
  restrict anonymous = 2
  map to guest = never
  invalid users = root
  rpc start on demand helpers = no
  access based share enum = yes
  disable netbios = yes
  dns proxy = no
  multicast dns register = no
  host msdfs = no
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  show add printer wizard = no
  usershare max shares = 0
  enable core files = no
  logging = file
  log level = 1 auth_audit:3
)";

// What a share is, apart from its name, path and accounts.
//  - Access rights of Windows are neither kept nor refused: vmms sets some on what it exports, and
//    opens files with every right there is. Who may do what is decided by the accounts, the
//    folders' owners and their modes.
//  - No file is executable here, whatever attributes a client sets: those go to the DOS attributes.
//  - A file is sparse for a client only if the client said so; Hyper-V refuses sparse images
//    (0xC03A001A), and holes are none of its business.
//  - Durable handles, which want Samba to be the only one that locks, let a host come back after
//  its
//    connection broke.
constexpr std::string_view kShareRules = R"(  read only = no
  browseable = yes
  guest ok = no
  printable = no
  hide unreadable = yes
  follow symlinks = no
  wide links = no
  nt acl support = no
  vfs objects = acl_xattr
  acl_xattr:ignore system acls = yes
  acl_xattr:default acl style = everyone
  acl_xattr:security_acl_name = user.NTACL
  create mask = 0660
  force create mode = 0660
  directory mask = 0770
  force directory mode = 0770
  store dos attributes = yes
  map archive = no
  map hidden = no
  map readonly = no
  map system = no
  ea support = no
  kernel oplocks = no
  kernel share modes = no
  posix locking = no
  durable handles = yes
  strict allocate = no
  strict sync = yes
  dfree cache time = 5
)";

std::string make_places(const SambaPlaces& places) {
    const std::string directory = places.directory.string();
    return fmt::format(
        "  passdb backend = tdbsam:{0}/private/passdb.tdb\n"
        "  private dir = {0}/private\n"
        "  state directory = {0}/state\n"
        "  cache directory = {0}/cache\n"
        "  lock directory = {0}/lock\n"
        "  pid directory = {0}/run\n"
        "  ncalrpc dir = {0}/ncalrpc\n"
        "  username map = {1}\n"
        "  log file = {2}\n"
        "  max log size = {3}\n"
        "  max smbd processes = {4}\n",
        directory, places.user_map().string(), places.log().string(), limits::kSambaLogKibMax,
        limits::kSambaProcessesMax);
}

std::string make_listeners(const SambaSettings& settings) {
    std::string text = fmt::format("  smb ports = {}\n", settings.port);
    if (is_wildcard(settings.address)) return text + "  bind interfaces only = no\n";
    return text +
           fmt::format("  interfaces = {}\n  bind interfaces only = yes\n", settings.address);
}

std::string make_share(const ServedShare& share) {
    // Without an account nobody is admitted: an empty list would admit everybody.
    const std::string accounts =
        share.accounts.empty() ? "root" : fmt::format("{}", fmt::join(share.accounts, " "));
    // %u is the system's name of the account that logged in, however the client spelt it.
    return fmt::format(
        "\n[{0}]\n"
        "  path = {1}/%u\n"
        "  valid users = {2}\n"
        "{3}"
        "  dfree command = {1}/{4}\n"
        "  veto files = /{5}/\n",
        share.name, share.path.string(), accounts, kShareRules, kSpaceScript, kSpaceFile);
}

}  // namespace

void set_listener(SambaSettings& settings, std::string_view listen) {
    const std::size_t colon = listen.rfind(':');
    ENTREPOT_CHECK(colon != std::string_view::npos);
    std::string_view address = listen.substr(0, colon);
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    settings.address = address;
    const std::string_view port = listen.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), settings.port);
    ENTREPOT_CHECK(error == std::errc{} && end == port.data() + port.size());
}

std::string make_server_name(std::string_view name) {
    std::string result;
    for (const char c : name.substr(0, name.find('.'))) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-')
            result += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    const bool has_letter = std::any_of(result.begin(), result.end(), [](char c) {
        return std::isalpha(static_cast<unsigned char>(c)) != 0;
    });
    // An address has none; its digits would name another machine.
    if (!has_letter || name.find(':') != std::string_view::npos) return "APPLIANCE";
    return result.substr(0, kNetbiosNameBytesMax);
}

std::vector<fs::path> samba_folders(const SambaPlaces& places) {
    std::vector<fs::path> folders{places.directory};
    for (const char* name : {"private", "state", "cache", "lock", "run", "ncalrpc", "log"})
        folders.push_back(places.directory / name);
    return folders;
}

std::string make_smb_conf(const SambaSettings& settings, const SambaPlaces& places) {
    std::string text =
        "# Made by entrepotd and made again at every change: what you write here does not stay.\n";
    text += kDefaults;
    if (!settings.include.empty())
        text += fmt::format("  include = {}\n", settings.include.string());
    text += fmt::format("  netbios name = {}\n", settings.server_name);
    text += make_listeners(settings);
    text += kStrictness;
    text += make_places(places);
    for (const ServedShare& share : settings.shares)
        text += make_share(share);
    return text;
}

std::string make_user_map(const SambaSettings& settings) {
    std::string text = "# Made by entrepotd: computers of a domain, and the accounts they get.\n";
    for (const MappedComputer& mapped : settings.computers)
        text += fmt::format("!{} = \"{}\"\n", mapped.account, mapped.computer);
    return text;
}

std::string make_space_script() {
    // Samba runs it in the account's folder. Where nothing is known it is full, rather than as
    // empty as the volume is.
    return fmt::format(
        "#!/bin/sh\n"
        "# Made by entrepotd: what a host is told of free space.\n"
        "cat {} 2>/dev/null || echo 0 0 1024\n",
        kSpaceFile);
}

std::string make_space_text(std::uint64_t total_bytes, std::uint64_t free_bytes) {
    return fmt::format("{:020} {:020} 1024\n", total_bytes / kKiB, free_bytes / kKiB);
}

void check_served_name(std::string_view name) {
    const std::string small = lower(name);
    const bool is_reserved =
        std::find(kReservedNames.begin(), kReservedNames.end(), small) != kReservedNames.end();
    const bool is_plain = is_word(name, ".-_") && name.front() != '.' && name.back() != '.';
    if (is_plain && !is_reserved && name.size() <= kServedNameBytesMax) return;
    throw Error{
        ErrorCode::invalid,
        fmt::format("\"{:.80}\" can't be the name of a share that the appliance serves", name),
        "take letters, digits, '-' and '_'"};
}

void check_served_path(const fs::path& path) {
    const std::string text = path.string();
    const bool is_plain = std::none_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '%' || c == '"' ||
               c == '\\' || c == ';' || c == '#';
    });
    if (is_plain && text.find("  ") == std::string::npos && !text.ends_with(' ')) return;
    throw Error{
        ErrorCode::invalid,
        fmt::format("the path \"{:.200}\" holds a character that Samba gives a meaning", text),
        "take another path: without % \" \\ ; # and double spaces"};
}

void check_computer(std::string_view computer) {
    const std::size_t slash = computer.find('\\');
    if (slash != std::string_view::npos && computer.ends_with('$')) {
        const std::string_view domain = computer.substr(0, slash);
        const std::string_view name = computer.substr(slash + 1, computer.size() - slash - 2);
        if (is_word(domain, ".-") && is_word(name, ".-") && domain.size() <= kDomainBytesMax &&
            name.size() <= kComputerBytesMax) {
            return;
        }
    }
    throw Error{ErrorCode::invalid,
                fmt::format("\"{:.140}\" is no computer account of a domain", computer),
                R"(write DOMAIN\HOST$, with the domain's short name)"};
}

}  // namespace entrepot::share
