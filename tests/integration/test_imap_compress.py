"""COMPRESS=DEFLATE, RFC 4978, with Python's zlib as the client."""
import contextlib
import random
import zlib

import pytest

from harness.imap import login, ok


class Deflated:
    """Stands between a Dialogue and its socket."""

    def __init__(self, socket, window=-15):
        self.socket = socket
        self.encoder, self.decoder = zlib.compressobj(wbits=window), zlib.decompressobj(-15)
        self.raw = 0

    def sendall(self, data):
        self.socket.sendall(self.encoder.compress(data) + self.encoder.flush(zlib.Z_SYNC_FLUSH))

    def recv(self, count):
        while True:
            raw = self.socket.recv(count)
            self.raw += len(raw)
            data = self.decoder.decompress(raw)
            if data or not raw:
                return data

    def __getattr__(self, name):
        return getattr(self.socket, name)


@contextlib.contextmanager
def compressed(suite, user):
    with login(suite, user) as imap:
        assert b"COMPRESS=DEFLATE" in imap.command("CAPABILITY")[1][0].split()
        assert imap.command("COMPRESS DEFLATE")[0] == "OK"
        imap.socket = Deflated(imap.socket)
        yield imap


@pytest.fixture
def user(suite):
    return suite.user()


def test_a_conversation(suite, user):
    text = "Subject: a\r\n\r\n" + "0123456789abcdef" * 20000 + "\r\n"
    with compressed(suite, user) as imap:
        ok(imap, [f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])
        ok(imap, "SELECT INBOX")
        before = imap.socket.raw
        assert text.encode() in ok(imap, "FETCH 1 BODY[]")[0]
        assert imap.socket.raw - before < len(text) / 20
        ok(imap, "NOOP")


def test_what_cannot_be_compressed_comes_whole(suite, user):
    noise = bytes(random.Random(1).choices(range(1, 256), k=300000)).replace(b"\r", b".").replace(b"\n", b".")
    text = b"Subject: a\r\n\r\n" + noise + b"\r\n"
    with compressed(suite, user) as imap:
        ok(imap, [f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])
        ok(imap, "SELECT INBOX")
        assert noise in ok(imap, "FETCH 1 BODY[]")[0]


def test_a_second_time_and_another_way(suite, user):
    """Section 3: both are BAD; only DEFLATE is known."""
    with login(suite, user) as imap:
        assert imap.command("COMPRESS LZW")[0] == "BAD"
        assert imap.command("COMPRESS")[0] == "BAD"
    with compressed(suite, user) as imap:
        assert imap.command("COMPRESS DEFLATE")[0] == "BAD" and "[COMPRESSIONACTIVE]" in imap.text


def test_bytes_one_by_one_and_commands_in_one(suite, user):
    with compressed(suite, user) as imap:
        coded = imap.socket.encoder.compress(b"p1 NOOP\r\np2 NOOP\r\n") + imap.socket.encoder.flush(zlib.Z_SYNC_FLUSH)
        for i in range(len(coded)):
            imap.socket.socket.sendall(coded[i:i + 1])
        assert imap.response().startswith(b"p1 OK") and imap.response().startswith(b"p2 OK")


def test_idle_is_told_and_ended(suite, user):
    with compressed(suite, user) as imap:
        ok(imap, "SELECT INBOX")
        imap.send("i IDLE\r\n")
        assert imap.response().startswith(b"+")
        with suite.smtp() as smtp:
            smtp.ehlo()
            smtp.message("a@example.org", [user.address], "Subject: a\r\n\r\nb\r\n")
        assert imap.response() == b"* 1 EXISTS"
        assert imap.response() == b"* 1 RECENT"
        imap.send("DONE\r\n")
        assert imap.response().startswith(b"i OK")


def test_input_that_swells_is_bounded(suite, user):
    """A megabyte of one letter is a thousand bytes; as a command it is too long all the same."""
    with compressed(suite, user) as imap:
        imap.send(b"x" * (1 << 20) + b"\r\n")
        assert imap.response() == b"* BAD the command is too long"
        assert imap.response().startswith(b"* BYE")


def test_what_is_no_deflate_ends_the_session(suite, user):
    with compressed(suite, user) as imap:
        imap.socket.socket.sendall(b"\xff" * 100)
        assert imap.socket.recv(1000) == b""
