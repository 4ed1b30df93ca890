// repository.json: small, readable, and the last file that a new repository gets.
#include "storage/repository/repository_config.h"

#include "storage/repository/crypto.h"
#include "storage/repository/key_slots.h"
#include "storage/repository/limits.h"

#include "base/error.h"
#include "base/json.h"

#include <fmt/format.h>

namespace entrepot::repository {
namespace {

constexpr std::string_view kFormat = "entrepot repository";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kConfigBytesMax = 64 * kKiB;

}  // namespace

Bytes encode_config(const RepositoryConfig& config) {
    Json json = {{"format", kFormat},
                 {"version", kVersion},
                 {"id", config.id.hex()},
                 {"encrypted", config.is_encrypted},
                 {"chunk_size_bytes", config.chunk_size_bytes},
                 {"minimum_age_seconds", config.minimum_age.count()}};
    if (!config.is_encrypted) json["root_key"] = to_hex(config.root_key.reveal());
    const std::string text = dump_json(json, 2);
    const ByteView bytes = as_bytes(text);
    return Bytes(bytes.begin(), bytes.end());
}

RepositoryConfig read_config(FileSystem& file_system, const RepositoryPaths& paths) {
    const std::string path = paths.config().string();
    if (!file_system.exists(paths.config())) {
        throw Error{ErrorCode::not_found,
                    fmt::format("there is no repository in {}", paths.directory.string()),
                    "is the volume mounted?"};
    }
    const Bytes content = file_system.read_file(paths.config(), kConfigBytesMax);
    RepositoryConfig config;
    try {
        const Json json = parse_json(as_text(content), path, kConfigBytesMax);
        if (json.at("format").get<std::string>() != kFormat) {
            throw Error{ErrorCode::corrupt, fmt::format("{} is of another program", path)};
        }
        const auto version = json.at("version").get<std::uint32_t>();
        if (version != kVersion) {
            throw Error{ErrorCode::unsupported, fmt::format("repository version {}", version)};
        }
        config.id = RepositoryId::from_hex_text(json.at("id").get<std::string>());
        config.is_encrypted = json.at("encrypted").get<bool>();
        config.chunk_size_bytes = json.at("chunk_size_bytes").get<std::uint32_t>();
        config.minimum_age =
            std::chrono::seconds{json.at("minimum_age_seconds").get<std::int64_t>()};
        if (!config.is_encrypted) {
            config.root_key = Secret{from_hex(json.at("root_key").get<std::string>())};
        }
    } catch (const Json::exception&) {
        throw Error{ErrorCode::corrupt, fmt::format("{} lacks a field", path)};
    } catch (const Error& error) {
        if (error.code() != ErrorCode::invalid) throw;
        throw Error{ErrorCode::corrupt, error.message()};
    }
    const bool is_sane = config.chunk_size_bytes >= limits::kChunkSizeBytesMin &&
                         config.chunk_size_bytes <= limits::kChunkSizeBytesMax &&
                         config.minimum_age.count() >= 0 &&
                         config.minimum_age <= limits::kMinimumAgeMax &&
                         (config.is_encrypted || config.root_key.reveal().size() == kKeyBytes);
    if (!is_sane) throw Error{ErrorCode::corrupt, fmt::format("{} makes no sense", path)};
    return config;
}

Secret unlock_root_key(FileSystem& file_system, Random& random, const RepositoryPaths& paths,
                       const RepositoryConfig& config, const std::optional<Secret>& key) {
    if (!config.is_encrypted) return config.root_key;
    if (!key || key->empty()) {
        throw Error{ErrorCode::locked, "the repository needs its passphrase or recovery key"};
    }
    KeySlots slots{file_system, random, paths.keys(), config.id};
    auto unlocked = slots.unlock(*key);
    if (!unlocked) {
        throw Error{ErrorCode::unauthenticated,
                    "the passphrase or recovery key opens no key slot of the repository",
                    "entrepot key list shows the slots; the recovery key opens one, too"};
    }
    return std::move(unlocked->root_key);
}

}  // namespace entrepot::repository
