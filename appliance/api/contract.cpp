// Reads the operations out of the OpenAPI document.
#include "appliance/api/contract.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace entrepot::api {
namespace {

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// A path may have servers of its own: "/healthz" stands beside the versioned interface.
std::string prefix_of(const Json& document, const Json& path_item) {
    const Json& servers =
        path_item.contains("servers") ? path_item.at("servers") : document.at("servers");
    std::string url = servers.at(0).at("url").get<std::string>();
    if (url.ends_with('/')) url.pop_back();
    return url;
}

Operation read_operation(const Json& source, Method method, std::string pattern) {
    Operation operation;
    operation.method = method;
    operation.pattern = std::move(pattern);
    operation.id = source.at("operationId").get<std::string>();
    const auto privilege = access::privilege_from(source.at("x-privilege").get<std::string>());
    if (!privilege) throw Error{ErrorCode::internal, "an unknown privilege"};
    operation.privilege = *privilege;
    operation.needs_confirmation = source.value("x-confirm", false);
    operation.job_kind = source.value("x-job-kind", "");
    operation.is_audited = method != Method::get;
    const auto audit = source.find("x-audit");
    if (audit == source.end()) return operation;
    operation.is_audited = audit->is_array();
    if (audit->is_array()) operation.audited_members = audit->get<std::vector<std::string>>();
    return operation;
}

}  // namespace

Contract::Contract(std::string_view openapi_text)
    : document_(parse_json(openapi_text, "the OpenAPI document")) {
    for (const auto& [path, item] : document_.at("paths").items()) {
        const std::string pattern = prefix_of(document_, item) + path;
        for (const auto& [name, source] : item.items()) {
            const auto method = method_from(upper(name));
            if (!method) continue;
            try {
                operations_.push_back(read_operation(source, *method, pattern));
            } catch (const std::exception& error) {
                throw Error{ErrorCode::internal, fmt::format("the OpenAPI document, {} {}: {}",
                                                             name, path, error.what())};
            }
            const auto& id = operations_.back().id;
            if (find(id) != &operations_.back()) {
                throw Error{ErrorCode::internal, fmt::format("two operations are called {}", id)};
            }
        }
    }
}

const Operation* Contract::find(std::string_view id) const {
    const auto found = std::find_if(operations_.begin(), operations_.end(),
                                    [&](const Operation& operation) { return operation.id == id; });
    return found == operations_.end() ? nullptr : &*found;
}

const Operation* Contract::find_by_job_kind(std::string_view kind) const {
    const auto found = std::find_if(
        operations_.begin(), operations_.end(),
        [&](const Operation& operation) { return !kind.empty() && operation.job_kind == kind; });
    return found == operations_.end() ? nullptr : &*found;
}

}  // namespace entrepot::api
