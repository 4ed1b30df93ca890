// What a client does that knows no streams.
#include "appliance/ctl/api_client.h"

namespace entrepot::ctl {

api::Response ApiClient::download(const api::Request& request, const BodySink& sink) {
    api::Response response = send(request);
    if (!api::is_error(response)) sink(response.body);
    return response;
}

}  // namespace entrepot::ctl
