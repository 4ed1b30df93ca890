// Time zones from the system's zone files (RFC 8536), read here so that threads can share them:
// the C library knows only one zone per process.
#pragma once

#include "base/zone_rule.h"

#include "base/clock.h"
#include "base/file_system.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot {

/// Local wall time of some zone, without saying which.
using LocalSeconds = std::chrono::local_seconds;

/// One zone. Immutable; safe to share.
class TimeZone {
public:
    /// Content of a zone file. Throws Error{corrupt} naming `name`.
    static std::shared_ptr<const TimeZone> parse(const std::string& name, ByteView file);
    static std::shared_ptr<const TimeZone> utc();

    const std::string& name() const { return name_; }
    std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;
    LocalSeconds to_local(std::chrono::sys_seconds time) const {
        return LocalSeconds{time.time_since_epoch() + offset_at(time)};
    }
    /// The first moment at which clocks show this local time; if they skip it, the moment at which
    /// the gap is over.
    std::chrono::sys_seconds first_showing(LocalSeconds local) const;

private:
    TimeZone();

    std::vector<ZoneTransition> list_transitions(std::int64_t from, std::int64_t to) const;

    std::string name_;
    std::int32_t first_offset_seconds_ = 0;
    std::vector<ZoneTransition> transitions_;  ///< Ascending.
    std::optional<ZoneRule> rule_;  ///< Absent: the last transition's offset holds for ever.
};

/// Loads zones by name and keeps them. Safe to share between threads.
class TimeZones {
public:
    explicit TimeZones(FileSystem& file_system,
                       std::filesystem::path directory = "/usr/share/zoneinfo")
        : file_system_(file_system), directory_(std::move(directory)) {}

    /// "UTC" needs no file. Throws Error{invalid} for a name that is none or has no file.
    std::shared_ptr<const TimeZone> get(std::string_view name);
    /// nullopt instead of Error{invalid}.
    std::shared_ptr<const TimeZone> find(std::string_view name);

private:
    FileSystem& file_system_;
    std::filesystem::path directory_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> zones_;
};

}  // namespace entrepot
