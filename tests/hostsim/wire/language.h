// The languages that a host may speak: what is decided by words fails on one of them.
#pragma once

namespace entrepot::hostsim {

enum class Language { english, german, japanese };

/// "en-US", "de-DE", "ja-JP".
constexpr const char* language_tag(Language language) {
    switch (language) {
        case Language::english:
            return "en-US";
        case Language::german:
            return "de-DE";
        case Language::japanese:
            return "ja-JP";
    }
    return "en-US";
}

}  // namespace entrepot::hostsim
