"""postern-deliver as a setuid program and as a delivery agent of other MTAs."""
import os
import pwd
import signal
import socket
import stat
import subprocess

import pytest

from harness import wait_until

MESSAGE = "Subject: by hand\n\nhello\n.\nworld"


def tool(suite, *arguments, **keywords):
    return suite.tool("deliver", *arguments, check=False, **keywords)


def test_it_is_setuid_and_nobody_elses(suite):
    st = (suite.libexec / "postern-deliver").stat()
    assert stat.S_IMODE(st.st_mode) == 0o6711 and st.st_uid == pwd.getpwnam("vmail").pw_uid


def test_as_a_delivery_agent(suite):
    user = suite.user()
    assert tool(suite, "-d", user.address, "-f", "sender@elsewhere.test", input=MESSAGE).returncode == 0
    [message] = user.messages()
    assert message == (f"Return-Path: <sender@elsewhere.test>\nDelivered-To: {user.address}\n{MESSAGE}").encode()
    [path] = (user.maildir / "new").iterdir()
    st = path.stat()
    assert stat.S_IMODE(st.st_mode) == 0o600 and st.st_uid == pwd.getpwnam("vmail").pw_uid
    assert f",S={len(message)},W={len(message) + message.count(10)}" in path.name
    assert list((user.maildir / "tmp").iterdir()) == []
    for part in ("", "cur", "new", "tmp"):
        assert stat.S_IMODE((user.maildir / part).stat().st_mode) == 0o700


def test_header_values_make_no_header(suite):
    user = suite.user()
    assert tool(suite, "-d", user.address, "-f", "a\nX-Made: up\r@x", input="From a@b\nSubject: x\r\n\r\nbare\rcr\r\n").returncode == 0
    assert user.messages() == [b"Return-Path: <a?X-Made: up?@x>\nDelivered-To: " + user.address.encode() +
                               b"\nSubject: x\n\nbare\rcr\n"]


def test_exit_codes(suite):
    user = suite.user()
    assert tool(suite, "-d", f"unknown@{suite.domain}", input=MESSAGE).returncode == 67
    assert tool(suite, "-d").returncode == 64
    assert tool(suite).returncode == 100
    assert tool(suite, "--worker", "-d", user.address).returncode == 100
    suite.down("authd")
    try:
        assert tool(suite, "-d", user.address, input=MESSAGE).returncode == 75
    finally:
        suite.up("authd")
    assert tool(suite, "-d", user.address, input=MESSAGE).returncode == 0


@pytest.mark.parametrize("caller,allowed", [("nobody", False), ("postern-smtpd", False), ("postern-imapd", False),
                                            ("postern-queue", True), ("postern-lmtpd", True), ("vmail", True)])
def test_who_may_call(suite, caller, allowed):
    user = suite.user()
    result = tool(suite, "-d", user.address, input=MESSAGE, user=caller)
    assert (result.returncode == 0) == allowed, result.stderr
    assert len(user.messages()) == allowed
    if not allowed:
        assert "caller-refused" in result.stderr


class Worker:
    """A worker as queued starts it, by the user postern-queue."""

    def __init__(self, suite, environment=None, extra=()):
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20)
        self.process = subprocess.Popen([str(suite.libexec / "postern-deliver"), "--worker"], stdin=other, env=environment or {},
                                        user="postern-queue", group=pwd.getpwnam("postern-queue").pw_gid,
                                        extra_groups=[], stderr=subprocess.PIPE, pass_fds=extra)
        other.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.wait(20)
        self.process.stderr.close()

    def ask(self, fields, files=()):
        socket.send_fds(self.socket, [b"\0".join(fields) + b"\0"], [file.fileno() for file in files])
        return self.socket.recv(65536).split(b"\0")[:-1]

    def deliver(self, address, file, offset=0):
        return self.ask([b"deliver", b"t", b"QUEUE", b"s@x.test", address.encode(), address.encode(), b"%d" % offset], [file])


def test_the_caller_cannot_touch_it(suite, tmp_path):
    user = suite.user()
    (tmp_path / "m").write_text("HEAD\nSubject: x\n\n")
    reader, writer = os.pipe()
    with open(tmp_path / "m", "rb") as message, Worker(suite, {"LD_PRELOAD": "/nothing", "POSTERN_SETTINGS": "/nothing",
                                                               "TZ": "/etc/shadow"}, [writer]) as worker:
        assert worker.deliver(user.address, message, 5)[2] == b"done"
        os.close(writer)
        assert os.read(reader, 1) == b"", "it closes descriptors that it did not ask for"
        # The user who started it may neither signal nor trace it.
        caller = subprocess.run(["kill", "-9", str(worker.process.pid)], user="postern-queue", extra_groups=[],
                                stderr=subprocess.DEVNULL)
        assert caller.returncode != 0
        status = open(f"/proc/{worker.process.pid}/status").read()
        vmail = str(pwd.getpwnam("vmail").pw_uid)
        assert [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")] == [[vmail] * 4]
        assert worker.deliver(user.address, message, 5)[2] == b"done"
    assert worker.process.returncode == 0
    assert len(user.messages()) == 2
    os.close(reader)


def test_malformed_requests_end_that_worker_only(suite, tmp_path):
    user = suite.user()
    (tmp_path / "m").write_text("Subject: x\n\n")
    with open(tmp_path / "m", "rb") as message:
        for packet in (b"", b"x", b"deliver\0", b"deliver\0t\0q\0s\0a\0o\0x\0", b"deliver\0t\0q\0s\0a\0o\0-1\0", b"\0" * 100,
                       b"send\0t\0", b"deliver\0t\0q\0s\0a\0o\0999999999999999999999999\0"):
            with Worker(suite) as worker:
                socket.send_fds(worker.socket, [packet or b"\0"], [message.fileno()])
                assert worker.socket.recv(100) == b""
        with Worker(suite) as worker:  # no descriptor
            worker.socket.send(b"deliver\0t\0q\0s\0a\0o\x000\0")
            assert worker.socket.recv(100) == b""
        with Worker(suite) as worker:  # an offset behind the end: trouble, not a message
            assert worker.deliver(user.address, message, 10 ** 6)[2:4] == [b"deferred", b"4.2.0"]
            assert worker.deliver(user.address, message)[2] == b"done"
        reader, writer = os.pipe()  # not a file: must not wait for ever
        with os.fdopen(reader, "rb") as pipe, Worker(suite) as worker:
            assert worker.deliver(user.address, pipe)[2] == b"deferred"
        os.close(writer)
    assert len(user.messages()) == 1


def test_killed_at_any_time_nothing_half_is_visible(suite, tmp_path):
    """A large message, killed while it is written: new/ holds whole messages only."""
    user = suite.user()
    text = b"Subject: x\n\n" + b"0123456789abcdef\n" * 500000
    (tmp_path / "m").write_bytes(text)
    whole = len(b"Return-Path: <s@x.test>\nDelivered-To: %s\n" % user.address.encode()) + len(text)
    tool(suite, "-d", user.address, "-f", "s@x.test", input=text.decode())
    for _ in range(5):
        before = len(list((user.maildir / "new").iterdir()))
        with open(tmp_path / "m", "rb") as message, Worker(suite) as worker:
            socket.send_fds(worker.socket, [b"\0".join([b"deliver", b"t", b"q", b"s@x.test", user.address.encode(),
                                                        user.address.encode(), b"0"]) + b"\0"], [message.fileno()])
            wait_until(lambda: list((user.maildir / "tmp").iterdir()) or len(list((user.maildir / "new").iterdir())) > before)
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait(20)
        for left in (user.maildir / "tmp").iterdir():
            left.unlink()
    for path in (user.maildir / "new").iterdir():
        assert path.stat().st_size == whole


def test_one_identity_opens_it_to_nobody(suite):
    """The setting is for programs that all run as one user; a setuid deliver that reads it is still not everybody's."""
    user = suite.user()
    suite.set("one_identity", "yes")
    try:
        result = suite.tool("deliver", "-d", user.address, input=b"Subject: x\n\nx\n", check=False, user="nobody")
    finally:
        suite.set("one_identity", None)
    assert result.returncode != 0 and b"caller-refused" in result.stderr and not user.messages()
