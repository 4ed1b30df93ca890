// A SOAP fault as Windows writes it, decoded, explained and mapped to our codes (wsman 10).
#pragma once

#include "base/error.h"
#include "exporter/wsman/xml.h"

#include <cstdint>
#include <string>

namespace entrepot::wsman {

struct WsmanFault {
    std::string subcode_name_space;
    std::string subcode;              ///< Local name, such as "InvalidSelectors".
    std::uint32_t code = 0;           ///< WSManFault@Code; 0: none.
    std::uint32_t provider_code = 0;  ///< The innermost code; equals `code` without nesting.
    std::uint32_t hresult = 0;        ///< The last 0x8... in the texts; 0: none.
    std::string text;                 ///< The host's words.

    /// The code that tells most: provider, then outer, then the one in the text.
    std::uint32_t most_telling() const;
    /// Any of the three is that code.
    bool has(std::uint32_t wanted) const;
};

/// A fault in flight. Its message explains, its code decides.
class Fault : public Error {
public:
    Fault(WsmanFault fault, const std::string& request);
    const WsmanFault& fault() const noexcept { return fault_; }

    bool is_filter_refused() const;       ///< The host does not take this WQL.
    bool is_context_lost() const;         ///< An enumeration has to start again.
    bool is_envelope_too_large() const;   ///< Fewer items at once may fit.
    bool is_operation_timed_out() const;  ///< w:TimedOut.
    bool is_over_quota() const;           ///< Turned away before anything was begun.
    bool is_class_missing() const;        ///< Class or namespace unknown to the host.

private:
    WsmanFault fault_;
};

/// Decodes the s:Fault in a s:Body; missing parts stay empty.
WsmanFault decode_fault(const XmlElement& body);

/// Plain words for a WS-Man, WMI or Win32 code; empty if we know none.
std::string explain_fault_code(std::uint32_t code);

/// The last "0x" with eight hexadecimal digits in a text of any language; 0 if there is none.
std::uint32_t find_last_hresult(std::string_view text);

}  // namespace entrepot::wsman
