// Our side of NTLM and SPNEGO against the system's own accepting side.
#include "exporter/wsman/security_context.h"

#include "base/error.h"
#include "tests/support/temporary_directory.h"

#include <gssapi/gssapi.h>
#include <stdlib.h>
#include <catch2/catch.hpp>

#include <fstream>
#include <memory>

namespace entrepot::wsman {
namespace {

/// What a Windows host would do with our tokens; knows one account.
class Acceptor {
public:
    explicit Acceptor(Mechanism mechanism) {
        std::ofstream file{directory_.path() / "users"};
        file << "HV01:backup:right\n";
        file.close();
        ::setenv("NTLM_USER_FILE", (directory_.path() / "users").c_str(), 1);
        gss_OID_desc spnego{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};
        gss_OID_desc ntlm{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};
        gss_OID_set_desc mechanisms{1, mechanism == Mechanism::ntlm ? &ntlm : &spnego};
        OM_uint32 minor = 0;
        status = gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms,
                                  GSS_C_ACCEPT, &credential_, nullptr, nullptr);
        gss_OID_set_desc inner{1, &ntlm};
        if (mechanism != Mechanism::ntlm) gss_set_neg_mechs(&minor, credential_, &inner);
    }
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() {
        OM_uint32 minor = 0;
        gss_delete_sec_context(&minor, &context_, GSS_C_NO_BUFFER);
        gss_release_cred(&minor, &credential_);
        ::unsetenv("NTLM_USER_FILE");
    }

    Bytes step(const Bytes& token, const std::string& binding) {
        gss_buffer_desc input{token.size(), const_cast<std::byte*>(token.data())};
        gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
        gss_channel_bindings_struct bindings{};
        bindings.application_data = {binding.size(), const_cast<char*>(binding.data())};
        OM_uint32 minor = 0;
        status = gss_accept_sec_context(&minor, &context_, credential_, &input,
                                        binding.empty() ? GSS_C_NO_CHANNEL_BINDINGS : &bindings,
                                        nullptr, nullptr, &output, nullptr, nullptr, nullptr);
        const ByteView bytes{static_cast<const std::byte*>(output.value), output.length};
        Bytes answer{bytes.begin(), bytes.end()};
        gss_release_buffer(&minor, &output);
        return answer;
    }

    /// Opens a message of the client's and seals the answer "re: ..." for it.
    SealedMessage answer(const SealedMessage& message) {
        Bytes token = message.header;
        token.insert(token.end(), message.payload.begin(), message.payload.end());
        gss_buffer_desc input{token.size(), token.data()};
        gss_buffer_desc plain = GSS_C_EMPTY_BUFFER;
        OM_uint32 minor = 0;
        status = gss_unwrap(&minor, context_, &input, &plain, nullptr, nullptr);
        std::string text = "re: ";
        text.append(static_cast<const char*>(plain.value), plain.length);
        gss_release_buffer(&minor, &plain);
        gss_buffer_desc reply{text.size(), text.data()};
        gss_buffer_desc sealed = GSS_C_EMPTY_BUFFER;
        gss_wrap(&minor, context_, 1, GSS_C_QOP_DEFAULT, &reply, nullptr, &sealed);
        const ByteView bytes{static_cast<const std::byte*>(sealed.value), sealed.length};
        const SealedMessage split{{bytes.begin(), bytes.begin() + 16},
                                  {bytes.begin() + 16, bytes.end()}};
        gss_release_buffer(&minor, &sealed);
        return split;
    }

    OM_uint32 status = GSS_S_CONTINUE_NEEDED;

private:
    test::TemporaryDirectory directory_;
    gss_cred_id_t credential_ = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
};

/// True if the other side lets us in.
bool log_in(Acceptor& acceptor, std::unique_ptr<SecurityContext>& context, Mechanism mechanism,
            const std::string& password, const std::string& our_binding,
            const std::string& their_binding) {
    const ByteView binding = as_bytes(our_binding);
    context = make_security_context({.mechanism = mechanism,
                                     .user = "HV01\\backup",
                                     .password = Secret{password},
                                     .target_host = "hv01",
                                     .channel_binding = {binding.begin(), binding.end()}});
    Bytes token = context->step({});
    for (int leg = 0; leg < 6 && !token.empty(); ++leg) {
        const Bytes answer = acceptor.step(token, their_binding);
        if (GSS_ERROR(acceptor.status)) return false;
        if (answer.empty()) break;
        token = context->step(answer);
    }
    return acceptor.status == GSS_S_COMPLETE && context->is_complete();
}

bool log_in(Mechanism mechanism, const std::string& password, const std::string& our_binding,
            const std::string& their_binding) {
    Acceptor acceptor{mechanism};
    std::unique_ptr<SecurityContext> context;
    return log_in(acceptor, context, mechanism, password, our_binding, their_binding);
}

}  // namespace

TEST_CASE("security context: the right password logs in, another does not", "[wsman][gss]") {
    const auto mechanism = GENERATE(Mechanism::spnego_ntlm, Mechanism::ntlm);

    CHECK(log_in(mechanism, "right", "", ""));
    CHECK(!log_in(mechanism, "wrong", "", ""));
}

TEST_CASE("security context: a login is bound to its channel", "[wsman][gss]") {
    const auto mechanism = GENERATE(Mechanism::spnego_ntlm, Mechanism::ntlm);

    CHECK(log_in(mechanism, "right", "tls-server-end-point:one", "tls-server-end-point:one"));
    CHECK(!log_in(mechanism, "right", "tls-server-end-point:one", "tls-server-end-point:two"));
}

TEST_CASE("security context: messages are sealed both ways, and no seal fits twice",
          "[wsman][gss]") {
    const auto mechanism = GENERATE(Mechanism::spnego_ntlm, Mechanism::ntlm);
    Acceptor acceptor{mechanism};
    std::unique_ptr<SecurityContext> context;
    REQUIRE(log_in(acceptor, context, mechanism, "right", "", ""));

    for (const std::string text : {"one", "two", "three"}) {
        const SealedMessage sealed = context->seal(as_bytes(text));
        CHECK(sealed.header.size() == 16);
        CHECK(sealed.payload.size() == text.size());
        CHECK(as_text(sealed.payload) != text);
        const SealedMessage answer = acceptor.answer(sealed);
        CHECK(as_text(context->unseal(answer)) == "re: " + text);
    }
    SealedMessage last = acceptor.answer(context->seal(as_bytes("four")));
    last.payload.back() ^= std::byte{1};
    CHECK_THROWS_AS(context->unseal(last), Error);
    CHECK_THROWS_AS(context->unseal({{}, {}}), Error);
}

}  // namespace entrepot::wsman
