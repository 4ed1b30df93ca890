// Which request goes to which handler, and with which privilege. The only place where an error
// becomes an answer.
#pragma once

#include "appliance/api/request.h"

#include "base/log.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::api {

using Handler = std::function<Response(const Request&)>;

struct Route {
    Method method = Method::get;
    std::string pattern;  ///< "/api/v1/points/{point}"
    Privilege privilege = Privilege::administrator;
    Handler handler;
};

class Router {
public:
    explicit Router(Log& log) : log_(log) {}

    /// Requires that no route of the same method and pattern was added before.
    void add(Method method, std::string pattern, Privilege privilege, Handler handler);

    /// Never throws for what a request can do: errors come back as problem documents. 404 for an
    /// unknown path, 405 for another method of a known one, 401 and 403 by privilege.
    Response dispatch(Request request) const;

    const std::vector<Route>& routes() const { return routes_; }

private:
    /// nullptr if only other methods of the path are known. Error{not_found} for an unknown path.
    const Route* match(Request& request) const;
    Response run(Request& request) const;

    Log& log_;
    std::vector<Route> routes_;
};

}  // namespace entrepot::api
