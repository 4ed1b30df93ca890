// Filling in arguments. They come from hosts and people, and end up in commands that an
// administrator pastes: so they are quoted here, in one place.
#include "appliance/doctor/report.h"

#include "appliance/doctor/finding.h"
#include "appliance/doctor/limits.h"

#include "base/check.h"
#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace entrepot::doctor {
namespace {

constexpr std::string_view kUnexpected = "unexpected";

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// Cut between characters, never inside one.
std::string cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return std::string{text};
    std::size_t length = bytes_max;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
        --length;
    return std::string{text.substr(0, length)} + "...";
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
    std::string line;
    for (const char c : text) {
        if (!is_control(c)) {
            line += c;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    return cut(line, bytes_max);
}

bool is_harmless(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == ':';
        return is_word;
    });
}

/// @name@ or @quotes:name@ at the beginning of a text.
struct ArgumentPlace {
    std::string_view quotes;
    std::string_view name;
    std::size_t length = 0;
};

std::optional<ArgumentPlace> find_place(std::string_view text) {
    const std::size_t end = text.find('@', 1);
    if (end == std::string_view::npos) return std::nullopt;
    ArgumentPlace place{{}, text.substr(1, end - 1), end + 1};
    const bool is_name =
        !place.name.empty() && std::all_of(place.name.begin(), place.name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ':';
        });
    if (!is_name) return std::nullopt;
    const std::size_t colon = place.name.find(':');
    if (colon == std::string_view::npos) return place;
    place.quotes = place.name.substr(0, colon);
    place.name.remove_prefix(colon + 1);
    return place;
}

const std::string* find_argument(const Arguments& own, const Arguments& common,
                                 std::string_view name) {
    const auto found = own.find(name);
    if (found != own.end()) return &found->second;
    const auto shared = common.find(name);
    return shared == common.end() ? nullptr : &shared->second;
}

}  // namespace

std::string quote_for_powershell(std::string_view text) {
    // PowerShell takes these for single quotes, too: U+2018 to U+201B.
    constexpr std::array<std::string_view, 4> kCurly{"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9A",
                                                     "\xE2\x80\x9B"};
    std::string out = "'";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view three = text.substr(i, 3);
        if (std::find(kCurly.begin(), kCurly.end(), three) != kCurly.end()) {
            out.append(three).append(three);
            i += 2;
            continue;
        }
        if (is_control(text[i])) continue;
        out += text[i];
        if (text[i] == '\'') out += '\'';
    }
    return out + "'";
}

std::string quote_for_shell(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (is_control(c)) continue;
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string join_names(const std::vector<std::string>& names) {
    std::string text;
    const std::size_t shown = std::min(names.size(), limits::kNamesShownMax);
    for (std::size_t i = 0; i < shown; ++i) {
        text += (i == 0 ? "" : ", ") + one_line(names[i], limits::kNameBytesMax);
    }
    if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
    return text;
}

std::string Report::fill(std::string_view text, const Arguments& arguments, Use use) const {
    std::string out;
    while (!text.empty()) {
        const std::size_t begin = text.find('@');
        if (begin == std::string_view::npos) break;
        out += text.substr(0, begin);
        text.remove_prefix(begin);
        const auto place = find_place(text);
        if (!place) {
            out += '@';
            text.remove_prefix(1);
            continue;
        }
        text.remove_prefix(place->length);
        const std::string* value = find_argument(arguments, common_, place->name);
        ENTREPOT_CHECK(value != nullptr);
        const std::string line = one_line(*value, limits::kArgumentBytesMax);
        if (place->quotes == "ps") {
            out += quote_for_powershell(line);
        } else if (place->quotes == "sh") {
            out += quote_for_shell(line);
        } else {
            out += use == Use::command && !is_harmless(line) ? "?" : line;
        }
    }
    return out + std::string{text};
}

void Report::add(std::string_view id, const std::string& evidence, const Arguments& arguments) {
    const Finding& finding = find_finding(id);
    Check check;
    check.id = finding.id;
    check.layer = finding.layer();
    check.result = finding.result;
    check.cause = fill(finding.cause, arguments, Use::words);
    check.evidence = one_line(evidence, limits::kEvidenceBytesMax);
    check.cure = fill(finding.cure, arguments, Use::words);
    check.command = fill(finding.command, arguments, Use::command);
    checks_.push_back(std::move(check));
}

void Report::skip(std::string_view layer, std::string_view because) {
    if (has_failed(layer)) return;  // What was found below it was of this layer already.
    Check check;
    check.id = fmt::format("{}.skipped", layer);
    check.layer = layer;
    check.result = Result::skipped;
    check.cause = fmt::format("Not looked at, because of {}.", because);
    check.cure = fmt::format("Mend {} first, then ask again.", because);
    checks_.push_back(std::move(check));
}

void Report::add_unexpected(std::string_view layer, const std::exception& error) {
    Check check;
    check.id = fmt::format("{}.{}", layer, kUnexpected);
    check.layer = layer;
    check.result = Result::failed;
    check.cause = "Something that the doctor has no name for.";
    check.evidence = one_line(error.what(), limits::kEvidenceBytesMax);
    const auto* known = dynamic_cast<const Error*>(&error);
    check.cure = known != nullptr && !known->hint().empty()
                     ? known->hint()
                     : "Please record it (record = \"DIRECTORY\" under [hosts] in entrepot.toml, "
                       "then ask again) and report it.";
    checks_.push_back(std::move(check));
}

bool Report::has(std::string_view id) const {
    return std::any_of(checks_.begin(), checks_.end(),
                       [&](const Check& check) { return check.id == id; });
}

bool Report::has_failed(std::string_view layer) const {
    return std::any_of(checks_.begin(), checks_.end(), [&](const Check& check) {
        return check.layer == layer && check.result == Result::failed;
    });
}

std::string_view to_string(Result result) {
    switch (result) {
        case Result::ok:
            return "ok";
        case Result::warning:
            return "warning";
        case Result::failed:
            return "failed";
        case Result::unproven:
            return "unproven";
        case Result::skipped:
            return "skipped";
    }
    return "";
}

Json Check::to_json() const {
    return {{"id", id},          {"layer", layer},       {"result", to_string(result)},
            {"cause", cause},    {"evidence", evidence}, {"cure", cure},
            {"command", command}};
}

}  // namespace entrepot::doctor
