// How jobs ended by day, and the jobs of one VM.
#include "tests/unit/api/api_fixture.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace entrepot;
using namespace std::chrono_literals;
using api::Method;

namespace {

class HistoryLab {
public:
    void end_job(const std::string& time, jobs::JobState end, const std::string& kind = "backup",
                 const std::string& key = {}) {
        jobs::JobRequest request{.kind = kind, .subject = "web01 on hv01"};
        request.exclusive_key = key;
        const WallTime ended = *parse_time(time);
        auto record =
            fixture.state.jobs.insert(fmt::format("{:032x}", ++count_), request, ended - 1min);
        record.view.state = end;
        record.view.started = ended - 1min;
        record.view.ended = ended;
        fixture.state.jobs.update(record.view);
    }

    Json get(const std::string& path) {
        return fixture.send_json(Method::get, "/api/v1/jobs" + path, Json::object());
    }

    test::ApiFixture fixture;

private:
    int count_ = 0;
};

}  // namespace

TEST_CASE("job history: a day is the appliance's, and has a row without jobs, too", "[api]") {
    HistoryLab lab;
    lab.fixture.config.time_zone = "Europe/Berlin";  // An hour ahead of UTC.
    lab.end_job("2026-02-27T22:59:00Z", jobs::JobState::done);
    lab.end_job("2026-02-27T23:01:00Z", jobs::JobState::failed);
    lab.end_job("2026-02-28T10:00:00Z", jobs::JobState::done);
    lab.end_job("2026-02-28T11:00:00Z", jobs::JobState::done, "verify");

    const Json history = lab.get("/history?days=3&kind=backup");
    INFO(history.dump());

    CHECK(history.at("time_zone") == "Europe/Berlin");
    REQUIRE(history.at("days").size() == 3);
    CHECK(history.at("days").at(0).at("day") == "2026-02-27");
    CHECK(history.at("days").at(0).at("done") == 1);
    CHECK(history.at("days").at(1).at("failed") == 1);
    CHECK(history.at("days").at(1).at("done") == 1);
    CHECK(history.at("days").at(1).at("busy_seconds") == 120);
    CHECK(history.at("days").at(2).at("done") == 0);
    CHECK(lab.get("/history?days=3").at("days").at(1).at("done") == 2);
    CHECK(lab.get("/history").at("days").size() == 14);
    CHECK(lab.get("/history?days=93").at("status") >= 400);
}

TEST_CASE("job history: days go on when clocks change", "[api]") {
    HistoryLab lab;
    lab.fixture.config.time_zone = "Europe/Berlin";
    lab.fixture.clock.advance(29 * 24h);  // Two days after summer time began.
    lab.end_job("2026-03-28T22:59:00Z", jobs::JobState::done);
    lab.end_job("2026-03-29T21:59:00Z", jobs::JobState::done);
    const Json days = lab.get("/history?days=3").at("days");
    CHECK(days.at(0).at("day") == "2026-03-28");
    CHECK(days.at(0).at("done") == 1);
    CHECK(days.at(1).at("done") == 1);
    CHECK(days.at(2).at("done") == 0);
}

TEST_CASE("jobs: those of one VM are found by its GUID and its host's name", "[api]") {
    HistoryLab lab;
    const std::string host =
        lab.fixture.state.hosts
            .add({.name = "hv01", .url = "https://hv01:5986/wsman", .authentication = "ntlm"})
            .id;
    lab.end_job("2026-02-28T10:00:00Z", jobs::JobState::done, "backup",
                policy::vm_exclusive_key(host, "VM-1"));
    lab.end_job("2026-02-28T11:00:00Z", jobs::JobState::failed, "backup",
                policy::vm_exclusive_key(host, "VM-2"));
    CHECK(lab.get("?vm=VM-1&host=hv01").at("jobs").size() == 1);
    CHECK(lab.get("?vm=VM-1&host=hv01").at("jobs").at(0).at("state") == "done");
    CHECK(lab.get("?vm=VM-1").at("jobs").empty());
}
