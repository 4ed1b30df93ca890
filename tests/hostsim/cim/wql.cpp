// Parses WQL by recursive descent. String literals take \\ and \' as escapes.
#include "tests/hostsim/cim/wql.h"

#include <fmt/format.h>

#include <algorithm>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kQueryLengthMax = 16384;
constexpr int kConditionDepthMax = 32;

struct WqlError {
    std::string why;
};

struct Token {
    enum class Kind { word, text, symbol, braces, end };
    Kind kind = Kind::end;
    std::string value;
};

class Lexer {
public:
    explicit Lexer(std::string_view text) : rest_(text) { next(); }

    const Token& peek() const { return token_; }
    Token take() {
        Token taken = std::move(token_);
        next();
        return taken;
    }
    bool take_word(std::string_view word) {
        if (token_.kind != Token::Kind::word || !same_name(token_.value, word)) return false;
        next();
        return true;
    }
    bool take_symbol(std::string_view symbol) {
        if (token_.kind != Token::Kind::symbol || token_.value != symbol) return false;
        next();
        return true;
    }
    std::string need(Token::Kind kind, const char* what) {
        if (token_.kind != kind) throw WqlError{fmt::format("{} expected", what)};
        return take().value;
    }

private:
    void next();
    void read_text(char quote);
    std::string_view rest_;
    Token token_;
};

bool is_word(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

void Lexer::next() {
    const std::size_t start = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
    token_ = Token{};
    if (rest_.empty()) return;
    const char c = rest_.front();
    if (c == '\'' || c == '"') return read_text(c);
    if (c == '{') {
        const std::size_t end = rest_.find('}');
        if (end == std::string_view::npos) throw WqlError{"'}' expected"};
        token_ = {Token::Kind::braces, std::string{rest_.substr(1, end - 1)}};
        rest_.remove_prefix(end + 1);
        return;
    }
    if (is_word(c)) {
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word);
        const auto length = static_cast<std::size_t>(end - rest_.begin());
        token_ = {Token::Kind::word, std::string{rest_.substr(0, length)}};
        rest_.remove_prefix(length);
        return;
    }
    std::size_t length = 1;
    const std::string_view two = rest_.substr(0, 2);
    if (two == "<=" || two == ">=" || two == "<>" || two == "!=") length = 2;
    if (length == 1 && std::string_view{"=<>*,()"}.find(c) == std::string_view::npos) {
        throw WqlError{fmt::format("unexpected character '{}'", c)};
    }
    token_ = {Token::Kind::symbol, std::string{rest_.substr(0, length)}};
    rest_.remove_prefix(length);
}

void Lexer::read_text(char quote) {
    token_.kind = Token::Kind::text;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == quote) return;
        if (c == '\\') {
            if (rest_.empty()) break;
            token_.value += rest_.front();
            rest_.remove_prefix(1);
        } else {
            token_.value += c;
        }
    }
    throw WqlError{"the string does not end"};
}

Condition parse_any(Lexer& lexer, int depth);

Condition parse_comparison(Lexer& lexer) {
    Condition result;
    result.property = lexer.need(Token::Kind::word, "property name");
    if (lexer.take_word("IS")) {
        const bool is_negated = lexer.take_word("NOT");
        if (!lexer.take_word("NULL")) throw WqlError{"NULL expected"};
        result.op = is_negated ? "NOT NULL" : "NULL";
        return result;
    }
    if (lexer.take_word("LIKE")) {
        result.op = "LIKE";
    } else if (lexer.take_word("ISA")) {
        result.op = "ISA";
    } else {
        result.op = lexer.need(Token::Kind::symbol, "comparison");
        if (result.op == "!=") result.op = "<>";
        if (result.op == "*" || result.op == "," || result.op == "(" || result.op == ")") {
            throw WqlError{"comparison expected"};
        }
    }
    const Token literal = lexer.take();
    if (literal.kind != Token::Kind::text && literal.kind != Token::Kind::word) {
        throw WqlError{"literal expected"};
    }
    result.literal = literal.value;
    return result;
}

Condition parse_factor(Lexer& lexer, int depth) {
    if (depth > kConditionDepthMax) throw WqlError{"nested too deep"};
    if (lexer.take_word("NOT")) {
        Condition result;
        result.kind = Condition::Kind::none_of;
        result.parts.push_back(parse_factor(lexer, depth + 1));
        return result;
    }
    if (lexer.take_symbol("(")) {
        Condition inner = parse_any(lexer, depth + 1);
        if (!lexer.take_symbol(")")) throw WqlError{"')' expected"};
        return inner;
    }
    return parse_comparison(lexer);
}

Condition parse_all(Lexer& lexer, int depth) {
    Condition result;
    result.kind = Condition::Kind::all_of;
    result.parts.push_back(parse_factor(lexer, depth));
    while (lexer.take_word("AND"))
        result.parts.push_back(parse_factor(lexer, depth));
    return result;
}

Condition parse_any(Lexer& lexer, int depth) {
    Condition result;
    result.kind = Condition::Kind::any_of;
    result.parts.push_back(parse_all(lexer, depth));
    while (lexer.take_word("OR"))
        result.parts.push_back(parse_all(lexer, depth));
    return result;
}

SelectQuery parse_select(Lexer& lexer) {
    SelectQuery query;
    if (!lexer.take_symbol("*")) {
        do
            query.properties.push_back(lexer.need(Token::Kind::word, "property name"));
        while (lexer.take_symbol(","));
    }
    if (!lexer.take_word("FROM")) throw WqlError{"FROM expected"};
    query.class_name = lexer.need(Token::Kind::word, "class name");
    if (lexer.take_word("WHERE")) query.where = parse_any(lexer, 0);
    return query;
}

AssociationQuery parse_association(Lexer& lexer) {
    AssociationQuery query;
    if (!lexer.take_word("OF")) throw WqlError{"OF expected"};
    query.path = lexer.need(Token::Kind::braces, "object path");
    if (!lexer.take_word("WHERE")) return query;
    while (lexer.peek().kind != Token::Kind::end) {
        const std::string name = lexer.need(Token::Kind::word, "keyword");
        if (!lexer.take_symbol("=")) throw WqlError{"'=' expected"};
        const std::string value = lexer.need(Token::Kind::word, "class name");
        if (same_name(name, "AssocClass"))
            query.association_class = value;
        else if (same_name(name, "ResultClass"))
            query.result_class = value;
        else if (same_name(name, "Role"))
            query.role = value;
        else if (same_name(name, "ResultRole"))
            query.result_role = value;
        else
            throw WqlError{fmt::format("unknown keyword {}", name)};
    }
    return query;
}

/// LIKE: % any text, _ one character, [abc] one of a set.
bool is_like(std::string_view text, std::string_view pattern) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() == '%') {
        for (std::size_t i = 0; i <= text.size(); ++i) {
            if (is_like(text.substr(i), pattern.substr(1))) return true;
        }
        return false;
    }
    if (text.empty()) return false;
    if (pattern.front() == '[') {
        const std::size_t end = pattern.find(']');
        if (end != std::string_view::npos) {
            return pattern.substr(1, end - 1).find(text.front()) != std::string_view::npos &&
                   is_like(text.substr(1), pattern.substr(end + 1));
        }
    }
    const bool is_same =
        pattern.front() == '_' || same_name(pattern.substr(0, 1), text.substr(0, 1));
    return is_same && is_like(text.substr(1), pattern.substr(1));
}

int compare(const Scalar& scalar, const std::string& literal) {
    if (const auto* number = std::get_if<std::uint64_t>(&scalar)) {
        const std::uint64_t other = std::strtoull(literal.c_str(), nullptr, 10);
        return *number < other ? -1 : (*number > other ? 1 : 0);
    }
    const std::string text = to_text(scalar);
    if (same_name(text, literal)) return 0;
    return NameLess{}(text, literal) ? -1 : 1;
}

bool matches_comparison(const Condition& condition, const Instance& instance,
                        const Schema& schema) {
    if (condition.op == "ISA") {
        return schema.is_a(instance.name_space, instance.class_name, condition.literal);
    }
    const bool is_class = same_name(condition.property, "__CLASS");
    const Value value = is_class ? Value{instance.class_name} : instance.at(condition.property);
    if (condition.op == "NULL") return value.is_null();
    if (condition.op == "NOT NULL") return !value.is_null();
    if (value.is_null()) return false;
    if (condition.op == "LIKE") return is_like(to_text(value.items.front()), condition.literal);
    const int order = compare(value.items.front(), condition.literal);
    if (condition.op == "=") return order == 0;
    if (condition.op == "<>") return order != 0;
    if (condition.op == "<") return order < 0;
    if (condition.op == ">") return order > 0;
    return condition.op == "<=" ? order <= 0 : order >= 0;
}

std::optional<std::string> find_unknown(const Condition& condition, const Class& declared) {
    if (condition.kind == Condition::Kind::compare) {
        const bool is_system =
            same_name(condition.property, "__CLASS") || same_name(condition.property, "__THIS");
        if (is_system || declared.properties.contains(condition.property)) return std::nullopt;
        return condition.property;
    }
    for (const Condition& part : condition.parts) {
        if (auto unknown = find_unknown(part, declared)) return unknown;
    }
    return std::nullopt;
}

}  // namespace

std::optional<WqlQuery> parse_wql(std::string_view text, std::string& why) {
    if (text.size() > kQueryLengthMax) {
        why = "the query is too long";
        return std::nullopt;
    }
    try {
        Lexer lexer{text};
        WqlQuery query;
        if (lexer.take_word("SELECT")) {
            query.select = parse_select(lexer);
        } else if (lexer.take_word("ASSOCIATORS")) {
            query.association = parse_association(lexer);
        } else if (lexer.take_word("REFERENCES")) {
            query.association = parse_association(lexer);
            query.association->wants_references = true;
        } else {
            throw WqlError{"SELECT, ASSOCIATORS or REFERENCES expected"};
        }
        if (lexer.peek().kind != Token::Kind::end) throw WqlError{"text after the query"};
        return query;
    } catch (const WqlError& error) {
        why = error.why;
        return std::nullopt;
    }
}

std::optional<std::string> find_unknown_property(const SelectQuery& query, const Class& declared) {
    for (const std::string& property : query.properties) {
        if (property.starts_with("__") || declared.properties.contains(property)) continue;
        return property;
    }
    if (!query.where) return std::nullopt;
    return find_unknown(*query.where, declared);
}

bool matches(const Condition& condition, const Instance& instance, const Schema& schema) {
    const auto part_matches = [&](const Condition& part) {
        return matches(part, instance, schema);
    };
    const auto& parts = condition.parts;
    switch (condition.kind) {
        case Condition::Kind::all_of:
            return std::all_of(parts.begin(), parts.end(), part_matches);
        case Condition::Kind::any_of:
            return std::any_of(parts.begin(), parts.end(), part_matches);
        case Condition::Kind::none_of:
            return std::none_of(parts.begin(), parts.end(), part_matches);
        case Condition::Kind::compare:
            return matches_comparison(condition, instance, schema);
    }
    return false;
}

}  // namespace entrepot::hostsim
