// A snapshot of the host table: a list must not ask the database once for each row.
#include "appliance/api/host_names.h"

namespace entrepot::api {

HostNames::HostNames(state::State& state) {
    for (const auto& host : state.hosts.list())
        names_[host.id] = host.draft.name;
}

std::string HostNames::name_of(const std::string& id) const {
    const auto found = names_.find(id);
    return found == names_.end() ? id : found->second;
}

std::string HostNames::id_of(const std::string& name_or_id) const {
    for (const auto& [id, name] : names_) {
        if (name == name_or_id) return id;
    }
    return name_or_id;
}

}  // namespace entrepot::api
