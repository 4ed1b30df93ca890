// What tests/golden/wof holds compressed: text, what looks like a program's calls, and noise. The
// files there were made by libwim 1.13.6 of Debian 12 (wimlib_create_compressor, wimlib_compress),
// chunk by chunk, with the table of a WIM resource before them.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <random>
#include <string>

namespace entrepot::test {

inline constexpr std::size_t kWofSampleBytes = 70'001;

inline Bytes wof_sample() {
    std::mt19937 engine{7};
    Bytes sample;
    const auto put = [&](std::uint32_t value) { sample.push_back(static_cast<std::byte>(value)); };
    for (std::uint32_t i = 0; sample.size() < kWofSampleBytes; ++i) {
        const std::string line = "line " + std::to_string(i) + " says about the same again\r\n";
        for (const char c : line)
            put(static_cast<unsigned char>(c));
        if (i % 3 == 0) {
            for (const std::uint32_t byte : {0xE8U, i & 0xFFU, i >> 8U & 0xFFU, 0U, i % 9 / 8})
                put(byte);
        }
        // Negative ones, and some beyond the size of all programs.
        if (i % 50 == 0) {
            for (const std::uint32_t byte : {0xE8U, 0xF0U, 0xFFU, 0xFFU, i % 100 == 0 ? 0xFFU : 1U})
                put(byte);
        }
        for (std::uint32_t k = 0; i % 40 == 0 && k < 60; ++k)
            put(static_cast<std::uint32_t>(engine()));
        if (i % 300 == 299) sample.resize(sample.size() + 5000);
    }
    sample.resize(kWofSampleBytes);
    return sample;
}

}  // namespace entrepot::test
