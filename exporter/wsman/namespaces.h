// The XML namespaces and actions of WS-Management as Windows speaks it (DSP0226, MS-WSMV).
#pragma once

#include <string_view>

namespace entrepot::wsman::ns {

inline constexpr std::string_view kSoap = "http://www.w3.org/2003/05/soap-envelope";
inline constexpr std::string_view kAddressing = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
inline constexpr std::string_view kAnonymous =
    "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
inline constexpr std::string_view kTransfer = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
inline constexpr std::string_view kEnumeration =
    "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
inline constexpr std::string_view kWsman = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kMicrosoft =
    "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kWsmanFault =
    "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault";
inline constexpr std::string_view kWmiError =
    "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError";
inline constexpr std::string_view kCim = "http://schemas.dmtf.org/wbem/wscim/1/common";
inline constexpr std::string_view kIdentity =
    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
inline constexpr std::string_view kXsi = "http://www.w3.org/2001/XMLSchema-instance";
inline constexpr std::string_view kBinding = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd";
/// Dialects of filters.
inline constexpr std::string_view kAssociationFilter =
    "http://schemas.dmtf.org/wbem/wsman/1/cimbinding/associationFilter";
inline constexpr std::string_view kWql = "http://schemas.microsoft.com/wbem/wsman/1/WQL";
/// Resource URIs of WMI classes begin with it; namespace and class follow.
inline constexpr std::string_view kWmi = "http://schemas.microsoft.com/wbem/wsman/1/wmi/";

}  // namespace entrepot::wsman::ns
