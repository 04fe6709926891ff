"""QRESYNC, RFC 7162 section 3.2, from its examples: a client that comes back is told what has happened, at once and all of it."""
import contextlib
import os
import re

import pytest

from harness.imap import append_text, login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


@contextlib.contextmanager
def session(suite, user, select="SELECT INBOX", enable=True):
    with login(suite, user) as imap:
        if enable:
            assert ok(imap, "ENABLE QRESYNC") == [b"* ENABLED QRESYNC"]
        if select:
            imap.first = ok(imap, select)
        yield imap


def fill(suite, user, count):
    with session(suite, user, None, False) as imap:
        for name in range(count):
            text = TEXT.format(name)
            append_text(imap, text)


def code(lines, name):
    return next(int(m[1]) for m in (re.match(rb"\* OK \[%s (\d+)\]" % name, line) for line in lines) if m)


def state(lines):
    """What a client keeps: "UIDVALIDITY HIGHESTMODSEQ"."""
    return f"{code(lines, b'UIDVALIDITY')} {code(lines, b'HIGHESTMODSEQ')}"


def numbers(text):
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        yield from range(int(first), int(last or first) + 1)


def vanished(lines, head=rb"\* VANISHED \(EARLIER\) "):
    return [uid for line in lines if re.match(head, line) for uid in numbers(line.split()[-1])]


def fetched(lines):
    return [int(m[1]) for m in (re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(.*\) MODSEQ \(\d+\)\)", line) for line in lines) if m]


@pytest.fixture
def user(suite):
    user = suite.user()
    fill(suite, user, 8)
    return user


def change(suite, user, remove, flag=None):
    """Another client is busy."""
    with session(suite, user, enable=False) as imap:
        if remove:
            ok(imap, f"UID STORE {remove} +FLAGS.SILENT (\\Deleted)")
            ok(imap, f"UID EXPUNGE {remove}")
        if flag:
            ok(imap, f"UID STORE {flag} +FLAGS.SILENT (\\Answered)")


def forget_expunges(user):
    """The index is a cache: without it nobody knows when a message went."""
    (user.maildir / "postern-index").unlink()


def test_select_tells_what_is_gone_and_what_has_changed(suite, user):
    with session(suite, user) as imap:
        known = state(imap.first)
    change(suite, user, "2:3,7", "5")
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known} 1:8))") as imap:
        lines = imap.first
        assert vanished(lines) == [2, 3, 7] and fetched(lines) == [5], lines
        assert b"* VANISHED (EARLIER) 2:3,7" in lines
        assert lines.index(b"* VANISHED (EARLIER) 2:3,7") < next(i for i, line in enumerate(lines) if b" FETCH " in line)
        assert b"* 5 EXISTS" in lines and imap.text.startswith("OK [READ-WRITE]")
        known = state(lines)
    with session(suite, user, f"EXAMINE INBOX (QRESYNC ({known}))") as imap:
        assert vanished(imap.first) == [] and fetched(imap.first) == []


def test_only_known_uids_are_told_of(suite, user):
    with session(suite, user) as imap:
        known = state(imap.first)
    change(suite, user, "2:3,7", "5,8")
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known} 3:5,7))") as imap:
        assert vanished(imap.first) == [3, 7] and fetched(imap.first) == [5]


def test_without_known_uids_all_are(suite, user):
    with session(suite, user) as imap:
        known = state(imap.first)
    change(suite, user, "1,8", "5")
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known}))") as imap:
        assert vanished(imap.first) == [1, 8] and fetched(imap.first) == [5]


def test_expunges_before_the_mod_sequence_are_not_repeated(suite, user):
    change(suite, user, "2")
    with session(suite, user) as imap:
        known = state(imap.first)
    change(suite, user, "4")
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known}))") as imap:
        assert vanished(imap.first) == [4]


def test_where_the_store_has_forgotten_all_that_is_not_there_is_told(suite, user):
    """Section 3.2.5.1: the server may tell of more than has vanished since, never of less, and of no UID that was never given."""
    change(suite, user, "2")
    with session(suite, user) as imap:
        known = state(imap.first)
    change(suite, user, "4:5,8")
    forget_expunges(user)
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known} 1:1000))") as imap:
        assert vanished(imap.first) == [2, 4, 5, 8]
        assert set(fetched(imap.first)) == {1, 3, 6, 7}
    forget_expunges(user)
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known} 3:4))") as imap:
        assert vanished(imap.first) == [4]


def test_numbers_and_their_uids_shorten_the_list(suite, user):
    """Section 3.2.5.2: what the client has right need not be told again."""
    change(suite, user, "2")
    with session(suite, user) as imap:
        known = state(imap.first)
    change(suite, user, "5")
    forget_expunges(user)
    # It knows 1, 3:8 as 1:7; up to number 3, UID 4, that is so.
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known} 1,3:8 (1:7 1,3:8)))") as imap:
        assert vanished(imap.first) == [5]
    forget_expunges(user)
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known} (2,4294967295 3,4294967295)))") as imap:
        assert vanished(imap.first) == [5]


def test_another_uidvalidity_tells_nothing(suite, user):
    with session(suite, user) as imap:
        validity, modseq = state(imap.first).split()
    change(suite, user, "2")
    with session(suite, user, f"SELECT INBOX (QRESYNC ({int(validity) - 1} {modseq} 1:8))") as imap:
        assert vanished(imap.first) == [] and fetched(imap.first) == []


def test_uid_fetch_vanished(suite, user):
    """Section 3.2.6."""
    with session(suite, user) as imap:
        known = code(imap.first, b"HIGHESTMODSEQ")
    change(suite, user, "2:3", "5")
    with session(suite, user) as imap:
        lines = ok(imap, f"UID FETCH 1:4,5 (FLAGS) (CHANGEDSINCE {known} VANISHED)")
        assert lines[0] == b"* VANISHED (EARLIER) 2:3" and fetched(lines) == [5] and len(lines) == 2, lines
        assert imap.command(f"FETCH 1:4 (FLAGS) (CHANGEDSINCE {known} VANISHED)")[0] == "BAD"
        assert imap.command("UID FETCH 1:4 (FLAGS) (VANISHED)")[0] == "BAD"


def test_it_must_be_enabled(suite, user):
    """Section 3.2.3."""
    with session(suite, user, enable=False) as imap:
        assert imap.command("SELECT INBOX (QRESYNC (1 1))")[0] == "BAD"
        assert imap.command("UID FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)")[0] == "BAD"
        ok(imap, "ENABLE CONDSTORE")
        assert imap.command("SELECT INBOX (QRESYNC (1 1))")[0] == "BAD"


def test_expunge_and_uid_expunge(suite, user):
    """Sections 3.2.7 and 3.2.9: VANISHED for EXPUNGE, the new highest in the tagged OK."""
    with session(suite, user) as imap:
        before = code(imap.first, b"HIGHESTMODSEQ")
        ok(imap, "STORE 3:4,6,8 +FLAGS.SILENT (\\Deleted)")
        assert ok(imap, "UID EXPUNGE 8") == [b"* VANISHED 8"]
        assert ok(imap, "EXPUNGE") == [b"* VANISHED 3:4,6"]
        after = int(re.match(r"OK \[HIGHESTMODSEQ (\d+)\]", imap.text)[1])
        assert after > before
        assert ok(imap, "EXPUNGE") == [] and "HIGHESTMODSEQ" not in imap.text
        assert ok(imap, "UID SEARCH ALL") == [b"* SEARCH 1 2 5 7"]
        assert ok(imap, "FETCH 3 UID") == [b"* 3 FETCH (UID 5)"]
    with session(suite, user) as imap:
        assert code(imap.first, b"HIGHESTMODSEQ") == after


def test_move(suite, user):
    with session(suite, user) as imap:
        ok(imap, "CREATE Other")
        lines = ok(imap, "UID MOVE 2:3 Other")
        assert re.match(rb"\* OK \[COPYUID \d+ 2:3 1:2\]", lines[0]) and lines[1:] == [b"* VANISHED 2:3"], lines
        assert re.match(r"OK \[HIGHESTMODSEQ \d+\]", imap.text)


def test_what_others_do_is_told_by_uid(suite, user):
    """Sections 3.2.4 and 3.2.10.2."""
    with session(suite, user) as imap:
        change(suite, user, "1:2,8", "5")
        lines = ok(imap, "NOOP")
        assert vanished(lines, rb"\* VANISHED ") == [1, 2, 8] and fetched(lines) == [5] and len(lines) == 2, lines


def test_an_expunge_that_may_not_be_told_yet_holds_the_highest_back(suite, user):
    """Section 6: at a tagged answer the client believes that it knows all up to the highest number it was told. EXPUNGE may not be
    told during STORE (section 3.2.10.2), so it is told a lower one, and a client that is cut off there misses nothing."""
    with session(suite, user) as imap:
        before = state(imap.first)
        change(suite, user, "8")
        lines = ok(imap, "STORE 1 +FLAGS (\\Seen)")
        assert vanished(lines, rb"\* VANISHED ") == []
        assert code(lines, b"HIGHESTMODSEQ") == int(before.split()[1])
        assert ok(imap, "NOOP") == [b"* VANISHED 8"]
        known = state(imap.first)
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known}))") as imap:
        assert vanished(imap.first) == [8]


def test_closed(suite, user):
    """Section 3.2.11: between what is said of the one folder and of the other."""
    with session(suite, user, enable=False) as imap:
        assert not any(b"[CLOSED]" in line for line in imap.first)
        lines = ok(imap, "SELECT INBOX")
        assert lines[0].startswith(b"* OK [CLOSED]"), lines
        lines = imap.command("SELECT Nowhere")[1]
        assert lines[0].startswith(b"* OK [CLOSED]"), lines
        ok(imap, "SELECT INBOX")
        assert not any(b"[CLOSED]" in line for line in ok(imap, "CLOSE"))


def test_many_ranges_are_told_in_lines_of_bearable_length(suite):
    user = suite.user()
    with session(suite, user, None, False):
        pass  # makes the Maildir
    owner = user.maildir.stat()
    names = [f"{1700000000 + n}.M{n}P1.host:2," for n in range(2400)]
    for name in names:
        path = user.maildir / "cur" / name
        path.write_bytes(b"Subject: x\n\nx\n")
        os.chown(path, owner.st_uid, owner.st_gid)
    with session(suite, user) as imap:
        known = state(imap.first)
    for name in names[::2]:
        next((user.maildir / "cur").glob(name.split(":")[0] + "*")).unlink()
    with session(suite, user, f"SELECT INBOX (QRESYNC ({known}))") as imap:
        assert vanished(imap.first) == list(range(1, 2401, 2))
        assert max(map(len, imap.first)) < 8192


@pytest.mark.parametrize("parameter", ["", "(1)", "(1 1", "(1 1 *)", "(1 1 1:*)", "(1 1 (1:2))", "(1 1 1 (1,* 1,2))",
                                       "(1 1 1 (3,1 3,5))", "(1 1 1 (2:1 3:4))", "(x 1)", "(1 9223372036854775808)",
                                       "(1 1) QRESYNC (1 1)"])
def test_bad_syntax(suite, user, parameter):
    with session(suite, user, None) as imap:
        assert imap.command(f"SELECT INBOX (QRESYNC {parameter})")[0] == "BAD"
