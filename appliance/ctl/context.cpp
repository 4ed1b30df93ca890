// Requests, answers, questions.
#include "appliance/ctl/context.h"

#include "appliance/api/jobs.h"
#include "appliance/api/problem.h"

#include "base/error.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

constexpr std::size_t kPagesMax = 10'000;

}  // namespace

std::string api_path(const std::string& resource, const std::string& id,
                     const std::string& action) {
    std::string path = "/api/v1/" + resource;
    if (!id.empty()) path += "/" + api::encode_percent(id);
    if (!action.empty()) path += "/" + action;
    return path;
}

const config::Config& Context::config() {
    if (!config_) {
        config_ = config::load_config(surroundings_.world.file_system, options_.config_file);
        if (options_.data_directory) {
            config_->data_directory = std::filesystem::absolute(*options_.data_directory);
            config_->sources["data"] = config::Source::command_line;
        }
    }
    return *config_;
}

ApiClient& Context::client() {
    if (!client_) client_ = surroundings_.make_client(config(), options_);
    return *client_;
}

std::map<std::string, std::string> Context::download(
    const std::string& path, const std::map<std::string, std::string>& query,
    const BodySink& sink) {
    api::Request request;
    request.path = path;
    request.query = query;
    api::Response response = client().download(request, sink);
    if (api::is_error(response)) throw api::error_from_problem(response);
    return std::move(response.headers);
}

Json Context::send(api::Method method, const std::string& path,
                   const std::map<std::string, std::string>& query, const Json* body) {
    api::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    if (body != nullptr) request.body = dump_json(*body);
    if (method == api::Method::post && !options_.once_key.empty()) {
        request.headers[api::kIdempotencyHeader] = options_.once_key;
    }
    const api::Response response = client().send(request);
    if (api::is_error(response)) throw api::error_from_problem(response);
    if (response.body.empty()) return Json::object();
    return parse_json(response.body, "the appliance's answer");
}

Json Context::get(const std::string& path, const std::map<std::string, std::string>& query) {
    return send(api::Method::get, path, query, nullptr);
}

Json Context::post(const std::string& path, const Json& body) {
    return send(api::Method::post, path, {}, &body);
}

Json Context::patch(const std::string& path, const Json& body) {
    return send(api::Method::patch, path, {}, &body);
}

Json Context::put(const std::string& path, const Json& body) {
    return send(api::Method::put, path, {}, &body);
}

Json Context::remove(const std::string& path, const std::map<std::string, std::string>& query) {
    return send(api::Method::delete_, path, query, nullptr);
}

Json Context::get_all(const std::string& path, const std::string& noun,
                      std::map<std::string, std::string> query) {
    Json entries = Json::array();
    for (std::size_t page = 0; page < kPagesMax; ++page) {
        const Json answer = get(path, query);
        for (const Json& entry : answer.at(noun))
            entries.push_back(entry);
        const auto cursor = answer.find("next_cursor");
        if (cursor == answer.end() || !cursor->is_string()) break;
        query["cursor"] = cursor->get<std::string>();
    }
    return entries;
}

void Context::show(const Json& document, const std::function<void(std::ostream&)>& print) {
    if (options_.is_json) {
        out() << dump_json(document, 2) << "\n";
    } else {
        print(out());
    }
    out() << std::flush;
}

void Context::show_done(const std::string& sentence, const Json& document) {
    show(document, [&](std::ostream& stream) { stream << sentence << "\n"; });
}

void Context::confirm(const std::string& question, WithoutTerminal without_terminal) {
    if (options_.is_yes) return;
    if (!terminal().can_ask()) {
        if (without_terminal == WithoutTerminal::go_on) return;
        throw Error{ErrorCode::usage, "this cannot be undone, and nobody is there to be asked",
                    "add --yes"};
    }
    const std::string answer = terminal().ask(question + " [y/N] ");
    if (answer == "y" || answer == "Y" || answer == "yes") return;
    throw Error{ErrorCode::cancelled, "nothing was changed"};
}

}  // namespace entrepot::ctl
