// A reader that goes by the announced Length, as the real service does: one byte off is no message.
#include "tests/hostsim/wire/encrypted_message.h"

#include "tests/hostsim/cim/value.h"

#include <fmt/format.h>

#include <cstdlib>

namespace entrepot::hostsim {
namespace {

constexpr std::string_view kDelimiter = "--Encrypted Boundary";
constexpr std::string_view kSpnego = "application/HTTP-SPNEGO-session-encrypted";
constexpr std::string_view kKerberos = "application/HTTP-Kerberos-session-encrypted";
constexpr std::string_view kType = "multipart/encrypted";

/// Takes what stands at the front, or notes that it does not.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void skip_blank() {
        while (!text_.empty() && (text_.front() == '\t' || text_.front() == ' '))
            text_.remove_prefix(1);
    }
    void expect(std::string_view word) {
        if (!text_.starts_with(word)) {
            is_good_ = false;
            return;
        }
        text_.remove_prefix(word.size());
    }
    std::string_view take_until(std::string_view end) {
        const std::size_t at = text_.find(end);
        if (at == std::string_view::npos) {
            is_good_ = false;
            return {};
        }
        const std::string_view taken = text_.substr(0, at);
        text_.remove_prefix(at + end.size());
        return taken;
    }
    std::string_view take(std::size_t count) {
        if (count > text_.size()) {
            is_good_ = false;
            return {};
        }
        const std::string_view taken = text_.substr(0, count);
        text_.remove_prefix(count);
        return taken;
    }
    bool is_good() const { return is_good_; }

private:
    std::string_view text_;
    bool is_good_ = true;
};

std::size_t number(std::string_view text) {
    const bool is_sound = !text.empty() && text.size() < 10 &&
                          text.find_first_not_of("0123456789") == std::string_view::npos;
    return is_sound ? std::strtoul(std::string{text}.c_str(), nullptr, 10) : 0;
}

std::size_t little_endian(std::string_view text) {
    std::size_t value = 0;
    for (std::size_t index = text.size(); index-- > 0;)
        value = value * 256 + static_cast<unsigned char>(text[index]);
    return value;
}

}  // namespace

bool is_encrypted_type(const std::string& content_type) {
    return same_name(std::string_view{content_type}.substr(0, kType.size()), kType);
}

std::optional<EncryptedMessage> read_encrypted(const std::string& content_type,
                                               const std::string& body) {
    const bool is_kerberos = content_type.find(kKerberos) != std::string::npos;
    const bool is_known = is_kerberos || content_type.find(kSpnego) != std::string::npos;
    const bool has_boundary =
        content_type.find("boundary=\"Encrypted Boundary\"") != std::string::npos;
    if (!is_known || !has_boundary) return std::nullopt;

    Scanner in{body};
    in.expect(kDelimiter);
    in.expect("\r\n");
    in.skip_blank();
    in.expect("Content-Type: ");
    in.expect(is_kerberos ? kKerberos : kSpnego);
    in.expect("\r\n");
    in.skip_blank();
    in.expect("OriginalContent: type=");
    in.take_until(";Length=");
    const std::size_t length = number(in.take_until("\r\n"));
    in.expect(kDelimiter);
    in.expect("\r\n");
    in.skip_blank();
    in.expect("Content-Type: application/octet-stream\r\n");
    const std::size_t seal_size = little_endian(in.take(4));
    EncryptedMessage message;
    message.seal = in.take(seal_size);
    message.data = in.take(length);
    in.expect(kDelimiter);
    in.expect("--");
    if (!in.is_good() || length == 0) return std::nullopt;
    return message;
}

std::string encrypted_type(const EncryptedStyle& style) {
    return fmt::format("{};protocol=\"{}\";boundary=\"Encrypted Boundary\"", kType,
                       style.is_kerberos_scheme ? kKerberos : kSpnego);
}

std::string write_encrypted(const EncryptedMessage& message, const std::string& plain_type,
                            const EncryptedStyle& style) {
    const char* tab = style.has_tabs ? "\t" : "";
    std::string body = fmt::format(
        "{}\r\n{}Content-Type: {}\r\n{}OriginalContent: type={};Length={}\r\n", kDelimiter, tab,
        style.is_kerberos_scheme ? kKerberos : kSpnego, tab, plain_type, message.data.size());
    body += fmt::format("{}\r\n{}Content-Type: application/octet-stream\r\n", kDelimiter, tab);
    std::size_t size = message.seal.size();
    for (int index = 0; index < 4; ++index) {
        body += static_cast<char>(size % 256);
        size /= 256;
    }
    return body + message.seal + message.data + fmt::format("{}--\r\n", kDelimiter);
}

}  // namespace entrepot::hostsim
