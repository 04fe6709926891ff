"""What STATUS and FETCH tell beyond RFC 3501: SIZE (RFC 8438), DELETED (RFC 9051), APPENDLIMIT (RFC 7889), SAVEDATE (RFC 8514)."""
import contextlib
import datetime
import os
import random
import re
import time

import pytest

from harness import wait_for
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


# --- numbers that the index keeps ---------------------------------------------------------------

COUNTED = ("MESSAGES", "RECENT", "UNSEEN", "DELETED", "SIZE")


def ask(imap, folder="INBOX"):
    """What STATUS tells, as numbers in the order of COUNTED."""
    [line] = ok(imap, f"STATUS {folder} ({' '.join(COUNTED)})")
    return tuple(int(number) for number in re.findall(rb" (\d+)", line))


def told(imap, folder="INBOX"):
    """The same, which must be what comes a second time."""
    first = ask(imap, folder)
    assert ask(imap, folder) == first, "STATUS told something else when nothing had happened"
    return first


def truth(directory):
    """The same, as the files say."""
    new, cur = ([*(directory / part).iterdir()] for part in ("new", "cur"))
    flags = [path.name.partition(":2,")[2] for path in cur]
    size = sum(len(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) for path in new + cur)
    return (len(new) + len(cur), len(new), len(new) + sum("S" not in letters for letters in flags),
            sum("T" in letters for letters in flags), size)


def put(user, number, part="new", info=""):
    """As another program puts it there."""
    path = user.maildir / "tmp" / f"{1700000000 + number}.M1P1.foreign{info}"
    path.write_text(TEXT.format(number))
    os.chown(path, *(getattr(user.maildir.stat(), name) for name in ("st_uid", "st_gid")))
    path.rename(user.maildir / part / path.name)


def test_status_counts_right_after_every_change(suite):
    """By sessions, deliveries and other programs, one after the other, in an order of chance; asked twice each time."""
    user, chance = suite.user(), random.Random(8314)
    with session(suite, user) as client, session(suite, user) as asker:
        ok(client, "CREATE Other")
        append(client, "first")
        ok(client, "SELECT INBOX")

        def one():
            return chance.randint(1, max(truth(user.maildir)[0], 1))

        def foreign_flag():
            for path in [*(user.maildir / "cur").iterdir()][:1]:
                path.rename(path.with_name(path.name.partition(":2,")[0] + ":2," + chance.choice(["", "S", "T", "ST"])))

        def foreign_content():
            """Another message under the name of one that has no size in it."""
            paths = [path for path in (user.maildir / "cur").iterdir() if "foreign" in path.name]
            if paths:
                put(user, chance.randrange(10), "tmp", ".other")
                [other] = (user.maildir / "tmp").glob("*.other")
                other.rename(chance.choice(paths))

        acts = [
            lambda: append(client, "appended"),
            lambda: append(client, "seen", "(\\Seen) "),
            lambda: client.command(f"STORE {one()} {chance.choice('+-')}FLAGS (\\Seen)"),
            lambda: client.command(f"STORE {one()} {chance.choice('+-')}FLAGS (\\Deleted \\Flagged)"),
            lambda: ok(client, "EXPUNGE"),
            lambda: client.command(f"COPY {one()} INBOX"),
            lambda: client.command(f"MOVE {one()} Other"),
            lambda: client.command(f"FETCH {one()} BODY[]"),
            lambda: ok(client, "NOOP"),
            lambda: put(user, chance.randrange(10**9)),
            lambda: put(user, chance.randrange(10**9), "cur", ":2,S"),
            foreign_flag,
            foreign_content,
        ]
        for step in range(170):
            which = chance.randrange(len(acts))
            acts[which]()
            # The clock's tick may hide a change of another program's for a second.
            if which >= len(acts) - 4:
                wait_for(lambda: f"{ask(asker)} at step {step}, not {truth(user.maildir)}", 5,
                         lambda: ask(asker) == truth(user.maildir))
            assert told(asker) == truth(user.maildir), f"step {step}, act {which}"
        assert told(asker, "Other") == truth(user.maildir / ".Other")


def test_status_of_a_folder_that_was_counted_reads_no_message_of_it(suite):
    """Noise in all of the index but its state, where the numbers are, is not met by STATUS; SELECT does, and mends it."""
    user = suite.user()
    index = user.maildir / "postern-index"
    with session(suite, user) as imap:
        for name in "abc":
            append(imap, name)
        ok(imap, "SELECT INBOX")
        ok(imap, "FETCH 1:* ENVELOPE")
        ok(imap, "CLOSE")
        time.sleep(1.2)  # a directory that has changed a second ago is looked at once more
        before = told(imap)
        good = index.read_bytes()
        index.write_bytes(good[:300] + b"\0" * (len(good) - 300))
        assert told(imap) == before == truth(user.maildir)
        assert index.read_bytes()[300:].strip(b"\0") == b"", "it was read and made anew"
        assert len(ok(imap, "SELECT INBOX")) > 0 and ok(imap, "SEARCH ALL") == [b"* SEARCH 1 2 3"]
        assert told(imap) == before


def test_status_tells_of_unknown_sizes_without_guessing(suite):
    """Names without W= say nothing of the size on the wire, and the index knows it only when the message was read."""
    user = suite.user()
    with session(suite, user) as imap:
        pass  # the first login makes the Maildir
    for number in range(3):
        put(user, number, "cur", ":2,S")
    with session(suite, user) as imap:
        assert status(imap, "MESSAGES") == 3
        assert status(imap, "SIZE") == truth(user.maildir)[4]
        put(user, 3)
        assert status(imap, "SIZE") == truth(user.maildir)[4]
