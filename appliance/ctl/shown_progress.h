// The progress of work that a command does in its own process.
#pragma once

#include "appliance/ctl/context.h"
#include "appliance/ctl/progress_bar.h"

#include "base/progress.h"

#include <stop_token>
#include <string>
#include <utility>

namespace entrepot::ctl {

/// Shows it on a terminal, and ends the work on Ctrl-C.
class ShownProgress final : public Progress {
public:
    ShownProgress(Context& context, std::string title)
        : terminal_(context.terminal()),
          title_(std::move(title)),
          interrupts_(terminal_.interrupt_count()),
          bar_(context.world().clock, terminal_, style_of(context)) {}

    void report(std::string_view phase, std::uint64_t done, std::uint64_t total) override {
        bar_.update(title_, std::string{phase}, done, total);
        if (terminal_.interrupt_count() != interrupts_) stop_.request_stop();
    }

    void clear() { bar_.clear(); }
    Work work() { return Work{*this, stop_.get_token()}; }

private:
    static ProgressStyle style_of(const Context& context) {
        if (context.options().is_json) return ProgressStyle::silent;
        return context.terminal().shows_progress() ? ProgressStyle::bar : ProgressStyle::silent;
    }

    Terminal& terminal_;
    std::string title_;
    int interrupts_;
    ProgressBar bar_;
    std::stop_source stop_;
};

}  // namespace entrepot::ctl
