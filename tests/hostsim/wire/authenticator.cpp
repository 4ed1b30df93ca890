// Raw NTLMSSP tokens and SPNEGO-wrapped ones both come under Negotiate; raw Kerberos tokens come
// under Kerberos.
#include "tests/hostsim/wire/authenticator.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/hostsim/cim/value.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kTokenBytesMax = 48 * 1024;

constexpr const char* kMutualProfile =
    "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual";

std::string after_scheme(const std::string& header, std::string_view scheme) {
    if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return {};
    if (!same_name(std::string_view{header}.substr(0, scheme.size()), scheme)) return {};
    return header.substr(scheme.size() + 1);
}

// A GSSAPI token of Kerberos without SPNEGO around it (RFC 2743 3.1): its first part names it.
bool is_bare_kerberos(const Bytes& token) {
    constexpr std::string_view kOid{"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
    if (token.size() < 2 || token[0] != std::byte{0x60}) return false;
    const auto length = std::to_integer<std::size_t>(token[1]);
    const std::size_t start = 2 + (length < 0x80 ? 0 : length - 0x80);
    return start <= token.size() && as_text(token).substr(start).starts_with(kOid);
}

}  // namespace

std::string User::domain() const {
    const std::size_t slash = name.find('\\');
    if (slash != std::string::npos) return name.substr(0, slash);
    const std::size_t at = name.rfind('@');
    return at == std::string::npos ? std::string{} : name.substr(at + 1);
}

std::string User::account() const {
    const std::size_t slash = name.find('\\');
    if (slash != std::string::npos) return name.substr(slash + 1);
    return name.substr(0, name.rfind('@'));
}

bool User::may_use_wsman() const {
    return std::any_of(groups.begin(), groups.end(), [](const std::string& group) {
        return group == "Administrators" || group == "Remote Management Users" ||
               group == "Hyper-V Administrators";
    });
}

bool User::sees_virtual_machines() const {
    return std::any_of(groups.begin(), groups.end(), [this](const std::string& group) {
        return group == "Hyper-V Administrators" ||
               (group == "Administrators" && !is_token_filtered);
    });
}

Authenticator::Authenticator(const LoginOptions& options) : options_(options) {}

Authenticator::~Authenticator() = default;

void Authenticator::forget() {
    connection_user_ = nullptr;
    acceptor_.reset();
}

LoginStep Authenticator::step(const LoginEvidence& evidence) {
    connection_user_ = nullptr;
    if (evidence.authorization == kMutualProfile) {
        if (!options_.allows_certificate || evidence.certificate_digest.empty()) return {};
        for (const User& user : options_.users) {
            if (user.certificate_digest == evidence.certificate_digest) return {.user = &user};
        }
        return {};
    }
    const std::string basic = after_scheme(evidence.authorization, "Basic");
    if (options_.allows_basic && !basic.empty()) return step_basic(basic);
    for (const char* scheme : {"Negotiate", "Kerberos"}) {
        if (!after_scheme(evidence.authorization, scheme).empty()) {
            return step_token(scheme, evidence);
        }
    }
    return {};
}

LoginStep Authenticator::step_basic(const std::string& credentials) const {
    std::string plain;
    try {
        plain = as_text(from_base64(credentials));
    } catch (const Error&) {
        return {};
    }
    const std::size_t colon = plain.find(':');
    if (colon == std::string::npos) return {};
    const User* user = find_user(plain.substr(0, colon));
    if (user == nullptr || user->password != plain.substr(colon + 1)) return {};
    return {.user = user};
}

LoginStep Authenticator::step_token(const std::string& scheme, const LoginEvidence& evidence) {
    const bool is_kerberos_scheme = scheme == "Kerberos";
    const bool has_keytab = !options_.keytab.empty();
    if (is_kerberos_scheme ? !has_keytab : !options_.allows_negotiate) return {};
    Bytes token;
    try {
        token = from_base64(after_scheme(evidence.authorization, scheme));
    } catch (const Error&) {
        return {};
    }
    if (token.empty() || token.size() > kTokenBytesMax) return {};
    constexpr std::string_view kSignature{"NTLMSSP\0", 8};
    const bool is_raw = as_text(token).starts_with(kSignature);
    // The first token of a login begins with a negotiate message or an SPNEGO request.
    const bool is_first =
        is_raw ? token.size() > 8 && token[8] == std::byte{1} : token[0] == std::byte{0x60};
    if (!acceptor_ || is_first) {
        TokenKind kind = is_raw ? TokenKind::ntlm : TokenKind::spnego;
        // Windows takes such a token under Negotiate too; python3-requests-kerberos sends it so.
        if (is_bare_kerberos(token)) kind = TokenKind::kerberos;
        const bool is_refused = kind == TokenKind::kerberos ? !has_keytab : is_kerberos_scheme;
        if (is_refused) return {};
        const bool looks_at_binding = evidence.is_tls && options_.cbt != CbtHardening::none;
        acceptor_ = std::make_unique<Acceptor>(AcceptorOptions{
            .kind = kind,
            .takes_ntlm = true,
            .takes_kerberos = has_keytab,
            .channel_binding = looks_at_binding ? options_.channel_binding : std::string{}});
    }
    is_kerberos_scheme_ = is_kerberos_scheme;
    LoginStep result;
    Bytes answer;
    const Acceptor::Outcome outcome = acceptor_->accept(token, answer);
    if (!answer.empty()) result.challenge = fmt::format("{} {}", scheme, to_base64(answer));
    if (outcome == Acceptor::Outcome::more) return result;
    if (outcome == Acceptor::Outcome::done) finish(result, evidence.is_tls);
    if (result.user == nullptr) {
        forget();
        result.challenge.clear();
    }
    return result;
}

void Authenticator::finish(LoginStep& step, bool is_tls) {
    step.is_kerberos = acceptor_->is_kerberos();
    const bool wants_binding = is_tls && options_.cbt == CbtHardening::strict;
    if (wants_binding && !acceptor_->is_channel_bound()) return;
    step.user = connection_user_ = find_user(acceptor_->client_name());
}

std::optional<std::string> Authenticator::open(const std::string& content_type,
                                               const std::string& body) {
    if (!acceptor_ || connection_user_ == nullptr) return std::nullopt;
    const auto message = read_encrypted(content_type, body);
    if (!message) return std::nullopt;
    return acceptor_->open(*message);
}

std::string Authenticator::seal(const std::string& plain, std::string& content_type) {
    const EncryptedStyle style{is_kerberos_scheme_, options_.has_tabs};
    const std::string plain_type = content_type;
    content_type = encrypted_type(style);
    return write_encrypted(acceptor_->seal(plain), plain_type, style);
}

const User* Authenticator::find_user(const std::string& name) const {
    for (const User& user : options_.users) {
        const std::string domain = user.domain();
        const std::string account = user.account();
        const bool is_user = same_name(account, name) || same_name(account + "@" + domain, name) ||
                             same_name(domain + "\\" + account, name);
        if (is_user) return &user;
    }
    return nullptr;
}

std::vector<std::string> Authenticator::offers() const {
    std::vector<std::string> result;
    if (options_.allows_negotiate) result.emplace_back("Negotiate");
    if (!options_.keytab.empty()) result.emplace_back("Kerberos");
    if (options_.allows_basic) result.emplace_back("Basic realm=\"WSMAN\"");
    return result;
}

void Authenticator::prepare(const std::filesystem::path& ntlm_file, const LoginOptions& options) {
    std::ofstream out{ntlm_file, std::ios::trunc};
    std::filesystem::permissions(
        ntlm_file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    for (const User& user : options.users) {
        out << fmt::format("{}:{}:{}\n", user.domain(), user.account(), user.password);
    }
    if (!out.flush())
        throw Error{ErrorCode::io, fmt::format("cannot write {}", ntlm_file.string())};
    ::setenv("NTLM_USER_FILE", ntlm_file.c_str(), 1);
    if (!options.keytab.empty()) ::setenv("KRB5_KTNAME", options.keytab.c_str(), 1);
}

}  // namespace entrepot::hostsim
