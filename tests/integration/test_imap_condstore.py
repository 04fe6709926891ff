"""CONDSTORE, RFC 7162 section 3.1, from its examples: mod-sequences are kept, told, asked for and obeyed."""
import contextlib
import re
import shutil

import pytest

from harness.imap import append_text, login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


@contextlib.contextmanager
def session(suite, user, select="SELECT INBOX"):
    with login(suite, user) as imap:
        if select:
            imap.first = ok(imap, select)
        yield imap


def append(imap, *names):
    for name in names:
        text = TEXT.format(name)
        append_text(imap, text)


def number(lines, pattern):
    found = [int(m[1]) for m in (re.search(pattern, line) for line in lines) if m]
    assert len(found) == 1, (pattern, lines)
    return found[0]


def highest(lines):
    return number(lines, rb"^\* OK \[HIGHESTMODSEQ (\d+)\]")


def modseqs(lines):
    """{message number: MODSEQ} of FETCH responses."""
    return {int(m[1]): int(m[2]) for m in (re.match(rb"\* (\d+) FETCH .*MODSEQ \((\d+)\)", line) for line in lines) if m}


@pytest.fixture
def user(suite):
    user = suite.user()
    with session(suite, user, None) as imap:
        append(imap, "one", "two", "three")
    return user


def test_the_capability_and_the_highest_of_select(suite, user):
    with session(suite, user) as imap:
        assert {b"CONDSTORE", b"QRESYNC", b"ENABLE"} <= set(ok(imap, "CAPABILITY")[0].split())
        first = highest(imap.first)
        all_of_them = modseqs(ok(imap, "FETCH 1:* (MODSEQ)"))
        assert sorted(all_of_them) == [1, 2, 3] and max(all_of_them.values()) == first
        append(imap, "four")
        assert modseqs(ok(imap, "FETCH 4 MODSEQ"))[4] > first


def test_an_empty_folder_has_one_too(suite, user):
    with session(suite, user, None) as imap:
        ok(imap, "CREATE Empty")
        assert highest(ok(imap, "SELECT Empty (CONDSTORE)")) > 0
        assert highest(ok(imap, "EXAMINE Empty")) > 0


def test_store_tells_the_new_number_though_it_is_silent(suite, user):
    """Section 3.1.3: an untagged FETCH is sent even if .SILENT is specified, with MODSEQ."""
    with session(suite, user, "SELECT INBOX (CONDSTORE)") as imap:
        first = highest(imap.first)
        lines = ok(imap, "STORE 2 +FLAGS.SILENT (\\Seen)")
        assert len(lines) == 1 and b"FLAGS" not in lines[0] and modseqs(lines)[2] > first
        lines = ok(imap, "UID STORE 2 +FLAGS (\\Flagged)")
        assert re.fullmatch(rb"\* 2 FETCH \(UID 2 FLAGS \([^)]*\) MODSEQ \(\d+\)\)", lines[0]), lines
        assert modseqs(lines)[2] > first


def test_without_condstore_nothing_is_said(suite, user):
    with session(suite, user) as imap:
        assert ok(imap, "STORE 2 +FLAGS.SILENT (\\Seen)") == []
        assert b"MODSEQ" not in ok(imap, "STORE 2 +FLAGS (\\Flagged)")[0]


def test_what_changes_nothing_keeps_the_number(suite, user):
    """Section 3.1.11: setting a flag that is set SHOULD NOT change the mod-sequence."""
    with session(suite, user, "SELECT INBOX (CONDSTORE)") as imap:
        before = modseqs(ok(imap, "STORE 2 +FLAGS (\\Seen)"))
        assert modseqs(ok(imap, "STORE 2 +FLAGS (\\Seen)")) == before


def test_unchangedsince(suite, user):
    """Examples 4 to 6: what is newer stays as it is and is named in MODIFIED; the others are changed."""
    with session(suite, user, "SELECT INBOX (CONDSTORE)") as imap, session(suite, user) as other:
        known = highest(imap.first)
        ok(other, "STORE 3 +FLAGS (\\Answered)")
        lines = ok(imap, f"STORE 3,1 (UNCHANGEDSINCE {known}) +FLAGS.SILENT (\\Deleted)")
        assert imap.text.startswith("OK [MODIFIED 3]"), imap.text
        assert modseqs(lines)[1] > known
        # The client is told what the other one has done.
        assert any(re.match(rb"\* 3 FETCH \(FLAGS \(\\Answered\) MODSEQ", line) for line in lines), lines
        assert b"\\Deleted" not in ok(imap, "FETCH 3 FLAGS")[0] and b"\\Deleted" in ok(imap, "FETCH 1 FLAGS")[0]
        ok(imap, f"UID STORE 1:3 (UNCHANGEDSINCE {known}) +FLAGS ($MDNSent)")
        assert imap.text.startswith("OK [MODIFIED 1,3]"), imap.text
        now = max(modseqs(ok(imap, "FETCH 1:3 MODSEQ")).values())
        assert len(ok(imap, f"STORE 1:3 (UNCHANGEDSINCE {now}) FLAGS ()")) == 3 and imap.text.startswith("OK done")


def test_unchangedsince_0_changes_nothing(suite, user):
    with session(suite, user) as imap:
        assert modseqs(ok(imap, "STORE 1:3 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Deleted)")) == {}
        assert imap.text.startswith("OK [MODIFIED 1:3]"), imap.text
        assert ok(imap, "SEARCH DELETED") == [b"* SEARCH"]


def test_of_two_with_the_same_number_one_wins(suite, user):
    """The message is a lock: both have seen it free."""
    with session(suite, user, "SELECT INBOX (CONDSTORE)") as one, session(suite, user, "SELECT INBOX (CONDSTORE)") as two:
        known = highest(one.first)
        assert highest(two.first) == known
        for imap in (one, two):
            ok(imap, f"STORE 1 (UNCHANGEDSINCE {known}) +FLAGS.SILENT ($Mine)")
        assert [("MODIFIED" in imap.text) for imap in (one, two)] == [False, True]


def test_changedsince(suite, user):
    """Section 3.1.4.1, example 12: only what is newer, and MODSEQ comes along."""
    with session(suite, user) as imap:
        known = highest(imap.first)
        assert ok(imap, f"FETCH 1:* (FLAGS) (CHANGEDSINCE {known})") == [b"* OK [HIGHESTMODSEQ %d] highest" % known]
        ok(imap, "STORE 2 +FLAGS.SILENT (\\Seen)")
        lines = ok(imap, f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {known})")
        assert len(lines) == 1 and re.fullmatch(rb"\* 2 FETCH \(UID 2 FLAGS \(.*\) MODSEQ \(\d+\)\)", lines[0]), lines
        assert modseqs(lines)[2] > known


def test_fetching_a_body_tells_flags_with_the_number(suite, user):
    with session(suite, user, "SELECT INBOX (CONDSTORE)") as imap:
        lines = ok(imap, "FETCH 1 BODY[TEXT]")
        assert b"\\Seen" in lines[0] and modseqs([lines[0].replace(b"\r\n", b"")])[1] > highest(imap.first)


@pytest.mark.parametrize("command", ["ENABLE CONDSTORE", "STATUS INBOX (HIGHESTMODSEQ)", "FETCH 1 MODSEQ",
                                     "FETCH 1 FLAGS (CHANGEDSINCE 1)", "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)"])
def test_what_enables_it(suite, user, command):
    """Section 3.1: after any of them a change by somebody else is told with MODSEQ."""
    with session(suite, user) as imap, session(suite, user) as other:
        ok(imap, command)
        ok(other, "STORE 2 +FLAGS (\\Draft)")
        lines = [line for line in ok(imap, "NOOP") if b"FETCH" in line]
        assert len(lines) == 1 and modseqs(lines)[2] > highest(imap.first), lines


def test_enabled_is_said_once(suite, user):
    with session(suite, user, None) as imap:
        assert ok(imap, "ENABLE CONDSTORE X-UNKNOWN") == [b"* ENABLED CONDSTORE"]
        assert ok(imap, "ENABLE CONDSTORE") == [b"* ENABLED"]


def test_status(suite, user):
    """Section 3.1.7: the same value as SELECT's."""
    with session(suite, user) as imap:
        assert number(ok(imap, "STATUS INBOX (HIGHESTMODSEQ)"), rb"STATUS INBOX \(HIGHESTMODSEQ (\d+)\)") == highest(imap.first)


def test_mod_sequences_outlive_the_session_and_grow(suite, user):
    with session(suite, user) as imap:
        before = modseqs(ok(imap, "FETCH 1:* MODSEQ"))
    with session(suite, user) as imap:
        assert modseqs(ok(imap, "FETCH 1:* MODSEQ")) == before
    (user.maildir / "postern-index").unlink()
    with session(suite, user) as imap:
        after = modseqs(ok(imap, "FETCH 1:* MODSEQ"))
        assert min(after.values()) > max(before.values())


def test_a_folder_that_cannot_have_them_says_so(suite, user):
    """Section 3.1.2.2: NOMODSEQ, and BAD for what needs them. Here the index cannot be written: a directory bears its name."""
    index = user.maildir / "postern-index"
    index.unlink()
    index.mkdir()
    with session(suite, user) as imap:
        assert any(line.startswith(b"* OK [NOMODSEQ]") for line in imap.first), imap.first
        for command in ("FETCH 1 MODSEQ", "FETCH 1 FLAGS (CHANGEDSINCE 1)", "STORE 1 (UNCHANGEDSINCE 1) FLAGS (\\Seen)"):
            assert imap.command(command)[0] == "BAD", command
        assert b"* STATUS INBOX (HIGHESTMODSEQ 0)" in ok(imap, "STATUS INBOX (HIGHESTMODSEQ)")
        assert b"MODSEQ" not in ok(imap, "STORE 1 +FLAGS (\\Seen)")[0]
    shutil.rmtree(index)


@pytest.mark.parametrize("command", [
    "SELECT INBOX (CONDSTORE", "SELECT INBOX (X)", "SELECT INBOX ()", "FETCH 1 FLAGS (CHANGEDSINCE)",
    "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)", "FETCH 1 FLAGS (CHANGEDSINCE -1)", "FETCH 1 FLAGS ()",
    "STORE 1 (UNCHANGEDSINCE) FLAGS (\\Seen)", "STORE 1 (CHANGEDSINCE 1) FLAGS (\\Seen)", "STORE 1 (UNCHANGEDSINCE 1)FLAGS ()"])
def test_bad_syntax(suite, user, command):
    with session(suite, user) as imap:
        assert imap.command(command)[0] == "BAD"


def test_search(suite, user):
    """Section 3.1.5: messages at or above the number, and the highest of those found."""
    with session(suite, user) as imap:
        ok(imap, "STORE 2:3 +FLAGS.SILENT (\\Seen)")
        now = modseqs(ok(imap, "FETCH 1:* MODSEQ"))
        assert ok(imap, f"SEARCH MODSEQ {now[2]}")[0] == b"* SEARCH 2 3 (MODSEQ %d)" % max(now[2], now[3])
        assert ok(imap, f'SEARCH MODSEQ "/flags/\\\\draft" all {now[2]} 2')[0] == b"* SEARCH 2 (MODSEQ %d)" % now[2]
        assert ok(imap, f"SEARCH MODSEQ {max(now.values()) + 1}")[0] == b"* SEARCH"
        assert ok(imap, f"SEARCH RETURN (COUNT) MODSEQ {now[2]}")[0].endswith(b" COUNT 2 MODSEQ %d" % max(now[2], now[3]))
