// Records are cut into operations, operations are sorted by transactions and united to regions,
// regions to items. What the kernel writes for itself is in its own byte order.
#include "storage/guest/xfs_log_items.h"

#include "storage/disk/big_endian.h"
#include "storage/guest_model/limits.h"

#include "base/error.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

namespace entrepot::guest {
namespace {

constexpr std::uint8_t kOfTransaction = 0x69;
constexpr std::uint8_t kStarts = 0x01;
constexpr std::uint8_t kEnds = 0x02;
constexpr std::uint8_t kGoesOn = 0x08;  // It continues the region before.
constexpr std::size_t kOperationHeadBytes = 12;
constexpr std::uint32_t kTransactionMagic = 0x5452414E;  // "TRAN"
constexpr std::size_t kTransactionHeadBytes = 16;

[[noreturn]] void fail_log(const char* what) {
    throw Error{ErrorCode::corrupt, fmt::format("its journal is damaged: {}", what)};
}

class LogWalker {
public:
    explicit LogWalker(const XfsLogRing& ring) : ring_(ring) {}

    std::vector<XfsLogTransaction> walk() {
        if (!ring_.was_ever_written()) return {};
        const std::uint64_t head = ring_.find_head();
        const auto last = ring_.find_last(head);
        if (!last) fail_log("its last record is not found");
        std::uint64_t block = last->tail & 0xFFFFFFFF;
        auto round = static_cast<std::uint32_t>(last->tail >> 32U);
        if (block >= ring_.block_count()) fail_log("its beginning lies nowhere");
        std::uint64_t blocks_left = ring_.block_count();
        for (;;) {
            const auto record = ring_.read_record(block);
            // Behind the last record there is an older one, or none.
            if (!record || record->round != round || record->block_count() > blocks_left) break;
            const auto content = ring_.read_content(*record);
            if (!content) break;  // It was being written.
            if (!record->is_little_endian) {
                throw Error{ErrorCode::unsupported,
                            "its journal is of a machine with another order of bytes"};
            }
            take_record(*record, *content);
            blocks_left -= record->block_count();
            block += record->block_count();
            if (block < ring_.block_count()) continue;
            block -= ring_.block_count();
            ++round;
        }
        return std::move(ended_);
    }

private:
    using Regions = std::vector<Bytes>;
    struct Open {
        std::uint64_t sequence = 0;
        Regions regions;
    };

    void take_record(const XfsLogRecord& record, ByteView content) {
        for (std::uint32_t i = 0; i < record.operation_count; ++i) {
            LittleEndianReader in{content};
            disk::BigEndianReader head{in.bytes(kOperationHeadBytes)};
            const std::uint32_t id = head.u32();
            const std::uint32_t length = head.u32();
            const std::uint8_t writer = head.u8();
            const std::uint8_t flags = head.u8();
            const ByteView region = in.bytes(length);
            content = in.bytes(in.remaining());
            if (writer == kOfTransaction) take_operation(record, id, flags, region);
        }
    }

    void take_operation(const XfsLogRecord& record, std::uint32_t id, std::uint8_t flags,
                        ByteView region) {
        // As the kernel counts it: what it writes in place later bears the number of the beginning.
        if ((flags & kStarts) != 0) {
            open_.erase(id);
            hold(sizeof(XfsLogTransaction));
            open_[id].sequence = record.sequence();
            if (open_.size() > limits::kXfsOpenTransactionsMax) fail_log("it ends nothing");
            return;
        }
        const auto found = open_.find(id);
        if (found == open_.end()) return;  // It began before what is in its place already.
        if ((flags & kEnds) != 0) {
            ended_.push_back({found->second.sequence, make_items(found->second.regions)});
            open_.erase(found);
            return;
        }
        if (region.empty()) return;
        hold(region.size() + sizeof(Bytes));
        Regions& regions = found->second.regions;
        if ((flags & kGoesOn) != 0 && !regions.empty()) {
            regions.back().insert(regions.back().end(), region.begin(), region.end());
        } else {
            regions.emplace_back(region.begin(), region.end());
        }
    }

    void hold(std::size_t bytes) {
        held_bytes_ += bytes;
        if (held_bytes_ > limits::kXfsLogBytesMax) {
            throw Error{ErrorCode::limit, "its journal holds more than can be replayed here"};
        }
    }

    static std::vector<XfsLogItem> make_items(Regions& regions) {
        std::vector<XfsLogItem> items;
        if (regions.empty()) return items;
        if (regions[0].size() < kTransactionHeadBytes ||
            load_u32(regions[0], 0) != kTransactionMagic) {
            fail_log("a transaction has no head");
        }
        for (std::size_t i = 1; i < regions.size();) {
            LittleEndianReader in{regions[i]};
            XfsLogItem item;
            item.type = in.u16();
            const std::size_t count = in.u16();
            if (count == 0 || count > regions.size() - i) fail_log("an item is not whole");
            for (std::size_t end = i + count; i < end; ++i)
                item.regions.push_back(std::move(regions[i]));
            items.push_back(std::move(item));
        }
        return items;
    }

    const XfsLogRing& ring_;
    std::map<std::uint32_t, Open> open_;
    std::vector<XfsLogTransaction> ended_;
    std::size_t held_bytes_ = 0;
};

}  // namespace

std::vector<XfsLogTransaction> read_xfs_transactions(const XfsLogRing& ring) {
    return LogWalker{ring}.walk();
}

}  // namespace entrepot::guest
