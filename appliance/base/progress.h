// How long work tells where it is, and learns that nobody wants it any more.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <stop_token>
#include <string_view>

namespace entrepot {

/// Called from the working thread, often; implementations decide what to show. `total` 0 means
/// unknown.
class Progress {
public:
    virtual ~Progress() = default;
    virtual void report(std::string_view phase, std::uint64_t done_bytes,
                        std::uint64_t total_bytes) = 0;
};

class NullProgress final : public Progress {
public:
    void report(std::string_view, std::uint64_t, std::uint64_t) override {}
};

/// What a long operation is given besides its task. Copies are cheap; the progress sink outlives
/// it.
struct Work {
    Progress& progress;
    std::stop_token stop{};

    void throw_if_stopped() const {
        if (stop.stop_requested()) throw Error{ErrorCode::cancelled, "cancelled"};
    }
};

}  // namespace entrepot
