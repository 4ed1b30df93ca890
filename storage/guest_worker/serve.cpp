// One file system is open at a time: the next question is mostly about the same one.
#include "storage/guest_worker/serve.h"

#include "storage/guest/guest_file_system.h"
#include "storage/guest/volume_source.h"
#include "storage/guest/volumes.h"
#include "storage/guest_model/limits.h"
#include "storage/guest_worker/parent_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <vector>

namespace entrepot::guest {
namespace {

struct Answer {
    MessageKind kind{};
    Bytes body;
};

class Server {
public:
    Server(ParentChannel& channel, const DiskShape& shape) : disk_(channel, shape) {}

    Answer answer(const Message& question);

private:
    const VolumeTable& table();
    GuestFileSystem& files_of(std::uint32_t number);
    VolumeTable table_with_labels();
    const Volume& volume_of(std::uint32_t number);
    Bytes read(const ReadQuestion& question);
    std::vector<ContentPlace> locate(const LocateQuestion& question);

    ParentDisk disk_;
    std::optional<VolumeTable> table_;
    std::uint32_t open_number_ = 0;
    std::unique_ptr<disk::DiskSource> open_volume_;
    std::unique_ptr<GuestFileSystem> open_files_;
};

const VolumeTable& Server::table() {
    if (!table_) table_ = read_volumes(disk_);
    return *table_;
}

const Volume& Server::volume_of(std::uint32_t number) {
    const auto volume = std::ranges::find(table().volumes, number, &Volume::number);
    if (volume == table().volumes.end()) {
        throw Error{ErrorCode::not_found, fmt::format("the disk has no partition {}", number),
                    "entrepot files list POINT:DISK shows the partitions"};
    }
    return *volume;
}

GuestFileSystem& Server::files_of(std::uint32_t number) {
    if (open_files_ && open_number_ == number) return *open_files_;
    const Volume& volume = volume_of(number);
    open_files_.reset();
    open_volume_ = open_volume(disk_, volume);
    open_files_ = open_file_system(*open_volume_, volume.content);
    open_number_ = number;
    return *open_files_;
}

// A label that takes a file system to read is worth a look, and a file system that cannot be opened
// is worth a notice.
VolumeTable Server::table_with_labels() {
    VolumeTable result = table();
    for (Volume& volume : result.volumes) {
        if (volume.content != VolumeContent::ntfs) continue;
        try {
            volume.label = files_of(volume.number).label();
        } catch (const Error& error) {
            if (error.code() == ErrorCode::io) throw;
            volume.notice = "its file system cannot be opened";
        }
    }
    return result;
}

Bytes Server::read(const ReadQuestion& question) {
    if (question.range.length > limits::kReadBytesMax) {
        throw Error{ErrorCode::protocol, "a question asks for too much"};
    }
    Bytes content(question.range.length);
    files_of(question.volume).read(question.path, question.stream, question.range.offset, content);
    return content;
}

std::vector<ContentPlace> Server::locate(const LocateQuestion& question) {
    const auto places =
        files_of(question.volume)
            .locate(question.path, question.stream, question.offset, limits::kPlacesMax);
    return places_on_disk(volume_of(question.volume), places, limits::kPlacesMax);
}

Answer Server::answer(const Message& question) {
    switch (question.kind) {
        case MessageKind::volumes:
            return {MessageKind::volumes_answer, encode(table_with_labels())};
        case MessageKind::list: {
            const ListQuestion list = decode_list(question.body);
            const PageRequest page{
                list.after, std::clamp<std::size_t>(list.count_max, 1, limits::kPageEntriesMax)};
            return {MessageKind::page, encode(files_of(list.volume).list(list.path, page))};
        }
        case MessageKind::status: {
            const StatusQuestion status = decode_status_question(question.body);
            return {MessageKind::status_answer,
                    encode(files_of(status.volume).status(status.path))};
        }
        case MessageKind::read:
            return {MessageKind::content, read(decode_read(question.body))};
        case MessageKind::locate:
            return {MessageKind::places, encode(locate(decode_locate(question.body)))};
        default:
            throw Error{ErrorCode::protocol, "a question is of an unknown kind"};
    }
}

Answer failure(const Error& error) {
    return {MessageKind::failure, encode(error)};
}

Answer try_answer(Server& server, const Message& question) {
    try {
        return server.answer(question);
    } catch (const Error& error) {
        return failure(error);
    } catch (const std::bad_alloc&) {
        return failure(Error{ErrorCode::limit, "reading it takes more memory than is allowed"});
    } catch (const std::exception& error) {
        return failure(Error{ErrorCode::internal, error.what()});
    }
}

}  // namespace

void serve(ParentChannel& channel) {
    const auto hello = channel.receive();
    if (!hello) return;
    if (hello->kind != MessageKind::hello) throw Error{ErrorCode::protocol, "there is no hello"};
    Server server{channel, decode_shape(hello->body)};
    while (const auto question = channel.receive()) {
        const Answer answer = try_answer(server, *question);
        channel.send(answer.kind, answer.body);
    }
}

}  // namespace entrepot::guest
