// See host_request.h.
#include "appliance/api/host_request.h"

#include "exporter/wsman/local_target.h"

#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/error.h"

#include <openssl/sha.h>

#include <fmt/format.h>

#include <array>

namespace entrepot::api {
namespace {

constexpr std::size_t kCaBytesMax = 64 * kKiB;
constexpr std::size_t kKeytabTextBytesMax = 64 * kKiB;  // Base64.

Secret decode_keytab(const std::string& text) {
    try {
        const Bytes bytes = from_base64(text);
        // Version 1 and 2 of the format begin so.
        if (bytes.size() > 2 && bytes[0] == std::byte{5}) return Secret{ByteView{bytes}};
    } catch (const Error&) {  // The message below says more.
    }
    throw Error{ErrorCode::invalid, "field \"keytab\" is no keytab in base64"};
}

}  // namespace

std::optional<std::string> read_host_ca(ObjectReader& reader) {
    return reader.find_long_text("ca", kCaBytesMax);
}

void check_host_share(const std::string& share, Services& services) {
    if (share.empty() || services.state.shares.find(share)) return;
    throw Error{ErrorCode::not_found, fmt::format("there is no share \"{}\"", share),
                "add it first: entrepot share add"};
}

// Named by its content, so that writing it twice is harmless.
std::string store_host_ca(const std::string& pem, Services& services) {
    if (pem.size() > kCaBytesMax || pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
        throw Error{ErrorCode::invalid, "field \"ca\" holds no certificate in PEM",
                    "give the text of the CA's certificate, not its path"};
    }
    std::array<std::byte, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(pem.data()), pem.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    const auto directory = services.config.data_directory / "certificates";
    const auto file = directory / fmt::format("ca-{}.pem", to_hex(digest));
    services.file_system.make_directories(directory);
    write_file_atomically(services.file_system, file, as_bytes(pem));
    return file.string();
}

// Somebody at the console must not reach what listens on this machine for itself only.
void check_host_target(const std::string& url, const Request& request, Services& services) {
    if (request.user.is_local || services.config.allow_loopback_hosts) return;
    if (!wsman::is_local_target(url)) return;
    throw Error{
        ErrorCode::access_denied,
        "a host at this machine itself, or at an address that no host has, is not allowed here",
        "add it with the command line, or set hosts.allow_loopback = true"};
}

// The one secret that is sealed, and what kind it is; empty if there is none.
Secret read_host_secret(ObjectReader& reader, state::HostDraft& draft) {
    const Secret password{reader.text_or("password", {})};
    const auto keytab = reader.find_long_text("keytab", kKeytabTextBytesMax);
    const auto certificate = reader.find_long_text("certificate", kCaBytesMax);
    const auto key = reader.find_long_text("key", kCaBytesMax);
    const int count = int{!password.empty()} + int{keytab.has_value()} + int{key.has_value()};
    if (count > 1) {
        throw Error{ErrorCode::invalid, "a host has a password, a keytab or a key, not several"};
    }
    if (certificate) draft.client_certificate = *certificate;
    if (keytab) {
        draft.secret_kind = "keytab";
        return decode_keytab(*keytab);
    }
    if (key) {
        draft.secret_kind = "key";
        return Secret{*key};
    }
    return password;
}

}  // namespace entrepot::api
