// Which addresses nobody on the network may make the appliance connect to (F-WB-14).
#pragma once

#include <string_view>

namespace entrepot::api {

/// True for a URL whose host is this machine itself, link-local (where clouds keep their metadata),
/// multicast or broadcast, in any spelling that a resolver takes for a number, and for one with a
/// user in it. Names are judged by their spelling only.
bool is_forbidden_target(std::string_view url);

}  // namespace entrepot::api
