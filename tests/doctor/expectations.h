// What every diagnosis must be: one id of its own, with words that help.
#pragma once

#include "tests/doctor/stage.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

namespace entrepot::test {

inline void check_words(const doctor::Check& check) {
    INFO(check.id << ": " << check.cause << " / " << check.evidence << " / " << check.cure << " / "
                  << check.command);
    CHECK(check.id.find("unexpected") == std::string::npos);
    CHECK(check.id.starts_with(check.layer + "."));
    CHECK(check.cause.size() > 20);
    CHECK_FALSE(check.evidence.empty());
    CHECK(check.cure.size() > 15);
    CHECK(check.command.size() > 3);
    for (const std::string* text : {&check.cause, &check.cure, &check.command}) {
        CHECK(text->find('\n') == std::string::npos);
    }
}

/// Fails the test unless exactly these checks failed, each with its words; gives all checks.
inline std::vector<doctor::Check> expect_failures(Stage& stage, const std::set<std::string>& ids,
                                                  const doctor::Options& options = {}) {
    auto checks = stage.examine(options);
    for (const auto& check : checks) {
        UNSCOPED_INFO(to_string(check.result) << " " << check.id << ": " << check.evidence);
    }
    CHECK(failures(checks) == ids);
    for (const auto& check : checks) {
        if (check.result == doctor::Result::failed || check.result == doctor::Result::warning) {
            check_words(check);
        }
    }
    return checks;
}

/// The same for a check that does not fail.
inline void expect_check(Stage& stage, const std::string& id, doctor::Result result) {
    const auto checks = stage.examine();
    for (const auto& check : checks) {
        UNSCOPED_INFO(to_string(check.result) << " " << check.id << ": " << check.evidence);
    }
    const auto* check = find(checks, id);
    REQUIRE(check != nullptr);
    CHECK(check->result == result);
    if (result != doctor::Result::ok) check_words(*check);
}

inline Json fault(const std::string& at, const std::string& what, int times = -1) {
    return {{"at", at}, {"do", what}, {"times", times}};
}

inline Json with_faults(const std::vector<Json>& faults) {
    return {{"faults", faults}};
}

}  // namespace entrepot::test
