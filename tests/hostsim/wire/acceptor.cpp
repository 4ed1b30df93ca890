// Kerberos messages are opened and sealed through the IOV calls, which are as strict as SSPI about
// where the checksum stands; gss-ntlmssp has none of these.
#include "tests/hostsim/wire/acceptor.h"

#include "base/error.h"

#include <gssapi/gssapi_ext.h>

#include <array>

namespace entrepot::hostsim {
namespace {

// 1.3.6.1.4.1.311.2.2.10, 1.3.6.1.5.5.2, 1.2.840.113554.1.2.2
gss_OID_desc ntlmssp{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};
gss_OID_desc spnego{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};
gss_OID_desc kerberos{9, const_cast<char*>("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")};

constexpr std::size_t kNtlmSealBytes = 16;

class Buffer {
public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &buffer_);
    }
    gss_buffer_t get() { return &buffer_; }
    std::string text() const { return {static_cast<const char*>(buffer_.value), buffer_.length}; }

private:
    gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

gss_OID_desc* outer_mechanism(TokenKind kind) {
    switch (kind) {
        case TokenKind::ntlm:
            return &ntlmssp;
        case TokenKind::kerberos:
            return &kerberos;
        case TokenKind::spnego:
            return &spnego;
    }
    return &spnego;
}

std::string text_of(const gss_iov_buffer_desc& part) {
    return {static_cast<const char*>(part.buffer.value), part.buffer.length};
}

}  // namespace

Acceptor::Acceptor(const AcceptorOptions& options) : channel_binding_(options.channel_binding) {
    OM_uint32 minor = 0;
    gss_OID_desc outer = *outer_mechanism(options.kind);
    gss_OID_set_desc wanted{1, &outer};
    if (GSS_ERROR(gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &wanted, GSS_C_ACCEPT,
                                   &credential_, nullptr, nullptr))) {
        throw Error{ErrorCode::internal, "GSSAPI offers no acceptor of this kind"};
    }
    if (options.kind != TokenKind::spnego) return;
    std::array<gss_OID_desc, 2> inner{kerberos, ntlmssp};
    gss_OID_set_desc both{2, inner.data()};
    gss_OID_set_desc one{1, options.takes_kerberos ? &kerberos : &ntlmssp};
    const bool takes_both = options.takes_ntlm && options.takes_kerberos;
    gss_set_neg_mechs(&minor, credential_, takes_both ? &both : &one);
}

Acceptor::~Acceptor() {
    OM_uint32 minor = 0;
    gss_delete_sec_context(&minor, &context_, nullptr);
    gss_release_name(&minor, &name_);
    gss_release_cred(&minor, &credential_);
}

Acceptor::Outcome Acceptor::accept(Bytes& token, Bytes& answer) {
    gss_buffer_desc input{token.size(), token.data()};
    Buffer output;
    gss_channel_bindings_struct bindings{};
    bindings.application_data = {channel_binding_.size(), channel_binding_.data()};
    OM_uint32 minor = 0;
    OM_uint32 flags = 0;
    gss_release_name(&minor, &name_);
    const OM_uint32 major =
        gss_accept_sec_context(&minor, &context_, credential_, &input,
                               channel_binding_.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &bindings,
                               &name_, &mechanism_, output.get(), &flags, nullptr, nullptr);
    const std::string text = output.text();
    const ByteView bytes = as_bytes(text);
    answer.assign(bytes.begin(), bytes.end());
    if (GSS_ERROR(major)) return Outcome::refused;
    is_channel_bound_ = (flags & GSS_C_CHANNEL_BOUND_FLAG) != 0;
    return (major & GSS_S_CONTINUE_NEEDED) != 0 ? Outcome::more : Outcome::done;
}

std::string Acceptor::client_name() const {
    OM_uint32 minor = 0;
    Buffer text;
    if (GSS_ERROR(gss_display_name(&minor, name_, text.get(), nullptr))) return {};
    // gss-ntlmssp counts the terminator.
    std::string name = text.text();
    while (name.ends_with('\0'))
        name.pop_back();
    return name;
}

bool Acceptor::is_kerberos() const {
    return mechanism_ != GSS_C_NO_OID && gss_oid_equal(mechanism_, &kerberos) != 0;
}

std::optional<std::string> Acceptor::open(const EncryptedMessage& message) {
    OM_uint32 minor = 0;
    int is_encrypted = 0;
    if (!is_kerberos()) {
        std::string token = message.seal + message.data;
        gss_buffer_desc input{token.size(), token.data()};
        Buffer plain;
        const OM_uint32 major =
            gss_unwrap(&minor, context_, &input, plain.get(), &is_encrypted, nullptr);
        if (major != GSS_S_COMPLETE || is_encrypted == 0) return std::nullopt;
        return plain.text();
    }
    std::string seal = message.seal;
    std::string data = message.data;
    std::array<gss_iov_buffer_desc, 3> parts{};
    parts[0] = {GSS_IOV_BUFFER_TYPE_HEADER, {seal.size(), seal.data()}};
    parts[1] = {GSS_IOV_BUFFER_TYPE_DATA, {data.size(), data.data()}};
    parts[2] = {GSS_IOV_BUFFER_TYPE_DATA, {0, nullptr}};
    const OM_uint32 major = gss_unwrap_iov(&minor, context_, &is_encrypted, nullptr, parts.data(),
                                           static_cast<int>(parts.size()));
    if (major != GSS_S_COMPLETE || is_encrypted == 0) return std::nullopt;
    return text_of(parts[1]);
}

EncryptedMessage Acceptor::seal(std::string plain) {
    OM_uint32 minor = 0;
    int is_encrypted = 0;
    if (!is_kerberos()) {
        gss_buffer_desc input{plain.size(), plain.data()};
        Buffer token;
        gss_wrap(&minor, context_, 1, GSS_C_QOP_DEFAULT, &input, &is_encrypted, token.get());
        const std::string text = token.text();
        if (is_encrypted == 0 || text.size() != plain.size() + kNtlmSealBytes) {
            throw Error{ErrorCode::internal, "NTLM does not seal"};
        }
        return {text.substr(0, kNtlmSealBytes), text.substr(kNtlmSealBytes)};
    }
    std::array<gss_iov_buffer_desc, 3> parts{};
    parts[0].type = GSS_IOV_BUFFER_TYPE_HEADER | GSS_IOV_BUFFER_FLAG_ALLOCATE;
    parts[1] = {GSS_IOV_BUFFER_TYPE_DATA, {plain.size(), plain.data()}};
    parts[2].type = GSS_IOV_BUFFER_TYPE_PADDING | GSS_IOV_BUFFER_FLAG_ALLOCATE;
    const OM_uint32 major = gss_wrap_iov(&minor, context_, 1, GSS_C_QOP_DEFAULT, &is_encrypted,
                                         parts.data(), static_cast<int>(parts.size()));
    if (GSS_ERROR(major)) throw Error{ErrorCode::internal, "Kerberos does not seal"};
    EncryptedMessage message{text_of(parts[0]), text_of(parts[1]) + text_of(parts[2])};
    gss_release_iov_buffer(&minor, parts.data(), static_cast<int>(parts.size()));
    return message;
}

}  // namespace entrepot::hostsim
