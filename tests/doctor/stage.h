// An appliance that knows one host, and its doctor: everything real but the repository.
#pragma once

#include "appliance/doctor/doctor.h"
#include "exporter/wsman/host_gate.h"
#include "tests/contract/simulator.h"
#include "tests/support/temporary_directory.h"

#include "base/log.h"
#include "tests/support/hasty_clock.h"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace entrepot::test {

/// The real network, with answers of a test before it.
class SteeredNetwork final : public wsman::NetworkProbe {
public:
    SteeredNetwork() : real_(wsman::make_network_probe()) {}
    wsman::NameReport resolve(const std::string& host) override {
        const auto known = names.find(host);
        return known == names.end() ? real_->resolve(host) : known->second;
    }
    wsman::PortReport connect(const std::string& host, std::uint16_t port,
                              std::stop_token stop) override {
        const auto known = ports.find(port);
        return known == ports.end() ? real_->connect(host, port, stop) : known->second;
    }
    wsman::TlsReport shake_hands(const wsman::TlsQuestion& question,
                                 std::stop_token stop) override {
        return handshake ? *handshake : real_->shake_hands(question, stop);
    }
    std::vector<std::string> own_addresses() override { return real_->own_addresses(); }

    std::map<std::string, wsman::NameReport> names;
    std::map<std::uint16_t, wsman::PortReport> ports;
    std::optional<wsman::TlsReport> handshake;

private:
    std::unique_ptr<wsman::NetworkProbe> real_;
};

class Stage {
public:
    Stage();

    /// The host that is examined; change it before examine().
    state::HostDraft draft;
    Secret secret{"p&ss <1>"};
    /// As the simulator is reached: pinned, by NTLM.
    void use(const Simulator& simulator);
    void use_http(const Simulator& simulator);

    std::vector<doctor::Check> examine(const doctor::Options& options = {});
    /// The id of our record, after the first examine().
    const std::string& host_id();

    TemporaryDirectory directory;
    HastyClock clock;
    SystemRandom random;
    NullLog log;
    PosixFileSystem file_system;
    FileSystem* files = &file_system;  ///< What the doctor sees.
    share::FileServer* file_server = nullptr;
    bool allows_local_names = true;
    state::State state;
    share::ShareRegistry shares;
    SteeredNetwork network;
    std::shared_ptr<wsman::HostGate> gate = std::make_shared<wsman::HostGate>(clock);
    doctor::Knowledge knowledge;
    std::filesystem::path share_folder;

private:
    std::optional<state::HostRecord> host_;
};

/// The ids with that result.
std::set<std::string> ids_with(const std::vector<doctor::Check>& checks, doctor::Result result);
std::set<std::string> failures(const std::vector<doctor::Check>& checks);
/// nullptr if it was not found.
const doctor::Check* find(const std::vector<doctor::Check>& checks, const std::string& id);

}  // namespace entrepot::test
