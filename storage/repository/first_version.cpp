// Operations whose parts follow in the next commits; each says so.
#include "storage/repository/catalog_rebuild.h"
#include "storage/repository/garbage.h"
#include "storage/repository/point_verifier.h"
namespace entrepot::repository {
GcResult collect_garbage(RepositoryCore&, DryRun, const Work&) {
    throw Error{ErrorCode::unsupported, "gc comes later"};
}
void remove_stray_packs(RepositoryCore&) {}
std::vector<PointVerdict> verify_points(RepositoryCore&, const std::vector<catalog::PointRow>&,
                                        VerifyDepth, const Work&) {
    throw Error{ErrorCode::unsupported, "verify comes later"};
}
std::uint64_t fill_catalog(RepositoryCore&, const Work&) {
    throw Error{ErrorCode::unsupported, "rebuild comes later"};
}
void fill_index(RepositoryCore&, const Work&) {}
std::vector<std::string> compare_catalog(RepositoryCore&, const Work&) {
    throw Error{ErrorCode::unsupported, "check comes later"};
}
}  // namespace entrepot::repository
