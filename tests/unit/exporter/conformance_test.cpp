// Every request that the client can send, judged by the schema of real hosts: classes, properties,
// methods, parameters, their types, embedded instances and what they hold.
#include "base/error.h"
#include "exporter/cim/embedded_instance.h"
#include "exporter/cim/object_path.h"
#include "exporter/hyperv/host_probe.h"
#include "tests/unit/exporter/cim_schema.h"
#include "tests/unit/exporter/fake_hyperv.h"

#include <catch2/catch.hpp>

#include <regex>
#include <set>

namespace entrepot::hyperv {
namespace {

using test::CimSchema;
using wsman::XmlElement;
namespace ns = wsman::ns;

constexpr const char* kVm = "AAAAAAAA-0000-4000-8000-000000000001";
constexpr const char* kSnapshot = "Microsoft:BBBBBBBB-0000-4000-8000-000000000002";
const JobRef kJob{"Msvm_ConcreteJob", "J1", false};

/// The schemas that requests may belong to.
struct Schemas {
    CimSchema virtualization;
    CimSchema cimv2;
    CimSchema cluster;

    const CimSchema& of(const std::string& name_space) const {
        if (name_space == "root/virtualization/v2") return virtualization;
        if (name_space == "root/cimv2") return cimv2;
        REQUIRE(name_space == "root/mscluster");
        return cluster;
    }
};

std::optional<Schemas> load_schemas() {
    const std::string host = "windows-server-2019";
    auto virtualization = CimSchema::load(host, "root/virtualization/v2");
    if (!virtualization) return std::nullopt;
    return Schemas{std::move(*virtualization), *CimSchema::load(host, "root/cimv2"),
                   *CimSchema::load(host, "root/mscluster")};
}

struct Resource {
    std::string name_space;
    std::string class_name;
};

Resource resource_of(const std::string& uri) {
    REQUIRE(uri.starts_with(ns::kWmi));
    const std::string rest = uri.substr(ns::kWmi.size());
    const std::size_t slash = rest.rfind('/');
    return {rest.substr(0, slash), rest.substr(slash + 1)};
}

void check_number(const std::string& text) {
    CHECK_FALSE(text.empty());
    CHECK(text.find_first_not_of("0123456789") == std::string::npos);
}

void check_boolean(const std::string& text) {
    CHECK((text == "true" || text == "false"));
}

/// A WMI object path in a string property must name a class that exists.
void check_path(const CimSchema& schema, const std::string& text) {
    if (text.find("=\"") == std::string::npos) return;  // A plain text.
    const auto path = cim::parse_object_path(text);
    REQUIRE(path);
    CHECK(schema.has_class(path->class_name));
    for (const auto& [key, value] : path->keys)
        CHECK(schema.property_type(path->class_name, key));
}

void check_embedded(const CimSchema& schema, const std::string& text) {
    const XmlElement root = wsman::parse_xml(text, "an embedded instance");
    const std::string class_name = root.attribute("", "CLASSNAME").value_or("");
    INFO(class_name);
    REQUIRE(schema.has_class(class_name));
    for (const XmlElement& property : root.children) {
        const std::string name = property.attribute("", "NAME").value_or("");
        const std::string type = property.attribute("", "TYPE").value_or("");
        INFO(name << " " << type);
        const auto declared = schema.property_type(class_name, name);
        REQUIRE(declared);
        const bool is_array = property.name == "PROPERTY.ARRAY";
        CHECK(declared->ends_with("[]") == is_array);
        const std::string bare = declared->substr(0, declared->find('['));
        if (test::is_integer_type(bare)) {
            CHECK(test::is_integer_type(type));
            check_number(property.child("", "VALUE").text);
        } else {
            CHECK(bare == type);
        }
        if (bare == "boolean") check_boolean(property.child("", "VALUE").text);
        if (bare == "string" && !is_array) check_path(schema, property.child("", "VALUE").text);
    }
}

void check_parameter(const CimSchema& schema, const std::string& class_name,
                     const std::string& method, const XmlElement& element) {
    INFO(class_name << "." << method << " " << element.name);
    const auto declared = schema.parameter(class_name, method, element.name);
    REQUIRE(declared);
    CHECK_FALSE(declared->is_out);
    const std::string type = declared->type.substr(0, declared->type.find('['));
    if (const auto reference = wsman::decode_endpoint_reference(element)) {
        const Resource target = resource_of(reference->resource_uri);
        CHECK(schema.is_a(target.class_name, type));
        for (const auto& [key, value] : reference->selectors)
            CHECK(schema.property_type(target.class_name, key));
        return;
    }
    if (test::is_integer_type(type)) return check_number(element.text);
    if (type == "boolean") return check_boolean(element.text);
    REQUIRE(type == "string");
    if (element.text.starts_with("<INSTANCE")) check_embedded(schema, element.text);
}

void check_query(const CimSchema& schema, const std::string& wql) {
    INFO(wql);
    std::smatch parts;
    if (std::regex_match(wql, parts,
                         std::regex{R"re(SELECT \* FROM (\w+) WHERE (\w+) = '.*')re"})) {
        CHECK(schema.has_class(parts[1]));
        CHECK(schema.property_type(parts[1], parts[2]));
        return;
    }
    const std::regex associators{
        R"re(ASSOCIATORS OF \{(\w+)\..*\} WHERE AssocClass = (\w+) ResultClass = (\w+))re"};
    REQUIRE(std::regex_match(wql, parts, associators));
    for (std::size_t i = 1; i <= 3; ++i)
        CHECK(schema.has_class(parts[i]));
}

/// Judges one request; gives what it asked, for the list of what was covered.
std::string check_request(const Schemas& schemas, const wsman::HttpRequest& request) {
    const XmlElement envelope = wsman::parse_xml(request.body, "a request");
    const XmlElement& body = envelope.child(ns::kSoap, "Body");
    if (body.find(ns::kIdentity, "Identify") != nullptr) return "Identify";
    const XmlElement& header = envelope.child(ns::kSoap, "Header");
    const std::string action = header.child(ns::kAddressing, "Action").text;
    const std::string uri = header.child(ns::kWsman, "ResourceURI").text;
    if (uri == "http://schemas.microsoft.com/wbem/wsman/1/config") return "config";
    const Resource resource = resource_of(uri);
    const CimSchema& schema = schemas.of(resource.name_space);
    INFO(action << " " << uri);
    const bool is_query = resource.class_name == "*";
    if (!is_query) REQUIRE(schema.has_class(resource.class_name));
    if (const XmlElement* set = header.find(ns::kWsman, "SelectorSet")) {
        for (const XmlElement& selector : set->children) {
            const std::string name = selector.attribute("", "Name").value_or("");
            INFO(name);
            CHECK(schema.property_type(resource.class_name, name));
        }
    }
    if (action.ends_with("/Enumerate")) {
        const XmlElement& enumerate = body.child(ns::kEnumeration, "Enumerate");
        const XmlElement* filter = enumerate.find(ns::kWsman, "Filter");
        // A host refuses a query on a class, and no query on all of them.
        CHECK((filter != nullptr) == is_query);
        if (filter != nullptr) check_query(schema, filter->text);
        return "Enumerate";
    }
    const bool is_method = action.starts_with(uri + "/");
    if (!is_method) return action.substr(action.rfind('/') + 1);
    const std::string method = action.substr(uri.size() + 1);
    REQUIRE(schema.has_method(resource.class_name, method));
    const XmlElement& input = body.child(uri, method + "_INPUT");
    for (const XmlElement& parameter : input.children) {
        CHECK(parameter.name_space == uri);
        check_parameter(schema, resource.class_name, method, parameter);
    }
    return method;
}

void fill(FakeHyperV& host) {
    const std::string base = std::string{"Microsoft:"} + kVm;
    host.lists["Msvm_ComputerSystem"].push_back(
        instance_xml("Msvm_ComputerSystem", {{"Name", kVm}, {"EnabledState", "2"}}));
    host.lists["Msvm_VirtualSystemSettingData"] = {
        instance_xml("Msvm_VirtualSystemSettingData",
                     {{"InstanceID", base},
                      {"VirtualSystemIdentifier", kVm},
                      {"VirtualSystemType", "Microsoft:Hyper-V:System:Realized"}})};
    host.lists["Msvm_StorageAllocationSettingData"] = {
        instance_xml("Msvm_StorageAllocationSettingData",
                     {{"InstanceID", base + "\\C\\0\\0\\L"},
                      {"ResourceSubType", "Microsoft:Hyper-V:Virtual Hard Disk"},
                      {"HostResource", "D:\\a.vhdx"}})};
    host.lists["Msvm_DiskMergeSettingData"] = {instance_xml(
        "Msvm_DiskMergeSettingData", {{"InstanceID", base + "\\C"}, {"EnabledState", "0"}})};
    host.lists["Msvm_VirtualSystemExportSettingData"] = {
        instance_xml("Msvm_VirtualSystemExportSettingData",
                     {{"DifferentialBackupBase", ""}, {"ExcludedVirtualHardDisks", "x"}})};
    host.lists["Msvm_ConcreteJob"] = {instance_xml(
        "Msvm_ConcreteJob", {{"InstanceID", "J1"}, {"JobType", "62"}, {"JobState", "4"}})};
    host.lists["Win32_OperatingSystem"] = {
        instance_xml("Win32_OperatingSystem", {{"BuildNumber", "20348"}})};
    host.objects["J1"] = instance_xml(
        "Msvm_ConcreteJob", {{"InstanceID", "J1"}, {"JobState", "4"}, {"ErrorCode", "0"}});
    host.objects["J2"] = instance_xml(
        "Msvm_ConcreteJob", {{"InstanceID", "J2"}, {"JobState", "10"}, {"ErrorCode", "32768"}});
    for (const char* method :
         {"CreateSnapshot", "ExportSystemDefinition", "ConvertToReferencePoint", "DestroySnapshot",
          "DestroyReferencePoint"}) {
        host.methods[method] = [](const auto&) { return job_output("J1"); };
    }
    for (const char* method : {"ModifySystemSettings", "ModifyDiskMergeSettings", "GetErrorEx",
                               "RequestStateChange", "GetVirtualHardDiskSettingData"}) {
        host.methods[method] = [](const auto&) { return code_output(0); };
    }
}

/// Every call that the contract has.
void call_everything(HyperVHost& host) {
    const auto ignoring_failures = [](const std::function<void()>& call) {
        try {
            call();
        } catch (const Error&) {  // The request is what matters here.
        }
    };
    ignoring_failures([&] { host.read_facts(); });
    host.list_vms();
    ignoring_failures([&] { host.read_vm(kVm); });
    host.list_snapshots(kVm);
    host.list_reference_points(kVm);
    host.list_snapshot_disks(kSnapshot);
    host.start_create_snapshot(kVm, ConsistencyLevel::application, "Entrepot 1");
    host.rename_snapshot(kSnapshot, "Entrepot <1> & \"2\"");
    host.start_export({kVm, kSnapshot, "\\\\a\\b\\c", "rp1", {"Microsoft:X\\0\\0\\L"}});
    host.start_export({kVm, kSnapshot, "\\\\a\\b\\c", "", {}});
    host.start_convert(kSnapshot);
    host.start_destroy_snapshot(kSnapshot);
    host.start_destroy_reference_point(kVm, "rp1");
    host.read_job(kJob);
    host.read_job({"Msvm_ConcreteJob", "J2", false});
    host.cancel_job(kJob);
    host.list_affected_snapshots(kJob);
    host.list_affected_reference_points(kJob);
    host.list_export_jobs(kVm);
    host.ensure_merge_enabled(kVm);
}

}  // namespace

TEST_CASE("conformance: every request of the contract is one that real hosts know", "[hyperv]") {
    const auto schemas = load_schemas();
    if (!schemas) return;
    FakeHyperV fake;
    fill(fake);
    const bool takes_queries = GENERATE(true, false);
    fake.takes_queries = takes_queries;
    const auto host = fake.connect();
    call_everything(*host);

    std::set<std::string> covered;
    for (const auto& request : fake.transport->requests)
        covered.insert(check_request(*schemas, request));
    for (const char* kind :
         {"Identify", "Enumerate", "Get", "CreateSnapshot", "ModifySystemSettings",
          "ExportSystemDefinition", "ConvertToReferencePoint", "DestroySnapshot",
          "DestroyReferencePoint", "GetErrorEx", "RequestStateChange", "ModifyDiskMergeSettings",
          "GetVirtualHardDiskSettingData"}) {
        INFO(kind);
        CHECK(covered.contains(kind));
    }
}

}  // namespace entrepot::hyperv
