// Targets by their spelling.
#include "exporter/wsman/local_target.h"

#include <catch2/catch.hpp>

#include <string>

using namespace entrepot::wsman;

TEST_CASE("targets: this machine, link-local and multicast in any spelling are refused (F-WB-14)",
          "[wsman]") {
    const std::string bad =
        GENERATE("127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "0", "0.0.0.0",
                 "localhost", "LOCALHOST", "localhost.", "a.localhost", "[::1]", "[::]",
                 "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "169.254.169.254", "[fe80::1]",
                 "224.0.0.1", "255.255.255.255", "[ff02::1]", "user@hv01", "127.0.0.1:80@hv01", "");
    INFO(bad);
    CHECK(is_local_target("https://" + bad + ":5986/wsman"));
}

TEST_CASE("targets: hosts by name and by address are fine", "[wsman]") {
    const std::string good = GENERATE("hv01", "hv01.example", "192.0.2.7", "10.0.0.1",
                                      "[2001:db8::7]", "127hosts.example");
    INFO(good);
    CHECK_FALSE(is_local_target("https://" + good + ":5986/wsman"));
}
