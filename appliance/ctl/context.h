// What a command works with while it runs.
#pragma once

#include "appliance/config/config.h"
#include "appliance/ctl/api_client.h"
#include "appliance/ctl/options.h"
#include "appliance/ctl/terminal.h"
#include "appliance/daemon/appliance.h"

#include "base/json.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace entrepot::ctl {

/// Exit statuses of the public interfaces.
enum class ExitStatus { done = 0, failed = 1, usage = 2, partly = 3, damaged = 4 };

/// What an invocation needs of the world; tests put their own client behind it.
struct Surroundings {
    daemon::World world;
    Terminal& terminal;
    std::function<std::unique_ptr<ApiClient>(const config::Config&, const GlobalOptions&)>
        make_client;
};

class Context {
public:
    Context(const Surroundings& surroundings, const GlobalOptions& options)
        : surroundings_(surroundings), options_(options) {}

    const GlobalOptions& options() const { return options_; }
    const daemon::World& world() const { return surroundings_.world; }
    Terminal& terminal() const { return surroundings_.terminal; }
    std::ostream& out() const { return surroundings_.terminal.out(); }
    /// With --data and ENTREPOT_DATA taken into account.
    const config::Config& config();

    /// The answer's document; an empty object for none. Throws the Error that a problem document
    /// tells of.
    Json get(const std::string& path, const std::map<std::string, std::string>& query = {});
    Json post(const std::string& path, const Json& body = Json::object());
    Json patch(const std::string& path, const Json& body);
    Json put(const std::string& path, const Json& body);
    Json remove(const std::string& path, const std::map<std::string, std::string>& query = {});
    /// All pages of a list.
    Json get_all(const std::string& path, const std::string& noun,
                 std::map<std::string, std::string> query = {});

    /// The body of an answer, piece by piece. Returns its headers, those of a trailer too, with
    /// names in lower case. Errors as get(), and Error{io} where it ends too early.
    std::map<std::string, std::string> download(const std::string& path,
                                                const std::map<std::string, std::string>& query,
                                                const BodySink& sink);

    /// The document with --json, else what `print` writes for people.
    void show(const Json& document, const std::function<void(std::ostream&)>& print);
    /// A sentence for people; an object with --json.
    void show_done(const std::string& sentence, const Json& document = Json::object());

    /// Asks unless --yes. Where nobody can be asked: Error{usage} if `needs_yes`. Throws
    /// Error{cancelled} for a no.
    enum class WithoutTerminal { refuse, go_on };
    void confirm(const std::string& question, WithoutTerminal without_terminal);

private:
    ApiClient& client();
    Json send(api::Method method, const std::string& path,
              const std::map<std::string, std::string>& query, const Json* body);

    Surroundings surroundings_;
    GlobalOptions options_;
    std::optional<config::Config> config_;
    std::unique_ptr<ApiClient> client_;
};

/// "/api/v1/points/{id}" for a path segment that a person typed.
std::string api_path(const std::string& resource, const std::string& id = {},
                     const std::string& action = {});

}  // namespace entrepot::ctl
