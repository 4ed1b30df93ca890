// Starts the simulator's binary and waits for the line in which it says where it listens.
#include "simulator.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace entrepot::test {
namespace {

constexpr const char* kProgram = ENTREPOT_BINARY_DIR "/bin/entrepot-hostsim";
constexpr int kStartSeconds = 60;

void make_disk(const std::filesystem::path& path, std::uintmax_t size) {
    std::ofstream{path};
    std::filesystem::resize_file(path, size);
}

/// The first line that the process prints.
std::string read_line(int descriptor) {
    std::string line;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{kStartSeconds};
    while (std::chrono::steady_clock::now() < deadline) {
        pollfd waiting{descriptor, POLLIN, 0};
        if (::poll(&waiting, 1, 100) <= 0) continue;
        char c = 0;
        if (::read(descriptor, &c, 1) != 1) break;
        if (c == '\n') return line;
        line += c;
    }
    throw std::runtime_error{"the simulator did not start: " + line};
}

}  // namespace

Simulator::Simulator(std::uint64_t seed, const Json& more) {
    make_disk(path("a.raw"), 48 * kMiB);
    make_disk(path("b.raw"), 24 * kMiB);
    std::filesystem::create_directories(path("exports"));
    Json config{
        {"listen", "127.0.0.1:0"},
        {"auth", {"basic", "negotiate"}},
        {"state", "state"},
        {"seed", seed},
        {"users",
         {{{"name", "HV01\\backup"}, {"password", "secret"}, {"groups", {"Administrators"}}},
          {{"name", "HV01\\guest"}, {"password", "secret"}, {"groups", Json::array()}},
          {{"name", "HV01\\reader"},
           {"password", "secret"},
           {"groups", {"Remote Management Users"}}}}},
        {"shares", {{{"unc", "\\\\appliance\\exports"}, {"path", "exports"}}}},
        {"speed", {{"job_step_ms", 2}, {"merge_ms", 10}}},
        {"virtual_machines",
         {{{"name", "web01"},
           {"disks",
            {{{"raw", "a.raw"}},
             {{"raw", "b.raw"}, {"location", 1}, {"logical_sector_size", 4096}}}}}}}};
    config.update(more);
    std::ofstream{path("sim.json")} << config.dump(1);
    start();
}

Simulator::~Simulator() {
    stop();
}

void Simulator::start() {
    std::array<int, 2> pipe_ends{};
    if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
    const std::string config = path("sim.json").string();
    process_ = ::fork();
    if (process_ == 0) {
        ::dup2(pipe_ends[1], STDOUT_FILENO);
        ::execl(kProgram, kProgram, "--config", config.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(pipe_ends[1]);
    const std::string line = read_line(pipe_ends[0]);
    ::close(pipe_ends[0]);
    url_ = Json::parse(line).at("url");
}

void Simulator::stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

Json Simulator::control(const std::vector<std::string>& words) const {
    std::string command = fmt::format("{} ctl --state '{}'", kProgram, path("state").string());
    for (const std::string& word : words)
        command += fmt::format(" '{}'", word);
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error{"popen"};
    std::string text;
    std::array<char, 4096> chunk{};
    while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
        text.append(chunk.data(), count);
    }
    ::pclose(pipe);
    return Json::parse(text);
}

void Simulator::plan_fault(const std::string& at, const std::string& action, int times) const {
    const Json answer = control({"fault", "add", at, action, std::to_string(times)});
    if (answer.contains("error")) throw std::runtime_error{answer.dump()};
}

std::vector<Json> Simulator::exports() const {
    std::vector<Json> lines;
    std::ifstream in{path("state/exports.jsonl")};
    for (std::string line; std::getline(in, line);)
        lines.push_back(Json::parse(line));
    return lines;
}

void Simulator::guest_writes(const std::string& disk, std::uint64_t offset, std::size_t length,
                             char value) const {
    std::fstream file{path(disk), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(offset));
    const std::string bytes(length, value);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace entrepot::test
