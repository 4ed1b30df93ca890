// Which writer makes the next image of a subject.
#include "tests/property/writers.h"

#include <fmt/format.h>

namespace entrepot::property {

void add_image(Subject& subject, const Sequence& sequence, std::size_t number,
               const std::filesystem::path& directory, Chance& chance) {
    const Layer& layer = sequence.layers[number];
    const DiskModel before = subject.images.empty()
                                 ? DiskModel{sequence.size_bytes, sequence.sector_size}
                                 : subject.model();
    DiskModel after = before;
    apply(after, layer.operations);
    const auto target =
        directory / fmt::format("layer-{}.{}", number, to_string(format_of(layer.writer)));
    const WriteTask task{target, layer, before, after, subject, chance};
    if (is_qemu(layer.writer)) {
        write_qemu(task);
    } else if (is_hostsim(layer.writer)) {
        write_hostsim(task);
    } else if (is_maker(layer.writer)) {
        write_maker(task);
    } else {
        write_ours(task);
    }
    subject.images.push_back({target, layer.writer, std::move(after)});
}

}  // namespace entrepot::property
