// The appliance in the command's own process, where no daemon holds the data directory.
#pragma once

#include "appliance/ctl/api_client.h"
#include "appliance/daemon/appliance.h"

namespace entrepot::ctl {

class OwnClient final : public ApiClient {
public:
    /// Takes the data directory's lock. Errors as daemon::Appliance.
    OwnClient(const daemon::World& world, const config::Config& config, daemon::KeyReader read_key);

    /// The same routes as the daemon's; jobs run from the first request on that makes one.
    api::Response send(const api::Request& request) override;
    api::Response download(const api::Request& request, const BodySink& sink) override;

private:
    daemon::Appliance appliance_;
};

/// True for a request that is answered with jobs.
bool makes_jobs(const api::Request& request);

}  // namespace entrepot::ctl
