// Readers are lent to one caller at a time; what comes back dead is not kept.
#include "appliance/files/guest_files.h"

#include "storage/guest_model/limits.h"

#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace entrepot::files {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleLook = 5s;

// The point stays open, and its chunks in place, as long as its disk is read.
struct OpenDisk {
    std::unique_ptr<repository::PointReader> point;
    std::unique_ptr<repository::PointDisk> disk;
};

std::shared_ptr<const disk::DiskSource> open_point_disk(repository::Repository& repository,
                                                        const DiskPlace& place) {
    const auto open = std::make_shared<OpenDisk>();
    open->point = repository.open_point(place.point);
    open->disk = open->point->open_disk(place.disk, repository::View::restore);
    return {open, open->disk.get()};
}

}  // namespace

struct GuestFiles::Reader {
    DiskPlace place;
    guest::GuestReader reader;
    SteadyTime begun{};
    SteadyTime last_used{};
};

/// A reader for one call.
class GuestFiles::Loan {
public:
    Loan(GuestFiles& files, const DiskPlace& place)
        : files_(files), reader_(files.take(place, Sharing::with_others)) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { files_.give_back(std::move(reader_)); }  // Which throws nothing.
    guest::GuestReader& reader() { return reader_->reader; }

private:
    GuestFiles& files_;
    std::unique_ptr<Reader> reader_;
};

/// A reader for many calls. It is lent for as long as that takes, and replaced in its place.
class GuestFiles::LongLoan final : public DiskFiles {
public:
    LongLoan(GuestFiles& files, DiskPlace place, Sharing sharing)
        : files_(files),
          place_(std::move(place)),
          sharing_(sharing),
          reader_(files.take(place_, sharing)) {}
    LongLoan(const LongLoan&) = delete;
    LongLoan& operator=(const LongLoan&) = delete;
    ~LongLoan() override {
        if (reader_ != nullptr && sharing_ == Sharing::with_others) {
            files_.give_back(std::move(reader_));
        } else {
            reader_.reset();
            files_.forget_one();
        }
    }

    guest::VolumeTable volumes() override { return reader().volumes(); }
    guest::FolderPage list(std::uint32_t volume, const std::string& path,
                           const guest::PageRequest& page) override {
        return reader().list(volume, path, page);
    }
    guest::FileStatus status(std::uint32_t volume, const std::string& path) override {
        return reader().status(volume, path);
    }
    Bytes read(std::uint32_t volume, const std::string& path, const std::string& stream,
               const guest::DiskRange& range) override {
        return reader().read(volume, path, stream, range);
    }

private:
    guest::GuestReader& reader() {
        const bool is_alive = reader_ != nullptr && reader_->reader.is_alive();
        // Its processor time is bounded for its whole life.
        const bool is_old = is_alive && files_.clock_.steady_now() - reader_->begun >=
                                            files_.options_.reader_age_max;
        if (is_alive && !is_old) return reader_->reader;
        if (!is_alive && ++death_count_ > files_.options_.deaths_max) {
            throw Error{ErrorCode::limit, "the readers of this disk die again and again",
                        "its file system is damaged, or made to do harm; entrepot restore disk "
                        "gives the whole disk back as a file"};
        }
        reader_.reset();
        reader_ = files_.open(place_);
        return reader_->reader;
    }

    GuestFiles& files_;
    DiskPlace place_;
    Sharing sharing_;
    std::unique_ptr<Reader> reader_;
    std::size_t death_count_ = 0;
};

class GuestFiles::RunningDownload final : public Download {
public:
    RunningDownload(GuestFiles& files, FilePlace place)
        : place_(std::move(place)), disk_(files, place_.disk, Sharing::with_others) {
        const guest::FileStatus status = disk_.status(place_.volume, place_.path);
        if (status.entry.kind != guest::FileKind::file) {
            throw Error{ErrorCode::invalid, fmt::format("{} is no file but a {}", place_.path,
                                                        guest::to_string(status.entry.kind))};
        }
        if (place_.stream.empty()) {
            if (!status.entry.refusal.empty()) {
                throw Error{ErrorCode::unsupported,
                            fmt::format("{}: {}", place_.path, status.entry.refusal)};
            }
            size_ = status.entry.size_bytes;
            return;
        }
        const auto stream =
            std::ranges::find(status.streams, place_.stream, &guest::FileStream::name);
        if (stream == status.streams.end()) {
            throw Error{ErrorCode::not_found,
                        fmt::format("{} has no stream \"{}\"", place_.path, place_.stream)};
        }
        size_ = stream->size_bytes;
    }

    std::uint64_t size_bytes() const override { return size_; }

    Bytes next() override {
        const auto length = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(guest::limits::kReadBytesMax, size_ - done_));
        if (length == 0) return {};
        Bytes piece = disk_.read(place_.volume, place_.path, place_.stream, {done_, length});
        done_ += length;
        return piece;
    }

private:
    FilePlace place_;
    LongLoan disk_;
    std::uint64_t size_ = 0;
    std::uint64_t done_ = 0;
};

GuestFiles::GuestFiles(Clock& clock, Log& log, FindRepository repository, GuestFilesOptions options)
    : clock_(clock), log_(log), repository_(std::move(repository)), options_(std::move(options)) {}

GuestFiles::~GuestFiles() {
    close();
}

std::unique_ptr<GuestFiles::Reader> GuestFiles::take(const DiskPlace& place, Sharing sharing) {
    std::unique_ptr<Reader> replaced;  // Ends outside of the lock.
    {
        const std::scoped_lock lock{mutex_};
        if (!thread_.joinable()) {
            thread_ = std::jthread{[this](const std::stop_token& stop) { end_idle(stop); }};
        }
        const auto known = std::ranges::find_if(
            idle_, [&](const std::unique_ptr<Reader>& reader) { return reader->place == place; });
        if (known != idle_.end() && sharing == Sharing::with_others) {
            auto reader = std::move(*known);
            idle_.erase(known);
            return reader;
        }
        if (count_ >= options_.reader_count_max && !idle_.empty()) {
            replaced = std::move(idle_.front());
            idle_.pop_front();
            --count_;
        }
        if (count_ >= options_.reader_count_max) {
            throw Error{ErrorCode::busy,
                        fmt::format("{} readers of guest files are at work", count_),
                        "try again when a download has ended"};
        }
        ++count_;
    }
    try {
        return open(place);
    } catch (const std::exception&) {
        const std::scoped_lock lock{mutex_};
        --count_;
        throw;
    }
}

std::unique_ptr<GuestFiles::Reader> GuestFiles::open(const DiskPlace& place) {
    const guest::GuestReaderOptions options{options_.find_worker(), options_.answer_timeout};
    auto disk = open_point_disk(repository_(), place);
    log_.debug("reader of guest files starts",
               {{"point", place.point}, {"disk", std::to_string(place.disk)}});
    return std::unique_ptr<Reader>{new Reader{
        place, guest::GuestReader{clock_, std::move(disk), options}, clock_.steady_now(), {}}};
}

void GuestFiles::give_back(std::unique_ptr<Reader> reader) noexcept {
    std::unique_ptr<Reader> surplus;
    const std::scoped_lock lock{mutex_};
    reader->last_used = clock_.steady_now();
    const bool is_alive = reader->reader.is_alive();
    // Its processor time is bounded for its whole life, which must not end in somebody's download.
    const bool is_old = reader->last_used - reader->begun >= options_.reader_age_max;
    try {
        if (is_alive && !is_old) {
            idle_.push_back(std::move(reader));
            if (idle_.size() <= options_.idle_count_max) return;
            reader = std::move(idle_.front());
            idle_.pop_front();
        }
        surplus = std::move(reader);
        --count_;
        if (!is_alive) {
            log_.warning(
                "reader of guest files ended",
                {{"point", surplus->place.point}, {"disk", std::to_string(surplus->place.disk)}});
        }
    } catch (const std::exception&) {
        // No memory for a place in the list, or for a line in the log.
        if (reader != nullptr) --count_;
    }
}

void GuestFiles::forget_one() noexcept {
    const std::scoped_lock lock{mutex_};
    --count_;
}

void GuestFiles::end_idle(std::stop_token stop) {
    while (!stop.stop_requested()) {
        clock_.sleep_for(kIdleLook, stop);
        std::vector<std::unique_ptr<Reader>> ended;
        const std::scoped_lock lock{mutex_};
        while (!idle_.empty() &&
               clock_.steady_now() - idle_.front()->last_used >= options_.idle_time_max) {
            ended.push_back(std::move(idle_.front()));
            idle_.pop_front();
            --count_;
        }
    }
}

void GuestFiles::close() {
    std::jthread thread;
    std::list<std::unique_ptr<Reader>> ended;
    {
        const std::scoped_lock lock{mutex_};
        thread = std::move(thread_);
        count_ -= idle_.size();
        ended = std::move(idle_);
        idle_.clear();
    }
}

guest::VolumeTable GuestFiles::volumes(const DiskPlace& place) {
    Loan loan{*this, place};
    return loan.reader().volumes();
}

guest::FolderPage GuestFiles::list(const FilePlace& folder, const guest::PageRequest& page) {
    Loan loan{*this, folder.disk};
    return loan.reader().list(folder.volume, folder.path, page);
}

guest::FileStatus GuestFiles::status(const FilePlace& file) {
    Loan loan{*this, file.disk};
    return loan.reader().status(file.volume, file.path);
}

std::unique_ptr<GuestFiles::Download> GuestFiles::download(const FilePlace& file) {
    return std::make_unique<RunningDownload>(*this, file);
}

std::unique_ptr<DiskFiles> GuestFiles::open_disk(const DiskPlace& place, Sharing sharing) {
    return std::make_unique<LongLoan>(*this, place, sharing);
}

}  // namespace entrepot::files
