// Which addresses nobody on the network may make this machine connect to (F-WB-14).
#pragma once

#include <sys/socket.h>

#include <string_view>

namespace entrepot::wsman {

/// True for this machine itself by its loopback, link-local (where clouds keep their metadata),
/// multicast, broadcast, and for what is no address of the Internet.
bool is_local_address(const sockaddr& address);

/// True for a URL whose host is such an address in any spelling that a resolver takes for a number,
/// and for one with a user in it. Names are judged by their spelling only: what they lead to is
/// known when it is connected to.
bool is_local_target(std::string_view url);

}  // namespace entrepot::wsman
