// Where the program is and how it is run; see image_lab.h.
#include "tests/cli/image_lab.h"

namespace entrepot::test {

namespace {

/// Runs the words behind the first and writes to that file how many KiB they took.
constexpr const char* kMeasure =
    "import resource, subprocess, sys\n"
    "status = subprocess.call(sys.argv[2:])\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=open(sys.argv[1], 'w'))\n"
    "sys.exit(status)\n";

std::filesystem::path program() {
    return std::filesystem::path{ENTREPOT_BINARY_DIR} / "bin" / "entrepot";
}

}  // namespace

Finished ImageLab::image(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "image");
    return run_to_end({program(), std::move(arguments), {}});
}

Finished ImageLab::measure(std::vector<std::string> arguments) {
    const TemporaryDirectory directory;
    const auto peak = directory.path() / "peak";
    std::vector<std::string> words{"-c", kMeasure, peak.string(), program().string(), "image"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    Finished finished = run_to_end({"/usr/bin/python3", std::move(words), {}});
    const Bytes kib = files_.read_file(peak, kKiB);
    finished.peak_memory_bytes = std::stoull(std::string{as_text(kib)}) * kKiB;
    return finished;
}

}  // namespace entrepot::test
