// qemu-img converts the model, or qemu-io performs the operations on an image of its own.
#include "base/check.h"
#include "base/error.h"
#include "base/file_system.h"
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

std::string options_of(const Layer& layer) {
    const char* subformat = layer.writer == Writer::qemu_vhdx_fixed ? "fixed" : "dynamic";
    return fmt::format("subformat={},block_size={}", subformat, layer.block_size_bytes);
}

void convert(const WriteTask& task) {
    fs::path raw = task.target;
    raw += ".in";
    task.after.save_raw(raw);
    run({"qemu-img", "convert", "-q", "-f", "raw", "-O", "vhdx", "-o", options_of(task.layer),
         raw.string(), task.target.string()},
        task.target.parent_path());
    fs::remove(raw);
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
    run({"qemu-img", "create", "-q", "-f", "vhdx", "-o", options_of(task.layer),
         task.target.string(), std::to_string(task.after.size_bytes())},
        directory);
    std::vector<std::string> words{"qemu-io", "-f", "vhdx", "-d", "unmap"};
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
}

}  // namespace

void write_qemu(const WriteTask& task) {
    ENTREPOT_CHECK(is_qemu(task.layer.writer));
    if (task.layer.writer == Writer::qemu_io_vhdx) {
        operate(task);
    } else {
        convert(task);
    }
}

}  // namespace entrepot::property
