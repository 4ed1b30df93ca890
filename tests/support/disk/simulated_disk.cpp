// Every change goes through apply(): counted, made to fail where a test says so, done, recorded.
#include "tests/support/disk/simulated_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace entrepot::test {
namespace {

namespace fs = std::filesystem;

bool takes_room(Change::Kind kind) {
    return kind == Change::Kind::add_file || kind == Change::Kind::add_directory ||
           kind == Change::Kind::write;
}

Error not_found(const fs::path& path) {
    return {ErrorCode::not_found, fmt::format("there is no {}", path.string())};
}

}  // namespace

std::string describe(const Change& change) {
    const auto line = [&](std::string_view what) {
        return fmt::format("{} {}", what, change.path);
    };
    switch (change.kind) {
        case Change::Kind::add_file:
            return line("create");
        case Change::Kind::add_directory:
            return line("make directory");
        case Change::Kind::write:
            return fmt::format("write {}+{} of {}", change.offset, change.data->size(),
                               change.path);
        case Change::Kind::resize:
            return fmt::format("resize {} to {}", change.path, change.offset);
        case Change::Kind::rename:
            return line("rename to");
        case Change::Kind::remove:
            return line("remove");
        case Change::Kind::sync_file:
            return line("sync");
        case Change::Kind::sync_directory:
            return line("sync directory");
    }
    return "unknown";
}

class SimulatedDisk::OpenFile final : public File {
public:
    OpenFile(SimulatedDisk& disk, NodeNumber node, fs::path path)
        : disk_(disk), node_(node), path_(std::move(path)) {}

    std::size_t read_some(std::uint64_t offset, MutableByteView target) const override {
        const std::scoped_lock lock{disk_.mutex_};
        return disk_.image_.file(node_).read(offset, target);
    }
    std::uint64_t size() const override {
        const std::scoped_lock lock{disk_.mutex_};
        return disk_.image_.file(node_).size();
    }
    FileIdentity identity() const override { return {1, node_}; }
    std::optional<FileExtent> find_data(std::uint64_t offset) const override {
        const std::uint64_t end = size();
        if (offset >= end) return std::nullopt;
        return FileExtent{offset, end - offset};
    }
    void write(std::uint64_t offset, ByteView data) override {
        const std::scoped_lock lock{disk_.mutex_};
        disk_.apply({.kind = Change::Kind::write,
                     .node = node_,
                     .offset = offset,
                     .data = std::make_shared<const Bytes>(data.begin(), data.end()),
                     .path = path_.string()});
    }
    void truncate(std::uint64_t size_bytes) override {
        const std::scoped_lock lock{disk_.mutex_};
        disk_.apply({.kind = Change::Kind::resize,
                     .node = node_,
                     .offset = size_bytes,
                     .path = path_.string()});
    }
    void sync() override {
        const std::scoped_lock lock{disk_.mutex_};
        disk_.apply({.kind = Change::Kind::sync_file, .node = node_, .path = path_.string()});
    }
    const fs::path& path() const override { return path_; }

private:
    SimulatedDisk& disk_;
    NodeNumber node_;
    fs::path path_;
};

class SimulatedDisk::Lock final : public FileLock {
public:
    Lock(SimulatedDisk& disk, NodeNumber node) : disk_(disk), node_(node) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() override {
        const std::scoped_lock lock{disk_.mutex_};
        disk_.locked_.erase(node_);
    }

private:
    SimulatedDisk& disk_;
    NodeNumber node_;
};

SimulatedDisk::SimulatedDisk(DiskImage image) : image_(std::move(image)) {
    next_node_ = image_.last_node() + 1;
}

void SimulatedDisk::begin_record() {
    const std::scoped_lock lock{mutex_};
    record_ = {image_, {}};
    is_recording_ = true;
}

DiskRecord SimulatedDisk::take_record() {
    const std::scoped_lock lock{mutex_};
    is_recording_ = false;
    return std::exchange(record_, {});
}

std::size_t SimulatedDisk::change_count() const {
    const std::scoped_lock lock{mutex_};
    return record_.changes.size();
}

DiskImage SimulatedDisk::image() const {
    const std::scoped_lock lock{mutex_};
    return image_;
}

void SimulatedDisk::fail_at(std::uint64_t change, ErrorCode code) {
    behave();
    const std::scoped_lock lock{mutex_};
    fault_ = Fault::fails;
    fault_code_ = code;
    fault_at_ = change;
}

void SimulatedDisk::die_at(std::uint64_t change) {
    behave();
    const std::scoped_lock lock{mutex_};
    fault_ = Fault::dies;
    fault_at_ = change;
}

void SimulatedDisk::be_full_at(std::uint64_t change) {
    behave();
    const std::scoped_lock lock{mutex_};
    fault_ = Fault::full;
    fault_at_ = change;
}

void SimulatedDisk::behave() {
    const std::scoped_lock lock{mutex_};
    fault_ = Fault::none;
    fault_at_ = kNever;
    count_ = 0;
    has_misbehaved_ = false;
}

bool SimulatedDisk::has_misbehaved() const {
    const std::scoped_lock lock{mutex_};
    return has_misbehaved_;
}

void SimulatedDisk::set_free_bytes(std::uint64_t free_bytes) {
    const std::scoped_lock lock{mutex_};
    free_bytes_ = free_bytes;
}

void SimulatedDisk::misbehave_if_told(const Change& change) {
    if (fault_ == Fault::none) return;
    if (fault_ == Fault::full && !takes_room(change.kind)) return;
    const std::uint64_t number = count_++;
    const bool is_once = fault_ == Fault::fails;
    if (is_once ? number != fault_at_ : number < fault_at_) return;
    has_misbehaved_ = true;
    if (fault_ == Fault::dies) throw DiskDied{};
    const ErrorCode code = fault_ == Fault::full ? ErrorCode::no_space : fault_code_;
    throw Error{code, fmt::format("{}: {}, says the test", change.path, to_string(code))};
}

void SimulatedDisk::apply(Change change) {
    misbehave_if_told(change);
    switch (change.kind) {
        case Change::Kind::add_file:
            image_.add_file(change.node);
            break;
        case Change::Kind::add_directory:
            image_.add_directory(change.node);
            break;
        case Change::Kind::write:
            image_.change_file(change.node).write(change.offset, *change.data);
            break;
        case Change::Kind::resize:
            image_.change_file(change.node).resize(change.offset);
            break;
        case Change::Kind::rename:
        case Change::Kind::remove:
        case Change::Kind::sync_file:
        case Change::Kind::sync_directory:
            break;
    }
    for (const NameChange& name : change.names)
        image_.set_name(name.directory, name.name, name.target);
    if (is_recording_) record_.changes.push_back(std::move(change));
}

NodeNumber SimulatedDisk::find(const fs::path& path) const {
    NodeNumber node = DiskImage::kRoot;
    for (const fs::path& part : path.lexically_normal()) {
        if (part == "/" || part.empty()) continue;
        if (!image_.is_directory(node)) return 0;
        node = image_.find_name(node, part.string());
        if (node == 0) return 0;
    }
    return node;
}

NodeNumber SimulatedDisk::find_or_throw(const fs::path& path) const {
    const NodeNumber node = find(path);
    if (node == 0) throw not_found(path);
    return node;
}

SimulatedDisk::Place SimulatedDisk::place_of(const fs::path& path) const {
    const NodeNumber directory = find(path.parent_path());
    if (directory == 0 || !image_.is_directory(directory)) throw not_found(path.parent_path());
    return {directory, path.filename().string()};
}

std::unique_ptr<File> SimulatedDisk::open_read(const fs::path& path, FollowLinks) {
    const std::scoped_lock lock{mutex_};
    const NodeNumber node = find_or_throw(path);
    if (image_.is_directory(node)) {
        throw Error{ErrorCode::invalid, fmt::format("{} is not a regular file", path.string())};
    }
    return std::make_unique<OpenFile>(*this, node, path);
}

std::unique_ptr<File> SimulatedDisk::open_write(const fs::path& path) {
    return open_read(path, FollowLinks::yes);
}

std::unique_ptr<File> SimulatedDisk::create(const fs::path& path) {
    const std::scoped_lock lock{mutex_};
    const Place place = place_of(path);
    if (image_.find_name(place.directory, place.name) != 0) {
        throw Error{ErrorCode::already_exists, fmt::format("{} is there", path.string())};
    }
    const NodeNumber node = next_node_;
    apply({.kind = Change::Kind::add_file,
           .node = node,
           .names = {{place.directory, place.name, node}},
           .path = path.string()});
    ++next_node_;
    return std::make_unique<OpenFile>(*this, node, path);
}

std::vector<DirectoryEntry> SimulatedDisk::list(const fs::path& directory) {
    const std::scoped_lock lock{mutex_};
    const NodeNumber node = find_or_throw(directory);
    if (!image_.is_directory(node)) throw not_found(directory);
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, target] : image_.names(node)) {
        entries.push_back(
            {name, image_.is_directory(target) ? FileType::directory : FileType::regular});
    }
    return entries;
}

std::optional<FileStatus> SimulatedDisk::find_status(const fs::path& path) {
    const std::scoped_lock lock{mutex_};
    const NodeNumber node = find(path);
    if (node == 0) return std::nullopt;
    if (image_.is_directory(node)) return FileStatus{.type = FileType::directory};
    const std::uint64_t size_bytes = image_.file(node).size();
    return FileStatus{.type = FileType::regular,
                      .size_bytes = size_bytes,
                      .allocated_bytes = size_bytes,
                      .link_count = 1};
}

std::uint64_t SimulatedDisk::free_bytes(const fs::path&) {
    const std::scoped_lock lock{mutex_};
    return free_bytes_;
}

void SimulatedDisk::make_directories(const fs::path& path) {
    const std::scoped_lock lock{mutex_};
    NodeNumber node = DiskImage::kRoot;
    fs::path done = "/";
    for (const fs::path& part : path.lexically_normal()) {
        if (part == "/" || part.empty()) continue;
        done /= part;
        NodeNumber next = image_.find_name(node, part.string());
        if (next == 0) {
            next = next_node_;
            apply({.kind = Change::Kind::add_directory,
                   .node = next,
                   .names = {{node, part.string(), next}},
                   .path = done.string()});
            ++next_node_;
        }
        node = next;
    }
}

void SimulatedDisk::set_access(const fs::path& path, const Access&) {
    const std::scoped_lock lock{mutex_};
    find_or_throw(path);
}

void SimulatedDisk::rename(const fs::path& from, const fs::path& to) {
    const std::scoped_lock lock{mutex_};
    const NodeNumber node = find_or_throw(from);
    const Place source = place_of(from);
    const Place target = place_of(to);
    apply({.kind = Change::Kind::rename,
           .node = node,
           .names = {{source.directory, source.name, 0}, {target.directory, target.name, node}},
           .path = to.string()});
}

void SimulatedDisk::remove(const fs::path& path) {
    const std::scoped_lock lock{mutex_};
    const NodeNumber node = find(path);
    if (node == 0) return;
    if (image_.is_directory(node) && !image_.names(node).empty()) {
        throw Error{ErrorCode::already_exists, fmt::format("{} is not empty", path.string())};
    }
    const Place place = place_of(path);
    apply({.kind = Change::Kind::remove,
           .node = node,
           .names = {{place.directory, place.name, 0}},
           .path = path.string()});
}

void SimulatedDisk::remove_tree(const fs::path& path) {
    const auto status = find_status(path);
    if (!status) return;
    if (status->type == FileType::directory) {
        for (const DirectoryEntry& entry : list(path))
            remove_tree(path / entry.name);
    }
    remove(path);
}

void SimulatedDisk::sync_directory(const fs::path& directory) {
    const std::scoped_lock lock{mutex_};
    apply({.kind = Change::Kind::sync_directory,
           .node = find_or_throw(directory),
           .path = directory.string()});
}

std::unique_ptr<FileLock> SimulatedDisk::try_lock(const fs::path& path) {
    if (!exists(path)) create(path);
    const std::scoped_lock lock{mutex_};
    const NodeNumber node = find_or_throw(path);
    if (!locked_.insert(node).second) return nullptr;
    return std::make_unique<Lock>(*this, node);
}

}  // namespace entrepot::test
