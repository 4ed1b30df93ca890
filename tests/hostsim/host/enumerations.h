// Enumeration contexts: what a Pull goes on with (wsman.md section 6).
#pragma once

#include "tests/hostsim/host/query.h"
#include "tests/hostsim/wire/soap.h"

#include <map>
#include <string>
#include <vector>

namespace entrepot::hostsim {

/// Call everything under the host's mutex.
class Enumerations {
public:
    explicit Enumerations(Host& host) : host_(host) {}

    /// The bodies of EnumerateResponse, PullResponse and ReleaseResponse. Throw SoapFault.
    std::string enumerate(const SoapRequest& request, const Viewer& viewer,
                          const std::string& user);
    std::string pull(const SoapRequest& request, const std::string& user);
    std::string release(const SoapRequest& request, const std::string& user);

    std::size_t count() const { return contexts_.size(); }
    std::size_t count(const std::string& user) const;
    void clear() { contexts_.clear(); }

private:
    struct Context {
        std::string name_space;
        std::string user;
        std::vector<std::string> items;  ///< As XML, in the mode that was asked for.
        std::size_t next = 0;
        DateTime expires{};
    };
    Context make_context(const SoapRequest& request, const Viewer& viewer,
                         const pugi::xml_node& enumerate);
    /// Takes the context out; the caller puts what is left back under a new name.
    Context take_context(const SoapRequest& request, const pugi::xml_node& body,
                         const std::string& user);
    std::string store(Context context);
    std::string take_items(Context& context, std::size_t count_max, std::size_t bytes_max) const;

    Host& host_;
    std::map<std::string, Context> contexts_;
};

}  // namespace entrepot::hostsim
