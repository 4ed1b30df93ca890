// See stage.h.
#include "tests/doctor/stage.h"

#include "appliance/daemon/host_connector.h"

#include <algorithm>

namespace entrepot::test {

Stage::Stage()
    : state(directory.path() / "state.db", clock, random),
      shares({file_system, clock, state.shares, state.hosts}),
      share_folder(directory.path() / "exports") {
    std::filesystem::create_directories(share_folder);
    draft.name = "hv01";
    draft.authentication = "ntlm";
    draft.user = "HV01\\backup";
    shares.add("exports", "\\\\localhost\\exports", share_folder);
    knowledge.connection_of = [this](const state::HostRecord& host) {
        hyperv::Connection connection = daemon::make_connection(host, secret);
        connection.gate = gate;
        return connection;
    };
    knowledge.make_probe = [this](const hyperv::Connection& connection, std::stop_token stop) {
        return hyperv::make_host_probe({clock, log}, connection, stop);
    };
    knowledge.is_our_snapshot = [](const hyperv::Snapshot& snapshot) {
        return snapshot.name.starts_with("Entrepot ");
    };
    knowledge.list_spare_reference_points = [](const std::string&, const hyperv::Vm&) {
        return std::vector<std::string>{};
    };
    knowledge.find_export_proof = [](const std::string&) -> std::optional<doctor::ExportProof> {
        return std::nullopt;
    };
    // Whether this machine serves files is no matter of these tests.
    network.ports[445] = {wsman::PortState::open, "127.0.0.1", "127.0.0.1 port 445: open"};
}

void Stage::use(const Simulator& simulator) {
    const auto connection = simulator.connection(hyperv::Authentication::ntlm);
    draft.url = connection.url;
    draft.pin_sha256 = connection.pin_sha256;
}

void Stage::use_http(const Simulator& simulator) {
    draft.url = simulator.http_url();
    draft.pin_sha256.clear();
    draft.seals_messages = true;
}

const std::string& Stage::host_id() {
    if (!host_) {
        host_ = state.hosts.add(draft);
        host_->has_password = !secret.empty();
    }
    return host_->id;
}

std::vector<doctor::Check> Stage::examine(const doctor::Options& options) {
    host_id();
    const doctor::Services services{.clock = clock,
                                    .random = random,
                                    .log = log,
                                    .file_system = *files,
                                    .state = state,
                                    .shares = shares,
                                    .network = network,
                                    .knowledge = knowledge,
                                    .file_server = file_server,
                                    .smb_conf = "/etc/samba/smb.conf",
                                    .allows_local_names = allows_local_names};
    return doctor::examine(services, *host_, options, {});
}

std::set<std::string> ids_with(const std::vector<doctor::Check>& checks, doctor::Result result) {
    std::set<std::string> ids;
    for (const auto& check : checks) {
        if (check.result == result) ids.insert(check.id);
    }
    return ids;
}

std::set<std::string> failures(const std::vector<doctor::Check>& checks) {
    return ids_with(checks, doctor::Result::failed);
}

const doctor::Check* find(const std::vector<doctor::Check>& checks, const std::string& id) {
    const auto found = std::find_if(checks.begin(), checks.end(),
                                    [&](const auto& check) { return check.id == id; });
    return found == checks.end() ? nullptr : &*found;
}

}  // namespace entrepot::test
