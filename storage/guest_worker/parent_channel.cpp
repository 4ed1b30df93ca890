// read() and write() alone: nothing else is allowed in the cage.
#include "storage/guest_worker/parent_channel.h"

#include "base/little_endian.h"

#include <unistd.h>

#include <cerrno>

namespace entrepot::guest {

bool ParentChannel::read_exactly(MutableByteView target) {
    while (!target.empty()) {
        const ssize_t count = ::read(descriptor_, target.data(), target.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        target = target.subspan(static_cast<std::size_t>(count));
    }
    return true;
}

void ParentChannel::write_all(ByteView data) {
    while (!data.empty()) {
        const ssize_t count = ::write(descriptor_, data.data(), data.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) throw Error{ErrorCode::io, "the parent is gone"};
        data = data.subspan(static_cast<std::size_t>(count));
    }
}

std::optional<Message> ParentChannel::receive() {
    Bytes head(kFrameHeadBytes);
    if (!read_exactly(head)) return std::nullopt;
    const std::uint32_t length = load_u32(head, 0);
    if (length > kFrameBytesMax) throw Error{ErrorCode::protocol, "a message is too long"};
    Message message{static_cast<MessageKind>(head[4]), Bytes(length)};
    if (!read_exactly(message.body)) return std::nullopt;
    return message;
}

void ParentChannel::send(MessageKind kind, ByteView body) {
    LittleEndianWriter head;
    head.u32(static_cast<std::uint32_t>(body.size())).u8(static_cast<std::uint8_t>(kind));
    write_all(head.data());
    write_all(body);
}

}  // namespace entrepot::guest
