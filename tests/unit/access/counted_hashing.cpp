// Stands before libsodium's functions of the same names, which the dynamic linker finds next.
#include "tests/unit/access/counted_hashing.h"

#include <fmt/format.h>

#include <dlfcn.h>
#include <sodium.h>

#include <mutex>
#include <string_view>
#include <utility>

namespace entrepot::test {
namespace {

struct Calls {
    std::mutex mutex;
    std::vector<HashingWork> works;
};

// The functions of a C library can reach nothing but static storage.
Calls& calls() {
    static Calls all;
    return all;
}

void remember(HashingWork work) {
    const std::scoped_lock lock{calls().mutex};
    calls().works.push_back(std::move(work));
}

// "$argon2id$v=19$m=8,t=1,p=1": all before the salt and the hash.
std::string cost_of(std::string_view hash) {
    return std::string{hash.substr(0, hash.rfind('$', hash.rfind('$') - 1))};
}

template <typename Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const HashingWork& work) {
    return out << work.call << " " << work.cost << ", hash of " << work.hash_length
               << ", password of " << work.password_bytes;
}

std::vector<HashingWork> take_hashing_work() {
    const std::scoped_lock lock{calls().mutex};
    return std::exchange(calls().works, {});
}

}  // namespace entrepot::test

using entrepot::test::HashingWork;

extern "C" int crypto_pwhash(unsigned char* const out, unsigned long long out_length,
                             const char* const password, unsigned long long password_length,
                             const unsigned char* const salt, unsigned long long pass_count,
                             size_t memory_bytes, int algorithm) {
    entrepot::test::remember(
        {"hash", fmt::format("{}: {} bytes, {} passes", algorithm, memory_bytes, pass_count),
         static_cast<std::size_t>(out_length), static_cast<std::size_t>(password_length)});
    return entrepot::test::next<decltype(crypto_pwhash)>("crypto_pwhash")(
        out, out_length, password, password_length, salt, pass_count, memory_bytes, algorithm);
}

extern "C" int crypto_pwhash_str_verify(const char* hash, const char* const password,
                                        unsigned long long password_length) {
    const std::string_view text{hash};
    entrepot::test::remember({"compare", entrepot::test::cost_of(text), text.size(),
                              static_cast<std::size_t>(password_length)});
    return entrepot::test::next<decltype(crypto_pwhash_str_verify)>("crypto_pwhash_str_verify")(
        hash, password, password_length);
}
