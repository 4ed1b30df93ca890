// Our objects as the JSON of the OpenAPI document.
#pragma once

#include "appliance/api/host_names.h"
#include "appliance/jobs/job.h"
#include "appliance/policy/policy.h"
#include "appliance/share/managed_shares.h"
#include "appliance/state/hosts.h"
#include "appliance/state/shares.h"
#include "storage/repository/repository.h"

#include "base/json.h"

#include <optional>
#include <string>

namespace entrepot::api {

Json encode(const repository::PointSummary& point, const HostNames& hosts);
Json encode(const repository::DiskSummary& disk);
Json encode(const repository::KeySlot& slot);
Json encode(const jobs::JobView& job);
Json encode(const state::ShareRecord& share);
Json encode(const share::AccountView& account);

/// null for nullopt, as all of these.
Json encode_error(const std::optional<jobs::JobError>& error);
Json encode_verification(const std::optional<repository::Verification>& verification);
Json encode_time(const std::optional<WallTime>& time);
/// null for an empty text.
Json text_or_null(const std::string& text);

/// {"<noun>": [...], "next_cursor": text or null}
Json encode_list(const std::string& noun, Json entries, const std::string& next_cursor = {});

}  // namespace entrepot::api
