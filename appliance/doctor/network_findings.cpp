// Words for what lies below a login: name, port, TLS, HTTP, clock.
#include "appliance/doctor/finding_parts.h"

namespace entrepot::doctor {
namespace {

using R = Result;

constexpr std::string_view kListener =
    "$c = New-SelfSignedCertificate -DnsName @ps:host@ -CertStoreLocation Cert:\\LocalMachine\\My; "
    "New-Item -Path WSMan:\\localhost\\Listener -Transport HTTPS -Address * "
    "-CertificateThumbPrint $c.Thumbprint -Force; winrm enumerate winrm/config/listener";
constexpr std::string_view kPins =
    "Get-ChildItem Cert:\\LocalMachine\\My | ForEach-Object { [BitConverter]::ToString("
    "[Security.Cryptography.SHA256]::Create().ComputeHash($_.RawData)).Replace('-','').ToLower() + "
    "'  ' + $_.Subject }";
constexpr std::string_view kListeners = "winrm enumerate winrm/config/listener";
constexpr std::string_view kService = "Get-Service WinRM; Start-Service WinRM";
constexpr std::string_view kPortOwner =
    "Get-NetTCPConnection -State Listen -LocalPort @port@ | Select-Object OwningProcess";
constexpr std::string_view kTimeCheck = "w32tm /query /status; w32tm /resync";

constexpr Finding kNetworkFindings[] = {
    {"name.known", R::ok, "The host's name is known."},
    {"name.address", R::ok, "The URL has an address; there is no name to look up."},
    {"name.address-and-kerberos", R::failed,
     "Kerberos asks for a host by its name, and the URL has an address.",
     "Change the host, with its full name in the URL; or keep the address and say --spn "
     "HTTP/FULL-NAME; or use --auth ntlm. On this machine, this shows the name if DNS has it:",
     "getent hosts @sh:host@"},
    {"name.leads-here", R::failed,
     "The host's name leads to this machine itself, or to an address that no host has.",
     "Correct the name in DNS or in /etc/hosts of this machine; a simulated host on this machine "
     "takes hosts.allow_loopback = true. Look, on this machine:",
     "getent ahosts @sh:host@"},
    {"name.unknown", R::failed, "No name server knows the host's name.",
     "Correct the URL, or make the name known: in DNS, or in /etc/hosts of this machine. Look, on "
     "this machine:",
     "getent ahosts @sh:host@; cat /etc/resolv.conf"},
    {"name.no-answer", R::failed, "No name server answers, so nothing is known about the name.",
     "See that this machine reaches a name server. On this machine:",
     "cat /etc/resolv.conf; getent ahosts @sh:host@"},

    {"port.open", R::ok, "The port is open."},
    {"port.refused", R::failed,
     "The host refuses connections to port @port@: WinRM does not listen there.",
     "Make a listener. On the host, in an elevated PowerShell (with a certificate of your CA where "
     "there is one):",
     kListener},
    {"port.https-listener-missing", R::failed,
     "WinRM listens for plain HTTP only: port @port@ is refused, and 5985 is open.",
     "Make an HTTPS listener; or change the host, with http://HOST:5985/wsman and --http, where "
     "the login encrypts every message. On the host, in an elevated PowerShell:",
     kListener},
    {"port.http-listener-missing", R::failed,
     "WinRM listens for HTTPS only: port @port@ is refused, and 5986 is open.",
     "Change the host, with https://HOST:5986/wsman. This shows its listeners, on the host:",
     kListeners},
    {"port.silent", R::failed,
     "Nothing answers at port @port@: the host is down, or a firewall drops what we send.",
     "Let this machine in. On the host, in an elevated PowerShell (-RemoteAddress narrows it to "
     "this machine's address):",
     "New-NetFirewallRule -DisplayName 'WinRM for Entrepot' -Direction Inbound -Protocol TCP "
     "-LocalPort @port@ -Action Allow"},
    {"port.unroutable", R::failed, "There is no way from this machine to the host's address.",
     "Look at this machine's network. On this machine:", "ip route get @sh:address@"},

    {"tls.none", R::ok, "Plain HTTP: the login encrypts every message."},
    {"tls.trusted", R::ok, "A CA that we trust vouches for the host's certificate."},
    {"tls.pinned", R::ok, "The host shows the pinned certificate."},
    {"tls.pin-differs", R::failed, "The host shows another certificate than the pinned one.",
     "Compare: this shows the SHA-256 of the host's certificates. If @sha256@ is among them, the "
     "certificate was renewed: change the host, with that pin. If not, somebody stands between. "
     "On the host:",
     kPins},
    {"tls.self-signed", R::failed, "The host's certificate vouches for itself, and is not pinned.",
     "Compare: this shows the SHA-256 of the host's certificates. If @sha256@ is among them, "
     "change the host, with --pin and that number. On the host:",
     kPins},
    {"tls.unknown-issuer", R::failed, "No CA that we know has signed the host's certificate.",
     "Change the host, with --ca FILE (the CA's certificate in PEM), or with --pin. This writes "
     "the CA's certificate, on the host:",
     "Get-ChildItem Cert:\\LocalMachine\\Root, Cert:\\LocalMachine\\CA | Where-Object Subject -eq "
     "@ps:issuer@ | ForEach-Object { '-----BEGIN CERTIFICATE-----'; "
     "[Convert]::ToBase64String($_.RawData, 'InsertLineBreaks'); '-----END CERTIFICATE-----' }"},
    {"tls.wrong-purpose", R::failed, "The host's certificate is not meant for servers.",
     "Give the listener a certificate with the purpose Server Authentication. On the host:",
     "Get-ChildItem Cert:\\LocalMachine\\My | Select-Object Subject, Thumbprint, "
     "EnhancedKeyUsageList"},
    {"tls.untrusted", R::failed, "The host's certificate is not acceptable.",
     "Give the listener a sound certificate, or pin this one with --pin @sha256@ after comparing "
     "it "
     "on the host:",
     kPins},
    {"tls.wrong-name", R::failed, "The host's certificate is made for another name than @host@.",
     "Use a name of the certificate in the URL, pin the certificate, or give the listener one with "
     "this name. On the host, in an elevated PowerShell:",
     "New-SelfSignedCertificate -DnsName @ps:host@ -CertStoreLocation Cert:\\LocalMachine\\My"},
    {"tls.expired", R::failed, "The host's certificate has expired.",
     "Renew it, and bind the new one to the listener. On the host, in an elevated PowerShell:",
     "Get-ChildItem Cert:\\LocalMachine\\My | Select-Object Subject, NotAfter, Thumbprint; "
     "winrm enumerate winrm/config/listener"},
    {"tls.not-yet-valid", R::failed, "The host's certificate is not valid yet.",
     "One of the clocks is wrong: this machine's, or the one where the certificate was made. On "
     "this machine:",
     "timedatectl"},
    {"tls.expires-soon", R::warning, "The host's certificate expires soon.",
     "Renew it before, and bind the new one to the listener. On the host:",
     "Get-ChildItem Cert:\\LocalMachine\\My | Select-Object Subject, NotAfter, Thumbprint"},
    {"tls.too-old", R::failed, "The host speaks no TLS 1.2.",
     "Switch TLS 1.2 on. On the host, in an elevated PowerShell; then restart it:",
     "$k = 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS "
     "1.2\\Server'; New-Item $k -Force; Set-ItemProperty $k Enabled 1; Set-ItemProperty $k "
     "DisabledByDefault 0"},
    {"tls.not-tls", R::failed, "What answers at port @port@ speaks no TLS.",
     "Is it the HTTP listener? Then the URL is http://HOST:5985/wsman, with --http. This shows the "
     "listeners, on the host:",
     kListeners},
    {"tls.hung-up", R::failed, "The host ends the connection in the middle of the TLS handshake.",
     "Often the listener's certificate was deleted or has no private key. Bind one again. On the "
     "host:",
     "winrm enumerate winrm/config/listener; Get-ChildItem Cert:\\LocalMachine\\My | Select-Object "
     "Subject, HasPrivateKey, Thumbprint"},
    {"tls.no-cipher", R::failed, "The host refuses the TLS handshake.",
     "It and we have no cipher in common, or it wants something else. Its ciphers, on the host:",
     "Get-TlsCipherSuite | Select-Object Name"},
    {"tls.silent", R::failed, "The port is open, and the TLS handshake gets no answer.",
     "A firewall or a proxy on the way takes the connection and gives nothing. On the host:",
     kListeners},
    {"tls.ca-unreadable", R::failed, "Our copy of the host's CA cannot be read.",
     "Change the host, with --ca FILE, a certificate in PEM. On this machine:",
     "ls -l @sh:ca_file@"},

    {"http.winrm", R::ok, "WinRM answers."},
    {"http.identify-closed", R::ok,
     "WinRM answers; it wants a login even before it says what it is."},
    {"http.not-found", R::failed, "The host answers HTTP 404: there is no WinRM at this path.",
     "The URL ends in /wsman, unless the listener's URLPrefix says otherwise. On the host:",
     kListeners},
    {"http.not-ready", R::failed, "The host answers HTTP 503: the service WinRM does not run.",
     "Start it. On the host, in an elevated PowerShell:", kService},
    {"http.redirect", R::failed, "The host sends us somewhere else, and we do not follow.",
     "Something other than WinRM answers there. Correct the URL. On the host:", kPortOwner},
    {"http.gateway", R::failed, "A proxy answers instead of the host.",
     "Reach the host without a proxy: use its own address in the URL. On this machine:",
     "getent hosts @sh:host@; ip route get @sh:address@"},
    {"http.other-server", R::failed, "What answers at this URL is not WinRM.",
     "Correct host and port of the URL. This shows who listens there, on the host:", kPortOwner},
    {"http.other-product", R::warning,
     "What answers speaks WS-Management, and is not Windows' WinRM.",
     "Entrepot is made for Hyper-V on Windows. Is this the right machine? On the host:",
     "Get-CimInstance Win32_OperatingSystem | Select-Object Caption, Version"},
    {"http.silent", R::failed, "The host takes the request, and does not answer in time.",
     "The service WinRM hangs, or the host is overloaded. On the host, in an elevated PowerShell:",
     "Restart-Service WinRM"},
    {"http.broken", R::failed, "The host breaks off its answer, or answers nonsense.",
     "Something on the way, or on the host, cuts connections. On the host:",
     "Get-WinEvent -LogName Microsoft-Windows-WinRM/Operational -MaxEvents 20"},
    {"http.certificate", R::failed, "The connection was refused because of the certificate.",
     "The layer tls says what is wrong with it. On the host:", kListeners},

    {"clock.close", R::ok, "The clocks agree."},
    {"clock.differs", R::warning, "The host's clock differs from ours.",
     "Kerberos allows five minutes, and times in lists will look odd. On the host:", kTimeCheck},
    {"clock.far", R::failed, "The clocks differ by more than the five minutes of Kerberos.",
     "Let this machine, the host and the domain controllers follow one time source. On the host:",
     kTimeCheck},
    {"clock.far-without-kerberos", R::warning,
     "The clocks differ by more than five minutes; Kerberos would not work.",
     "Let this machine and the host follow one time source. On the host:", kTimeCheck},
    {"clock.unknown", R::unproven, "The host does not tell its time before a login.",
     "Compare by hand. On the host:", "Get-Date -Format u"},
};

}  // namespace

std::span<const Finding> network_findings() {
    return kNetworkFindings;
}

}  // namespace entrepot::doctor
