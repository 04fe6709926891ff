"""The queue, from queue/intake and queue/submit to the Maildir, over its sockets."""
import contextlib
import email
import socket
import time

import pytest

from harness import wait_for

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

def files(suite):
    return [path for path in suite.queue.rglob("*") if len(path.name) == 13 and path.parent.name != "damaged"]


def wait_gone(suite, queue_id):
    wait_for(lambda: f"{queue_id} to be gone\n{suite.log_text('queued')[-2000:]}", 20,
             lambda: not [path for path in files(suite) if path.name == queue_id])


def test_the_file_goes_when_all_have_it(suite, intake):
    one, two = suite.user(), suite.user()
    queue_id = intake.submit("somebody@example.test", [one.address, two.address, one.address], MESSAGE)
    one.wait(1), two.wait(1)
    wait_gone(suite, queue_id)
    assert len(one.messages()) == 1


def test_large_messages_in_pieces(suite, intake):
    user = suite.user()
    message = b"Subject: large\r\n\r\n" + b"".join(b"line %06d\r\n" % i for i in range(200000))
    intake.submit("somebody@example.test", [user.address], message)
    assert user.wait(1)[0].replace(b"\r\n", b"\n").endswith(message.replace(b"\r\n", b"\n"))


def test_an_unknown_user_is_returned_to_the_sender(suite, intake):
    sender, there = suite.user(), suite.user()
    queue_id = intake.submit(sender.address, ["nobody-here@example.test", there.address], MESSAGE)
    bounce = sender.wait(1)[0].replace(b"\r\n", b"\n")
    parts = email.message_from_bytes(bounce)
    assert parts.get_content_type() == "multipart/report" and parts.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in parts.get_payload()] == [
        "text/plain", "message/delivery-status", "text/rfc822-headers"]
    about, recipient = parts.get_payload()[1].get_payload()
    assert about["Reporting-MTA"] == "dns; mail.example.test" and about["X-Postern-Queue-Id"] == queue_id
    assert (recipient["Final-Recipient"], recipient["Action"], recipient["Status"]) == (
        "rfc822; nobody-here@example.test", "failed", "5.1.1")
    assert b"Return-Path: <>" in bounce and b"Subject: hello" in bounce and b"The body." not in bounce
    there.wait(1)
    wait_gone(suite, queue_id)


def test_a_bounce_that_fails_is_dropped_and_logged(suite, intake):
    queue_id = intake.submit("", ["nobody-here@example.test"], MESSAGE)
    suite.wait_log("queued", rf"double-bounce queue={queue_id}")
    wait_gone(suite, queue_id)


def test_what_is_not_committed_leaves_nothing(suite):
    before = set(files(suite))
    with Intake(suite) as client:
        answer = client.envelope("a@example.test", ["b@example.test"])
        assert answer[0] == "ok"
        client.data(b"x" * 300000)
        client.send("abort", "5")
        assert client.envelope("a@example.test", ["b@example.test"])[0] == "ok"
        client.data(b"x" * 300000)
    wait_for("the file to go", 10, lambda: not set(files(suite)) - before)


@pytest.mark.parametrize("packets", [
    [b"nonsense\x001\0"], [b"data\0x"], [b"commit\x001\0"], [b"mail\x001\0"], [b"mail\x001\0a@b"], [b"mail\0"],
    [b"mail\x001\0a@b\n\0"], [b"mail\x001\0a@b\0no-key\0"], [b"mail\x001\0a@b\0", b"open\x002\0"],
    [b"mail\x001\0a@b\0", b"rcpt\x002\0\0"], [b"mail\x001\0a@b\0", b"mail\x001\0a@b\0"],
    [b"mail\x001\0a@b\0", b"rcpt\x002\0c@d\0", b"open\x003\0", b"open\x003\0"], [b"\0"], [b"mail\x001\0" + b"a" * 5000 + b"\0"],
])
def test_a_malformed_packet_ends_that_conversation_only(suite, intake, packets):
    with Intake(suite) as client:
        for packet in packets:
            client.socket.send(packet)
        with contextlib.suppress(ConnectionResetError):
            while client.receive():
                pass
    user = suite.user()
    intake.submit("a@example.test", [user.address], MESSAGE)


def test_no_room_is_temporary_and_too_large_is_not(suite, intake):
    assert intake.envelope("a@example.test", ["b@example.test"], "size=100000000000")[:3] == ["no", "3", "5.3.4"]
    assert intake.envelope("a@example.test", ["b@example.test"], "size=junk")[0] == "ok"


def test_messages_survive_a_restart_and_damage_is_set_aside(suite):
    user = suite.user()
    suite.down("authd")
    try:
        with Intake(suite) as client:
            ids = [client.submit("a@example.test", [user.address], MESSAGE) for _ in range(4)]
        wait_for("all to be deferred", 20, lambda: all(f"deferred queue={i}" in suite.log_text("queued") for i in ids))
        assert not user.messages()
        suite.down("queued")
        paths = {path.name: path for path in files(suite)}
        damaged = paths[ids[0]].read_bytes()
        paths[ids[0]].write_bytes(damaged.replace(b"sender <a@", b"sender <b@"))
        torn = "3n2s2222222p6"
        (suite.queue / torn[8] / torn).write_bytes(damaged[:16] + damaged[16:].replace(damaged[16:55], b"-------- ------------ -------- --------", 1))
    finally:
        suite.up("authd")
        suite.up("queued")
    user.wait(3)
    suite.wait_log("queued", rf"queue-file-damaged queue={ids[0]}")
    suite.wait_log("queued", rf"swept queue={torn}")
    assert (suite.queue / "damaged" / ids[0]).exists()
    for queue_id in ids[1:]:
        wait_gone(suite, queue_id)
    assert len(user.messages()) == 3


def alias(suite, address, *targets):
    suite.tool("users", "alias", address, *targets)


def test_aliases(suite, intake):
    """Two levels, the same address by several ways, one that names itself, and one that leads to itself."""
    one, two, both, sender = suite.user(), suite.user(), suite.user(), suite.user()
    alias(suite, "inner@example.test", two.address, "outer@example.test")
    alias(suite, "outer@example.test", one.address, "inner@example.test", two.address)
    alias(suite, both.address, both.address, one.address)
    alias(suite, "circle1@example.test", "circle2@example.test")
    alias(suite, "circle2@example.test", "circle1@example.test")
    time.sleep(1.2)  # authd looks at the file every second
    queue_id = intake.submit(sender.address, ["outer@example.test", both.address, "circle1@example.test"], MESSAGE)
    (bounce,) = [text for text in sender.wait(1)]
    assert b"circle1@example.test" in bounce and b"Status: 5.4.6" in bounce
    wait_gone(suite, queue_id)
    assert [len(user.messages()) for user in (one, two, both)] == [1, 1, 1]
    assert b"X-Original-To: outer@example.test" in two.messages()[0]
