// A transport that writes down what passes through it, without what proves who we are.
#pragma once

#include "base/file_system.h"
#include "exporter/wsman/transport.h"

#include <filesystem>

namespace entrepot::wsman {

/// Writes DIRECTORY/NNNNNN.json for each exchange: {"request":{"headers","body"},
/// "answer":{"status","headers","body"}} or {"request",...,"error"}. Authorization, tokens of
/// WWW-Authenticate and cookies are left out. A full disk ends the record, not the work.
class RecordingTransport final : public Transport {
public:
    RecordingTransport(FileSystem& file_system, Transport& inner, std::filesystem::path directory);

    HttpAnswer exchange(const HttpRequest& request, std::stop_token stop) override;
    void disconnect() override { inner_.disconnect(); }
    Bytes peer_certificate() const override { return inner_.peer_certificate(); }

private:
    void write(const std::string& content) noexcept;

    FileSystem& file_system_;
    Transport& inner_;
    std::filesystem::path directory_;
    int count_ = 0;
    bool is_broken_ = false;
};

}  // namespace entrepot::wsman
