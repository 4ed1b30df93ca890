// Hyper-V hosts: what is configured, and what they answer when asked.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/inventory.h"
#include "appliance/api/routes.h"
#include "appliance/doctor/doctor.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "exporter/wsman/local_target.h"

#include <openssl/sha.h>

#include <fmt/format.h>

#include <array>

namespace entrepot::api {
namespace {

constexpr std::size_t kCaBytesMax = 64 * kKiB;
constexpr std::size_t kKeytabTextBytesMax = 64 * kKiB;  // Base64.

Json encode_host(const state::HostRecord& host, Services& services) {
    const auto& draft = host.draft;
    const Contact contact = read_contact(services, host.id);
    const auto vms = services.state.vms.list_of_host(host.id);
    return Json{{"name", draft.name},
                {"id", host.id},
                {"url", draft.url},
                {"auth", draft.authentication},
                {"user", draft.user},
                {"pin", text_or_null(draft.pin_sha256)},
                {"has_ca", !draft.ca_file.empty()},
                {"share", text_or_null(draft.share)},
                {"spn", text_or_null(draft.service)},
                {"secret", host.has_password ? Json(draft.secret_kind) : Json(nullptr)},
                {"message_encryption", draft.seals_messages},
                {"created", format_time(host.created)},
                {"last_contact", contact.time},
                {"last_error", contact.error},
                {"vm_count", contact.time.is_null() ? Json(nullptr) : Json(vms.size())}};
}

Response list_hosts(Services& services) {
    Json entries = Json::array();
    for (const auto& host : services.state.hosts.list())
        entries.push_back(encode_host(host, services));
    return Response::json(encode_list("hosts", std::move(entries)));
}

// Named by its content, so that writing it twice is harmless.
std::string store_ca(const std::string& pem, Services& services) {
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
void check_target(const std::string& url, const Request& request, Services& services) {
    if (request.user.is_local || services.config.allow_loopback_hosts) return;
    if (!wsman::is_local_target(url)) return;
    throw Error{
        ErrorCode::access_denied,
        "a host at this machine itself, or at an address that no host has, is not allowed here",
        "add it with the command line, or set hosts.allow_loopback = true"};
}

Secret decode_keytab(const std::string& text) {
    try {
        const Bytes bytes = from_base64(text);
        // Version 1 and 2 of the format begin so.
        if (bytes.size() > 2 && bytes[0] == std::byte{5}) return Secret{ByteView{bytes}};
    } catch (const Error&) {  // The message below says more.
    }
    throw Error{ErrorCode::invalid, "field \"keytab\" is no keytab in base64"};
}

// The one secret that is sealed, and what kind it is; empty if there is none.
Secret read_secret(ObjectReader& reader, state::HostDraft& draft) {
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

Response create_host(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    state::HostDraft draft;
    draft.name = reader.text("name");
    draft.url = reader.text("url");
    draft.authentication = reader.text("auth");
    draft.user = reader.text_or("user", {});
    const Secret secret = read_secret(reader, draft);
    draft.service = reader.text_or("spn", {});
    draft.seals_messages = reader.flag_or("message_encryption", false);
    const auto ca = reader.find_long_text("ca", kCaBytesMax);
    draft.pin_sha256 = reader.text_or("pin", {});
    draft.share = reader.text_or("share", {});
    reader.finish();
    check_target(draft.url, request, services);
    if (ca && !draft.pin_sha256.empty()) {
        throw Error{ErrorCode::invalid, "a host has a CA or a pin, not both"};
    }
    if (!draft.share.empty() && !services.state.shares.find(draft.share)) {
        throw Error{ErrorCode::not_found, fmt::format("there is no share \"{}\"", draft.share),
                    "add it first: entrepot share add"};
    }
    if (ca) draft.ca_file = store_ca(*ca, services);

    auto& hosts = services.state.hosts;
    const auto host = secret.empty()
                          ? hosts.add(draft)
                          : hosts.add(draft, secret, services.repository().credential_key());
    services.log.info("host added", {{"host", host.draft.name}, {"by", request.user.name}});
    return Response::created(encode_host(host, services),
                             "/api/v1/hosts/" + encode_percent(host.draft.name));
}

Response delete_host(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    services.state.hosts.remove(host.id);
    services.managed_shares.refresh();
    doctor::forget_report(services.state, host.id);
    services.log.info("host removed", {{"host", host.draft.name}, {"by", request.user.name}});
    return Response::no_content();
}

Response list_host_vms(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    const HostInventory inventory = services.read_inventory(host, {});
    const PointsByVm points = read_points_of_host(services, host.id);
    Json vms = Json::array();
    for (const auto& vm : inventory.vms)
        vms.push_back(encode_live_vm(vm, host, points, services));
    Json answer = encode_list("vms", std::move(vms));
    const auto& facts = inventory.facts;
    answer["host"] = {{"name", host.draft.name},
                      {"computer_name", facts.computer_name},
                      {"os", facts.os_caption},
                      {"os_build", facts.os_build},
                      {"time", text_or_null(facts.host_time)}};
    return Response::json(answer);
}

Json list_residue(const state::VmRecord& vm, Services& services) {
    Json entries = Json::array();
    for (const auto& one : services.state.residue.list_of_vm(vm.host_id, vm.vm_id)) {
        entries.push_back(
            {{"text", one.text}, {"command", one.command}, {"since", format_time(one.since)}});
    }
    return entries;
}

Response show_host_vm(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    const auto known = find_vm(services, request.parameter("vm"), host.id);
    const hyperv::Vm vm = services.read_vm(host, known.vm_id, {});
    Json answer = encode_live_vm(vm, host, read_points_of_host(services, host.id), services);
    answer["residue"] = list_residue(known, services);
    return Response::json(answer);
}

}  // namespace

void add_host_routes(Router& router, Services& services) {
    router.add("listHosts", [&](const Request&) { return list_hosts(services); });
    router.add("addHost", [&](const Request& request) { return create_host(request, services); });
    router.add("getHost", [&](const Request& request) {
        const auto host = services.state.hosts.get(request.parameter("name"));
        return Response::json(encode_host(host, services));
    });
    router.add("removeHost",
               [&](const Request& request) { return delete_host(request, services); });
    router.add("listHostVms",
               [&](const Request& request) { return list_host_vms(request, services); });
    router.add("getHostVm",
               [&](const Request& request) { return show_host_vm(request, services); });
}

}  // namespace entrepot::api
