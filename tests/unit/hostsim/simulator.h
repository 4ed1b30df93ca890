// A running simulator and a client that speaks plain SOAP to it, for its own tests.
#pragma once

#include "base/bytes.h"
#include "base/json.h"
#include "tests/support/temporary_directory.h"

#include <curl/curl.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::test {

inline constexpr const char* kV2 =
    "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/";
inline constexpr const char* kCimv2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/";

struct Answer {
    long status = 0;  ///< 0: the connection ended without an answer.
    std::string body;
    std::vector<std::string> offers;  ///< WWW-Authenticate, one by one.

    bool has(const std::string& text) const { return body.find(text) != std::string::npos; }
    /// The text of the first element of that local name; empty if there is none.
    std::string text(const std::string& element) const;
};

/// The process, with one VM of two small disks.
class Simulator {
public:
    explicit Simulator(std::uint64_t seed = 0, const Json& more = Json::object());
    Simulator(const Simulator&) = delete;
    Simulator& operator=(const Simulator&) = delete;
    ~Simulator();

    std::filesystem::path path(const std::string& name) const { return directory_.path() / name; }
    const std::string& url() const { return url_; }
    void stop();
    void start();

    /// `ctl` with these words; the parsed answer.
    Json control(const std::vector<std::string>& words) const;
    void plan_fault(const std::string& at, const std::string& action, int times = 1) const;
    std::vector<Json> exports() const;

    /// Writes bytes of one value into a disk, as a guest would.
    void guest_writes(const std::string& disk, std::uint64_t offset, std::size_t length,
                      char value) const;

private:
    TemporaryDirectory directory_;
    std::string url_;
    int process_ = -1;
};

/// One connection.
class Soap {
public:
    explicit Soap(const Simulator& simulator, std::string login = "backup:secret");
    Soap(const Soap&) = delete;
    Soap& operator=(const Soap&) = delete;
    ~Soap();

    /// Sends these bytes; `authorization` replaces the login if it is not empty.
    Answer post(const std::string& body, const std::string& authorization = {});
    using Selectors = std::map<std::string, std::string>;
    Answer send(const std::string& action, const std::string& uri, const std::string& body,
                const Selectors& selectors = {}, const std::string& more_headers = {});
    Answer get(const std::string& uri, const Selectors& selectors);
    Answer enumerate(const std::string& uri, const std::string& inner);
    Answer pull(const std::string& uri, const std::string& context, int elements = 0);
    /// All items of a query, as XML, one by one.
    std::vector<std::string> query(const std::string& wql, const char* name_space = kV2);
    Answer invoke(const std::string& class_name, const std::string& method,
                  const std::string& parameters, const Selectors& selectors = {});
    /// Polls a job that an answer names until it ended; the last answer of Get.
    Answer wait(const Answer& started);

private:
    CURL* curl_;
    std::string login_;
    std::string url_;
};

std::string escape(const std::string& text);
std::string identify_envelope();
std::string reference(const std::string& parameter, const std::string& class_name,
                      const Soap::Selectors& keys);
std::string element_text(const std::string& xml, const std::string& element);

// The calls of a backup.
std::string vm_id(Soap& soap);
Answer start_snapshot(Soap& soap, const std::string& vm, int consistency);
/// Returns the InstanceID; the job must end well.
std::string take_snapshot(Soap& soap, const std::string& vm, int consistency);
Answer start_export(Soap& soap, const std::string& vm, const std::string& snapshot,
                    const std::string& run, const std::string& base = {});
Answer start_convert(Soap& soap, const std::string& snapshot);
/// Returns the point's InstanceID; the job must end well.
std::string convert(Soap& soap, const std::string& snapshot);

}  // namespace entrepot::test
