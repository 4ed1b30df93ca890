// Fills a repository's catalog with copies of its newest point: what lists cost does not depend on
// what the points hold. Only for measuring lists; the copies can't be restored.
//   bench_many_points REPOSITORY VMS COUNT    points of VMs 00000000-0000-4000-8000-000000000001 on
#include "storage/catalog/catalog.h"

#include "base/error.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

namespace entrepot {
namespace {

std::string replaced(std::string text, const std::string& old, const std::string& fresh) {
    for (std::size_t at = text.find(old); at != std::string::npos;
         at = text.find(old, at + fresh.size())) {
        text.replace(at, old.size(), fresh);
    }
    return text;
}

void fill(const std::filesystem::path& repository, std::uint64_t vms, std::uint64_t count) {
    const auto catalog = catalog::Catalog::open(repository / "catalog.sqlite");
    const auto points = catalog->list_points({.newest_max = 1});
    if (points.empty()) throw Error{ErrorCode::not_found, "the repository has no point to copy"};
    const catalog::PointRow& original = points.front();
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t vm = i % vms + 1;
        catalog::PointRow row = original;
        row.id = fmt::format("{:032x}", i + 1);
        row.sequence = catalog->next_sequence(original.sequence);
        row.vm_id = fmt::format("00000000-0000-4000-8000-{:012}", vm);
        row.vm_name = fmt::format("vm-{:04}", vm);
        row.body = replaced(row.body, original.id, row.id);
        row.body = replaced(row.body, original.vm_id, row.vm_id);
        row.body = replaced(row.body, "\"" + original.vm_name + "\"", "\"" + row.vm_name + "\"");
        row.body = replaced(row.body, fmt::format("\"sequence\":{}", original.sequence),
                            fmt::format("\"sequence\":{}", row.sequence));
        catalog->add_point(row);
    }
}

}  // namespace
}  // namespace entrepot

int main(int argc, char** argv) {
    const std::vector<std::string> arguments{argv + 1, argv + argc};
    if (arguments.size() != 3) {
        fmt::print(stderr, "bench_many_points REPOSITORY VMS COUNT\n");
        return 2;
    }
    try {
        entrepot::fill(arguments[0], std::stoull(arguments[1]), std::stoull(arguments[2]));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_many_points: {}\n", error.what());
        return 1;
    }
}
