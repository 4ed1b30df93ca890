// Runs a fuzz target over the files of a folder, without a fuzzer.
#include "tests/fuzz/fuzz_target.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

int main(int argument_count, char** arguments) {
    if (argument_count != 2) return 2;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{arguments[1]}) {
        std::ifstream in{entry.path(), std::ios::binary};
        const std::string input{std::istreambuf_iterator<char>{in}, {}};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
        ++count;
    }
    std::cout << count << " inputs\n";
    return count > 0 ? 0 : 1;  // An empty corpus would pass without testing anything.
}
