// MIT's KDC, run without any right and with its database in a temporary directory.
#include "tests/support/kerberos_realm.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

extern char** environ;

namespace entrepot::test {
namespace {

constexpr const char* kRealm = "ENTREPOT.TEST";
constexpr const char* kDatabaseTool = "/usr/sbin/kdb5_util";
constexpr const char* kAdministration = "/usr/sbin/kadmin.local";
constexpr const char* kKdc = "/usr/sbin/krb5kdc";
constexpr std::array<const char*, 5> kVariables{"KRB5_CONFIG", "KRB5_KDC_PROFILE", "KRB5CCNAME",
                                                "KRB5RCACHEDIR", "KRB5_CLIENT_KTNAME"};

/// A port that nobody has, for UDP and TCP alike, as far as one can know beforehand.
int free_port() {
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

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out{file};
    out << text;
    if (!out.flush()) throw std::runtime_error{"cannot write " + file.string()};
}

std::string read(const std::filesystem::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

int run_program(const std::vector<std::string>& words, const std::string& input) {
    std::vector<std::string> kept = words;
    std::vector<char*> raw;
    for (std::string& word : kept)
        raw.push_back(word.data());
    raw.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t process = -1;
    const int error = ::posix_spawnp(&process, raw[0], &actions, nullptr, raw.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[0]);
    const bool is_fed = error == 0 && ::write(ends[1], input.data(), input.size()) ==
                                          static_cast<ssize_t>(input.size());
    ::close(ends[1]);
    if (error != 0) return 127;
    int status = 0;
    ::waitpid(process, &status, 0);
    return is_fed && WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

bool KerberosRealm::is_available() {
    for (const char* program : {kDatabaseTool, kAdministration, kKdc}) {
        if (!std::filesystem::exists(program)) return false;
    }
    return true;
}

KerberosRealm::KerberosRealm() : port_(free_port()) {
    const std::string port = std::to_string(port_);
    const std::string root = directory_.path().string();
    write(path("krb5.conf"),
          "[libdefaults]\n default_realm = ENTREPOT.TEST\n dns_lookup_kdc = false\n"
          " dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n"
          "[realms]\n ENTREPOT.TEST = {\n  kdc = 127.0.0.1:" +
              port +
              "\n }\n[domain_realm]\n localhost = ENTREPOT.TEST\n"
              " .entrepot.test = ENTREPOT.TEST\n");
    write(path("kdc.conf"),
          "[kdcdefaults]\n kdc_listen = 127.0.0.1:" + port + "\n kdc_tcp_listen = 127.0.0.1:" +
              port + "\n[realms]\n ENTREPOT.TEST = {\n  database_name = " + root +
              "/principal\n  key_stash_file = " + root + "/stash\n  acl_file = " + root +
              "/acl\n  supported_enctypes = aes256-cts:normal "
              "aes128-cts:normal\n }\n[logging]\n kdc = FILE:" +
              root + "/kdc.log\n");
    ::setenv("KRB5_CONFIG", path("krb5.conf").c_str(), 1);
    ::setenv("KRB5_KDC_PROFILE", path("kdc.conf").c_str(), 1);
    ::setenv("KRB5CCNAME", ("FILE:" + ticket_cache().string()).c_str(), 1);
    ::setenv("KRB5RCACHEDIR", root.c_str(), 1);
    ::setenv("KRB5_CLIENT_KTNAME", path("no-keytab").c_str(), 1);
    if (run_program({kDatabaseTool, "-r", kRealm, "create", "-s", "-P", "master"}) != 0) {
        throw std::runtime_error{"the KDC's database cannot be made"};
    }
    start_kdc();
}

KerberosRealm::~KerberosRealm() {
    stop_kdc();
    for (const char* variable : kVariables)
        ::unsetenv(variable);
}

void KerberosRealm::start_kdc() {
    std::vector<std::string> words{kKdc, "-r", kRealm, "-n"};
    std::vector<char*> raw;
    for (std::string& word : words)
        raw.push_back(word.data());
    raw.push_back(nullptr);
    std::filesystem::remove(path("kdc.log"));
    if (::posix_spawn(&kdc_, raw[0], nullptr, nullptr, raw.data(), environ) != 0) {
        throw std::runtime_error{"the KDC cannot be started"};
    }
    constexpr int kTriesMax = 2'000;
    constexpr int kPauseMilliseconds = 10;
    for (int attempt = 0; attempt < kTriesMax; ++attempt) {
        if (read(path("kdc.log")).find("commencing operation") != std::string::npos) return;
        ::poll(nullptr, 0, kPauseMilliseconds);
    }
    throw std::runtime_error{"the KDC does not come up"};
}

void KerberosRealm::stop_kdc() {
    if (kdc_ <= 0) return;
    ::kill(kdc_, SIGTERM);
    ::waitpid(kdc_, nullptr, 0);
    kdc_ = -1;
}

void KerberosRealm::administer(const std::string& command) const {
    if (run_program({kAdministration, "-r", kRealm, "-q", command}) != 0) {
        throw std::runtime_error{"kadmin.local refuses: " + command};
    }
}

void KerberosRealm::add_user(const std::string& name, const std::string& password,
                             const std::string& options) const {
    administer("addprinc -pw " + password + " +requires_preauth " + options + " " + name);
}

void KerberosRealm::add_service(const std::string& principal) const {
    administer("addprinc -randkey " + principal);
}

std::filesystem::path KerberosRealm::add_keytab(const std::string& principal) const {
    std::string name = principal;
    for (char& one : name) {
        if (one == '/') one = '-';
    }
    const std::filesystem::path file = path(name + ".keytab");
    administer("ktadd -k " + file.string() + " " + principal);
    return file;
}

}  // namespace entrepot::test
