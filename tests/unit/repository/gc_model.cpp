// Depth first, each state once: the number of schedules is the sum over a state's steps.
#include "gc_model.h"

#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace entrepot::repository::test {
namespace {

using Byte = std::uint8_t;

constexpr std::size_t kChunks = 5;
constexpr std::size_t kPacks = 7;  // Three at the beginning, one more for each job that writes.
constexpr std::size_t kJobsMax = 6;
constexpr std::size_t kFirstOwnPack = 4;
constexpr Byte kNone = 255;
constexpr Byte kDone = 254;

enum PackStateByte : Byte { absent, live, compacting, condemned, deleting };
enum PointNumber : Byte { kept, pruned, of_ingest, of_increment, of_second, kPoints };

// In which pack each chunk of a disk is.
using Places = std::array<Byte, kChunks>;

constexpr Places nowhere() {
    Places places{};
    places.fill(kNone);
    return places;
}

struct ModelPack {
    Byte state = absent;
    Byte generation = 0;
    Byte slots = 0;  // Of which chunks, as bits.
    Byte writer = kNone;
};

struct ModelPoint {
    Byte exists = 0;
    Places places = nowhere();
};

struct ModelState {
    struct Job {
        Byte at = 0;
        Byte number = 0;
        Byte has_session = 0;
        Byte has_pin = 0;
        Byte hint = kNone;
        Places base = nowhere();  // What the session stands on.
        Places found = nowhere();
        Places generations{};
        Byte own = 0;  // Chunks to be stored.
    };
    std::array<ModelPack, kPacks> packs{};
    std::array<Byte, kPacks> is_hidden{};
    Places index = nowhere();
    std::array<ModelPoint, kPoints> points{};
    std::array<Job, kJobsMax> jobs{};
    Byte next_number = 1;
    std::array<Byte, kPacks> needed{};  // Gc's marks: slots of each pack.
    std::array<Byte, kPacks> fates{};   // What gc made of it.
    Byte wait_below = 0;
    Byte is_commit_locked = 0;
};
static_assert(alignof(ModelState) == 1);

std::string key_of(const ModelState& state) {
    return {reinterpret_cast<const char*>(&state), sizeof state};
}

ModelState initial_state() {
    ModelState state;
    state.packs[0] = {live, 0, 0b00011, kNone};  // Chunk 1 is waste.
    state.packs[1] = {live, 0, 0b00100, kNone};  // All waste.
    state.packs[2] = {live, 0, 0b11000, kNone};
    state.index = {0, 0, 1, 2, 2};
    state.points[kept] = {1, {0, kNone, kNone, kNone, kNone}};
    state.points[pruned] = {1, {kNone, kNone, kNone, 2, 2}};
    return state;
}

// One session that writes: what it stands on, which chunks come by, where its point goes.
struct WriterPlan {
    std::optional<PointNumber> base;
    std::vector<Byte> chunks;
    PointNumber point;
};

WriterPlan plan_of(ModelJob job) {
    if (job == ModelJob::ingest) return {std::nullopt, {1, 2}, of_ingest};
    if (job == ModelJob::increment) return {pruned, {2}, of_increment};
    return {of_increment, {1}, of_second};
}

class Explorer {
public:
    Explorer(const Protocol& protocol, const std::vector<ModelJob>& jobs)
        : protocol_(protocol), kinds_(jobs) {}

    ModelVerdict run() {
        verdict_.schedules = count(initial_state());
        verdict_.states = known_.size();
        return verdict_;
    }

private:
    double count(const ModelState& state) {
        if (!verdict_.fault.empty()) return 0;
        const auto [entry, is_new] = known_.emplace(key_of(state), 0);
        if (!is_new) return entry->second;
        double schedules = 0;
        bool is_over = true;
        for (std::size_t job = 0; job < kinds_.size(); ++job) {
            if (state.jobs[job].at == kDone) continue;
            is_over = false;
            ModelState next = state;
            fault_.clear();
            if (!step(next, job)) continue;
            check_points(next);
            path_.push_back(job);
            if (!fault_.empty() && verdict_.fault.empty()) verdict_.fault = fault_ + told_path();
            schedules += count(next);
            path_.pop_back();
        }
        if (is_over) schedules = 1;
        known_[key_of(state)] = schedules;
        return schedules;
    }

    std::string told_path() const {
        std::string text = ":";
        for (const std::size_t job : path_)
            text += " " + to_string(kinds_[job]);
        return text;
    }

    void check_points(const ModelState& state) {
        for (const ModelPoint& point : state.points) {
            if (point.exists != 0 && !are_readable(state, point.places)) {
                fault_ = "a point lost a chunk";
            }
        }
    }

    static bool are_readable(const ModelState& state, const Places& places) {
        for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
            if (places[chunk] == kNone) continue;
            const ModelPack& pack = state.packs[places[chunk]];
            const bool is_there =
                pack.state == live || pack.state == compacting || pack.state == condemned;
            if (!is_there || (pack.slots >> chunk & 1) == 0) return false;
        }
        return true;
    }

    // False if the job has to wait.
    bool step(ModelState& state, std::size_t job) {
        switch (kinds_[job]) {
            case ModelJob::ingest:
            case ModelJob::increment:
            case ModelJob::second_increment:
                return step_writer(state, job);
            case ModelJob::prune:
                if (state.is_commit_locked != 0) return false;
                state.points[pruned].exists = 0;
                state.jobs[job].at = kDone;
                return true;
            case ModelJob::restore:
                step_restore(state, job);
                return true;
            case ModelJob::gc:
                return step_gc(state, job);
        }
        return true;
    }

    static void end(ModelState::Job& job) {
        job.has_session = 0;
        job.has_pin = 0;
        job.at = kDone;
    }

    void step_begin(ModelState& state, std::size_t number, PointNumber base) {
        ModelState::Job& job = state.jobs[number];
        switch (job.at++) {
            case 0:
                job.has_session = 1;
                job.number = state.next_number++;
                break;
            case 1:  // The manifest.
                if (state.points[base].exists == 0) return end(job);
                job.base = state.points[base].places;
                break;
            case 2:
                job.has_pin = protocol_.pins ? 1 : 0;
                break;
            default:  // The row.
                if (state.points[base].exists == 0) end(job);
        }
    }

    void step_restore(ModelState& state, std::size_t number) {
        ModelState::Job& job = state.jobs[number];
        if (job.at < 4) return step_begin(state, number, pruned);
        Places read = nowhere();
        const std::size_t chunk = job.at == 4 ? 3 : 4;
        read[chunk] = job.base[chunk];
        if (!are_readable(state, read)) fault_ = "a restore lost a chunk";
        if (++job.at == 6) end(job);
    }

    bool step_writer(ModelState& state, std::size_t number) {
        ModelState::Job& job = state.jobs[number];
        const WriterPlan plan = plan_of(kinds_[number]);
        if (job.at < 4 && plan.base) {
            step_begin(state, number, *plan.base);
            return true;
        }
        if (job.at < 4) {
            job.has_session = 1;
            job.number = state.next_number++;
            job.at = 4;
            return true;
        }
        const std::size_t at = job.at - 4U;
        const std::size_t lookups = 2 * plan.chunks.size();
        if (at == lookups + 1 && state.is_commit_locked != 0) return false;
        ++job.at;
        if (at < lookups) {
            look_up(state, job, plan.chunks[at / 2], at % 2 == 0);
        } else if (at == lookups) {
            seal(state, number);
        } else if (at == lookups + 1) {
            commit(state, number, plan.point);
        } else {
            end(job);
        }
        return true;
    }

    // First the hint and whether its pack is hidden, then the pack's table.
    void look_up(ModelState& state, ModelState::Job& job, Byte chunk, bool is_hint) const {
        if (is_hint) {
            job.hint = state.index[chunk];
            const bool is_hidden =
                job.hint != kNone && protocol_.hides_condemned && state.is_hidden[job.hint] != 0;
            if (is_hidden) job.hint = kNone;
            return;
        }
        Places place = nowhere();
        place[chunk] = job.hint;
        if (job.hint != kNone && are_readable(state, place)) {
            job.found[chunk] = job.hint;
            job.generations[chunk] = state.packs[job.hint].generation;
        } else {
            job.own = static_cast<Byte>(job.own | 1U << chunk);
        }
        job.hint = kNone;
    }

    static void seal(ModelState& state, std::size_t number) {
        ModelState::Job& job = state.jobs[number];
        if (job.own == 0) return;
        Byte own = kFirstOwnPack;
        while (state.packs[own].state != absent)
            ++own;
        state.packs[own] = {live, 0, job.own, static_cast<Byte>(number)};
        for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
            if ((job.own >> chunk & 1) == 0) continue;
            state.index[chunk] = own;
            job.found[chunk] = own;
        }
    }

    void commit(ModelState& state, std::size_t number, PointNumber point) {
        const ModelState::Job& job = state.jobs[number];
        Places places = job.base;
        for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
            if (job.found[chunk] == kNone) continue;
            ModelPack& pack = state.packs[job.found[chunk]];
            const bool is_there =
                pack.state == live ||
                (protocol_.revives && (pack.state == condemned || pack.state == compacting));
            if (!is_there || pack.generation != job.generations[chunk]) {
                fault_ = "a commit was refused";
                return;
            }
            pack.state = live;
            state.is_hidden[job.found[chunk]] = 0;
            places[chunk] = job.found[chunk];
        }
        state.points[point] = {1, places};
    }

    void mark(ModelState& state) const {
        const auto add = [&](const Places& places) {
            for (std::size_t chunk = 0; chunk < kChunks; ++chunk) {
                if (places[chunk] == kNone) continue;
                Byte& needed = state.needed[places[chunk]];
                needed = static_cast<Byte>(needed | 1U << chunk);
            }
        };
        for (const ModelPoint& point : state.points) {
            if (point.exists != 0) add(point.places);
        }
        for (const ModelState::Job& job : state.jobs) {
            if (job.has_pin != 0) add(job.base);
        }
    }

    void judge(ModelState& state) const {
        for (std::size_t number = 0; number < kPacks; ++number) {
            const ModelPack& pack = state.packs[number];
            const bool is_written =
                pack.writer != kNone && state.jobs[pack.writer].has_session != 0;
            if (pack.state != live || is_written || state.needed[number] == pack.slots) continue;
            state.fates[number] = state.needed[number] == 0 ? condemned : compacting;
        }
    }

    bool has_writer_below(const ModelState& state) const {
        for (std::size_t number = 0; number < kinds_.size(); ++number) {
            const ModelJob kind = kinds_[number];
            const bool is_writer = kind == ModelJob::ingest || kind == ModelJob::increment ||
                                   kind == ModelJob::second_increment;
            const ModelState::Job& job = state.jobs[number];
            if (is_writer && job.has_session != 0 && job.number < state.wait_below) return true;
        }
        return false;
    }

    bool step_gc(ModelState& state, std::size_t number) {
        ModelState::Job& job = state.jobs[number];
        switch (job.at) {
            case 0:
                mark(state);
                judge(state);
                if (!protocol_.numbers_afterwards) state.wait_below = state.next_number;
                break;
            case 1:
                for (std::size_t pack = 0; pack < kPacks; ++pack) {
                    if (state.fates[pack] != absent) state.is_hidden[pack] = 1;
                }
                state.is_commit_locked = protocol_.locks_commits_out ? 1 : 0;
                break;
            case 2:
                for (std::size_t pack = 0; pack < kPacks; ++pack) {
                    if (state.fates[pack] == absent) continue;
                    if (state.packs[pack].state == live) {
                        state.packs[pack].state = state.fates[pack];
                    }
                }
                state.is_commit_locked = 0;
                break;
            case 3:
                if (protocol_.numbers_afterwards) state.wait_below = state.next_number;
                break;
            case 4:
                if (protocol_.waits && has_writer_below(state)) return false;
                break;
            case 5:
                if (protocol_.marks_again) mark(state);
                break;
            default:
                step_sweep(state, job);
                return true;
        }
        ++job.at;
        return true;
    }

    // Pack by pack, each in two steps; in the end what is left is live again.
    static void step_sweep(ModelState& state, ModelState::Job& job) {
        const std::size_t number = (job.at - 6U) / 2;
        if (number == kPacks) {
            for (std::size_t other = 0; other < kPacks; ++other) {
                ModelPack& pack = state.packs[other];
                if (pack.state == condemned || pack.state == compacting) pack.state = live;
                state.is_hidden[other] = 0;
            }
            job.at = kDone;
            return;
        }
        const bool is_first = job.at % 2 == 0;
        ModelPack& pack = state.packs[number];
        const Byte needed = state.needed[number];
        const bool is_dead = state.fates[number] == condemned && needed == 0;
        job.at = static_cast<Byte>(job.at + (is_dead || state.fates[number] == compacting ? 1 : 2));
        if (is_dead && is_first && pack.state == condemned) pack.state = deleting;
        if (is_dead && !is_first && pack.state == deleting) pack = {};
        const bool is_switched =
            state.fates[number] == compacting && is_first && pack.state == compacting;
        if (!is_switched) return;
        pack.slots = static_cast<Byte>(pack.slots & needed);
        ++pack.generation;
        pack.state = live;
        state.is_hidden[number] = 0;
    }

    Protocol protocol_;
    std::vector<ModelJob> kinds_;
    std::unordered_map<std::string, double> known_;
    std::vector<std::size_t> path_;
    std::string fault_;  // Of the step just made.
    ModelVerdict verdict_;
};

}  // namespace

std::string to_string(ModelJob job) {
    switch (job) {
        case ModelJob::ingest:
            return "ingest";
        case ModelJob::increment:
            return "increment";
        case ModelJob::second_increment:
            return "second-increment";
        case ModelJob::prune:
            return "prune";
        case ModelJob::restore:
            return "restore";
        case ModelJob::gc:
            return "gc";
    }
    return "unknown";
}

ModelVerdict explore(const Protocol& protocol, const std::vector<ModelJob>& jobs) {
    return Explorer{protocol, jobs}.run();
}

}  // namespace entrepot::repository::test
