// Whether a restore can work, before anything is done: each question with its answer and, where it
// is no, what a person can do. The job asks the same questions again.
#pragma once

#include "appliance/backup/vm_facts.h"
#include "appliance/restore/layout.h"
#include "appliance/restore/restore_request.h"
#include "appliance/restore/target.h"

#include "exporter/hyperv/restore_host.h"
#include "storage/repository/repository.h"

#include "base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace entrepot::restore {

/// What the host said just now.
struct HostView {
    hyperv::HostFacts facts;
    std::vector<hyperv::VmIdentity> vms;
    std::vector<hyperv::PlannedVm> planned;
    std::vector<hyperv::VirtualSwitch> switches;
    std::optional<std::uint64_t> free_bytes;  ///< Where host_path lies, for Reach::copied.
};

struct Question {
    const RestoreRequest& request;
    const repository::PointSummary& point;
    const std::string& host_name;
    const HostView& view;
    const Target& target;
    std::uint64_t share_free_bytes = 0;
    /// Other hosts that had a VM of this id when they were last asked.
    std::vector<std::string> other_hosts;
};

enum class Verdict {
    good,
    note,     ///< Good to know.
    warning,  ///< It will be done; a person should know before.
    blocked,
};

std::string_view to_string(Verdict verdict);

struct Check {
    std::string id;  ///< "version", "name", ...: for scripts.
    Verdict verdict = Verdict::good;
    std::string text;
    std::string cure;
};

std::vector<Check> check_restore(const Question& question);
const Check* find_blocked(const std::vector<Check>& checks);
Json to_json(const std::vector<Check>& checks);

/// The name that the VM will have.
std::string choose_name(const RestoreRequest& request, const repository::PointSummary& point,
                        const std::vector<hyperv::VmIdentity>& vms);

/// Bytes that the share needs for the point's disks.
std::uint64_t bytes_needed(const repository::PointSummary& point);

}  // namespace entrepot::restore
