// Writes down who asked for what, and what came of it.
#pragma once

#include "appliance/access/audit_log.h"
#include "appliance/api/router.h"

#include "base/clock.h"
#include "base/log.h"

#include <functional>
#include <mutex>

namespace entrepot::api {

/// Safe to share between threads.
class AuditTrail final : public RequestWitness {
public:
    /// `make_room` frees what the repository keeps for deletions on a full disk.
    AuditTrail(access::AuditLog& audit, Clock& clock, Log& log, std::function<void()> make_room)
        : audit_(audit), clock_(clock), log_(log), make_room_(std::move(make_room)) {}

    /// An entry with the result "asked". Throws where it cannot be written.
    void before(const Request& request, const Operation& operation) override;
    /// An entry with "done", "refused" or "failed", unless the operation is not audited, a stranger
    /// was turned away, or somebody is refused again and again: then only the log hears of it.
    void after(const Request& request, const Operation& operation,
               const Response& response) override;

private:
    void append_with_room(const access::AuditDraft& draft);
    bool is_refusal_counted();

    access::AuditLog& audit_;
    Clock& clock_;
    Log& log_;
    std::function<void()> make_room_;
    std::mutex mutex_;
    SteadyTime window_begin_{};
    int refusal_count_ = 0;
};

}  // namespace entrepot::api
