"""Speaks to a WinRM endpoint with python3-winrm, which shares nothing with us.

usage: winrm_client.py URL AUTH USER PASSWORD ENCRYPTION     AUTH is ntlm, kerberos or basic; ENCRYPTION always or never

exit status 0: understood; 1: not; 77: python3-winrm, or what it needs for this, is not installed"""
import os
import sys

# What the machine prefers for the network is not what reaches a port on loopback.
for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
    os.environ.pop(name, None)

try:
    from winrm.exceptions import WinRMError, WinRMTransportError
    from winrm.transport import HAVE_KERBEROS, HAVE_NTLM, Transport
except ImportError:
    sys.exit(77)

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
IDENTIFY = (
    f'<s:Envelope xmlns:s="{SOAP}" xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    "<s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>"
)


def get(url, class_name):
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>'
        '<a:Action s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action>'
        f"<a:To>{url}</a:To><a:MessageID>uuid:6292D774-84D1-4421-8A5E-0EE2EA3831DA</a:MessageID>"
        f"<a:ReplyTo><a:Address>{ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>"
        f'<w:ResourceURI s:mustUnderstand="true">http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/{class_name}</w:ResourceURI>'
        "</s:Header><s:Body/></s:Envelope>"
    )


def text_of(answer):
    return answer.decode() if isinstance(answer, bytes) else answer


def main(url, auth, user, password, encryption):
    if (auth == "ntlm" and not HAVE_NTLM) or (auth == "kerberos" and not HAVE_KERBEROS):
        return 77
    transport = Transport(
        endpoint=url,
        auth_method=auth,
        username=user,
        password=password,
        service="HTTP",
        server_cert_validation="ignore",
        message_encryption=encryption,
    )
    try:
        transport.build_session()
    except WinRMError as error:
        # Debian 12's python3-requests-kerberos cannot seal.
        if "does not support it" in str(error):
            return 77
        raise
    found = text_of(transport.send_message(IDENTIFY))
    if "IdentifyResponse" not in found or "Microsoft Corporation" not in found:
        print("no answer to Identify:", found)
        return 1
    found = text_of(transport.send_message(get(url, "Win32_OperatingSystem")))
    if "Win32_OperatingSystem_Type" not in found:
        print("no operating system:", found)
        return 1
    try:
        transport.send_message(get(url, "Win32_Nothing"))
    except WinRMTransportError as error:
        if error.code == 500 and "DestinationUnreachable" in text_of(error.response_text):
            return 0
        print("another fault:", error)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
