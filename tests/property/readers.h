// Those who read images back: our engine, qemu, libvhdi and 7-Zip.
#pragma once

#include "tests/property/writers.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace entrepot::property {

enum class Reader { ours, qemu, libvhdi, seven_zip };
inline constexpr Reader kOtherReaders[] = {Reader::qemu, Reader::libvhdi, Reader::seven_zip};

std::string_view to_string(Reader reader);
/// True if the program or library is here.
bool is_present(Reader reader);

/// What is wrong with what was read, with the first differing sector; nullopt: nothing.
using Finding = std::optional<std::string>;

/// Throws Error where our engine refuses the subject.
Finding read_with_ours(const Subject& subject, Chance& chance);
/// A flat image. One with a dirty log is repaired first, in a copy.
Finding read_with_qemu(const Subject& subject);
/// A disk of more than this is read in part: around its data, and at places by chance.
inline constexpr std::uint64_t kWholeReadBytesMax = 64 * kMiB;
/// Counts the sectors that it is known to misread, by reason.
Finding read_with_libvhdi(const Subject& subject, Chance& chance,
                          std::map<std::string, std::uint64_t>& misread);
/// Streams the whole disk.
Finding read_with_seven_zip(const Subject& subject);

/// Compares a part that was read; says where it differs.
Finding compare(const DiskModel& model, std::uint64_t offset, ByteView content);
/// Where another reader should look in a disk that is too large to be read as a whole.
std::vector<Range> places_of_interest(const DiskModel& model, Chance& chance);

}  // namespace entrepot::property
