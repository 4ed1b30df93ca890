// Every fault that can be planned: what it is, where it applies, what it stands for.
#pragma once

#include "base/json.h"

#include <span>

namespace entrepot::hostsim {

/// Texts of a row are lists with '|' between the items.
struct FaultKindRow {
    const char* name;
    const char* places;      ///< Of `at`: methods, actions, classes, or a group such as "@backup".
    const char* argument;    ///< What follows the colon; empty if nothing does.
    const char* examples;    ///< Arguments worth trying; empty without an argument.
    const char* stands_for;  ///< Ids of threats-and-faults.md, sections of hyperv-wmi.md.
    const char* text;
};

std::span<const FaultKindRow> fault_kinds();

/// {"kinds": [{name, at, argument, examples, stands_for, text}], "cases": [{at, do, phase}]}:
/// every kind at each of its places with each of its examples; phase is "backup", "restore" or
/// "both". Groups are written out.
Json describe_fault_kinds();

}  // namespace entrepot::hostsim
