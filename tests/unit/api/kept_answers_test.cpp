// Answers are kept as long as they are true, and no longer.
#include "appliance/api/kept_answers.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace entrepot;
using namespace std::chrono_literals;
using api::KeptAnswers;
using api::MadeAnswer;
using api::Sources;

namespace {

const WallTime kNow = *parse_time("2026-03-01T12:00:00Z");

struct Maker {
    int count = 0;
    std::optional<WallTime> valid_until{};
    MadeAnswer operator()() {
        MadeAnswer made;
        made.response.body = std::to_string(++count);
        made.valid_until = valid_until;
        return made;
    }
};

}  // namespace

TEST_CASE("kept answers: made again when what they were made of is another", "[api]") {
    KeptAnswers answers;
    Maker maker;
    Sources sources{1, 1, {{"vm", 1}}};
    const auto ask = [&] { return answers.get("q", sources, kNow, [&] { return maker(); }).body; };
    CHECK(ask() == "1");
    CHECK(ask() == "1");
    ++sources.state_changes;
    CHECK(ask() == "2");
    ++sources.jobs;
    CHECK(ask() == "3");
    sources.points.front().stamp = 2;
    CHECK(ask() == "4");
    sources.points.push_back({"other", 1});
    CHECK(ask() == "5");
    CHECK(ask() == "5");
}

TEST_CASE("kept answers: no longer than they hold, and not before they were made", "[api]") {
    KeptAnswers answers;
    Maker maker{.valid_until = kNow + 10s};
    const auto ask = [&](WallTime now) {
        return answers.get("q", {}, now, [&] { return maker(); }).body;
    };
    CHECK(ask(kNow) == "1");
    CHECK(ask(kNow + 9'999ms) == "1");
    CHECK(ask(kNow + 10s) == "2");
    maker.valid_until.reset();
    CHECK(ask(kNow + 11s) == "3");
    CHECK(ask(kNow + 100h) == "3");
    CHECK(ask(kNow) == "4");  // Somebody set the clock.
}

TEST_CASE("kept answers: each question has its own, the last ones asked are kept", "[api]") {
    KeptAnswers answers{2};
    Maker maker;
    const auto ask = [&](const std::string& question) {
        return answers.get(question, {}, kNow, [&] { return maker(); }).body;
    };
    CHECK(ask("a") == "1");
    CHECK(ask("b") == "2");
    CHECK(ask("a") == "1");
    CHECK(ask("c") == "3");
    CHECK(ask("a") == "1");
    CHECK(ask("b") == "4");
}

TEST_CASE("kept answers: what cannot be made is an error of who asks, and tried again", "[api]") {
    KeptAnswers answers;
    const auto fail = []() -> MadeAnswer { throw Error{ErrorCode::io, "no disk"}; };
    CHECK_THROWS_AS(answers.get("q", {}, kNow, fail), Error);
    Maker maker;
    CHECK(answers.get("q", {}, kNow, [&] { return maker(); }).body == "1");
}

TEST_CASE("kept answers: many who ask at once have it made once", "[api]") {
    KeptAnswers answers;
    std::atomic<int> count{0};
    std::latch all{8};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&] {
                all.arrive_and_wait();
                answers.get("q", {}, kNow, [&] {
                    ++count;
                    return MadeAnswer{};
                });
            });
        }
    }
    CHECK(count == 1);
}
