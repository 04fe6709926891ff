"""Full disks: as the queue's, a temporary answer to the client and nothing lost; as the mail root's, a deferral."""
import subprocess

import pytest

from harness import Suite, wait_for


class SmallDisk:
    """A tmpfs of a few hundred KiB over a directory of the suite, with its owner."""

    def __init__(self, directory, kibibytes):
        self.directory = directory
        status = directory.stat()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode={status.st_mode & 0o7777:o},"
                        f"uid={status.st_uid},gid={status.st_gid}", "postern-test", directory], check=True)
        self.filler = directory / "filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def free(self):
        self.filler.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.directory], check=True)


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
            wait_for("the queue to be empty", 10, lambda: [path.name for path in private.queue.rglob("*") if path.is_file()] == ["lock"])
            disk.fill()
            assert send(smtp, user, 2) == 452
            disk.free()
            assert send(smtp, user, 3) == 250
        subjects = [data.split(b"Subject: ")[1][:1] for data in user.wait(2)]
        assert subjects == [b"1", b"3"]
        private.down("queued")
    private.up("queued")


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
