// Long bodies in pieces: order, ends and errors, whichever thread reads.
#include "appliance/api/piecewise.h"

#include "base/error.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace entrepot;

namespace {

/// Pieces that tell their numbers; the last one is `last`.
class Pieces {
public:
    explicit Pieces(int last) : last_(last) {}
    Bytes next() {
        CHECK_FALSE(is_running_.exchange(true));
        std::this_thread::yield();
        const int number = given_++;
        is_running_ = false;
        if (number == failing) throw Error{ErrorCode::corrupt, "piece"};
        if (number > last_) return {};
        const std::string text = std::to_string(number) + ";";
        const ByteView bytes = as_bytes(text);
        return {bytes.begin(), bytes.end()};
    }
    int given() const { return given_; }
    bool is_running() const { return is_running_; }
    int failing = -1;

private:
    int last_;
    std::atomic<int> given_{0};
    std::atomic<bool> is_running_{false};
};

}  // namespace

TEST_CASE("pieces: all of them come, in order", "[api]") {
    Pieces pieces{20};
    std::string body;
    api::write_pieces(
        pieces.next(), [&] { return pieces.next(); },
        [&](std::string_view text) {
            body += text;
            return true;
        },
        {});
    CHECK(body == "0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;");
    CHECK(pieces.given() == 22);
}

TEST_CASE("pieces: what was read before an error is written before it is thrown", "[api]") {
    Pieces pieces{20};
    pieces.failing = 3;
    std::string body;
    const auto write = [&](std::string_view text) {
        body += text;
        return true;
    };
    CHECK_THROWS_AS(api::write_pieces(pieces.next(), [&] { return pieces.next(); }, write, {}),
                    Error);
    CHECK(body == "0;1;2;");
}

TEST_CASE("pieces: when the other side is gone or the server stops, nothing is read any more",
          "[api]") {
    Pieces pieces{20};
    std::stop_source stop;
    const bool is_gone = GENERATE(true, false);
    int written = 0;
    api::write_pieces(
        pieces.next(), [&] { return pieces.next(); },
        [&](std::string_view) {
            if (++written < 3) return true;
            stop.request_stop();
            return !is_gone;
        },
        stop.get_token());
    CHECK(written == 3);
    CHECK(pieces.given() <= 4 + static_cast<int>(api::kPiecesAheadMax));
    CHECK_FALSE(pieces.is_running());
}

TEST_CASE("pieces: nothing is asked for an empty body, and nothing written", "[api]") {
    bool is_asked = false;
    const auto ask = [&] {
        is_asked = true;
        return Bytes{};
    };
    const auto write = [](std::string_view) -> bool {
        throw Error{ErrorCode::internal, "written"};
    };
    api::write_pieces({}, ask, write, {});
    CHECK_FALSE(is_asked);
}
