// Questions and answers; between them the worker asks for pieces of the disk.
#include "storage/guest_client/guest_reader.h"

#include "storage/guest_client/worker_process.h"
#include "storage/guest_model/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <unistd.h>

#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace entrepot::guest {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgramName = "entrepot-guest-worker";
constexpr const char* kPackagedFolder = "/usr/libexec/entrepot";
constexpr std::size_t kMessagesMax = 10'000'000;

}  // namespace

class GuestReader::Worker {
public:
    explicit Worker(const fs::path& program) : process(program) {}
    WorkerProcess process;
    std::exception_ptr disk_error;
};

GuestReader::GuestReader(Clock& clock, std::shared_ptr<const disk::DiskSource> disk,
                         const GuestReaderOptions& options)
    : clock_(clock),
      disk_(std::move(disk)),
      options_(options),
      worker_(std::make_unique<Worker>(options.worker_program)) {
    const DiskShape shape{disk_->size_bytes(), disk_->logical_sector_size()};
    worker_->process.send(clock_, MessageKind::hello, encode(shape),
                          clock_.steady_now() + options_.answer_timeout);
}

GuestReader::~GuestReader() = default;

bool GuestReader::is_alive() const {
    return worker_->process.is_alive();
}

int GuestReader::process_id() const {
    return worker_->process.id();
}

void GuestReader::serve_disk(ByteView body, SteadyTime deadline) {
    const DiskRange range = decode_range(body);
    const std::uint64_t size = disk_->size_bytes();
    if (range.length == 0 || range.length > kDiskReadBytesMax || range.offset > size ||
        range.length > size - range.offset) {
        throw Error{ErrorCode::protocol, "the reader of guest files asks for what is no disk"};
    }
    Bytes content(range.length);
    try {
        disk_->read(range.offset, content);
    } catch (const std::exception&) {
        // The worker gives up its answer; why, only we may know.
        worker_->disk_error = std::current_exception();
        worker_->process.send(clock_, MessageKind::disk_failed, {}, deadline);
        return;
    }
    worker_->process.send(clock_, MessageKind::disk_data, content, deadline);
}

Bytes GuestReader::exchange(MessageKind question, ByteView body, MessageKind answer) {
    const SteadyTime deadline = clock_.steady_now() + options_.answer_timeout;
    worker_->process.send(clock_, question, body, deadline);
    for (std::size_t i = 0; i < kMessagesMax; ++i) {
        Message message = worker_->process.receive(clock_, deadline);
        if (message.kind == MessageKind::ask_disk) {
            serve_disk(message.body, deadline);
            continue;
        }
        if (worker_->disk_error) {
            std::rethrow_exception(std::exchange(worker_->disk_error, nullptr));
        }
        if (message.kind == answer) return std::move(message.body);
        if (message.kind == MessageKind::failure) throw decode_error(message.body);
        break;
    }
    throw Error{ErrorCode::protocol, "the reader of guest files answers another question"};
}

Bytes GuestReader::ask(MessageKind question, ByteView body, MessageKind answer) {
    try {
        return exchange(question, body, answer);
    } catch (const Error& error) {
        // Who breaks the protocol may be somebody else by now.
        if (error.code() == ErrorCode::protocol) worker_->process.kill();
        throw;
    }
}

VolumeTable GuestReader::volumes() {
    return decode_volumes(ask(MessageKind::volumes, {}, MessageKind::volumes_answer));
}

FolderPage GuestReader::list(std::uint32_t volume, const std::string& path,
                             const PageRequest& page) {
    const ListQuestion question{volume, path, page.after,
                                static_cast<std::uint32_t>(page.count_max)};
    return decode_page(ask(MessageKind::list, encode(question), MessageKind::page));
}

FileStatus GuestReader::status(std::uint32_t volume, const std::string& path) {
    return decode_status(
        ask(MessageKind::status, encode(StatusQuestion{volume, path}), MessageKind::status_answer));
}

Bytes GuestReader::read(std::uint32_t volume, const std::string& path, const std::string& stream,
                        const DiskRange& range) {
    Bytes content = ask(MessageKind::read, encode(ReadQuestion{volume, path, stream, range}),
                        MessageKind::content);
    if (content.size() == range.length) return content;
    worker_->process.kill();
    throw Error{ErrorCode::protocol, "the reader of guest files gives another length"};
}

fs::path find_worker_program() {
    std::error_code error;
    const fs::path own = fs::read_symlink("/proc/self/exe", error);
    for (const fs::path& folder : {own.parent_path(), fs::path{kPackagedFolder}}) {
        const fs::path program = folder / kProgramName;
        if (!folder.empty() && ::access(program.c_str(), X_OK) == 0) return program;
    }
    throw Error{ErrorCode::not_found,
                fmt::format("the program {} is neither beside this one nor in {}", kProgramName,
                            kPackagedFolder),
                "it belongs to Entrepot: install it again"};
}

}  // namespace entrepot::guest
