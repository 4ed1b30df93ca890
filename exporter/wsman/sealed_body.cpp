// The two parts of a sealed body: headers that describe, then the length of the seal's header, that
// header and the sealed bytes, with no line break before the closing boundary (wsman 11).
#include "exporter/wsman/sealed_body.h"

#include "base/error.h"
#include "exporter/wsman/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace entrepot::wsman {
namespace {

constexpr std::string_view kBoundary = "Encrypted Boundary";
constexpr std::string_view kMultipart = "multipart/encrypted";
constexpr std::string_view kPlainType = "application/soap+xml;charset=UTF-8";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kLengthBytes = 4;

std::string_view name_of(SealProtocol protocol) {
    return protocol == SealProtocol::kerberos ? "application/HTTP-Kerberos-session-encrypted"
                                              : "application/HTTP-SPNEGO-session-encrypted";
}

[[noreturn]] void refuse(const std::string& why) {
    throw Error{ErrorCode::protocol, "the host's sealed answer " + why};
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// The value of boundary="..."; Windows' own where there is none.
std::string_view boundary_of(std::string_view content_type) {
    constexpr std::string_view kName = "boundary=";
    std::string_view rest = content_type;
    while (!rest.empty()) {
        const std::size_t semicolon = rest.find(';');
        std::string_view parameter = trimmed(rest.substr(0, semicolon));
        rest =
            semicolon == std::string_view::npos ? std::string_view{} : rest.substr(semicolon + 1);
        if (!equals_ignoring_case(parameter.substr(0, kName.size()), kName)) continue;
        parameter.remove_prefix(kName.size());
        if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
            parameter = parameter.substr(1, parameter.size() - 2);
        }
        if (!parameter.empty()) return parameter;
    }
    return kBoundary;
}

/// Reads a body from its start, line by line.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}

    std::string_view next() {
        const std::size_t end = rest_.substr(0, limits::kSealedHeaderBytesMax).find(kLineEnd);
        if (end == std::string_view::npos) refuse("ends inside its headers");
        const std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(end + kLineEnd.size());
        return trimmed(line);
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

bool is_boundary(std::string_view line, std::string_view boundary) {
    if (!line.starts_with("--")) return false;
    return trimmed(line.substr(2)) == boundary;
}

void expect_boundary(Lines& lines, std::string_view boundary) {
    if (!is_boundary(lines.next(), boundary)) refuse("has no boundary where a part begins");
}

std::size_t parse_length(std::string_view digits) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        refuse(fmt::format("has a Length that is no number: '{:.40}'", digits));
    }
    return value;
}

// "type=application/soap+xml;charset=UTF-8;Length=123"
void read_original_content(std::string_view value, SealedBody& body) {
    constexpr std::string_view kType = "type=";
    constexpr std::string_view kLength = ";Length=";
    const std::size_t length = value.rfind(kLength);
    if (!value.starts_with(kType) || length == std::string_view::npos) {
        refuse("does not say what was sealed");
    }
    body.content_type = value.substr(kType.size(), length - kType.size());
    body.length = parse_length(trimmed(value.substr(length + kLength.size())));
}

// What stands before the closing boundary, which is the last one.
std::string_view sealed_bytes(std::string_view rest, std::string_view boundary) {
    std::size_t end = rest.rfind(boundary);
    if (end == std::string_view::npos) refuse("has no closing boundary");
    const std::string_view tail = rest.substr(end + boundary.size());
    if (!tail.starts_with("--")) refuse("has no closing boundary");
    if (end > 0 && rest[end - 1] == ' ') --end;
    if (end < 2 || rest.substr(end - 2, 2) != "--") refuse("has no closing boundary");
    return rest.substr(0, end - 2);
}

std::size_t decode_little_endian(std::string_view bytes) {
    std::size_t value = 0;
    for (std::size_t index = kLengthBytes; index > 0; --index) {
        value = value << 8 | static_cast<unsigned char>(bytes[index - 1]);
    }
    return value;
}

Bytes copy_of(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

}  // namespace

std::string sealed_content_type(SealProtocol protocol) {
    return fmt::format("{};protocol=\"{}\";boundary=\"{}\"", kMultipart, name_of(protocol),
                       kBoundary);
}

std::string write_sealed_body(const SealedMessage& message, SealProtocol protocol,
                              InnerHeaders headers) {
    const std::string_view tab = headers == InnerHeaders::with_tab ? "\t" : "";
    std::string body = fmt::format(
        "--{0}\r\n{1}Content-Type: {2}\r\n{1}OriginalContent: type={3};Length={4}\r\n--{0}\r\n"
        "{1}Content-Type: application/octet-stream\r\n",
        kBoundary, tab, name_of(protocol), kPlainType, message.payload.size());
    std::size_t length = message.header.size();
    for (std::size_t index = 0; index < kLengthBytes; ++index, length >>= 8) {
        body.push_back(static_cast<char>(length & 0xff));
    }
    body.append(as_text(message.header));
    body.append(as_text(message.payload));
    return body + fmt::format("--{}--\r\n", kBoundary);
}

bool is_sealed_content_type(std::string_view content_type) {
    return equals_ignoring_case(content_type.substr(0, kMultipart.size()), kMultipart);
}

SealedBody decode_sealed_body(std::string_view content_type, std::string_view body) {
    const std::string_view boundary = boundary_of(content_type);
    SealedBody decoded;
    Lines lines{body};
    expect_boundary(lines, boundary);
    bool has_content = false;
    for (std::string_view line = lines.next(); !is_boundary(line, boundary); line = lines.next()) {
        constexpr std::string_view kName = "OriginalContent:";
        if (!equals_ignoring_case(line.substr(0, kName.size()), kName)) continue;
        read_original_content(trimmed(line.substr(kName.size())), decoded);
        has_content = true;
    }
    if (!has_content) refuse("does not say what was sealed");
    lines.next();  // Content-Type: application/octet-stream

    const std::string_view bytes = sealed_bytes(lines.rest(), boundary);
    if (bytes.size() < kLengthBytes) refuse("is shorter than its first length");
    const std::size_t header_size = decode_little_endian(bytes);
    if (header_size > bytes.size() - kLengthBytes) {
        refuse(fmt::format("has a seal of {} bytes in a body of {}", header_size, bytes.size()));
    }
    decoded.message.header = copy_of(bytes.substr(kLengthBytes, header_size));
    decoded.message.payload = copy_of(bytes.substr(kLengthBytes + header_size));
    return decoded;
}

}  // namespace entrepot::wsman
