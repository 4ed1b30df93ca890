// Hyper-V hosts: what is configured, and what they answer when asked.
#include "appliance/api/decode.h"
#include "appliance/api/encode.h"
#include "appliance/api/host_request.h"
#include "appliance/api/inventory.h"
#include "appliance/api/paging.h"
#include "appliance/api/routes.h"
#include "appliance/doctor/doctor.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::api {
namespace {

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

Response list_hosts(const Request& request, Services& services) {
    Json entries = Json::array();
    for (const auto& host : services.state.hosts.list())
        entries.push_back(encode_host(host, services));
    return Response::json(encode_page("hosts", std::move(entries), name_key, request));
}

Response create_host(const Request& request, Services& services) {
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    state::HostDraft draft;
    draft.name = reader.text("name");
    draft.url = reader.text("url");
    draft.authentication = reader.text("auth");
    draft.user = reader.text_or("user", {});
    const Secret secret = read_host_secret(reader, draft);
    draft.service = reader.text_or("spn", {});
    draft.seals_messages = reader.flag_or("message_encryption", false);
    const auto ca = read_host_ca(reader);
    draft.pin_sha256 = reader.text_or("pin", {});
    draft.share = reader.text_or("share", {});
    reader.finish();
    check_host_target(draft.url, request, services);
    if (ca && !draft.pin_sha256.empty()) {
        throw Error{ErrorCode::invalid, "a host has a CA or a pin, not both"};
    }
    check_host_share(draft.share, services);
    if (ca) draft.ca_file = store_host_ca(*ca, services);

    auto& hosts = services.state.hosts;
    const auto host = secret.empty()
                          ? hosts.add(draft)
                          : hosts.add(draft, secret, services.repository().credential_key());
    services.log.info("host added", {{"host", host.draft.name}, {"by", request.user.name}});
    return Response::created(encode_host(host, services),
                             "/api/v1/hosts/" + encode_percent(host.draft.name));
}

/// The secret that is kept goes to nobody else: what decides who gets it is changed together with
/// it.
bool is_for_another(const state::HostDraft& before, const state::HostDraft& after) {
    return before.url != after.url || before.authentication != after.authentication ||
           before.user != after.user || before.pin_sha256 != after.pin_sha256 ||
           before.ca_file != after.ca_file || before.service != after.service ||
           before.seals_messages != after.seals_messages ||
           before.client_certificate != after.client_certificate;
}

/// What is absent stays; an empty text takes away.
void read_change(ObjectReader& reader, state::HostDraft& draft, const Request& request,
                 Services& services) {
    const auto read = [&](const char* name, std::string& field) {
        if (const auto text = reader.find_text(name)) field = *text;
    };
    const std::string url_before = draft.url;
    read("name", draft.name);
    read("url", draft.url);
    read("auth", draft.authentication);
    read("user", draft.user);
    read("spn", draft.service);
    read("share", draft.share);
    draft.seals_messages = reader.flag_or("message_encryption", draft.seals_messages);
    const auto pin = reader.find_text("pin");
    const auto ca = read_host_ca(reader);
    if (draft.url != url_before) check_host_target(draft.url, request, services);
    check_host_share(draft.share, services);
    if (pin && !pin->empty() && ca && !ca->empty()) {
        throw Error{ErrorCode::invalid, "a host has a CA or a pin, not both"};
    }
    if (pin) draft.pin_sha256 = *pin;
    if (ca) draft.ca_file = ca->empty() ? std::string{} : store_host_ca(*ca, services);
    if (pin && !pin->empty()) draft.ca_file.clear();
    if (ca && !ca->empty()) draft.pin_sha256.clear();
}

Response change_host(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    const Json body = request.json();
    ObjectReader reader{body, "the request's body"};
    state::HostDraft draft = host.draft;
    read_change(reader, draft, request, services);
    state::HostDraft with_secret = draft;
    with_secret.secret_kind = "password";
    if (draft.authentication != "certificate") with_secret.client_certificate.clear();
    const Secret secret = read_host_secret(reader, with_secret);
    reader.finish();
    const bool needs_secret =
        (host.has_password && is_for_another(host.draft, draft)) ||
        (draft.authentication == "certificate" && is_for_another(draft, with_secret));
    if (!secret.empty()) draft = with_secret;
    if (secret.empty() && needs_secret) {
        throw Error{ErrorCode::invalid,
                    "with another address, login or certificate the host's secret is given anew",
                    "What is kept is sent only where, and how, it was given for: give the "
                    "password, the keytab, or certificate and key together with the change."};
    }
    auto& hosts = services.state.hosts;
    if (secret.empty()) {
        hosts.update(host.id, draft);
    } else {
        hosts.update(host.id, draft, secret, services.repository().credential_key());
    }
    services.managed_shares.refresh();
    services.log.info("host changed", {{"host", draft.name}, {"by", request.user.name}});
    return Response::json(encode_host(hosts.get(host.id), services));
}

Response delete_host(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    services.state.hosts.remove(host.id);
    services.managed_shares.refresh();
    doctor::forget_report(services.state, host.id);
    services.log.info("host removed", {{"host", host.draft.name}, {"by", request.user.name}});
    return Response::no_content();
}

std::string id_key(const Json& vm) {
    return vm.at("id");
}

// The host is asked anew for each page, so that a page holds all but always.
Response list_host_vms(const Request& request, Services& services) {
    const auto host = services.state.hosts.get(request.parameter("name"));
    const HostInventory inventory = services.read_inventory(host, {});
    const PointsByVm points = read_points_of_host(services, host.id);
    Json vms = Json::array();
    for (const auto& vm : inventory.vms)
        vms.push_back(encode_live_vm(vm, host, points, services));
    Json answer = encode_page("vms", std::move(vms), id_key, request, kPageLimitMax);
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
    router.add("listHosts", [&](const Request& request) { return list_hosts(request, services); });
    router.add("addHost", [&](const Request& request) { return create_host(request, services); });
    router.add("getHost", [&](const Request& request) {
        const auto host = services.state.hosts.get(request.parameter("name"));
        return Response::json(encode_host(host, services));
    });
    router.add("changeHost",
               [&](const Request& request) { return change_host(request, services); });
    router.add("removeHost",
               [&](const Request& request) { return delete_host(request, services); });
    router.add("listHostVms",
               [&](const Request& request) { return list_host_vms(request, services); });
    router.add("getHostVm",
               [&](const Request& request) { return show_host_vm(request, services); });
}

}  // namespace entrepot::api
