// SOAP envelopes: what comes in, checked as Windows checks it, and what goes out (wsman.md 3-8).
#pragma once

#include "tests/hostsim/wire/fault.h"
#include "tests/hostsim/wire/language.h"

#include <pugixml.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::hostsim {

inline constexpr std::size_t kEnvelopeBytesMax = 512'000;  // MaxEnvelopeSizekb 500.

struct SoapRequest {
    bool is_identify = false;
    std::string action;
    std::string message_id;
    std::string resource_uri;
    std::string name_space;  ///< "root/virtualization/v2".
    std::string class_name;  ///< Or "*".
    std::map<std::string, std::string, NameLess> selectors;
    std::chrono::milliseconds operation_timeout{60'000};
    std::size_t envelope_bytes_max = kEnvelopeBytesMax;
    pugi::xml_document document;
    pugi::xml_node body;  ///< The s:Body element.

    /// The last part of the action: the method of an Invoke.
    std::string method() const;
};

/// Reads the envelope and its headers. Throws SoapFault. Fills in what it has read before it
/// refuses, so that the answer can relate to the request.
void parse_request(std::string_view text, SoapRequest& request);

/// An xs:duration without years and months; nullopt for anything else, a negative one too.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

struct SoapResponse {
    std::string action;
    std::string message_id;  ///< "uuid:..."
    std::string relates_to;
    std::string body;
    Language language = Language::english;
};

/// The envelope with the prefixes and the order of headers that Windows writes.
std::string format_response(const SoapResponse& response);

}  // namespace entrepot::hostsim
