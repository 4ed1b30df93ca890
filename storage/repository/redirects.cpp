// Objects of many redirects each (FORMAT.md, "Redirects").
#include "storage/repository/redirects.h"

#include "storage/repository/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::repository {
namespace {

constexpr std::string_view kMagic = "ENTRREDI";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::size_t kHeaderBytes = 60;
constexpr std::size_t kRedirectBytes = 56;

Sealer redirect_sealer(const RepositoryKeys& keys, const Salt& salt, const std::string& name) {
    return keys.sealer_for("entrepot redirects v1", salt, as_bytes(name));
}

void write_address(LittleEndianWriter& out, const SlotAddress& address) {
    out.bytes(address.pack.bytes).u32(address.slot);
}

SlotAddress read_address(LittleEndianReader& in) {
    const PackId pack = PackId::from(in.bytes(PackId::kSizeBytes));
    return {pack, in.u32()};
}

bool is_damage(ErrorCode code) {
    return code == ErrorCode::corrupt || code == ErrorCode::limit || code == ErrorCode::io ||
           code == ErrorCode::unsupported;
}

}  // namespace

Bytes encode_redirects(Random& random, const RepositoryKeys& keys, const std::string& name,
                       const std::vector<Redirect>& redirects) {
    ENTREPOT_CHECK(redirects.size() <= limits::kRedirectsPerObjectMax);
    Salt salt{};
    random.fill(salt);
    LittleEndianWriter out;
    out.bytes(as_bytes(kMagic)).u16(kVersion);
    out.u16(keys.is_encrypted() ? kFlagEncrypted : std::uint16_t{0});
    out.bytes(keys.repository().bytes).bytes(salt);
    const Bytes header = out.data();
    LittleEndianWriter body;
    for (const Redirect& redirect : redirects) {
        write_address(body, redirect.from);
        body.bytes(redirect.id.bytes);
        write_address(body, redirect.to);
    }
    out.bytes(redirect_sealer(keys, salt, name).seal(0, header, body.data()));
    return out.take();
}

std::vector<Redirect> decode_redirects(const RepositoryKeys& keys, const std::string& name,
                                       ByteView bytes) {
    const auto corrupt = [&](const char* fact) {
        return Error{ErrorCode::corrupt, fmt::format("redirects {}: {}", name, fact)};
    };
    LittleEndianReader in{bytes};
    if (bytes.size() < kHeaderBytes) throw corrupt("cut short");
    if (as_text(in.bytes(kMagic.size())) != kMagic) throw corrupt("no header");
    if (const std::uint16_t version = in.u16(); version != kVersion) {
        throw Error{ErrorCode::unsupported, fmt::format("redirects of version {}", version)};
    }
    in.skip(2);
    if (RepositoryId::from(in.bytes(RepositoryId::kSizeBytes)) != keys.repository()) {
        throw corrupt("of another repository");
    }
    Salt salt{};
    std::ranges::copy(in.bytes(kSaltBytes), salt.begin());
    const auto body = redirect_sealer(keys, salt, name)
                          .open(0, bytes.first(kHeaderBytes), in.bytes(in.remaining()));
    if (!body || body->size() % kRedirectBytes != 0) throw corrupt("the seal is broken");
    std::vector<Redirect> redirects;
    LittleEndianReader entries{*body};
    while (entries.remaining() > 0) {
        Redirect redirect;
        redirect.from = read_address(entries);
        redirect.id = ShortId::from(entries.bytes(ShortId::kSizeBytes));
        redirect.to = read_address(entries);
        const bool is_sane =
            redirect.from.slot < limits::kPackSlotsMax && redirect.to.slot < limits::kPackSlotsMax;
        if (!is_sane) throw corrupt("a slot that cannot be");
        redirects.push_back(redirect);
    }
    return redirects;
}

void RedirectTable::load() {
    const std::scoped_lock lock{mutex_};
    by_object_.clear();
    by_place_.clear();
    damaged_.clear();
    count_ = 0;
    std::vector<std::string> names = store_.list(object::Collection::redirects);
    std::ranges::sort(names);
    for (const std::string& name : names) {
        try {
            const Bytes bytes = store_.read_whole({object::Collection::redirects, name},
                                                  limits::kRedirectObjectBytesMax);
            remember(name, decode_redirects(keys_, name, bytes));
        } catch (const Error& error) {
            if (!is_damage(error.code())) throw;
            damaged_.push_back(name);
        }
    }
}

void RedirectTable::remember(const std::string& object, const std::vector<Redirect>& redirects) {
    for (const Redirect& redirect : redirects)
        by_place_.emplace(redirect.from, redirect.to);
    by_object_[object] = redirects;
    count_ += redirects.size();
}

void RedirectTable::add(Random& random, std::vector<Redirect> redirects) {
    const std::scoped_lock lock{mutex_};
    while (!redirects.empty()) {
        const std::size_t count = std::min(redirects.size(), limits::kRedirectsPerObjectMax);
        const auto rest = redirects.begin() + static_cast<std::ptrdiff_t>(count);
        const std::vector<Redirect> part{redirects.begin(), rest};
        redirects.erase(redirects.begin(), rest);
        std::array<std::byte, 16> number{};
        random.fill(number);
        const std::string name = to_hex(number);
        store_.put({object::Collection::redirects, name},
                   encode_redirects(random, keys_, name, part));
        remember(name, part);
    }
}

std::vector<SlotAddress> RedirectTable::places(const SlotAddress& from) const {
    std::vector<SlotAddress> found;
    if (is_empty()) return found;
    const std::scoped_lock lock{mutex_};
    SlotAddress place = from;
    for (std::size_t next = 0; found.size() < limits::kRedirectHopsMax;) {
        const auto [first, last] = by_place_.equal_range(place);
        for (auto entry = first; entry != last; ++entry) {
            const bool is_known =
                entry->second == from || std::ranges::find(found, entry->second) != found.end();
            if (!is_known) found.push_back(entry->second);
        }
        if (next == found.size()) break;
        place = found[next++];
    }
    return found;
}

std::vector<Redirect> RedirectTable::list() const {
    const std::scoped_lock lock{mutex_};
    std::vector<Redirect> all;
    for (const auto& [name, redirects] : by_object_)
        all.insert(all.end(), redirects.begin(), redirects.end());
    return all;
}

std::vector<std::string> RedirectTable::damaged_objects() const {
    const std::scoped_lock lock{mutex_};
    return damaged_;
}

void RedirectTable::remove_unused(const std::function<bool(const SlotAddress&)>& is_reached) {
    std::vector<std::string> unused;
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& [name, redirects] : by_object_) {
            const bool is_used = std::ranges::any_of(
                redirects, [&](const Redirect& redirect) { return is_reached(redirect.from); });
            if (!is_used) unused.push_back(name);
        }
    }
    for (const std::string& name : unused) {
        store_.remove({object::Collection::redirects, name});
        forget(name);
    }
}

// Readers look things up meanwhile: they find all of the others at any moment.
void RedirectTable::forget(const std::string& object) {
    const std::scoped_lock lock{mutex_};
    const auto found = by_object_.find(object);
    count_ -= found->second.size();
    by_object_.erase(found);
    by_place_.clear();
    for (const auto& [name, redirects] : by_object_) {
        for (const Redirect& redirect : redirects)
            by_place_.emplace(redirect.from, redirect.to);
    }
}

}  // namespace entrepot::repository
