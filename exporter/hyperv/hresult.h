// What the HRESULTs and return codes of Hyper-V's backup methods mean, and whose fault they are.
#pragma once

#include <cstdint>
#include <string>

namespace entrepot::hyperv {

/// Where a failure lies: decides whether a failed incremental is followed by a full.
enum class FailureSide {
    target,     ///< The share: access, space, network. A full would fail as well.
    tracking,   ///< Change tracking lost its base or the chain is inconsistent: take a full.
    guest,      ///< VSS inside the guest: crash consistency may work.
    transient,  ///< Somebody uses the file, a service starts: later may work.
    unknown,
};

/// Plain words with the code, "0x80070070: the disk is full"; for an unknown code only its number.
std::string explain(std::uint32_t hresult);

/// What an administrator can do; empty if we know nothing.
std::string hint_for(std::uint32_t hresult);

FailureSide side_of(std::uint32_t hresult);

/// Plain words for a method's return code; both families are understood.
std::string explain_return_code(std::uint32_t code);

/// The last "(0x........)" of a text in any language; 0 if there is none.
std::uint32_t hresult_of_text(const std::string& text);

}  // namespace entrepot::hyperv
