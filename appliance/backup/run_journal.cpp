// Keys of a run's journal; see run_journal.h.
#include "appliance/backup/run_journal.h"

#include <fmt/format.h>

namespace entrepot::backup {
namespace {
constexpr std::string_view kGeneration = "generation";
}

namespace key {
std::string intent(std::string_view step, int attempt) {
    return fmt::format("{}.{}.intent", step, attempt);
}
std::string job(std::string_view step, int attempt) {
    return fmt::format("{}.{}.job", step, attempt);
}
std::string ended(std::string_view step, int attempt) {
    return fmt::format("{}.{}.ended", step, attempt);
}
}  // namespace key

RunJournal::RunJournal(jobs::Journal& journal) : journal_(journal) {
    if (const auto value = journal_.find(kGeneration)) generation_ = value->get<int>();
}

std::string RunJournal::full_key(std::string_view key) const {
    if (generation_ == 0) return std::string{key};
    return fmt::format("g{}.{}", generation_, key);
}

std::optional<Json> RunJournal::find(std::string_view key) const {
    return journal_.find(full_key(key));
}

void RunJournal::put(std::string_view key, const Json& value) {
    journal_.put(full_key(key), value);
}

void RunJournal::begin_generation() {
    journal_.put(kGeneration, generation_ + 1);
    ++generation_;
}

std::optional<hyperv::JobRef> RunJournal::find_job(std::string_view key) const {
    const auto value = find(key);
    if (!value) return std::nullopt;
    return hyperv::JobRef::from_json(*value);
}

}  // namespace entrepot::backup
