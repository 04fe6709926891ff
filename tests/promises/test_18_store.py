"""Promise 18 for the store and deliver: UID and UIDVALIDITY through kills, a lost index, and deliveries beside sessions. (Moving in from
Courier: ../integration/test_store_courier.py; while Dovecot works too: ../integration/test_store_dovecot.py.)"""
import contextlib
import os
import re
import shutil
import threading

import pytest

from harness import strace
from test_18_uids import deliver, uidl, uids

# The calls by which something changes, or is about to.
CALLS = ["openat", "write", "pwrite64", "fsync", "fdatasync", "renameat", "unlinkat", "flock", "utimensat", "ftruncate"]


@contextlib.contextmanager
def traced(suite, log, *options):
    """strace on the youngest session."""
    process = strace.attach([suite.pids("postern-imap")[-1]], "-o", str(log), *options)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def look(suite, user, log, *options):
    """A session gives UIDs to what has come. What it has told before it was killed, if it was: (UIDVALIDITY, {UID: subject})."""
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        with traced(suite, log, "-e", "trace=" + ",".join(CALLS), *options):
            imap.send("x SELECT INBOX\r\ny UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\nz LOGOUT\r\n")
            text = imap.rest()
    validity = re.search(rb"UIDVALIDITY (\d+)", text)
    told = re.findall(rb"UID (\d+) [^\n]*\n[^\n]*Subject: (\w+)", text)
    return int(validity[1]) if validity else None, {int(uid): subject.decode() for uid, subject in told}


def check(suite, user, known, validity):
    """What a fresh session shows: nothing that is known has changed, what is new has a higher number, and all are there once."""
    again, now = uids(suite, user)
    assert again == validity
    assert known.items() <= now.items(), (known, now)
    assert all(uid > max(known) for uid in now if uid not in known)
    assert sorted(now.values()) == sorted(set(now.values()))
    return now


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_session_killed_at_each_call_while_it_gives_uids(suite, tmp_path):
    user = suite.user()
    deliver(suite, user, "first")
    validity, known = uids(suite, user)
    deliver(suite, user, "counted")
    log = tmp_path / "calls"
    look(suite, user, log)
    counts = {name: len(re.findall(rf"^{name}\(", log.read_text(), re.M)) for name in CALLS}
    assert "dovecot-uidlist" in log.read_text() and counts["write"] > 0, "it has not written the list: this test says nothing"
    killed = 0
    for name in CALLS:
        for number in range(1, counts[name] + 1):
            deliver(suite, user, f"{name}{number}")
            told, seen = look(suite, user, log, "-e", f"inject={name}:signal=KILL:when={number}")
            killed += "killed by SIGKILL" in log.read_text()
            now = check(suite, user, known, validity)
            assert told in (None, validity) and seen.items() <= now.items(), "it has told another number"
            assert f"{name}{number}" in now.values()
            known = now
    assert killed > 5


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "noise"])
def test_the_index_is_lost(suite, damage):
    user = suite.user()
    for subject in ("one", "two", "three"):
        deliver(suite, user, subject)
    before, ids = uids(suite, user), uidl(suite, user)
    path = user.maildir / "postern-index"
    if damage == "gone":
        path.unlink()
    else:
        size = path.stat().st_size
        path.write_bytes({"empty": b"", "cut": path.read_bytes()[:size // 2], "noise": os.urandom(size)}[damage])
    deliver(suite, user, "four")
    assert uids(suite, user) == (before[0], before[1] | {4: "four"})
    assert uidl(suite, user)[:3] == ids


def test_deliveries_beside_sessions(suite):
    """Four that deliver, three that look at the same time: what one of them was told once stays true."""
    user = suite.user()
    deliver(suite, user, "first")
    validity, known = uids(suite, user)
    told, ids, trouble, over = [], [], [], threading.Event()

    def attempt(action):
        try:
            action()
        except Exception as error:  # seen below, in the thread of the test
            trouble.append(error)

    def send(name):
        for number in range(6):
            deliver(suite, user, f"{name}{number}")

    def watch():
        while not over.is_set():
            told.append(uids(suite, user))

    def watch_pop3():
        while not over.is_set():
            ids.append(uidl(suite, user))

    senders = [threading.Thread(target=attempt, args=(lambda name=name: send(name),), daemon=True) for name in "abcd"]
    watchers = [threading.Thread(target=attempt, args=(action,), daemon=True) for action in (watch, watch, watch_pop3)]
    for thread in senders + watchers:
        thread.start()
    for thread in senders:
        thread.join()
    over.set()
    for thread in watchers:
        thread.join()
    assert trouble == []
    now = check(suite, user, known, validity)
    assert len(now) == 25 and len(told) > 1
    assert all(each == validity and seen.items() <= now.items() for each, seen in told)
    last = uidl(suite, user)
    assert last == [f"{uid:08x}{validity:08x}" for uid in sorted(now)]
    assert all(each == last[:len(each)] for each in ids)
