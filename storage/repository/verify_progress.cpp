// Files below "verify", named RUN-RANDOM: a header, then sealed records (FORMAT.md,
// "Verifications").
#include "storage/repository/verify_progress.h"

#include "storage/repository/limits.h"

#include "base/check.h"
#include "base/error.h"
#include "base/json.h"
#include "base/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace entrepot::repository {
namespace {

constexpr std::string_view kMagic = "ENTRVRFY";
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::size_t kHeaderBytes = 60;
constexpr std::size_t kSuffixBytes = 4;
constexpr std::size_t kNoteBytesMax = 4 * kMiB;
constexpr std::uint64_t kFileBytesMax = 256 * kMiB;
constexpr std::size_t kPackBytesMax = 16 + 4 + 2 + limits::kPackSlotsMax / 8;

std::filesystem::path directory_of(const RepositoryPaths& paths) {
    return paths.directory / "verify";
}

/// Empty for a name that is not ours.
std::string run_of(const std::string& file_name) {
    const std::size_t dash = file_name.find('-');
    return dash == std::string::npos ? std::string{} : file_name.substr(0, dash);
}

Json to_json(const VerificationRun& run) {
    return {{"run", run.id},
            {"depth", static_cast<int>(run.depth)},
            {"started_ms", run.started.time_since_epoch().count()},
            {"points", run.points}};
}

VerificationRun run_from(const Json& json) {
    VerificationRun run;
    run.id = json.at("run").get<std::string>();
    run.depth = static_cast<VerifyDepth>(json.at("depth").get<int>());
    run.started = WallTime{std::chrono::milliseconds{json.at("started_ms").get<std::int64_t>()}};
    run.points = json.at("points").get<std::vector<std::string>>();
    return run;
}

/// The records of one file, as far as they are what somebody wrote.
class RecordReader {
public:
    RecordReader(const Environment& environment, const RepositoryKeys& keys,
                 const std::filesystem::path& path)
        : file_(environment.file_system.open_read(path)) {
        Bytes header(kHeaderBytes);
        if (file_->read_some(0, header) < kHeaderBytes) return;
        LittleEndianReader in{header};
        if (as_text(in.bytes(kMagic.size())) != kMagic || in.u16() != kVersion) return;
        in.skip(2);
        if (RepositoryId::from(in.bytes(RepositoryId::kSizeBytes)) != keys.repository()) return;
        Salt salt{};
        std::ranges::copy(in.bytes(kSaltBytes), salt.begin());
        sealer_ =
            keys.sealer_for("entrepot verification v1", salt, as_bytes(path.filename().string()));
        at_ = kHeaderBytes;
    }

    std::optional<Bytes> next() {
        if (!sealer_) return std::nullopt;
        Bytes length(4);
        if (file_->read_some(at_, length) < length.size()) return std::nullopt;
        const std::uint32_t count = load_u32(length, 0);
        if (count < kTagBytes || count > kNoteBytesMax + kTagBytes) return std::nullopt;
        Bytes sealed(count);
        if (file_->read_some(at_ + length.size(), sealed) < count) return std::nullopt;
        at_ += length.size() + count;
        return sealer_->open(number_++, length, sealed);
    }

private:
    std::unique_ptr<File> file_;
    std::optional<Sealer> sealer_;
    std::uint64_t at_ = 0;
    std::uint64_t number_ = 0;
};

std::optional<VerificationRun> read_run(RecordReader& records) {
    const auto first = records.next();
    if (!first) return std::nullopt;
    try {
        return run_from(parse_json(as_text(*first), "a verification", kNoteBytesMax));
    } catch (const std::exception&) {
        return std::nullopt;  // Of a later version.
    }
}

}  // namespace

bool SlotSet::contains(std::uint32_t slot) const {
    const std::size_t at = slot / 8;
    return at < bits_.size() && (bits_[at] & (std::byte{1} << (slot % 8))) != std::byte{0};
}

void SlotSet::add(std::uint32_t slot) {
    ENTREPOT_CHECK(slot < limits::kPackSlotsMax);
    const std::size_t at = slot / 8;
    if (at >= bits_.size()) bits_.resize(at + 1);
    bits_[at] |= std::byte{1} << (slot % 8);
}

void SlotSet::add_all(const SlotSet& others) {
    bits_.resize(std::max(bits_.size(), others.bits_.size()));
    for (std::size_t i = 0; i < others.bits_.size(); ++i)
        bits_[i] |= others.bits_[i];
}

std::uint64_t SlotSet::count() const {
    std::uint64_t count = 0;
    for (const std::byte bits : bits_)
        count += static_cast<std::uint64_t>(std::popcount(std::to_integer<unsigned>(bits)));
    return count;
}

std::optional<SlotSet> SlotSet::from_bits(ByteView bits) {
    if (bits.size() > limits::kPackSlotsMax / 8) return std::nullopt;
    SlotSet set;
    set.bits_.assign(bits.begin(), bits.end());
    return set;
}

VerifyProgress::VerifyProgress(const Environment& environment, const RepositoryPaths& paths,
                               const RepositoryKeys& keys, VerificationRun run)
    : environment_(environment),
      directory_(directory_of(paths)),
      keys_(keys),
      run_(std::move(run)) {
    if (!run_.id.empty()) load();
}

VerifyProgress::~VerifyProgress() {
    try {
        flush();
    } catch (const std::exception&) {
        // More is looked at again, no more than that.
    }
}

void VerifyProgress::load() {
    if (!environment_.file_system.find_status(directory_)) return;
    for (const DirectoryEntry& entry : environment_.file_system.list(directory_)) {
        if (entry.type != FileType::regular || run_of(entry.name) != run_.id) continue;
        try {
            load_file(directory_ / entry.name);
        } catch (const Error& error) {
            environment_.log.warning("what a verification had found sound can't be read",
                                     {{"error", error.what()}});
        }
    }
}

void VerifyProgress::load_file(const std::filesystem::path& path) {
    RecordReader records{environment_, keys_, path};
    const auto run = read_run(records);
    if (!run || run->id != run_.id || run->depth != run_.depth) return;
    if (run_.started - run->started > limits::kVerificationAgeMax) return;
    while (const auto record = records.next()) {
        LittleEndianReader in{*record};
        while (in.remaining() > 0) {
            const PackId pack = PackId::from(in.bytes(PackId::kSizeBytes));
            const std::uint32_t generation = in.u32();
            auto slots = SlotSet::from_bits(in.bytes(in.u16()));
            if (!slots) return;
            SoundSlots& known = known_[pack];
            if (generation > known.generation) known = {generation, {}};
            if (generation == known.generation) known.slots.add_all(*slots);
        }
    }
}

SlotSet VerifyProgress::known(const PackId& pack, std::uint32_t generation) const {
    const auto found = known_.find(pack);
    if (found == known_.end() || found->second.generation != generation) return {};
    return found->second.slots;
}

void VerifyProgress::note(const PackId& pack, const SoundSlots& sound) {
    if (!run_.id.empty()) noted_[pack] = sound;
}

void VerifyProgress::flush() {
    if (noted_.empty() || has_failed_) return;
    try {
        if (!file_) begin_file();
        LittleEndianWriter record;
        for (const auto& [pack, sound] : noted_) {
            const Bytes& bits = sound.slots.bits();
            record.bytes(pack.bytes).u32(sound.generation);
            record.u16(static_cast<std::uint16_t>(bits.size())).bytes(bits);
            if (record.size() + kPackBytesMax > kNoteBytesMax) append(record.take());
        }
        if (record.size() > 0) append(record.data());
        noted_.clear();
    } catch (const Error& error) {
        has_failed_ = true;
        environment_.log.warning("how far a verification is could not be written down",
                                 {{"error", error.what()}});
    }
}

void VerifyProgress::begin_file() {
    std::array<std::byte, kSuffixBytes> suffix{};
    environment_.random.fill(suffix);
    const std::string name = fmt::format("{}-{}", run_.id, to_hex(suffix));
    Salt salt{};
    environment_.random.fill(salt);
    environment_.file_system.make_directories(directory_);
    file_ = environment_.file_system.create(directory_ / name);
    sealer_ = keys_.sealer_for("entrepot verification v1", salt, as_bytes(name));
    LittleEndianWriter header;
    header.bytes(as_bytes(kMagic)).u16(kVersion);
    header.u16(keys_.is_encrypted() ? kFlagEncrypted : std::uint16_t{0});
    header.bytes(keys_.repository().bytes).bytes(salt);
    file_->write(0, header.data());
    end_ = header.size();
    append(as_bytes(to_json(run_).dump()));
}

void VerifyProgress::append(ByteView record) {
    if (end_ + record.size() > kFileBytesMax) return;
    LittleEndianWriter out;
    out.u32(static_cast<std::uint32_t>(record.size() + kTagBytes));
    const Bytes length = out.data();
    out.bytes(sealer_->seal(record_count_++, length, record));
    file_->write(end_, out.data());
    end_ += out.size();
}

void VerifyProgress::finish() {
    noted_.clear();
    file_.reset();
    if (run_.id.empty() || !environment_.file_system.find_status(directory_)) return;
    try {
        for (const DirectoryEntry& entry : environment_.file_system.list(directory_)) {
            if (run_of(entry.name) == run_.id) {
                environment_.file_system.remove(directory_ / entry.name);
            }
        }
    } catch (const Error& error) {
        // The verdicts count; what is left is removed when it is too old.
        environment_.log.warning("a verification's notes could not be removed",
                                 {{"error", error.what()}});
    }
}

namespace {

/// Nothing for what can't be gone on with.
std::optional<VerificationRun> find_run(const Environment& environment, const RepositoryKeys& keys,
                                        const std::filesystem::path& path) {
    try {
        RecordReader records{environment, keys, path};
        auto run = read_run(records);
        const WallTime now = environment.clock.wall_now();
        if (!run || std::chrono::abs(now - run->started) > limits::kVerificationAgeMax) return {};
        return run;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

std::vector<VerificationRun> list_verification_runs(const Environment& environment,
                                                    const RepositoryPaths& paths,
                                                    const RepositoryKeys& keys) {
    std::vector<VerificationRun> runs;
    const std::filesystem::path directory = directory_of(paths);
    if (!environment.file_system.find_status(directory)) return runs;
    for (const DirectoryEntry& entry : environment.file_system.list(directory)) {
        if (entry.type != FileType::regular) continue;
        auto run = find_run(environment, keys, directory / entry.name);
        const bool is_new = run && std::ranges::none_of(runs, [&](const VerificationRun& other) {
                                return other.id == run->id;
                            });
        if (is_new) runs.push_back(std::move(*run));
    }
    std::ranges::sort(runs, std::greater{}, &VerificationRun::started);
    return runs;
}

void forget_old_verifications(const Environment& environment, const RepositoryPaths& paths,
                              const RepositoryKeys& keys) {
    const std::filesystem::path directory = directory_of(paths);
    if (!environment.file_system.find_status(directory)) return;
    for (const DirectoryEntry& entry : environment.file_system.list(directory)) {
        const std::filesystem::path path = directory / entry.name;
        if (entry.type != FileType::regular || find_run(environment, keys, path)) continue;
        try {
            environment.file_system.remove(path);
        } catch (const Error& error) {
            environment.log.warning("an old verification's notes could not be removed",
                                    {{"error", error.what()}});
        }
    }
}

}  // namespace entrepot::repository
