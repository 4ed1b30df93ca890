// Sealed bodies as the simulated service reads them: one byte off is no message (MS-WSMV 2.2.9.1).
#include "tests/hostsim/wire/encrypted_message.h"

#include <catch2/catch.hpp>

using namespace entrepot::hostsim;

namespace {

const EncryptedMessage kMessage{"SEAL", "--Encrypted Boundary\r\nhello"};

}  // namespace

TEST_CASE("hostsim seal: what it writes it reads, with tabs and without", "[hostsim]") {
    const EncryptedStyle style{GENERATE(true, false), GENERATE(true, false)};
    const std::string type = encrypted_type(style);
    REQUIRE(is_encrypted_type(type));
    const std::string body = write_encrypted(kMessage, "application/soap+xml;charset=UTF-8", style);
    CHECK((body.find("\tOriginalContent") != std::string::npos) == style.has_tabs);

    const auto read = read_encrypted(type, body);
    REQUIRE(read);
    CHECK(read->seal == kMessage.seal);
    CHECK(read->data == kMessage.data);
    CHECK_FALSE(read_encrypted("multipart/encrypted;boundary=\"Encrypted Boundary\"", body));
}

TEST_CASE("hostsim seal: lengths that lie and bodies that end early are no message", "[hostsim]") {
    const EncryptedStyle style;
    const std::string type = encrypted_type(style);
    const std::string body = write_encrypted(kMessage, "application/soap+xml", style);
    for (std::size_t length = 0; length + 2 < body.size(); ++length) {
        INFO(length);
        CHECK_FALSE(read_encrypted(type, body.substr(0, length)));
    }
    for (const char* other : {"Length=26", "Length=28", "Length=0", "Length=x"}) {
        std::string changed = body;
        changed.replace(changed.find("Length=27"), 9, other);
        CHECK_FALSE(read_encrypted(type, changed));
    }
}
