// How far a job is, on standard error: a bar that moves on a terminal, a line now and then
// elsewhere.
#pragma once

#include "appliance/ctl/terminal.h"

#include "base/clock.h"

#include <cstdint>
#include <string>

namespace entrepot::ctl {

enum class ProgressStyle { bar, lines, silent };

class ProgressBar {
public:
    ProgressBar(Clock& clock, Terminal& terminal, ProgressStyle style)
        : clock_(clock), terminal_(terminal), style_(style) {}
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar() { clear(); }

    /// `total_bytes` 0: unknown.
    void update(const std::string& title, const std::string& stage, std::uint64_t done_bytes,
                std::uint64_t total_bytes);
    /// A sentence that stays, above the bar.
    void note(const std::string& text);
    /// Takes the bar away.
    void clear();

private:
    std::string describe(std::uint64_t done_bytes, std::uint64_t total_bytes) const;
    void draw(const std::string& line);

    Clock& clock_;
    Terminal& terminal_;
    ProgressStyle style_;
    std::string head_;
    SteadyTime stage_begun_{};
    std::uint64_t stage_begun_bytes_ = 0;
    SteadyTime line_printed_{};
    bool is_drawn_ = false;
};

}  // namespace entrepot::ctl
