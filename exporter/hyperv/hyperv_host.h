// A Hyper-V host as the backup sees it: inventory, snapshot, export, reference points, jobs.
// Follows the reference of the WMI provider (root/virtualization/v2); every call is one step that
// can be looked up again.
#pragma once

#include "exporter/hyperv/vm_hardware.h"

#include "base/clock.h"
#include "base/guid.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace entrepot::wsman {
class HostGate;
}

namespace entrepot::hyperv {

enum class Authentication { negotiate, ntlm, kerberos, basic, certificate };

/// Whether messages are encrypted by the login itself. Over plain HTTP they must be.
enum class MessageEncryption {
    https_only,  ///< TLS protects; an http URL is refused.
    over_http,   ///< An http URL is taken, and its messages are sealed.
    always,      ///< They are sealed inside TLS too.
};

/// How to reach a host. Exactly one of ca_file and pin_sha256, or neither for the system's CAs.
struct Connection {
    std::string url{};  ///< https://HOST:5986/wsman
    Authentication authentication = Authentication::negotiate;
    std::string user{};  ///< DOMAIN\user, HOST\user or user; for Kerberos user@REALM.
    Secret password{};
    Secret keytab{};        ///< For Kerberos: content of a keytab, instead of a password.
    std::string service{};  ///< For Kerberos: HTTP, WSMAN, host or SERVICE/HOST.
    std::string client_certificate{};  ///< PEM; for Authentication::certificate.
    Secret client_key{};               ///< PEM, without passphrase.
    MessageEncryption encryption = MessageEncryption::https_only;
    bool indents_inner_headers = true;  ///< False for OMI, which refuses MS-WSMV's tab.
    std::filesystem::path ca_file{};
    std::string pin_sha256{};                  ///< Hex SHA-256 of the leaf certificate's DER.
    std::filesystem::path record_directory{};  ///< Empty: no wire record.
    /// Whether the login is tied to the certificate that we saw (RFC 5929).
    bool binds_channel = true;
    /// Whether a request that a quota turned away is asked for again for minutes, or for seconds.
    bool waits_out_quotas = true;
    /// Whether a name in the URL may lead to this machine itself, or to an address no host has.
    bool allows_local_names = true;
    /// Shared by all connections to the host; none: this one stands alone.
    std::shared_ptr<wsman::HostGate> gate{};
};

/// A disk slot of a VM or of a snapshot.
struct Disk {
    std::string instance_id;  ///< Msvm_StorageAllocationSettingData.InstanceID.
    std::string slot_id;   ///< instance_id without "Microsoft:<GUID>\": equal in the VM and in its
                           ///< snapshots.
    std::string drive_id;  ///< InstanceID of the drive that holds it; its own if passed through.
    std::string path;      ///< HostResource.
    std::string controller;  ///< "scsi" or "ide".
    std::uint32_t controller_number = 0;
    std::uint32_t location = 0;
    std::optional<Guid> virtual_disk_id;  ///< Where GetVirtualHardDiskSettingData was asked.
    std::uint64_t size_bytes = 0;         ///< 0: not asked.
    std::uint32_t logical_sector_size = 0;
    /// What its images occupy on the host, those below a checkpoint included; 0: not known.
    std::uint64_t file_size_bytes = 0;
    std::string format;  ///< "vhdx", "vhd", "vhds", "physical"; empty: not known.
    bool is_pass_through = false;
    bool is_shared = false;
    std::string cannot_back_up;  ///< Empty, or why: pass-through, shared, not a VHDX, ...
};

struct Snapshot {
    std::string instance_id;  ///< "Microsoft:<GUID>"
    std::string name;
    std::string vm_id;
    bool is_recovery = false;  ///< Snapshot:Recovery, else a user's checkpoint.
    std::string created;       ///< By the host's clock, RFC 3339.
};

struct ReferencePoint {
    std::string instance_id;
    std::string vm_id;
    std::uint16_t type = 0;  ///< 2 = resilient change tracking.
    std::uint16_t consistency_level = 0;
    std::vector<std::string> disk_ids;  ///< Instance ids, parallel to rct_ids.
    std::vector<std::string> rct_ids;
};

/// What the host's side of a guest's integration service says.
struct IntegrationService {
    std::string name;  ///< "backup", "heartbeat", "data exchange", "shutdown", "time", "files".
    bool is_enabled = false;
    bool is_working = false;  ///< The guest answers.
};

struct Vm {
    std::string id;  ///< GUID, upper case.
    std::string name;
    std::string state;  ///< "running", "off", "saved", "paused", "other".
    std::uint32_t generation = 2;
    std::string version;  ///< Of the configuration: "9.0".
    std::vector<std::uint16_t> operational_status;
    std::string configuration_instance_id;
    std::vector<Disk> disks;
    std::vector<Snapshot> snapshots;
    std::vector<ReferencePoint> reference_points;
    std::uint16_t replication_mode = 0;  ///< 0 none, 1 primary, 2 replica, 3 test, 4 extended.
    std::vector<IntegrationService> integration_services;
    bool has_tpm = false;
    std::string notes;
    std::string owner_node;             ///< In a failover cluster: where the VM is now; else empty.
    std::string last_applied_snapshot;  ///< InstanceID or empty.
    std::string current_snapshot;       ///< Msvm_MostCurrentSnapshotInBranch or empty.
};

struct HostFacts {
    std::string computer_name;
    std::string os_caption;
    std::uint32_t os_build = 0;
    bool is_client = false;       ///< A Windows for workstations.
    std::string product_version;  ///< From Identify.
    std::string boot_time;
    std::string host_time;  ///< LocalDateTime as RFC 3339.
    bool has_reference_points = false;
};

/// A job of the host as its answer named it; plain values, so that it can be journalled. Where the
/// method was done at once, class and id name what it made, if it named that.
struct JobRef {
    std::string class_name;  ///< Msvm_ConcreteJob, Msvm_StorageJob.
    std::string instance_id;
    bool is_synchronous = false;  ///< The method returned 0: there is no job.
    Json to_json() const;
    static JobRef from_json(const Json& json);
};

enum class JobState {
    running,
    completed,
    failed,
    vanished,  ///< The object is gone: decide by the objects it should have made.
};

struct JobStatus {
    JobState state = JobState::running;
    std::uint16_t raw_state = 0;
    std::uint16_t percent = 0;
    std::uint32_t error_code = 0;
    std::uint32_t hresult = 0;  ///< From the error text's trailing hex; 0 if there was none.
    std::string error_text;     ///< The host's words, any language.
};

enum class ConsistencyLevel : std::uint8_t { application = 1, crash = 2 };

struct ExportRequest {
    std::string vm_id;
    std::string snapshot_instance_id;
    std::string export_directory;                ///< UNC.
    std::string base_reference_point;            ///< InstanceID, empty for a full.
    std::vector<std::string> excluded_disk_ids;  ///< Left out where the host can; else exported.
};

/// All calls throw Error: {unreachable}, {timeout}, {unauthenticated}, {access_denied},
/// {untrusted}, {not_found}, {host_failure} with the host's code, {protocol}, {cancelled}. A
/// timeout or a lost answer of one of the calls that act leaves unknown whether the host did it:
/// look at the objects before asking again.
class HyperVHost {
public:
    virtual ~HyperVHost() = default;

    virtual HostFacts read_facts() = 0;
    /// All VMs with disks, snapshots and reference points, in a number of requests that does not
    /// grow with the VMs.
    virtual std::vector<Vm> list_vms() = 0;
    /// One VM by GUID, disks with VirtualDiskId and sizes. Error{not_found}.
    virtual Vm read_vm(const std::string& vm_id) = 0;
    /// The rest of what it has, by Vm::configuration_instance_id.
    virtual VmHardware read_hardware(const std::string& configuration_instance_id) = 0;
    virtual std::vector<Snapshot> list_snapshots(const std::string& vm_id) = 0;
    virtual std::vector<ReferencePoint> list_reference_points(const std::string& vm_id) = 0;
    /// Disks of a snapshot as it froze them.
    virtual std::vector<Disk> list_snapshot_disks(const std::string& snapshot_instance_id) = 0;

    // The calls that act. Never sent twice by themselves.
    /// Asks that it be called `name`. Whether a host does that is not documented: only a name
    /// that is there proves something.
    virtual JobRef start_create_snapshot(const std::string& vm_id, ConsistencyLevel level,
                                         const std::string& name) = 0;
    virtual void rename_snapshot(const std::string& snapshot_instance_id,
                                 const std::string& name) = 0;
    virtual JobRef start_export(const ExportRequest& request) = 0;
    virtual JobRef start_convert(const std::string& snapshot_instance_id) = 0;
    virtual JobRef start_destroy_snapshot(const std::string& snapshot_instance_id) = 0;
    virtual JobRef start_destroy_reference_point(const std::string& vm_id,
                                                 const std::string& instance_id) = 0;

    virtual JobStatus read_job(const JobRef& job) = 0;
    /// Asks the host to end a job: terminate, then kill.
    virtual void cancel_job(const JobRef& job) = 0;
    /// Objects that Msvm_AffectedJobElement names for the job, filtered to the two classes of
    /// interest.
    virtual std::vector<std::string> list_affected_snapshots(const JobRef& job) = 0;
    virtual std::vector<std::string> list_affected_reference_points(const JobRef& job) = 0;
    /// Export jobs that concern a VM, ended ones too while the host keeps them: for a start after
    /// a crash, or an answer that was lost.
    virtual std::vector<JobRef> list_export_jobs(const std::string& vm_id) = 0;
    /// Enables automatic merging again (Msvm_DiskMergeSettingData) where a disk of the VM has it
    /// off.
    virtual void ensure_merge_enabled(const std::string& vm_id) = 0;
};

struct World {
    Clock& clock;
    Log& log;
};

/// Contacts nobody before the first call. A call can be ended through `stop` from another thread.
std::unique_ptr<HyperVHost> connect(const World& world, const Connection& connection,
                                    std::stop_token stop);

}  // namespace entrepot::hyperv
