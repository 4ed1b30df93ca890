// Recovery points and results in words for people.
#pragma once

#include "base/json.h"

#include <ostream>

namespace entrepot::ctl {

/// The line that ends a backup or an ingest, and one for each disk.
void print_point_result(std::ostream& out, const Json& result);
void print_point(std::ostream& out, const Json& point);
void print_points(std::ostream& out, const Json& points);

}  // namespace entrepot::ctl
