// One thread reads, the caller writes; a few pieces lie between them, so that neither waits for
// each hiccup of the other.
#include "appliance/api/piecewise.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace entrepot::api {
namespace {

class ReadAhead {
public:
    explicit ReadAhead(const NextPiece& next) : next_(next) {
        try {
            thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
        } catch (const std::system_error&) {
            // Where no thread can be had, each piece is read when it is asked for.
        }
    }

    /// The next piece; empty at the end. Throws what reading it threw.
    Bytes take() {
        if (!thread_.joinable()) return next_();
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return !pieces_.empty() || is_over_; });
        if (pieces_.empty()) {
            if (failure_) std::rethrow_exception(failure_);
            return {};
        }
        Bytes piece = std::move(pieces_.front());
        pieces_.pop_front();
        lock.unlock();
        changed_.notify_all();
        return piece;
    }

private:
    void run(const std::stop_token& stop) {
        std::exception_ptr failure;
        try {
            while (push(next_(), stop)) {
            }
        } catch (...) {
            failure = std::current_exception();
        }
        const std::scoped_lock lock{mutex_};
        failure_ = failure;
        is_over_ = true;
        changed_.notify_all();
    }

    // False when nothing more is wanted.
    bool push(Bytes piece, const std::stop_token& stop) {
        if (piece.empty()) return false;
        std::unique_lock lock{mutex_};
        pieces_.push_back(std::move(piece));
        changed_.notify_all();
        return changed_.wait(lock, stop, [&] { return pieces_.size() < kPiecesAheadMax; }) &&
               !stop.stop_requested();
    }

    const NextPiece& next_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Bytes> pieces_;
    bool is_over_ = false;
    std::exception_ptr failure_;
    std::jthread thread_;  ///< Last: it uses all the others, and goes first.
};

}  // namespace

void write_pieces(Bytes first, const NextPiece& next, const StreamWriter& write,
                  const std::stop_token& stop) {
    if (first.empty() || stop.stop_requested()) return;
    ReadAhead ahead{next};
    Bytes piece = std::move(first);
    while (!piece.empty() && !stop.stop_requested()) {
        if (!write(as_text(piece))) return;
        piece = ahead.take();
    }
}

}  // namespace entrepot::api
