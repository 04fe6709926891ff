"""Full disks: as the queue's, a temporary answer to the client and nothing lost; as the mail root's, a deferral."""
import pytest

from harness import Suite, wait_for
from harness.milter import Milter
from harness.small_disk import SmallDisk
from test_smtp_dialogue import settings


@pytest.fixture(scope="module")
def private():
    """A suite of its own: its directories are mounted over."""
    with Suite("full", {"free_space": "0"}) as running:
        yield running


def text(number, size=20000):
    return f"Subject: {number}\n\n" + "a line of mail\n" * (size // 15)


def send(smtp, user, number):
    """The code of one attempt's last reply."""
    for line in ["MAIL FROM:<stranger@elsewhere.test>", f"RCPT TO:<{user.address}>"]:
        code, _ = smtp.command(line)
        if code != 250:
            smtp.command("RSET")
            return code
    return smtp.data(text(number))[0]


def test_a_full_queue_answers_452_and_loses_nothing(private):
    user = private.user()
    private.down("queued")
    with SmallDisk(private.queue, 600) as disk:
        private.up("queued")
        with private.smtp() as smtp:
            smtp.ehlo()
            assert send(smtp, user, 1) == 250
            user.wait(1)
            # What it leaves behind must not be the room that the next one finds.
            wait_for("the queue to be empty", 10, lambda: is_empty(private))
            disk.fill()
            assert send(smtp, user, 2) == 452
            disk.free()
            assert send(smtp, user, 3) == 250
        subjects = [data.split(b"Subject: ")[1][:1] for data in user.wait(2)]
        assert subjects == [b"1", b"3"]
        private.down("queued")
    private.up("queued")


def chunk(smtp, content, last):
    smtp.send(f"BDAT {len(content)}{' LAST' if last else ''}\r\n{content}")
    return smtp.reply()


def begin(smtp, user):
    for line in ("MAIL FROM:<stranger@elsewhere.test>", f"RCPT TO:<{user.address}>"):
        assert smtp.command(line)[0] == 250


def is_full(answer):
    """The disk's code, as the client sees it."""
    assert answer[0] == 452 and answer[1][0].startswith("4.3.1 "), answer


def is_empty(suite):
    return not [path for path in suite.queue.rglob("*") if path.is_file() and len(path.name) == 13]


@pytest.fixture
def small(private):
    """A queue of 600 KiB, and nothing in it in the end."""
    private.down("queued")
    with SmallDisk(private.queue, 600) as disk:
        private.up("queued")
        yield disk
        wait_for("the queue to be empty", 10, lambda: is_empty(private))
        private.down("queued")
    private.up("queued")


def test_a_full_queue_at_bdat(private, small):
    """Full at the second chunk, at the last, and before the first: the session goes on, and a smaller message is taken."""
    user = private.user()
    large, tiny = "y" * 70 + "\r\n", "Subject: tiny\r\n\r\nx\r\n"
    with private.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        assert chunk(smtp, "Subject: half\r\n\r\n", False)[0] == 250
        chunk(smtp, large * 20000, False)
        is_full(chunk(smtp, "x\r\n", True))
        begin(smtp, user)
        is_full(chunk(smtp, "Subject: half\r\n\r\n" + large * 20000, True))
        begin(smtp, user)
        assert chunk(smtp, tiny, True)[0] == 250
        user.wait(1)
        wait_for("the queue to be empty", 10, lambda: is_empty(private))
        small.fill()
        begin(smtp, user)
        chunk(smtp, tiny, False)
        is_full(chunk(smtp, "", True))
        small.free()
        begin(smtp, user)
        assert chunk(smtp, tiny, True)[0] == 250
    assert all(b"Subject: tiny" in message for message in user.wait(2)) and len(user.messages()) == 2


def test_a_full_queue_with_filters(private, small):
    """No room for the scratch file, then none in it: 452, and later it is taken."""
    user = private.user()
    with Milter() as milter, settings(private, milters=milter.name):
        with private.smtp() as smtp:
            smtp.ehlo()
            begin(smtp, user)
            is_full(smtp.command("DATA"))  # the largest message would not fit
            smtp.command("QUIT")
        private.set("message_size", "100000")
        private.restart("queued")
        with private.smtp() as smtp:
            smtp.ehlo()
            begin(smtp, user)
            assert smtp.command("DATA")[0] == 354
            small.fill()
            smtp.send("Subject: half\r\n\r\n" + ("y" * 70 + "\r\n") * 1000 + ".\r\n")
            is_full(smtp.reply())
            small.free()
            assert send(smtp, user, 1) == 250
        private.set("message_size", None)
        private.restart("queued")
    [message] = user.wait(1)
    assert b"Subject: 1" in message


def test_a_disk_that_fills_while_messages_come_loses_nothing(private):
    """Nobody reads, messages come until the answer is 452: each that was answered 250 arrives later."""
    user = private.user()
    private.down("queued")
    with SmallDisk(private.queue, 600) as disk:
        private.up("queued")
        deliver = private.libexec / "postern-deliver"
        mode = deliver.stat().st_mode
        deliver.chmod(0)  # no delivery for now: the queue grows
        private.kill("deliver")
        accepted = []
        with private.smtp() as smtp:
            smtp.ehlo()
            for number in range(60):
                code = send(smtp, user, number)
                if code != 250:
                    assert code == 452
                    break
                accepted.append(number)
        assert 5 < len(accepted) < 60
        deliver.chmod(mode)
        private.restart("queued")
        private.tool("queuectl", "flush", check=False)
        subjects = {int(data.split(b"Subject: ")[1].split(b"\n")[0]) for data in user.wait(len(accepted), seconds=60)}
        assert subjects == set(accepted)
        private.down("queued")
        assert not disk.filler.exists()
    private.up("queued")


def test_full_maildirs_defer(private):
    user = private.user()
    for name in ("imap", "pop3", "queued"):
        private.down(name)
    with SmallDisk(private.mail_root, 600) as disk:
        for name in ("imap", "pop3", "queued"):
            private.up(name)
        disk.fill()
        with private.smtp() as smtp:
            smtp.ehlo()
            assert send(smtp, user, 1) == 250
        private.wait_log("queued", rf"deferred .*to={user.address}")
        assert user.messages() == []
        disk.free()
        private.tool("queuectl", "flush")
        assert len(user.wait(1)) == 1
        for name in ("imap", "pop3", "queued"):
            private.down(name)
    for name in ("imap", "pop3", "queued"):
        private.up(name)
