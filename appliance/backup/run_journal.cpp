// Keys of a run's journal; see run_journal.h.
#include "appliance/backup/run_journal.h"

#include <fmt/format.h>

namespace entrepot::backup {
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

std::optional<hyperv::JobRef> RunJournal::find_job(std::string_view key) const {
    const auto value = find(key);
    if (!value) return std::nullopt;
    return hyperv::JobRef::from_json(*value);
}

}  // namespace entrepot::backup
