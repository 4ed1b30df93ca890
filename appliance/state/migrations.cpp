// The schema, step by step. A step that was released is never edited: add another. Types and
// clauses keep to what PostgreSQL also understands. Times are milliseconds since 1970, 0 for none.
#include "appliance/state/migrations.h"

#include <array>

namespace entrepot::state {
namespace {

constexpr std::array kVersion1{
    "CREATE TABLE hosts (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL, "
    "authentication TEXT NOT NULL, user_name TEXT NOT NULL, ca_file TEXT NOT NULL, "
    "pin_sha256 TEXT NOT NULL, share TEXT NOT NULL, sealed_password TEXT NOT NULL, "
    "created BIGINT NOT NULL)",

    "CREATE TABLE shares (name TEXT PRIMARY KEY, unc TEXT NOT NULL, path TEXT NOT NULL)",

    "CREATE TABLE exclusions (host TEXT NOT NULL, vm TEXT NOT NULL, disk TEXT NOT NULL, "
    "reason TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (host, vm, disk))",

    "CREATE TABLE vms (host TEXT NOT NULL, vm TEXT NOT NULL, name TEXT NOT NULL, "
    "state TEXT NOT NULL, disks TEXT NOT NULL, details TEXT NOT NULL, seen BIGINT NOT NULL, "
    "PRIMARY KEY (host, vm))",

    "CREATE TABLE vm_flags (host TEXT NOT NULL, vm TEXT NOT NULL, flag TEXT NOT NULL, "
    "reason TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (host, vm, flag))",

    "CREATE TABLE residue (host TEXT NOT NULL, vm TEXT NOT NULL, text TEXT NOT NULL, "
    "command TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (host, vm, text))",

    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",

    "CREATE TABLE jobs (number BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
    "once_key TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, "
    "requested_by TEXT NOT NULL, parameters TEXT NOT NULL, exclusive_key TEXT NOT NULL, "
    "group_name TEXT NOT NULL, group_limit BIGINT NOT NULL, state TEXT NOT NULL, "
    "stage TEXT NOT NULL, done_bytes BIGINT NOT NULL, total_bytes BIGINT NOT NULL, "
    "created BIGINT NOT NULL, started BIGINT NOT NULL, ended BIGINT NOT NULL, "
    "result TEXT NOT NULL, error TEXT NOT NULL, cancel_requested BIGINT NOT NULL)",
    "CREATE INDEX jobs_by_state ON jobs (state, number)",
    "CREATE UNIQUE INDEX jobs_by_once_key ON jobs (once_key) WHERE once_key <> ''",

    "CREATE TABLE job_events (job TEXT NOT NULL, number BIGINT NOT NULL, time BIGINT NOT NULL, "
    "level TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (job, number))",

    "CREATE TABLE journal (job TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, "
    "PRIMARY KEY (job, name))",
    "CREATE INDEX journal_by_name ON journal (name)",

    "CREATE TABLE policies (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
    "definition TEXT NOT NULL, created BIGINT NOT NULL, changed BIGINT NOT NULL, "
    "last_run BIGINT NOT NULL)",

    "CREATE TABLE policy_runs (number BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
    "policy TEXT NOT NULL, policy_name TEXT NOT NULL, started BIGINT NOT NULL, "
    "state TEXT NOT NULL, plan TEXT NOT NULL)",
    "CREATE INDEX policy_runs_by_policy ON policy_runs (policy, number)",
};

// Hosts that are logged in to with Kerberos or a certificate, or reached without TLS.
constexpr std::array kVersion2{
    "ALTER TABLE hosts ADD COLUMN service TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hosts ADD COLUMN secret_kind TEXT NOT NULL DEFAULT 'password'",
    "ALTER TABLE hosts ADD COLUMN client_certificate TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE hosts ADD COLUMN seals_messages BIGINT NOT NULL DEFAULT 0",
};

// Shares that we serve ourselves, the hosts' accounts on them, and jobs that wait in the queue.
constexpr std::array kVersion3{
    "ALTER TABLE shares ADD COLUMN listen TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE share_accounts (host TEXT PRIMARY KEY, account TEXT NOT NULL UNIQUE, "
    "sealed_password TEXT NOT NULL, computer TEXT NOT NULL, quota_bytes BIGINT NOT NULL, "
    "changed BIGINT NOT NULL)",
    "ALTER TABLE jobs ADD COLUMN waiting TEXT NOT NULL DEFAULT ''",
};

// People who sign in, their links and tokens, and the audit log.
constexpr std::array kVersion4{
    "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, "
    "password_hash TEXT NOT NULL, is_disabled BIGINT NOT NULL, created BIGINT NOT NULL, "
    "password_changed BIGINT NOT NULL, last_sign_in BIGINT NOT NULL)",

    "CREATE TABLE access_links (digest TEXT PRIMARY KEY, user_id TEXT NOT NULL, "
    "expires BIGINT NOT NULL)",

    "CREATE TABLE api_tokens (id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, "
    "name TEXT NOT NULL, user_id TEXT NOT NULL, role TEXT NOT NULL, "
    "may_destroy BIGINT NOT NULL, expires BIGINT NOT NULL, created BIGINT NOT NULL, "
    "last_used BIGINT NOT NULL)",

    "CREATE TABLE audit (number BIGINT PRIMARY KEY, time BIGINT NOT NULL, "
    "user_name TEXT NOT NULL, via TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL, "
    "object TEXT NOT NULL, result TEXT NOT NULL, details TEXT NOT NULL, digest TEXT NOT NULL)",
    "CREATE INDEX audit_by_user ON audit (user_name, number)",
    "CREATE INDEX audit_by_action ON audit (action, number)",
    "CREATE TABLE audit_head (id BIGINT PRIMARY KEY, number BIGINT NOT NULL, "
    "digest TEXT NOT NULL)",
};

// The repository's size, day by day; and how jobs ended, by time and by VM, without reading them
// all.
constexpr std::array kVersion5{
    "CREATE TABLE growth (day BIGINT PRIMARY KEY, time BIGINT NOT NULL, "
    "stored_bytes BIGINT NOT NULL, logical_bytes BIGINT NOT NULL, points BIGINT NOT NULL, "
    "free_bytes BIGINT NOT NULL, capacity_bytes BIGINT NOT NULL)",
    "CREATE INDEX jobs_by_end ON jobs (ended, kind, state, started)",
    "CREATE INDEX jobs_by_kind ON jobs (kind, number)",
    "CREATE INDEX jobs_by_exclusive_key ON jobs (exclusive_key, number)",
};

constexpr std::array kMigrations{Migration{.version = 1, .statements = kVersion1},
                                 Migration{.version = 2, .statements = kVersion2},
                                 Migration{.version = 3, .statements = kVersion3},
                                 Migration{.version = 4, .statements = kVersion4},
                                 Migration{.version = 5, .statements = kVersion5}};

}  // namespace

std::span<const Migration> state_migrations() {
    return kMigrations;
}

}  // namespace entrepot::state
