// Questions and answers; between them the worker asks for pieces of the disk.
#include "storage/guest_client/guest_reader.h"

#include "storage/guest_client/content_map.h"
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
// What is shorter is had with one question; asking for its place takes one as well.
constexpr std::uint32_t kLongReadBytes = 256 * kKiB;

}  // namespace

class GuestReader::Worker {
public:
    explicit Worker(const fs::path& program) : process(program) {}
    WorkerProcess process;
    std::exception_ptr disk_error;
};

// The file that was asked for last, and what is known of where it lies.
struct GuestReader::Located {
    std::uint32_t volume = 0;
    std::string path;
    std::string stream;
    ContentMap map;
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

Bytes GuestReader::exchange(MessageKind question, ByteView body, MessageKind answer,
                            std::exception_ptr& failure) {
    const SteadyTime deadline = clock_.steady_now() + options_.answer_timeout;
    worker_->process.send(clock_, question, body, deadline);
    for (std::size_t i = 0; i < kMessagesMax; ++i) {
        Message message = worker_->process.receive(clock_, deadline);
        if (message.kind == MessageKind::ask_disk) {
            serve_disk(message.body, deadline);
            continue;
        }
        if (message.kind == answer && !worker_->disk_error) return std::move(message.body);
        const bool is_whole = message.kind == answer || message.kind == MessageKind::failure;
        if (!is_whole) break;
        failure = worker_->disk_error ? std::exchange(worker_->disk_error, nullptr)
                                      : std::make_exception_ptr(decode_error(message.body));
        return {};
    }
    throw Error{ErrorCode::protocol, "the reader of guest files answers another question"};
}

template <typename Decode>
auto GuestReader::ask(MessageKind question, ByteView body, MessageKind answer,
                      const Decode& decode) {
    std::exception_ptr failure;
    try {
        Bytes content = exchange(question, body, answer, failure);
        if (!failure) return decode(std::move(content));
    } catch (...) {
        // Who breaks the protocol may be somebody else by now, and what is left of an answer would
        // be taken for the next one.
        worker_->process.kill();
        throw;
    }
    std::rethrow_exception(failure);
}

VolumeTable GuestReader::volumes() {
    return ask(MessageKind::volumes, {}, MessageKind::volumes_answer, decode_volumes);
}

FolderPage GuestReader::list(std::uint32_t volume, const std::string& path,
                             const PageRequest& page) {
    const ListQuestion question{volume, path, page.after,
                                static_cast<std::uint32_t>(page.count_max)};
    return ask(MessageKind::list, encode(question), MessageKind::page, decode_page);
}

FileStatus GuestReader::status(std::uint32_t volume, const std::string& path) {
    return ask(MessageKind::status, encode(StatusQuestion{volume, path}),
               MessageKind::status_answer, decode_status);
}

Bytes GuestReader::read_by_worker(const ReadQuestion& question) {
    return ask(MessageKind::read, encode(question), MessageKind::content, [&](Bytes&& content) {
        if (content.size() == question.range.length) return std::move(content);
        throw Error{ErrorCode::protocol, "the reader of guest files gives another length"};
    });
}

bool GuestReader::is_located(const ReadQuestion& question) {
    const DiskRange& range = question.range;
    const bool is_same = located_ && located_->volume == question.volume &&
                         located_->path == question.path && located_->stream == question.stream;
    if (is_same && located_->map.covers(range.offset, range.length)) return true;
    const bool has_no_places = is_same && located_->map.is_empty();
    if (has_no_places || range.length < kLongReadBytes) return false;
    const LocateQuestion where{question.volume, question.path, question.stream, range.offset};
    auto places = ask(MessageKind::locate, encode(where), MessageKind::places,
                      [&](ByteView body) { return decode_places(body, disk_->size_bytes()); });
    located_ = std::make_unique<Located>(Located{
        question.volume, question.path, question.stream, {range.offset, std::move(places)}});
    return located_->map.covers(range.offset, range.length);
}

Bytes GuestReader::read(std::uint32_t volume, const std::string& path, const std::string& stream,
                        const DiskRange& range) {
    const ReadQuestion question{volume, path, stream, range};
    if (!is_located(question)) return read_by_worker(question);
    Bytes content(range.length);
    located_->map.read(*disk_, range.offset, content);
    return content;
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
