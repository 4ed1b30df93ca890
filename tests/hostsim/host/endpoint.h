// The WinRM service: logins, SOAP actions, faults on request.
#pragma once

#include "tests/hostsim/host/enumerations.h"
#include "tests/hostsim/host/message_faults.h"
#include "tests/hostsim/host/methods.h"
#include "tests/hostsim/wire/authenticator.h"
#include "tests/hostsim/wire/http_server.h"
#include "tests/hostsim/wire/soap.h"

#include <atomic>
#include <memory>
#include <string>

namespace entrepot::hostsim {

class Endpoint {
public:
    Endpoint(Host& host, Methods& methods)
        : host_(host), methods_(methods), enumerations_(host), message_faults_(host) {}

    /// For HttpServer: nullptr while the host is unreachable.
    std::unique_ptr<ConnectionHandler> connect();

    /// Answers one authenticated envelope. `user` is nullptr for an anonymous Identify.
    HttpReply answer(const std::string& envelope, const User* user);

    Enumerations& enumerations() { return enumerations_; }
    Host& host() { return host_; }
    std::uint64_t failed_logins() const { return failed_logins_; }
    void count_failed_login() { ++failed_logins_; }

private:
    std::string dispatch(const SoapRequest& request, const User& user, std::string& action,
                         std::string& verdict);
    std::string get(const SoapRequest& request, const Viewer& viewer);
    std::string identify(const User* user) const;
    void check_planned_faults(const SoapRequest& request);
    HttpReply finish(const SoapRequest& request, SoapResponse response, int status);

    Host& host_;
    Methods& methods_;
    Enumerations enumerations_;
    std::atomic<std::uint64_t> failed_logins_{0};
    MessageFaults message_faults_;
};

}  // namespace entrepot::hostsim
