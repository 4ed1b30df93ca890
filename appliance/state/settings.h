// Small values of the appliance itself, by key: setup token digest, repository id, cookie key.
#pragma once

#include "appliance/state/database.h"

#include "base/json.h"

#include <optional>
#include <string_view>

namespace entrepot::state {

class SettingStore {
public:
    explicit SettingStore(Database& database) : database_(database) {}

    std::optional<Json> find(std::string_view key);
    void put(std::string_view key, const Json& value);
    void remove(std::string_view key);

private:
    Database& database_;
};

}  // namespace entrepot::state
