// Where a repository's objects lie: whole, durable, written once. Follows the architecture, "Object
// store".
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace entrepot::object {

/// The first four are always there; the others may be absent where nothing was put into them.
enum class Collection { packs, maps, manifests, marks, redirects, states };

std::string_view to_string(Collection collection);

/// Names are made by us from ids: lower-case letters, digits, '.' and '-', at least two characters.
struct Key {
    Collection collection = Collection::packs;
    std::string name;
    bool operator==(const Key&) const = default;
};

/// An object on its way: absent until commit() returned.
class Upload {
public:
    virtual ~Upload() = default;  ///< Discards what was not committed.
    virtual void append(ByteView data) = 0;
    /// Durable under its name on return. A failure is final: begin anew under another name.
    virtual void commit() = 0;
};

/// An object open for reading; safe to read from several threads, and readable even while the
/// object is being removed.
class Object {
public:
    virtual ~Object() = default;
    virtual std::uint64_t size_bytes() const = 0;
    /// Error{corrupt} if the object ends before the range does.
    virtual void read(std::uint64_t offset, MutableByteView target) const = 0;

    /// Requires a length that the caller has bounded.
    Bytes read(std::uint64_t offset, std::size_t length) const;
};

class Store {
public:
    virtual ~Store() = default;

    virtual std::unique_ptr<Upload> create(const Key& key) = 0;
    /// Error{not_found} if there is none.
    virtual std::unique_ptr<Object> open(const Key& key) = 0;
    virtual std::optional<std::uint64_t> find_size(const Key& key) = 0;
    /// Durable on return; nothing happens if there is none.
    virtual void remove(const Key& key) = 0;
    /// What is gone from the collection stays gone, though its remove() failed or its process died.
    virtual void settle_removals(Collection collection) = 0;
    /// All names, in no order. An error is an error, never a shorter list.
    virtual std::vector<std::string> list(Collection collection) = 0;
    /// Removes what uploads of dead processes left. Requires that no upload is under way.
    virtual void discard_uploads() = 0;

    /// A small object in one call; replaces one of the same name.
    void put(const Key& key, ByteView content);
    /// The whole object; Error{limit} beyond size_bytes_max.
    Bytes read_whole(const Key& key, std::uint64_t size_bytes_max);
};

}  // namespace entrepot::object
