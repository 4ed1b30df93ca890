// The OpenAPI document as what the server obeys: which operations there are, where, and who may
// call them. The only place that knows a route's privilege.
#pragma once

#include "appliance/api/privilege.h"
#include "appliance/api/request.h"

#include "base/json.h"

#include <string>
#include <string_view>
#include <vector>

namespace entrepot::api {

/// One operation of the document. Its extensions: "x-privilege" (required), "x-confirm" (true: the
/// password must have been given a short time ago, since it destroys or reveals), "x-audit" (the
/// members of the body or the query that the audit log keeps; false: not audited; absent: audited
/// without members unless it is a GET), "x-job-kind" (the kind of the jobs that it starts).
struct Operation {
    std::string id;
    Method method = Method::get;
    std::string pattern;  ///< "/api/v1/points/{id}"
    Privilege privilege = Privilege::administrator;
    bool needs_confirmation = false;
    bool is_audited = true;
    std::vector<std::string> audited_members;
    std::string job_kind;  ///< Empty: it starts none.
};

class Contract {
public:
    /// Throws Error{internal} for a document that lacks a privilege, an id, or names one twice:
    /// nothing is open because somebody forgot to say so.
    explicit Contract(std::string_view openapi_text);

    const std::vector<Operation>& operations() const { return operations_; }
    /// nullptr for an operation that the document does not have.
    const Operation* find(std::string_view id) const;
    /// The operation that starts jobs of this kind; nullptr if none does.
    const Operation* find_by_job_kind(std::string_view kind) const;
    const Json& document() const { return document_; }

private:
    Json document_;
    std::vector<Operation> operations_;
};

}  // namespace entrepot::api
