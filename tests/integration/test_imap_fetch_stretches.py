"""Stretches of a section, BODY[section]<offset.length> (RFC 3501 section 6.4.5): whatever is asked for in whatever order is what a
fetch of the whole has there. Clients fetch large parts piece by piece, and the server remembers where it was."""
import random
import re

import pytest

from harness.imap import login, ok

HEADER = b"From: a@example.test\r\nSubject: stretches\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"


def content(chance):
    """Lines of all lengths, with CRs that end none, and NUL, which a literal has as 0x80."""
    lines = [bytes(chance.choices(b"abc\r\0\xff ", k=chance.choice([0, 1, 60, 78, 3000]))) for _ in range(600)]
    return b"\n".join(lines)


def message(chance):
    return (HEADER.replace(b"\r\n", b"\n") + b"--b\nContent-Type: text/plain\n\n" + content(chance) +
            b"\n--b\nContent-Type: application/octet-stream\n\n" + content(chance) + b"\n--b--\n")


@pytest.fixture
def imap(suite):
    user = suite.user()
    with login(suite, user):
        pass
    for number in range(2):
        path = user.maildir / "cur" / f"170000000{number}.M1P1.x:2,S"
        path.write_bytes(message(random.Random(number)))
        path.chmod(0o644)
    with login(suite, user) as imap:
        ok(imap, "SELECT INBOX")
        yield imap


def fetch(imap, item, number=1):
    lines = ok(imap, f"FETCH {number} (BODY.PEEK[{item})")
    [line] = [line for line in lines if b"BODY[" in line]
    literal = re.search(rb"\{(\d+)\}\r\n", line)
    body = line[literal.end():literal.end() + int(literal[1])]
    assert len(body) == int(literal[1]) and line[literal.end() + len(body):] == b")"
    return body


@pytest.mark.parametrize("section", ["", "TEXT", "1", "2", "2.MIME", "HEADER", "HEADER.FIELDS (Subject)"])
def test_every_stretch_is_that_of_the_whole(imap, section):
    whole = fetch(imap, f"{section}]")
    size, chance = len(whole), random.Random(section)
    wanted = [(at, 50000) for at in range(0, size + 100000, 50000)] + [(at, 65536) for at in range(size, -1, -65536)]
    wanted += [(chance.randrange(size + 1), chance.choice([1, 2, 700, 5000, 200000])) for _ in range(40)]
    wanted += [(0, 1), (size - 1, 1), (size, 1), (size + 10, 10), (0, 4294967295)]
    for offset, length in wanted:
        assert fetch(imap, f"{section}]<{offset}.{length}>") == whole[offset:offset + length], (offset, length)


def test_stretches_of_sections_and_messages_in_turn(imap):
    chance = random.Random(9)
    whole = {(number, section): fetch(imap, f"{section}]", number) for number in (1, 2) for section in ("", "TEXT", "1", "2")}
    at = dict.fromkeys(whole, 0)
    for _ in range(150):
        key = number, section = chance.choice([*whole])
        length = chance.choice([10, 3000, 70000])
        assert fetch(imap, f"{section}]<{at[key]}.{length}>", number) == whole[key][at[key]:at[key] + length]
        at[key] = (at[key] + length) % len(whole[key])


def test_the_bytes_are_those_of_the_file(imap):
    for number in (1, 2):
        lines = message(random.Random(number - 1)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert fetch(imap, "]", number) == lines.replace(b"\0", b"\x80")
