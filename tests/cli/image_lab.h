// A folder of images, and the real program that looks at them.
#pragma once

#include "tests/cli/process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/vhdx_image_builder.h"

#include "base/atomic_file.h"
#include "base/bytes.h"
#include "base/json.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace entrepot::test {

inline constexpr std::uint64_t kBlock = 2 * kMiB;

class ImageLab {
public:
    std::string path(const std::string& name) const { return (directory_.path() / name).string(); }

    /// As sparse as the builder's file.
    template <typename Builder>
    void write(const std::string& name, const Builder& builder) {
        const auto image = builder.build();
        const auto file = files_.create(path(name));
        file->truncate(image->size());
        auto data = image->find_data(0);
        while (data) {
            file->write(data->offset,
                        image->read_exactly(data->offset, static_cast<std::size_t>(data->length)));
            data = image->find_data(data->offset + data->length);
        }
    }
    void write_bytes(const std::string& name, ByteView content) {
        write_file_atomically(files_, path(name), content);
    }
    Bytes read(const std::string& name) { return files_.read_file(path(name), 256 * kMiB); }
    void flip(const std::string& name, std::uint64_t offset) {
        const auto file = files_.open_write(path(name));
        Bytes byte = file->read_exactly(offset, std::size_t{1});
        byte[0] ^= std::byte{1};
        file->write(offset, byte);
    }
    void truncate(const std::string& name, std::uint64_t size) {
        files_.open_write(path(name))->truncate(size);
    }
    std::set<std::string> names() {
        std::set<std::string> names;
        for (const auto& entry : files_.list(directory_.path()))
            names.insert(entry.name);
        return names;
    }

    /// Runs `entrepot image ...` to its end.
    Finished image(std::vector<std::string> arguments);
    /// With peak_memory_bytes as the program's own: what is run by a process inherits that
    /// process's peak, and this one's grows with the images that it makes.
    Finished measure(std::vector<std::string> arguments);
    Json json(std::vector<std::string> arguments, int status = 0) {
        arguments.push_back("--json");
        const auto finished = image(std::move(arguments));
        INFO(finished.out << finished.err);
        REQUIRE(finished.status == status);
        return parse_json(finished.out, "standard output");
    }

private:
    TemporaryDirectory directory_;
    PosixFileSystem files_;
};

inline Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(i * 7 % 251 + 1);
    return bytes;
}

/// A disk of 64 MiB with two blocks of data.
inline VhdxImageBuilder parent_builder() {
    VhdxImageBuilder builder;
    builder.file_size_bytes = 8 * kMiB;
    builder.block(0, 6, 4 * kMiB).block(3, 6, 6 * kMiB);
    return builder.content(4 * kMiB, pattern(kBlock)).content(6 * kMiB, pattern(kBlock));
}

/// Block 1 partly here (sectors 2 and 3), block 3 zero, block 4 unmapped.
inline VhdxImageBuilder child_builder() {
    VhdxImageBuilder builder;
    builder.file_size_bytes = 7 * kMiB;
    builder.data_write_guid = guid_of("99999999-2222-4333-8444-555555555555");
    builder.child_of(VhdxImageBuilder{}.data_write_guid, ".\\parent.vhdx");
    builder.block(1, 7, 5 * kMiB).block(3, 2).block(4, 3).bitmap(0, 4 * kMiB);
    Bytes bits(kMiB);
    bits[kBlock / 512 / 8] = std::byte{0x0C};
    return builder.content(4 * kMiB, bits).content(5 * kMiB, pattern(kBlock));
}

}  // namespace entrepot::test
