// Whoever changes a page or a node that others share makes a copy of it first.
#include "tests/support/disk/disk_image.h"

#include "base/check.h"

#include <algorithm>
#include <cstring>

namespace entrepot::test {

std::size_t FileContent::read(std::uint64_t offset, MutableByteView target) const {
    if (offset >= size_) return 0;
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(target.size(), size_ - offset));
    for (std::size_t done = 0; done < count;) {
        const std::uint64_t at = offset + done;
        const std::size_t in_page = at % kPageBytes;
        const std::size_t length = std::min(kPageBytes - in_page, count - done);
        const std::size_t index = at / kPageBytes;
        if (index < pages_.size() && pages_[index]) {
            std::memcpy(target.data() + done, pages_[index]->data() + in_page, length);
        } else {
            std::memset(target.data() + done, 0, length);
        }
        done += length;
    }
    return count;
}

FileContent::Page& FileContent::own_page(std::size_t index) {
    if (pages_.size() <= index) pages_.resize(index + 1);
    std::shared_ptr<Page>& page = pages_[index];
    if (!page) {
        page = std::make_shared<Page>();
    } else if (page.use_count() > 1) {
        page = std::make_shared<Page>(*page);
    }
    return *page;
}

void FileContent::write(std::uint64_t offset, ByteView data) {
    for (std::size_t done = 0; done < data.size();) {
        const std::uint64_t at = offset + done;
        const std::size_t in_page = at % kPageBytes;
        const std::size_t length = std::min(kPageBytes - in_page, data.size() - done);
        std::memcpy(own_page(at / kPageBytes).data() + in_page, data.data() + done, length);
        done += length;
    }
    size_ = std::max(size_, offset + data.size());
}

void FileContent::resize(std::uint64_t size_bytes) {
    if (size_bytes < size_) {
        const std::size_t kept = (size_bytes + kPageBytes - 1) / kPageBytes;
        if (pages_.size() > kept) pages_.resize(kept);
        const std::size_t in_page = size_bytes % kPageBytes;
        const std::size_t last = size_bytes / kPageBytes;
        if (in_page > 0 && last < pages_.size() && pages_[last]) {
            Page& page = own_page(last);
            std::fill(page.begin() + static_cast<std::ptrdiff_t>(in_page), page.end(),
                      std::byte{0});
        }
    }
    size_ = size_bytes;
}

DiskImage::DiskImage() {
    add_directory(kRoot);
}

void DiskImage::add_directory(NodeNumber node) {
    auto fresh = std::make_shared<Node>();
    fresh->is_directory = true;
    nodes_[node] = std::move(fresh);
}

void DiskImage::add_file(NodeNumber node) {
    nodes_[node] = std::make_shared<Node>();
}

const DiskImage::Node& DiskImage::node_at(NodeNumber node) const {
    const auto found = nodes_.find(node);
    ENTREPOT_CHECK(found != nodes_.end());
    return *found->second;
}

DiskImage::Node& DiskImage::own_node(NodeNumber node) {
    const auto found = nodes_.find(node);
    ENTREPOT_CHECK(found != nodes_.end());
    if (found->second.use_count() > 1) found->second = std::make_shared<Node>(*found->second);
    return *found->second;
}

bool DiskImage::is_directory(NodeNumber node) const {
    return node_at(node).is_directory;
}

NodeNumber DiskImage::last_node() const {
    NodeNumber last = 0;
    for (const auto& [number, node] : nodes_)
        last = std::max(last, number);
    return last;
}

const FileContent& DiskImage::file(NodeNumber node) const {
    return node_at(node).content;
}

FileContent& DiskImage::change_file(NodeNumber node) {
    return own_node(node).content;
}

const DiskImage::Names& DiskImage::names(NodeNumber directory) const {
    return node_at(directory).names;
}

void DiskImage::set_name(NodeNumber directory, const std::string& name, NodeNumber target) {
    Names& names = own_node(directory).names;
    if (target == 0) {
        names.erase(name);
    } else {
        names[name] = target;
    }
}

NodeNumber DiskImage::find_name(NodeNumber directory, const std::string& name) const {
    const Names& names = node_at(directory).names;
    const auto found = names.find(name);
    return found == names.end() ? 0 : found->second;
}

void DiskImage::list_files(NodeNumber directory, const std::string& prefix,
                           std::vector<std::pair<std::string, NodeNumber>>& found) const {
    for (const auto& [name, node] : names(directory)) {
        if (is_directory(node)) {
            list_files(node, prefix + name + "/", found);
        } else {
            found.emplace_back(prefix + name, node);
        }
    }
}

std::vector<std::pair<std::string, NodeNumber>> DiskImage::list_files() const {
    std::vector<std::pair<std::string, NodeNumber>> found;
    list_files(kRoot, "/", found);
    return found;
}

}  // namespace entrepot::test
