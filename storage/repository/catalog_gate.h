// Between those who ask the catalog without a session, and a rebuild that puts another one in its
// place. Follows LOCKING.md, "Locks".
#pragma once

#include <mutex>
#include <shared_mutex>

namespace entrepot::repository {

/// Safe to share between threads. Whoever asks must not ask again while he holds his turn.
class CatalogGate {
public:
    /// Many at a time; waits while the catalog is exchanged.
    std::shared_lock<std::shared_mutex> ask() {
        const std::scoped_lock turn{turnstile_};
        return std::shared_lock{mutex_};
    }

    /// Waits for those who are asking. Those who come later wait for him, or a console that looks
    /// all the time would keep him out for ever.
    std::unique_lock<std::shared_mutex> exchange() {
        const std::scoped_lock turn{turnstile_};
        return std::unique_lock{mutex_};
    }

private:
    std::mutex turnstile_;
    std::shared_mutex mutex_;
};

}  // namespace entrepot::repository
