// A running host simulator with two small VMs, for as long as the object lives.
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "exporter/hyperv/hyperv_host.h"
#include "tests/support/temporary_directory.h"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace entrepot {

class Simulator {
public:
    /// True if the program was built.
    static bool is_available();

    /// Throws if it does not come up. `changes` are merged into its configuration.
    explicit Simulator(const Json& changes = Json::object());
    Simulator(const Simulator&) = delete;
    Simulator& operator=(const Simulator&) = delete;
    ~Simulator();

    hyperv::Connection connection(hyperv::Authentication authentication) const;
    /// The same without TLS: every message is sealed.
    hyperv::Connection http_connection(hyperv::Authentication authentication) const;
    std::string url() const { return endpoint_.at("url"); }
    std::string http_url() const { return endpoint_.at("http_url"); }
    std::filesystem::path share() const { return directory_.path() / "share"; }
    /// Overwrites bytes of a VM's disk, as its guest would.
    void write_disk(const std::string& file, std::size_t offset, std::size_t length, char byte);
    /// What the simulator's own command answers.
    Json control(const std::vector<std::string>& words) const;
    /// Log of what was asked, one object a request.
    std::string request_log() const;

private:
    void end();

    test::TemporaryDirectory directory_;
    pid_t process_ = -1;
    int output_ = -1;
    Json endpoint_;
};

}  // namespace entrepot
