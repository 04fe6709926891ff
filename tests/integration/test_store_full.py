"""Issue 6, item 8: the disk is full under a mailbox with a quota, for deliveries and for sessions: a temporary answer, nothing half visible,
nothing lost, and maildirsize says what is there when there is room again."""
import pytest

from test_quota import agrees, append, deliver, files, held, house, logged_in, user  # noqa: F401
from test_suite_full import SmallDisk

HOLE = 6000  # bytes that fit into the quota, and not onto the disk


@pytest.fixture
def disk(house, user):  # noqa: F811
    """A small disk, empty, over the user's Maildir."""
    deliver(house, user, 100)
    with SmallDisk(user.maildir, 400) as made:
        yield made


def left(user):  # noqa: F811
    """What a failure has left in tmp/ of the inbox and of Other."""
    return [path for where in (user.maildir, user.maildir / ".Other") for path in (where / "tmp").glob("*")]


def test_a_delivery(house, user, disk):  # noqa: F811
    deliver(house, user, 1000)
    disk.fill()
    result = deliver(house, user, HOLE, 75)
    assert "4.3.1" in result.stderr and len(files(user)) == 1 and left(user) == []
    disk.free()
    deliver(house, user, HOLE)
    agrees(user)


def test_a_session(house, user, disk):  # noqa: F811
    deliver(house, user, 1000)
    with logged_in(house, user) as imap:
        imap.command("CREATE Other")
        imap.command("SELECT INBOX")
        before = held(*files(user))
        disk.fill()
        status, text = append(imap, "INBOX", HOLE)
        assert status == "NO" and "OVERQUOTA" not in text, text
        status, _ = imap.command("COPY 1 Other")
        copied = files(user, "Other")
        assert (status == "OK") == (len(copied) == 1), "a copy is a link where the disk has a name left"
        assert held(*files(user)) == before and left(user) == []
        # To make room is possible.
        imap.command(r"STORE 1 +FLAGS (\Deleted)")
        disk.free()
        assert imap.command("EXPUNGE")[0] == "OK" and append(imap, "INBOX", HOLE)[0] == "OK", imap.text
    agrees(user, "Other")


def test_an_expunge_on_a_full_disk(house, user, disk):  # noqa: F811
    """Who cleans up is not hindered by what he cleans up."""
    for _ in range(2):
        deliver(house, user, 3000)
    with logged_in(house, user) as imap:
        imap.command("SELECT INBOX")
        disk.fill()
        assert imap.command(r"STORE 1 +FLAGS (\Deleted)")[0] == "OK", imap.text
        assert imap.command("EXPUNGE")[0] == "OK", imap.text
        assert len(files(user)) == 1
        disk.free()
    deliver(house, user, 1000)
    agrees(user)
