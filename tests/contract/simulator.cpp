// Starting and ending the simulator's process.
#include "tests/contract/simulator.h"

#include "base/bytes.h"
#include "base/file_system.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

extern char** environ;

namespace entrepot {
namespace {

constexpr int kStartMilliseconds = 60'000;
constexpr std::size_t kDiskBytes = 8 * kMiB;

std::filesystem::path program() {
    return std::filesystem::path{ENTREPOT_BINARY_DIR} / "bin" / "entrepot-hostsim";
}

struct Started {
    pid_t process;
    int output;
};

Started start(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{program().string()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> raw;
    for (std::string& word : words)
        raw.push_back(word.data());
    raw.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    Started started{-1, ends[0]};
    const int error =
        ::posix_spawn(&started.process, raw[0], &actions, nullptr, raw.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error != 0) throw std::runtime_error{"the simulator cannot be started"};
    return started;
}

// Text until the end of the line, or of the output.
std::string read_output(int output, bool is_one_line) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        pollfd waiting{output, POLLIN, 0};
        if (::poll(&waiting, 1, kStartMilliseconds) <= 0) {
            throw std::runtime_error{"the simulator says nothing"};
        }
        const ssize_t size = ::read(output, buffer.data(), buffer.size());
        if (size <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
        if (is_one_line && text.find('\n') != std::string::npos) return text;
    }
}

Json disk(const std::string& raw, int location) {
    return {{"raw", raw}, {"controller", "scsi"}, {"location", location}, {"format", "vhdx"}};
}

Json vm(const std::string& id, const std::string& name, const Json& disks) {
    return {{"id", id},           {"name", name},   {"generation", 2},  {"version", "9.0"},
            {"state", "running"}, {"disks", disks}, {"guest_vss", true}};
}

}  // namespace

bool Simulator::is_available() {
    return std::filesystem::exists(program());
}

Simulator::Simulator(const Json& changes) {
    const auto& root = directory_.path();
    std::filesystem::create_directories(share());
    for (const char* name : {"web01.raw", "db01-a.raw", "db01-b.raw"}) {
        std::ofstream file{root / name, std::ios::binary};
        file << std::string(kMiB, 'g');
        file.close();
        std::filesystem::resize_file(root / name, kDiskBytes);
    }
    Json config{
        {"listen", "127.0.0.1:0"},
        {"http", "127.0.0.1:0"},
        {"auth", Json::array({"basic", "negotiate"})},
        {"host", {{"name", "HV01"}, {"os_build", 17763}, {"schema", "windows-server-2019"}}},
        {"users", Json::array({{{"name", "HV01\\backup"},
                                {"password", "p&ss <1>"},
                                {"groups", Json::array({"Administrators"})}}})},
        {"shares", Json::array({{{"unc", "\\\\appliance\\exports"}, {"path", "share"}}})},
        {"state", "state"},
        {"virtual_machines",
         Json::array({vm("AAAAAAAA-0000-4000-8000-000000000001", "R&D <web>",
                         Json::array({disk("web01.raw", 0)})),
                      vm("BBBBBBBB-0000-4000-8000-000000000002", "db01",
                         Json::array({disk("db01-a.raw", 0), disk("db01-b.raw", 1)}))})},
        {"seed", 0},
        {"speed", {{"job_step_ms", 2}}}};
    config.merge_patch(changes);
    std::ofstream file{root / "sim.json"};
    file << config.dump();
    file.close();
    const Started started = start({"--config", (root / "sim.json").string()});
    process_ = started.process;
    output_ = started.output;
    try {
        endpoint_ = parse_json(read_output(output_, true), "the simulator's first line");
    } catch (const std::exception&) {
        end();
        throw;
    }
}

Simulator::~Simulator() {
    end();
}

void Simulator::end() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    ::close(output_);
}

hyperv::Connection Simulator::connection(hyperv::Authentication authentication) const {
    hyperv::Connection connection;
    connection.url = endpoint_.at("url");
    connection.authentication = authentication;
    connection.user = "HV01\\backup";
    connection.password = Secret{"p&ss <1>"};
    connection.pin_sha256 = endpoint_.at("certificate_sha256");
    return connection;
}

hyperv::Connection Simulator::http_connection(hyperv::Authentication authentication) const {
    hyperv::Connection plain = connection(authentication);
    plain.url = endpoint_.at("http_url");
    plain.pin_sha256.clear();
    plain.encryption = hyperv::MessageEncryption::over_http;
    return plain;
}

void Simulator::write_disk(const std::string& file, std::size_t offset, std::size_t length,
                           char byte) {
    std::fstream stream{directory_.path() / file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekp(static_cast<std::streamoff>(offset));
    stream << std::string(length, byte);
}

Json Simulator::control(const std::vector<std::string>& words) const {
    std::vector<std::string> arguments{"ctl", "--state", (directory_.path() / "state").string()};
    arguments.insert(arguments.end(), words.begin(), words.end());
    const Started started = start(arguments);
    const std::string text = read_output(started.output, false);
    ::close(started.output);
    ::waitpid(started.process, nullptr, 0);
    return parse_json(text, "the simulator's answer");
}

std::string Simulator::request_log() const {
    std::ifstream file{directory_.path() / "state" / "requests.jsonl"};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

}  // namespace entrepot
