// The one exception class. Its code decides retry, HTTP status and exit status; its text is for
// people.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot {

enum class ErrorCode {
    usage,    ///< The caller asked for something that makes no sense.
    invalid,  ///< Input that is not what it should be, from a person or a script.
    not_found,
    already_exists,
    conflict,         ///< The state of things does not allow it now.
    busy,             ///< Somebody else holds it; trying later may help.
    locked,           ///< The repository needs its key.
    unsupported,      ///< Intact, but of a kind we do not handle.
    corrupt,          ///< Damaged: bytes that are not what they claim to be.
    parent_missing,   ///< A differencing disk whose parent is not among the candidates.
    parent_mismatch,  ///< A differencing disk whose parent is there but is not the one it needs.
    io,
    no_space,
    permission_denied,  ///< By the local system.
    unauthenticated,    ///< Somebody does not accept who we are, or we them.
    access_denied,      ///< Somebody knows us and still refuses.
    untrusted,          ///< A certificate that is not the expected one.
    unreachable,
    timeout,
    protocol,      ///< A peer that breaks its protocol.
    host_failure,  ///< The host did what we asked and failed at it.
    limit,         ///< Beyond a bound that we set.
    cancelled,
    internal,
};

/// The code's name as it stands in JSON, for example "parent_missing".
std::string_view to_string(ErrorCode code);

/// The code of a name; ErrorCode::internal for a name we do not know.
ErrorCode error_code_from(std::string_view name);

/// True if the same request may succeed later without anybody changing anything.
bool is_transient(ErrorCode code);

/// The exit status of a command that ends with this error: 1 failed, 2 usage, 4 damage.
int exit_status(ErrorCode code);

class Error : public std::exception {
public:
    Error(ErrorCode code, std::string message, std::string hint = {});

    ErrorCode code() const noexcept { return code_; }
    const std::string& message() const noexcept { return message_; }
    /// What the user can do next; may be empty.
    const std::string& hint() const noexcept { return hint_; }
    /// What was being done, innermost first.
    const std::vector<std::string>& context() const noexcept { return context_; }

    Error& add_context(std::string text);
    Error& set_hint(std::string text);

    /// Message and context in one line.
    const char* what() const noexcept override { return text_.c_str(); }

private:
    void rebuild_text();

    ErrorCode code_;
    std::string message_;
    std::string hint_;
    std::vector<std::string> context_;
    std::string text_;
};

/// Runs the body; an Error that leaves it carries the noun of this layer.
template <typename Body>
decltype(auto) with_context(const std::string& context, Body&& body) {
    try {
        return body();
    } catch (Error& error) {
        error.add_context(context);
        throw;
    }
}

}  // namespace entrepot
