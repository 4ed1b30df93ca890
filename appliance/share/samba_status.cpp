// Reads the list of open files; see samba_status.h.
#include "appliance/share/samba_status.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace entrepot::share {
namespace {

using Names = std::vector<std::string>;

// Process ids up to here mean all of smbd, or init.
constexpr std::uint64_t kProcessMin = 2;
constexpr std::uint64_t kProcessMax = std::numeric_limits<std::int32_t>::max();

bool is_same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

Names split(const std::string& path) {
    Names names;
    for (const auto& part : std::filesystem::path{path}) {
        if (!part.empty() && part != "." && part != "/") names.push_back(part.string());
    }
    return names;
}

// A handle whose client is gone and may come back for it. It is not open in any process, and
// coming back works by its name, which the move takes away; so it holds nothing.
bool is_disconnected(std::uint64_t process) {
    return process > kProcessMax;
}

std::uint64_t process_of(const Json& server_id) {
    const std::string text = server_id.at("pid");
    std::uint64_t process = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, process);
    if (error != std::errc{} || stop != end || process < kProcessMin) {
        throw Error{ErrorCode::protocol,
                    fmt::format("smbstatus names the process \"{:.40}\"", text)};
    }
    return process;
}

struct OpenFile {
    Names path;
    std::string name;
    std::uint64_t process = 0;
};

std::vector<OpenFile> read_open_files(const Json& status) {
    std::vector<OpenFile> files;
    // Absent until the first client has come.
    const auto list = status.find("open_files");
    if (list == status.end()) return files;
    for (const Json& entry : *list) {
        const std::string name = entry.at("filename");
        const std::string folder = entry.at("service_path");
        for (const Json& open : entry.at("opens")) {
            const std::uint64_t process = process_of(open.at("server_id"));
            if (is_disconnected(process)) continue;
            files.push_back({split(folder + "/" + name), name, process});
        }
    }
    return files;
}

std::string machine_of(const Json& status, std::uint64_t process) {
    const auto connections = status.find("tcons");
    if (connections == status.end()) return {};
    for (const Json& connection : *connections) {
        if (process_of(connection.at("server_id")) == process) return connection.at("machine");
    }
    return {};
}

std::string account_of(const Json& status, std::uint64_t process) {
    const auto sessions = status.find("sessions");
    if (sessions == status.end()) return {};
    for (const Json& session : *sessions) {
        if (process_of(session.at("server_id")) == process) return session.at("username");
    }
    return {};
}

std::optional<std::size_t> find_name(const Names& path, std::string_view name) {
    const auto found = std::find_if(path.begin(), path.end(), [&](const std::string& part) {
        return is_same_name(part, name);
    });
    if (found == path.end()) return std::nullopt;
    return static_cast<std::size_t>(found - path.begin());
}

// A handle on a folder above the run, which hosts keep while they look around.
bool is_above(const Names& path, const Names& run) {
    return path.size() < run.size() &&
           std::equal(path.begin(), path.end(), run.begin(), is_same_name);
}

std::vector<Holder> find_holders(const Json& status, std::string_view run_id) {
    const std::vector<OpenFile> files = read_open_files(status);
    std::map<std::uint64_t, Holder> holders;
    Names run;
    for (const OpenFile& file : files) {
        const auto depth = find_name(file.path, run_id);
        if (!depth) continue;
        run.assign(file.path.begin(), file.path.begin() + static_cast<std::ptrdiff_t>(*depth) + 1);
        holders.try_emplace(file.process, Holder{.client = std::to_string(file.process),
                                                 .machine = machine_of(status, file.process),
                                                 .account = account_of(status, file.process),
                                                 .file = file.name});
    }
    for (const OpenFile& file : files) {
        const auto holder = holders.find(file.process);
        if (holder == holders.end() || find_name(file.path, run_id)) continue;
        if (!is_above(file.path, run)) holder->second.is_busy_elsewhere = true;
    }
    std::vector<Holder> result;
    for (auto& [process, holder] : holders)
        result.push_back(std::move(holder));
    return result;
}

std::vector<std::string> find_clients(const Json& status, const Names& accounts) {
    std::set<std::uint64_t> processes;
    const auto sessions = status.find("sessions");
    if (sessions == status.end()) return {};
    for (const Json& session : *sessions) {
        const std::string account = session.at("username");
        const bool is_wanted =
            std::any_of(accounts.begin(), accounts.end(),
                        [&](const std::string& wanted) { return is_same_name(wanted, account); });
        if (is_wanted) processes.insert(process_of(session.at("server_id")));
    }
    std::vector<std::string> clients;
    for (const std::uint64_t process : processes) {
        if (!is_disconnected(process)) clients.push_back(std::to_string(process));
    }
    return clients;
}

// Without a version it is no answer of smbstatus, and no list would mean nothing.
template <typename Read>
auto read_answer(const Json& status, const Read& read) -> decltype(read()) {
    try {
        status.at("version").get_ref<const std::string&>();
        return read();
    } catch (const Json::exception& error) {
        throw Error{ErrorCode::protocol,
                    fmt::format("smbstatus wrote another form than expected: {}", error.what()),
                    "Samba 4.17 or later is expected"};
    }
}

}  // namespace

std::vector<Holder> find_holders_in(const Json& status, std::string_view run_id) {
    return read_answer(status, [&] { return find_holders(status, run_id); });
}

std::vector<std::string> find_clients_in(const Json& status,
                                         const std::vector<std::string>& accounts) {
    return read_answer(status, [&] { return find_clients(status, accounts); });
}

}  // namespace entrepot::share
