// SOAP envelopes: writing requests, reading answers.
#pragma once

#include "exporter/wsman/endpoint_reference.h"
#include "exporter/wsman/xml.h"

#include <chrono>
#include <string>
#include <string_view>

namespace entrepot::wsman {

struct RequestHeader {
    std::string action;
    std::string to;
    EndpointReference target;
    std::string message_id;  ///< "uuid:..."
    std::string session_id;
    std::size_t envelope_bytes_max = 0;
    std::chrono::seconds operation_timeout{60};
};

/// The envelope with that header and a body that is XML already.
std::string write_envelope(const RequestHeader& header, std::string_view body);

/// The request that tells who a host is; it has no header.
std::string write_identify();

struct Answer {
    std::string action;
    std::string relates_to;
    XmlElement body;  ///< s:Body

    const XmlElement* find_fault() const;
};

/// Throws Error{protocol} or {limit} for anything but a SOAP 1.2 envelope with one body.
Answer decode_answer(std::string_view text);

}  // namespace entrepot::wsman
