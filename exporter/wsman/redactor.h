// Takes names out of a recording: who we are, and what the host is called.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace entrepot::wsman {

/// Replaces each name by a stand-in that stays the same, so that a recording still fits together.
/// Names of hosts are learned from answers; VM names stay, since nobody can tell them from text.
class Redactor {
public:
    /// `name` in any case becomes `stand_in`; what is too short to be told from text is left.
    void hide(const std::string& name, const std::string& stand_in);
    /// Learns the names that an envelope of the host tells about itself, its domain and its users.
    void learn(std::string_view envelope);
    /// The text with every known name replaced, in whole words only.
    std::string redact(std::string_view text) const;

private:
    void learn_after(std::string_view envelope, std::string_view before, char end,
                     const std::string& kind);

    std::map<std::string, std::string> stand_ins_;  ///< By name in lower case.
    std::map<std::string, int> counts_;
};

}  // namespace entrepot::wsman
