// What lists say of each VM's points, without reading all points for every request.
#pragma once

#include "storage/repository/repository.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace entrepot::api {

using VmKey = std::pair<std::string, std::string>;  ///< Host id and VM id.

struct VmPoints {
    repository::PointSummary newest;
    std::size_t count = 0;
    std::optional<std::string> disagreement{};  ///< See backup::find_disagreement().
};

using VmPointsByKey = std::map<VmKey, std::shared_ptr<const VmPoints>>;

/// Reads a VM's points again only when they changed. Safe to share between threads; those who come
/// while somebody reads wait for him. Of one repository.
class VmPointsBook {
public:
    /// VMs that have points. Error{cancelled} on stop: what was read until then is kept.
    VmPointsByKey read(repository::Repository& repository, const std::stop_token& stop = {});
    /// Whose a point is, of those that read() saw.
    std::optional<VmKey> find_vm(const std::string& point);

private:
    /// VMs of several hosts may have one id.
    struct Page {
        std::uint64_t stamp = 0;
        VmPointsByKey entries;
        std::vector<std::string> points;
    };
    void replace(Page& page, repository::Repository& repository, const repository::VmStamp& vm);
    void forget(const Page& page);

    std::mutex mutex_;
    std::map<std::string, Page> pages_;  // By VM id.
    std::unordered_map<std::string, VmKey> vm_of_point_;
};

}  // namespace entrepot::api
