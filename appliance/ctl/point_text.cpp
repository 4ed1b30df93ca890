// Tables and lines about points.
#include "appliance/ctl/point_text.h"

#include "appliance/ctl/format.h"

#include "base/table.h"

#include <fmt/format.h>

namespace entrepot::ctl {
namespace {

std::string vm_name(const Json& document) {
    const auto vm = document.find("vm");
    return vm == document.end() ? std::string{} : text_of(*vm, "name");
}

std::string verified_text(const Json& point) {
    if (point.value("has_known_damage", false)) return "DAMAGED";
    const auto verified = point.find("verified");
    if (verified == point.end() || !verified->is_object()) return "-";
    const std::string depth = text_of(*verified, "depth");
    return text_of(*verified, "result") + (depth.empty() ? "" : " (" + depth + ")") + " " +
           local_time_of(*verified, "time");
}

std::string protection_text(const Json& point) {
    if (!text_of(point, "hold_reason").empty()) return "held";
    const std::string until = local_time_of(point, "protected_until");
    return until == "-" ? until : "until " + until;
}

std::uint64_t sum_of(const Json& disks, const std::string& member) {
    std::uint64_t sum = 0;
    for (const Json& disk : disks)
        sum += number_of(disk, member);
    return sum;
}

void print_disagreement(std::ostream& out, const Json& comparison) {
    Table table{{{"DISK", Align::right},
                 {"NAME"},
                 {"DIFFERS AT BYTE", Align::right},
                 {"FOR", Align::right}}};
    for (const Json& disk : list_of(comparison, "disks")) {
        const Json& ranges = list_of(disk, "ranges");
        const std::string index = std::to_string(number_of(disk, "index"));
        for (const Json& range : ranges) {
            table.add_row({index, text_of(disk, "name"), std::to_string(number_of(range, "offset")),
                           size_of(range, "length")});
        }
        const std::uint64_t count = number_of(disk, "range_count");
        if (count > ranges.size()) {
            table.add_row({index, text_of(disk, "name"),
                           fmt::format("{} more ranges", count - ranges.size()), ""});
        }
    }
    table.print(out);
    const Json& suspects = list_of(comparison, "suspect_points");
    if (suspects.empty()) return;
    out << "Points that may be wrong there, made by increments since the last full:";
    for (const Json& id : suspects)
        out << " " << printable(short_id(id.get<std::string>()));
    const std::uint64_t count = number_of(comparison, "suspect_point_count");
    if (count > suspects.size()) out << " and " << count - suspects.size() << " older";
    out << "\n";
}

/// Nothing for a point that was not compared.
void print_comparison(std::ostream& out, const Json& document) {
    const auto found = document.find("comparison");
    if (found == document.end() || !found->is_object()) return;
    const Json& comparison = *found;
    const std::string result = text_of(comparison, "result");
    const Json& disks = list_of(comparison, "disks");
    out << "Compared      ";
    if (result == "disagrees") {
        out << "DISAGREES with the increments in "
            << size_of(Json{{"sum", sum_of(disks, "disagreeing_bytes")}}, "sum")
            << "; this point is right\n";
        print_disagreement(out, comparison);
    } else if (result == "agrees") {
        out << "agrees with the increments, "
            << size_of(Json{{"sum", sum_of(disks, "compared_bytes")}}, "sum") << "\n";
    } else {
        out << "not with the increments: " << printable(text_of(comparison, "reason")) << "\n";
    }
    for (const Json& disk : disks) {
        if (text_of(disk, "result") != "not_compared" || result == "not_possible") continue;
        out << printable(fmt::format("Not compared: disk {} ({}): {}", number_of(disk, "index"),
                                     text_of(disk, "name"), text_of(disk, "reason")))
            << "\n";
    }
}

}  // namespace

void print_point_result(std::ostream& out, const Json& result) {
    out << printable(fmt::format("Point {} of {}: {} ({})", short_id(text_of(result, "point")),
                                 vm_name(result), text_of(result, "kind"),
                                 text_of(result, "reason")))
        << "\n";
    Table table{{{"DISK", Align::right},
                 {"SIZE", Align::right},
                 {"CHANGED", Align::right},
                 {"STORED", Align::right},
                 {"SHA-256"}}};
    for (const Json& disk : list_of(result, "disks")) {
        table.add_row({std::to_string(number_of(disk, "index")),
                       size_of(disk, "virtual_size_bytes"), size_of(disk, "changed_bytes"),
                       size_of(disk, "new_stored_bytes"), text_of(disk, "sha256")});
    }
    table.print(out);
    print_comparison(out, result);
}

void print_point(std::ostream& out, const Json& point) {
    out << "Point         " << text_of(point, "id") << "\n"
        << "VM            " << printable(vm_name(point)) << "\n"
        << "Time          " << local_time_of(point, "time") << "\n"
        << "Kind          " << text_of(point, "kind") << " (" << printable(text_of(point, "reason"))
        << ")\n"
        << "Consistency   " << text_of(point, "consistency") << "\n"
        << "Logical       " << size_of(point, "logical_bytes") << "\n"
        << "Added         " << size_of(point, "unique_bytes") << "\n"
        << "Verified      " << verified_text(point) << "\n"
        << "Protected     " << protection_text(point) << "\n";
    const std::string hold = text_of(point, "hold_reason");
    if (!hold.empty()) out << "Held because  " << printable(hold) << "\n";
    Table table{{{"DISK", Align::right},
                 {"NAME"},
                 {"SIZE", Align::right},
                 {"CHANGED", Align::right},
                 {"STORED", Align::right},
                 {"ID"}}};
    for (const Json& disk : list_of(point, "disks")) {
        table.add_row({std::to_string(number_of(disk, "index")), text_of(disk, "name"),
                       size_of(disk, "virtual_size_bytes"), size_of(disk, "changed_bytes"),
                       size_of(disk, "new_stored_bytes"), text_of(disk, "id")});
    }
    table.print(out);
    print_comparison(out, point);
    for (const Json& skipped : list_of(point, "skipped")) {
        out << printable(fmt::format("Not in it: {} ({})", text_of(skipped, "name"),
                                     text_of(skipped, "reason")))
            << "\n";
    }
}

void print_points(std::ostream& out, const Json& points) {
    Table table{{{"POINT"},
                 {"VM"},
                 {"TIME"},
                 {"KIND"},
                 {"DISKS", Align::right},
                 {"LOGICAL", Align::right},
                 {"ADDED", Align::right},
                 {"VERIFIED"},
                 {"PROTECTED"}}};
    for (const Json& point : points) {
        table.add_row({short_id(text_of(point, "id")), vm_name(point), local_time_of(point, "time"),
                       text_of(point, "kind"), std::to_string(list_of(point, "disks").size()),
                       size_of(point, "logical_bytes"), size_of(point, "unique_bytes"),
                       verified_text(point), protection_text(point)});
    }
    if (table.is_empty()) {
        out << "No recovery points\n";
    } else {
        table.print(out);
    }
}

}  // namespace entrepot::ctl
