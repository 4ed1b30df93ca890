// Which request goes to which handler. The only place where a privilege is compared, where what
// destroys or reveals is asked a password for, where the audit log is written to, and where an
// error becomes an answer.
#pragma once

#include "appliance/api/contract.h"
#include "appliance/api/request.h"

#include "base/log.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::api {

using Handler = std::function<Response(const Request&)>;

/// Told of requests that reached an operation; see AuditTrail.
class RequestWitness {
public:
    virtual ~RequestWitness() = default;
    /// Before an operation that destroys or reveals runs. What it throws keeps it from running.
    virtual void before(const Request& request, const Operation& operation) = 0;
    virtual void after(const Request& request, const Operation& operation,
                       const Response& response) = 0;
};

/// The problem type of a request whose user must give the password again.
inline constexpr std::string_view kConfirmationProblem = "urn:entrepot:error:confirmation_required";

/// Routes exist only as operations of the document: there is no way to add another.
class Router {
public:
    /// All that is passed outlives it. `witness` may be nullptr.
    Router(Log& log, const Contract& contract, RequestWitness* witness = nullptr)
        : log_(log), contract_(contract), witness_(witness) {}

    /// Requires that the document has the operation and that nobody handles it yet.
    void add(std::string_view operation_id, Handler handler);

    /// Never throws for what a request can do: errors come back as problem documents. 404 for an
    /// unknown path, 405 for another method of a known one, 401 and 403 by privilege.
    Response dispatch(Request request) const;

    /// For a handler that does what another operation does, too: asks of the user what dispatch()
    /// asks before that one, and tells the witness of it. The answer that refuses, or nullopt;
    /// Error{unauthenticated} or {access_denied} for too small a role.
    std::optional<Response> admit_also(const Request& request, const Operation& operation) const;

    /// Operations of the document that nobody handles.
    std::vector<std::string> missing() const;
    const Contract& contract() const { return contract_; }

private:
    /// nullptr if only other methods of the path are known. Error{not_found} for an unknown path.
    const Operation* match(Request& request) const;
    Response run(const Request& request, const Operation& operation) const;
    Response answer(Request& request, const Operation*& operation) const;

    Log& log_;
    const Contract& contract_;
    RequestWitness* witness_;
    std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace entrepot::api
