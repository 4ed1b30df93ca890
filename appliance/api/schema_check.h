// Requests against the OpenAPI document: the members, types and bounds that it names, before a
// handler sees anything (F-WB-15).
#pragma once

#include "appliance/api/contract.h"

namespace entrepot::api {

/// Throws Error{invalid} naming the place for a query, a path parameter or a body that is not as
/// the document says: unknown, missing, of another type, out of bounds. An empty body is an empty
/// object. Knows the part of OpenAPI 3.0 that our document uses.
void check_request(const Contract& contract, const Operation& operation, const Request& request);

}  // namespace entrepot::api
