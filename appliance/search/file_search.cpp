// VM by VM; the blocks of all points of a VM once each, those about one folder beside each other.
#include "appliance/search/file_search.h"

#include "appliance/search/name_pattern.h"

#include "base/error.h"
#include "base/json.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace entrepot::search {
namespace {

constexpr std::size_t kCursorBytesMax = 4096;
/// Names between two looks at the clock.
constexpr std::uint32_t kNamesPerLook = 4096;

using VmKey = std::pair<std::string, std::string>;  // Host, VM.

// Where a block stands among all of its VM.
struct BlockKey {
    std::string disk_id;
    std::uint32_t volume = 0;
    std::string first_path;
    BlockId id{};
    auto operator<=>(const BlockKey&) const = default;
};

struct BlockUse {
    std::uint32_t disk = 0;
    std::vector<const repository::PointSummary*> points;  // Newest first.
};

/// The next name to look at.
struct Position {
    VmKey vm;
    BlockKey block;
    std::uint32_t number = 0;
};

std::string encode(const Position& position) {
    const std::string text = dump_json(Json::array(
        {position.vm.first, position.vm.second, position.block.disk_id, position.block.volume,
         position.block.first_path, to_hex(position.block.id), position.number}));
    return to_base64(as_bytes(text));
}

Position decode(const std::string& cursor) {
    const Error bad{ErrorCode::invalid, "the cursor is not one of ours"};
    if (cursor.size() > kCursorBytesMax) throw bad;
    try {
        const Json json = parse_json(as_text(from_base64(cursor)), "the cursor", kCursorBytesMax);
        Position position;
        position.vm = {json.at(0).get<std::string>(), json.at(1).get<std::string>()};
        position.block.disk_id = json.at(2).get<std::string>();
        position.block.volume = json.at(3).get<std::uint32_t>();
        position.block.first_path = json.at(4).get<std::string>();
        const Bytes id = from_hex(json.at(5).get<std::string>());
        if (id.size() != position.block.id.size()) throw bad;
        std::ranges::copy(id, position.block.id.begin());
        position.number = json.at(6).get<std::uint32_t>();
        return position;
    } catch (const Json::exception&) {
        throw bad;
    } catch (const Error&) {
        throw bad;
    }
}

class Search {
public:
    Search(IndexStore& store, Clock& clock, const SearchQuery& query)
        : store_(store),
          clock_(clock),
          query_(query),
          pattern_(query.name),
          deadline_(clock.steady_now() + query.time_max) {}

    SearchPage run() {
        std::optional<Position> begin;
        if (!query_.cursor.empty()) begin = decode(query_.cursor);
        std::map<VmKey, std::vector<const repository::PointSummary*>> vms;
        for (const repository::PointSummary& point : query_.points) {
            if (!store_.has_point(point.id)) {
                ++page_.unindexed_count;
                continue;
            }
            vms[{point.draft.host, point.draft.vm_id}].push_back(&point);
        }
        for (const auto& [vm, points] : vms) {
            if (begin && vm < begin->vm) continue;
            const bool is_of_cursor = begin && vm == begin->vm;
            if (!search_vm(vm, points, is_of_cursor ? &*begin : nullptr)) break;
        }
        return std::move(page_);
    }

private:
    std::map<BlockKey, BlockUse> blocks_of(
        const std::vector<const repository::PointSummary*>& points) {
        std::map<BlockKey, BlockUse> blocks;
        for (auto point = points.rbegin(); point != points.rend(); ++point) {
            const auto index = store_.find_point((*point)->id);
            if (!index) continue;
            for (const VolumeIndex& volume : index->volumes) {
                for (const BlockReference& block : volume.blocks) {
                    BlockUse& use =
                        blocks[{volume.disk_id, volume.volume, block.first_path, block.id}];
                    if (use.points.empty()) use.disk = volume.disk;
                    use.points.push_back(*point);
                }
            }
        }
        return blocks;
    }

    /// False where the page ends before the VM does.
    bool search_vm(const VmKey& vm, const std::vector<const repository::PointSummary*>& points,
                   const Position* begin) {
        vm_begin_ = page_.files.size();
        const auto blocks = blocks_of(points);
        auto block = begin == nullptr ? blocks.begin() : blocks.lower_bound(begin->block);
        for (; block != blocks.end(); ++block) {
            const bool is_of_cursor = begin != nullptr && block->first == begin->block;
            if (!search_block(vm, block->first, block->second, is_of_cursor ? begin->number : 0)) {
                return false;
            }
        }
        return true;
    }

    bool search_block(const VmKey& vm, const BlockKey& key, const BlockUse& use,
                      std::uint32_t first) {
        if (is_over()) return end_page({vm, key, first});
        Bytes content;
        try {
            content = store_.read_block(key.id);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::not_found) return true;  // Dropped with its points.
            throw;
        }
        bool goes_on = true;
        scan_block(content, first, [&](const IndexedFile& file, std::uint32_t number) {
            const bool is_time_up = number % kNamesPerLook == 0 && number > first && is_over();
            if (is_time_up || page_.files.size() == query_.count_max) {
                goes_on = end_page({vm, key, number});
                return Scan::stop;
            }
            if (pattern_.fits(file.name())) add(key, use, file);
            return Scan::go_on;
        });
        return goes_on;
    }

    bool is_over() { return clock_.steady_now() >= deadline_; }

    bool end_page(const Position& next) {
        page_.next_cursor = encode(next);
        return false;
    }

    void add(const BlockKey& key, const BlockUse& use, const IndexedFile& file) {
        const repository::PointDraft& draft = use.points.front()->draft;
        FoundFile found{draft.host,
                        draft.vm_id,
                        draft.vm_name,
                        key.disk_id,
                        use.disk,
                        key.volume,
                        std::string{file.path},
                        file.kind,
                        file.size_bytes,
                        file.modified,
                        {}};
        const auto same = std::find_if(
            page_.files.begin() + static_cast<std::ptrdiff_t>(vm_begin_), page_.files.end(),
            [&](const FoundFile& other) { return found.is_same_file(other); });
        FoundFile& target =
            same == page_.files.end() ? page_.files.emplace_back(std::move(found)) : *same;
        for (const repository::PointSummary* point : use.points)
            target.points.push_back({point->id, point->time});
        if (use.points.size() == target.points.size()) return;
        std::ranges::sort(target.points, [](const auto& a, const auto& b) {
            return std::tie(b.time, b.id) < std::tie(a.time, a.id);
        });
    }

    IndexStore& store_;
    Clock& clock_;
    const SearchQuery& query_;
    NamePattern pattern_;
    SteadyTime deadline_;
    SearchPage page_;
    std::size_t vm_begin_ = 0;
};

}  // namespace

bool FoundFile::is_same_file(const FoundFile& other) const {
    return path == other.path && size_bytes == other.size_bytes && modified == other.modified &&
           kind == other.kind && disk_id == other.disk_id && volume == other.volume;
}

SearchPage search(IndexStore& store, Clock& clock, const SearchQuery& query) {
    return Search{store, clock, query}.run();
}

}  // namespace entrepot::search
