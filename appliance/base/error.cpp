// Names, classes and text of errors.
#include "base/error.h"

#include <array>
#include <utility>

namespace entrepot {
namespace {

constexpr std::array<std::pair<ErrorCode, std::string_view>, 24> kNames{{
    {ErrorCode::usage, "usage"},
    {ErrorCode::invalid, "invalid"},
    {ErrorCode::not_found, "not_found"},
    {ErrorCode::already_exists, "already_exists"},
    {ErrorCode::conflict, "conflict"},
    {ErrorCode::busy, "busy"},
    {ErrorCode::locked, "locked"},
    {ErrorCode::unsupported, "unsupported"},
    {ErrorCode::corrupt, "corrupt"},
    {ErrorCode::parent_missing, "parent_missing"},
    {ErrorCode::parent_mismatch, "parent_mismatch"},
    {ErrorCode::io, "io"},
    {ErrorCode::no_space, "no_space"},
    {ErrorCode::permission_denied, "permission_denied"},
    {ErrorCode::unauthenticated, "unauthenticated"},
    {ErrorCode::access_denied, "access_denied"},
    {ErrorCode::untrusted, "untrusted"},
    {ErrorCode::unreachable, "unreachable"},
    {ErrorCode::timeout, "timeout"},
    {ErrorCode::protocol, "protocol"},
    {ErrorCode::host_failure, "host_failure"},
    {ErrorCode::limit, "limit"},
    {ErrorCode::cancelled, "cancelled"},
    {ErrorCode::internal, "internal"},
}};

}  // namespace

std::string_view to_string(ErrorCode code) {
    for (const auto& [known, name] : kNames) {
        if (known == code) return name;
    }
    return "internal";
}

ErrorCode error_code_from(std::string_view name) {
    for (const auto& [code, known] : kNames) {
        if (known == name) return code;
    }
    return ErrorCode::internal;
}

bool is_transient(ErrorCode code) {
    switch (code) {
        case ErrorCode::busy:
        case ErrorCode::unreachable:
        case ErrorCode::timeout:
            return true;
        case ErrorCode::usage:
        case ErrorCode::invalid:
        case ErrorCode::not_found:
        case ErrorCode::already_exists:
        case ErrorCode::conflict:
        case ErrorCode::locked:
        case ErrorCode::unsupported:
        case ErrorCode::corrupt:
        case ErrorCode::parent_missing:
        case ErrorCode::parent_mismatch:
        case ErrorCode::io:
        case ErrorCode::no_space:
        case ErrorCode::permission_denied:
        case ErrorCode::unauthenticated:
        case ErrorCode::access_denied:
        case ErrorCode::untrusted:
        case ErrorCode::protocol:
        case ErrorCode::host_failure:
        case ErrorCode::limit:
        case ErrorCode::cancelled:
        case ErrorCode::internal:
            return false;
    }
    return false;
}

int exit_status(ErrorCode code) {
    if (code == ErrorCode::usage) return 2;
    if (code == ErrorCode::corrupt) return 4;
    return 1;
}

Error::Error(ErrorCode code, std::string message, std::string hint)
    : code_(code), message_(std::move(message)), hint_(std::move(hint)) {
    rebuild_text();
}

Error& Error::add_context(std::string text) {
    context_.push_back(std::move(text));
    rebuild_text();
    return *this;
}

Error& Error::set_hint(std::string text) {
    hint_ = std::move(text);
    return *this;
}

void Error::rebuild_text() {
    text_.clear();
    for (auto it = context_.rbegin(); it != context_.rend(); ++it)
        text_ += *it + ": ";
    text_ += message_;
}

}  // namespace entrepot
