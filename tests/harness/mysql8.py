"""A server that logs its clients in as MySQL 8 does, by caching_sha2_password, and knows no table. Debian has no MySQL, and its
MariaDB has no such plugin for the server, so this much of the protocol is spoken here (MySQL's documentation, "Connection Phase")."""
import hashlib
import os
import socket
import struct
import subprocess

from .listener import Accepting

CAPABILITIES = 0x00ABA20F | 0x80000 | 0x200000  # protocol 41, a database in the login, plugins, lengths of them
OK = b"\0\0\0\2\0\0\0"


def sha256(data):
    return hashlib.sha256(data).digest()


def xor(data, key):
    return bytes(a ^ key[i % len(key)] for i, a in enumerate(data))


def error(number, state, text):
    return b"\xff" + struct.pack("<H", number) + f"#{state}{text}".encode()


class Mysql8:
    """
    with Mysql8("secret", cached=False, directory=PATH) as server:
        server.port; server.logins: what happened, "fast" or "full" or "denied"
    `cached`: the server knows the password's hash already, else it wants it whole, encrypted with its RSA key.
    """

    def __init__(self, password, cached, directory):
        self.password, self.cached, self.logins = password.encode(), cached, []
        self.key = directory / "rsa.key"
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, stderr=subprocess.DEVNULL)
        self.public = subprocess.run(["openssl", "rsa", "-in", self.key, "-pubout"], check=True, capture_output=True).stdout

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepting = Accepting(self.listener, self.serve)
        return self

    def __exit__(self, *_):
        self.accepting.end()

    def serve(self, connection, _):
        with connection, connection.makefile("rwb") as stream:
            try:
                self.log_in(stream)
                while True:
                    _, command = self.read(stream)
                    if command[0] == 1:  # COM_QUIT
                        return
                    known = command[0] in (3, 14)  # COM_QUERY sets the character set; COM_PING
                    self.write(stream, 1, OK if known else error(1146, "42S02", "Table 'mail.t' doesn't exist"))
            except (EOFError, OSError):
                return

    @staticmethod
    def read(stream):
        head = stream.read(4)
        if len(head) < 4:
            raise EOFError
        return head[3], stream.read(int.from_bytes(head[:3], "little"))

    @staticmethod
    def write(stream, number, payload):
        stream.write(len(payload).to_bytes(3, "little") + bytes([number]) + payload)
        stream.flush()

    def greeting(self, nonce):
        return (b"\x0a8.0.36\0" + struct.pack("<I", 7) + nonce[:8] + b"\0" + struct.pack("<H", CAPABILITIES & 0xFFFF) + b"\xff\2\0" +
                struct.pack("<H", CAPABILITIES >> 16) + bytes([21]) + bytes(10) + nonce[8:] + b"\0caching_sha2_password\0")

    def log_in(self, stream):
        nonce = bytes(b % 127 + 1 for b in os.urandom(20))
        self.write(stream, 0, self.greeting(nonce))
        number, response = self.read(stream)
        user = response.index(b"\0", 32)
        scramble = response[user + 2:user + 2 + response[user + 1]]
        right = xor(sha256(self.password), sha256(sha256(sha256(self.password)) + nonce))
        if self.cached and scramble == right:
            self.write(stream, number + 1, b"\1\3")
            return self.finish(stream, number + 2, "fast")
        self.write(stream, number + 1, b"\1\4")
        number, wanted = self.read(stream)
        assert wanted == b"\2", wanted  # the password itself must not come over a line in clear
        self.write(stream, number + 1, b"\1" + self.public)
        number, sealed = self.read(stream)
        opened = subprocess.run(["openssl", "pkeyutl", "-decrypt", "-inkey", self.key, "-pkeyopt", "rsa_padding_mode:oaep"],
                                input=sealed, check=True, capture_output=True).stdout
        return self.finish(stream, number + 1, "full" if xor(opened, nonce) == self.password + b"\0" else "denied")

    def finish(self, stream, number, how):
        self.logins.append(how)
        if how == "denied":
            self.write(stream, number, error(1045, "28000", "Access denied for user"))
            raise EOFError
        self.write(stream, number, OK)
