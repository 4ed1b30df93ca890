// How many points there are and how large, without reading all of them each time somebody asks.
#pragma once

#include "storage/catalog/catalog.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace entrepot::repository {

struct PointTotals {
    std::uint64_t points = 0;
    std::uint64_t logical_bytes = 0;
};

/// Reads a VM's points again only when they changed. Safe to share between threads.
class PointCounter {
public:
    /// Of a catalog that nobody asked before, `number` is another one.
    PointTotals count(catalog::Catalog& catalog, std::uint64_t number);

private:
    struct OfVm {
        std::uint64_t stamp = 0;
        PointTotals totals;
    };
    std::mutex mutex_;
    std::uint64_t number_ = 0;
    std::map<std::string, OfVm> known_;
};

}  // namespace entrepot::repository
