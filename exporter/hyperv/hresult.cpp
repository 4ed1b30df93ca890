// The tables of codes (hyperv-wmi 1.2 and 5.6; winerror.h).
#include "exporter/hyperv/hresult.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

namespace entrepot::hyperv {
namespace {

struct HresultMeaning {
    std::uint32_t first;
    std::uint32_t last;  ///< Inclusive: VSS and the change log have whole ranges.
    FailureSide side;
    std::string_view words;
    std::string_view hint;
};

constexpr std::string_view kShareRights =
    "The host writes as its computer account, not as our user: give that account (or the mapping's "
    "account on a workgroup host, see New-SmbGlobalMapping) full control of the share.";
constexpr std::string_view kShareReach =
    "Can the host reach the share by the name in the UNC path? Try 'dir' on it from the host.";
constexpr std::string_view kEventLog =
    "The host's event log Microsoft-Windows-Hyper-V-VMMS-Admin says more.";
constexpr std::string_view kFull = "The next backup of this VM is a full.";
constexpr std::string_view kVss =
    "Look for VSS errors in the guest's event log; crash consistency works without VSS.";
constexpr std::string_view kServiceLogon =
    "Give 'NT VIRTUAL MACHINE\\Virtual Machines' the right 'Log on as a service' again on the "
    "host, "
    "then run gpupdate.";
constexpr std::string_view kInUse =
    "A merge after an earlier backup or another reader may still run; it is tried again later.";

constexpr std::array<HresultMeaning, 45> kMeanings{{
    {0x80070005, 0x80070005, FailureSide::target, "access is denied", kShareRights},
    {0x80070070, 0x80070070, FailureSide::target, "the disk is full", "Free space on the share."},
    {0x80070027, 0x80070027, FailureSide::target, "the disk is full", "Free space on the share."},
    {0x80070035, 0x80070035, FailureSide::target, "the network path was not found", kShareReach},
    {0x80070040, 0x80070040, FailureSide::target, "the network name is gone", kShareReach},
    {0x8007003B, 0x8007003B, FailureSide::target, "an unexpected network error", kShareReach},
    {0x80070043, 0x80070043, FailureSide::target, "the network name was not found", kShareReach},
    {0x80070033, 0x80070033, FailureSide::target, "the remote computer is not there", kShareReach},
    {0x80070036, 0x80070036, FailureSide::target, "the network is busy", kShareReach},
    {0x80070079, 0x80070079, FailureSide::target, "the network answered too late", kShareReach},
    {0x800704CF, 0x800704CF, FailureSide::target, "the network cannot be reached", kShareReach},
    {0x8007052E, 0x8007052E, FailureSide::target, "user name or password is wrong", kShareRights},
    {0x80070056, 0x80070056, FailureSide::target, "the network password is wrong", kShareRights},
    {0x80070013, 0x80070013, FailureSide::target, "the target is write-protected", kShareRights},
    {0x800704C8, 0x800704C8, FailureSide::target, "a file on the share is in use", ""},
    {0x80070050, 0x80070050, FailureSide::target, "the file exists already", ""},
    {0xC03A0029, 0xC03A0029, FailureSide::tracking, "the change tracking id is not known", kFull},
    {0xC03A002A, 0xC03A002A, FailureSide::tracking, "change tracking is off for this disk", kFull},
    {0xC03A0030, 0xC03A0030, FailureSide::tracking,
     "there is no change tracking information for that moment", kFull},
    {0xC03A0022, 0xC03A0022, FailureSide::tracking,
     "the disk was changed offline (compacted, expanded or mounted)", kFull},
    {0xC03A0020, 0xC03A0024, FailureSide::tracking, "change tracking lost its state", kFull},
    {0xC03A000D, 0xC03A000D, FailureSide::tracking, "the parent of a disk was not found", kFull},
    {0xC03A000E, 0xC03A000F, FailureSide::tracking, "a disk does not fit its parent", kFull},
    {0xC03A0017, 0xC03A0017, FailureSide::tracking, "a disk has another size than its parent",
     kFull},
    {0xC03A0018, 0xC03A0019, FailureSide::tracking, "the chain of a disk is broken", kFull},
    {0x80070002, 0x80070003, FailureSide::tracking, "a file was not found", kFull},
    {0x80070490, 0x80070490, FailureSide::tracking, "an element was not found", kFull},
    {0x80041002, 0x80041002, FailureSide::tracking, "the object was not found", kFull},
    {0xC03A0016, 0xC03A0016, FailureSide::unknown, "access to the parent of a disk is denied",
     "Check the rights on the VM's disk files on the host."},
    {0xC03A0004, 0xC03A0005, FailureSide::unknown, "the format of a disk is not known", ""},
    {0xC03A0008, 0xC03A0008, FailureSide::unknown, "the header of a disk is damaged", ""},
    {0xC03A0009, 0xC03A0009, FailureSide::target, "no block could be allocated in a disk file",
     "Often the target is full."},
    {0xC03A000A, 0xC03A000A, FailureSide::unknown, "the block table of a disk is damaged", ""},
    {0xC03A001A, 0xC03A001A, FailureSide::unknown,
     "a disk file must not be compressed, encrypted or sparse", ""},
    {0xC03A001B, 0xC03A001D, FailureSide::unknown, "a disk is of a kind or state not allowed", ""},
    {0x80070020, 0x80070021, FailureSide::transient, "a file is in use by another process", kInUse},
    {0x800706BA, 0x800706BA, FailureSide::transient, "a service of the host is not available",
     "Is the service vmms running on the host?"},
    {0x80041033, 0x80041033, FailureSide::transient, "the WMI provider is shutting down", ""},
    {0x800705B4, 0x800705B4, FailureSide::transient, "the operation timed out", ""},
    {0x800704C7, 0x800704C7, FailureSide::unknown, "the operation was cancelled", ""},
    {0x80004004, 0x80004004, FailureSide::unknown, "the operation was aborted", ""},
    {0x8007052F, 0x8007052F, FailureSide::unknown, "the VM's account may not log on",
     kServiceLogon},
    {0x80070569, 0x80070569, FailureSide::unknown, "the VM's account has no logon right",
     kServiceLogon},
    {0x80042300, 0x800423FF, FailureSide::guest, "VSS reported an error", kVss},
    {0x80004005, 0x80004005, FailureSide::unknown, "an unspecified error", ""},
}};

const HresultMeaning* find_meaning(std::uint32_t hresult) {
    const auto found = std::find_if(
        kMeanings.begin(), kMeanings.end(),
        [&](const HresultMeaning& one) { return one.first <= hresult && hresult <= one.last; });
    return found == kMeanings.end() ? nullptr : &*found;
}

struct ReturnCode {
    std::uint32_t code;
    std::string_view words;
};

// 1 to 6 are the DMTF's snapshot profile, 32768 and up Hyper-V's own; hosts mix them.
constexpr std::array<ReturnCode, 20> kReturnCodes{{
    {0, "done"},
    {1, "not supported"},
    {2, "failed"},
    {3, "timed out"},
    {4, "invalid parameter"},
    {5, "not possible in the object's state"},
    {6, "invalid type"},
    {4096, "started as a job"},
    {32768, "failed"},
    {32769, "access denied"},
    {32770, "not supported"},
    {32771, "status unknown"},
    {32772, "timed out"},
    {32773, "invalid parameter"},
    {32774, "in use"},
    {32775, "not possible in the object's state"},
    {32776, "wrong data type"},
    {32777, "not available"},
    {32778, "out of memory"},
    {32779, "file in use or not found"},
}};

}  // namespace

std::string explain(std::uint32_t hresult) {
    const HresultMeaning* meaning = find_meaning(hresult);
    if (meaning == nullptr) return fmt::format("0x{:08X}", hresult);
    return fmt::format("0x{:08X}: {}", hresult, meaning->words);
}

std::string hint_for(std::uint32_t hresult) {
    const HresultMeaning* meaning = find_meaning(hresult);
    if (meaning == nullptr || meaning->hint.empty()) return std::string{kEventLog};
    return std::string{meaning->hint};
}

FailureSide side_of(std::uint32_t hresult) {
    const HresultMeaning* meaning = find_meaning(hresult);
    return meaning == nullptr ? FailureSide::unknown : meaning->side;
}

std::string explain_return_code(std::uint32_t code) {
    for (const ReturnCode& known : kReturnCodes) {
        if (known.code == code) return fmt::format("{} ({})", code, known.words);
    }
    return fmt::format("{}", code);
}

std::uint32_t hresult_of_text(const std::string& text) {
    constexpr std::size_t kDigits = 8;
    for (std::size_t at = text.rfind("0x"); at != std::string::npos;
         at = at == 0 ? std::string::npos : text.rfind("0x", at - 1)) {
        const char* first = text.data() + at + 2;
        const char* last = text.data() + text.size();
        std::uint32_t code = 0;
        const auto [end, error] = std::from_chars(first, last, code, 16);
        if (error == std::errc{} && end - first == kDigits) return code;
    }
    return 0;
}

}  // namespace entrepot::hyperv
