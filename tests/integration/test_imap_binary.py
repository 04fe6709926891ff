"""FETCH of parts without their content transfer encoding: RFC 3516, RFC 9051 section 6.4.5."""
import base64
import os
import re

import pytest

from harness.imap import login, ok

DATA = os.urandom(3000) + b"\0"
BASE64 = b"\r\n".join(re.findall(rb".{1,76}", base64.b64encode(DATA)))
PARTS = (b"Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
         b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4 soft=\r\n line  \r\ntwo=20=  \r\n!\r\n"
         b"--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: BASE64\r\n\r\n" + BASE64 + b"\r\n"
         b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n"
         b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n"
         b"--b--\r\n")
QUOTED = "ä soft line\r\ntwo !".encode()


@pytest.fixture(scope="module")
def imap(suite):
    user = suite.user()
    with login(suite, user) as imap:
        for text in (PARTS, b"Subject: plain\r\n\r\nbody\r\n", b"Subject: nul\r\n\r\na\0b\r\n"):
            ok(imap, [f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])
        ok(imap, "SELECT INBOX")
        yield imap


def item(imap, what, message=1):
    line = ok(imap, f"FETCH {message} ({what})")[0]
    return line[line.index(b"(") + 1:-1]


def literal(label, data):
    return label + (b" ~" if b"\0" in data else b" ") + b"{%d}\r\n" % len(data) + data


@pytest.mark.parametrize("part,wanted", [("1", QUOTED), ("2", DATA), ("3.1", b"abc"), ("", PARTS),
                                         ("3", b"Subject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj")])
def test_a_part_without_its_encoding(imap, part, wanted):
    """What holds other parts is as it is; a literal8 only where there is a NUL."""
    label = f"[{part}]".encode()
    assert item(imap, f"BINARY.PEEK[{part}]") == literal(b"BINARY" + label, wanted)
    assert item(imap, f"BINARY.SIZE[{part}]") == b"BINARY.SIZE" + label + b" %d" % len(wanted)


@pytest.mark.parametrize("offset,length", [(0, 5), (5, 10), (2990, 5), (2990, 100), (3001, 1), (4294967295, 1)])
def test_offsets_count_what_is_decoded(imap, offset, length):
    assert item(imap, f"BINARY.PEEK[2]<{offset}.{length}>") == literal(b"BINARY[2]<%d>" % offset, DATA[offset:offset + length])


def test_a_part_that_is_not_there(imap):
    assert item(imap, "BINARY.PEEK[9] BINARY.SIZE[9]") == b"BINARY[9] NIL BINARY.SIZE[9] 0"


def test_an_encoding_that_is_not_known(imap):
    """Section 4.3: the request fails; messages that have none of it are told."""
    for what in ("BINARY.PEEK[4]", "BINARY.SIZE[4]"):
        status, lines = imap.command(f"FETCH 1:2 ({what})")
        assert status == "NO" and imap.text.startswith("NO [UNKNOWN-CTE]") and len(lines) == 1 and lines[0].startswith(b"* 2 FETCH")
    assert b"begin 644 x" in item(imap, "BODY.PEEK[4]")


def test_seen_is_set_unless_it_is_a_peek(imap):
    ok(imap, "STORE 2 -FLAGS.SILENT (\\Seen)")
    assert b"FLAGS" not in item(imap, "BINARY.PEEK[1] BINARY.SIZE[1]", 2)
    assert item(imap, "BINARY[1]", 2).startswith(b"BINARY[1] {6}\r\nbody\r\n FLAGS (\\Seen")


def test_nul_of_a_stored_message(imap):
    """As a literal there is 0x80 for it, in a literal8 it is itself."""
    assert item(imap, "BODY.PEEK[TEXT]", 3) == b"BODY[TEXT] {5}\r\na\x80b\r\n"
    assert item(imap, "BINARY.PEEK[1]", 3) == literal(b"BINARY[1]", b"a\0b\r\n")


@pytest.mark.parametrize("what", ["BINARY", "BINARY.PEEK", "BINARY[TEXT]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.1>", "BINARY[1]<0>", "BINARY.SIZE", "BINARY.FOO[1]",
                                  "BINARY[0]", "BINARY[1"])
def test_bad_syntax(imap, what):
    assert imap.command(f"FETCH 1 ({what})")[0] == "BAD"
