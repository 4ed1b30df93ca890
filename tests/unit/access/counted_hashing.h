// What libsodium was asked to hash: the work itself is done, and written down.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace entrepot::test {

/// One call of argon2id. Two of the same cost take the same time.
struct HashingWork {
    std::string call;  ///< "hash", or "compare" with a hash that is kept.
    std::string cost;  ///< Algorithm, version, memory, passes and lanes, as in the PHC string.
    std::size_t hash_length = 0;
    std::size_t password_bytes = 0;

    bool operator==(const HashingWork&) const = default;
};

std::ostream& operator<<(std::ostream& out, const HashingWork& work);

/// The calls since the last time, in their order, of all threads.
std::vector<HashingWork> take_hashing_work();

}  // namespace entrepot::test
