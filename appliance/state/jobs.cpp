// Rows of jobs and events; see jobs.h.
#include "appliance/state/jobs.h"

#include "appliance/state/statement.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace entrepot::state {
namespace {

using jobs::JobView;

constexpr std::string_view kSelectJob =
    "SELECT id, kind, subject, state, stage, done_bytes, total_bytes, requested_by, created, "
    "started, ended, parameters, result, error, exclusive_key, group_name, group_limit, once_key, "
    "number, cancel_requested, waiting FROM jobs ";

Json to_json(const std::optional<jobs::JobError>& error) {
    if (!error) return nullptr;
    return {{"code", error->code},
            {"message", error->message},
            {"hint", error->hint},
            {"context", error->context}};
}

std::optional<jobs::JobError> error_from(const Json& json) {
    if (!json.is_object()) return std::nullopt;
    return jobs::JobError{.code = json.value("code", std::string{}),
                          .message = json.value("message", std::string{}),
                          .hint = json.value("hint", std::string{}),
                          .context = json.value("context", std::vector<std::string>{})};
}

JobView read_view(const Rows& rows, std::size_t row) {
    JobView view;
    view.id = rows.text(row, 0);
    view.kind = rows.text(row, 1);
    view.subject = rows.text(row, 2);
    view.state = jobs::job_state_from(rows.text(row, 3));
    view.stage = rows.text(row, 4);
    view.done_bytes = rows.unsigned_number(row, 5);
    view.total_bytes = rows.unsigned_number(row, 6);
    view.requested_by = rows.text(row, 7);
    view.created = rows.time(row, 8);
    view.started = rows.optional_time(row, 9);
    view.ended = rows.optional_time(row, 10);
    view.parameters = rows.json(row, 11);
    view.result = rows.json(row, 12);
    view.error = error_from(rows.json(row, 13));
    view.waiting_for = rows.text(row, 20);
    return view;
}

JobRecord read_record(const Rows& rows, std::size_t row) {
    JobRecord record;
    record.view = read_view(rows, row);
    record.request = {.kind = record.view.kind,
                      .subject = record.view.subject,
                      .parameters = record.view.parameters,
                      .requested_by = record.view.requested_by,
                      .exclusive_key = rows.text(row, 14),
                      .group = rows.text(row, 15),
                      .group_limit = static_cast<std::uint32_t>(rows.unsigned_number(row, 16)),
                      .once_key = rows.text(row, 17)};
    record.number = rows.unsigned_number(row, 18);
    record.is_cancel_requested = rows.number(row, 19) != 0;
    return record;
}

std::vector<JobRecord> read_records(Poco::Data::Session& session, std::string_view clauses,
                                    const std::vector<SqlValue>& parameters) {
    const std::string sql = std::string{kSelectJob} + std::string{clauses};
    const Rows rows = query(session, sql.c_str(), parameters);
    std::vector<JobRecord> records;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        records.push_back(read_record(rows, row));
    }
    return records;
}

std::optional<JobRecord> first_of(std::vector<JobRecord> records) {
    if (records.empty()) return std::nullopt;
    return std::move(records.front());
}

std::int64_t next_number(Poco::Data::Session& session, const char* sql,
                         const std::vector<SqlValue>& parameters = {}) {
    const Rows rows = query(session, sql, parameters);
    return rows.empty() ? 1 : rows.number(0, 0) + 1;
}

void insert_row(Poco::Data::Session& session, const std::string& id,
                const jobs::JobRequest& request, WallTime created) {
    const std::int64_t number =
        next_number(session, "SELECT number FROM jobs ORDER BY number DESC LIMIT 1");
    execute(session,
            "INSERT INTO jobs (number, id, once_key, kind, subject, requested_by, parameters, "
            "exclusive_key, group_name, group_limit, state, stage, done_bytes, total_bytes, "
            "created, started, ended, result, error, cancel_requested) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, ?, 0, 0, 'null', 'null', 0)",
            {number, id, request.once_key, request.kind, request.subject, request.requested_by,
             dump_json(request.parameters), request.exclusive_key, request.group,
             std::int64_t{request.group_limit}, std::string{to_string(jobs::JobState::queued)},
             to_sql(created)});
}

std::int64_t parse_cursor(const std::string& cursor) {
    std::int64_t number = 0;
    const char* end = cursor.data() + cursor.size();
    const auto [stop, error] = std::from_chars(cursor.data(), end, number);
    if (error != std::errc{} || stop != end || number < 0) {
        throw Error{ErrorCode::invalid, fmt::format("\"{:.40}\" is no cursor of jobs", cursor)};
    }
    return number;
}

// A LIKE pattern that finds the text anywhere, whatever characters it holds.
std::string contains_pattern(const std::string& text) {
    std::string pattern = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern + "%";
}

struct Clauses {
    std::string sql;
    std::vector<SqlValue> parameters;
    void add(std::string_view condition) {
        sql += sql.empty() ? "WHERE " : " AND ";
        sql += condition;
    }
};

Clauses clauses_of(const JobQuery& query) {
    Clauses clauses;
    if (!query.kind.empty()) {
        clauses.add("kind = ?");
        clauses.parameters.emplace_back(query.kind);
    }
    if (!query.subject_contains.empty()) {
        clauses.add("subject LIKE ? ESCAPE '\\'");
        clauses.parameters.emplace_back(contains_pattern(query.subject_contains));
    }
    if (!query.requested_by.empty()) {
        clauses.add("requested_by = ?");
        clauses.parameters.emplace_back(query.requested_by);
    }
    if (!query.exclusive_key.empty()) {
        clauses.add("exclusive_key = ?");
        clauses.parameters.emplace_back(query.exclusive_key);
    }
    if (!query.states.empty()) {
        std::string marks;
        for (const jobs::JobState state : query.states) {
            marks += marks.empty() ? "?" : ", ?";
            clauses.parameters.emplace_back(std::string{to_string(state)});
        }
        clauses.add("state IN (" + marks + ")");
    }
    if (!query.cursor.empty()) {
        clauses.add("number < ?");
        clauses.parameters.emplace_back(parse_cursor(query.cursor));
    }
    return clauses;
}

// Cuts at a character, not inside one.
std::string bounded_text(const std::string& text) {
    if (text.size() <= kJobEventBytesMax) return text;
    std::size_t end = kJobEventBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end);
}

}  // namespace

JobRecord JobStore::insert(const std::string& id, const jobs::JobRequest& request,
                           WallTime created) {
    std::optional<JobRecord> record;
    database_.transact([&](Poco::Data::Session& session) {
        if (!request.once_key.empty()) {
            record = first_of(read_records(session, "WHERE once_key = ?", {request.once_key}));
            if (record) return;
        }
        insert_row(session, id, request, created);
        record = first_of(read_records(session, "WHERE id = ?", {id}));
    });
    return *std::move(record);
}

void JobStore::update(const JobView& view) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session,
                "UPDATE jobs SET state = ?, stage = ?, done_bytes = ?, total_bytes = ?, "
                "started = ?, ended = ?, result = ?, error = ?, waiting = ? WHERE id = ?",
                {std::string{to_string(view.state)}, view.stage,
                 static_cast<std::int64_t>(view.done_bytes),
                 static_cast<std::int64_t>(view.total_bytes), to_sql(view.started),
                 to_sql(view.ended), dump_json(view.result), dump_json(to_json(view.error)),
                 bounded_text(view.waiting_for), view.id});
    });
}

void JobStore::request_cancel(const std::string& id) {
    database_.transact([&](Poco::Data::Session& session) {
        execute(session, "UPDATE jobs SET cancel_requested = 1 WHERE id = ?", {id});
    });
}

void JobStore::add_event(const std::string& id, const jobs::JobEvent& event) {
    database_.transact([&](Poco::Data::Session& session) {
        const std::int64_t number = next_number(
            session, "SELECT number FROM job_events WHERE job = ? ORDER BY number DESC LIMIT 1",
            {id});
        execute(session,
                "INSERT INTO job_events (job, number, time, level, text) VALUES (?, ?, ?, ?, ?)",
                {id, number, to_sql(event.time), event.level, bounded_text(event.text)});
        execute(session, "DELETE FROM job_events WHERE job = ? AND number <= ?",
                {id, number - static_cast<std::int64_t>(kJobEventsMax)});
    });
}

std::optional<JobRecord> JobStore::find(const std::string& id) {
    std::optional<JobRecord> found;
    database_.transact([&](Poco::Data::Session& session) {
        found = first_of(read_records(session, "WHERE id = ?", {id}));
    });
    return found;
}

std::optional<JobRecord> JobStore::find_by_once_key(std::string_view once_key) {
    std::optional<JobRecord> found;
    if (once_key.empty()) return found;
    database_.transact([&](Poco::Data::Session& session) {
        found = first_of(read_records(session, "WHERE once_key = ?", {std::string{once_key}}));
    });
    return found;
}

std::string JobStore::resolve(std::string_view id_or_prefix) {
    const bool is_hexadecimal = std::all_of(id_or_prefix.begin(), id_or_prefix.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    Rows rows;
    if (is_hexadecimal && !id_or_prefix.empty()) {
        database_.transact([&](Poco::Data::Session& session) {
            // 'g' follows every hexadecimal digit, so this range is the prefix.
            rows = query(session, "SELECT id FROM jobs WHERE id >= ? AND id < ? LIMIT 2",
                         {std::string{id_or_prefix}, std::string{id_or_prefix} + "g"});
        });
    }
    if (rows.empty()) {
        throw Error{ErrorCode::not_found, fmt::format("there is no job {:.80}", id_or_prefix),
                    "entrepot job list shows those there are"};
    }
    if (rows.size() > 1) {
        throw Error{ErrorCode::invalid,
                    fmt::format("more than one job begins with {}", id_or_prefix)};
    }
    return rows.text(0, 0);
}

std::vector<jobs::JobEvent> JobStore::list_events(const std::string& id) {
    std::vector<jobs::JobEvent> events;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows =
            query(session, "SELECT time, level, text FROM job_events WHERE job = ? ORDER BY number",
                  {id});
        for (std::size_t row = 0; row < rows.size(); ++row) {
            events.push_back(
                {.time = rows.time(row, 0), .level = rows.text(row, 1), .text = rows.text(row, 2)});
        }
    });
    return events;
}

JobPage JobStore::list(const JobQuery& query) {
    const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, kJobPageMax);
    Clauses clauses = clauses_of(query);
    clauses.sql += " ORDER BY number DESC LIMIT ?";
    clauses.parameters.emplace_back(static_cast<std::int64_t>(limit + 1));
    JobPage page;
    database_.transact([&](Poco::Data::Session& session) {
        std::vector<JobRecord> records = read_records(session, clauses.sql, clauses.parameters);
        if (records.size() > limit) {
            records.resize(limit);
            page.next_cursor = std::to_string(records.back().number);
        }
        for (JobRecord& record : records) {
            page.jobs.push_back(std::move(record.view));
        }
    });
    return page;
}

std::vector<JobRecord> JobStore::list_in_state(jobs::JobState state) {
    std::vector<JobRecord> records;
    database_.transact([&](Poco::Data::Session& session) {
        records = read_records(session, "WHERE state = ? ORDER BY number",
                               {std::string{to_string(state)}});
    });
    return records;
}

std::size_t JobStore::remove_ended(const EndedJobs& which) {
    ENTREPOT_CHECK(which.kept_exclusive_keys.size() <= kKeptKeysMax);
    // "number" is the order of the queue, in which jobs end closely enough.
    std::string condition =
        "ended <> 0 AND (ended < ? OR number <= "
        "COALESCE((SELECT number FROM jobs WHERE ended <> 0 ORDER BY number DESC LIMIT 1 OFFSET "
        "?), -1))";
    const std::size_t count_max =
        std::min(which.count_max, std::size_t{std::numeric_limits<std::int64_t>::max()});
    std::vector<SqlValue> values{to_sql(which.before), static_cast<std::int64_t>(count_max)};
    if (which.needed_since) {
        condition += " AND ended < ?";
        values.push_back(to_sql(*which.needed_since));
    }
    for (const std::string& key : which.kept_exclusive_keys) {
        condition += " AND lower(exclusive_key) <> lower(?)";
        values.push_back(key);
    }
    std::size_t count = 0;
    database_.transact([&](Poco::Data::Session& session) {
        const std::string of_those = " WHERE job IN (SELECT id FROM jobs WHERE " + condition + ")";
        execute(session, ("DELETE FROM journal" + of_those).c_str(), values);
        execute(session, ("DELETE FROM job_events" + of_those).c_str(), values);
        count = execute(session, ("DELETE FROM jobs WHERE " + condition).c_str(), values);
    });
    return count;
}

}  // namespace entrepot::state
