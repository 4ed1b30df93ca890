// The list of resources.
#include "appliance/api/routes.h"

#include "base/check.h"

namespace entrepot::api {

void add_all_routes(Router& router, Services& services) {
    add_session_routes(router, services);
    add_setup_routes(router, services);
    add_user_routes(router, services);
    add_token_routes(router, services);
    add_audit_routes(router, services);
    add_info_routes(router, services);
    add_growth_routes(router, services);
    add_health_routes(router, services);
    add_warning_routes(router, services);
    add_settings_routes(router, services);
    add_share_routes(router, services);
    add_share_account_routes(router, services);
    add_host_routes(router, services);
    add_doctor_routes(router, services);
    add_vm_routes(router, services);
    add_point_routes(router, services);
    add_guest_file_routes(router, services);
    add_guest_archive_routes(router, services);
    add_guest_version_routes(router, services);
    add_file_search_routes(router, services);
    add_policy_routes(router, services);
    add_retention_routes(router, services);
    add_job_routes(router, services);
    add_job_history_routes(router, services);
    add_backup_routes(router, services);
    add_ingest_routes(router, services);
    add_restore_routes(router, services);
    add_image_routes(router, services);
    add_vm_restore_routes(router, services);
    add_verification_routes(router, services);
    add_prune_routes(router, services);
    add_immutability_routes(router, services);
    add_key_routes(router, services);
    add_catalog_routes(router, services);
    add_event_routes(router, services);
    ENTREPOT_CHECK(router.missing().empty());
}

}  // namespace entrepot::api
