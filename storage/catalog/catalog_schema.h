// The catalog's tables, and how each schema becomes the next. A schema that was released is never
// changed. Indexes need no new one: a program that does not know them keeps them up all the same.
#pragma once

#include <cstdint>

namespace entrepot::catalog {

inline constexpr std::int64_t kSchemaVersion = 5;

inline constexpr const char* kSchema[] = {
    "CREATE TABLE IF NOT EXISTS properties (name VARCHAR(64) PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sessions (id VARCHAR(64) PRIMARY KEY, kind VARCHAR(16) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS packs (id VARCHAR(64) PRIMARY KEY, generation BIGINT NOT NULL, "
    "state VARCHAR(16) NOT NULL, size_bytes BIGINT NOT NULL, slot_count BIGINT NOT NULL, "
    "plain_bytes BIGINT NOT NULL, dead_bytes BIGINT NOT NULL, session VARCHAR(64) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS points (id VARCHAR(64) PRIMARY KEY, sequence BIGINT NOT NULL, "
    "vm_id TEXT NOT NULL, vm_name TEXT NOT NULL, body TEXT NOT NULL, "
    "manifest_digest VARCHAR(64) NOT NULL, is_deleting BIGINT NOT NULL, "
    "is_damaged BIGINT NOT NULL, protected_until_ms BIGINT, hold_reason TEXT NOT NULL, "
    "verified_ms BIGINT, verified_result VARCHAR(16) NOT NULL)",
    "CREATE TABLE IF NOT EXISTS damaged_slots (pack VARCHAR(64) NOT NULL, slot BIGINT NOT NULL, "
    "PRIMARY KEY (pack, slot))",
    "CREATE INDEX IF NOT EXISTS points_by_sequence ON points (sequence)",
    "CREATE INDEX IF NOT EXISTS points_by_vm ON points (vm_id, sequence)",
    "CREATE INDEX IF NOT EXISTS points_by_vm_name ON points (vm_name, sequence)",
};

// From each schema to the next; the first makes 2 of 1. Schema 5 has no new column but packs that
// are condemned or compacting, which a program that does not know them would remove at its start.
inline constexpr const char* kMigrations[] = {
    "ALTER TABLE damaged_slots ADD COLUMN chunk VARCHAR(64) NOT NULL DEFAULT ''",
    "ALTER TABLE packs ADD COLUMN checksum BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE points ADD COLUMN checksum BIGINT NOT NULL DEFAULT 0",
    "",
};
inline constexpr std::int64_t kFirstSchemaWithChecksums = 4;

}  // namespace entrepot::catalog
