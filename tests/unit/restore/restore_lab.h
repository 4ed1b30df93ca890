// A backup's lab with a point in it, and restores of that point that can be made to crash anywhere.
#pragma once

#include "tests/unit/backup/lab.h"
#include "tests/unit/restore/fake_restore_host.h"

#include "appliance/restore/restore_request.h"
#include "appliance/restore/services.h"

#include <optional>
#include <string>

namespace entrepot::test {

class RestoreLab {
public:
    /// With one point of a VM with two disks and two network adapters, on "LAN" and on "Old".
    RestoreLab();

    restore::RestoreRequest request() const;
    TestJob make_job(const restore::RestoreRequest& request);
    /// One life of a job.
    jobs::JobOutcome run(TestJob& job);
    Json restore(const restore::RestoreRequest& request);
    /// A backup of the VM while restored ones lie on the share.
    Json back_up();
    /// The error of a restore that must fail; nothing may be left.
    Error fail(const restore::RestoreRequest& request);

    /// Empty, or what a restore that came to nothing left behind.
    std::string find_dirt() const;
    /// Empty, or what is wrong with the VM of a restore.
    std::string find_difference(const Json& result) const;

    Lab lab;
    FakeRestoreWorld world;
    restore::Services services;
    std::string point;
    std::filesystem::path share;
    std::filesystem::path local;  ///< D: of the host.

private:
    int next_job_ = 1000;
};

}  // namespace entrepot::test
