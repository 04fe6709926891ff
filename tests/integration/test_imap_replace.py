"""REPLACE: RFC 8508."""
import re

import pytest

from harness.imap import login, ok

OLD = "Subject: old\r\n\r\nbody\r\n"
NEW = "Subject: new\r\n\r\nlonger body\r\n"


@pytest.fixture
def user(suite):
    return suite.user()


@pytest.fixture
def imap(suite, user):
    """INBOX with three messages, selected; a folder Drafts."""
    with login(suite, user) as imap:
        ok(imap, [f"APPEND INBOX {{{len(OLD)}}}", f"{OLD} {{{len(OLD)}}}\r\n", f"{OLD} {{{len(OLD)}}}\r\n", OLD + "\r\n"])
        ok(imap, "CREATE Drafts")
        ok(imap, "SELECT INBOX")
        yield imap


def subjects(imap):
    return [re.search(rb"Subject: (\w+)", line)[1].decode() for line in ok(imap, "FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")]


@pytest.mark.parametrize("command,gone", [("REPLACE 2", 2), ("UID REPLACE 2", 2), ("REPLACE *", 3), ("UID REPLACE *", 3)])
def test_in_the_same_folder(imap, user, command, gone):
    lines = ok(imap, [f"{command} INBOX (\\Draft) {{{len(NEW)}}}", NEW + "\r\n"])
    assert re.fullmatch(rb"\* OK \[APPENDUID \d+ 4\] .*", lines[0])
    assert b"* %d EXPUNGE" % gone in lines
    numbers = [int(m[1]) for m in (re.fullmatch(rb"\* (\d+) EXISTS", line) for line in lines) if m]
    assert numbers == [3] if lines.index(b"* %d EXPUNGE" % gone) < lines.index(b"* %d EXISTS" % numbers[0]) else numbers == [4]
    assert subjects(imap) == ["old", "old", "new"]
    assert b"\\Draft" in ok(imap, "FETCH 3 FLAGS")[0]
    assert len(user.messages()) == 3


def test_into_another_folder(imap):
    lines = ok(imap, [f"REPLACE 1 Drafts {{{len(NEW)}}}", NEW + "\r\n"])
    assert b"* 1 EXPUNGE" in lines and b"APPENDUID" in lines[0]
    assert subjects(imap) == ["old", "old"]
    ok(imap, "SELECT Drafts")
    assert subjects(imap) == ["new"]


def test_with_catenate(imap):
    """What is replaced may be a source of what replaces it."""
    text = "X-New: yes\r\n"
    ok(imap, [f"REPLACE 3 INBOX CATENATE (TEXT {{{len(text)}}}", f"{text} URL ;UID=3)\r\n"])
    assert (text + OLD).encode() in ok(imap, "FETCH 3 BODY.PEEK[]")[0]


def test_with_qresync(imap):
    ok(imap, "ENABLE QRESYNC")
    lines = ok(imap, [f"UID REPLACE 2 INBOX {{{len(NEW)}}}", NEW + "\r\n"])
    assert b"* VANISHED 2" in lines and "HIGHESTMODSEQ" in imap.text


@pytest.mark.parametrize("command,answer", [("REPLACE 2 nosuch", "NO [TRYCREATE]"), ("REPLACE 9 INBOX", "BAD"), ("UID REPLACE 9 INBOX", "NO"),
                                            ("REPLACE 1:2 INBOX", "BAD"), ("REPLACE 1,2 INBOX", "BAD"), ("REPLACE 2 INBOX (\\Foo)", "BAD"),
                                            ("REPLACE x INBOX", "BAD")])
def test_what_is_refused_changes_nothing(imap, user, command, answer):
    imap.send(f"a {command} {{{len(NEW)}+}}\r\n{NEW}\r\n")
    assert imap.finish(b"a", imap.response(), [])[0] in answer and imap.text.startswith(answer)
    assert subjects(imap) == ["old"] * 3 and len(user.messages()) == 3


def test_it_takes_one_message(imap):
    imap.send(f"a REPLACE 1 INBOX {{{len(NEW)}+}}\r\n{NEW} {{{len(NEW)}+}}\r\n{NEW}\r\nb NOOP\r\n")
    assert imap.finish(b"a", imap.response(), [])[0] == "BAD"
    assert imap.finish(b"b", imap.response(), [])[0] == "OK"
    assert subjects(imap) == ["old"] * 3


def test_needs_a_folder_that_may_be_changed(imap):
    ok(imap, "EXAMINE INBOX")
    assert imap.command(f"REPLACE 1 Drafts {{{len(NEW)}}}")[0] == "NO" and "READ-ONLY" in imap.text
    ok(imap, "UNSELECT")
    assert imap.command(f"REPLACE 1 Drafts {{{len(NEW)}}}")[0] == "BAD"


def test_by_uid_only(imap):
    ok(imap, "ENABLE UIDONLY")
    assert imap.command(f"REPLACE 1 INBOX {{{len(NEW)}}}")[0] == "BAD" and "UIDREQUIRED" in imap.text
    assert b"* VANISHED 1" in ok(imap, [f"UID REPLACE 1 INBOX {{{len(NEW)}}}", NEW + "\r\n"])
