// The parts of the table of findings; included by finding.cpp and by them alone.
#pragma once

#include "appliance/doctor/finding.h"

#include <span>

namespace entrepot::doctor {

std::span<const Finding> network_findings();  ///< name, port, tls, http, clock
std::span<const Finding> login_findings();    ///< auth
std::span<const Finding> host_findings();     ///< quota, rights, role, os, schema, vms, guests
std::span<const Finding> share_findings();    ///< share, residue

}  // namespace entrepot::doctor
