"""Messages that are hard to bear (issue 7, item 5): 10,000 parts, 1,000 levels, a header of 1,000,000 lines. What a client asks of
them is answered by what is in them, within the session's memory, and the session goes on. (Limits of the machine on the
same messages and more: ../promises/test_10_imapd_memory.py; time: ../promises/test_11_imapd_cpu.py.)"""
import contextlib
import re

import pytest

from harness import Process, without_sanitizers

MEMORY = 64 << 20  # VmHWM of the session
PARTS, LEVELS, LINES = 10000, 1000, 1000000
NESTING = 100  # budget.h: what is deeper is a leaf

ENVELOPE = b"Subject: hard to bear\r\nFrom: Anna <anna@example.test>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
MULTIPART = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"

MESSAGES = {
    "parts": ENVELOPE + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
             b"".join(b"--b\r\n\r\npart%d\r\n" % i for i in range(1, PARTS + 1)) + b"--b--\r\n",
    "multiparts": ENVELOPE + b"".join(MULTIPART % (i, i) for i in range(LEVELS)) + b"\r\nthe deepest\r\n",
    "messages": ENVELOPE + b"Content-Type: message/rfc822\r\n\r\n" * LEVELS + b"Subject: innermost\r\n\r\nthe deepest\r\n",
    "header": ENVELOPE + b"".join(b"X-%d: y\r\n" % i for i in range(LINES)) + b"\r\nbody\r\n",
    "folded": ENVELOPE + b"X-Long: a\r\n" + b" b\r\n" * LINES + b"\r\nbody\r\n",
}


class Session:
    def __init__(self, imap):
        self.imap = imap

    def ask(self, command):
        status, lines = self.imap.command(command)
        assert status == "OK", (str(command)[:60], self.imap.text)
        return lines

    def fetch(self, item):
        """The literal, or what else stands behind the item's name."""
        [line] = self.ask(f"FETCH 1 ({item})")
        value = line.split(b" ", 3)[3].removeprefix(b"(").removesuffix(b")").removeprefix(item.replace(".PEEK", "").encode() + b" ")
        return value.split(b"\r\n", 1)[1] if value.startswith(b"{") else value

    def finds(self, keys):
        return self.ask(f"SEARCH {keys}") == [b"* SEARCH 1"]


@contextlib.contextmanager
def session(suite, user):
    with suite.imap("imaps", timeout=60) as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        yield Session(imap)
        assert imap.command("NOOP")[0] == "OK", "it goes on"


@pytest.fixture(scope="module")
def users(suite):
    """The user of each message, by its name."""
    users = {}
    for name, text in MESSAGES.items():
        users[name] = suite.user()
        with session(suite, users[name]) as there:
            there.ask([f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])
    return users


@pytest.fixture
def hard(suite, users, request):
    """A session with the one message in its INBOX."""
    with session(suite, users[request.param]) as there:
        there.ask("SELECT INBOX")
        yield there


@without_sanitizers("they map terabytes of shadow memory")
@pytest.mark.parametrize("name", MESSAGES)
def test_the_memory_is_bounded(suite, users, name):
    before = set(suite.pids("imap"))
    with session(suite, users[name]) as there:
        process = Process((set(suite.pids("imap")) - before).pop())
        there.ask("SELECT INBOX")
        there.ask("FETCH 1 (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[1] BODY.PEEK[])")
        there.ask("SEARCH TEXT zyxw BODY zyxw SUBJECT zyxw HEADER X zyxw")
        assert int(process.status()["VmHWM"].split()[0]) * 1024 <= MEMORY


def message(name):
    return pytest.mark.parametrize("hard", [name], indirect=True, ids=[name])


def children(structure):
    """How many bodies stand at the start of a multipart's body, and how deep brackets go."""
    depth = deepest = found = 0
    for piece in re.finditer(rb'"(?:[^"\\]|\\.)*"|[()]', structure):
        depth += {b"(": 1, b")": -1}.get(piece[0], 0)
        deepest = max(deepest, depth)
        found += piece[0] == b"(" and depth == 2
        if piece[0][:1] == b'"' and depth == 1:
            break  # the subtype
    return found, deepest


@pytest.mark.parametrize("hard", MESSAGES, indirect=True)
def test_what_lists_and_headers_show(hard, request):
    text = MESSAGES[request.node.callspec.params["hard"]]
    assert hard.fetch("RFC822.SIZE") == b"%d" % len(text)
    assert b'"hard to bear"' in hard.fetch("ENVELOPE") and b'"anna"' in hard.fetch("ENVELOPE")
    structure = hard.fetch("BODYSTRUCTURE")
    assert structure.count(b"(") == structure.count(b")")
    assert hard.fetch("BODY.PEEK[HEADER]") == text[:text.index(b"\r\n\r\n") + 4]
    assert hard.fetch("BODY.PEEK[TEXT]") == text[text.index(b"\r\n\r\n") + 4:]
    assert hard.fetch("BODY.PEEK[HEADER.FIELDS (SUBJECT)]") == b"Subject: hard to bear\r\n\r\n"
    assert hard.finds('SUBJECT "to bear"') and not hard.finds("SUBJECT nothing")
    assert hard.finds("HEADER FROM anna SENTON 21-Nov-2026") and not hard.finds("TEXT zyxw")


@message("parts")
def test_ten_thousand_parts(hard):
    found, _ = children(hard.fetch("BODYSTRUCTURE"))
    assert found == PARTS - 1, "the whole is a part, too, of the 10,000 that are looked at"
    assert hard.fetch("BODY.PEEK[1]") == b"part1" and hard.fetch("BODY.PEEK[9000]") == b"part9000"
    assert hard.fetch("BODY.PEEK[9999]").startswith(b"part9999"), "with what comes behind it"
    assert hard.fetch("BODY.PEEK[10001]") == b"NIL"
    assert hard.finds("BODY part1 BODY part10000") and not hard.finds("BODY part10001")


@message("multiparts")
def test_a_thousand_multiparts_in_each_other(hard):
    _, deepest = children(hard.fetch("BODYSTRUCTURE"))
    assert deepest <= NESTING + 10
    assert hard.fetch("BODY.PEEK[1.MIME]") == (MULTIPART % (1, 1)).split(b"--")[0]
    assert hard.fetch("BODY.PEEK[" + ".".join("1" * 90) + "]").startswith(b"--b90\r\n")
    assert hard.finds('BODY "the deepest"')


@message("messages")
def test_a_thousand_messages_in_each_other(hard):
    assert hard.fetch("BODY.PEEK[1.HEADER]") == b"Content-Type: message/rfc822\r\n\r\n"
    assert hard.fetch("BODY.PEEK[" + ".".join("1" * 90) + ".HEADER]") == b"Content-Type: message/rfc822\r\n\r\n"
    assert hard.finds('BODY "the deepest"') and hard.finds("TEXT innermost")


@message("header")
def test_a_million_header_lines(hard):
    assert hard.fetch("BODY.PEEK[HEADER.FIELDS (X-5)]") == b"X-5: y\r\n\r\n"
    assert hard.fetch("BODY.PEEK[TEXT]") == b"body\r\n"
    assert hard.finds("HEADER X-5 y") and hard.finds("BODY body")
    rest = hard.fetch("BODY.PEEK[HEADER.FIELDS.NOT (SUBJECT FROM DATE)]")
    assert rest.startswith(b"X-0: y\r\nX-1: y\r\n") and rest.endswith(b"\r\n\r\n")


@message("folded")
def test_a_field_of_a_million_lines(hard):
    assert hard.fetch("BODY.PEEK[HEADER.FIELDS (X-LONG)]")[:9] == b"X-Long: a"
    assert hard.finds('HEADER X-LONG "b b"')
