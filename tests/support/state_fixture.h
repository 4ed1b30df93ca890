// A state database in a directory of its own, on a clock that stands still.
#pragma once

#include "appliance/state/state.h"

#include "base/error.h"

#include "tests/support/temporary_directory.h"

#include <functional>
#include <memory>
#include <optional>

namespace entrepot::test {

struct StateFixture {
    TemporaryDirectory directory;
    ManualClock clock{*parse_time("2026-03-01T12:00:00Z")};
    SeededRandom random{1};
    std::unique_ptr<state::State> state = open();

    std::filesystem::path file() const { return directory.path() / "state.db"; }
    std::unique_ptr<state::State> open() {
        return std::make_unique<state::State>(file(), clock, random);
    }
    void reopen() {
        state.reset();
        state = open();
    }
};

inline std::optional<ErrorCode> code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

}  // namespace entrepot::test
