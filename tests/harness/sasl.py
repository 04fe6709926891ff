"""The client's side of SASL mechanisms, by Python's own hashes; and what speaks them to authd's login socket."""
import base64
import hashlib
import hmac
import os
import re


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


class Plain:
    def __init__(self, user, password, other=""):
        self.message = f"{other}\0{user}\0{password}"

    def first(self):
        return self.message

    def answer(self, _):
        raise AssertionError("PLAIN is one message")


class External:
    def __init__(self, other=""):
        self.other = other

    def first(self):
        return self.other

    def answer(self, _):
        raise AssertionError("EXTERNAL is one message")


class Scram:
    """RFC 5802, 7677. `header` is the gs2-header: "n,,", "y,,", "p=tls-exporter,,"; `binding` the bytes of the channel."""

    def __init__(self, digest, user, password, header="n,,", binding=b""):
        self.digest, self.password, self.header, self.binding = digest, password.encode(), header, binding
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.nonce = base64.b64encode(os.urandom(18)).decode().replace(",", "x")
        self.bare = f"n={name},r={self.nonce}"
        self.salt = self.rounds = self.server = None

    def first(self):
        return self.header + self.bare

    def answer(self, challenge):
        text = challenge.decode()
        if self.server is not None:
            assert text == "v=" + base64.b64encode(self.server).decode(), "the server does not know the password"
            return ""
        parts = dict(part.split("=", 1) for part in text.split(","))
        assert parts["r"].startswith(self.nonce) and len(parts["r"]) > len(self.nonce)
        self.salt, self.rounds = parts["s"], int(parts["i"])
        salted = hashlib.pbkdf2_hmac(self.digest, self.password, base64.b64decode(self.salt), self.rounds)
        key = self.mac(salted, b"Client Key")
        final = f"c={b64(self.header.encode() + self.binding)},r={parts['r']}"
        everything = ",".join((self.bare, text, final)).encode()
        signature = self.mac(hashlib.new(self.digest, key).digest(), everything)
        self.server = self.mac(self.mac(salted, b"Server Key"), everything)
        return final + ",p=" + b64(bytes(a ^ b for a, b in zip(key, signature)))

    def mac(self, key, text):
        return hmac.new(key, text, self.digest).digest()


class Cram:
    """RFC 2195."""

    def __init__(self, user, password):
        self.user, self.password = user, password.encode()

    def first(self):
        return None

    def answer(self, challenge):
        assert re.fullmatch(rb"<[0-9]+\.[0-9]+@[^@<>]+>", challenge), challenge
        return f"{self.user} {hmac.new(self.password, challenge, 'md5').hexdigest()}"


def digest_response(user, realm, password, nonce, cnonce, uri, method="AUTHENTICATE"):
    """RFC 2831 section 2.1.2.1, qop=auth, nc=1."""
    def h(text):
        return hashlib.md5(text).digest()
    a1 = h(f"{user}:{realm}:{password}".encode()) + f":{nonce}:{cnonce}".encode()
    a2 = f"{method}:{uri}".encode()
    middle = f":{nonce}:00000001:{cnonce}:auth:".encode()
    return h(h(a1).hex().encode() + middle + h(a2).hex().encode()).hex()


class Digest:
    """RFC 2831."""

    def __init__(self, user, password, realm="", **change):
        self.user, self.password, self.realm, self.change = user, password, realm, change
        self.last = None

    def first(self):
        return None

    def answer(self, challenge):
        text = challenge.decode()
        if self.last is not None:
            assert text == f"rspauth={self.last}", text
            return ""
        nonce = re.search(r'nonce="([^"]+)"', text)[1]
        assert 'qop="auth"' in text and "algorithm=md5-sess" in text
        fields = {"nonce": nonce, "cnonce": base64.b64encode(os.urandom(12)).decode(), "uri": "imap/mail.example.test", "qop": "auth",
                  **self.change}
        asked = (self.user, self.realm, self.password, fields["nonce"], fields["cnonce"], fields["uri"])
        self.last = digest_response(*asked, method="")
        realm = f'realm="{self.realm}",' if self.realm else ""
        return (f'charset=utf-8,username="{self.user}",{realm}nonce="{fields["nonce"]}",nc=00000001,cnonce="{fields["cnonce"]}",'
                f'digest-uri="{fields["uri"]}",response={digest_response(*asked)},qop={fields["qop"]}')


def run(peer, mechanism, client, initial=True):
    """The exchange up to its verdict, as a front carries it; the verdict's fields."""
    first = client.first()
    if first is not None and initial:
        answer = peer.ask("auth", "t", mechanism, b64(first) or "=")
    else:
        answer = peer.ask("auth", "t", mechanism)
        if first is not None:
            assert answer == ["more", "t", ""]
            answer = peer.ask("more", "t", b64(first))
    while answer[0] == "more":
        answer = peer.ask("more", "t", b64(client.answer(unb64(answer[2]))))
    return answer
