// Who can write an image, and in which format.
#pragma once

#include <string>
#include <string_view>

namespace entrepot::property {

enum class Writer {
    ours_raw,
    ours_qcow2,
    ours_vhdx,         ///< As write_disk() makes it.
    ours_vhdx_fixed,   ///< The same.
    ours_vhdx_blocks,  ///< With a block size of its own.
    ours_vhdx_diff,
    ours_vhd,
    ours_vhd_fixed,
    hostsim_vhdx,
    hostsim_vhdx_diff,
    qemu_vhdx,
    qemu_vhdx_fixed,
    qemu_io_vhdx,  ///< In place, operation by operation.
    qemu_vhd,
    qemu_vhd_fixed,
    qemu_io_vhd,
    maker_vhd,  ///< The tests' own writer.
    maker_vhd_diff,
};

enum class Format { raw, qcow2, vhdx, vhd };

Format format_of(Writer writer);
bool is_differencing(Writer writer);
bool is_ours(Writer writer);
bool is_hostsim(Writer writer);
bool is_qemu(Writer writer);
bool is_maker(Writer writer);
std::string_view to_string(Writer writer);
std::string_view to_string(Format format);
/// What qemu calls it.
std::string qemu_name(Format format);

}  // namespace entrepot::property
