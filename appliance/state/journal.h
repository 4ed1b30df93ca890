// The journals of jobs: what a job wrote down, durable when put() returns.
#pragma once

#include "appliance/state/database.h"

#include "base/json.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::state {

inline constexpr std::size_t kJournalValueBytesMax = 16 * 1024 * 1024;

class JournalStore {
public:
    explicit JournalStore(Database& database) : database_(database) {}

    std::optional<Json> find(const std::string& job_id, std::string_view key);
    void put(const std::string& job_id, std::string_view key, const Json& value);
    std::map<std::string, Json> list(const std::string& job_id);
    /// The values that any job has under one key, by job id: for the clean-up at start.
    std::map<std::string, Json> list_key(std::string_view key);

private:
    Database& database_;
};

}  // namespace entrepot::state
