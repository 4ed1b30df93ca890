// Rows of audit, chained by SHA-256; see audit_log.h.
#include "appliance/access/audit_log.h"

#include "appliance/access/limits.h"
#include "appliance/access/secret_text.h"
#include "appliance/state/statement.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::access {
namespace {

using state::execute;
using state::query;
using state::Rows;
using state::to_sql;
using Session = Poco::Data::Session;

constexpr std::size_t kPieceRows = 500;
constexpr const char* kColumns =
    "SELECT number, time, user_name, via, address, action, object, result, details, digest "
    "FROM audit";

// JSON text that is valid UTF-8 comes back as it went in; what was cut may not be.
std::string as_valid_text(std::string text) {
    if (text.size() > limits::kAuditTextBytesMax) text.resize(limits::kAuditTextBytesMax);
    return parse_json(dump_json(Json(text)), "a text").get<std::string>();
}

AuditDraft bounded(AuditDraft draft) {
    for (std::string* text :
         {&draft.user, &draft.via, &draft.address, &draft.action, &draft.object, &draft.result}) {
        *text = as_valid_text(std::move(*text));
    }
    if (dump_json(draft.details).size() > limits::kAuditDetailsBytesMax) {
        draft.details = Json{{"left_out", "too long"}};
    }
    return draft;
}

// Each field with its length before it, so that no two entries have the same bytes.
std::string digest_of_entry(const AuditEntry& entry, const std::string& details,
                            const std::string& previous) {
    std::string bytes;
    const auto add = [&bytes](const std::string& field) {
        bytes += fmt::format("{}:{}\n", field.size(), field);
    };
    add(previous);
    add(std::to_string(entry.number));
    add(std::to_string(to_sql(entry.time)));
    const AuditDraft& draft = entry.draft;
    for (const std::string* field :
         {&draft.user, &draft.via, &draft.address, &draft.action, &draft.object, &draft.result}) {
        add(*field);
    }
    add(details);
    return digest_of(bytes);
}

AuditEntry read_row(const Rows& rows, std::size_t row) {
    return {.number = rows.unsigned_number(row, 0),
            .time = rows.time(row, 1),
            .draft = {.user = rows.text(row, 2),
                      .via = rows.text(row, 3),
                      .address = rows.text(row, 4),
                      .action = rows.text(row, 5),
                      .object = rows.text(row, 6),
                      .result = rows.text(row, 7),
                      .details = rows.json(row, 8)},
            .digest = rows.text(row, 9)};
}

Rows read_piece(Session& session, std::uint64_t after) {
    const std::string sql = std::string{kColumns} + " WHERE number > ? ORDER BY number LIMIT ?";
    return query(session, sql.c_str(),
                 {static_cast<std::int64_t>(after), static_cast<std::int64_t>(kPieceRows)});
}

// Goes over the chain in pieces and stops at the first fault.
class Verifier {
public:
    explicit Verifier(const std::string& known_head)
        : known_head_(known_head), is_head_found_(known_head.empty()) {}

    bool take(const Rows& rows, std::size_t row) {
        AuditEntry entry;
        try {
            entry = read_row(rows, row);
        } catch (const Error&) {
            return refuse(check_.entry_count + 1, "an entry holds no JSON where it should");
        }
        const std::uint64_t expected = check_.entry_count + 1;
        if (entry.number != expected) {
            return refuse(expected, fmt::format("entry {} is missing", expected));
        }
        if (entry.digest != digest_of_entry(entry, rows.text(row, 8), check_.head)) {
            return refuse(expected, fmt::format("entry {} is not what was written", expected));
        }
        check_.entry_count = expected;
        check_.head = entry.digest;
        if (entry.digest == known_head_) is_head_found_ = true;
        return true;
    }

    AuditCheck finish(std::uint64_t head_number, const std::string& head) {
        if (check_.is_sound() && (head_number != check_.entry_count || head != check_.head)) {
            refuse(check_.entry_count + 1,
                   fmt::format("entries after {} are missing: {} were written", check_.entry_count,
                               head_number));
        }
        if (check_.is_sound() && !is_head_found_) {
            check_.reason = "the digest that was kept is in no entry: the log was made anew";
        }
        return check_;
    }

private:
    bool refuse(std::uint64_t number, std::string reason) {
        check_.bad_number = number;
        check_.reason = std::move(reason);
        return false;
    }

    const std::string& known_head_;
    AuditCheck check_;
    bool is_head_found_ = false;
};

}  // namespace

void AuditLog::append(AuditDraft draft) {
    AuditEntry entry;
    entry.draft = bounded(std::move(draft));
    entry.time = clock_.wall_now();
    const std::string details = dump_json(entry.draft.details);
    database_.transact([&](Session& session) {
        const Rows head = query(session, "SELECT number, digest FROM audit_head WHERE id = 1");
        const std::string previous = head.empty() ? std::string{} : head.text(0, 1);
        entry.number = head.empty() ? 1 : head.unsigned_number(0, 0) + 1;
        entry.digest = digest_of_entry(entry, details, previous);
        const auto number = static_cast<std::int64_t>(entry.number);
        execute(
            session,
            "INSERT INTO audit (number, time, user_name, via, address, action, object, result, "
            "details, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {number, to_sql(entry.time), entry.draft.user, entry.draft.via, entry.draft.address,
             entry.draft.action, entry.draft.object, entry.draft.result, details, entry.digest});
        execute(session,
                "INSERT INTO audit_head (id, number, digest) VALUES (1, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET number = excluded.number, digest = excluded.digest",
                {number, entry.digest});
    });
}

std::vector<AuditEntry> AuditLog::list(const AuditFilter& filter) {
    std::string sql = std::string{kColumns} + " WHERE 1 = 1";
    std::vector<state::SqlValue> parameters;
    if (!filter.user.empty()) {
        sql += " AND user_name = ?";
        parameters.emplace_back(filter.user);
    }
    if (!filter.action.empty()) {
        sql += " AND action = ?";
        parameters.emplace_back(filter.action);
    }
    if (filter.since) {
        sql += " AND time >= ?";
        parameters.emplace_back(to_sql(*filter.since));
    }
    if (filter.until) {
        sql += " AND time < ?";
        parameters.emplace_back(to_sql(*filter.until));
    }
    if (filter.before) {
        sql += " AND number < ?";
        parameters.emplace_back(static_cast<std::int64_t>(*filter.before));
    }
    sql += " ORDER BY number DESC LIMIT ?";
    parameters.emplace_back(
        static_cast<std::int64_t>(std::min(filter.limit, limits::kAuditPageMax)));
    std::vector<AuditEntry> entries;
    database_.transact([&](Session& session) {
        const Rows rows = query(session, sql.c_str(), parameters);
        for (std::size_t row = 0; row < rows.size(); ++row)
            entries.push_back(read_row(rows, row));
    });
    return entries;
}

void AuditLog::visit(const std::function<bool(const AuditEntry&)>& take) {
    std::uint64_t after = 0;
    for (;;) {
        Rows rows;
        database_.transact([&](Session& session) { rows = read_piece(session, after); });
        if (rows.empty()) return;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            const AuditEntry entry = read_row(rows, row);
            after = entry.number;
            if (!take(entry)) return;
        }
    }
}

AuditCheck AuditLog::verify(const std::string& known_head) {
    Verifier verifier{known_head};
    std::uint64_t head_number = 0;
    std::string head;
    std::uint64_t after = 0;
    for (bool is_at_end = false; !is_at_end;) {
        Rows rows;
        database_.transact([&](Session& session) {
            rows = read_piece(session, after);
            // Read with the last piece: entries that come later are not this check's.
            const Rows found = query(session, "SELECT number, digest FROM audit_head WHERE id = 1");
            if (found.empty()) return;
            head_number = found.unsigned_number(0, 0);
            head = found.text(0, 1);
        });
        is_at_end = rows.size() < kPieceRows;
        for (std::size_t row = 0; row < rows.size(); ++row) {
            after = rows.unsigned_number(row, 0);
            if (!verifier.take(rows, row)) return verifier.finish(head_number, head);
        }
    }
    return verifier.finish(head_number, head);
}

}  // namespace entrepot::access
