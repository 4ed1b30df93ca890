// Who was promised how much of a share, so that exports which begin together don't all count on
// the same free bytes (F-SH-01).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace entrepot::backup {

/// Safe to share between threads.
class SpaceLedger {
public:
    /// Gives the promise back when it goes. The ledger outlives it.
    class Promise {
    public:
        Promise(SpaceLedger& ledger, std::uint64_t number) : ledger_(ledger), number_(number) {}
        Promise(const Promise&) = delete;
        Promise& operator=(const Promise&) = delete;
        ~Promise() { ledger_.release(number_); }

    private:
        SpaceLedger& ledger_;
        std::uint64_t number_;
    };

    /// Bytes promised on a share that are not written yet.
    std::uint64_t outstanding(const std::string& share);
    /// A promise of `bytes` if that many of `free` are promised to nobody, else nullptr. `written`
    /// says how many of them the volume counts as used by now; it may be called from any thread
    /// and as long as the promise lives.
    std::unique_ptr<Promise> try_promise(const std::string& share, std::uint64_t bytes,
                                         std::uint64_t free,
                                         std::function<std::uint64_t()> written);
    /// As above, whatever is free: for an export that is going on already.
    std::unique_ptr<Promise> promise(const std::string& share, std::uint64_t bytes,
                                     std::function<std::uint64_t()> written);

private:
    struct Entry {
        std::string share;
        std::uint64_t bytes = 0;
        std::function<std::uint64_t()> written;
    };
    void release(std::uint64_t number);
    std::uint64_t count_outstanding(const std::string& share) const;
    std::unique_ptr<Promise> add(Entry entry);

    std::mutex mutex_;
    std::uint64_t next_number_ = 1;
    std::map<std::uint64_t, Entry> entries_;
};

}  // namespace entrepot::backup
