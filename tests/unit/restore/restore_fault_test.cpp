// Kill points, enumerated: the process dies before and after every host call and journal write, and
// starts again; then lost answers of every host call, with somebody else's objects beside.
#include "tests/unit/restore/restore_lab.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <optional>

using namespace entrepot;
using test::Crash;
using test::FakeHost;
using test::RestoreLab;

namespace {

/// One restore that dies at event `number`, and its second life. False if there was no such event.
bool restore_with_crash(RestoreLab& lab, const restore::RestoreRequest& request, int number,
                        bool is_cancelled) {
    auto job = lab.make_job(request);
    std::string event;
    lab.lab.script.reset();
    lab.lab.script.on_event = [&](int now, const std::string& name) {
        if (now != number) return;
        event = name;
        throw Crash{};
    };
    bool has_crashed = false;
    std::optional<jobs::JobOutcome> outcome;
    try {
        outcome = lab.run(job);
    } catch (const Crash&) {
        has_crashed = true;
    }
    lab.lab.script.on_event = [](int, const std::string&) {};
    CAPTURE(number, event);
    if (has_crashed) {
        if (is_cancelled) job.stop_source.request_stop();
        try {
            outcome = lab.run(job);
        } catch (const Error& error) {
            CHECK(is_cancelled);
            CHECK(error.code() == ErrorCode::cancelled);
        }
    }
    CHECK(lab.world.planned.size() == 1);  // The foreign one.
    if (outcome) {
        CHECK(lab.find_difference(outcome->result) == "");
        CHECK(lab.world.vms.size() == 1);
    } else {
        CHECK(lab.find_dirt() == "");
        CHECK(lab.world.vms.empty());
    }
    CHECK(lab.lab.state.residue.list().empty());
    return has_crashed;
}

}  // namespace

TEST_CASE("restore: killed anywhere and started again there is one VM, or cancelled none",
          "[restore][sim]") {
    const bool is_cancelled = GENERATE(false, true);
    // A host that has forgotten what its jobs made.
    const bool forgets = GENERATE(false, true);
    int number = 0;
    for (;; ++number) {
        RestoreLab lab;
        lab.lab.world.behaviour.forgets_affected = forgets;
        lab.world.add_foreign_planned("somebody else's");
        if (!restore_with_crash(lab, lab.request(), number, is_cancelled)) break;
    }
    CHECK(number > 80);
}

TEST_CASE("restore: killed anywhere where the id is kept and the network is mapped",
          "[restore][sim]") {
    int number = 0;
    for (;; ++number) {
        RestoreLab lab;
        lab.world.has_original = false;
        lab.world.add_foreign_planned("somebody else's");
        auto request = lab.request();
        request.keeps_id = true;
        request.switches = {{"LAN", "Lab"}, {"Old", "LAN"}};
        if (!restore_with_crash(lab, request, number, false)) break;
        // Whatever was done twice: each adapter is where it was asked for.
        const auto& adapters = lab.world.adapters_of_vms.at(lab.lab.world.vm_id);
        CHECK(adapters.at(0).switch_id == "S2");
        CHECK(adapters.at(1).switch_id == "S1");
    }
    CHECK(number > 80);
}

TEST_CASE("restore: killed while it is undone", "[restore][sim]") {
    int number = 0;
    for (;; ++number) {
        RestoreLab lab;
        lab.world.add_foreign_planned("somebody else's");
        lab.world.behaviour.realise_hresult = 0x80070005;
        auto job = lab.make_job(lab.request());
        std::optional<int> first_after_failure;
        bool has_crashed = false;
        lab.lab.script.on_event = [&](int now, const std::string& event) {
            if (event == "before journal failed") first_after_failure = now;
            if (!first_after_failure || now - *first_after_failure != number) return;
            has_crashed = true;
            throw Crash{};
        };
        try {
            lab.run(job);
        } catch (const Crash&) {
        } catch (const Error&) {
        }
        lab.lab.script.on_event = [](int, const std::string&) {};
        CAPTURE(number);
        if (has_crashed) CHECK_THROWS_AS(lab.run(job), Error);
        CHECK(lab.find_dirt() == "");
        CHECK(lab.world.planned.size() == 1);
        if (!has_crashed) break;
    }
    CHECK(number > 8);
}

TEST_CASE(
    "restore: an answer lost before or after the act makes neither two objects nor a leak, "
    "and takes nobody else's",
    "[restore][sim]") {
    const auto moment = GENERATE(FakeHost::Moment::before, FakeHost::Moment::after);
    const std::string call =
        GENERATE("start_import", "start_validate", "start_realise", "start_vm", "change_planned_vm",
                 "set_disk_path", "disconnect_adapter", "remove_settings", "look_at_disk_file",
                 "list_planned_vms", "read_job", "list_running_jobs", "list_affected_planned_vms");
    const bool hides_name = GENERATE(false, true);
    const bool has_company = GENERATE(false, true);
    RestoreLab lab;
    lab.world.behaviour.hides_snapshot_name = hides_name;
    const std::string event = (moment == FakeHost::Moment::before ? "before " : "after ") + call;
    bool is_lost = false;
    std::string foreign;
    lab.lab.script.on_event = [&](int, const std::string& name) {
        if (name != event || is_lost) return;
        is_lost = true;
        if (has_company) foreign = lab.world.add_foreign_planned("somebody else's");
        throw Error{ErrorCode::timeout, "the answer did not come"};
    };
    auto request = lab.request();
    request.starts = true;
    auto job = lab.make_job(request);
    CAPTURE(event, hides_name, has_company);
    std::optional<jobs::JobOutcome> outcome;
    std::optional<Error> failure;
    try {
        outcome = lab.run(job);
    } catch (const Error& error) {
        failure = error;
    }
    CHECK(is_lost);
    for (const auto& vm : lab.world.planned)
        if (vm.id != foreign) CHECK(hides_name);  // In doubt, and remembered: see below.
    CHECK(std::none_of(lab.world.destroyed.begin(), lab.world.destroyed.end(),
                       [&](const std::string& id) { return id == foreign; }));
    if (outcome) {
        CHECK(lab.find_difference(outcome->result) == "");
        CHECK(lab.world.vms.size() == 1);
        CHECK(lab.world.planned.size() == (has_company ? 1 : 0));
        return;
    }
    // Only an import whose result nothing proves may end so: nothing is adopted, all is told.
    INFO(failure->what());
    CHECK(call == "start_import");
    CHECK((hides_name || has_company));
    CHECK(failure->code() == ErrorCode::conflict);
    CHECK(lab.world.vms.empty());
    CHECK(lab.lab.state.residue.list().size() == lab.world.planned.size());
    for (const auto& entry : std::filesystem::recursive_directory_iterator{lab.share})
        CHECK_FALSE(entry.is_regular_file());
}

TEST_CASE("restore: where settings name the folder of an import, a lost answer costs nothing",
          "[restore][sim]") {
    RestoreLab lab;
    lab.world.behaviour.hides_snapshot_name = true;
    lab.world.behaviour.reads_in_place = true;
    bool is_lost = false;
    lab.lab.script.on_event = [&](int, const std::string& name) {
        if (name != "after start_import" || is_lost) return;
        is_lost = true;
        lab.world.add_foreign_planned("somebody else's");
        throw Error{ErrorCode::unreachable, "the connection broke"};
    };
    CHECK(lab.restore(lab.request())["vm"]["name"] == "web01 (restored 2026-01-31)");
    CHECK(lab.world.planned.size() == 1);
    CHECK(lab.world.imports.size() == 1);
}

TEST_CASE("restore: a kept id is no proof: somebody else's import of the same VM is not touched",
          "[restore][sim]") {
    RestoreLab lab;
    lab.world.has_original = false;
    auto request = lab.request();
    request.keeps_id = true;
    lab.lab.script.on_event = [&](int, const std::string& name) {
        if (name != "before start_realise") return;
        // Our planned VM is gone, and a VM of that id is there that nobody of us made.
        lab.world.planned.clear();
        lab.world.vms.push_back({lab.lab.world.vm_id, "web01", "running", {}});
    };
    auto job = lab.make_job(request);
    CHECK_THROWS_AS(lab.run(job), Error);
    CHECK(lab.world.vms.size() == 1);
    CHECK(lab.world.destroyed.empty());
    CHECK(lab.find_dirt() == "");
}
