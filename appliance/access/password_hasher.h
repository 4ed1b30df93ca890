// Passwords as argon2id hashes in the PHC string format (RFC 9106), made and compared by few
// threads at a time: each hash takes a lot of memory and time on purpose (F-WB-02).
#pragma once

#include "base/random.h"
#include "base/secret.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace entrepot::access {

struct HashOptions {
    std::uint64_t pass_count = 2;
    std::size_t memory_bytes = 64 * kMiB;
    std::size_t parallel_max = 2;
    /// Who comes when so many wait is turned away.
    std::size_t waiting_max = 16;
};

/// Error{invalid} unless a person may choose it: its length is within bounds, it is text without
/// control characters, and it is not the user's name.
void check_new_password(const Secret& password, const std::string& user_name);

/// Safe to share between threads.
class PasswordHasher {
public:
    PasswordHasher(Random& random, const HashOptions& options);

    /// "$argon2id$v=19$m=65536,t=2,p=1$SALT$HASH". Error{busy} if too many wait.
    std::string hash(const Secret& password);

    /// Whether the password has this hash. An empty hash is nobody's, and takes as long as any
    /// other. Error{busy} if too many wait.
    bool matches(const Secret& password, const std::string& hash);

private:
    class Turn;

    std::string hash_now(const Secret& password);

    Random& random_;
    HashOptions options_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::size_t running_count_ = 0;
    std::size_t waiting_count_ = 0;
    std::string nobodys_hash_;  ///< Chance in the form of a hash.
};

}  // namespace entrepot::access
