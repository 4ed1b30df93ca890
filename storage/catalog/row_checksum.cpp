// The columns as text, each in a line.
#include "storage/catalog/row_checksum.h"

#include "base/crc32c.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string>

namespace entrepot::catalog {
namespace {

template <typename... Fields>
std::int64_t checksum_over(const Fields&... fields) {
    std::string text;
    (fmt::format_to(std::back_inserter(text), "{}\n", fields), ...);
    return std::int64_t{crc32c(as_bytes(text))};
}

}  // namespace

std::int64_t checksum_of(const PackRow& row) {
    return checksum_over(row.id, row.generation, to_string(row.state), row.size_bytes,
                         row.slot_count, row.plain_bytes, row.dead_bytes, row.session);
}

std::int64_t checksum_of(const PointRow& row) {
    const auto text_of = [](const std::optional<std::int64_t>& value) {
        return value ? std::to_string(*value) : std::string{"none"};
    };
    return checksum_over(row.id, row.sequence, row.vm_id, row.vm_name, row.body,
                         row.manifest_digest, row.is_deleting, row.is_damaged,
                         text_of(row.protected_until_ms), row.hold_reason, text_of(row.verified_ms),
                         row.verified_result);
}

}  // namespace entrepot::catalog
