// Transcripts of the wire, without what proves who we are or names us, for people who have a real
// host and for tests.
#pragma once

#include "base/error.h"
#include "base/file_system.h"
#include "exporter/wsman/redactor.h"
#include "exporter/wsman/transport.h"

#include <filesystem>
#include <string>

namespace entrepot::wsman {

/// Sees what a session sends and gets, in plain text even where it is sealed on the wire.
class ExchangeObserver {
public:
    virtual ~ExchangeObserver() = default;
    virtual void on_answer(const HttpRequest& request, const HttpAnswer& answer) noexcept = 0;
    virtual void on_failure(const HttpRequest& request, const Error& error) noexcept = 0;
};

/// Writes DIRECTORY/NNNNNN.json for each exchange: {"request":{"headers","body"},
/// "answer":{"status","headers","body"}} or {"request",...,"error"}. Authorization, tokens of
/// WWW-Authenticate and cookies are left out, names are replaced. A full disk ends the record, not
/// the work.
class Recorder final : public ExchangeObserver {
public:
    /// `redactor` knows the names that are known beforehand.
    Recorder(FileSystem& file_system, std::filesystem::path directory, Redactor redactor);

    void on_answer(const HttpRequest& request, const HttpAnswer& answer) noexcept override;
    void on_failure(const HttpRequest& request, const Error& error) noexcept override;

private:
    void write(const std::string& content);

    FileSystem& file_system_;
    std::filesystem::path directory_;
    Redactor redactor_;
    int count_ = 0;
    bool is_broken_ = false;
};

/// What is known of a connection before it is made: the host's name and the user's, in their parts.
Redactor redactor_of(const std::string& host, const std::string& user);

}  // namespace entrepot::wsman
