// Reads entrepot.toml. The only place that knows toml++.
#include "appliance/config/config.h"

#include "appliance/config/setting_table.h"

#include "base/error.h"

#include <fmt/format.h>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

namespace entrepot::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 256 * kKiB;
constexpr std::size_t kHostNameBytesMax = 253;
constexpr std::size_t kServerNamesMax = 64;

const std::map<std::string_view, LogLevel> kLogLevels{{"debug", LogLevel::debug},
                                                      {"info", LogLevel::info},
                                                      {"warning", LogLevel::warning},
                                                      {"error", LogLevel::error}};

LogLevel log_level_from(const std::string& name) {
    const auto found = kLogLevels.find(name);
    if (found != kLogLevels.end()) return found->second;
    throw Error{ErrorCode::invalid, "must be debug, info, warning or error"};
}

// Whether the zone exists is asked where zones are read; here only what could harm a path.
std::string checked_zone(const std::string& name) {
    const bool is_plain = std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' ||
               c == '-' || c == '+';
    });
    if (name.empty() || name.size() > 64 || !is_plain || name.front() == '/') {
        throw Error{ErrorCode::invalid, "must be the name of a time zone such as Europe/Berlin"};
    }
    return name;
}

// As in a Host header: labels of letters, digits and hyphens, and dots between them.
std::string checked_host_name(const std::string& name) {
    const auto is_fitting = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
    };
    const bool is_name = !name.empty() && name.size() <= kHostNameBytesMax &&
                         std::all_of(name.begin(), name.end(), is_fitting) && name.front() != '.' &&
                         name.back() != '.' && name.find("..") == std::string::npos;
    if (!is_name) {
        throw Error{ErrorCode::invalid,
                    "must be names of machines such as [\"backup.example.org\"], without port"};
    }
    std::string lower = name;
    for (char& c : lower)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

// Reads keys one by one and remembers which there may be, so that the others are errors.
class Reader {
public:
    Reader(const toml::table& root, fs::path file) : root_(root), file_(std::move(file)) {}

    void visit(std::string_view key, std::string_view, bool& target) {
        if (const toml::node* node = find(key)) target = require<bool>(key, *node, "true or false");
    }

    void visit(std::string_view key, std::string_view, fs::path& target) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        target = require<std::string>(key, *node, "a path");
        if (!target.is_absolute()) refuse(key, *node, "must be an absolute path");
    }

    template <typename Number>
    void visit(std::string_view key, std::string_view, Number& target, const Bounds& bounds) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const auto value = require<std::int64_t>(key, *node, "a whole number");
        if (value < bounds.least || value > bounds.most) {
            refuse(key, *node, fmt::format("must be from {} to {}", bounds.least, bounds.most));
        }
        target = static_cast<Number>(value);
    }

    void visit(std::string_view key, std::string_view, std::string& zone) {
        read_text(key, zone, checked_zone);
    }
    void visit(std::string_view key, std::string_view, ListenAddress& listen) {
        read_text(key, listen, parse_listen_address);
    }
    void visit(std::string_view key, std::string_view, LogLevel& level) {
        read_text(key, level, log_level_from);
    }

    void visit(std::string_view key, std::string_view, std::vector<std::string>& names) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const toml::array* list = node->as_array();
        if (list == nullptr || list->size() > kServerNamesMax) {
            refuse(key, *node, fmt::format("must be a list of at most {} names", kServerNamesMax));
        }
        for (const toml::node& element : *list) {
            const auto name = require<std::string>(key, element, "a list of texts");
            try {
                names.push_back(checked_host_name(name));
            } catch (const Error& error) {
                refuse(key, element, error.message());
            }
        }
    }

    void refuse_unknown() const { refuse_unknown_in(root_, ""); }

    /// Those that were there.
    std::map<std::string, Source, std::less<>> sources;

private:
    template <typename Target, typename Convert>
    void read_text(std::string_view key, Target& target, Convert&& convert) {
        const toml::node* node = find(key);
        if (node == nullptr) return;
        const auto text = require<std::string>(key, *node, "a text");
        try {
            target = convert(text);
        } catch (const Error& error) {
            refuse(key, *node, error.message());
        }
    }

    const toml::node* find(std::string_view key) {
        const toml::node* node = find_node(key);
        if (node != nullptr) sources.emplace(key, Source::file);
        return node;
    }

    const toml::node* find_node(std::string_view key) {
        known_.emplace(key);
        if (const std::size_t dot = key.find('.'); dot != std::string_view::npos) {
            known_tables_.emplace(key.substr(0, dot));
            const toml::node* table = root_.get(key.substr(0, dot));
            if (table == nullptr) return nullptr;
            if (!table->is_table()) refuse(key.substr(0, dot), *table, "must be a table");
            return table->as_table()->get(key.substr(dot + 1));
        }
        return root_.get(key);
    }

    template <typename Value>
    Value require(std::string_view key, const toml::node& node, std::string_view what) const {
        if (const auto value = node.value_exact<Value>()) return *value;
        refuse(key, node, fmt::format("must be {}", what));
    }

    [[noreturn]] void refuse(std::string_view key, const toml::node& node,
                             std::string_view why) const {
        throw Error{ErrorCode::invalid, fmt::format("{}:{}: {} {}", file_.string(),
                                                    node.source().begin.line, key, why)};
    }

    void refuse_unknown_in(const toml::table& table, const std::string& prefix) const {
        for (const auto& [key, node] : table) {
            const std::string name = prefix + std::string{key.str()};
            if (known_.contains(name)) continue;
            if (prefix.empty() && node.is_table() && known_tables_.contains(name)) {
                refuse_unknown_in(*node.as_table(), name + ".");
                continue;
            }
            throw Error{ErrorCode::invalid,
                        fmt::format("{}:{}: there is no setting {}", file_.string(),
                                    key.source().begin.line, name)};
        }
    }

    const toml::table& root_;
    fs::path file_;
    std::set<std::string, std::less<>> known_;
    std::set<std::string, std::less<>> known_tables_;
};

toml::table parse_toml(std::string_view text, const fs::path& file) {
    try {
        return toml::parse(text, file.string());
    } catch (const toml::parse_error& error) {
        throw Error{ErrorCode::invalid,
                    fmt::format("{}:{}: {}", file.string(), error.source().begin.line,
                                error.description())};
    }
}

bool is_address(std::string_view text) {
    return !text.empty() && text.size() <= 45 && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':';
    });
}

}  // namespace

ListenAddress parse_listen_address(std::string_view text) {
    const auto refuse = [&]() -> ListenAddress {
        throw Error{
            ErrorCode::invalid,
            fmt::format("\"{:.80}\" is not an address and port such as 127.0.0.1:8443", text)};
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return refuse();
    std::string_view address = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    const bool is_bracketed = address.starts_with('[') && address.ends_with(']');
    if (is_bracketed) address = address.substr(1, address.size() - 2);
    const bool is_v6 = address.find(':') != std::string_view::npos;
    if (is_v6 != is_bracketed || !is_address(address)) return refuse();
    ListenAddress result{.address = std::string{address}, .port = 0};
    const char* end = port_text.data() + port_text.size();
    const auto [stop, error] = std::from_chars(port_text.data(), end, result.port);
    if (error != std::errc{} || stop != end) return refuse();
    return result;
}

Config parse_config(std::string_view text, const fs::path& file) {
    const toml::table root = parse_toml(text, file);
    Config config;
    Reader reader{root, file};
    visit_settings(config, reader);
    reader.refuse_unknown();
    config.file = file;
    config.has_file = true;
    config.sources = std::move(reader.sources);
    return config;
}

Config load_config(FileSystem& file_system, const std::optional<fs::path>& file) {
    const fs::path path = file ? *file : fs::path{kDefaultConfigFile};
    if (!file && !file_system.exists(path)) return Config{};
    const Bytes content = file_system.read_file(path, kFileBytesMax);
    return parse_config(as_text(content), path);
}

}  // namespace entrepot::config
