// Salt and sealed JSON.
#include "storage/repository/point_marks.h"

#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::repository {
namespace {

constexpr std::size_t kMarkBytesMax = 64 * kKiB;

object::Key mark_key(const std::string& point) {
    return {object::Collection::marks, point};
}

Sealer mark_sealer(const RepositoryKeys& keys, const Salt& salt, const std::string& point) {
    return keys.sealer_for("entrepot mark v1", salt, as_bytes(point));
}

}  // namespace

void write_mark(object::Store& store, Random& random, const RepositoryKeys& keys,
                const std::string& point, const PointMark& mark) {
    Json json = {{"hold_reason", mark.hold_reason}};
    if (mark.protected_until_ms) json["protected_until_ms"] = *mark.protected_until_ms;
    Salt salt{};
    random.fill(salt);
    const std::string text = dump_json(json);
    Bytes content(salt.begin(), salt.end());
    const Bytes sealed = mark_sealer(keys, salt, point).seal(0, as_bytes(point), as_bytes(text));
    content.insert(content.end(), sealed.begin(), sealed.end());
    store.put(mark_key(point), content);
}

PointMark read_mark(object::Store& store, const RepositoryKeys& keys, const std::string& point) {
    if (!store.find_size(mark_key(point))) return {};
    const Bytes content = store.read_whole(mark_key(point), kMarkBytesMax);
    const auto corrupt = [&] {
        return Error{ErrorCode::corrupt, fmt::format("the mark of point {} is damaged", point)};
    };
    if (content.size() < kSaltBytes) throw corrupt();
    Salt salt{};
    std::ranges::copy(ByteView{content}.first(kSaltBytes), salt.begin());
    const auto text = mark_sealer(keys, salt, point)
                          .open(0, as_bytes(point), ByteView{content}.subspan(kSaltBytes));
    if (!text) throw corrupt();
    try {
        const Json json = parse_json(as_text(*text), "mark");
        PointMark mark;
        mark.hold_reason = json.at("hold_reason").get<std::string>();
        if (json.contains("protected_until_ms")) {
            mark.protected_until_ms = json.at("protected_until_ms").get<std::int64_t>();
        }
        return mark;
    } catch (const Json::exception&) {
        throw corrupt();
    }
}

void remove_mark(object::Store& store, const std::string& point) {
    store.remove(mark_key(point));
}

}  // namespace entrepot::repository
