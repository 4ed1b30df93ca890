// entrepot-guest-worker: reads the files of a guest's disk for entrepot, which starts it; of no use
// to people. Its standard input is a socket to the parent.
#include "storage/guest_worker/cage.h"
#include "storage/guest_worker/serve.h"

#include "base/error.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdio>

namespace {

constexpr int kExitUsage = 2;
constexpr int kExitFailed = 1;

bool has_parent() {
    struct stat status {};
    return ::fstat(entrepot::guest::kParentDescriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

int main() {
    if (!has_parent()) {
        std::fputs("entrepot-guest-worker: entrepot starts this program itself\n", stderr);
        return kExitUsage;
    }
    try {
        entrepot::guest::enter_cage({});
        entrepot::guest::ParentChannel channel{entrepot::guest::kParentDescriptor};
        entrepot::guest::serve(channel);
        return 0;
    } catch (const entrepot::Error&) {
        return kExitFailed;  // The parent sees the end of the socket; nobody else listens.
    }
}
