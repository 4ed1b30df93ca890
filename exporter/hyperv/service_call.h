// Calls of Hyper-V's service methods: the service's keys, the return code, the job.
#pragma once

#include "exporter/cim/wmi_namespace.h"
#include "exporter/hyperv/hyperv_host.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace entrepot::hyperv {

inline constexpr std::uint32_t kReturnDone = 0;
inline constexpr std::uint32_t kReturnJobStarted = 4096;
inline constexpr std::uint32_t kReturnInvalidParameter = 32773;
/// The same of CreateSnapshot, DestroySnapshot and ConvertToReferencePoint.
inline constexpr std::uint32_t kReturnInvalidSnapshotParameter = 4;

/// Throws Error{host_failure} that names the method, the code and its meaning.
[[noreturn]] void throw_return_code(std::string_view method, std::uint32_t code);

class ServiceCaller {
public:
    explicit ServiceCaller(cim::WmiNamespace& wmi) : wmi_(wmi) {}

    /// The single instance of a service class. Throws Error{access_denied} where the host shows
    /// none, which is how it treats an account without rights.
    const cim::ObjectPath& service(std::string_view class_name);
    /// Sends once; any return code is an answer.
    cim::MethodOutput call(std::string_view service_class, std::string_view method,
                           const cim::MethodInput& input,
                           wsman::Repeat repeat = wsman::Repeat::forbidden);
    /// The job of an answer. For 0, `result_parameter` names what was made. Throws for other codes.
    JobRef job_of(std::string_view method, const cim::MethodOutput& output,
                  std::string_view result_parameter) const;

private:
    cim::WmiNamespace& wmi_;
    std::map<std::string, cim::ObjectPath, std::less<>> services_;
};

}  // namespace entrepot::hyperv
