// Refused logins between a process and the next.
#include "appliance/daemon/host_gates.h"

#include "tests/doctor/stage.h"

#include <catch2/catch.hpp>

namespace entrepot::test {

TEST_CASE("gates: refusals are kept by host, until a login or the host goes", "[F-WM-08]") {
    Stage stage;
    const auto gate_of = [&](const std::string& host) {
        return daemon::HostGates{stage.clock, stage.log, stage.state.settings}.gate_of(host);
    };
    const std::string host = stage.state.hosts
                                 .add({.name = "hv09",
                                       .url = "https://hv09:5986/wsman",
                                       .authentication = "ntlm",
                                       .user = "backup"})
                                 .id;
    {
        daemon::HostGates gates{stage.clock, stage.log, stage.state.settings};
        gates.gate_of(host)->note_refusal("wrong password");
        CHECK(gates.gate_of(host) == gates.gate_of(host));
        gates.gate_of(host)->note_refusal("wrong password");
    }
    CHECK(gate_of(host)->held_back_until());
    CHECK(gate_of(host)->last_refusal() == "wrong password");
    CHECK_FALSE(gate_of("another")->held_back_until());

    SECTION("a login") {
        daemon::HostGates gates{stage.clock, stage.log, stage.state.settings};
        gates.gate_of(host)->note_login();
        CHECK_FALSE(gate_of(host)->held_back_until());
    }
    SECTION("the host goes") {
        stage.state.hosts.remove(host);
        CHECK_FALSE(stage.state.settings.find(state::login_refusals_setting(host)));
    }
    SECTION("what is kept is no refusal") {
        for (const Json& odd : {Json{{"count", "many"}}, Json::array(), Json{{"count", 1e300}}}) {
            stage.state.settings.put(state::login_refusals_setting(host), odd);
            CHECK_FALSE(gate_of(host)->held_back_until());
        }
    }
}

}  // namespace entrepot::test
