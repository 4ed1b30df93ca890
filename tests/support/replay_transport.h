// Answers from recordings, in their order, to a client that must ask what was asked then.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/json.h"
#include "exporter/wsman/transport.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

namespace entrepot::test {

/// Reads DIRECTORY/*.json as wsman::Recorder wrote them; legs of a login are passed over.
class ReplayTransport final : public wsman::Transport {
public:
    explicit ReplayTransport(const std::filesystem::path& directory) {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator{directory})
            files.push_back(entry.path());
        std::sort(files.begin(), files.end());
        PosixFileSystem file_system;
        for (const auto& file : files) {
            const Bytes text = file_system.read_file(file, 16 * kMiB);
            Json record = parse_json(as_text(text), file.string());
            if (!record.at("request").at("body").get<std::string>().empty()) {
                records_.push_back(std::move(record));
            }
        }
    }

    wsman::HttpAnswer exchange(const wsman::HttpRequest& request, std::stop_token) override {
        if (next_ == records_.size()) {
            throw Error{ErrorCode::internal, "a request beyond the recording"};
        }
        const Json& record = records_[next_++];
        const std::string recorded = record.at("request").at("body");
        if (stripped(recorded) != stripped(request.body)) {
            throw Error{ErrorCode::internal,
                        "another request than recorded: " + request.body + " / " + recorded};
        }
        if (record.contains("error")) {
            throw Error{error_code_from(record.at("error").at("code").get<std::string>()),
                        record.at("error").at("message")};
        }
        wsman::HttpAnswer answer;
        answer.status = record.at("answer").at("status");
        for (const Json& header : record.at("answer").at("headers"))
            answer.headers.push_back({header.at(0), header.at(1)});
        answer.body = record.at("answer").at("body");
        const std::string then = id_of(recorded);
        const std::size_t at = then.empty() ? std::string::npos : answer.body.find(then);
        if (at != std::string::npos) answer.body.replace(at, then.size(), id_of(request.body));
        return answer;
    }
    void disconnect() override {}
    Bytes peer_certificate() const override { return {}; }
    bool is_encrypted() const override { return true; }
    bool is_at_end() const { return next_ == records_.size(); }
    std::size_t size() const { return records_.size(); }

private:
    static std::string id_of(const std::string& body) {
        std::smatch found;
        const std::regex pattern{"<a:MessageID>([^<]*)<"};
        return std::regex_search(body, found, pattern) ? found[1].str() : std::string{};
    }
    /// Without what is new in every session.
    static std::string stripped(const std::string& body) {
        static const std::regex kOnce{"<a:MessageID>[^<]*<|<m:SessionId[^>]*>[^<]*<|<a:To>[^<]*<"};
        return std::regex_replace(body, kOnce, "<");
    }

    std::vector<Json> records_;
    std::size_t next_ = 0;
};

}  // namespace entrepot::test
