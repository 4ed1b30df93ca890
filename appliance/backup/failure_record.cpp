// See failure_record.h.
#include "appliance/backup/failure_record.h"

namespace entrepot::backup {

Json failure_json(const Error& error) {
    return {{"code", to_string(error.code())},
            {"message", error.message()},
            {"hint", error.hint()},
            {"context", error.context()}};
}

Error failure_from(const Json& json) {
    Error error{error_code_from(json.at("code").get<std::string>()), json.at("message"),
                json.at("hint")};
    for (const Json& text : json.at("context"))
        error.add_context(text);
    return error;
}

}  // namespace entrepot::backup
