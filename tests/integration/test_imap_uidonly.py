"""UIDONLY, RFC 9586: a client that has given up message numbers sees none and may use none."""
import re

import pytest

from harness.imap import append_text, login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


@pytest.fixture
def imap(suite):
    user = suite.user()
    with login(suite, user) as imap:
        for name in range(4):
            text = TEXT.format(name)
            append_text(imap, text)
        imap.user = user
        assert b"UIDONLY" in ok(imap, "CAPABILITY")[0].split()
        assert ok(imap, "ENABLE UIDONLY") == [b"* ENABLED UIDONLY"]
        imap.first = ok(imap, "SELECT INBOX")
        yield imap


@pytest.mark.parametrize("command", ["FETCH 1 FLAGS", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 INBOX", "MOVE 1 INBOX",
                                     "UID SEARCH 1:2", "UID SEARCH NOT (OR 1 SEEN)"])
def test_message_numbers_are_refused(imap, command):
    """Section 3: BAD with UIDREQUIRED."""
    assert imap.command(command)[0] == "BAD" and imap.text.startswith("BAD [UIDREQUIRED]"), imap.text


def test_select_with_numbers_is_refused(imap):
    ok(imap, "ENABLE QRESYNC")
    assert imap.command("SELECT INBOX (QRESYNC (1 1 1:4 (1:2 1:2)))")[0] == "BAD"
    assert imap.text.startswith("BAD [UIDREQUIRED]"), imap.text
    ok(imap, "SELECT INBOX (QRESYNC (1 1 1:4))")


def test_uidfetch(imap):
    """Section 3.3: FETCH responses become UIDFETCH."""
    ok(imap, "UID STORE 1 +FLAGS.SILENT (\\Deleted)")
    ok(imap, "UID EXPUNGE 1")
    lines = ok(imap, "UID FETCH 2:3 (FLAGS)")
    assert [re.match(rb"\* (\d+) UIDFETCH \(FLAGS \(", line)[1] for line in lines] == [b"2", b"3"]
    assert re.fullmatch(rb"\* 3 UIDFETCH \(FLAGS \([^)]*\\Seen[^)]*\)\)", ok(imap, "UID STORE 3 +FLAGS (\\Seen)")[0])
    assert ok(imap, "UID FETCH 4 (UID)") == [b"* 4 UIDFETCH (UID 4)"]
    assert ok(imap, "UID SEARCH UNSEEN UID 2:3") == [b"* SEARCH 2"]


def test_expunges_are_vanished(imap):
    """Section 3.4, without QRESYNC too."""
    ok(imap, "UID STORE 2:3 +FLAGS.SILENT (\\Deleted)")
    assert ok(imap, "EXPUNGE") == [b"* VANISHED 2:3"]


def test_no_number_of_the_first_unseen(imap):
    assert not any(b"[UNSEEN" in line for line in imap.first), imap.first


def test_changes_by_others(suite, imap):
    with suite.imap("imaps") as other:
        assert other.login(imap.user.address, imap.user.password)[0] == "OK"
        ok(other, "SELECT INBOX")
        ok(other, "STORE 4 +FLAGS (\\Flagged)")
        ok(other, "STORE 1 +FLAGS.SILENT (\\Deleted)")
        ok(other, "EXPUNGE")
    lines = ok(imap, "NOOP")
    assert lines[0] == b"* VANISHED 1" and re.match(rb"\* 4 UIDFETCH \(FLAGS \(.*\\Flagged", lines[1]), lines
