// The same words in every image command.
#include "appliance/ctl/image_options.h"

namespace entrepot::ctl {

void declare_image(CLI::App& command, NamedImage& image) {
    command.add_option("IMAGE", image.path, "VHDX, AVHDX, VHD, AVHD or raw")->required();
    declare_parents(command, image.parents);
}

void declare_parents(CLI::App& command, std::vector<std::filesystem::path>& parents) {
    command
        .add_option("--parent", parents,
                    "A parent, nearest first; what is not among them is looked for beside the "
                    "child, by identity")
        ->type_name("FILE")
        ->allow_extra_args(false);
}

}  // namespace entrepot::ctl
