// Sealed bodies as Windows, OMI and we write them, and as nobody should (MS-WSMV 2.2.9.1).
#include "exporter/wsman/sealed_body.h"

#include "base/error.h"

#include <catch2/catch.hpp>

namespace entrepot::wsman {
namespace {

Bytes bytes(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

constexpr const char* kType =
    "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\";"
    "boundary=\"Encrypted Boundary\"";

/// A body by hand: `tab` before inner headers, `end` after the closing boundary.
std::string body_of(const std::string& tab, const std::string& end,
                    const std::string& boundary = "--Encrypted Boundary") {
    return boundary + "\r\n" + tab + "Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n" +
           tab + "OriginalContent: type=application/soap+xml;charset=UTF-8;Length=5\r\n" +
           boundary + "\r\n" + tab + "Content-Type: application/octet-stream\r\n" +
           std::string{"\x04\0\0\0", 4} + "SEALhello" + boundary + "--" + end;
}

ErrorCode code_of(const std::string& type, const std::string& body) {
    try {
        decode_sealed_body(type, body);
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("sealed body: it is written byte for byte as the specification says", "[wsman]") {
    const SealedMessage message{bytes("SEAL"), bytes("hello")};

    CHECK(sealed_content_type(SealProtocol::spnego) == kType);
    CHECK(write_sealed_body(message, SealProtocol::spnego, InnerHeaders::with_tab) ==
          body_of("\t", "\r\n"));
    CHECK(write_sealed_body(message, SealProtocol::spnego, InnerHeaders::without_tab) ==
          body_of("", "\r\n"));
}

TEST_CASE("sealed body: every form that hosts write is read", "[wsman]") {
    const std::string tab = GENERATE("", "\t", " ");
    const std::string end = GENERATE("", "\r\n", "\r\n\r\n");
    const std::string boundary = GENERATE("--Encrypted Boundary", "-- Encrypted Boundary");
    const std::string type =
        GENERATE(std::string{kType},
                 "Multipart/Encrypted; boundary=\"Encrypted Boundary\"; protocol=\"application/x\"",
                 "multipart/encrypted");
    REQUIRE(is_sealed_content_type(type));

    const SealedBody body = decode_sealed_body(type, body_of(tab, end, boundary));
    CHECK(body.content_type == "application/soap+xml;charset=UTF-8");
    CHECK(body.length == 5);
    CHECK(as_text(body.message.header) == "SEAL");
    CHECK(as_text(body.message.payload) == "hello");
}

TEST_CASE("sealed body: sealed bytes may look like a boundary", "[wsman]") {
    const std::string tricky = "a--Encrypted Boundary--\r\nb";
    const SealedMessage message{bytes("--Encrypted Boundary\r\n"), bytes(tricky)};
    const std::string body =
        write_sealed_body(message, SealProtocol::kerberos, InnerHeaders::with_tab);

    const SealedBody read = decode_sealed_body(sealed_content_type(SealProtocol::kerberos), body);
    CHECK(as_text(read.message.payload) == tricky);
    CHECK(read.message.header == message.header);
}

TEST_CASE("sealed body: what is cut anywhere is refused", "[wsman]") {
    const std::string whole = body_of("\t", "");
    for (std::size_t length = 0; length < whole.size(); ++length) {
        INFO(length);
        CHECK(code_of(kType, whole.substr(0, length)) == ErrorCode::protocol);
    }
}

TEST_CASE("sealed body: lengths and headers that lie are refused", "[wsman]") {
    const std::string whole = body_of("\t", "");
    const auto with = [&](const std::string& old_text, const std::string& new_text) {
        std::string changed = whole;
        return changed.replace(changed.find(old_text), old_text.size(), new_text);
    };

    CHECK(code_of(kType, whole) == ErrorCode::internal);
    CHECK(code_of(kType, with(std::string{"\x04\0\0\0", 4}, "\xff\xff\xff\xff")) ==
          ErrorCode::protocol);
    CHECK(code_of(kType, with("Length=5", "Length=-5")) == ErrorCode::protocol);
    CHECK(code_of(kType, with("Length=5", "Length=99999999999999999999")) == ErrorCode::protocol);
    CHECK(code_of(kType, with("OriginalContent", "Original")) == ErrorCode::protocol);
    CHECK(code_of(kType, std::string(5000, 'x')) == ErrorCode::protocol);
    CHECK(code_of("multipart/encrypted;boundary=other", whole) == ErrorCode::protocol);
    CHECK_FALSE(is_sealed_content_type("application/soap+xml;charset=UTF-8"));
}

}  // namespace entrepot::wsman
