"""A client of the daemon's web listener that can also send what no well-meaning one sends. For the tests of attacks."""
import functools
import http.client
import json
import re
import socket
import ssl
import time

from harness import expect

kPassword = "four words in a row"
kPatienceSeconds = 10
kServedSeconds = 2  # F-WB-09: a normal client while the attack runs.


@functools.cache
def trusting():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # Without the system's authorities, which take long to read.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """The daemon's listener and a user of it."""

    def __init__(self, port, source="127.0.0.1"):
        self.source = source
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.cookie = ""
        self.csrf = ""

    def connect(self, source=None, timeout=kPatienceSeconds):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=timeout, source_address=(source or self.source, 0))
        return trusting().wrap_socket(plain)

    def raw(self, text, source=None):
        """What comes back for these bytes: (status or None for a closed connection, whether it was closed, all bytes)."""
        with self.connect(source) as stream:
            answer = b""
            try:
                stream.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
                stream.settimeout(3)
                while True:
                    part = stream.recv(65536)
                    if not part:
                        return self.status_of(answer), True, answer
                    answer += part
            except (TimeoutError, socket.timeout):
                return self.status_of(answer), False, answer
            except (ConnectionError, ssl.SSLError, OSError):
                return self.status_of(answer), True, answer

    @staticmethod
    def status_of(answer):
        found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
        return int(found.group(1)) if found else None

    def ask(self, method, path, body=None, headers=None, timeout=kPatienceSeconds):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=trusting(), source_address=(self.source, 0))
        sent = {"Host": self.host}
        if self.cookie:
            sent |= {"Cookie": self.cookie, "X-Entrepot-CSRF": self.csrf}
        content = None
        if body is not None:
            content = body if isinstance(body, (bytes, str)) else json.dumps(body)
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        try:
            connection.request(method, path, content, {name: value for name, value in sent.items() if value is not None})
            response = connection.getresponse()
            return response.status, dict((name.lower(), value) for name, value in response.getheaders()), response.read()
        finally:
            connection.close()

    def log_in(self, name="ada", password=kPassword):
        status, headers, body = self.ask("POST", "/api/v1/session", {"name": name, "password": password})
        expect(status == 200, f"the login answers {status}: {body[:300]}")
        self.take_session(headers, body)

    def take_session(self, headers, body):
        self.cookie = headers["set-cookie"].split(";")[0]
        self.csrf = json.loads(body)["csrf"]

    def expect_served(self, what):
        begin = time.monotonic()
        status, _, _ = self.ask("GET", "/api/v1/jobs")
        took = time.monotonic() - begin
        expect(status == 200 and took < kServedSeconds, f"{what}: a normal client got {status} after {took:.1f} s")
