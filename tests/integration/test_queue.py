"""The queue, from queue/intake and queue/submit to the Maildir, over its sockets."""
import socket

import pytest

MESSAGE = b"From: somebody@example.test\r\nTo: other@example.test\r\nSubject: hello\r\n\r\nThe body.\r\n"


class Intake:
    """A client of queue/intake (root may be one)."""

    def __init__(self, suite, name="intake"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(30)
        self.socket.connect(str(suite.run / "queue" / name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *fields):
        self.socket.send(b"".join(field.encode() + b"\0" for field in fields))

    def ask(self, *fields):
        self.send(*fields)
        return self.receive()

    def receive(self):
        return self.socket.recv(65536).decode().split("\0")[:-1]

    def envelope(self, sender, recipients, *keys):
        self.send("mail", "1", sender, *keys)
        for recipient in recipients:
            self.send("rcpt", "2", recipient)
        return self.ask("open", "3")

    def data(self, message, piece=30000):
        for at in range(0, len(message), piece):
            self.socket.send(b"data\0" + message[at:at + piece])

    def submit(self, sender, recipients, message, *keys):
        """The queue id."""
        answer = self.envelope(sender, recipients, *keys)
        assert answer[:2] == ["ok", "3"], answer
        self.data(message)
        committed = self.ask("commit", "4")
        assert committed == ["ok", "4", answer[2]]
        return answer[2]


@pytest.fixture
def intake(suite):
    with Intake(suite) as client:
        yield client


def test_a_message_reaches_the_maildir(suite, intake):
    user = suite.user()
    queue_id = intake.submit("somebody@example.test", [user.address], MESSAGE)
    (message,) = user.wait(1)
    assert message.replace(b"\r\n", b"\n").endswith(MESSAGE.replace(b"\r\n", b"\n"))
    suite.wait_log("queued", rf"delivered queue={queue_id} to={user.address}")
