// A TLS server for one test: a certificate of its own and a script of raw answers.
#pragma once

#include "base/bytes.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace entrepot::wsman {

/// What the server does with one request on a connection.
struct TlsReply {
    std::string bytes;
    bool closes = false;  ///< Ends the connection after it.
};

/// Listens on a loopback port until it goes. Requests beyond the replies are answered by closing.
class TlsServer {
public:
    /// `newest_version` is OpenSSL's number of a TLS version; 0: the newest it has.
    TlsServer(const std::string& host_name, std::vector<TlsReply> replies, int newest_version = 0);
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer();

    std::string url() const;
    std::string pin() const { return pin_; }
    std::string certificate_pem() const { return pem_; }
    /// All requests that came, heads and bodies.
    std::vector<std::string> requests() const;
    int connection_count() const { return connection_count_; }

private:
    struct Tls;
    void serve();
    void serve_connection(int connection);

    std::unique_ptr<Tls> tls_;
    std::string pem_;
    std::string pin_;
    int listener_ = -1;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<TlsReply> replies_;
    std::vector<std::string> requests_;
    std::size_t next_reply_ = 0;
    std::atomic<int> connection_count_ = 0;
    std::atomic<bool> is_stopping_ = false;
    std::jthread thread_;
};

}  // namespace entrepot::wsman
