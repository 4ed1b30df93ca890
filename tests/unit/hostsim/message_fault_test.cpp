// Broken connections and messages (threats-and-faults.md F-WM-01 to F-WM-14).
#include "simulator.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <catch2/catch.hpp>

using namespace entrepot;
using namespace entrepot::test;

namespace {

const std::string kSystems = std::string{kV2} + "Msvm_ComputerSystem";

Answer enumerate(const Simulator& simulator) {
    return Soap{simulator}.enumerate(kSystems, "");
}

/// The outcome of one request whose certificate is checked against the simulator's own.
CURLcode verify(const Simulator& simulator) {
    CURL* curl = curl_easy_init();
    const std::string ca = simulator.path("state/certificate.pem").string();
    curl_easy_setopt(curl, CURLOPT_URL, simulator.url().c_str());
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca.c_str());
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code;
}

}  // namespace

TEST_CASE("hostsim message: answers that are cut, mislabelled or endless", "[hostsim]") {
    const Simulator simulator;
    for (const char* fault : {"cut-body", "broken-chunks", "gzip-body", "reply-lost"}) {
        INFO(fault);
        simulator.plan_fault("Enumerate", fault);
        CHECK(enumerate(simulator).status == (std::string{fault} == "gzip-body" ? 200 : 0));
        CHECK(enumerate(simulator).status == 200);
    }
    simulator.plan_fault("Enumerate", "wrong-length");
    const Answer half = enumerate(simulator);
    CHECK_FALSE(half.has("</s:Envelope>"));
    simulator.plan_fault("Enumerate", "slow-body:100000");
    CHECK(enumerate(simulator).has("EnumerationContext"));
}

TEST_CASE("hostsim message: redirects and statuses come before anything is done", "[hostsim]") {
    const Simulator simulator;
    simulator.plan_fault("Enumerate", "redirect:http://127.0.0.1:1/wsman");
    CHECK(enumerate(simulator).status == 307);
    simulator.plan_fault("Enumerate", "http-status:404");
    CHECK(enumerate(simulator).status == 404);
    CHECK(simulator.control({"audit"}).at("enumeration_contexts") == 0);
}

TEST_CASE("hostsim message: hostile documents and answers to other questions", "[hostsim]") {
    const Simulator simulator;
    const auto with = [&](const std::string& fault) {
        simulator.plan_fault("Enumerate", fault);
        return enumerate(simulator).body;
    };
    CHECK(with("hostile-xml:doctype").starts_with("<!DOCTYPE"));
    CHECK(with("hostile-xml:entities").find("<!ENTITY a11") != std::string::npos);
    CHECK(with("hostile-xml:depth").size() > 600'000);
    CHECK(with("hostile-xml:attributes").size() > 8 * kMiB);
    CHECK(with("hostile-xml:nul").find('\0') != std::string::npos);
    CHECK(with("hostile-xml:utf8").find("\xC0\xAF") != std::string::npos);
    CHECK(with("wrong-action").find("PutResponse") != std::string::npos);
    CHECK(with("wrong-namespace").find("2004/09/other") != std::string::npos);
    const std::string former = enumerate(simulator).body;
    CHECK(with("stale-reply") == former);
    CHECK(enumerate(simulator).body != former);
}

TEST_CASE("hostsim message: refusals of the service", "[hostsim]") {
    const Simulator simulator;
    const auto with = [&](const std::string& fault) {
        simulator.plan_fault("Enumerate", fault);
        return enumerate(simulator);
    };
    CHECK(with("rate-quota").has("2150859175"));
    CHECK(with("envelope-limit").has("2150858824"));
    CHECK(with("timed-out").has("w:TimedOut"));
}

TEST_CASE("hostsim TLS: another key, an ended certificate, another name, an old protocol",
          "[hostsim]") {
    const Simulator simulator;
    CHECK(verify(simulator) == CURLE_OK);
    for (const char* fault :
         {"other-certificate", "expired-certificate", "wrong-name-certificate"}) {
        INFO(fault);
        simulator.plan_fault("connect", fault);
        CHECK(verify(simulator) == CURLE_PEER_FAILED_VERIFICATION);
        CHECK(verify(simulator) == CURLE_OK);
    }
    simulator.plan_fault("connect", "old-tls");
    CHECK(verify(simulator) == CURLE_SSL_CONNECT_ERROR);
    CHECK(verify(simulator) == CURLE_OK);
}

TEST_CASE("hostsim quota: open contexts count, and can always be given up", "[hostsim]") {
    const Simulator simulator{0, {{"quotas", {{"operations_per_user", 2}, {"envelope_kb", 32}}}}};
    Soap soap{simulator};
    const std::string first = soap.enumerate(kSystems, "").text("EnumerationContext");
    CHECK(soap.enumerate(kSystems, "").status == 200);
    CHECK(soap.enumerate(kSystems, "").has("2150859174"));
    // Another user has a quota of his own.
    Soap reader{simulator, "reader:secret"};
    CHECK(reader.enumerate(kSystems, "").status == 200);
    const Answer released = soap.send(
        "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Release", kSystems,
        "<n:Release><n:EnumerationContext>" + first + "</n:EnumerationContext></n:Release>");
    CHECK(released.status == 200);
    CHECK(soap.enumerate(kSystems, "").status == 200);
    CHECK(soap.post(identify_envelope() + std::string(40'000, ' ')).has("2150858824"));
}

TEST_CASE("hostsim language: texts are German or Japanese, codes are not", "[hostsim]") {
    using Row = std::tuple<const char*, const char*, const char*>;
    const auto [language, tag, word] = GENERATE(table<const char*, const char*, const char*>(
        {Row{"de", "de-DE", "Virtueller Computer"}, Row{"ja", "ja-JP", "仮想マシン"}}));
    const Simulator simulator{0, {{"host", {{"language", language}}}}};
    Soap soap{simulator};
    const std::string vm = vm_id(soap);
    const auto systems = soap.query("SELECT * FROM Msvm_ComputerSystem WHERE Name='" + vm + "'");
    CHECK(element_text(systems.at(0), "Caption") == word);
    simulator.plan_fault("CreateSnapshot", "fail-job:0x80070005");
    const Answer failed = soap.wait(start_snapshot(soap, vm, 2));
    CHECK(failed.text("ErrorDescription").ends_with("(0x80070005)."));
    CHECK(failed.text("ErrorDescription").find("failed") == std::string::npos);
    CHECK(soap.get(kSystems, {{"Name", vm}}).has(std::string{"xml:lang=\""} + tag));
}

TEST_CASE("hostsim rights: a filtered token sees nothing and gets no error", "[hostsim]") {
    const Simulator simulator{
        0,
        {{"users",
          {{{"name", "HV01\\backup"}, {"password", "secret"}, {"token_filtered", true}}}}}};
    Soap soap{simulator};
    CHECK(soap.query("SELECT * FROM Msvm_ComputerSystem").empty());
    CHECK(soap.query("SELECT * FROM Win32_OperatingSystem", kCimv2).size() == 1);
}
