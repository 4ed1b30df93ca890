// lvm.conf(5), "SYNTAX".
#include "storage/guest/lvm_text.h"

#include "storage/guest_model/limits.h"
#include "storage/guest_model/name.h"

#include "base/error.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::size_t kTextDepthMax = 8;
constexpr std::size_t kValuesMax = 100'000;

[[noreturn]] void refuse(std::string_view what) {
    throw Error{ErrorCode::corrupt,
                fmt::format("LVM's description of its volumes is damaged: {}", escape_name(what))};
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_of_name(char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '+' ||
           c == '/';
}

class Parser {
public:
    explicit Parser(std::string_view text) : rest_(text) {}

    LvmSection parse() {
        LvmSection root;
        parse_section(root, 0);
        if (!rest_.empty()) refuse("a brace too many");
        return root;
    }

private:
    void skip_blank() {
        while (!rest_.empty()) {
            if (rest_.front() == '#') {
                const std::size_t end = rest_.find('\n');
                rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
            } else if (is_blank(rest_.front())) {
                rest_.remove_prefix(1);
            } else {
                return;
            }
        }
    }

    char peek() {
        skip_blank();
        return rest_.empty() ? '\0' : rest_.front();
    }

    bool take(char c) {
        if (peek() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view word() {
        skip_blank();
        std::size_t length = 0;
        while (length < rest_.size() && is_of_name(rest_[length]))
            ++length;
        if (length == 0) refuse("a name is missing");
        const std::string_view found = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return found;
    }

    std::string quoted() {
        std::string text;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            text += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!take('"')) refuse("a text has no end");
        return text;
    }

    LvmValue value(std::size_t depth) {
        if (++count_ > kValuesMax) {
            throw Error{ErrorCode::limit, "LVM's description of its volumes is too long"};
        }
        if (take('"')) return {quoted()};
        if (take('[')) return {list(depth + 1)};
        const std::string_view found = word();
        std::int64_t number = 0;
        const auto result = std::from_chars(found.data(), found.data() + found.size(), number);
        if (result.ec != std::errc{} || result.ptr != found.data() + found.size()) {
            refuse("a number is none");
        }
        return {number};
    }

    std::vector<LvmValue> list(std::size_t depth) {
        if (depth > kTextDepthMax) refuse("lists in lists");
        std::vector<LvmValue> values;
        while (!take(']')) {
            values.push_back(value(depth));
            if (!take(',') && peek() != ']') refuse("a list has no end");
        }
        return values;
    }

    void parse_section(LvmSection& section, std::size_t depth) {
        if (depth > kTextDepthMax) refuse("sections in sections");
        while (peek() != '\0' && peek() != '}') {
            if (++count_ > kValuesMax) {
                throw Error{ErrorCode::limit, "LVM's description of its volumes is too long"};
            }
            std::string name{word()};
            if (take('=')) {
                section.values.insert_or_assign(std::move(name), value(0));
            } else if (take('{')) {
                LvmSection inner;
                parse_section(inner, depth + 1);
                if (!take('}')) refuse("a section has no end");
                section.sections.push_back({std::move(name), std::move(inner)});
            } else {
                refuse(name);
            }
        }
    }

    std::string_view rest_;
    std::size_t count_ = 0;
};

template <typename Content>
const Content& value_of(const LvmSection& section, std::string_view name) {
    const auto found = section.values.find(std::string{name});
    const Content* content =
        found == section.values.end() ? nullptr : std::get_if<Content>(&found->second.content);
    if (content == nullptr) refuse(name);
    return *content;
}

}  // namespace

const LvmSection* LvmSection::find(std::string_view name) const {
    for (const auto& [key, inner] : sections) {
        if (key == name) return &inner;
    }
    return nullptr;
}

const LvmSection& LvmSection::section(std::string_view name) const {
    const LvmSection* const found = find(name);
    if (found == nullptr) refuse(name);
    return *found;
}

std::uint64_t LvmSection::number(std::string_view name) const {
    const auto number = value_of<std::int64_t>(*this, name);
    if (number < 0) refuse(name);
    return static_cast<std::uint64_t>(number);
}

const std::string& LvmSection::text(std::string_view name) const {
    return value_of<std::string>(*this, name);
}

const std::vector<LvmValue>& LvmSection::list(std::string_view name) const {
    return value_of<std::vector<LvmValue>>(*this, name);
}

LvmSection parse_lvm_text(std::string_view text) {
    return Parser{text}.parse();
}

}  // namespace entrepot::guest
