// Sealing with a GSSAPI context in the forms that Windows takes.
#pragma once

#include "exporter/wsman/sealed_body.h"

#include <gssapi/gssapi.h>

namespace entrepot::wsman::gss {

enum class Cipher { ntlm, kerberos };

/// Throws Error{unauthenticated} if the context cannot encrypt.
SealedMessage seal(gss_ctx_id_t context, Cipher cipher, ByteView plain);
/// Throws Error{protocol}.
Bytes unseal(gss_ctx_id_t context, const SealedMessage& message);

}  // namespace entrepot::wsman::gss
