// What other readers are known to get wrong, with the reasons. A disagreement that is not covered
// here is a failure.
#pragma once

#include "tests/property/readers.h"
#include "tests/property/vhd_layout.h"
#include "tests/property/vhdx_layout.h"

#include <cstdint>
#include <vector>

namespace entrepot::property {

/// A whole kind of image that a reader cannot judge: it is not asked.
struct KnownRefusal {
    Reader reader;
    const char* where;
    const char* reason;
    bool (*applies)(const Subject& subject);
};
/// nullptr: the reader's word counts.
const KnownRefusal* find_known_refusal(Reader reader, const Subject& subject);

/// Single sectors that libvhdi misreads in an image that it reads otherwise.
class LibvhdiFaults {
public:
    explicit LibvhdiFaults(const Subject& subject);
    /// The reason; nullptr if it has to read this sector right.
    const char* explain(std::uint64_t sector) const;

private:
    const char* explain_vhdx(std::uint64_t sector) const;
    const char* explain_vhd(std::uint64_t sector) const;

    // From the leaf down; one of them is empty.
    std::vector<VhdxLayout> vhdx_layers_;
    std::vector<VhdLayout> vhd_layers_;
};

}  // namespace entrepot::property
