// qemu-img compares with a reference file; a dirty log is repaired in a copy before.
#include "tests/property/program.h"
#include "tests/property/readers.h"

#include "base/json.h"

#include <fmt/format.h>

namespace entrepot::property {
namespace {

namespace fs = std::filesystem;

/// Removes a file when it goes.
class Scratch {
public:
    explicit Scratch(fs::path path) : path_(std::move(path)) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::string failure(const char* command, const Answer& answer) {
    return fmt::format("qemu-img {}: status {}: {}{}", command, answer.status, answer.words,
                       answer.out);
}

/// The log is written to its places.
Finding repair(const fs::path& image, const std::string& format) {
    const fs::path directory = image.parent_path();
    const Answer answer = ask_program(
        {"qemu-img", "check", "-q", "-f", format, "-r", "all", image.string()}, directory);
    if (answer.status != 0) return failure("check -r all", answer);
    return std::nullopt;
}

Finding compare_size(const fs::path& image, const std::string& format, const DiskModel& model) {
    const Answer answer = ask_program(
        {"qemu-img", "info", "-f", format, "--output=json", image.string()}, image.parent_path());
    if (answer.status != 0) return failure("info", answer);
    const auto size = Json::parse(answer.out).at("virtual-size").get<std::uint64_t>();
    if (size == model.size_bytes()) return std::nullopt;
    return fmt::format("{} bytes instead of {}", size, model.size_bytes());
}

}  // namespace

Finding read_with_qemu(const Subject& subject) {
    const Image& image = subject.leaf();
    const std::string format = qemu_name(format_of(image.writer));
    fs::path copy = image.path;
    copy += ".repaired";
    fs::path raw = image.path;
    raw += ".reference";
    const Scratch repaired{copy};
    const Scratch reference{raw};
    if (image.is_log_dirty) {
        const Answer copied = ask_program(
            {"cp", "--sparse=always", image.path.string(), copy.string()}, copy.parent_path());
        if (copied.status != 0) return "cp: " + copied.words;
        if (auto finding = repair(copy, format)) return finding;
    }
    const fs::path& read = image.is_log_dirty ? copy : image.path;
    if (auto finding = compare_size(read, format, image.model)) return finding;
    image.model.save_raw(raw);
    const Answer answer =
        ask_program({"qemu-img", "compare", "-f", format, "-F", "raw", read.string(), raw.string()},
                    read.parent_path());
    if (answer.status == 0) return std::nullopt;
    return failure("compare", answer);
}

}  // namespace entrepot::property
