// GSSAPI as acceptor: raw NTLMSSP tokens and SPNEGO-wrapped ones both come under Negotiate.
#include "tests/hostsim/wire/authenticator.h"

#include "base/bytes.h"
#include "base/error.h"
#include "tests/hostsim/cim/value.h"

#include <fmt/format.h>
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace entrepot::hostsim {
namespace {

constexpr std::size_t kTokenBytesMax = 48 * 1024;

// 1.3.6.1.4.1.311.2.2.10
gss_OID_desc ntlmssp_mechanism{10, const_cast<char*>("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")};
// 1.3.6.1.5.5.2
gss_OID_desc spnego_mechanism{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};

class GssBuffer {
public:
    GssBuffer() = default;
    GssBuffer(const GssBuffer&) = delete;
    GssBuffer& operator=(const GssBuffer&) = delete;
    ~GssBuffer() {
        OM_uint32 minor = 0;
        gss_release_buffer(&minor, &buffer_);
    }
    gss_buffer_t get() { return &buffer_; }
    std::string text() const { return {static_cast<const char*>(buffer_.value), buffer_.length}; }

private:
    gss_buffer_desc buffer_ = GSS_C_EMPTY_BUFFER;
};

std::string after_scheme(const std::string& header, std::string_view scheme) {
    if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return {};
    if (!same_name(std::string_view{header}.substr(0, scheme.size()), scheme)) return {};
    return header.substr(scheme.size() + 1);
}

}  // namespace

std::string User::domain() const {
    const std::size_t slash = name.find('\\');
    return slash == std::string::npos ? std::string{} : name.substr(0, slash);
}

std::string User::account() const {
    const std::size_t slash = name.find('\\');
    return slash == std::string::npos ? name : name.substr(slash + 1);
}

bool User::may_use_wsman() const {
    return std::any_of(groups.begin(), groups.end(), [](const std::string& group) {
        return group == "Administrators" || group == "Remote Management Users" ||
               group == "Hyper-V Administrators";
    });
}

bool User::sees_virtual_machines() const {
    return std::any_of(groups.begin(), groups.end(), [](const std::string& group) {
        return group == "Administrators" || group == "Hyper-V Administrators";
    });
}

/// One GSSAPI acceptor in the middle of its legs.
class Authenticator::Context {
public:
    explicit Context(bool is_raw_ntlm) {
        OM_uint32 minor = 0;
        gss_OID_desc mechanism = is_raw_ntlm ? ntlmssp_mechanism : spnego_mechanism;
        gss_OID_set_desc mechanisms{1, &mechanism};
        if (GSS_ERROR(gss_acquire_cred(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechanisms,
                                       GSS_C_ACCEPT, &credential_, nullptr, nullptr))) {
            throw Error{ErrorCode::internal, "GSSAPI offers no NTLM acceptor"};
        }
        gss_OID_set_desc inner{1, &ntlmssp_mechanism};
        if (!is_raw_ntlm) gss_set_neg_mechs(&minor, credential_, &inner);
    }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context() {
        OM_uint32 minor = 0;
        gss_delete_sec_context(&minor, &context_, nullptr);
        gss_release_name(&minor, &name_);
        gss_release_cred(&minor, &credential_);
    }

    enum class Outcome { refused, more, done };

    Outcome accept(Bytes& token, std::string& answer) {
        OM_uint32 minor = 0;
        gss_buffer_desc input{token.size(), token.data()};
        GssBuffer output;
        gss_release_name(&minor, &name_);
        const OM_uint32 major = gss_accept_sec_context(&minor, &context_, credential_, &input,
                                                       GSS_C_NO_CHANNEL_BINDINGS, &name_, nullptr,
                                                       output.get(), nullptr, nullptr, nullptr);
        answer = to_base64(as_bytes(output.text()));
        if (GSS_ERROR(major)) return Outcome::refused;
        return (major & GSS_S_CONTINUE_NEEDED) != 0 ? Outcome::more : Outcome::done;
    }

    std::string client_name() const {
        OM_uint32 minor = 0;
        GssBuffer text;
        if (GSS_ERROR(gss_display_name(&minor, name_, text.get(), nullptr))) return {};
        // gss-ntlmssp counts the terminator.
        std::string name = text.text();
        while (name.ends_with('\0'))
            name.pop_back();
        return name;
    }

private:
    gss_cred_id_t credential_ = GSS_C_NO_CREDENTIAL;
    gss_ctx_id_t context_ = GSS_C_NO_CONTEXT;
    gss_name_t name_ = GSS_C_NO_NAME;
};

Authenticator::Authenticator(const LoginOptions& options) : options_(options) {}

Authenticator::~Authenticator() = default;

LoginStep Authenticator::step(const std::string& authorization) {
    connection_user_ = nullptr;
    if (options_.allows_basic) {
        const std::string basic = after_scheme(authorization, "Basic");
        if (!basic.empty()) return step_basic(basic);
    }
    if (options_.allows_negotiate) {
        const std::string token = after_scheme(authorization, "Negotiate");
        if (!token.empty()) return step_negotiate(token);
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
    return {.user = user, .token = {}};
}

LoginStep Authenticator::step_negotiate(const std::string& token_text) {
    Bytes token;
    try {
        token = from_base64(token_text);
    } catch (const Error&) {
        return {};
    }
    if (token.empty() || token.size() > kTokenBytesMax) return {};
    constexpr std::string_view kSignature{"NTLMSSP\0", 8};
    const bool is_raw = as_text(token).starts_with(kSignature);
    // The first token of a login begins with a negotiate message or an SPNEGO request.
    const bool is_first =
        is_raw ? token.size() > 8 && token[8] == std::byte{1} : token[0] == std::byte{0x60};
    if (!context_ || is_first) context_ = std::make_unique<Context>(is_raw);
    LoginStep result;
    switch (context_->accept(token, result.token)) {
        case Context::Outcome::more:
            return result;
        case Context::Outcome::refused:
            break;
        case Context::Outcome::done:
            result.user = connection_user_ = find_user(context_->client_name());
            break;
    }
    context_.reset();
    if (result.user == nullptr) result.token.clear();
    return result;
}

const User* Authenticator::find_user(const std::string& name) const {
    for (const User& user : options_.users) {
        const bool is_full = same_name(user.name, name);
        if (is_full || same_name(user.account(), name)) return &user;
        if (same_name(user.account() + "@" + user.domain(), name)) return &user;
    }
    return nullptr;
}

std::vector<std::string> Authenticator::offers() const {
    std::vector<std::string> result;
    if (options_.allows_negotiate) result.emplace_back("Negotiate");
    if (options_.allows_basic) result.emplace_back("Basic realm=\"WSMAN\"");
    return result;
}

void Authenticator::prepare_ntlm(const std::filesystem::path& file,
                                 const std::vector<User>& users) {
    std::ofstream out{file, std::ios::trunc};
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    for (const User& user : users) {
        out << fmt::format("{}:{}:{}\n", user.domain(), user.account(), user.password);
    }
    if (!out.flush()) throw Error{ErrorCode::io, fmt::format("cannot write {}", file.string())};
    ::setenv("NTLM_USER_FILE", file.c_str(), 1);
}

}  // namespace entrepot::hostsim
