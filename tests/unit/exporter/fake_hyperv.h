// A Hyper-V host of a few lists and answers, behind the transport of the client.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "exporter/hyperv/hyperv_host.h"
#include "exporter/hyperv/wsman_connection.h"
#include "tests/unit/exporter/fake_transport.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::hyperv {

inline std::string class_uri(const std::string& class_name,
                             const std::string& name_space = "root/virtualization/v2") {
    return std::string{wsman::ns::kWmi} + name_space + "/" + class_name;
}

/// An instance; values that begin with an element are XML already, such as references.
inline std::string instance_xml(
    const std::string& class_name,
    const std::vector<std::pair<std::string, std::string>>& properties) {
    std::string out = fmt::format("<p:{0} xmlns:p=\"{1}\" xmlns:xsi=\"{2}\">", class_name,
                                  class_uri(class_name), wsman::ns::kXsi);
    for (const auto& [name, value] : properties) {
        const std::string text = value.starts_with("<") ? value : wsman::escape_xml(value);
        out += fmt::format("<p:{0}>{1}</p:{0}>", name, text);
    }
    return out + fmt::format("</p:{}>", class_name);
}

inline std::string reference_xml(
    const std::string& class_name,
    const std::vector<std::pair<std::string, std::string>>& selectors) {
    return wsman::encode_endpoint_reference({class_uri(class_name), selectors});
}

class FakeHyperV {
public:
    using Call = std::function<std::string(const wsman::HttpRequest&)>;

    FakeHyperV() {
        for (const char* service :
             {"Msvm_VirtualSystemManagementService", "Msvm_VirtualSystemSnapshotService",
              "Msvm_VirtualSystemReferencePointService", "Msvm_ImageManagementService"}) {
            lists[service] = {
                instance_xml(service, {{"CreationClassName", service},
                                       {"Name", "svc"},
                                       {"SystemCreationClassName", "Msvm_ComputerSystem"},
                                       {"SystemName", "HV01"}})};
        }
        lists["Msvm_ComputerSystem"] = {instance_xml("Msvm_ComputerSystem", {{"Name", "HV01"}})};
    }

    std::unique_ptr<HyperVHost> connect() {
        return connect_over({clock, log}, connection(), make_transport(), {});
    }
    std::unique_ptr<RestoreHost> connect_for_restore() {
        return connect_for_restore_over({clock, log}, connection(), make_transport(), {});
    }

    /// How often a method was called.
    int call_count(const std::string& method) const {
        return static_cast<int>(std::count_if(
            transport->requests.begin(), transport->requests.end(),
            [&](const auto& one) { return wsman::action_of(one).ends_with("/" + method); }));
    }

    std::map<std::string, std::vector<std::string>> lists;   ///< By class.
    std::map<std::string, std::vector<std::string>> linked;  ///< By association, for all objects.
    std::map<std::string, std::string> objects;              ///< Get: by InstanceID.
    std::map<std::string, Call> methods;    ///< Content of <method>_OUTPUT, in prefix p.
    std::set<std::string> unknown_classes;  ///< "*": queries, whatever for.
    bool takes_queries = true;
    std::filesystem::path record_directory;
    wsman::FakeTransport* transport = nullptr;
    ManualClock clock{WallTime{}};
    NullLog log;

private:
    Connection connection() const {
        return {.url = "https://hv01:5986/wsman",
                .authentication = Authentication::basic,
                .user = "backup",
                .password = Secret{"pass"},
                .ca_file = {},
                .pin_sha256 = {},
                .record_directory = record_directory};
    }
    std::unique_ptr<wsman::FakeTransport> make_transport() {
        auto owned = std::make_unique<wsman::FakeTransport>(
            [this](const wsman::HttpRequest& request) { return answer(request); });
        transport = owned.get();
        return owned;
    }
    wsman::HttpAnswer answer(const wsman::HttpRequest& request) {
        const std::string action = wsman::action_of(request);
        const std::string uri = wsman::text_between(
            request.body, "<w:ResourceURI s:mustUnderstand=\"true\">", "</w:ResourceURI>");
        const std::string class_name = uri.substr(uri.rfind('/') + 1);
        if (unknown_classes.contains(class_name)) {
            return wsman::fault_to(request, "DestinationUnreachable", 0x80041010);
        }
        if (action.ends_with("/enumeration/Enumerate")) return list(request, class_name);
        if (action.ends_with("/transfer/Get")) {
            const std::string id =
                wsman::text_between(request.body, "<w:Selector Name=\"InstanceID\">", "<");
            const auto found = objects.find(id);
            if (found != objects.end()) return wsman::answer_to(request, found->second);
            return wsman::fault_to(request, "DestinationUnreachable", 0x80338000);
        }
        const std::string method = action.substr(action.rfind('/') + 1);
        const auto call = methods.find(method);
        if (call == methods.end()) return wsman::fault_to(request, "ActionNotSupported", 0);
        return wsman::answer_to(request, fmt::format("<p:{0}_OUTPUT xmlns:p=\"{1}\">{2}"
                                                     "</p:{0}_OUTPUT>",
                                                     method, uri, call->second(request)));
    }

    wsman::HttpAnswer list(const wsman::HttpRequest& request, const std::string& class_name) {
        const bool is_query = class_name == "*";
        if (is_query && !takes_queries) {
            return wsman::fault_to(request, "CannotProcessFilter", 0x8033801A);
        }
        std::string items;
        for (const std::string& item : is_query ? find(request) : lists[class_name])
            items += item;
        return wsman::answer_to(request, "<n:EnumerateResponse><w:Items>" + items +
                                             "</w:Items><w:EndOfSequence/></n:EnumerateResponse>");
    }

    std::vector<std::string> find(const wsman::HttpRequest& request) {
        const std::string& body = request.body;
        const std::string from = wsman::text_between(body, "SELECT * FROM ", " ");
        if (!from.empty()) return lists[from];
        const std::string association = wsman::text_between(body, "AssocClass = ", " ");
        const std::string result = wsman::text_between(body, "ResultClass = ", "<");
        if (linked.contains(association)) return linked[association];
        const bool is_snapshot_link = association == "Msvm_LastAppliedSnapshot" ||
                                      association == "Msvm_MostCurrentSnapshotInBranch";
        if (is_snapshot_link) return {};
        std::vector<std::string> found = lists[result];
        // Parts of settings begin with the settings' id.
        if (association == "Msvm_VirtualSystemSettingDataComponent") {
            const std::string owner = wsman::text_between(body, "InstanceID='", "'");
            std::erase_if(found, [&](const std::string& item) {
                return item.find(">" + owner) == std::string::npos;
            });
        }
        return found;
    }
};

inline std::string job_output(const std::string& id) {
    return "<p:Job>" + reference_xml("Msvm_ConcreteJob", {{"InstanceID", id}}) +
           "</p:Job><p:ReturnValue>4096</p:ReturnValue>";
}

inline std::string code_output(int code) {
    return fmt::format("<p:ReturnValue>{}</p:ReturnValue>", code);
}

}  // namespace entrepot::hyperv
