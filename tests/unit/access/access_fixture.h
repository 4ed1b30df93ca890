// Access over a real state database, on a clock that stands still, with hashes that cost little.
#pragma once

#include "appliance/access/access.h"
#include "tests/support/recording_log.h"
#include "tests/support/state_fixture.h"

namespace entrepot::test {

inline constexpr access::HashOptions kQuickHashes{.pass_count = 1, .memory_bytes = 8 * kKiB};
inline const Secret kPassword{std::string_view{"four words in a row"}};
inline const Secret kOtherPassword{std::string_view{"another four words in a row"}};
inline const access::Origin kHome{"192.0.2.7", "a browser"};

struct AccessFixture : StateFixture {
    RecordingLog log;
    SystemRandom chance;
    access::Access access{clock, chance, log, state->database(), state->settings, kQuickHashes};

    access::UserRecord add(const std::string& name, access::Privilege role) {
        return access.add_user(name, role, kPassword);
    }
};

}  // namespace entrepot::test
