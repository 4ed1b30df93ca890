// Answers that the simulator does not give (yet): a real probe of it, with a test's answers before.
#include "tests/doctor/expectations.h"

#include "exporter/wsman/login_error.h"

#include <functional>
#include <optional>

namespace entrepot::test {
namespace {

using doctor::Result;
using hyperv::ClassState;
using wsman::LoginError;
using wsman::LoginFailure;

/// What a test wants to be answered instead of what the host says.
struct Answers {
    std::function<hyperv::HttpReport()> http{};
    std::function<hyperv::LoginReport()> login{};
    std::function<hyperv::WinrmReport()> winrm{};
    std::optional<hyperv::ProcessReport> processes{};
    /// Changes what was found.
    std::function<void(hyperv::HostCapabilities&)> capabilities{};
};

class SteeredProbe final : public hyperv::HostProbe {
public:
    SteeredProbe(std::unique_ptr<HostProbe> real, const Answers& answers)
        : real_(std::move(real)), answers_(answers) {}

    hyperv::HttpReport ask_without_login() override {
        return answers_.http ? answers_.http() : real_->ask_without_login();
    }
    hyperv::LoginReport log_in() override {
        return answers_.login ? answers_.login() : real_->log_in();
    }
    bool can_log_in_without_channel_binding() override {
        return real_->can_log_in_without_channel_binding();
    }
    hyperv::WinrmReport read_winrm() override {
        return answers_.winrm ? answers_.winrm() : real_->read_winrm();
    }
    hyperv::ProcessReport read_processes() override {
        return answers_.processes ? *answers_.processes : real_->read_processes();
    }
    hyperv::HostCapabilities read_capabilities() override {
        auto found = real_->read_capabilities();
        if (answers_.capabilities) answers_.capabilities(found);
        return found;
    }
    hyperv::HyperVHost& host() override { return real_->host(); }

private:
    std::unique_ptr<HostProbe> real_;
    const Answers& answers_;
};

/// A simulated host whose answers can be replaced.
struct SteeredStage : Stage {
    explicit SteeredStage(const Json& changes = Json::object()) : simulator(changes) {
        use(simulator);
        knowledge.make_probe = [this](const hyperv::Connection& connection, std::stop_token stop) {
            return std::make_unique<SteeredProbe>(
                hyperv::make_host_probe({clock, log}, connection, stop), answers);
        };
    }

    Simulator simulator;
    Answers answers;
};

template <typename Report>
std::function<Report()> throws(const Error& error) {
    return [error]() -> Report { throw error; };
}

hyperv::ClassReport& class_of(hyperv::HostCapabilities& capabilities, const std::string& name) {
    for (auto& one : capabilities.classes) {
        if (one.name == name) return one;
    }
    throw std::runtime_error{"no class " + name};
}

}  // namespace

TEST_CASE("doctor: WinRM's limits as an administrator sees them", "[doctor]") {
    if (!Simulator::is_available()) return;
    SteeredStage stage;
    SECTION("wide") {
        stage.answers.winrm = [] { return hyperv::WinrmReport{500, 60'000, 1500, 300}; };
        expect_check(stage, "quota.fine", Result::ok);
    }
    SECTION("a small envelope") {
        stage.answers.winrm = [] { return hyperv::WinrmReport{64, 60'000, 1500, 300}; };
        expect_check(stage, "quota.envelope-small", Result::warning);
    }
    SECTION("few operations") {
        stage.answers.winrm = [] { return hyperv::WinrmReport{500, 60'000, 5, 300}; };
        expect_check(stage, "quota.operations-few", Result::warning);
    }
    SECTION("not shown") {
        stage.answers.winrm =
            throws<hyperv::WinrmReport>({ErrorCode::access_denied, "access is denied"});
        expect_check(stage, "quota.unread", Result::unproven);
    }
}

TEST_CASE("doctor: no Hyper-V, its service stopped, or its classes missing", "[doctor]") {
    if (!Simulator::is_available()) return;
    SteeredStage stage;
    const auto break_first = [](ClassState state) {
        return [state](hyperv::HostCapabilities& found) {
            found.classes.resize(1);
            found.classes[0].state = state;
            found.classes[0].detail = "Invalid namespace (0x8004100E)";
        };
    };
    SECTION("no namespace") {
        stage.answers.capabilities = break_first(ClassState::no_name_space);
        expect_failures(stage, {"role.missing"});
    }
    SECTION("no namespace since vmms is stopped") {
        stage.answers.processes = hyperv::ProcessReport{"Stopped", 0};
        stage.answers.capabilities = break_first(ClassState::no_name_space);
        expect_failures(stage, {"role.vmms-stopped"});
    }
    SECTION("stopped, whatever the classes say") {
        stage.answers.processes = hyperv::ProcessReport{"Stopped", 0};
        expect_failures(stage, {"role.vmms-stopped"});
    }
    SECTION("no reference points") {
        stage.answers.capabilities = [](hyperv::HostCapabilities& found) {
            class_of(found, "Msvm_VirtualSystemReferencePointService").state = ClassState::missing;
        };
        const auto checks = expect_failures(stage, {"schema.class-missing"});
        CHECK(find(checks, "schema.class-missing")->evidence.find("ReferencePointService") !=
              std::string::npos);
    }
    SECTION("no differential export") {
        stage.answers.capabilities = [](hyperv::HostCapabilities& found) {
            class_of(found, "Msvm_VirtualSystemExportSettingData").missing_properties = {
                "DifferentialBackupBase"};
        };
        expect_failures(stage, {"schema.property-missing"});
    }
}

TEST_CASE("doctor: VMs run, and the account is shown none", "[doctor]") {
    if (!Simulator::is_available()) return;
    Json none;
    none["virtual_machines"] = Json::array();
    SteeredStage stage{none};
    stage.answers.processes = hyperv::ProcessReport{"Running", 7};

    const auto checks = expect_failures(stage, {"rights.hidden-vms"});
    CHECK(find(checks, "rights.hidden-vms")->evidence.find("7 VM worker") != std::string::npos);
}

TEST_CASE("doctor: every reason for which a login can fail has an id", "[doctor]") {
    if (!Simulator::is_available()) return;
    using Row = std::tuple<LoginFailure, std::string>;
    const auto [failure, id] = GENERATE(table<LoginFailure, std::string>({
        Row{LoginFailure::scheme_off, "auth.negotiate-off"},
        Row{LoginFailure::certificate_refused, "auth.certificate-refused"},
        Row{LoginFailure::refused_afterwards, "auth.loop"},
        Row{LoginFailure::connection_closed, "auth.connection-lost"},
        Row{LoginFailure::cannot_seal, "auth.cannot-seal"},
        Row{LoginFailure::no_end, "auth.no-end"},
        Row{LoginFailure::held_back, "auth.held-back"},
        Row{LoginFailure::ticket_expired, "auth.ticket-expired"},
        Row{LoginFailure::policy, "auth.policy"},
        Row{LoginFailure::clock_skew, "auth.clock-skew"},
        Row{LoginFailure::kerberos_other, "auth.kerberos-other"},
    }));
    SteeredStage stage;
    stage.answers.login = [failure = failure]() -> hyperv::LoginReport {
        throw LoginError{failure, ErrorCode::unauthenticated, "the host's words"};
    };

    expect_failures(stage, {id});
}

TEST_CASE("doctor: trouble during the login that is no refusal", "[doctor]") {
    if (!Simulator::is_available()) return;
    using Row = std::tuple<ErrorCode, std::string>;
    const auto [code, id] = GENERATE(table<ErrorCode, std::string>({
        Row{ErrorCode::unreachable, "auth.connection-lost"},
        Row{ErrorCode::timeout, "http.silent"},
        Row{ErrorCode::access_denied, "rights.winrm-denied"},
        Row{ErrorCode::busy, "quota.exceeded"},
        Row{ErrorCode::protocol, "http.broken"},
    }));
    SteeredStage stage;
    stage.answers.login = throws<hyperv::LoginReport>({code, "the line broke"});

    expect_failures(stage, {id});
}

TEST_CASE("doctor: a host that takes the request and is silent", "[doctor]") {
    if (!Simulator::is_available()) return;
    SteeredStage stage;
    stage.answers.http = throws<hyperv::HttpReport>({ErrorCode::timeout, "no answer within 30 s"});

    expect_failures(stage, {"http.silent"});
}

TEST_CASE("doctor: what has no name is reported as such, with words, and ends nothing else",
          "[doctor]") {
    if (!Simulator::is_available()) return;
    SteeredStage stage;
    stage.answers.login = throws<hyperv::LoginReport>({ErrorCode::internal, "something odd"});

    const auto checks = stage.examine();
    const auto* check = find(checks, "auth.unexpected");
    REQUIRE(check != nullptr);
    CHECK(check->evidence == "something odd");
    CHECK(check->cure.find("report it") != std::string::npos);
    CHECK(find(checks, "rights.skipped") != nullptr);
    CHECK(find(checks, "share.directory") != nullptr);
}

TEST_CASE("doctor: a stop ends the examination", "[doctor]") {
    if (!Simulator::is_available()) return;
    SteeredStage stage;
    stage.answers.http = throws<hyperv::HttpReport>({ErrorCode::cancelled, "cancelled"});

    CHECK_THROWS_AS(stage.examine(), Error);
}

}  // namespace entrepot::test
