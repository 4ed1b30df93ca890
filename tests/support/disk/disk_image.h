// What is on a simulated disk: directories, and files as pages that copies share.
#pragma once

#include "base/bytes.h"
#include "base/file_system.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace entrepot::test {

/// Names a file or directory for as long as the disk lives; 0 stands for nothing.
using NodeNumber = std::uint64_t;

/// Copying costs a pointer for each page.
class FileContent {
public:
    static constexpr std::size_t kPageBytes = 4096;

    std::uint64_t size() const { return size_; }
    std::size_t read(std::uint64_t offset, MutableByteView target) const;
    void write(std::uint64_t offset, ByteView data);
    /// What is added reads as zeros.
    void resize(std::uint64_t size_bytes);

private:
    using Page = std::array<std::byte, kPageBytes>;
    Page& own_page(std::size_t index);

    std::uint64_t size_ = 0;
    std::vector<std::shared_ptr<Page>> pages_;  // Null: zeros. Shared between copies.
};

/// Copying costs a pointer for each file; a copy and its original then go their own ways. Not safe
/// to share between threads, except copies.
class DiskImage {
public:
    static constexpr NodeNumber kRoot = 1;

    DiskImage();

    void add_directory(NodeNumber node);
    void add_file(NodeNumber node);
    bool has(NodeNumber node) const { return nodes_.contains(node); }
    bool is_directory(NodeNumber node) const;
    /// The greatest number given so far.
    NodeNumber last_node() const;

    const FileContent& file(NodeNumber node) const;
    FileContent& change_file(NodeNumber node);

    using Names = std::map<std::string, NodeNumber>;
    const Names& names(NodeNumber directory) const;
    /// 0 removes the name.
    void set_name(NodeNumber directory, const std::string& name, NodeNumber target);
    /// 0 if there is none.
    NodeNumber find_name(NodeNumber directory, const std::string& name) const;

    /// All files that can be reached by names.
    std::vector<std::pair<std::string, NodeNumber>> list_files() const;

private:
    struct Node {
        bool is_directory = false;
        FileContent content{};
        Names names{};
    };
    const Node& node_at(NodeNumber node) const;
    Node& own_node(NodeNumber node);
    void list_files(NodeNumber directory, const std::string& prefix,
                    std::vector<std::pair<std::string, NodeNumber>>& found) const;

    std::unordered_map<NodeNumber, std::shared_ptr<Node>> nodes_;  // Shared between copies.
};

}  // namespace entrepot::test
