// Chance, as an interface: tests give a seed, everything else asks the kernel.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace entrepot {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(MutableByteView target) = 0;
    std::uint64_t u64();
};

/// getrandom(2). Throws Error{internal} if the kernel refuses. Safe to share between threads.
class SystemRandom final : public Random {
public:
    void fill(MutableByteView target) override;
};

/// Repeats itself for the same seed. For tests and for simulators only; not safe to share.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
    void fill(MutableByteView target) override;

private:
    std::uint64_t state_;
};

}  // namespace entrepot
