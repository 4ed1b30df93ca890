// NTLM under Negotiate, as raw tokens and inside SPNEGO, on one connection (wsman.md section 11).
#include "simulator.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::test;

namespace {

gss_OID_desc ntlmssp{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};
gss_OID_desc spnego{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};

/// The client's side of a login.
class Initiator {
public:
    Initiator(gss_OID mechanism, std::string user, std::string password) : mechanism_(mechanism) {
        OM_uint32 minor = 0;
        gss_name_t name = import(user, GSS_C_NT_USER_NAME);
        gss_buffer_desc secret{password.size(), password.data()};
        gss_OID_set_desc wanted{1, mechanism};
        REQUIRE(gss_acquire_cred_with_password(&minor, name, &secret, GSS_C_INDEFINITE, &wanted,
                                               GSS_C_INITIATE, &credential_, nullptr,
                                               nullptr) == GSS_S_COMPLETE);
        gss_OID_set_desc inner{1, &ntlmssp};
        if (mechanism == &spnego) gss_set_neg_mechs(&minor, credential_, &inner);
        gss_release_name(&minor, &name);
        target_ = import("HTTP@localhost", GSS_C_NT_HOSTBASED_SERVICE);
    }
    Initiator(const Initiator&) = delete;
    Initiator& operator=(const Initiator&) = delete;
    ~Initiator() {
        OM_uint32 minor = 0;
        gss_delete_sec_context(&minor, &context_, nullptr);
        gss_release_name(&minor, &target_);
        gss_release_cred(&minor, &credential_);
    }

    std::string step(const std::string& answer) {
        OM_uint32 minor = 0;
        Bytes token = answer.empty() ? Bytes{} : from_base64(answer);
        gss_buffer_desc input{token.size(), token.data()};
        gss_buffer_desc output = GSS_C_EMPTY_BUFFER;
        const OM_uint32 major = gss_init_sec_context(
            &minor, credential_, &context_, target_, mechanism_, GSS_C_MUTUAL_FLAG, 0,
            GSS_C_NO_CHANNEL_BINDINGS, &input, nullptr, &output, nullptr, nullptr);
        REQUIRE_FALSE(GSS_ERROR(major));
        const std::string text =
            to_base64({static_cast<const std::byte*>(output.value), output.length});
        gss_release_buffer(&minor, &output);
        return text;
    }

private:
    static gss_name_t import(std::string text, gss_OID type) {
        OM_uint32 minor = 0;
        gss_buffer_desc buffer{text.size(), text.data()};
        gss_name_t name = GSS_C_NO_NAME;
        REQUIRE(gss_import_name(&minor, &buffer, type, &name) == GSS_S_COMPLETE);
        return name;
    }
    gss_OID mechanism_;
    gss_cred_id_t credential_ = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
    gss_name_t target_ = GSS_C_NO_NAME;
};

std::string token_of(const Answer& answer) {
    for (const std::string& offer : answer.offers) {
        if (offer.starts_with("Negotiate ")) return offer.substr(10);
    }
    return {};
}

}  // namespace

TEST_CASE("hostsim login: NTLM holds for the connection", "[hostsim]") {
    const Simulator simulator;
    gss_OID mechanism = GENERATE(&ntlmssp, &spnego);
    Soap soap{simulator, ""};
    Initiator initiator{mechanism, "HV01\\backup", "secret"};

    const Answer challenge = soap.post("", "Negotiate " + initiator.step(""));
    REQUIRE(challenge.status == 401);
    REQUIRE_FALSE(token_of(challenge).empty());
    const Answer done = soap.post("", "Negotiate " + initiator.step(token_of(challenge)));
    CHECK(done.status == 200);
    CHECK(token_of(done).empty() == (mechanism == &ntlmssp));

    CHECK(soap.post(identify_envelope()).status == 200);
    CHECK(Soap{simulator, ""}.post(identify_envelope()).status == 401);
}

TEST_CASE("hostsim login: a wrong NTLM password ends in 401 with the schemes", "[hostsim]") {
    const Simulator simulator;
    Soap soap{simulator, ""};
    Initiator initiator{&spnego, "HV01\\backup", "wrong"};
    const Answer challenge = soap.post("", "Negotiate " + initiator.step(""));
    const Answer refused = soap.post("", "Negotiate " + initiator.step(token_of(challenge)));
    CHECK(refused.status == 401);
    CHECK(refused.offers.size() == 2);
    CHECK(token_of(refused).empty());
}
