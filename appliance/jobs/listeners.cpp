// Subscriptions; see listeners.h.
#include "appliance/jobs/listeners.h"

#include <utility>

namespace entrepot::jobs {

class Listeners::Entry final : public Subscription {
public:
    Entry(Listeners& owner, std::uint64_t number) : owner_(owner), number_(number) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() override { owner_.remove(number_); }

private:
    Listeners& owner_;
    std::uint64_t number_;
};

std::unique_ptr<Subscription> Listeners::add(JobListener listener) {
    const std::scoped_lock lock{mutex_};
    const std::uint64_t number = next_number_++;
    listeners_.emplace(number, std::move(listener));
    return std::make_unique<Entry>(*this, number);
}

void Listeners::notify(const JobView& view) {
    const std::scoped_lock lock{mutex_};
    for (const auto& [number, listener] : listeners_) {
        listener(view);
    }
}

void Listeners::remove(std::uint64_t number) {
    const std::scoped_lock lock{mutex_};
    listeners_.erase(number);
}

}  // namespace entrepot::jobs
