// Answers that cost much and change seldom: many pages ask for the same list again and again.
#pragma once

#include "appliance/api/request.h"
#include "appliance/state/state.h"
#include "storage/repository/repository.h"

#include "base/clock.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::api {

/// What an answer was made of. Must be read before the answer is made: what changes meanwhile makes
/// it be made again.
struct Sources {
    std::int64_t state_changes = 0;  ///< state::Database::change_count()
    std::uint64_t jobs = 0;          ///< LastJobsBook::read_stamp()
    std::vector<repository::VmStamp> points;
    bool operator==(const Sources& other) const;
};

struct MadeAnswer {
    Response response;
    std::optional<WallTime> valid_until;  ///< From then on it is another, whatever it was made of.
};

/// Safe to share between threads. Who asks while the same answer is being made waits for it.
class KeptAnswers {
public:
    explicit KeptAnswers(std::size_t count_max = 8) : count_max_(count_max) {}

    /// The answer to `question`, made anew where it is not known, was made of something else, or
    /// its time is over. Throws what `make` throws, and keeps nothing then.
    Response get(const std::string& question, const Sources& sources, WallTime now,
                 const std::function<MadeAnswer()>& make);

private:
    struct Entry {
        std::string question;
        std::mutex mutex;
        Sources sources;
        WallTime made{};
        std::optional<MadeAnswer> answer;
    };
    std::shared_ptr<Entry> entry_of(const std::string& question);

    std::size_t count_max_;
    std::mutex mutex_;
    std::list<std::shared_ptr<Entry>> recent_;  ///< The last asked for first.
};

}  // namespace entrepot::api
