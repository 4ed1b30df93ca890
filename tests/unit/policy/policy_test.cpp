// The model of a policy: patterns, JSON in and out, and what is refused.
#include "appliance/policy/policy.h"

#include "tests/support/state_fixture.h"

#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::policy;
using test::code_of;

namespace {

const std::string kVm = "2DC27766-F623-4200-9D64-115E9BFD4A08";

Json good() {
    return {{"name", "nightly"},
            {"vms", {"web*", "!web-test", "hv02/db?"}},
            {"calendar", "Mon..Fri 22:00 Europe/Berlin"},
            {"consistency", "application"},
            {"keep", {{"keep_last", 7}, {"keep_weekly", 4}}},
            {"full_every", 30},
            {"enabled", false}};
}

}  // namespace

TEST_CASE("policy: JSON survives a round trip", "[policy]") {
    PosixFileSystem files;
    TimeZones zones{files};
    const Policy policy = Policy::from_json(good(), zones);
    CHECK(policy.keep == KeepRule{.last = 7, .weekly = 4});
    CHECK(policy.consistency == Consistency::application);
    CHECK(!policy.is_enabled);
    CHECK(policy.vms[2] == VmPattern{.host = "hv02", .vm = "db?"});
    CHECK(Policy::from_json(policy.to_json(), zones).to_json() == policy.to_json());
    CHECK(policy.to_json()["vms"] == good()["vms"]);
}

TEST_CASE("policy: every field is checked", "[policy]") {
    PosixFileSystem files;
    TimeZones zones{files};
    const auto refused = [&](const std::string& field, const Json& value) {
        Json json = good();
        json[field] = value;
        return code_of([&] { Policy::from_json(json, zones); });
    };
    CHECK(refused("name", "") == ErrorCode::invalid);
    CHECK(refused("name", 5) == ErrorCode::invalid);
    CHECK(refused("vms", Json::array()) == ErrorCode::invalid);
    CHECK(refused("vms", {"!web*"}) == ErrorCode::invalid);
    CHECK(refused("vms", {""}) == ErrorCode::invalid);
    CHECK(refused("vms", {"/x"}) == ErrorCode::invalid);
    CHECK(refused("vms", "web*") == ErrorCode::invalid);
    CHECK(refused("calendar", "sometimes") == ErrorCode::invalid);
    CHECK(refused("calendar", "10:00 Mars/Olympus") == ErrorCode::invalid);
    CHECK(refused("consistency", "perfect") == ErrorCode::invalid);
    CHECK(refused("keep", Json::object()) == ErrorCode::usage);
    CHECK(refused("keep", {{"keep_last", 0}}) == ErrorCode::usage);
    CHECK(refused("keep", {{"keep_last", -1}}) == ErrorCode::invalid);
    CHECK(refused("keep", {{"keep_last", 1.5}}) == ErrorCode::invalid);
    CHECK(refused("keep", {{"keep_all", 1}}) == ErrorCode::invalid);
    CHECK(refused("full_every", 4'000'000'000U) == ErrorCode::invalid);
    CHECK(refused("enabled", 1) == ErrorCode::invalid);
    CHECK(refused("extra", 1) == ErrorCode::invalid);
    CHECK(!refused("enabled", true));
    Json without = good();
    without.erase("calendar");
    CHECK(code_of([&] { Policy::from_json(without, zones); }) == ErrorCode::invalid);
}

TEST_CASE("policy: globs", "[policy]") {
    CHECK(matches_glob("*", ""));
    CHECK(matches_glob("web*", "WEB01"));
    CHECK(matches_glob("*a*b*c", "xxaxxbxxc"));
    CHECK(matches_glob("a?c", "abc"));
    CHECK(matches_glob(R"(a\*c)", "a*c"));
    CHECK(!matches_glob(R"(a\*c)", "abc"));
    CHECK(!matches_glob("a?c", "ac"));
    CHECK(!matches_glob("web", "web01"));
    CHECK(!matches_glob("", "a"));
    // Nothing exponential in it.
    std::string glob;
    for (int i = 0; i < 100; ++i)
        glob += "a*";
    CHECK(!matches_glob(glob + "b", std::string(20'000, 'a')));
}

TEST_CASE("policy: which VMs it takes in", "[policy]") {
    PosixFileSystem files;
    TimeZones zones{files};
    const Policy policy = Policy::from_json(good(), zones);
    CHECK(policy.matches("hv01", kVm, "web01"));
    CHECK(!policy.matches("hv01", kVm, "web-test"));
    CHECK(policy.matches("HV02", kVm, "db1"));
    CHECK(!policy.matches("hv01", kVm, "db1"));

    Json by_id = good();
    by_id["vms"] = {"{2dc27766-f623-4200-9d64-115e9bfd4a08}", R"(*/a\/b)"};
    const Policy other = Policy::from_json(by_id, zones);
    CHECK(other.matches("hv01", kVm, "whatever"));
    CHECK(!other.matches("hv01", "11111111-F623-4200-9D64-115E9BFD4A08", "whatever"));
    CHECK(other.matches("hv01", "11111111-F623-4200-9D64-115E9BFD4A08", "a/b"));
}
