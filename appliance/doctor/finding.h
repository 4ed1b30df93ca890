// Everything that the doctor can find: ids, and the words to them. Ids are stable; scripts hold on
// to them, and packaging/doc/doctor.md lists them.
#pragma once

#include "appliance/doctor/check.h"

#include <span>
#include <string_view>

namespace entrepot::doctor {

/// In the texts @name@ stands for an argument. In commands it is quoted, as @ps:name@ for
/// PowerShell or as @sh:name@ for a shell; there a plain @name@ takes numbers and ids of ours only.
struct Finding {
    std::string_view id;  ///< LAYER.WHAT
    Result result = Result::ok;
    std::string_view cause;
    std::string_view cure{};
    std::string_view command{};

    std::string_view layer() const { return id.substr(0, id.find('.')); }
};

/// In the order of the layers.
std::span<const Finding> all_findings();

/// The id must be one of them.
const Finding& find_finding(std::string_view id);

/// The layers, in the order in which they are looked at.
std::span<const std::string_view> all_layers();

}  // namespace entrepot::doctor
