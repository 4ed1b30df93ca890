// The SMB shares that receive exports: their name for hosts and their path for us.
#pragma once

#include "appliance/state/database.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::state {

struct ShareRecord {
    std::string name;
    std::string unc;             ///< \\SERVER\SHARE[\FOLDER...]
    std::filesystem::path path;  ///< Where the same folder lies here.
    /// ADDR:PORT of our own file server, which serves the folder; empty: somebody else does.
    std::string listen{};

    bool is_managed() const { return !listen.empty(); }
};

/// Rows only; appliance/share knows the rules.
class ShareStore {
public:
    explicit ShareStore(Database& database) : database_(database) {}

    /// Error{already_exists} for a name in use.
    void add(const ShareRecord& share);
    std::vector<ShareRecord> list();
    std::optional<ShareRecord> find(std::string_view name);
    /// Error{not_found}.
    void remove(const std::string& name);

private:
    Database& database_;
};

}  // namespace entrepot::state
