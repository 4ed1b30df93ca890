// A verification that was cut off goes on, and believes only what was looked at.
#include "repository_fixture.h"

#include "storage/repository/verify_progress.h"

#include "base/error.h"
#include "base/rate_limit.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

namespace entrepot::repository::test {
namespace {

constexpr std::size_t kVmBytes = 4 * kMiB;

/// Counts what is looked at, and stops the work there.
class StoppingCounter final : public Progress {
public:
    void report(std::string_view, std::uint64_t done_bytes, std::uint64_t total_bytes) override {
        first_ = first_.value_or(done_bytes);
        last_ = done_bytes;
        total_ = total_bytes;
        if (stop_at_ > 0 && done_bytes >= stop_at_) stop_.request_stop();
    }
    void stop_at(std::uint64_t bytes) { stop_at_ = bytes; }
    std::stop_token token() const { return stop_.get_token(); }
    /// What the first report counted already.
    std::uint64_t first() const { return first_.value_or(0); }
    std::uint64_t last() const { return last_; }
    std::uint64_t total() const { return total_; }

private:
    std::stop_source stop_;
    std::uint64_t stop_at_ = 0;
    std::optional<std::uint64_t> first_;
    std::uint64_t last_ = 0;
    std::uint64_t total_ = 0;
};

class Runs {
public:
    explicit Runs(std::optional<std::string> passphrase = "correct horse")
        : fixture{std::move(passphrase)} {
        for (std::uint64_t vm = 1; vm <= 3; ++vm)
            points.push_back(
                fixture.add_full("vm" + std::to_string(vm), make_content(vm, kVmBytes)));
    }

    /// Verifies until so many bytes were looked at.
    void cut_off(VerifyDepth depth, const std::string& run, std::uint64_t bytes) {
        StoppingCounter counter;
        counter.stop_at(bytes);
        CHECK_THROWS_AS(verify(depth, run, counter), Error);
    }
    std::vector<PointVerdict> verify(VerifyDepth depth, const std::string& run,
                                     StoppingCounter& counter) {
        VerifyOptions options{depth};
        options.run = run;
        return fixture.repository().verify({}, options, Work{counter, counter.token()});
    }
    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> found;
        const auto directory = fixture.directory() / "verify";
        if (!std::filesystem::exists(directory)) return found;
        for (const auto& entry : std::filesystem::directory_iterator{directory})
            found.push_back(entry.path());
        return found;
    }

    Fixture fixture;
    std::vector<std::string> points;
};

bool is_all_sound(const std::vector<PointVerdict>& verdicts) {
    return std::ranges::all_of(verdicts, &PointVerdict::is_sound);
}

}  // namespace

TEST_CASE("verify: one that was cut off goes on where it was, in another process too", "[verify]") {
    const auto depth = GENERATE(VerifyDepth::packs, VerifyDepth::data);
    const bool is_encrypted = GENERATE(true, false);
    Runs runs{is_encrypted ? std::optional<std::string>{"secret"} : std::nullopt};
    StoppingCounter whole;
    CHECK(is_all_sound(runs.verify(depth, "", whole)));
    CHECK(whole.last() > 6 * kMiB);
    CHECK(whole.total() >= whole.last());

    runs.cut_off(depth, "first", whole.last() / 2);
    runs.fixture.reopen();
    const auto unfinished = runs.fixture.repository().list_unfinished_verifications();
    REQUIRE(unfinished.size() == 1);
    CHECK(unfinished.front().id == "first");
    CHECK(unfinished.front().depth == depth);
    CHECK(unfinished.front().points.empty());

    StoppingCounter rest;
    const auto verdicts = runs.verify(depth, "first", rest);
    CHECK(verdicts.size() == 3);
    CHECK(is_all_sound(verdicts));
    CHECK(rest.first() >= whole.last() / 2);
    CHECK(rest.last() == whole.last());
    CHECK(runs.files().empty());
    CHECK(runs.fixture.repository().list_unfinished_verifications().empty());

    StoppingCounter again;
    runs.verify(depth, "first", again);
    CHECK(again.first() <= whole.first());
}

TEST_CASE("verify: damage that was found before the cut is found again", "[verify]") {
    const auto depth = GENERATE(VerifyDepth::packs, VerifyDepth::data);
    Runs runs;
    runs.fixture.close();
    for (const auto& pack : runs.fixture.objects("packs"))
        flip_byte(pack, 128 + 64 + 5000);
    runs.fixture.reopen();
    StoppingCounter whole;
    CHECK_FALSE(is_all_sound(runs.verify(depth, "", whole)));
    runs.cut_off(depth, "cut", whole.last() * 2 / 3);
    runs.fixture.reopen();
    StoppingCounter rest;
    const auto verdicts = runs.verify(depth, "cut", rest);
    REQUIRE(verdicts.size() == 3);
    for (const PointVerdict& verdict : verdicts)
        CHECK_FALSE(verdict.is_sound);
}

TEST_CASE("verify: what somebody changed in the notes of a run is looked at again", "[verify]") {
    Runs runs;
    StoppingCounter whole;
    runs.verify(VerifyDepth::data, "", whole);
    runs.cut_off(VerifyDepth::data, "cut", whole.last() / 2);
    runs.fixture.close();
    REQUIRE(runs.files().size() == 1);
    const auto file = runs.files().front();
    const auto size = std::filesystem::file_size(file);
    const int how = GENERATE(0, 1, 2);
    if (how == 0) flip_byte(file, size - 20);
    if (how == 1) std::filesystem::resize_file(file, size - 1);
    if (how == 2) std::filesystem::resize_file(file, 20);
    runs.fixture.reopen();
    StoppingCounter rest;
    CHECK(is_all_sound(runs.verify(VerifyDepth::data, "cut", rest)));
    CHECK(rest.first() <= whole.first());
    CHECK(runs.files().empty());
}

TEST_CASE("verify: a run is not gone on with at another depth, nor after a week", "[verify]") {
    Runs runs;
    StoppingCounter whole;
    runs.verify(VerifyDepth::data, "", whole);
    runs.cut_off(VerifyDepth::data, "cut", whole.last() / 2);
    SECTION("another depth") {
        StoppingCounter other;
        CHECK(is_all_sound(runs.verify(VerifyDepth::packs, "cut", other)));
        CHECK(other.first() < whole.last() / 2);
    }
    SECTION("later") {
        runs.fixture.clock_.advance(std::chrono::days{8});
        CHECK(runs.fixture.repository().list_unfinished_verifications().empty());
        StoppingCounter late;
        CHECK(is_all_sound(runs.verify(VerifyDepth::data, "cut", late)));
        CHECK(late.first() <= whole.first());
        CHECK(runs.files().empty());
    }
    SECTION("a name that is a path") {
        StoppingCounter none;
        CHECK_THROWS_AS(runs.verify(VerifyDepth::data, "../cut", none), Error);
    }
}

TEST_CASE("verify: a pack that was compacted meanwhile is looked at again", "[verify]") {
    Runs runs;
    StoppingCounter whole;
    runs.verify(VerifyDepth::data, "", whole);
    runs.cut_off(VerifyDepth::data, "cut", whole.last() - kMiB);
    runs.fixture.repository().delete_point(runs.points[1]);
    runs.fixture.repository().collect_garbage(DryRun::no, runs.fixture.work());
    StoppingCounter rest;
    const auto verdicts = runs.verify(VerifyDepth::data, "cut", rest);
    CHECK(verdicts.size() == 2);
    CHECK(is_all_sound(verdicts));
}

TEST_CASE("verify: takes as long as the rate says", "[verify]") {
    Runs runs;
    RateLimit limit{runs.fixture.clock_, kMiB};
    VerifyOptions options{VerifyDepth::data};
    options.limit = &limit;
    const auto begin = runs.fixture.clock_.steady_now();
    CHECK(is_all_sound(runs.fixture.repository().verify({}, options, runs.fixture.work())));
    const auto seconds = runs.fixture.clock_.steady_now() - begin;
    CHECK(seconds >= std::chrono::seconds{11});
    CHECK(seconds <= std::chrono::seconds{13});
}

TEST_CASE("verify: a shallow look does not replace what a deep one proved", "[verify]") {
    Runs runs;
    const auto verified = [&] {
        return *runs.fixture.repository().find_point(runs.points[0]).verification;
    };
    const auto look = [&](VerifyDepth depth) {
        runs.fixture.clock_.advance(std::chrono::hours{1});
        runs.fixture.repository().verify({}, depth, runs.fixture.work());
    };
    look(VerifyDepth::manifests);
    CHECK(verified().depth == "manifests");
    look(VerifyDepth::data);
    const Verification proven = verified();
    CHECK(proven.result == "sound");
    CHECK(proven.depth == "data");
    look(VerifyDepth::packs);
    CHECK(verified().time == proven.time);
    look(VerifyDepth::data);
    CHECK(verified().time > proven.time);
    runs.fixture.close();
    for (const auto& pack : runs.fixture.objects("packs"))
        std::filesystem::remove(pack);
    runs.fixture.reopen();
    look(VerifyDepth::manifests);
    CHECK(verified().result == "damaged");
    CHECK(verified().depth.empty());
}

}  // namespace entrepot::repository::test
