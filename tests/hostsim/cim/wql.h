// The queries of WMI as far as a host answers them over WS-Man (wsman.md sections 6, 7).
#pragma once

#include "tests/hostsim/cim/schema.h"
#include "tests/hostsim/cim/value.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::hostsim {

/// One comparison, or a combination of conditions.
struct Condition {
    enum class Kind { all_of, any_of, none_of, compare };
    Kind kind = Kind::compare;
    std::vector<Condition> parts;
    std::string property;
    std::string op;  ///< "=", "<>", "<", ">", "<=", ">=", "LIKE", "ISA", "NULL", "NOT NULL".
    std::string literal;
};

struct SelectQuery {
    std::vector<std::string> properties;  ///< Empty for "*".
    std::string class_name;
    std::optional<Condition> where;
};

/// ASSOCIATORS OF {path} and REFERENCES OF {path}.
struct AssociationQuery {
    bool wants_references = false;
    std::string path;
    std::string association_class;
    std::string result_class;
    std::string role;
    std::string result_role;
};

struct WqlQuery {
    std::optional<SelectQuery> select;
    std::optional<AssociationQuery> association;
};

/// Nullopt for a text that is no query, with the reason in `why`.
std::optional<WqlQuery> parse_wql(std::string_view text, std::string& why);

/// The reason why a query names what the class lacks; nullopt if it does not.
std::optional<std::string> find_unknown_property(const SelectQuery& query, const Class& declared);

bool matches(const Condition& condition, const Instance& instance, const Schema& schema);

}  // namespace entrepot::hostsim
