// What a page of points says does not depend on who looked before.
#include "repository_fixture.h"

#include "storage/repository/point_writer.h"
#include "storage/repository/summary_cache.h"

#include "base/error.h"

#include <catch2/catch.hpp>

namespace entrepot::repository::test {
namespace {

catalog::PointRow row_of(const std::string& id, const std::string& vm, const std::string& digest) {
    PointContent content;
    content.summary.id = id;
    content.summary.draft = point_draft(vm);
    content.summary.draft.vm_name = vm;
    return {.id = id,
            .sequence = 1,
            .vm_id = vm,
            .vm_name = vm,
            .body = dump_json(to_json(content)),
            .manifest_digest = digest};
}

std::string id_of(std::size_t number) {
    std::string digits = std::to_string(number);
    return std::string(32 - digits.size(), '0') + digits;
}

}  // namespace

TEST_CASE("summaries: what is known of a point is the row's, what it is is read once", "[points]") {
    SummaryCache cache{4};
    catalog::PointRow row = row_of(id_of(1), "web01", "a");
    CHECK(cache.get(row).draft.vm_name == "web01");
    row.hold_reason = "court order";
    row.is_damaged = true;
    row.body = "not read again";
    CHECK(cache.get(row).draft.vm_name == "web01");
    CHECK(cache.get(row).hold_reason == "court order");
    CHECK(cache.get(row).has_known_damage);
    row.hold_reason.clear();
    row.is_damaged = false;
    CHECK(cache.get(row).hold_reason.empty());
    CHECK_FALSE(cache.get(row).has_known_damage);
}

TEST_CASE("summaries: a point with another manifest is another point", "[points]") {
    SummaryCache cache{4};
    cache.get(row_of(id_of(1), "web01", "a"));
    CHECK(cache.get(row_of(id_of(1), "db01", "b")).draft.vm_name == "db01");
    CHECK(cache.get(row_of(id_of(1), "db01", "b")).draft.vm_name == "db01");
    CHECK(cache.size() == 1);
}

TEST_CASE("summaries: there are never more than allowed, and the last used ones stay", "[points]") {
    SummaryCache cache{4};
    catalog::PointRow first = row_of(id_of(0), "web01", "a");
    for (std::size_t i = 0; i < 20; ++i) {
        cache.get(row_of(id_of(i), "web01", "a"));
        cache.get(first);
        CHECK(cache.size() <= 4);
    }
    first.body = "not read again";
    CHECK(cache.get(first).draft.vm_name == "web01");
    catalog::PointRow other = row_of(id_of(1), "web01", "a");
    other.body = "read again";
    CHECK_THROWS_AS(cache.get(other), Error);
    CHECK(cache.get(first).draft.vm_name == "web01");
}

TEST_CASE("summaries: a page tells a hold and its end at once", "[points]") {
    Fixture fixture;
    const std::string point = fixture.add_full("vm", make_disk(1, 4 * kChunk));
    Repository& repository = fixture.repository();
    const auto page = [&] { return repository.list_points({.newest_max = 10}).at(0); };
    CHECK(page().hold_reason.empty());
    repository.hold_point(point, "court order");
    CHECK(page().hold_reason == "court order");
    repository.release_point(point);
    CHECK(page().hold_reason.empty());
    CHECK_FALSE(page().verification);
    repository.verify({}, VerifyDepth::data, fixture.work());
    CHECK(page().verification);
    repository.delete_point(point);
    CHECK(repository.list_points({.newest_max = 10}).empty());
}

}  // namespace entrepot::repository::test
