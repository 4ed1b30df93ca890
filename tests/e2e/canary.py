"""Secrets that are looked for in everything that comes out, in all the ways in which they could be written (F-WB-16)."""
import base64
import secrets
import string

from harness import Failure

kAlphabet = string.ascii_letters + string.digits
kMarkBytes = 20
kShownBytes = 60
kFindingsMax = 20


def new_mark():
    """Stands in every secret that we choose, unchanged by quoting, markup or percent signs."""
    return "".join(secrets.choice(kAlphabet) for _ in range(kMarkBytes))


def inner_base64(secret):
    """What base64 makes of a secret that stands somewhere in other bytes: one text for each of three beginnings."""
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + secret).decode()
        inner = text[(shift * 8 + 5) // 6:(shift + len(secret)) * 8 // 6]
        yield inner.encode()
        yield inner.replace("+", "-").replace("/", "_").encode()


def forms(secret):
    """{bytes to look for: how they are written}"""
    wide, big = (secret.decode("latin-1").encode(code) for code in ("utf-16-le", "utf-16-be"))
    found = {secret: "plain", secret[::-1]: "backwards", wide: "UTF-16LE", big: "UTF-16BE"}
    for name, value in (("", secret), (" of UTF-16LE", wide)):
        for text in inner_base64(value):
            found[text] = "base64" + name
        found[value.hex().encode()] = "hex" + name
        found[value.hex().upper().encode()] = "hex" + name
    for letters in ("%%%02x", "%%%02X", "\\x%02x", "\\u%04x", "\\u%04X", "&#%d;", "&#x%x;", "%02x ", "%02X "):
        found["".join(letters % byte for byte in secret).encode()] = f"as {letters % secret[0]}"
    return found


class Watch:
    """What is secret by now, and where it was seen although it should not."""

    def __init__(self):
        self.known = []  # (name, form, bytes)
        self.findings = []
        self.looked = 0
        self.looked_bytes = 0

    def add(self, name, secret):
        """From now on no output may hold it."""
        value = secret if isinstance(secret, bytes) else secret.encode()
        self.known += [(name, form, needle) for needle, form in forms(value).items()]
        try:
            raw = bytes.fromhex(value.decode())
        except ValueError:
            return
        self.known.append((name, "the bytes of its digits", raw))

    def look(self, place, data, but=()):
        """`but` are names of secrets that this place gives on purpose."""
        data = data if isinstance(data, bytes) else data.encode()
        self.looked += 1
        self.looked_bytes += len(data)
        for name, form, needle in self.known:
            at = data.find(needle)
            if at >= 0 and name not in but:
                around = data[max(0, at - kShownBytes):at + len(needle) + kShownBytes]
                self.findings.append(f"{name}, {form}, in {place}: {around!r}")

    def end(self):
        if self.findings:
            raise Failure(f"secrets came out {len(self.findings)} times:\n" + "\n".join(self.findings[:kFindingsMax]))


def check_itself():
    """Every form is found wherever it begins, and nothing else is."""
    secret = new_mark().encode()
    for shift in range(5):
        beside = bytes(range(200, 200 + shift)) + secret + b"tail"
        for data in (beside, base64.b64encode(beside), base64.urlsafe_b64encode(beside), beside.hex().encode(), beside.hex().upper().encode(),
                     "".join(f"%{byte:02X}" for byte in beside).encode(), beside.decode("latin-1").encode("utf-16-le"),
                     base64.b64encode(b"x" * shift + secret.decode().encode("utf-16-le"))):
            watch = Watch()
            watch.add("a secret", secret)
            watch.look("a place", data)
            if not watch.findings:
                raise Failure(f"the canary was not found in {data!r}")
    watch = Watch()
    watch.add("a secret", secret)
    watch.look("a place", new_mark())
    watch.end()
