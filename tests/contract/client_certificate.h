// Certificates that a client could show, made on the spot.
#pragma once

#include <string>

namespace entrepot::test {

struct ClientCertificate {
    std::string certificate_pem;
    std::string key_pem;
};

/// Self-signed, for client authentication, with a UPN-like common name.
ClientCertificate make_client_certificate(const std::string& name);

}  // namespace entrepot::test
