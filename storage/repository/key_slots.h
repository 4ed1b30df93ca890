// Key slots: files that each wrap the root key under one passphrase or the recovery key. Follows
// the architecture, "Keys".
#pragma once

#include "storage/repository/ids.h"
#include "storage/repository/repository.h"

#include "base/file_system.h"
#include "base/random.h"
#include "base/secret.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::repository {

/// What goes into a new slot besides the keys.
struct NewKeySlot {
    std::uint32_t number = 0;
    std::string kind;  ///< "passphrase" or "recovery".
    WallTime created{};
    KeyCost cost;
};

struct Unlocked {
    Secret root_key;
    std::uint32_t slot = 0;
};

class KeySlots {
public:
    KeySlots(FileSystem& file_system, Random& random, std::filesystem::path directory,
             const RepositoryId& repository);

    /// Durable on return; replaces the slot of that number.
    void write(const NewKeySlot& slot, const Secret& key, const Secret& root_key);
    void remove(std::uint32_t number);
    /// By number. A slot that is damaged is left out, but its number stays taken.
    std::vector<KeySlot> list();
    std::uint32_t free_number();

    /// nullopt if no slot opens with this key. Damaged slots are passed over.
    std::optional<Unlocked> unlock(const Secret& key);
    /// The parameters of a slot. Throws Error{not_found}.
    NewKeySlot describe(std::uint32_t number);

private:
    std::filesystem::path path_of(std::uint32_t number) const;
    std::vector<std::uint32_t> numbers();

    FileSystem& file_system_;
    Random& random_;
    std::filesystem::path directory_;
    RepositoryId repository_;
};

/// 160 random bits in groups of four letters and digits.
Secret make_recovery_key(Random& random);

}  // namespace entrepot::repository
