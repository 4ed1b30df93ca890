// An error as a journal keeps it, so that a later life ends a job as this one would have.
#pragma once

#include "base/error.h"
#include "base/json.h"

namespace entrepot::backup {

Json failure_json(const Error& error);
Error failure_from(const Json& json);

}  // namespace entrepot::backup
