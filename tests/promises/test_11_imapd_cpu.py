"""Promise 11 for IMAP sessions: CPU grows at most as n log n with the size of a message, of a folder and of a command. As in
test_11_cpu.py the time that the session's process has spent is compared over a ladder of eight times the size."""
import contextlib
import os
import pwd
import re

import pytest

from harness import wait_for, without_sanitizers
from test_11_cpu import MOST, STEP, spent

pytestmark = without_sanitizers("their run-time has costs of its own")

LEAST = 1_000_000  # ns: less is not the work that is meant


@contextlib.contextmanager
def session(suite, user):
    """A session and the number of its process."""
    before = set(suite.pids("imap"))
    with suite.imap("imaps", timeout=60) as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        yield imap, (set(suite.pids("imap")) - before).pop()
    wait_for("the session to end", 10, lambda: set(suite.pids("imap")) <= before)


def ask(imap, command):
    status, lines = imap.command(command)
    assert status == "OK", (str(command)[:80], imap.text)
    return lines


def may_grow(small, large, what):
    assert large <= MOST * max(small, LEAST), f"{what}: {small / 1e6:.1f} ms became {large / 1e6:.1f} ms"


def put(user, texts, folder=None):
    """Messages in their files, as another program would leave them."""
    vmail, where = pwd.getpwnam("vmail"), user.maildir / (folder or ".") / "cur"
    for number, text in enumerate(texts):
        path = where / f"{1700000000 + number}.M{number}P1.test:2,S"
        path.write_bytes(text)
        os.chown(path, vmail.pw_uid, vmail.pw_gid)


# --- messages -------------------------------------------------------------------------------------

# beginning, unit, end, n
MESSAGES = {
    "fields": (b"", b"X-Header: value\n", b"\nx\n", 5000),
    "known fields": (b"", b"References: <a@b.test>\nTo: a@b.test\nSubject: x\n", b"\nx\n", 1000),
    "folded lines": (b"Subject: x\n", b" x\n", b"\nx\n", 20000),
    "addresses": (b"To: ", b"Anna <a@b.test>,\n ", b"c@d.test\n\nx\n", 2000),
    "groups": (b"To: ", b"a:b@c.test,", b";\n\nx\n", 4000),
    "comments": (b"From: ", b"(", b"a@b.test\n\nx\n", 20000),
    "backslashes": (b'From: "', b"\\", b'" <a@b.test>\n\nx\n', 20000),
    "encoded words": (b"Subject: ", b"=?utf-8?Q?=C3=A4?=\n ", b"\n\nx\n", 2000),
    "half encoded words": (b"Subject: ", b"=?utf-8?Q?", b"\n\nx\n", 5000),
    "message-ids": (b"References: ", b"<a@b.test>\n ", b"\n\nx\n", 5000),
    "half message-ids": (b"References: ", b"<", b"\n\nx\n", 20000),
    "re's": (b"Subject: ", b"Re: [x] ", b"\n\nx\n", 5000),
    "fwd's": (b"Subject: ", b"[fwd: ", b"]\n\nx\n", 5000),
    "parameters": (b"Content-Type: text/plain", b"; a=b", b"\n\nx\n", 5000),
    "pieces of a parameter": (b"Content-Type: text/plain", b"; a*1*=x; a*2=y", b"\n\nx\n", 2000),
    "languages": (b"Content-Language: ", b"en, ", b"de\n\nx\n", 5000),
    "parts": (b"Content-Type: multipart/mixed; boundary=b\n\n", b"--b\n\nx\n", b"--b--\n", 1200),
    "parts without an end": (b"Content-Type: multipart/mixed; boundary=b\n\n", b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n", b"", 1000),
    "nearly boundaries": (b"".join(b"Content-Type: multipart/mixed; boundary=%dxxxxxxxxxxxxxxxxxxxx\n\n--%dxxxxxxxxxxxxxxxxxxxx\n" % (i, i) for i in range(90)),
                          b"--8xxxxxxxxxxxxxxxxxxxy\n", b"\n", 5000),
    "multiparts in each other": (b"", b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", b"\nx\n", 1000),
    "messages in each other": (b"", b"Content-Type: message/rfc822\n\n", b"\nx\n", 1000),
    "base64": (b"Content-Transfer-Encoding: base64\n\n", b"YWFhYWFh\n", b"", 20000),
    "quoted-printable": (b"Content-Transfer-Encoding: quoted-printable\n\n", b"=61= \t\n", b"", 20000),
    "blanks": (b"Content-Transfer-Encoding: quoted-printable\n\n", b" ", b"", 200000),
    "one line": (b"\n", b"a", b"", 500000),
    "escapes": (b"Content-Type: text/plain; charset=iso-2022-jp\n\n", b"\x1b$B\x1b(B", b"", 20000),
    "accents": (b"Content-Type: text/plain; charset=utf-8\n\n", b"\xcc\x81", b"", 50000),
    "NULs": (b"Subject: x\n\n", b"\0\r", b"", 50000),
}
NEEDLE = "a" * 200 + "b"
COMMANDS = ["FETCH {0} (ENVELOPE BODYSTRUCTURE)", "FETCH {0} (BODY.PEEK[HEADER.FIELDS (SUBJECT X-OTHER)] BODY.PEEK[1.MIME])", f'SEARCH {{0}} TEXT "{NEEDLE}"',
            f'SEARCH {{0}} HEADER X-OTHER "{NEEDLE}" OR TO x SUBJECT "{NEEDLE}"', "SORT (SUBJECT FROM DATE) UTF-8 {0}", "THREAD REFERENCES UTF-8 {0}"]


@pytest.fixture(scope="module")
def messages(suite):
    """A user with a folder for each kind: three small messages and two of eight times as many units."""
    user = suite.user()
    with session(suite, user) as (imap, _):
        for name, (begin, unit, end, n) in MESSAGES.items():
            ask(imap, f"CREATE {folder_of(name)}")
            put(user, [begin + unit * count + end for count in [n] * 3 + [n * STEP] * 2], "." + folder_of(name))
    return user


def folder_of(name):
    return f"Kind{list(MESSAGES).index(name)}"


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message(suite, messages, name):
    """Each command once with each message, none of which the index knows at first."""
    costs = {}
    with session(suite, messages) as (imap, pid):
        ask(imap, f"SELECT {folder_of(name)}")
        for command in COMMANDS:
            for number in (1, 4, 2, 5, 3):
                begun = spent(pid)
                ask(imap, command.format(number))
                costs.setdefault((command, number > 3), []).append(spent(pid) - begun)
    for command in COMMANDS:
        may_grow(min(costs[command, False]), min(costs[command, True]), command)


def test_appended_messages(suite):
    def cost(count):
        text = b"Subject: x\r\n\r\n" + b"line\r\n" * count
        with session(suite, suite.user()) as (imap, pid):
            begun = spent(pid)
            ask(imap, [f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])
            return spent(pid) - begun
    may_grow(min(cost(20000) for _ in range(2)), cost(20000 * STEP), "APPEND")


# --- folders --------------------------------------------------------------------------------------

N = 300
FOLDERS = {
    "all different": lambda i, n: b"Subject: about %d\nMessage-ID: <%d@a.test>\n\nx\n" % (i * 7919 % n, i),
    "one subject": lambda i, n: b"Subject: Re: x\nMessage-ID: <%d@a.test>\n\nx\n" % i,
    "one message-id": lambda i, n: b"Subject: x\nMessage-ID: <a@a.test>\nReferences: <a@a.test>\n\nx\n",
    "one long thread": lambda i, n: b"Subject: x\nMessage-ID: <%d@a.test>\nIn-Reply-To: <%d@a.test>\n\nx\n" % (i, i - 1),
    "one long thread from behind": lambda i, n: b"Subject: x\nMessage-ID: <%d@a.test>\nReferences: <%d@a.test>\n\nx\n" % (i, i + 1),
    "one parent": lambda i, n: b"Subject: %d\nMessage-ID: <%d@a.test>\nReferences: <0@a.test>\n\nx\n" % (i, i),
    "one ring": lambda i, n: b"Subject: x\nMessage-ID: <%d@a.test>\nReferences: <%d@a.test>\n\nx\n" % (i, (i + 1) % n),
}
# In turn, of one session; the later ones change the folder.
WORK = ["SELECT INBOX", "FETCH 1:* (UID FLAGS ENVELOPE RFC822.SIZE)", "SEARCH SUBJECT x", "SORT (SUBJECT REVERSE DATE) UTF-8 ALL", "THREAD ORDEREDSUBJECT UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL", "THREAD REFS UTF-8 ALL", "SEARCH RETURN (SAVE) ALL", "FETCH $ FLAGS", "STORE 1:* +FLAGS (\\Flagged key)", "COPY 1:* Copy",
        "UNSELECT", "SELECT INBOX", "MOVE 1:* Moved", "SELECT Copy", "STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE", "STATUS Moved (MESSAGES UNSEEN)"]


def work(suite, kind, n):
    """What each command of WORK costs in a folder of n."""
    user, costs = suite.user(), []
    with session(suite, user) as (imap, pid):
        put(user, [FOLDERS[kind](i, n) for i in range(n)])
        ask(imap, "CREATE Copy")
        ask(imap, "CREATE Moved")
        for command in WORK:
            if command.split()[0] == "THREAD" and command.split()[1] not in supported(imap):
                continue
            begun = spent(pid)
            ask(imap, command)
            costs.append((command, spent(pid) - begun))
    return costs


def supported(imap):
    return re.findall(r"THREAD=(\w+)", b"".join(ask(imap, "CAPABILITY")).decode())


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder(suite, kind):
    small = [min(pair) for pair in zip(*([cost for _, cost in work(suite, kind, N)] for _ in range(2)))]
    for before, (command, cost) in zip(small, work(suite, kind, N * STEP)):
        may_grow(before, cost, command)


# --- commands -------------------------------------------------------------------------------------

SETS = {
    "numbers": lambda n: ",".join(str(i) for i in range(1, 2 * n, 2)),
    "backwards": lambda n: ",".join(str(i) for i in range(2 * n, 0, -2)),
    "one number": lambda n: ",".join("1" for _ in range(n)),
    "ranges in each other": lambda n: ",".join(f"{i}:{4 * n - i}" for i in range(1, n)),
}
LONG = {
    **{name: lambda n, make=make: f"UID FETCH {make(n)} FLAGS" for name, make in SETS.items()},
    "OR": lambda n: "SEARCH " + "OR (UNSEEN SEEN) (SMALLER 1) " * (n // 10) + "ALL",
    "keys": lambda n: "SEARCH " + "UNDELETED " * n + "ALL",
    "items": lambda n: "FETCH 1 (" + "FLAGS " * n + "UID)",
    "fields": lambda n: "FETCH 1 (BODY.PEEK[HEADER.FIELDS (" + " ".join(f"X-{i}" for i in range(n)) + ")])",
    "flags": lambda n: "STORE 1 FLAGS (" + "key " * n + "key)",
    "wildcards": lambda n: 'LIST "" "' + "*a" * n + '"',
    "criteria": lambda n: "SORT (" + "SUBJECT " * (n // 20) + "DATE) UTF-8 ALL",
}


@pytest.fixture(scope="module")
def folder(suite):
    user = suite.user()
    with session(suite, user) as (imap, _):
        for name in ("a" * 200, "ab" * 100, "a." * 20 + "a"):
            ask(imap, f"CREATE {name}")
        put(user, [b"Subject: x\n" + b"X-1: y\n" * 100 + b"\nx\n"] * 200)
    return user


@pytest.mark.parametrize("name", LONG)
def test_a_long_command(suite, folder, name):
    n, costs = 500, {}  # 64 KiB is all that a command may be
    with session(suite, folder) as (imap, pid):
        ask(imap, "SELECT INBOX")
        for count in (n, n * STEP, n, n * STEP, n):
            begun = spent(pid)
            assert imap.command(LONG[name](count))[0] in ("OK", "BAD", "NO")
            costs.setdefault(count, []).append(spent(pid) - begun)
    may_grow(min(costs[n]), min(costs[n * STEP]), name)


def test_folders(suite):
    def cost(count):
        user = suite.user()
        with session(suite, user) as (imap, pid):
            for i in range(count):
                make_folder(user, f".Folder{i * 7919 % count}.x")
            begun = spent(pid)
            for command in ('LIST "" "*"', 'LIST "" "%"', 'LSUB "" "*"', 'LIST "" "*" RETURN (STATUS (MESSAGES))'):
                ask(imap, command)
            return spent(pid) - begun
    may_grow(cost(30), cost(30 * STEP), "LIST")


def make_folder(user, name):
    vmail = pwd.getpwnam("vmail")
    for path in [user.maildir / name] + [user.maildir / name / part for part in ("cur", "new", "tmp")]:
        path.mkdir(mode=0o700)
        os.chown(path, vmail.pw_uid, vmail.pw_gid)
