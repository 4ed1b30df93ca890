// Rows of hosts; see hosts.h.
#include "appliance/state/hosts.h"

#include "appliance/state/credential_box.h"
#include "appliance/state/names.h"
#include "appliance/state/statement.h"

#include "base/error.h"
#include "base/guid.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entrepot::state {
namespace {

constexpr std::size_t kFieldBytesMax = 2'048;
constexpr std::array<std::string_view, 5> kAuthentications{"negotiate", "ntlm", "kerberos", "basic",
                                                           "certificate"};
constexpr const char* kSelect =
    "SELECT id, name, url, authentication, user_name, ca_file, pin_sha256, share, "
    "sealed_password, created, service, secret_kind, client_certificate, seals_messages FROM hosts";

std::string owner_of(const std::string& host_id) {
    return "host " + host_id;
}

void check_field(std::string_view field, const std::string& value) {
    const bool is_plain = std::none_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
    });
    if (value.size() > kFieldBytesMax || !is_plain) {
        throw Error{ErrorCode::invalid,
                    fmt::format("the {} of a host must be at most {} bytes without control "
                                "characters",
                                field, kFieldBytesMax)};
    }
}

std::string checked_pin(const std::string& pin) {
    if (pin.empty()) return pin;
    Bytes digest;
    try {
        digest = from_hex(pin);
    } catch (const Error&) {  // The message below says more.
    }
    if (digest.size() != 32) {
        throw Error{
            ErrorCode::invalid,
            fmt::format("the pin \"{:.80}\" is not the 64 hexadecimal digits of a SHA-256", pin)};
    }
    return to_hex(digest);
}

[[noreturn]] void refuse(const std::string& message, const std::string& hint = {}) {
    throw Error{ErrorCode::invalid, message, hint};
}

// What only one way to log in can use must not be given with another.
void check_login(const HostDraft& draft) {
    const std::string& way = draft.authentication;
    const bool is_certificate = way == "certificate";
    const bool may_use_kerberos = way == "kerberos" || way == "negotiate";
    if (is_certificate != !draft.client_certificate.empty() ||
        is_certificate != (draft.secret_kind == "key")) {
        refuse("a client certificate and its key belong to the authentication certificate",
               "give --certificate and --key together with --auth certificate");
    }
    if (draft.secret_kind == "keytab" && !may_use_kerberos) {
        refuse(fmt::format("a keytab is of no use for the authentication {}", way),
               "keytabs belong to kerberos and negotiate");
    }
    if (!draft.service.empty() && !may_use_kerberos) {
        refuse(fmt::format("a service name is of no use for the authentication {}", way),
               "--spn belongs to kerberos and negotiate");
    }
    const bool can_seal = way != "basic" && !is_certificate;
    if (draft.seals_messages && !can_seal) {
        refuse(fmt::format("the authentication {} cannot encrypt messages", way),
               "--http belongs to negotiate, kerberos and ntlm");
    }
    if (draft.url.starts_with("http://") && !draft.seals_messages) {
        refuse(fmt::format("the url \"{}\" is plain HTTP", draft.url),
               "use https://HOST:5986/wsman, or --http to have every message encrypted by the "
               "login");
    }
}

HostDraft checked(HostDraft draft) {
    check_name("host", draft.name);
    check_field("url", draft.url);
    check_field("user", draft.user);
    check_field("CA file", draft.ca_file);
    check_field("share", draft.share);
    check_field("service name", draft.service);
    if (!draft.url.starts_with("https://") && !draft.url.starts_with("http://")) {
        throw Error{ErrorCode::invalid,
                    fmt::format("the url \"{}\" of host {} is not https://HOST:5986/wsman",
                                draft.url, draft.name)};
    }
    if (std::find(kAuthentications.begin(), kAuthentications.end(), draft.authentication) ==
        kAuthentications.end()) {
        throw Error{ErrorCode::invalid,
                    fmt::format("\"{:.80}\" is no authentication of a host", draft.authentication),
                    "one of negotiate, ntlm, kerberos, basic, certificate"};
    }
    check_login(draft);
    draft.pin_sha256 = checked_pin(draft.pin_sha256);
    if (!draft.pin_sha256.empty() && !draft.ca_file.empty()) {
        throw Error{ErrorCode::invalid, "a host has a CA file or a pin, not both"};
    }
    return draft;
}

HostRecord read_row(const Rows& rows, std::size_t row) {
    return {.id = rows.text(row, 0),
            .draft = {.name = rows.text(row, 1),
                      .url = rows.text(row, 2),
                      .authentication = rows.text(row, 3),
                      .user = rows.text(row, 4),
                      .ca_file = rows.text(row, 5),
                      .pin_sha256 = rows.text(row, 6),
                      .share = rows.text(row, 7),
                      .service = rows.text(row, 10),
                      .secret_kind = rows.text(row, 11),
                      .client_certificate = rows.text(row, 12),
                      .seals_messages = rows.number(row, 13) != 0},
            .has_password = !rows.text(row, 8).empty(),
            .created = rows.time(row, 9)};
}

void refuse_taken_name(Poco::Data::Session& session, const std::string& name,
                       const std::string& id) {
    if (!query(session, "SELECT id FROM hosts WHERE name = ? AND id <> ?", {name, id}).empty()) {
        throw Error{ErrorCode::already_exists, fmt::format("there is a host {} already", name)};
    }
}

void require_changed(std::size_t count, std::string_view id) {
    if (count == 0) throw Error{ErrorCode::not_found, fmt::format("there is no host {}", id)};
}

}  // namespace

std::string login_refusals_setting(std::string_view host_id) {
    return fmt::format("login-refusals.{}", host_id);
}

HostRecord HostStore::insert(const HostDraft& draft, const std::string& id,
                             const std::string& sealed) {
    const HostRecord record{.id = id,
                            .draft = checked(draft),
                            .has_password = !sealed.empty(),
                            .created = clock_.wall_now()};
    database_.transact([&](Poco::Data::Session& session) {
        refuse_taken_name(session, record.draft.name, id);
        execute(
            session,
            "INSERT INTO hosts (id, name, url, authentication, user_name, ca_file, pin_sha256, "
            "share, sealed_password, created, service, secret_kind, client_certificate, "
            "seals_messages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            {id, record.draft.name, record.draft.url, record.draft.authentication,
             record.draft.user, record.draft.ca_file, record.draft.pin_sha256, record.draft.share,
             sealed, to_sql(record.created), record.draft.service, record.draft.secret_kind,
             record.draft.client_certificate, std::int64_t{record.draft.seals_messages}});
    });
    return record;
}

HostRecord HostStore::add(const HostDraft& draft) {
    return insert(draft, Guid::make_random(random_).to_string(), {});
}

HostRecord HostStore::add(const HostDraft& draft, const Secret& password,
                          const Secret& credential_key) {
    const std::string id = Guid::make_random(random_).to_string();
    return insert(draft, id, seal_credential(credential_key, owner_of(id), password, random_));
}

void HostStore::update_in(Poco::Data::Session& session, const std::string& id,
                          const HostDraft& draft) {
    refuse_taken_name(session, draft.name, id);
    require_changed(
        execute(session,
                "UPDATE hosts SET name = ?, url = ?, authentication = ?, user_name = ?, "
                "ca_file = ?, pin_sha256 = ?, share = ?, service = ?, secret_kind = ?, "
                "client_certificate = ?, seals_messages = ? WHERE id = ?",
                {draft.name, draft.url, draft.authentication, draft.user, draft.ca_file,
                 draft.pin_sha256, draft.share, draft.service, draft.secret_kind,
                 draft.client_certificate, std::int64_t{draft.seals_messages}, id}),
        id);
}

void HostStore::update(const std::string& id, const HostDraft& draft) {
    const HostDraft fresh = checked(draft);
    database_.transact([&](Poco::Data::Session& session) { update_in(session, id, fresh); });
}

void HostStore::update(const std::string& id, const HostDraft& draft, const Secret& password,
                       const Secret& credential_key) {
    const HostDraft fresh = checked(draft);
    const std::string sealed = seal_credential(credential_key, owner_of(id), password, random_);
    database_.transact([&](Poco::Data::Session& session) {
        update_in(session, id, fresh);
        execute(session, "UPDATE hosts SET sealed_password = ? WHERE id = ?", {sealed, id});
        execute(session, "DELETE FROM settings WHERE name = ?", {login_refusals_setting(id)});
    });
}

void HostStore::set_password(const std::string& id, const Secret& password,
                             const Secret& credential_key) {
    const std::string sealed = seal_credential(credential_key, owner_of(id), password, random_);
    database_.transact([&](Poco::Data::Session& session) {
        require_changed(
            execute(session, "UPDATE hosts SET sealed_password = ? WHERE id = ?", {sealed, id}),
            id);
    });
}

Secret HostStore::read_password(const std::string& id, const Secret& credential_key) {
    std::string sealed;
    database_.transact([&](Poco::Data::Session& session) {
        const Rows rows = query(session, "SELECT sealed_password FROM hosts WHERE id = ?", {id});
        require_changed(rows.size(), id);
        sealed = rows.text(0, 0);
    });
    if (sealed.empty()) return Secret{};
    return open_credential(credential_key, owner_of(id), sealed);
}

std::vector<HostRecord> HostStore::list() {
    std::vector<HostRecord> hosts;
    database_.transact([&](Poco::Data::Session& session) {
        const std::string sql = std::string{kSelect} + " ORDER BY name";
        const Rows rows = query(session, sql.c_str());
        for (std::size_t row = 0; row < rows.size(); ++row) {
            hosts.push_back(read_row(rows, row));
        }
    });
    return hosts;
}

std::optional<HostRecord> HostStore::find(std::string_view id_or_name) {
    const auto guid = Guid::parse(id_or_name);
    const std::string key = guid ? guid->to_string() : std::string{id_or_name};
    std::optional<HostRecord> found;
    database_.transact([&](Poco::Data::Session& session) {
        const std::string sql = std::string{kSelect} + " WHERE id = ? OR name = ?";
        const Rows rows = query(session, sql.c_str(), {key, key});
        if (!rows.empty()) found = read_row(rows, 0);
    });
    return found;
}

HostRecord HostStore::get(std::string_view id_or_name) {
    if (auto found = find(id_or_name)) return *std::move(found);
    throw Error{ErrorCode::not_found, fmt::format("there is no host {}", id_or_name),
                "entrepot host list shows those there are"};
}

void HostStore::remove(const std::string& id) {
    database_.transact([&](Poco::Data::Session& session) {
        require_changed(execute(session, "DELETE FROM hosts WHERE id = ?", {id}), id);
        execute(session, "DELETE FROM vms WHERE host = ?", {id});
        execute(session, "DELETE FROM exclusions WHERE host = ?", {id});
        execute(session, "DELETE FROM vm_flags WHERE host = ?", {id});
        execute(session, "DELETE FROM residue WHERE host = ?", {id});
        execute(session, "DELETE FROM share_accounts WHERE host = ?", {id});
        execute(session, "DELETE FROM settings WHERE name = ?", {login_refusals_setting(id)});
    });
}

}  // namespace entrepot::state
