// Where the program is; see image_lab.h.
#include "tests/cli/image_lab.h"

namespace entrepot::test {

Finished ImageLab::image(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "image");
    const auto program = std::filesystem::path{ENTREPOT_BINARY_DIR} / "bin" / "entrepot";
    return run_to_end({program, std::move(arguments), {}});
}

}  // namespace entrepot::test
