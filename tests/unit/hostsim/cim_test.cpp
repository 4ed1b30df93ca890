// The simulator's own readers: object paths, WQL, embedded instances.
#include "tests/hostsim/cim/embedded.h"
#include "tests/hostsim/cim/object_path.h"
#include "tests/hostsim/cim/wql.h"

#include <catch2/catch.hpp>

using namespace entrepot::hostsim;

TEST_CASE("hostsim object path: backslashes in values must be doubled", "[hostsim]") {
    const auto ref = parse_object_path(
        R"(\\HV01\root\virtualization\v2:Msvm_X.InstanceID="Microsoft:A\\B",Other="say \"x\"")",
        "hv01");
    REQUIRE(ref);
    CHECK(ref->class_name == "Msvm_X");
    CHECK(ref->name_space == "root/virtualization/v2");
    CHECK(ref->keys.at("InstanceID") == R"(Microsoft:A\B)");
    CHECK(ref->keys.at("Other") == "say \"x\"");
    CHECK_FALSE(parse_object_path(R"(Msvm_X.InstanceID="Microsoft:A\B")", "HV01"));
    CHECK_FALSE(parse_object_path(R"(\\OTHER\root\virtualization\v2:Msvm_X.A="1")", "HV01"));
    CHECK_FALSE(parse_object_path(R"(Msvm_X.InstanceID="open)", "HV01"));
}

TEST_CASE("hostsim WQL: conditions combine as in SQL", "[hostsim]") {
    const Schema schema{Schema::default_file("windows-server-2019"), 20348};
    Instance job{.class_name = "Msvm_ConcreteJob"};
    job["JobType"] = 62;
    job["ElementName"] = "Exporting";
    const auto holds = [&](const std::string& condition) {
        std::string why;
        const auto query = parse_wql("SELECT * FROM Msvm_ConcreteJob WHERE " + condition, why);
        REQUIRE(query);
        return matches(*query->select->where, job, schema);
    };
    CHECK(holds("JobType=62"));
    CHECK(holds("JobType=1 OR ElementName='exporting' AND JobType>61"));
    CHECK_FALSE(holds("(JobType=1 OR ElementName='exporting') AND JobType<62"));
    CHECK(holds("ElementName LIKE 'Exp%'"));
    CHECK_FALSE(holds("NOT ElementName LIKE 'Exp%'"));
    CHECK(holds("ErrorDescription IS NULL"));
    CHECK(holds("__this ISA 'CIM_Job'"));
    std::string why;
    CHECK_FALSE(parse_wql("SELECT * FROM", why));
    CHECK_FALSE(parse_wql("SELECT * FROM A WHERE B=", why));
    CHECK_FALSE(parse_wql("SELECT * FROM A; DELETE", why));
}

TEST_CASE("hostsim embedded: what an older host does not declare is refused", "[hostsim]") {
    const std::string text =
        "<INSTANCE CLASSNAME=\"Msvm_VirtualSystemSnapshotSettingData\">"
        "<PROPERTY NAME=\"GuestBackupType\" TYPE=\"uint8\"><VALUE>2</VALUE></PROPERTY></INSTANCE>";
    const char* name = "Msvm_VirtualSystemSnapshotSettingData";
    const auto file = Schema::default_file("windows-server-2019");
    CHECK(parse_embedded(text, name, Schema{file, 20348}).instance);
    CHECK(parse_embedded(text, name, Schema{file, 14393}).return_value == 32773);
    CHECK(parse_embedded(text, "Msvm_DiskMergeSettingData", Schema{file, 20348}).return_value ==
          32773);
    std::string wide = text;
    wide.replace(wide.find("<VALUE>2"), 8, "<VALUE>256");
    CHECK(parse_embedded(wide, name, Schema{file, 20348}).return_value == 32773);
}
