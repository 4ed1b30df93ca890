// Names and kinds.
#include "tests/property/writer_kind.h"

namespace entrepot::property {

Format format_of(Writer writer) {
    switch (writer) {
        case Writer::ours_raw:
            return Format::raw;
        case Writer::ours_qcow2:
            return Format::qcow2;
        case Writer::ours_vhdx:
        case Writer::ours_vhdx_fixed:
        case Writer::ours_vhdx_blocks:
        case Writer::ours_vhdx_diff:
        case Writer::hostsim_vhdx:
        case Writer::hostsim_vhdx_diff:
        case Writer::qemu_vhdx:
        case Writer::qemu_vhdx_fixed:
        case Writer::qemu_io_vhdx:
            break;
        case Writer::ours_vhd:
        case Writer::ours_vhd_fixed:
        case Writer::qemu_vhd:
        case Writer::qemu_vhd_fixed:
        case Writer::qemu_io_vhd:
        case Writer::maker_vhd:
        case Writer::maker_vhd_diff:
            return Format::vhd;
    }
    return Format::vhdx;
}

bool is_differencing(Writer writer) {
    return writer == Writer::ours_vhdx_diff || writer == Writer::hostsim_vhdx_diff ||
           writer == Writer::maker_vhd_diff;
}

bool is_ours(Writer writer) {
    return !is_hostsim(writer) && !is_qemu(writer) && !is_maker(writer);
}

bool is_hostsim(Writer writer) {
    return writer == Writer::hostsim_vhdx || writer == Writer::hostsim_vhdx_diff;
}

bool is_qemu(Writer writer) {
    return writer >= Writer::qemu_vhdx && writer <= Writer::qemu_io_vhd;
}

bool is_maker(Writer writer) {
    return writer == Writer::maker_vhd || writer == Writer::maker_vhd_diff;
}

std::string_view to_string(Writer writer) {
    switch (writer) {
        case Writer::ours_raw:
            return "ours raw";
        case Writer::ours_qcow2:
            return "ours qcow2";
        case Writer::ours_vhdx:
            return "ours vhdx";
        case Writer::ours_vhdx_fixed:
            return "ours vhdx-fixed";
        case Writer::ours_vhdx_blocks:
            return "ours vhdx by block size";
        case Writer::ours_vhdx_diff:
            return "ours vhdx-diff";
        case Writer::hostsim_vhdx:
            return "simulator vhdx";
        case Writer::hostsim_vhdx_diff:
            return "simulator vhdx-diff";
        case Writer::qemu_vhdx:
            return "qemu-img vhdx";
        case Writer::qemu_vhdx_fixed:
            return "qemu-img vhdx-fixed";
        case Writer::qemu_io_vhdx:
            return "qemu-io vhdx";
        case Writer::ours_vhd:
            return "ours vhd";
        case Writer::ours_vhd_fixed:
            return "ours vhd-fixed";
        case Writer::qemu_vhd:
            return "qemu-img vhd";
        case Writer::qemu_vhd_fixed:
            return "qemu-img vhd-fixed";
        case Writer::qemu_io_vhd:
            return "qemu-io vhd";
        case Writer::maker_vhd:
            return "maker vhd";
        case Writer::maker_vhd_diff:
            return "maker vhd-diff";
    }
    return "";
}

std::string_view to_string(Format format) {
    switch (format) {
        case Format::raw:
            return "raw";
        case Format::qcow2:
            return "qcow2";
        case Format::vhdx:
            return "vhdx";
        case Format::vhd:
            return "vhd";
    }
    return "";
}

std::string qemu_name(Format format) {
    return format == Format::vhd ? "vpc" : std::string{to_string(format)};
}

}  // namespace entrepot::property
