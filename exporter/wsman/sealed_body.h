// multipart/encrypted: how a sealed SOAP envelope travels in an HTTP body (MS-WSMV 2.2.9.1).
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace entrepot::wsman {

/// A message as the security context sealed it.
struct SealedMessage {
    Bytes header;   ///< NTLM's signature, or the header of a Kerberos token.
    Bytes payload;  ///< As long as the plain text, plus padding where the cipher needs it.
};

/// The HTTP scheme that the login ran under names the protocol of the body.
enum class SealProtocol { spnego, kerberos };

/// MS-WSMV wants a tab before inner headers; OMI refuses it.
enum class InnerHeaders { with_tab, without_tab };

/// The Content-Type of a request with a sealed body.
std::string sealed_content_type(SealProtocol protocol);

std::string write_sealed_body(const SealedMessage& message, SealProtocol protocol,
                              InnerHeaders headers);

/// True if a Content-Type announces a sealed body.
bool is_sealed_content_type(std::string_view content_type);

struct SealedBody {
    std::string content_type;  ///< Of the plain text.
    std::size_t length = 0;    ///< What the sender says that the plain text, or payload, measures.
    SealedMessage message;
};

/// Takes inner headers with and without tab or space, and a boundary with a space in it. Throws
/// Error{protocol} for everything else.
SealedBody decode_sealed_body(std::string_view content_type, std::string_view body);

}  // namespace entrepot::wsman
