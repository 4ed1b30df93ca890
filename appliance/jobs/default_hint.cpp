// Sentences by the class of an error; see default_hint.h.
#include "appliance/jobs/default_hint.h"

namespace entrepot::jobs {

std::string_view default_hint(ErrorCode code) {
    switch (code) {
        case ErrorCode::usage:
        case ErrorCode::invalid:
            return "Start it anew with other values: these cannot be done.";
        case ErrorCode::not_found:
            return "See whether what is named is still there, then try again.";
        case ErrorCode::already_exists:
            return "Remove or rename what is there already, then try again.";
        case ErrorCode::conflict:
        case ErrorCode::busy:
            return "Something else stands in the way: let it end, then try again.";
        case ErrorCode::locked:
            return "Start entrepotd with the repository's passphrase, then try again.";
        case ErrorCode::unsupported:
            return "This cannot be done with what is named; the documentation says what can.";
        case ErrorCode::corrupt:
            return "Verify the points of this machine, and look after the disk that they are on; "
                   "another point may be sound.";
        case ErrorCode::parent_missing:
        case ErrorCode::parent_mismatch:
            return "Take a full backup: it needs nothing that came before.";
        case ErrorCode::io:
            return "Look after the disk or the share that is named, and into the appliance's "
                   "system log; then try again.";
        case ErrorCode::no_space:
            return "Make room in the place that is named, then try again.";
        case ErrorCode::permission_denied:
            return "Give the appliance's account the right to what is named, then try again.";
        case ErrorCode::unauthenticated:
        case ErrorCode::access_denied:
            return "Examine the host: the doctor says what its account lacks.";
        case ErrorCode::untrusted:
            return "Examine the host: the doctor shows its certificate, to be compared.";
        case ErrorCode::unreachable:
        case ErrorCode::timeout:
            return "See that the host is on; examine it: the doctor looks at each layer on the "
                   "way.";
        case ErrorCode::protocol:
            return "Examine the host: the doctor looks at each layer. If nothing fails there, "
                   "please report it.";
        case ErrorCode::host_failure:
            return "Look into the host's event log, Hyper-V-VMMS, at the time of the failure; then "
                   "try again.";
        case ErrorCode::limit:
            return "It is more than the appliance takes at a time: choose less.";
        case ErrorCode::cancelled:
            return {};
        case ErrorCode::internal:
            return "This is a fault of Entrepot: please report it with the job's log.";
    }
    return {};
}

}  // namespace entrepot::jobs
