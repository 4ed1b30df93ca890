// All routes of the appliance. Each function declares those of one resource, in a file of its own.
#pragma once

#include "appliance/api/router.h"
#include "appliance/api/services.h"

namespace entrepot::api {

/// The prefix of everything that the OpenAPI document describes.
inline constexpr const char* kApiPrefix = "/api/v1";

/// The services outlive the router. Aborts unless every operation of the document has a handler.
void add_all_routes(Router& router, Services& services);

void add_session_routes(Router& router, Services& services);
void add_setup_routes(Router& router, Services& services);
void add_user_routes(Router& router, Services& services);
void add_token_routes(Router& router, Services& services);
void add_audit_routes(Router& router, Services& services);
void add_info_routes(Router& router, Services& services);
void add_growth_routes(Router& router, Services& services);
void add_warning_routes(Router& router, Services& services);
void add_health_routes(Router& router, Services& services);
void add_settings_routes(Router& router, Services& services);
void add_share_routes(Router& router, Services& services);
void add_share_account_routes(Router& router, Services& services);
void add_host_routes(Router& router, Services& services);
void add_doctor_routes(Router& router, Services& services);
void add_vm_routes(Router& router, Services& services);
void add_point_routes(Router& router, Services& services);
void add_guest_file_routes(Router& router, Services& services);
void add_guest_archive_routes(Router& router, Services& services);
void add_guest_version_routes(Router& router, Services& services);
void add_file_search_routes(Router& router, Services& services);
void add_policy_routes(Router& router, Services& services);
void add_retention_routes(Router& router, Services& services);
void add_job_routes(Router& router, Services& services);
void add_job_history_routes(Router& router, Services& services);
void add_backup_routes(Router& router, Services& services);
void add_ingest_routes(Router& router, Services& services);
void add_restore_routes(Router& router, Services& services);
void add_image_routes(Router& router, Services& services);
void add_vm_restore_routes(Router& router, Services& services);
void add_verification_routes(Router& router, Services& services);
void add_prune_routes(Router& router, Services& services);
void add_immutability_routes(Router& router, Services& services);
void add_key_routes(Router& router, Services& services);
void add_catalog_routes(Router& router, Services& services);
void add_event_routes(Router& router, Services& services);

}  // namespace entrepot::api
