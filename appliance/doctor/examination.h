// One examination: what its layers share. The layers stand in files of their own.
#pragma once

#include "appliance/doctor/doctor.h"
#include "appliance/doctor/report.h"

#include "exporter/wsman/curl_transport.h"
#include "exporter/wsman/fault.h"
#include "exporter/wsman/login_error.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::doctor {

class Examination {
public:
    Examination(const Services& services, const state::HostRecord& host, const Options& options,
                std::stop_token stop);

    std::vector<Check> run();

private:
    void look_at_name();
    void look_at_port();
    void look_at_tls();
    void look_at_http();
    void look_at_clock();
    void look_at_login();
    void look_at_quota();
    void look_at_system();
    void look_at_role();
    void look_at_rights();
    void look_at_schema();
    void look_at_vms();
    void look_at_guests();
    void look_at_share();
    void look_at_residue();

    void judge_closed_port(const wsman::PortReport& report);
    void judge_handshake(const wsman::TlsReport& report);
    void judge_certificate(const wsman::CertificateReport& certificate);
    void judge_dates(const wsman::CertificateReport& certificate, const std::string& evidence);
    bool make_probe();
    void judge_answer();
    void judge_http_error(const Error& error);
    bool is_kerberos_wanted() const;
    void judge_login(const wsman::LoginError& error);
    void judge_refusal(const wsman::LoginError& error);
    void judge_login_trouble(const Error& error);
    void judge_denial(const wsman::Fault& fault, const std::string& name_space);
    void judge_emptiness(bool is_all_hidden);
    void look_at_disks();
    void look_at_share_name(const state::ShareRecord& share);
    bool look_at_share_directory(const state::ShareRecord& share);
    void look_at_share_room(const state::ShareRecord& share);
    void look_at_file_server(const state::ShareRecord& share);
    void look_at_share_account();
    void look_at_identity(const state::ShareRecord& share);
    void look_at_folders();
    bool has_running_backup() const;
    void look_at_host_residue();

    /// A finding after which nothing further up can work.
    void fail(std::string_view id, const std::string& evidence, const Arguments& arguments = {}) {
        report_.add(id, evidence, arguments);
        blocker_ = id;
    }
    /// Runs a layer unless `blocker_` is set; what it throws ends that layer, not the examination.
    template <typename Body>
    void layer(std::string_view name, Body&& body);

    const Services& services_;
    const state::HostRecord& host_;
    const Options& options_;
    std::stop_token stop_;
    Report report_;
    std::string blocker_;  ///< The id that keeps further layers from being looked at.

    wsman::UrlParts url_;
    std::string address_;
    std::optional<hyperv::Connection> connection_;
    std::unique_ptr<hyperv::HostProbe> probe_;
    hyperv::HttpReport http_;
    hyperv::LoginReport login_;
    std::optional<hyperv::HostFacts> facts_;
    std::optional<hyperv::HostCapabilities> capabilities_;
    hyperv::ProcessReport processes_;
    std::optional<std::vector<hyperv::Vm>> vms_;
};

/// Of DOMAIN\user, user@REALM or user: the last part.
std::string account_of(const std::string& user);

}  // namespace entrepot::doctor
