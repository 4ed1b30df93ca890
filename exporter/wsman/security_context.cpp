// Logins over GSSAPI. NTLM comes from gss-ntlmssp, Kerberos and SPNEGO from MIT krb5. A credential
// has to be acquired for SPNEGO itself and then be told its mechanisms: one for the inner mechanism
// only makes SPNEGO offer nothing.
#include "exporter/wsman/security_context.h"

#include "base/check.h"
#include "base/error.h"
#include "exporter/wsman/gss_sealing.h"
#include "exporter/wsman/gss_support.h"
#include "exporter/wsman/kerberos_ticket.h"

#include <fmt/format.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace entrepot::wsman {
namespace {

// 1.3.6.1.5.5.2, 1.3.6.1.4.1.311.2.2.10 and 1.2.840.113554.1.2.2.
std::array<unsigned char, 6> spnego_oid{0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};
std::array<unsigned char, 10> ntlm_oid{0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a};
std::array<unsigned char, 9> kerberos_oid{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};

template <std::size_t N>
gss_OID_desc oid_of(std::array<unsigned char, N>& bytes) {
    return {static_cast<OM_uint32>(bytes.size()), bytes.data()};
}

bool is_spnego(Mechanism mechanism) {
    return mechanism == Mechanism::spnego_ntlm || mechanism == Mechanism::spnego_kerberos;
}

bool is_kerberos(Mechanism mechanism) {
    return mechanism == Mechanism::kerberos || mechanism == Mechanism::spnego_kerberos;
}

gss_OID_desc inner_oid_of(Mechanism mechanism) {
    return is_kerberos(mechanism) ? oid_of(kerberos_oid) : oid_of(ntlm_oid);
}

gss_OID_desc outer_oid_of(Mechanism mechanism) {
    return is_spnego(mechanism) ? oid_of(spnego_oid) : inner_oid_of(mechanism);
}

class GssContext final : public SecurityContext {
public:
    explicit GssContext(const SecurityContextOptions& options)
        : is_kerberos_(is_kerberos(options.mechanism)),
          mechanism_(outer_oid_of(options.mechanism)),
          inner_(inner_oid_of(options.mechanism)),
          binding_(options.channel_binding) {
        if (is_kerberos_) {
            prepare_kerberos(options);
        } else {
            prepare_ntlm(options);
        }
        if (is_spnego(options.mechanism)) choose_inner();
    }

    Bytes step(ByteView token_from_host) override {
        gss_buffer_desc input = gss::buffer_of(token_from_host);
        gss::Output output;
        gss_channel_bindings_struct bindings{};
        bindings.application_data = {binding_.size(), binding_.data()};
        constexpr OM_uint32 kFlags = GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG |
                                     GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
        OM_uint32 minor = 0;
        const OM_uint32 major = gss_init_sec_context(
            &minor, credential_.get(), context_.target(), target_.get(), &mechanism_, kFlags, 0,
            binding_.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &bindings, &input, nullptr,
            output.target(), nullptr, nullptr);
        check(major, minor, "logging in");
        is_complete_ = major == GSS_S_COMPLETE;
        const ByteView bytes = output.bytes();
        return {bytes.begin(), bytes.end()};
    }

    bool is_complete() const override { return is_complete_; }

    SealedMessage seal(ByteView plain) override {
        ENTREPOT_CHECK(is_complete_);
        return gss::seal(context_.get(), is_kerberos_ ? gss::Cipher::kerberos : gss::Cipher::ntlm,
                         plain);
    }

    Bytes unseal(const SealedMessage& message) override {
        ENTREPOT_CHECK(is_complete_);
        return gss::unseal(context_.get(), message);
    }

private:
    void check(OM_uint32 major, OM_uint32 minor, const std::string& doing) {
        if (!GSS_ERROR(major)) return;
        throw Error{ErrorCode::unauthenticated,
                    fmt::format("{}: {}", doing, gss::describe(major, minor, &mechanism_)),
                    is_kerberos_ ? "The tickets are there, but the host and we do not agree. Is "
                                   "its name the one that the ticket is for, and do the clocks "
                                   "agree to five minutes?"
                                 : "Is the package gss-ntlmssp installed, and the user written as "
                                   "DOMAIN\\user, HOST\\user or user?"};
    }

    void import_name(const std::string& text, gss_OID type, gss::Name& name) {
        gss_buffer_desc buffer = gss::buffer_of(text);
        OM_uint32 minor = 0;
        const OM_uint32 major = gss_import_name(&minor, &buffer, type, name.target());
        check(major, minor, fmt::format("reading the name {}", text));
    }

    void prepare_kerberos(const SecurityContextOptions& options) {
        ticket_ = fetch_kerberos_ticket({.user = options.user,
                                         .password = options.password,
                                         .keytab = options.keytab,
                                         .service = options.service,
                                         .target_host = options.target_host});
        import_name(ticket_->service_name(), const_cast<gss_OID>(GSS_KRB5_NT_PRINCIPAL_NAME),
                    target_);
        const std::string cache = ticket_->cache_name();
        gss_key_value_element_desc element{"ccache", cache.c_str()};
        const gss_key_value_set_desc store{1, &element};
        gss_OID_set_desc mechanisms{1, &mechanism_};
        OM_uint32 minor = 0;
        const OM_uint32 major =
            gss_acquire_cred_from(&minor, GSS_C_NO_NAME, 0, &mechanisms, GSS_C_INITIATE, &store,
                                  credential_.target(), nullptr, nullptr);
        check(major, minor, "taking the Kerberos ticket");
    }

    void prepare_ntlm(const SecurityContextOptions& options) {
        import_name("HTTP@" + options.target_host, GSS_C_NT_HOSTBASED_SERVICE, target_);
        // gss-ntlmssp 1.2.0 reads the password up to a NUL when SPNEGO passes it on, whatever
        // length it was told; a Secret is wiped when it goes.
        Bytes terminated{options.password.reveal().begin(), options.password.reveal().end()};
        terminated.push_back(std::byte{0});
        const Secret kept{ByteView{terminated}};
        std::fill(terminated.begin(), terminated.end(), std::byte{0});
        gss_buffer_desc password{options.password.reveal().size(),
                                 const_cast<std::byte*>(kept.reveal().data())};
        gss::Name name;
        import_name(options.user, GSS_C_NT_USER_NAME, name);
        gss_OID_set_desc mechanisms{1, &mechanism_};
        OM_uint32 minor = 0;
        const OM_uint32 major =
            gss_acquire_cred_with_password(&minor, name.get(), &password, 0, &mechanisms,
                                           GSS_C_INITIATE, credential_.target(), nullptr, nullptr);
        check(major, minor, fmt::format("making a credential for {}", options.user));
    }

    void choose_inner() {
        gss_OID_set_desc inner{1, &inner_};
        OM_uint32 minor = 0;
        const OM_uint32 major = gss_set_neg_mechs(&minor, credential_.get(), &inner);
        check(major, minor, is_kerberos_ ? "offering Kerberos" : "offering NTLM");
    }

    bool is_kerberos_;
    gss_OID_desc mechanism_;
    gss_OID_desc inner_;
    Bytes binding_;
    std::unique_ptr<KerberosTicket> ticket_;  // Outlives the credential that refers to it.
    gss::Name target_;
    gss::Credential credential_;
    gss::Context context_;
    bool is_complete_ = false;
};

}  // namespace

std::unique_ptr<SecurityContext> make_security_context(const SecurityContextOptions& options) {
    return std::make_unique<GssContext>(options);
}

}  // namespace entrepot::wsman
