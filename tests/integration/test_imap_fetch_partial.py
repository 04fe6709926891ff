"""PARTIAL of UID FETCH, RFC 9394 section 3.3."""
import re

import pytest

from harness.imap import append_text, login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


@pytest.fixture
def imap(suite):
    user = suite.user()
    with login(suite, user) as imap:
        for name in range(7):
            text = TEXT.format(name)
            append_text(imap, text)
        ok(imap, "SELECT INBOX")
        ok(imap, "UID STORE 3 +FLAGS.SILENT (\\Deleted)")
        ok(imap, "UID EXPUNGE 3")
        yield imap


def uids(lines):
    return [int(m[1]) for m in (re.search(rb"FETCH \(UID (\d+)", line) for line in lines) if m]


@pytest.mark.parametrize("part,wanted", [("1:2", [1, 2]), ("2:1", [1, 2]), ("3:4", [4, 5]), ("-1:-2", [6, 7]), ("-2:-3", [5, 6]),
                                         ("5:4294967295", [6, 7]), ("7:9", []), ("-6:-100", [1]), ("-7:-9", [])])
def test_a_part_of_what_would_be_told(imap, part, wanted):
    assert b"PARTIAL" in ok(imap, "CAPABILITY")[0].split()
    assert uids(ok(imap, f"UID FETCH 1:* (FLAGS) (PARTIAL {part})")) == wanted


def test_with_a_set_and_with_changedsince(imap):
    assert uids(ok(imap, "UID FETCH 4:6 (FLAGS) (PARTIAL -1:-2)")) == [5, 6]
    known = max(int(m) for line in ok(imap, "FETCH 1:* MODSEQ") for m in re.findall(rb"MODSEQ \((\d+)\)", line))
    ok(imap, "UID STORE 2,5,7 +FLAGS.SILENT (\\Seen)")
    assert uids(ok(imap, f"UID FETCH 1:* (FLAGS) (PARTIAL 1:2 CHANGEDSINCE {known})")) == [2, 5]


@pytest.mark.parametrize("command", ["FETCH 1:* (FLAGS) (PARTIAL 1:2)", "UID FETCH 1:* (FLAGS) (PARTIAL 0:2)",
                                     "UID FETCH 1:* (FLAGS) (PARTIAL 1:-2)", "UID FETCH 1:* (FLAGS) (PARTIAL)",
                                     "UID FETCH 1:* (FLAGS) (PARTIAL 1:4294967296)"])
def test_bad_syntax(imap, command):
    assert imap.command(command)[0] == "BAD"
