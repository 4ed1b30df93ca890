// The open handles of one run, from the first look until nobody has any.
#pragma once

#include "appliance/share/file_server.h"

#include "base/error.h"

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::share {

/// Whether clients that do not let go by themselves are made to.
enum class Insist { no, yes };

class OpenHandles {
public:
    /// What is passed must outlive it. Without a file server nobody knows, and nothing counts as
    /// open. `on_close` is told once of each client whose sessions are closed; it may be empty.
    OpenHandles(FileServer* server, std::string_view run_id,
                const std::function<void(const Holder&)>& on_close)
        : server_(server), run_id_(run_id), on_close_(on_close) {}

    /// Throws if the file server does not answer, of which `smbstatus` would say nothing.
    void check_server(std::stop_token stop);
    /// Looks once. With Insist::yes the holders' sessions are closed, unless they write other runs
    /// as well; look again to see the effect.
    bool are_closed(Insist insist, std::stop_token stop);
    bool are_known_open() const { return !holders_.empty(); }
    /// Error{timeout} that says who holds what. Requires are_known_open().
    Error failure() const;

private:
    void close(const Holder& holder, std::stop_token stop);

    FileServer* server_;
    std::string run_id_;
    const std::function<void(const Holder&)>& on_close_;
    std::vector<Holder> holders_;
    std::vector<std::string> told_;  ///< Clients that `on_close` was told of.
};

}  // namespace entrepot::share
