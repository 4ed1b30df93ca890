// SOAP by hand over libcurl: nothing here is shared with the product's client.
#include "simulator.h"

#include "base/guid.h"
#include "base/random.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace entrepot::test {
namespace {

constexpr const char* kEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/";
constexpr const char* kWqlDialect = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
constexpr int kJobSeconds = 60;

std::size_t append(char* data, std::size_t size, std::size_t count, void* target) {
    static_cast<std::string*>(target)->append(data, size * count);
    return size * count;
}

std::size_t collect_offer(char* data, std::size_t size, std::size_t count, void* target) {
    const std::string line(data, size * count);
    constexpr std::string_view kName = "WWW-Authenticate: ";
    if (line.starts_with(kName)) {
        static_cast<std::vector<std::string>*>(target)->push_back(
            line.substr(kName.size(), line.find('\r') - kName.size()));
    }
    return size * count;
}

std::string new_id() {
    SystemRandom random;
    return "uuid:" + Guid::make_random(random).to_upper_string();
}

std::string property(const char* name, const char* type, const std::string& value) {
    std::string safe;
    for (const char c : value) {
        const bool is_special = c == '&' || c == '<' || c == '>' || c == '"' || c == '\'';
        safe += is_special ? fmt::format("&#{};", static_cast<int>(c)) : std::string{c};
    }
    return fmt::format("<PROPERTY NAME=\"{}\" TYPE=\"{}\"><VALUE>{}</VALUE></PROPERTY>", name, type,
                       safe);
}

std::string path_of(const std::string& object) {
    return "\\\\HV01\\root\\virtualization\\v2:" + object;
}

}  // namespace

std::string escape(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '&')
            result += "&amp;";
        else if (c == '<')
            result += "&lt;";
        else if (c == '>')
            result += "&gt;";
        else if (c == '"')
            result += "&quot;";
        else
            result += c;
    }
    return result;
}

std::string element_text(const std::string& xml, const std::string& element) {
    const std::size_t name = xml.find(":" + element + ">");
    if (name == std::string::npos) return {};
    const std::size_t start = name + element.size() + 2;
    return xml.substr(start, xml.find('<', start) - start);
}

std::string Answer::text(const std::string& element) const {
    return element_text(body, element);
}

std::string identify_envelope() {
    return "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
           "xmlns:wsmid=\"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd\">"
           "<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>";
}

std::string reference(const std::string& parameter, const std::string& class_name,
                      const Soap::Selectors& keys) {
    std::string text = fmt::format(
        "<p:{}><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
        "</a:Address><a:ReferenceParameters><w:ResourceURI>{}{}</w:ResourceURI><w:SelectorSet>",
        parameter, kV2, class_name);
    for (const auto& [name, value] : keys) {
        text += fmt::format("<w:Selector Name=\"{}\">{}</w:Selector>", name, escape(value));
    }
    return text + fmt::format("</w:SelectorSet></a:ReferenceParameters></p:{}>", parameter);
}

Soap::Soap(const Simulator& simulator, std::string login)
    : curl_(curl_easy_init()), login_(std::move(login)), url_(simulator.url()) {}

Soap::~Soap() {
    curl_easy_cleanup(curl_);
}

Answer Soap::post(const std::string& body, const std::string& authorization) {
    Answer answer;
    curl_easy_reset(curl_);
    curl_slist* headers =
        curl_slist_append(nullptr, "Content-Type: application/soap+xml;charset=UTF-8");
    headers = curl_slist_append(headers, "Expect:");
    if (!authorization.empty()) {
        headers = curl_slist_append(headers, ("Authorization: " + authorization).c_str());
    } else if (!login_.empty()) {
        curl_easy_setopt(curl_, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl_, CURLOPT_USERPWD, login_.c_str());
    }
    curl_easy_setopt(curl_, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, collect_offer);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &answer.offers);
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 60L);
    if (curl_easy_perform(curl_) == CURLE_OK) {
        curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
    }
    curl_slist_free_all(headers);
    return answer;
}

Answer Soap::send(const std::string& action, const std::string& uri, const std::string& body,
                  const Selectors& selectors, const std::string& more_headers) {
    std::string set;
    for (const auto& [name, value] : selectors) {
        set += fmt::format("<w:Selector Name=\"{}\">{}</w:Selector>", name, escape(value));
    }
    if (!set.empty()) set = "<w:SelectorSet>" + set + "</w:SelectorSet>";
    return post(fmt::format(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
        "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
        "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"><s:Header>"
        "<a:Action s:mustUnderstand=\"true\">{}</a:Action><a:To>{}</a:To>"
        "<w:ResourceURI s:mustUnderstand=\"true\">{}</w:ResourceURI><a:MessageID>{}</a:MessageID>"
        "<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
        "</a:Address></a:ReplyTo>{}{}</s:Header><s:Body>{}</s:Body></s:Envelope>",
        action, url_, uri, new_id(), more_headers, set, body));
}

Answer Soap::get(const std::string& uri, const Selectors& selectors) {
    return send("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", uri, "", selectors);
}

Answer Soap::enumerate(const std::string& uri, const std::string& inner) {
    return send(std::string{kEnumeration} + "Enumerate", uri,
                "<n:Enumerate>" + inner + "</n:Enumerate>");
}

Answer Soap::pull(const std::string& uri, const std::string& context, int elements) {
    const std::string count =
        elements == 0 ? "" : fmt::format("<n:MaxElements>{}</n:MaxElements>", elements);
    return send(std::string{kEnumeration} + "Pull", uri,
                fmt::format("<n:Pull><n:EnumerationContext>{}</n:EnumerationContext>{}</n:Pull>",
                            context, count));
}

std::vector<std::string> Soap::query(const std::string& wql, const char* name_space) {
    const std::string uri = std::string{name_space} + "*";
    Answer answer = enumerate(
        uri, fmt::format("<w:Filter Dialect=\"{}\">{}</w:Filter>", kWqlDialect, escape(wql)));
    std::vector<std::string> items;
    for (;;) {
        if (answer.status != 200) throw std::runtime_error{"query failed: " + answer.body};
        const std::string context = answer.text("EnumerationContext");
        if (context.empty()) return items;
        answer = pull(uri, context);
        const std::size_t start = answer.body.find("<n:Items>");
        const std::size_t end = answer.body.find("</n:Items>");
        if (start != std::string::npos && end > start + 9) {
            items.push_back(answer.body.substr(start + 9, end - start - 9));
        }
    }
}

Answer Soap::invoke(const std::string& class_name, const std::string& method,
                    const std::string& parameters, const Selectors& selectors) {
    const std::string uri = kV2 + class_name;
    return send(
        uri + "/" + method, uri,
        fmt::format("<p:{0}_INPUT xmlns:p=\"{1}\">{2}</p:{0}_INPUT>", method, uri, parameters),
        selectors.empty() ? Selectors{{"CreationClassName", class_name}} : selectors);
}

Answer Soap::wait(const Answer& started) {
    const std::size_t at = started.body.find("Name=\"InstanceID\">");
    if (at == std::string::npos) throw std::runtime_error{"no job: " + started.body};
    const std::string id = started.body.substr(at + 18, 36);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{kJobSeconds};
    while (std::chrono::steady_clock::now() < deadline) {
        Answer answer = get(std::string{kV2} + "Msvm_ConcreteJob", {{"InstanceID", id}});
        const std::string state = answer.text("JobState");
        if (state != "2" && state != "3" && state != "4") return answer;
        std::this_thread::yield();
    }
    throw std::runtime_error{"the job does not end"};
}

std::string vm_id(Soap& soap) {
    const auto items = soap.query("SELECT * FROM Msvm_ComputerSystem WHERE ElementName='web01'");
    return element_text(items.at(0), "Name");
}

Answer start_snapshot(Soap& soap, const std::string& vm, int consistency) {
    const std::string settings =
        "<INSTANCE CLASSNAME=\"Msvm_VirtualSystemSnapshotSettingData\">" +
        property("ConsistencyLevel", "uint8", std::to_string(consistency)) +
        property("IgnoreNonSnapshottableDisks", "boolean", "true") + "</INSTANCE>";
    return soap.invoke("Msvm_VirtualSystemSnapshotService", "CreateSnapshot",
                       reference("AffectedSystem", "Msvm_ComputerSystem",
                                 {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", vm}}) +
                           "<p:SnapshotSettings>" + escape(settings) +
                           "</p:SnapshotSettings><p:SnapshotType>32768</p:SnapshotType>");
}

namespace {

std::string created(Soap& soap, const Answer& ended, const char* class_name) {
    const auto items =
        soap.query(fmt::format("ASSOCIATORS OF {{Msvm_ConcreteJob.InstanceID='{}'}} WHERE "
                               "AssocClass=Msvm_AffectedJobElement ResultClass={}",
                               ended.text("InstanceID"), class_name));
    return element_text(items.at(0), "InstanceID");
}

}  // namespace

std::string take_snapshot(Soap& soap, const std::string& vm, int consistency) {
    const Answer ended = soap.wait(start_snapshot(soap, vm, consistency));
    if (ended.text("JobState") != "7") throw std::runtime_error{ended.body};
    return created(soap, ended, "Msvm_VirtualSystemSettingData");
}

Answer start_export(Soap& soap, const std::string& vm, const std::string& snapshot,
                    const std::string& run, const std::string& base) {
    std::string settings =
        "<INSTANCE CLASSNAME=\"Msvm_VirtualSystemExportSettingData\">" +
        property("CopySnapshotConfiguration", "uint8", "3") +
        property("CopyVmStorage", "boolean", "true") +
        property("CreateVmExportSubdirectory", "boolean", "false") +
        property("SnapshotVirtualSystem", "string",
                 path_of("Msvm_VirtualSystemSettingData.InstanceID=\"" + snapshot + "\""));
    if (!base.empty()) {
        settings += property("DifferentialBackupBase", "string",
                             path_of(fmt::format("Msvm_VirtualSystemReferencePoint.InstanceID="
                                                 "\"{}\",VirtualSystemIdentifier=\"{}\"",
                                                 base, vm)));
    }
    return soap.invoke("Msvm_VirtualSystemManagementService", "ExportSystemDefinition",
                       reference("ComputerSystem", "Msvm_ComputerSystem",
                                 {{"CreationClassName", "Msvm_ComputerSystem"}, {"Name", vm}}) +
                           "<p:ExportDirectory>\\\\appliance\\exports\\" + run +
                           "</p:ExportDirectory><p:ExportSettingData>" +
                           escape(settings + "</INSTANCE>") + "</p:ExportSettingData>");
}

Answer start_convert(Soap& soap, const std::string& snapshot) {
    return soap.invoke(
        "Msvm_VirtualSystemSnapshotService", "ConvertToReferencePoint",
        reference("AffectedSnapshot", "Msvm_VirtualSystemSettingData", {{"InstanceID", snapshot}}));
}

std::string convert(Soap& soap, const std::string& snapshot) {
    const Answer ended = soap.wait(start_convert(soap, snapshot));
    if (ended.text("JobState") != "7") throw std::runtime_error{ended.body};
    return created(soap, ended, "Msvm_VirtualSystemReferencePoint");
}

}  // namespace entrepot::test
