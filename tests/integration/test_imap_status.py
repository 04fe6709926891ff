"""What STATUS and FETCH tell beyond RFC 3501: SIZE (RFC 8438), DELETED (RFC 9051), APPENDLIMIT (RFC 7889), SAVEDATE (RFC 8514)."""
import contextlib
import datetime
import re

import pytest

from harness.imap import append_text, login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


@contextlib.contextmanager
def session(suite, user):
    with login(suite, user) as imap:
        yield imap


def append(imap, name, when=""):
    text = TEXT.format(name)
    append_text(imap, text, rest=when)
    return len(text)


@pytest.fixture
def imap(suite):
    with session(suite, suite.user()) as imap:
        yield imap


def status(imap, item):
    [line] = ok(imap, f"STATUS INBOX ({item})")
    return int(re.fullmatch(rb"\* STATUS INBOX \(" + item.encode() + rb" (\d+)\)", line.strip())[1])


def test_size_is_the_sum_of_rfc822_sizes_rfc_8438(imap):
    assert b"STATUS=SIZE" in ok(imap, "CAPABILITY")[0].split()
    assert status(imap, "SIZE") == 0
    assert append(imap, "one") + append(imap, "two and more") == status(imap, "SIZE")
    ok(imap, "SELECT INBOX")
    sizes = [int(re.search(rb"RFC822.SIZE (\d+)", line)[1]) for line in ok(imap, "FETCH 1:* RFC822.SIZE")]
    assert status(imap, "SIZE") == sum(sizes)


def test_deleted_counts_the_flag_rfc_9051(imap):
    for name in "abc":
        append(imap, name)
    assert status(imap, "DELETED") == 0
    ok(imap, "SELECT INBOX")
    ok(imap, r"STORE 1,3 +FLAGS.SILENT (\Deleted)")
    assert status(imap, "DELETED") == 2
    ok(imap, "EXPUNGE")
    assert status(imap, "DELETED") == 0 and status(imap, "MESSAGES") == 1


def test_appendlimit_is_the_one_that_append_has_rfc_7889(imap):
    assert b"APPENDLIMIT" in ok(imap, "CAPABILITY")[0].split()
    most = status(imap, "APPENDLIMIT")
    answer, _ = imap.command(f"APPEND INBOX {{{most + 1}}}")
    assert answer == "NO" and "TOOBIG" in str(imap.text)


def test_savedate_is_when_the_message_came_into_the_folder_rfc_8514(imap):
    assert b"SAVEDATE" in ok(imap, "CAPABILITY")[0].split()
    append(imap, "old", '"01-Jan-2001 10:00:00 +0000" ')
    ok(imap, "SELECT INBOX")
    [line] = ok(imap, "FETCH 1 (INTERNALDATE SAVEDATE)")
    assert b'INTERNALDATE "01-Jan-2001 ' in line or b'INTERNALDATE " 1-Jan-2001 ' in line
    saved = datetime.datetime.strptime(re.search(rb'SAVEDATE "([^"]+)"', line)[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z")
    assert abs(saved.timestamp() - datetime.datetime.now().timestamp()) < 120
