// Tickets by the Kerberos library; the only file that knows its error codes. NTLM needs none of it.
#include "exporter/wsman/kerberos_ticket.h"

#include "base/bytes.h"
#include "exporter/wsman/limits.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <krb5/krb5.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace entrepot::wsman {
namespace {

constexpr const char* kRealmHint =
    "Write the user as user@REALM. The realm's KDC is found by DNS (_kerberos._udp.REALM) or named "
    "in /etc/krb5.conf.";
constexpr const char* kSkewHint =
    "The clocks of this machine, the host and the domain controller may differ by at most five "
    "minutes: let all of them follow the domain's time.";

struct Meaning {
    krb5_error_code code;
    LoginFailure failure;
    ErrorCode error;
    std::string_view words;
    std::string_view hint;
};

using F = LoginFailure;
using E = ErrorCode;
constexpr std::array<Meaning, 26> kMeanings{{
    {KRB5_CONFIG_NODEFREALM, F::no_realm, E::invalid, "no realm is known", kRealmHint},
    {KRB5_REALM_UNKNOWN, F::no_realm, E::invalid, "the realm has no known KDC", kRealmHint},
    {KRB5_REALM_CANT_RESOLVE, F::no_realm, E::invalid, "the KDC's name is not known", kRealmHint},
    {KRB5_ERR_HOST_REALM_UNKNOWN, F::no_realm, E::invalid, "the host's realm is not known",
     kRealmHint},
    {KRB5KDC_ERR_WRONG_REALM, F::no_realm, E::invalid, "the KDC is of another realm", kRealmHint},
    {KRB5_KDC_UNREACH, F::kdc_unreachable, E::unreachable, "no KDC answers",
     "Is a domain controller up, and port 88 open to it (UDP and TCP)?"},
    {KRB5KDC_ERR_SVC_UNAVAILABLE, F::kdc_unreachable, E::unreachable, "the KDC is not ready", ""},
    {KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN, F::user_unknown, E::unauthenticated,
     "the KDC does not know the user",
     "Kerberos knows accounts of the domain only; for an account of the host use --auth ntlm."},
    {KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, F::service_unknown, E::unauthenticated,
     "the KDC does not know the service",
     "Use the host's full name as it is in the domain, no alias; where HTTP/ is registered for "
     "another account, try --spn WSMAN or --spn host. 'setspn -L HOST' lists what there is."},
    {KRB5_FCC_NOFILE, F::no_ticket, E::unauthenticated, "there is no ticket",
     "Give a password or a keytab, or run kinit for the account that the appliance runs under."},
    {KRB5_CC_NOTFOUND, F::no_ticket, E::unauthenticated, "there is no ticket",
     "Give a password or a keytab, or run kinit for the account that the appliance runs under."},
    {KRB5_CC_NOSUPP, F::no_ticket, E::unauthenticated, "the ticket cache cannot be used", ""},
    {KRB5KRB_AP_ERR_TKT_EXPIRED, F::ticket_expired, E::unauthenticated, "the ticket has expired",
     "Run kinit again, or give a password or a keytab, which renew it by themselves."},
    {KRB5_KT_NOTFOUND, F::keytab_lacks_user, E::unauthenticated,
     "the keytab has no key of the user", "'klist -k -t FILE' shows what is in a keytab."},
    {KRB5_KT_END, F::keytab_unreadable, E::unauthenticated, "the keytab is empty", ""},
    {KRB5_KEYTAB_BADVNO, F::keytab_unreadable, E::invalid, "the keytab is none", ""},
    {KRB5KDC_ERR_PREAUTH_FAILED, F::password_wrong, E::unauthenticated, "the password is wrong",
     "It was asked once, so that nothing is locked out. A keytab is out of date when the password "
     "was changed after it was made."},
    {KRB5_PREAUTH_FAILED, F::policy, E::unauthenticated, "the KDC refuses the login", ""},
    {KRB5KRB_AP_ERR_BAD_INTEGRITY, F::password_wrong, E::unauthenticated, "the password is wrong",
     "It was asked once, so that nothing is locked out."},
    {KRB5KDC_ERR_CLIENT_REVOKED, F::account_locked, E::unauthenticated,
     "the account is locked or disabled", "A domain administrator can unlock it."},
    {KRB5KDC_ERR_KEY_EXP, F::password_expired, E::unauthenticated, "the password has expired",
     "Set a new one; a service account's password is best set never to expire."},
    {KRB5KDC_ERR_NAME_EXP, F::account_expired, E::unauthenticated, "the account has expired", ""},
    {KRB5KDC_ERR_POLICY, F::policy, E::unauthenticated, "the KDC's policy forbids the login", ""},
    {KRB5KRB_AP_ERR_SKEW, F::clock_skew, E::unauthenticated, "the clocks differ too much",
     kSkewHint},
    {KRB5_KDCREP_SKEW, F::clock_skew, E::unauthenticated, "the clocks differ too much", kSkewHint},
    {KRB5KRB_AP_ERR_TKT_NYV, F::clock_skew, E::unauthenticated, "the clocks differ too much",
     kSkewHint},
}};

/// What the library calls a context, and the only way to its messages.
class Library {
public:
    Library() {
        if (krb5_init_context(&context_) != 0) {
            throw LoginError{F::no_realm, E::invalid, "Kerberos cannot be set up here",
                             "Is /etc/krb5.conf sound?"};
        }
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() { krb5_free_context(context_); }

    krb5_context get() const { return context_; }

    void check(krb5_error_code code, const std::string& doing) const {
        if (code == 0) return;
        const char* raw = krb5_get_error_message(context_, code);
        const std::string text{raw};
        krb5_free_error_message(context_, raw);
        const auto* known = std::find_if(kMeanings.begin(), kMeanings.end(),
                                         [&](const Meaning& one) { return one.code == code; });
        if (known == kMeanings.end()) {
            throw LoginError{F::kerberos_other, E::unauthenticated,
                             fmt::format("Kerberos, {}: {}", doing, text), ""};
        }
        throw LoginError{known->failure, known->error,
                         fmt::format("Kerberos, {}: {} ({})", doing, known->words, text),
                         std::string{known->hint}};
    }

private:
    krb5_context context_ = nullptr;
};

/// An object of the library that is released by a function of (context, object).
template <typename Handle, auto Release>
class Owned {
public:
    explicit Owned(const Library& library) : library_(library) {}
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() {
        if (handle_ != nullptr) Release(library_.get(), handle_);
    }
    Handle* target() { return &handle_; }
    Handle get() const { return handle_; }

private:
    const Library& library_;
    Handle handle_ = nullptr;
};

using Principal = Owned<krb5_principal, krb5_free_principal>;
using Keytab = Owned<krb5_keytab, krb5_kt_close>;
using Options = Owned<krb5_get_init_creds_opt*, krb5_get_init_creds_opt_free>;
using ServiceTicket = Owned<krb5_creds*, krb5_free_creds>;

std::string text_of(const Library& library, krb5_const_principal principal) {
    char* raw = nullptr;
    library.check(krb5_unparse_name(library.get(), principal, &raw), "naming a principal");
    std::string text{raw};
    krb5_free_unparsed_name(library.get(), raw);
    return text;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

// Realms of Active Directory are upper case, and people write them either way. What stands before
// the backslash is a realm only if it is written like one, else the default realm's short name.
std::string principal_text(const std::string& user) {
    const std::size_t at = user.rfind('@');
    if (at != std::string::npos) return user.substr(0, at + 1) + upper(user.substr(at + 1));
    const std::size_t slash = user.find('\\');
    if (slash == std::string::npos) return user;
    const std::string domain = user.substr(0, slash);
    const std::string account = user.substr(slash + 1);
    return domain.find('.') == std::string::npos ? account : account + "@" + upper(domain);
}

/// A keytab that exists in memory alone: no key of a domain account lies in a file of ours.
class KeytabFile {
public:
    explicit KeytabFile(const Secret& content) : file_(::memfd_create("keytab", MFD_CLOEXEC)) {
        const ByteView bytes = content.reveal();
        const bool is_written = file_ >= 0 && ::write(file_, bytes.data(), bytes.size()) ==
                                                  static_cast<ssize_t>(bytes.size());
        if (!is_written) {
            if (file_ >= 0) ::close(file_);
            throw Error{ErrorCode::io, "the keytab cannot be kept in memory"};
        }
    }
    KeytabFile(const KeytabFile&) = delete;
    KeytabFile& operator=(const KeytabFile&) = delete;
    ~KeytabFile() { ::close(file_); }
    std::string name() const { return fmt::format("FILE:/proc/self/fd/{}", file_); }

private:
    int file_;
};

/// A ticket cache; one of our own goes with the object.
class Cache {
public:
    explicit Cache(const Library& library) : library_(library) {}
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;
    ~Cache() {
        if (cache_ == nullptr) return;
        if (is_own_) {
            krb5_cc_destroy(library_.get(), cache_);
        } else {
            krb5_cc_close(library_.get(), cache_);
        }
    }
    void make() {
        library_.check(krb5_cc_new_unique(library_.get(), "MEMORY", nullptr, &cache_),
                       "making a ticket cache");
        is_own_ = true;
    }
    void open_default() {
        library_.check(krb5_cc_default(library_.get(), &cache_), "opening the ticket cache");
    }
    krb5_ccache get() const { return cache_; }
    std::string name() const {
        return fmt::format("{}:{}", krb5_cc_get_type(library_.get(), cache_),
                           krb5_cc_get_name(library_.get(), cache_));
    }

private:
    const Library& library_;
    krb5_ccache cache_ = nullptr;
    bool is_own_ = false;
};

class Ticket final : public KerberosTicket {
public:
    explicit Ticket(const KerberosOptions& options) {
        if (options.password.empty() && options.keytab.empty()) {
            cache_.open_default();
        } else {
            cache_.make();
            log_in(options);
        }
        fetch_service_ticket(options);
    }
    std::string cache_name() const override { return cache_.name(); }
    std::string service_name() const override { return service_name_; }

private:
    void log_in(const KerberosOptions& options);
    void log_in_by_keytab(const KerberosOptions& options, krb5_get_init_creds_opt* settings);
    void fetch_service_ticket(const KerberosOptions& options);
    void name_service(const KerberosOptions& options, Principal& service);

    Library library_;
    Cache cache_{library_};
    std::string service_name_;
};

void Ticket::log_in(const KerberosOptions& options) {
    Options settings{library_};
    library_.check(krb5_get_init_creds_opt_alloc(library_.get(), settings.target()), "preparing");
    library_.check(
        krb5_get_init_creds_opt_set_out_ccache(library_.get(), settings.get(), cache_.get()),
        "preparing");
    if (!options.keytab.empty()) return log_in_by_keytab(options, settings.get());

    Principal client{library_};
    const std::string user = principal_text(options.user);
    library_.check(krb5_parse_name(library_.get(), user.c_str(), client.target()),
                   fmt::format("reading the user name {}", options.user));
    Bytes text{options.password.reveal().begin(), options.password.reveal().end()};
    text.push_back(std::byte{0});
    const Secret terminated{ByteView{text}};
    std::fill(text.begin(), text.end(), std::byte{0});
    krb5_creds credentials{};
    const krb5_error_code code =
        krb5_get_init_creds_password(library_.get(), &credentials, client.get(),
                                     reinterpret_cast<const char*>(terminated.reveal().data()),
                                     nullptr, nullptr, 0, nullptr, settings.get());
    krb5_free_cred_contents(library_.get(), &credentials);
    library_.check(code, fmt::format("logging in as {}", text_of(library_, client.get())));
}

void Ticket::log_in_by_keytab(const KerberosOptions& options, krb5_get_init_creds_opt* settings) {
    const KeytabFile file{options.keytab};
    Keytab keytab{library_};
    library_.check(krb5_kt_resolve(library_.get(), file.name().c_str(), keytab.target()),
                   "opening the keytab");
    // Otherwise a file that is none reads as a refusal by the KDC.
    if (krb5_kt_have_content(library_.get(), keytab.get()) != 0) {
        throw LoginError{F::keytab_unreadable, E::unauthenticated,
                         "Kerberos: the keytab is empty, or is none",
                         "'klist -k -t FILE' shows what is in a keytab."};
    }
    Principal client{library_};
    if (options.user.empty()) {
        // A keytab of one account needs no name besides.
        krb5_kt_cursor cursor{};
        krb5_keytab_entry entry{};
        library_.check(krb5_kt_start_seq_get(library_.get(), keytab.get(), &cursor),
                       "reading the keytab");
        const krb5_error_code code =
            krb5_kt_next_entry(library_.get(), keytab.get(), &entry, &cursor);
        krb5_kt_end_seq_get(library_.get(), keytab.get(), &cursor);
        library_.check(code, "reading the keytab");
        const krb5_error_code copied =
            krb5_copy_principal(library_.get(), entry.principal, client.target());
        krb5_free_keytab_entry_contents(library_.get(), &entry);
        library_.check(copied, "reading the keytab");
    } else {
        const std::string user = principal_text(options.user);
        library_.check(krb5_parse_name(library_.get(), user.c_str(), client.target()),
                       fmt::format("reading the user name {}", options.user));
    }
    krb5_creds credentials{};
    const krb5_error_code code = krb5_get_init_creds_keytab(
        library_.get(), &credentials, client.get(), keytab.get(), 0, nullptr, settings);
    krb5_free_cred_contents(library_.get(), &credentials);
    library_.check(code,
                   fmt::format("logging in as {} with a keytab", text_of(library_, client.get())));
}

// No name is asked of DNS: what an administrator wrote is what is trusted.
void Ticket::name_service(const KerberosOptions& options, Principal& service) {
    const std::string name = options.service.empty() ? "HTTP" : options.service;
    if (name.find('@') != std::string::npos) {
        library_.check(krb5_parse_name(library_.get(), name.c_str(), service.target()),
                       fmt::format("reading the service name {}", name));
        return;
    }
    const std::size_t slash = name.find('/');
    const std::string kind = name.substr(0, slash);
    const std::string host =
        slash == std::string::npos ? options.target_host : name.substr(slash + 1);
    library_.check(krb5_sname_to_principal(library_.get(), host.c_str(), kind.c_str(),
                                           KRB5_NT_UNKNOWN, service.target()),
                   fmt::format("naming the service {}/{}", kind, host));
}

void Ticket::fetch_service_ticket(const KerberosOptions& options) {
    Principal client{library_};
    library_.check(krb5_cc_get_principal(library_.get(), cache_.get(), client.target()),
                   "looking into the ticket cache");
    Principal service{library_};
    name_service(options, service);
    krb5_creds wanted{};
    wanted.client = client.get();
    wanted.server = service.get();
    ServiceTicket ticket{library_};
    library_.check(krb5_get_credentials(library_.get(), 0, cache_.get(), &wanted, ticket.target()),
                   fmt::format("a ticket for {}", text_of(library_, service.get())));
    service_name_ = text_of(library_, ticket.get()->server);
}

bool is_ip_address(const std::string& host) {
    std::array<unsigned char, 16> ignored{};
    const std::string bare =
        host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
    return ::inet_pton(AF_INET, bare.c_str(), ignored.data()) == 1 ||
           ::inet_pton(AF_INET6, bare.c_str(), ignored.data()) == 1;
}

bool is_default_realm(const std::string& domain) {
    const Library library;
    char* raw = nullptr;
    if (krb5_get_default_realm(library.get(), &raw) != 0) return false;
    const std::string realm = upper(raw);
    krb5_free_default_realm(library.get(), raw);
    return realm.substr(0, realm.find('.')) == upper(domain);
}

}  // namespace

std::unique_ptr<KerberosTicket> fetch_kerberos_ticket(const KerberosOptions& options) {
    return std::make_unique<Ticket>(options);
}

bool is_kerberos_likely(const std::string& user, const std::string& target_host,
                        const std::string& service) {
    const bool names_host = service.find('/') != std::string::npos;
    if (is_ip_address(target_host) && !names_host) return false;
    if (user.find('@') != std::string::npos) return true;
    const std::size_t slash = user.find('\\');
    if (slash == std::string::npos) return false;
    const std::string domain = user.substr(0, slash);
    return domain.find('.') != std::string::npos || is_default_realm(domain);
}

}  // namespace entrepot::wsman
