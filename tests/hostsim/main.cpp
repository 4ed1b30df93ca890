// entrepot-hostsim: runs the simulated host, or talks to a running one (interfaces.md).
#include "base/error.h"
#include "tests/hostsim/host/control.h"
#include "tests/hostsim/host/fault_kinds.h"
#include "tests/hostsim/host/program.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace {

void list_faults(bool is_json) {
    if (is_json) {
        std::cout << entrepot::dump_json(entrepot::hostsim::describe_fault_kinds(), 1) << '\n';
        return;
    }
    for (const auto& row : entrepot::hostsim::fault_kinds()) {
        const std::string name =
            *row.argument == '\0' ? row.name : fmt::format("{}:{}", row.name, row.argument);
        std::cout << fmt::format("{:<28} at {:<40} {}\n", name, row.places, row.text);
    }
}

}  // namespace

int main(int argc, char** argv) {
    using namespace entrepot;
    CLI::App app{"A Hyper-V host as seen over the network"};
    std::string config;
    std::string state;
    std::vector<std::string> words;
    bool is_list = false;
    bool is_json = false;
    app.add_option("--config", config, "Configuration file (JSON)");
    app.add_flag("--list-faults", is_list, "Print every fault that can be planned");
    CLI::App* control = app.add_subcommand("ctl", "Change or examine the running host");
    control->add_option("--state", state, "State directory of the running host")->required();
    app.add_flag("--json", is_json, "With --list-faults: as JSON, with every case written out");
    control->add_flag("--json", is_json, "Answers are JSON in any case");
    control->add_option("words", words, hostsim::control_help())->required();
    CLI11_PARSE(app, argc, argv);
    try {
        if (is_list) {
            list_faults(is_json);
            return 0;
        }
        if (control->parsed()) return hostsim::run_control_client(state, words);
        if (config.empty()) throw Error{ErrorCode::usage, "--config is missing"};
        return hostsim::run_simulator(config);
    } catch (const Error& error) {
        std::cerr << "entrepot-hostsim: " << error.what() << '\n';
        return exit_status(error.code());
    } catch (const std::exception& error) {
        std::cerr << "entrepot-hostsim: " << error.what() << '\n';
        return 1;
    }
}
