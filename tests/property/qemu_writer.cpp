// qemu-img converts the model, or qemu-io performs the operations on an image of its own.
#include "base/check.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/json.h"
#include "tests/property/program.h"
#include "tests/property/writers.h"

#include <fmt/format.h>

namespace entrepot::property {
namespace {

namespace fs = std::filesystem;

void run(const std::vector<std::string>& words, const fs::path& directory) {
    const Answer answer = ask_program(words, directory);
    if (answer.status == 0) return;
    throw Error{ErrorCode::io, fmt::format("{} {}: status {}: {} {}", words[0], words[1],
                                           answer.status, answer.words, answer.out)};
}

/// The creation options. In a third of the VHDs qemu rounds the size up to its geometry.
std::string options_of(const WriteTask& task) {
    const Writer writer = task.layer.writer;
    const bool is_fixed = writer == Writer::qemu_vhdx_fixed || writer == Writer::qemu_vhd_fixed;
    const char* subformat = is_fixed ? "fixed" : "dynamic";
    if (format_of(writer) == Format::vhdx) {
        return fmt::format("subformat={},block_size={}", subformat, task.layer.block_size_bytes);
    }
    return fmt::format("subformat={},force_size={}", subformat,
                       task.chance.percent(67) ? "on" : "off");
}

/// Reads how large the disk became.
void grow(const WriteTask& task, const std::string& format) {
    const Answer answer =
        ask_program({"qemu-img", "info", "-f", format, "--output=json", task.target.string()},
                    task.target.parent_path());
    task.after.grow(Json::parse(answer.out).at("virtual-size").get<std::uint64_t>());
}

void convert(const WriteTask& task) {
    const std::string format = qemu_name(format_of(task.layer.writer));
    fs::path raw = task.target;
    raw += ".in";
    task.after.save_raw(raw);
    run({"qemu-img", "convert", "-q", "-f", "raw", "-O", format, "-o", options_of(task),
         raw.string(), task.target.string()},
        task.target.parent_path());
    fs::remove(raw);
    grow(task, format);
}

void save_noise(const Operation& operation, const fs::path& path) {
    Bytes content(operation.range.length);
    fill_noise(operation.stamp, operation.range.offset, content);
    PosixFileSystem files;
    files.create(path)->write(0, content);
}

/// What a discard leaves is not defined, so the operation is "write zeros and unmap"; a discard
/// proper only where zeros are already.
void operate(const WriteTask& task) {
    const fs::path directory = task.target.parent_path();
    const std::string format = qemu_name(format_of(task.layer.writer));
    run({"qemu-img", "create", "-q", "-f", format, "-o", options_of(task), task.target.string(),
         std::to_string(task.after.size_bytes())},
        directory);
    std::vector<std::string> words{"qemu-io", "-f", format, "-d", "unmap"};
    std::vector<fs::path> patterns;
    for (const Operation& operation : task.layer.operations) {
        const std::string range =
            fmt::format("{} {}", operation.range.offset, operation.range.length);
        words.push_back("-c");
        switch (operation.kind) {
            case OperationKind::write:
                patterns.push_back(directory / fmt::format("pattern-{}", patterns.size()));
                save_noise(operation, patterns.back());
                words.push_back(fmt::format("write -q -s {} {}", patterns.back().string(), range));
                break;
            case OperationKind::write_zeros:
                words.push_back("write -q -z " + range);
                break;
            case OperationKind::discard:
                words.push_back("write -q -z -u " + range);
                words.push_back("-c");
                words.push_back("discard -q " + range);
                break;
        }
    }
    words.push_back(task.target.string());
    if (!task.layer.operations.empty()) run(words, directory);
    for (const fs::path& pattern : patterns)
        fs::remove(pattern);
    grow(task, format);
}

}  // namespace

void write_qemu(const WriteTask& task) {
    ENTREPOT_CHECK(is_qemu(task.layer.writer));
    const Writer writer = task.layer.writer;
    if (writer == Writer::qemu_io_vhdx || writer == Writer::qemu_io_vhd) {
        operate(task);
    } else {
        convert(task);
    }
}

}  // namespace entrepot::property
