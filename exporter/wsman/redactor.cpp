// Names are looked for as bytes: an envelope holds them in elements, in attributes, in object paths
// and in texts of every language, and all of these must agree afterwards.
#include "exporter/wsman/redactor.h"

#include "base/guid.h"
#include "exporter/wsman/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

namespace entrepot::wsman {
namespace {

constexpr std::size_t kNameBytesMin = 3;
constexpr std::size_t kNameBytesMax = 255;

struct NamePlace {
    std::string_view before;
    char end;
    const char* kind;
};

// Where Windows writes its own name, its domain and people.
constexpr std::array<NamePlace, 14> kPlaces{{
    {"Machine=\"", '"', "host"},
    {":SystemName>", '<', "host"},
    {"Name=\"SystemName\">", '<', "host"},
    {":CSName>", '<', "host"},
    {":DNSHostName>", '<', "host"},
    {":PSComputerName>", '<', "host"},
    {":__SERVER>", '<', "host"},
    {":Domain>", '<', "domain"},
    {":Workgroup>", '<', "domain"},
    {":UserName>", '<', "user"},
    {":PrimaryOwnerName>", '<', "user"},
    {":RegisteredUser>", '<', "user"},
    {":Organization>", '<', "organization"},
    {":SerialNumber>", '<', "serial"},
}};

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool is_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || c == '_' || c == '-' || byte >= 0x80;
}

}  // namespace

void Redactor::hide(const std::string& name, const std::string& stand_in) {
    const bool is_telling = name.size() >= kNameBytesMin && name.size() <= kNameBytesMax;
    // A SystemName is a VM's GUID as often as the host's name; "localhost" tells nothing.
    if (!is_telling || Guid::parse(name) || lower(name) == "localhost") return;
    if (stand_ins_.size() >= limits::kRedactedNamesMax) return;
    stand_ins_.emplace(lower(name), stand_in);
}

void Redactor::learn_after(std::string_view envelope, std::string_view before, char end,
                           const std::string& kind) {
    for (std::size_t at = envelope.find(before); at != std::string_view::npos;
         at = envelope.find(before, at + before.size())) {
        const std::string_view rest = envelope.substr(at + before.size(), kNameBytesMax + 1);
        const std::string name{rest.substr(0, rest.find(end))};
        const bool is_new = name.size() >= kNameBytesMin && name.size() <= kNameBytesMax &&
                            stand_ins_.find(lower(name)) == stand_ins_.end();
        if (!is_new || Guid::parse(name)) continue;
        hide(name, fmt::format("{}-{}", kind, ++counts_[kind]));
        // A full name hides the short one, which objects use, in the same breath.
        const std::size_t dot = name.find('.');
        if (kind == "host" && dot != std::string::npos) {
            hide(name.substr(0, dot), fmt::format("{}-{}", kind, counts_[kind]));
        }
    }
}

void Redactor::learn(std::string_view envelope) {
    for (const NamePlace& place : kPlaces)
        learn_after(envelope, place.before, place.end, place.kind);
}

std::string Redactor::redact(std::string_view text) const {
    std::string out{text};
    // Longest first: a short name may be part of a long one.
    std::vector<std::pair<std::string, std::string>> names{stand_ins_.begin(), stand_ins_.end()};
    std::sort(names.begin(), names.end(), [](const auto& left, const auto& right) {
        return left.first.size() > right.first.size();
    });
    for (const auto& [name, stand_in] : names) {
        std::string folded = lower(out);
        for (std::size_t at = folded.find(name); at != std::string::npos;
             at = folded.find(name, at)) {
            const std::size_t end = at + name.size();
            const bool is_inside =
                (at > 0 && is_word(out[at - 1])) || (end < out.size() && is_word(out[end]));
            if (is_inside) {
                at = end;
                continue;
            }
            out.replace(at, name.size(), stand_in);
            folded.replace(at, name.size(), stand_in);
            at += stand_in.size();
        }
    }
    return out;
}

}  // namespace entrepot::wsman
