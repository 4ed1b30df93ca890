// The worker's end of the socket.
#pragma once

#include "storage/guest_model/protocol.h"

#include <optional>

namespace entrepot::guest {

class ParentChannel {
public:
    explicit ParentChannel(int descriptor) : descriptor_(descriptor) {}

    /// nullopt when the parent is gone. Error{protocol} for a frame beyond the bounds.
    std::optional<Message> receive();
    /// Error{io} when the parent is gone.
    void send(MessageKind kind, ByteView body);

private:
    bool read_exactly(MutableByteView target);
    void write_all(ByteView data);

    int descriptor_;
};

}  // namespace entrepot::guest
