// Words for logins that come to nothing (wsman 11).
#include "appliance/doctor/finding_parts.h"

namespace entrepot::doctor {
namespace {

using R = Result;

constexpr std::string_view kAuth = "winrm get winrm/config/service/auth";
constexpr std::string_view kLogons =
    "Get-WinEvent -FilterHashtable @{LogName='Security'; Id=4625} -MaxEvents 5 | Format-List "
    "TimeCreated, Message";
constexpr std::string_view kUser =
    "Get-ADUser -Identity @ps:account@ -Properties LockedOut, Enabled, "
    "PasswordExpired, AccountExpirationDate";
constexpr std::string_view kTime = "w32tm /query /status; w32tm /resync";
constexpr std::string_view kSpns =
    "setspn -L $env:COMPUTERNAME; setspn -Q HTTP/@host@; setspn -Q "
    "WSMAN/@host@";
constexpr std::string_view kKdc = "cat /etc/krb5.conf; getent hosts @sh:realm@";

constexpr Finding kLoginFindings[] = {
    {"auth.accepted", R::ok, "The host accepts the account."},
    {"auth.ntlm-instead", R::warning, "Kerberos did not work, so NTLM was used.",
     "NTLM is weaker and may be switched off by a policy. The evidence says what Kerberos lacks. "
     "On this machine:",
     kKdc},
    {"auth.certificate-unusable", R::failed,
     "The client certificate that we have for this host cannot be used.",
     "Change the host, with --certificate and --key that belong together, in PEM, the key "
     "without a passphrase. On this machine:",
     "openssl x509 -noout -subject -enddate -in CERTIFICATE.pem; openssl pkey -noout -in KEY.pem"},
    {"auth.no-secret", R::failed, "There is no password for this account.",
     "Change the host, with --password-file or --keytab. On this machine:",
     "entrepot host show @sh:name@"},
    {"auth.negotiate-off", R::failed, "The host does not offer Negotiate.",
     "Switch it on. On the host, in an elevated PowerShell:",
     "Set-Item WSMan:\\localhost\\Service\\Auth\\Negotiate $true; "
     "Set-Item WSMan:\\localhost\\Service\\Auth\\Kerberos $true"},
    {"auth.basic-off", R::failed, "The host does not offer Basic, which is off by default.",
     "Better change the host, with --auth negotiate, which needs no change on the host. Else "
     "switch Basic on there, in an elevated PowerShell:",
     "Set-Item WSMan:\\localhost\\Service\\Auth\\Basic $true"},
    {"auth.basic-domain-account", R::failed,
     "Basic knows accounts of the host only, and this one is written like a domain's.",
     "Change the host, with --auth negotiate; or make a local account for Basic. Local accounts, "
     "on the host:",
     "Get-LocalUser"},
    {"auth.refused", R::failed,
     "The host refuses the account: a wrong password, or it is locked, disabled or expired, or may "
     "not log on from the network.",
     "NTLM and Basic do not tell which. The host's own log does (it was asked at most twice, so "
     "that nothing is locked out). On the host, in an elevated PowerShell:",
     kLogons},
    {"auth.held-back", R::failed,
     "The host refused this account twice, and is not asked again before @until@.",
     "So that the account is not locked out. Mend the account; change the host if its password "
     "is another one now. If the account is in order, on this machine:",
     "entrepot host doctor @sh:name@ --retry-login"},
    {"auth.channel-binding", R::failed,
     "Somebody ends TLS between the host and us: the login works only without telling which "
     "certificate we saw.",
     "A proxy or an inspecting firewall shows its own certificate. Reach the host without it, or "
     "let it pass WinRM. The host's certificates, on the host:",
     "winrm enumerate winrm/config/listener"},
    {"auth.ticket-refused", R::failed, "The KDC gave a ticket, and the host does not take it.",
     "The service's name may be registered for another account than the host's: try --spn WSMAN or "
     "--spn host. Or the account may not log on from the network. On the host:",
     kSpns},
    {"auth.certificate-refused", R::failed, "The host maps our client certificate to no account.",
     "Certificate must be on, its issuer trusted, and its UPN mapped to a local account. On the "
     "host, in an elevated PowerShell:",
     "winrm get winrm/config/service/auth; winrm enumerate winrm/config/service/certmapping"},
    {"auth.loop", R::failed,
     "The login goes well, and the request after it is refused as if there had been none.",
     "A load balancer or a proxy may spread one connection over several hosts. On the host:",
     kAuth},
    {"auth.connection-lost", R::failed, "The host closes the connection during each login.",
     "NTLM and Kerberos belong to one connection; a proxy on the way may cut it. On the host:",
     "Get-WinEvent -LogName Microsoft-Windows-WinRM/Operational -MaxEvents 20"},
    {"auth.cannot-seal", R::failed,
     "Without TLS every message must be encrypted by the login, which this way to log in cannot.",
     "Use https://HOST:5986/wsman; or --auth negotiate, kerberos or ntlm. On the host:",
     "winrm enumerate winrm/config/listener"},
    {"auth.seal-broken", R::failed,
     "What the host encrypts cannot be opened, or is not encrypted as it must be.",
     "Something on the way changes messages, or the host's configuration allows unencrypted ones. "
     "On the host:",
     "winrm get winrm/config/service"},
    {"auth.no-end", R::failed, "The exchange of login tokens comes to no end.",
     "The host wants a way to log in that we do not know. On the host:", kAuth},

    {"auth.no-realm", R::failed, "Nothing says which Kerberos realm the user or the host is of.",
     "Write the user as user@REALM, and let DNS or /etc/krb5.conf name the realm's KDC. On this "
     "machine:",
     kKdc},
    {"auth.kdc-silent", R::failed, "No domain controller answers Kerberos.",
     "Port 88, UDP and TCP, must be open from this machine to one. On this machine:", kKdc},
    {"auth.user-unknown", R::failed, "The domain does not know the user.",
     "Correct the name. Accounts of the host itself log in with --auth ntlm. On a domain "
     "controller:",
     kUser},
    {"auth.spn-unknown", R::failed, "The domain knows no such service at this host.",
     "Use the host's full name as the domain has it, no alias; or --spn WSMAN, or --spn host. This "
     "shows what there is, on the host:",
     kSpns},
    {"auth.no-ticket", R::failed, "There is no password, no keytab and no ticket.",
     "Change the host, with --password-file or --keytab; or get a ticket for the account that "
     "the appliance runs under. On this machine:",
     "klist; kinit @sh:user@"},
    {"auth.ticket-expired", R::failed, "The ticket has expired.",
     "Get a new one, or give a password or a keytab, which renew it by themselves. On this "
     "machine:",
     "klist; kinit @sh:user@"},
    {"auth.keytab-unreadable", R::failed, "The keytab is empty, or is none.",
     "Make it again and change the host, with it. On a domain controller:",
     "ktpass -princ @ps:user@ -mapuser @ps:account@ -crypto AES256-SHA1 -ptype KRB5_NT_PRINCIPAL "
     "-pass * -out entrepot.keytab"},
    {"auth.keytab-other-user", R::failed, "The keytab has no key of this user.",
     "Write the user as the keytab has it. On this machine:", "klist -k -t KEYTAB"},
    {"auth.password-wrong", R::failed, "The domain says that the password is wrong.",
     "It was asked once, so that nothing is locked out. A keytab is out of date once the password "
     "was changed. Change the host, with the right one. On a domain controller:",
     kUser},
    {"auth.account-locked", R::failed, "The domain says that the account is locked or disabled.",
     "Find out what locked it before you unlock it. On a domain controller:",
     "Get-ADUser -Identity @ps:account@ -Properties LockedOut, Enabled; Unlock-ADAccount -Identity "
     "@ps:account@"},
    {"auth.password-expired", R::failed, "The domain says that the password has expired.",
     "Set a new one and change the host; a service account's is best set never to expire. On a "
     "domain controller:",
     kUser},
    {"auth.account-expired", R::failed, "The domain says that the account has expired.",
     "Extend it. On a domain controller:", "Clear-ADAccountExpiration -Identity @ps:account@"},
    {"auth.policy", R::failed, "The domain's policy forbids the login.",
     "Logon hours, workstations, smart cards or an authentication policy. On a domain controller:",
     "Get-ADUser -Identity @ps:account@ -Properties LogonWorkstations, SmartcardLogonRequired, "
     "AccountNotDelegated"},
    {"auth.clock-skew", R::failed, "Kerberos refuses: the clocks differ by more than five minutes.",
     "This machine, the host and the domain controllers must follow one time source. On the host:",
     kTime},
    {"auth.kerberos-other", R::failed, "Kerberos fails for a reason that we have no name for.",
     "The evidence has the library's words. On this machine:",
     "KRB5_TRACE=/dev/stderr kinit "
     "@sh:user@"},
};

}  // namespace

std::span<const Finding> login_findings() {
    return kLoginFindings;
}

}  // namespace entrepot::doctor
