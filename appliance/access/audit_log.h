// Who did what: an append-only log in the state database in which each entry holds the digest of
// the one before it, so that an entry that was removed, changed or moved is found. Whoever can
// write the database could make the whole chain anew; against that, keep the head's digest
// elsewhere, and let verify() look for it.
#pragma once

#include "appliance/state/database.h"

#include "base/clock.h"
#include "base/json.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::access {

struct AuditDraft {
    std::string user{};
    std::string via{};      ///< "session", "token", "local", "nothing"
    std::string address{};  ///< Of the network; empty for the local socket.
    std::string action{};   ///< The operation's name in the OpenAPI document.
    std::string object{};   ///< What it was done to; empty for none.
    std::string result{};   ///< "asked", "done", "refused", "failed"
    Json details = Json::object();
};

struct AuditEntry {
    std::uint64_t number = 0;  ///< From 1, without a gap.
    WallTime time{};
    AuditDraft draft;
    std::string digest;
};

struct AuditFilter {
    std::string user{};    ///< Empty: all.
    std::string action{};  ///< Empty: all.
    std::optional<WallTime> since{};
    std::optional<WallTime> until{};  ///< Not included.
    std::optional<std::uint64_t> before{};
    std::size_t limit = 100;
};

struct AuditCheck {
    std::uint64_t entry_count = 0;
    std::string head;                         ///< The digest of the last entry; empty for none.
    std::optional<std::uint64_t> bad_number;  ///< The first entry that is not what it was.
    std::string reason;
    bool is_sound() const { return reason.empty(); }
};

/// Safe to share between threads.
class AuditLog {
public:
    AuditLog(state::Database& database, Clock& clock) : database_(database), clock_(clock) {}

    /// Durable on return. Texts beyond their bound are cut.
    void append(AuditDraft draft);

    /// Newest first.
    std::vector<AuditEntry> list(const AuditFilter& filter);
    /// Oldest first, in pieces, so that memory stays small; false from the taker ends it.
    void visit(const std::function<bool(const AuditEntry&)>& take);

    /// Computes every digest anew. `known_head` is a digest that somebody kept; empty: none.
    AuditCheck verify(const std::string& known_head = {});

private:
    state::Database& database_;
    Clock& clock_;
};

}  // namespace entrepot::access
