// Samba by its own tools. Each smbd process serves exactly one client machine: a second connection
// of the same machine is handed over to the process that serves it already, or has one of its own
// where multi-channel is off. So telling one process
// to close its shares hits one host's sessions and nobody else's; telling "smbd" would hit all.
// `close-share *` rather than `shutdown`: the host stays logged in and connects again when it next
// wants to, by a name.
#include "appliance/share/file_server.h"
#include "appliance/share/samba_status.h"

#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace entrepot::share {
namespace {

constexpr std::size_t kStatusBytesMax = 16 * kMiB;
constexpr std::chrono::seconds kToolTimeout{15};
constexpr const char* kAnswerTimeout = "--timeout=5";  // Seconds; below the one above.
constexpr std::size_t kSaidBytesMax = 200;

// The first line of what a tool said, fit for a message.
std::string said_by(const CommandResult& result) {
    const std::string& text = result.err.empty() ? result.out : result.err;
    std::string line = text.substr(0, std::min(text.find('\n'), kSaidBytesMax));
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return line.empty() ? fmt::format("exit status {}", result.exit_status) : line;
}

class SambaServer final : public FileServer {
public:
    SambaServer(SambaServerOptions options, FileSystem& file_system, ProcessRunner& processes)
        : options_(std::move(options)), file_system_(file_system), processes_(processes) {}

    void check_running(std::stop_token stop) override {
        // The tools take a missing file for an empty one and answer for another Samba.
        if (!file_system_.exists(options_.smb_conf)) {
            throw Error{
                ErrorCode::not_found,
                fmt::format("Samba's configuration {} is not there", options_.smb_conf.string()),
                options_.missing_hint};
        }
        const CommandResult result = run("smbcontrol", {kAnswerTimeout, "smbd", "ping"}, stop);
        if (result.exit_status == 0 && result.out.find("PONG") != std::string::npos) return;
        refuse_if_not_root(result);
        throw Error{ErrorCode::unreachable,
                    fmt::format("the file server of {} does not answer: {}",
                                options_.smb_conf.string(), said_by(result)),
                    options_.silent_hint};
    }

    std::vector<Holder> find_holders(std::string_view run_id, std::stop_token stop) override {
        return find_holders_in(read_status(stop), run_id);
    }

    void close_sessions(const Holder& holder, std::stop_token stop) override {
        // It fails if the process is gone, and then so are its handles; the caller looks again.
        const CommandResult result = run("smbcontrol", {holder.client, "close-share", "*"}, stop);
        if (result.exit_status != 0) refuse_if_not_root(result);
    }

    void end_clients(const std::vector<std::string>& accounts, std::stop_token stop) override {
        for (const std::string& client : find_clients_in(read_status(stop), accounts)) {
            const CommandResult result = run("smbcontrol", {client, "shutdown"}, stop);
            if (result.exit_status != 0) refuse_if_not_root(result);
        }
    }

private:
    Json read_status(std::stop_token stop) {
        const CommandResult result = run("smbstatus", {"--json"}, stop);
        if (result.exit_status != 0) {
            refuse_if_not_root(result);
            throw Error{
                ErrorCode::io,
                fmt::format("smbstatus cannot say which files are open: {}", said_by(result)),
                "Samba 4.17 or later is expected"};
        }
        return parse_json(result.out, "the output of smbstatus", kStatusBytesMax);
    }

    CommandResult run(const std::string& tool, std::vector<std::string> arguments,
                      std::stop_token stop) {
        arguments.insert(arguments.begin(), "--configfile=" + options_.smb_conf.string());
        Command command{.program = tool,
                        .arguments = std::move(arguments),
                        .timeout = kToolTimeout,
                        .output_bytes_max = kStatusBytesMax};
        try {
            return processes_.run(command, stop);
        } catch (Error& error) {
            if (error.code() == ErrorCode::not_found) {
                error.set_hint("install Samba (Debian: samba, samba-common-bin)");
            } else if (error.code() == ErrorCode::timeout) {
                error.set_hint("the file server hangs: look at its log, or restart it");
            }
            throw;
        }
    }

    // Both tools say so only in words; LC_ALL=C keeps them English.
    static void refuse_if_not_root(const CommandResult& result) {
        const bool wants_root = result.err.find("only works as root") != std::string::npos ||
                                result.err.find("not root?") != std::string::npos;
        if (!wants_root) return;
        throw Error{
            ErrorCode::permission_denied,
            fmt::format("Samba does not tell us which files are open: {}", said_by(result)),
            "entrepotd has to run as root where it serves a share, or share.smb_conf is set"};
    }

    SambaServerOptions options_;
    FileSystem& file_system_;
    ProcessRunner& processes_;
};

}  // namespace

std::unique_ptr<FileServer> make_samba_server(SambaServerOptions options, FileSystem& file_system,
                                              ProcessRunner& processes) {
    return std::make_unique<SambaServer>(std::move(options), file_system, processes);
}

}  // namespace entrepot::share
