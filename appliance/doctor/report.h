// The list of checks while it grows.
#pragma once

#include "appliance/doctor/check.h"

#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::doctor {

using Arguments = std::map<std::string, std::string, std::less<>>;

/// A literal of PowerShell in single quotes: nothing in it is evaluated. Control characters go.
std::string quote_for_powershell(std::string_view text);
/// The same for a POSIX shell.
std::string quote_for_shell(std::string_view text);

/// A few names for an evidence: "a, b and 3 more".
std::string join_names(const std::vector<std::string>& names);

class Report {
public:
    /// `common` are arguments of every finding: host, user, ...
    explicit Report(Arguments common) : common_(std::move(common)) {}

    /// One more argument of every finding from now on, or another value.
    void set(const std::string& name, const std::string& value) { common_[name] = value; }

    /// One more finding. Evidence may be anybody's text; it is made one line and cut.
    void add(std::string_view id, const std::string& evidence, const Arguments& arguments = {});
    /// A layer that was not looked at, since `because` (an id) was found below it.
    void skip(std::string_view layer, std::string_view because);
    /// Something that no other finding fits: LAYER.unexpected, with the error in words.
    void add_unexpected(std::string_view layer, const std::exception& error);

    const std::vector<Check>& checks() const { return checks_; }
    bool has(std::string_view id) const;
    /// A finding of that layer failed.
    bool has_failed(std::string_view layer) const;
    std::vector<Check> take() { return std::move(checks_); }

private:
    enum class Use { words, command };
    std::string fill(std::string_view text, const Arguments& arguments, Use use) const;

    Arguments common_;
    std::vector<Check> checks_;
};

}  // namespace entrepot::doctor
