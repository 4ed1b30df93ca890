// What a person wants of a restore of a whole VM.
#pragma once

#include "base/json.h"

#include <string>
#include <vector>

namespace entrepot::restore {

/// Adapters that were on one switch go onto another. `from` "*": whatever they were on.
struct SwitchChange {
    std::string from;
    std::string to;
};

struct RestoreRequest {
    std::string point;  ///< Id.
    std::string host;   ///< Id of the host's record.
    std::string to;     ///< PATH_ON_HOST: a folder as the host reads it.
    std::string name;   ///< Empty: the VM's, with the point's day where it is a copy.
    bool keeps_id = false;
    bool starts = false;
    bool connects = false;  ///< To the switches of the same names.
    bool keeps_mac = false;
    std::vector<SwitchChange> switches;
};

Json to_json(const RestoreRequest& request);
/// Throws Error{invalid} for what is not one.
RestoreRequest restore_request_from(const Json& json);

}  // namespace entrepot::restore
