// What every object store offers on top of its own operations.
#include "storage/object/store.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::object {

std::string_view to_string(Collection collection) {
    switch (collection) {
        case Collection::packs:
            return "packs";
        case Collection::maps:
            return "maps";
        case Collection::manifests:
            return "manifests";
        case Collection::marks:
            return "marks";
        case Collection::redirects:
            return "redirects";
        case Collection::states:
            return "states";
    }
    return "unknown";
}

Bytes Object::read(std::uint64_t offset, std::size_t length) const {
    Bytes content(length);
    read(offset, MutableByteView{content});
    return content;
}

void Store::put(const Key& key, ByteView content) {
    const auto upload = create(key);
    upload->append(content);
    upload->commit();
}

Bytes Store::read_whole(const Key& key, std::uint64_t size_bytes_max) {
    const auto object = open(key);
    const std::uint64_t size_bytes = object->size_bytes();
    if (size_bytes > size_bytes_max) {
        throw Error{ErrorCode::limit,
                    fmt::format("object {}/{} has {} bytes, more than {}",
                                to_string(key.collection), key.name, size_bytes, size_bytes_max)};
    }
    return object->read(0, static_cast<std::size_t>(size_bytes));
}

}  // namespace entrepot::object
