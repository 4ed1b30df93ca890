// Ends the process at the n-th event of a backup: a host call, a journal write, a change of a file.
#pragma once

#include "appliance/jobs/job.h"
#include "exporter/hyperv/hyperv_host.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace entrepot::test {

/// Counts events, and kills at one of them.
class KillSwitch {
public:
    explicit KillSwitch(std::function<void(const std::string& event)> kill)
        : kill_(std::move(kill)) {}

    void arm(std::uint64_t number) {
        number_ = number;
        is_armed_ = true;
    }
    void happen(const std::string& event) {
        if (is_armed_ && count_++ == number_) kill_(event);
    }

private:
    std::function<void(const std::string&)> kill_;
    bool is_armed_ = false;
    std::uint64_t number_ = 0;
    std::uint64_t count_ = 0;
};

/// An event before and after each call.
std::unique_ptr<hyperv::HyperVHost> watch(std::unique_ptr<hyperv::HyperVHost> host,
                                          KillSwitch& killer);

/// An event before and after each write of the journal.
class WatchedJob final : public jobs::JobContext, private jobs::Journal {
public:
    WatchedJob(jobs::JobContext& inner, KillSwitch& killer) : inner_(inner), killer_(killer) {}

    const std::string& id() const override { return inner_.id(); }
    const Json& parameters() const override { return inner_.parameters(); }
    jobs::Journal& journal() override { return *this; }
    void enter_stage(std::string_view stage) override { inner_.enter_stage(stage); }
    void note(std::string_view text) override { inner_.note(text); }
    void warn(std::string_view text) override { inner_.warn(text); }
    Progress& progress() override { return inner_.progress(); }
    std::stop_token stop() const override { return inner_.stop(); }
    void sleep_for(std::chrono::milliseconds duration) override { inner_.sleep_for(duration); }

private:
    std::optional<Json> find(std::string_view key) const override {
        return inner_.journal().find(key);
    }
    void put(std::string_view key, const Json& value) override {
        killer_.happen("before journal " + std::string{key});
        inner_.journal().put(key, value);
        killer_.happen("after journal " + std::string{key});
    }

    jobs::JobContext& inner_;
    KillSwitch& killer_;
};

}  // namespace entrepot::test
