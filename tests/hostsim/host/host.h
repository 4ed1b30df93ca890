// The simulated host as a whole: what all of its parts share.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "tests/hostsim/cim/schema.h"
#include "tests/hostsim/host/config.h"
#include "tests/hostsim/host/fault_plan.h"
#include "tests/hostsim/host/held_files.h"
#include "tests/hostsim/host/model.h"
#include "tests/hostsim/host/texts.h"

#include <fstream>
#include <functional>
#include <mutex>
#include <string>

namespace entrepot::hostsim {

/// The model is touched only under the mutex; everything else is safe to share.
class Host {
public:
    explicit Host(Config config);

    const Config& config() const { return config_; }
    const Schema& schema() const { return schema_; }
    FaultPlan& faults() { return faults_; }
    HeldFiles& held_files() { return held_files_; }
    std::mutex& mutex() { return mutex_; }
    Model& model() { return model_; }
    const Model& model() const { return model_; }

    /// The host's own clock. Takes no lock; the offset changes only under the mutex.
    DateTime now() const;
    Guid make_guid();
    std::string make_id() { return make_guid().to_upper_string(); }
    /// As configured, or as a fault says.
    Language language() const;
    std::string say(Text text) const { return text_of(text, language()); }
    /// A whole sentence that has no row of its own: another language says something vague, and
    /// names what it is about.
    std::string localise(const std::string& english, const std::string& what = {}) const;

    /// Writes the model down. Call under the mutex after each change.
    void save() const;
    /// Ends merges that are due and forgets finished jobs. Call under the mutex.
    void settle();
    /// Removes the files in frozen and tracking that nothing refers to any more.
    void remove_orphans() const;
    /// Drops the snapshots and reference points of a VM that is gone. Call under the mutex.
    void forget_vm(const std::string& id);
    /// Set once, before anything runs: what a reboot does, from a thread of its own.
    void set_reboot(std::function<void()> reboot) { reboot_ = std::move(reboot); }
    void reboot() const {
        if (reboot_) reboot_();
    }
    void shift_clock(std::chrono::milliseconds offset);

    /// A line of requests.jsonl or exports.jsonl.
    void log_request(const Json& line);
    void log_export(const Json& line);

    std::filesystem::path state_path(const std::string& relative) const {
        return config_.state / relative;
    }

private:
    void load();
    void add_configured_vms();

    Config config_;
    Schema schema_;
    FaultPlan faults_;
    HeldFiles held_files_;
    std::mutex mutex_;
    Model model_;
    std::atomic<std::int64_t> clock_offset_ms_{0};
    SystemRandom random_;
    std::function<void()> reboot_;
    std::mutex log_mutex_;
    std::ofstream requests_;
    std::ofstream exports_;
};

/// A VM as the configuration describes it; also for `ctl vm add`. Throws Error{invalid}.
Vm make_vm(const Json& json, Host& host);
/// One of its disks, of the given number.
VmDisk make_disk(const Json& json, const Vm& vm, int number, Host& host);

}  // namespace entrepot::hostsim
