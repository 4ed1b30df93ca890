// What an error of an image says beside its cause.
#pragma once

#include "base/error.h"

#include <string>
#include <utility>

namespace entrepot::disk {

/// Adds the context, and to damage the advice: many things can be wrong inside; what a person can
/// do is the same for all.
template <typename Body>
decltype(auto) with_image(const std::string& context, Body&& body) {
    try {
        return with_context(context, std::forward<Body>(body));
    } catch (Error& error) {
        if (error.code() == ErrorCode::corrupt && error.hint().empty()) {
            error.set_hint("The image is damaged or not complete. Export or copy it again.");
        }
        throw;
    }
}

}  // namespace entrepot::disk
