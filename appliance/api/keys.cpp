// Key slots of the repository.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/routes.h"

#include "base/error.h"

#include <fmt/format.h>

#include <charconv>

namespace entrepot::api {
namespace {

constexpr std::size_t kPassphraseBytesMin = 8;

Response list_keys(Services& services) {
    Json entries = Json::array();
    for (const auto& slot : services.repository().list_keys())
        entries.push_back(encode(slot));
    return Response::json(encode_list("keys", std::move(entries)));
}

Secret read_new_passphrase(const std::string& text) {
    if (text.size() < kPassphraseBytesMin) {
        throw Error{ErrorCode::invalid,
                    fmt::format("a passphrase needs at least {} characters", kPassphraseBytesMin)};
    }
    return Secret{text};
}

Response add_key(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const Secret passphrase = read_new_passphrase(reader.text("passphrase"));
    reader.finish();
    auto& repository = services.repository();
    const std::uint32_t number = repository.add_passphrase(passphrase);
    services.log.info("key added", {{"slot", std::to_string(number)}, {"by", request.user.name}});
    for (const auto& slot : repository.list_keys()) {
        if (slot.number != number) continue;
        return Response::created(encode(slot), fmt::format("/api/v1/keys/{}", number));
    }
    throw Error{ErrorCode::internal, fmt::format("key slot {} vanished", number)};
}

Response change_key(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    const Secret old{reader.text("old_passphrase")};
    const Secret fresh = read_new_passphrase(reader.text("new_passphrase"));
    reader.finish();
    services.repository().change_passphrase(old, fresh);
    services.log.info("passphrase changed", {{"by", request.user.name}});
    return Response::no_content();
}

Response revoke_key(const Request& request, Services& services) {
    const std::string& text = request.parameter("slot");
    std::uint32_t slot = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, slot);
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
        throw Error{ErrorCode::invalid, fmt::format("key slot \"{}\" is not a number", text)};
    }
    services.repository().revoke_key(slot);
    services.log.info("key revoked", {{"slot", text}, {"by", request.user.name}});
    return Response::no_content();
}

}  // namespace

void add_key_routes(Router& router, Services& services) {
    router.add("listKeys", [&](const Request&) { return list_keys(services); });
    router.add("addKey", [&](const Request& request) { return add_key(request, services); });
    router.add("changeKey", [&](const Request& request) { return change_key(request, services); });
    router.add("revokeKey", [&](const Request& request) { return revoke_key(request, services); });
}

}  // namespace entrepot::api
