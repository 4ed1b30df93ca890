// Logins over GSSAPI; the only file that knows it. NTLM comes from gss-ntlmssp, SPNEGO from MIT
// krb5. A credential has to be acquired for SPNEGO itself and then be told its mechanisms: one for
// the inner mechanism only makes SPNEGO offer nothing.
#include "exporter/wsman/security_context.h"

#include "base/error.h"

#include <fmt/format.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace entrepot::wsman {
namespace {

// 1.3.6.1.5.5.2 and 1.3.6.1.4.1.311.2.2.10.
std::array<unsigned char, 6> spnego_oid{0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};
std::array<unsigned char, 10> ntlm_oid{0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};

gss_OID_desc oid_of(Mechanism mechanism) {
    if (mechanism == Mechanism::spnego_ntlm) {
        return {static_cast<OM_uint32>(spnego_oid.size()), spnego_oid.data()};
    }
    return {static_cast<OM_uint32>(ntlm_oid.size()), ntlm_oid.data()};
}

std::string text_of(OM_uint32 status, int type, gss_OID mechanism) {
    std::string all;
    OM_uint32 message_context = 0;
    constexpr int kLinesMax = 8;
    for (int line = 0; line < kLinesMax; ++line) {
        OM_uint32 minor = 0;
        gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
        const OM_uint32 major =
            gss_display_status(&minor, status, type, mechanism, &message_context, &text);
        if (GSS_ERROR(major)) break;
        if (!all.empty()) all += ", ";
        all.append(static_cast<const char*>(text.value), text.length);
        gss_release_buffer(&minor, &text);
        if (message_context == 0) break;
    }
    return all;
}

void check(OM_uint32 major, OM_uint32 minor, gss_OID mechanism, const std::string& doing) {
    if (!GSS_ERROR(major)) return;
    std::string text = text_of(major, GSS_C_GSS_CODE, GSS_C_NO_OID);
    const std::string detail = text_of(minor, GSS_C_MECH_CODE, mechanism);
    if (!detail.empty() && detail != text) text += ": " + detail;
    throw Error{ErrorCode::unauthenticated, fmt::format("{}: {}", doing, text),
                "Is the package gss-ntlmssp installed, and the user written as DOMAIN\\user, "
                "HOST\\user or user?"};
}

gss_buffer_desc buffer_of(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};
}

/// A GSSAPI object that is released by a function of (minor, &object).
template <typename Handle, OM_uint32 (*Release)(OM_uint32*, Handle*)>
class Owned {
public:
    Owned() = default;
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() {
        OM_uint32 minor = 0;
        if (handle_ != nullptr) Release(&minor, &handle_);
    }
    Handle* target() { return &handle_; }
    Handle get() const { return handle_; }

private:
    Handle handle_ = nullptr;
};

OM_uint32 delete_context(OM_uint32* minor, gss_ctx_id_t* context) {
    return gss_delete_sec_context(minor, context, GSS_C_NO_BUFFER);
}

using OwnedName = Owned<gss_name_t, gss_release_name>;
using OwnedCredential = Owned<gss_cred_id_t, gss_release_cred>;
using OwnedContext = Owned<gss_ctx_id_t, delete_context>;

class GssContext final : public SecurityContext {
public:
    explicit GssContext(const SecurityContextOptions& options)
        : mechanism_(oid_of(options.mechanism)), binding_(options.channel_binding) {
        import_target(options.target_host);
        acquire(options);
    }

    Bytes step(ByteView token_from_host) override {
        gss_buffer_desc input{token_from_host.size(),
                              const_cast<std::byte*>(token_from_host.data())};
        gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
        gss_channel_bindings_struct bindings{};
        bindings.application_data = {binding_.size(), binding_.data()};
        constexpr OM_uint32 kFlags = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG |
                                     GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
        OM_uint32 minor = 0;
        const OM_uint32 major = gss_init_sec_context(
            &minor, credential_.get(), context_.target(), target_.get(), &mechanism_, kFlags, 0,
            binding_.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &bindings, &input, nullptr, &output,
            nullptr, nullptr);
        const ByteView bytes{static_cast<const std::byte*>(output.value), output.length};
        Bytes token{bytes.begin(), bytes.end()};
        OM_uint32 ignored = 0;
        gss_release_buffer(&ignored, &output);
        check(major, minor, &mechanism_, "logging in");
        is_complete_ = major == GSS_S_COMPLETE;
        return token;
    }

    bool is_complete() const override { return is_complete_; }

private:
    void import_target(const std::string& host) {
        const std::string service = "HTTP@" + host;
        gss_buffer_desc buffer = buffer_of(service);
        OM_uint32 minor = 0;
        const OM_uint32 major =
            gss_import_name(&minor, &buffer, GSS_C_NT_HOSTBASED_SERVICE, target_.target());
        check(major, minor, &mechanism_, fmt::format("naming the service {}", service));
    }

    void acquire(const SecurityContextOptions& options) {
        gss_buffer_desc user = buffer_of(options.user);
        // gss-ntlmssp 1.2.0 reads the password up to a NUL when SPNEGO passes it on, whatever
        // length it was told; a Secret is wiped when it goes.
        Bytes terminated{options.password.reveal().begin(), options.password.reveal().end()};
        terminated.push_back(std::byte{0});
        const Secret kept{ByteView{terminated}};
        std::fill(terminated.begin(), terminated.end(), std::byte{0});
        gss_buffer_desc password{options.password.reveal().size(),
                                 const_cast<std::byte*>(kept.reveal().data())};
        OwnedName name;
        OM_uint32 minor = 0;
        OM_uint32 major = gss_import_name(&minor, &user, GSS_C_NT_USER_NAME, name.target());
        check(major, minor, &mechanism_, fmt::format("reading the user name {}", options.user));

        gss_OID_set_desc mechanisms{1, &mechanism_};
        major =
            gss_acquire_cred_with_password(&minor, name.get(), &password, 0, &mechanisms,
                                           GSS_C_INITIATE, credential_.target(), nullptr, nullptr);
        check(major, minor, &mechanism_, fmt::format("making a credential for {}", options.user));
        if (options.mechanism != Mechanism::spnego_ntlm) return;

        gss_OID_desc ntlm = oid_of(Mechanism::ntlm);
        gss_OID_set_desc inner{1, &ntlm};
        major = gss_set_neg_mechs(&minor, credential_.get(), &inner);
        check(major, minor, &mechanism_, "offering NTLM");
    }

    gss_OID_desc mechanism_;
    Bytes binding_;
    OwnedName target_;
    OwnedCredential credential_;
    OwnedContext context_;
    bool is_complete_ = false;
};

}  // namespace

std::unique_ptr<SecurityContext> make_security_context(const SecurityContextOptions& options) {
    return std::make_unique<GssContext>(options);
}

}  // namespace entrepot::wsman
