// gss-ntlmssp has no gss_wrap_iov, and SSPI does not take what gss_wrap makes of Kerberos: each has
// its own way. Unsealing is the same for both (wsman 11).
#include "exporter/wsman/gss_sealing.h"

#include "base/error.h"
#include "exporter/wsman/gss_support.h"

#include <fmt/format.h>
#include <gssapi/gssapi_ext.h>

#include <array>

namespace entrepot::wsman::gss {
namespace {

constexpr std::size_t kNtlmSignatureBytes = 16;

[[noreturn]] void fail_to_seal(const std::string& why) {
    throw Error{ErrorCode::unauthenticated,
                fmt::format("the login cannot encrypt messages: {}", why),
                "Use the HTTPS listener, as in https://HOST:5986/wsman."};
}

SealedMessage seal_ntlm(gss_ctx_id_t context, ByteView plain) {
    gss_buffer_desc input = buffer_of(plain);
    Output token;
    OM_uint32 minor = 0;
    int is_encrypted = 0;
    const OM_uint32 major =
        gss_wrap(&minor, context, 1, GSS_C_QOP_DEFAULT, &input, &is_encrypted, token.target());
    if (GSS_ERROR(major)) fail_to_seal(describe(major, minor, GSS_C_NO_OID));
    const ByteView bytes = token.bytes();
    const bool is_sealed = is_encrypted != 0 && bytes.size() == plain.size() + kNtlmSignatureBytes;
    if (!is_sealed) fail_to_seal("NTLM agreed on no sealing");
    const ByteView header = bytes.first(kNtlmSignatureBytes);
    const ByteView payload = bytes.subspan(kNtlmSignatureBytes);
    return {{header.begin(), header.end()}, {payload.begin(), payload.end()}};
}

void append(Bytes& target, const gss_iov_buffer_desc& part) {
    const auto* first = static_cast<const std::byte*>(part.buffer.value);
    target.insert(target.end(), first, first + part.buffer.length);
}

SealedMessage seal_kerberos(gss_ctx_id_t context, ByteView plain) {
    Bytes data{plain.begin(), plain.end()};
    std::array<gss_iov_buffer_desc, 3> parts{};
    parts[0].type = GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE;
    parts[1].type = GSS_IOV_BUFFER_TYPE_DATA;
    parts[1].buffer = {data.size(), data.data()};
    parts[2].type = GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE;
    OM_uint32 minor = 0;
    int is_encrypted = 0;
    const OM_uint32 major = gss_wrap_iov(&minor, context, 1, GSS_C_QOP_DEFAULT, &is_encrypted,
                                         parts.data(), static_cast<int>(parts.size()));
    SealedMessage sealed;
    if (!GSS_ERROR(major)) {
        append(sealed.header, parts[0]);
        append(sealed.payload, parts[1]);
        append(sealed.payload, parts[2]);
    }
    OM_uint32 ignored = 0;
    gss_release_iov_buffer(&ignored, parts.data(), static_cast<int>(parts.size()));
    if (GSS_ERROR(major)) fail_to_seal(describe(major, minor, GSS_C_NO_OID));
    if (is_encrypted == 0) fail_to_seal("Kerberos agreed on no encryption");
    return sealed;
}

}  // namespace

SealedMessage seal(gss_ctx_id_t context, Cipher cipher, ByteView plain) {
    return cipher == Cipher::kerberos ? seal_kerberos(context, plain) : seal_ntlm(context, plain);
}

Bytes unseal(gss_ctx_id_t context, const SealedMessage& message) {
    Bytes token = message.header;
    token.insert(token.end(), message.payload.begin(), message.payload.end());
    gss_buffer_desc input = buffer_of(ByteView{token});
    Output plain;
    OM_uint32 minor = 0;
    int was_encrypted = 0;
    const OM_uint32 major =
        gss_unwrap(&minor, context, &input, plain.target(), &was_encrypted, nullptr);
    // Sequence anomalies are no errors in GSSAPI's own sense, but we send one request at a time.
    constexpr OM_uint32 kOutOfOrder =
        GSS_S_DUPLICATE_TOKEN | GSS_S_OLD_TOKEN | GSS_S_UNSEQ_TOKEN | GSS_S_GAP_TOKEN;
    if (GSS_ERROR(major) || (major & kOutOfOrder) != 0) {
        throw Error{ErrorCode::protocol,
                    fmt::format("the host's sealed answer cannot be opened: {}",
                                describe(major, minor, GSS_C_NO_OID))};
    }
    if (was_encrypted == 0) {
        throw Error{ErrorCode::protocol, "the host's sealed answer is signed but not encrypted"};
    }
    const ByteView bytes = plain.bytes();
    return {bytes.begin(), bytes.end()};
}

}  // namespace entrepot::wsman::gss
