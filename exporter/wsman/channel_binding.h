// tls-server-end-point: ties a login to the TLS connection it runs in (RFC 5929 section 4).
#pragma once

#include "base/bytes.h"

namespace entrepot::wsman {

/// "tls-server-end-point:" and the certificate's hash; empty for an empty certificate. Throws
/// Error{protocol} if the bytes are no certificate.
Bytes tls_server_end_point(ByteView certificate_der);

}  // namespace entrepot::wsman
