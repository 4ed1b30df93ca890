// See managed_samba.h.
#include "tests/samba/managed_samba.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace entrepot::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kToolTimeout{120};

std::uint16_t free_port() {
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(probe, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(probe);
    return ntohs(address.sin_port);
}

}  // namespace

bool ManagedSamba::is_possible() {
    return ::geteuid() == 0 && fs::exists("/usr/sbin/smbd") && fs::exists("/usr/bin/smbclient");
}

ManagedSamba::ManagedSamba(const std::string& include)
    : root(directory.path() / "exports"), port(free_port()) {
    share::make_share_accounts(system_accounts, processes, 2, true, {});
    files.set_access(directory.path(), {.mode = 0711});
    files.make_directories(root);
    files.set_access(root, {.mode = 0755});
    fs::path include_file;
    if (!include.empty()) include_file = write_local("include.conf", include);
    shares.emplace(share::ManagedEnvironment{files, real_random, log, *state, registry,
                                             system_accounts, [this] { return key; }, include_file},
                   share::SambaEnvironment{real_clock, real_random, log, files, processes, starter,
                                           share::is_tcp_port_taken, true},
                   places);
    share_record = registry.add_managed({.name = "exports",
                                         .unc = R"(\\appliance\exports)",
                                         .path = root,
                                         .listen = fmt::format("127.0.0.1:{}", port)});
    shares->start();
    first = add_host("hv01", "0123456789abcdef0123456789abcdef");
    second = add_host("hv02", "fedcba98765432100123456789abcdef");
    if (shares->health().state != share::SambaState::running) {
        throw std::runtime_error{"no Samba: " + shares->health().message};
    }
}

ManagedSamba::~ManagedSamba() {
    shares->stop();
}

ManagedHost ManagedSamba::add_host(const std::string& name, const std::string& run) {
    ManagedHost host;
    host.record =
        state->hosts.add({.name = name, .url = "https://hv/wsman", .authentication = "ntlm"});
    const auto issued = shares->issue(host.record, share::Rotate::no);
    host.account = issued.account;
    host.password = issued.password.reveal_text();
    host.run = run;
    area(host).create_run(host.record.id, run);
    return host;
}

fs::path ManagedSamba::run_path(const ManagedHost& host) const {
    return root / host.account / host.record.id / host.run;
}

fs::path ManagedSamba::write_local(const std::string& name, std::string_view content) {
    const fs::path file = directory.path() / name;
    files.remove(file);
    files.create(file)->write(0, as_bytes(content));
    return file;
}

std::string ManagedSamba::login_file(const std::string& user, const std::string& password) {
    return write_local(fmt::format("login-{}", next_login_++),
                       fmt::format("username = {}\npassword = {}\n", user, password))
        .string();
}

CommandResult ManagedSamba::run_tool(const std::string& program,
                                     std::vector<std::string> arguments) {
    return processes.run({.program = program,
                          .arguments = std::move(arguments),
                          .timeout = kToolTimeout,
                          .output_bytes_max = 16 * kMiB},
                         {});
}

std::string ManagedSamba::run_client_as(const std::string& user, const std::string& password,
                                        const std::string& service, const std::string& commands,
                                        const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"//127.0.0.1/" + service, "-p", std::to_string(port), "-A",
                                       login_file(user, password)};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), {"-c", commands});
    const CommandResult result = run_tool("smbclient", std::move(arguments));
    return result.out + result.err;
}

std::string ManagedSamba::run_client(const ManagedHost& host, const std::string& commands,
                                     const std::vector<std::string>& options) {
    return run_client_as(host.account, host.password, "exports", commands, options);
}

std::string ManagedSamba::describe_tree() const {
    std::vector<std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
        PosixFileSystem own;
        const auto status = own.find_status(entry.path());
        if (!status) continue;
        const std::uint64_t size = status->type == FileType::regular ? status->size_bytes : 0;
        lines.push_back(fmt::format("{} {}:{} {:o} {}\n", entry.path().string(), status->owner_id,
                                    status->group_id, status->mode, size));
    }
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines)
        text += line;
    return text;
}

}  // namespace entrepot::test
