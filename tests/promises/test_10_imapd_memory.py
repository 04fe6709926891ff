"""Promise 10 for IMAP: the front serves any input within 8 MiB, a session within 64 MiB, beside what a large folder takes for its
messages; limits that they set themselves (session_memory)."""
import base64

import pytest

from harness import Process, without_sanitizers

pytestmark = without_sanitizers("they map terabytes of shadow memory; no limit is set")

FRONT, SESSION, LIMIT = 8 << 20, 64 << 20, 384 << 20


def peak(process):
    return int(process.status()["VmPeak"].split()[0]) * 1024


def limit(process):
    (line,) = [line for line in (process.directory / "limits").read_text().splitlines() if line.startswith("Max address space")]
    return line.split()[3:5]


@pytest.fixture
def front(suite):
    before = set(suite.pids("imapd"))
    with suite.imap("imaps", timeout=60) as imap:
        yield imap, Process((set(suite.pids("imapd")) - before).pop())


@pytest.fixture
def session(suite):
    user = suite.user()
    with suite.imap("imaps", timeout=120) as imap:
        before = set(suite.pids("imap"))
        assert imap.login(user.address, user.password)[0] == "OK"
        yield imap, Process((set(suite.pids("imap")) - before).pop())


def test_the_front(front):
    imap, process = front
    assert limit(process) == [str(FRONT)] * 2
    for text in ("x" * 16000, "LOGIN " + '"' + "\\\\" * 7000 + '" x', "AUTHENTICATE PLAIN " + base64.b64encode(b"\0u\0" + b"p" * 9000).decode()):
        assert imap.command(text)[0] in ("BAD", "NO")
    assert peak(process) < FRONT
    assert imap.command(["LOGIN {4096}", "u" * 4096 + " {4096}\r\n", "p" * 4096 + "\r\n"])[0] == "NO"


def append(imap, text):
    assert imap.command([f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])[0] == "OK"


def all_of(imap, number, partial=""):
    for items in ("(ENVELOPE BODYSTRUCTURE)", "(BODY)", "(BODY.PEEK[HEADER])", f"(BODY.PEEK[1]{partial})",
                  "(BODY.PEEK[1.1.1.1.1.1.1.1])", "(BODY.PEEK[HEADER.FIELDS (SUBJECT X)])",
                  f"(RFC822.SIZE BODY.PEEK[TEXT]{partial})"):
        assert imap.command(f"FETCH {number} {items}")[0] == "OK"
    for keys in ("TEXT nothing", "SUBJECT nothing", "BODY nothing"):
        assert imap.command(f"SEARCH {number} {keys}")[0] == "OK"


def test_messages_that_are_hard_to_bear(session):
    imap, process = session
    assert limit(process) == [str(LIMIT)] * 2
    assert imap.command("SELECT INBOX")[0] == "OK"
    append(imap, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20000)
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(1000))
    append(imap, deep + b"\r\nx\r\n")
    append(imap, b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"\r\nx\r\n")
    append(imap, b"".join(b"X-%d: y\r\n" % i for i in range(1000000)) + b"\r\nx\r\n")
    append(imap, b"To: " + b"a@b.test, " * 200000 + b"c@d.test\r\n\r\nx\r\n")
    append(imap, b"Subject: " + b"\r\n x" * 500000 + b"\r\n\r\nx\r\n")
    append(imap, b"Content-Type: text/plain" + b"; a=b" * 200000 + b"\r\n\r\nx\r\n")
    append(imap, b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 600000)
    for number in range(1, 8):
        all_of(imap, number)
    all_of(imap, 8, partial="<40000000.1000>")
    assert peak(process) <= SESSION
    assert imap.command("NOOP")[0] == "OK"


def test_commands_that_are_hard_to_bear(session):
    imap, process = session
    assert imap.command("SELECT INBOX")[0] == "OK"
    for text in ("FETCH " + "1," * 30000 + "1 FLAGS", "SEARCH " + "OR ALL " * 9000 + "ALL", "SEARCH " + "(" * 60000, "LIST \"\" " + "*%" * 30000,
                 "STORE 1 FLAGS (" + "x " * 30000 + "x)", "FETCH 1 (" + "FLAGS " * 10000 + "UID)", "UID FETCH 1:4294967295 FLAGS",
                 'SELECT "' + "\\\\" * 30000 + '"'):
        assert imap.command(text)[0] in ("OK", "NO", "BAD")
    assert peak(process) <= SESSION
