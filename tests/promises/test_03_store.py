"""Promise 3 for the store's sessions: on a full disk the client hears of it, nothing half is visible, nothing that was there is lost,
and who frees room can. (Each call of a delivery that fails: ../crash/test_deliver_faults.py.)"""
import pytest

from harness import wait_for
from harness.small_disk import SmallDisk
from test_01_store import deliver


@pytest.fixture
def disk(suite):
    user = suite.user()
    deliver(suite, user, "beneath")
    with SmallDisk(user.maildir, 400) as disk:
        disk.user = user
        for subject in ("one", "two"):
            deliver(suite, user, subject)
        yield disk


def append(imap, size):
    text = "Subject: appended\r\n\r\n" + "x" * 78 * (size // 80) + "\r\n"
    return imap.command([f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])[0]


def test_append(suite, disk):
    with suite.imap("imaps") as imap:
        assert imap.login(disk.user.address, disk.user.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        disk.fill()
        assert append(imap, 20000) == "NO"
        assert imap.command("UID SEARCH ALL")[1] == [b"* SEARCH 1 2"]
        disk.free()
        assert append(imap, 20000) == "OK"
        assert imap.command("UID SEARCH ALL")[1] == [b"* SEARCH 1 2 3"]
    assert len(disk.user.messages()) == 3 and not list((disk.user.maildir / "tmp").iterdir())


def test_pop3_frees_room(suite, disk):
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(disk.user.address, disk.user.password) == "+OK 2 messages"
        pop3.command("QUIT")
    wait_for("the session's end", 10, lambda: not list(disk.user.maildir.glob("*.lock")))
    disk.fill()
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(disk.user.address, disk.user.password) == "+OK 2 messages"
        assert "Subject: one" in pop3.many("RETR 1")[1]
        assert pop3.command("DELE 1").startswith("+OK") and pop3.command("QUIT").startswith("+OK")
    (left,) = disk.user.messages()
    assert b"Subject: two" in left
