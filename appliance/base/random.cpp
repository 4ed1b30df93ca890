// Random bytes from the kernel, and from a seed.
#include "base/random.h"

#include "base/error.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace entrepot {

std::uint64_t Random::u64() {
    std::uint64_t value = 0;
    fill({reinterpret_cast<std::byte*>(&value), sizeof value});
    return value;
}

void SystemRandom::fill(MutableByteView target) {
    while (!target.empty()) {
        const ssize_t count = getrandom(target.data(), target.size(), 0);
        if (count < 0) {
            if (errno == EINTR) continue;
            throw Error{ErrorCode::internal, "the kernel gives no random bytes"};
        }
        target = target.subspan(static_cast<std::size_t>(count));
    }
}

void SeededRandom::fill(MutableByteView target) {
    while (!target.empty()) {
        // splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        z ^= z >> 31;
        const std::size_t count = std::min(target.size(), sizeof z);
        std::memcpy(target.data(), &z, count);
        target = target.subspan(count);
    }
}

}  // namespace entrepot
