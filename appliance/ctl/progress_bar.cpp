// Rate and remaining time are averages since the stage began: steady rather than nervous.
#include "appliance/ctl/progress_bar.h"

#include "appliance/ctl/format.h"

#include "base/bytes.h"
#include "base/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kBarCells = 20;
constexpr std::chrono::seconds kLineInterval{10};
// Before that, rates are guesses.
constexpr double kRateSecondsMin = 0.5;

std::string bar_of(std::uint64_t done, std::uint64_t total) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto filled = static_cast<std::size_t>(part * kBarCells);
    return "[" + std::string(filled, '#') + std::string(kBarCells - filled, '.') + "]";
}

}  // namespace

std::string ProgressBar::describe(std::uint64_t done_bytes, std::uint64_t total_bytes) const {
    if (done_bytes == 0 && total_bytes == 0) return {};
    std::string text;
    if (total_bytes > 0) {
        const auto percent = std::min<std::uint64_t>(100, done_bytes / (total_bytes / 100 + 1));
        text = fmt::format(" {} {:3} %  {} of {}", bar_of(done_bytes, total_bytes), percent,
                           format_size(done_bytes), format_size(total_bytes));
    } else {
        text = fmt::format("  {}", format_size(done_bytes));
    }
    const std::chrono::duration<double> elapsed = clock_.steady_now() - stage_begun_;
    if (elapsed.count() < kRateSecondsMin || done_bytes <= stage_begun_bytes_) return text;
    const double rate = static_cast<double>(done_bytes - stage_begun_bytes_) / elapsed.count();
    text += fmt::format("  {}/s", format_size(static_cast<std::uint64_t>(rate)));
    if (total_bytes > done_bytes && rate >= 1.0) {
        const double left = static_cast<double>(total_bytes - done_bytes) / rate;
        text += fmt::format("  {} left",
                            format_duration(std::chrono::seconds{static_cast<long>(left)}));
    }
    return text;
}

void ProgressBar::draw(const std::string& line) {
    // Cut to the terminal's width, since a wrapped line cannot be overwritten.
    const auto width = static_cast<std::size_t>(terminal_.width()) - 1;
    terminal_.err() << "\r\x1b[K" << line.substr(0, width) << std::flush;
    is_drawn_ = true;
}

void ProgressBar::update(const std::string& title, const std::string& stage,
                         std::uint64_t done_bytes, std::uint64_t total_bytes) {
    if (style_ == ProgressStyle::silent) return;
    const SteadyTime now = clock_.steady_now();
    const std::string head = printable(stage.empty() ? title : title + ": " + stage);
    const bool is_new = head != head_;
    if (is_new) {
        head_ = head;
        stage_begun_ = now;
        stage_begun_bytes_ = done_bytes;
    }
    if (style_ == ProgressStyle::bar) {
        draw(head + describe(done_bytes, total_bytes));
    } else if (is_new || now - line_printed_ >= kLineInterval) {
        terminal_.err() << head << describe(done_bytes, total_bytes) << "\n" << std::flush;
        line_printed_ = now;
    }
}

void ProgressBar::note(const std::string& text) {
    if (style_ == ProgressStyle::silent) return;
    clear();
    terminal_.err() << printable(text) << "\n" << std::flush;
}

void ProgressBar::clear() {
    if (!is_drawn_) return;
    terminal_.err() << "\r\x1b[K" << std::flush;
    is_drawn_ = false;
}

}  // namespace entrepot::ctl
