// A check of our own callers. It stays on in release builds: going on after a broken promise is how
// a backup product writes wrong bytes.
#pragma once

namespace entrepot {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace entrepot

#define ENTREPOT_CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::entrepot::check_failed(#condition, __FILE__, __LINE__))
