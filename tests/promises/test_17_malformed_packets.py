"""Promise 17: a malformed packet from any peer of the suite ends that conversation only. What is no packet, at the sockets of
postern-authproxy: ../integration/test_authproxy.py."""
import ctypes
import os
import signal
import socket
import time

import pytest

from harness import Peer, wait_for
from harness.authd import Authd
from harness.packets import encode
from harness.suite import SOCKETS

ALL = [(service, path) for service, paths in SOCKETS.items() for path in paths]

VERBS = ["rcpt", "alias", "mailbox", "transport", "sender", "forward", "relay_login", "sender_bcc", "recipient_bcc", "hello", "auth", "more", "cancel", "password", "redeem", "accept", "connect",
         "mail", "open", "data", "commit", "abort", "list", "flush", "hold", "release", "delete", "outgoing", "usage", "explain", "counters",
         "deliver", "send", "session", "begin", "step", "drop", "row", "need", "keep", "write"]

RAW = [b"\0", b"\0\0\0\0", b"x", b"x" * 60000, b"\xff" * 100, b"rcpt", b"rcpt\0", b"rcpt\0t", b"rcpt\0t\0x", b"\0rcpt\0t\0a@b.test\0",
       b"session\0t\0", b"hello\0t\0imap\0nonsense\0neither\0", b"unknown\0t\0a\0b\0", b"\n" * 1000, b"a\0" * 20000]


def still_serves(suite, service, pid):
    assert suite.service_pid(service) == pid, suite.log_text(service)[-2000:]


@pytest.mark.parametrize("service,path", ALL, ids=[path for _, path in ALL])
def test_malformed_packets_end_one_conversation(suite, service, path):
    pid = suite.service_pid(service)
    with Peer(suite, path) as bystander:
        for raw in RAW + [verb.encode() + b"\0" for verb in VERBS] + [verb.encode() + b"\0t\0\0\0\0\0\0\0\0\0" for verb in VERBS]:
            with Peer(suite, path, timeout=0.05) as peer:
                try:
                    peer.send(raw=raw)
                    peer.receive()
                except OSError:
                    pass  # closed at once, or no answer is due
            still_serves(suite, service, pid)
        # The one who did nothing wrong is still connected: his socket neither closed nor reset.
        bystander.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            bystander.socket.recv(10)


@pytest.mark.parametrize("service,path", ALL, ids=[path for _, path in ALL])
def test_descriptors_that_nobody_asked_for_are_closed(suite, service, path):
    pid = suite.service_pid(service)
    before = len(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(20):
        reader, writer = os.pipe()
        with Peer(suite, path, timeout=0.05) as peer:
            try:
                peer.send("unknown", "t", descriptors=[reader, writer, reader, writer])
                peer.receive()
            except OSError:
                pass
        os.close(reader)
        os.close(writer)
    still_serves(suite, service, pid)
    assert len(os.listdir(f"/proc/{pid}/fd")) <= before + 5


def test_the_suite_works_after_all_that(suite):
    user = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [user.address], "Subject: one\n\nhello\n")
    user.wait(1)
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert b"* 1 EXISTS" in imap.command("SELECT INBOX")[1]


def test_an_oversized_packet_is_refused(suite):
    with Peer(suite, "authd/lookup") as peer:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        try:
            peer.send(raw=b"rcpt\0t\0" + b"a" * 100000 + b"\0")
        except OSError:
            return  # the kernel refused it already
        assert peer.receive() is None


# --- each verb with fields that are not its own ----------------------------------------------------

LONG = "x" * 5000

WRONG = {
    "authd/lookup": [
        ("usage", "t"), ("usage", "t", "a@b.test"), ("usage", "t", "a@b.test", "1"), ("usage", "t", "a@b.test", "-1", "1"),
        ("usage", "t", "a@b.test", "x", "1"), ("usage", "t", "a@b.test", 1 << 63, 1), ("usage", "t", "a@b.test", 1, 1, 1),
        ("outgoing", "t"), ("outgoing", "t", "a@b.test"), ("outgoing", "t", "a@b.test", "x"), ("outgoing", "t", "a@b.test", 1 << 32),
        ("outgoing", "t", "a@b.test", 1, 1), ("explain", "t"), ("explain", "t", "rcpt"), ("explain", "t", "nothing", "a@b.test"),
        ("explain", "t", "rcpt", "a@b.test", "more"), ("explain", "t", "sender", "a@b.test"), ("explain", "t", "password", "a@b.test", "imap"),
        ("flush", "t", "more"), ("counters", "t", "more"), ("counters", LONG), ("rcpt", "t", "a@b.test", "more"), ("sender", "t", "a@b.test"),
    ],
    "authd/login": [
        ("hello", "t", "imap", "192.0.2.1"), ("hello", "t", "imap", "192.0.2.1", "neither"), ("hello", "t", "", "192.0.2.1", "tls"),
        ("hello", "t", "im ap", "192.0.2.1", "tls"), ("hello", "t", LONG, "192.0.2.1", "tls"), ("hello", "t", "imap", LONG, "tls"),
        ("hello", "t", "imap", "192.0.2.1", "tls", LONG), ("hello", "t", "imap", "192.0.2.1", "tls", "", LONG),
        ("hello", "t", "imap", "192.0.2.1", "tls", "", "", "more"), ("auth", "t", "PLAIN"), ("more", "t", "AAAA"), ("cancel", "t"),
        ("password", "t", "a@b.test", "x"),
    ],
    "queue/control": [("list", "t"), ("list", "t", "", "x"), ("hold", "t"), ("release", "t"), ("delete", "t"), ("flush", "t", "", "more"),
                      ("hold", "t", "all", "more"), ("unknown", "t")],
}


@pytest.mark.parametrize("path", WRONG)
def test_wrong_fields_end_one_conversation(suite, path):
    service = {"authd": "authd", "queue": "queued"}[path.split("/")[0]]
    pid = suite.service_pid(service)
    for fields in WRONG[path]:
        with Peer(suite, path) as peer:
            assert peer.ask(*fields) is None, fields
    still_serves(suite, service, pid)


def test_each_request_of_a_login_has_its_turn(suite):
    pid = suite.service_pid("authd")
    hello = ("hello", "t", "imap", "192.0.2.1", "tls")
    for fields in (("more", "t", "AAAA"), ("cancel", "t"), ("auth", "t"), ("auth", "t", "PLAIN", "AAAA", "more"), ("password", "t", "a@b.test"),
                   ("password", "t", "a@b.test", "x", "more"), ("redeem", "t", "x", "imap"), ("hello", "t")):
        with Peer(suite, "authd/login") as peer:
            assert peer.ask(*hello)[0] == "ok"
            assert peer.ask(*fields) is None, fields
    for fields in (hello, ("auth", "t", "PLAIN"), ("password", "t", "a@b.test", "x"), ("more", "t"), ("more", "t", "AAAA", "more")):
        with Peer(suite, "authd/login") as peer:
            assert peer.ask(*hello)[0] == "ok"
            assert peer.ask("auth", "t", "LOGIN")[0] == "more"
            assert peer.ask(*fields) is None, fields
    still_serves(suite, "authd", pid)


# --- authd and its workers -------------------------------------------------------------------------

PIDFD_OPEN, PIDFD_GETFD = 434, 438  # x86-64 and all that are younger
libc = ctypes.CDLL(None, use_errno=True)


def socket_of(pid):
    """The test's own hold of a worker's socket."""
    [number] = [int(name) for name in os.listdir(f"/proc/{pid}/fd") if int(name) > 2 and os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")]
    handle = libc.syscall(PIDFD_OPEN, pid, 0)
    descriptor = libc.syscall(PIDFD_GETFD, handle, number, 0)
    os.close(handle)
    assert descriptor >= 0, os.strerror(ctypes.get_errno())
    return socket.socket(fileno=descriptor)


@pytest.fixture(scope="module")
def authd():
    made = Authd(hash_workers="1", cache_file="")
    made.user("ann@example.test")
    with made as running:
        yield running


def the_worker(authd):
    [pid] = wait_for("the worker", 10, authd.children)
    return pid


def serves(authd):
    wait_for("logins", 10, lambda: authd.login("ann@example.test", "secret words") == "ok")
    assert authd.process.poll() is None
    assert authd.login("ann@example.test", "wrong") == "no"
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")


LIES = [encode("ok", "", "clear"), encode("ok"), encode("no"), encode("later"), encode("more", "AAAA"), encode("need"),
        encode("need", "ann@example.test"), encode("need", LONG, ""), encode("unknown", "1"), b"x", b"need\0ann", b"a\0" * 20000]


@pytest.mark.parametrize("lie", LIES, ids=range(len(LIES)))
def test_a_worker_that_was_taken_over(authd, lie):
    """Whatever it says, asked or not, nobody is let in whom authd has not looked up, and authd goes on."""
    pid = the_worker(authd)
    with socket_of(pid) as mouth, authd.greeted() as peer:
        mouth.send(lie)  # while nobody asked
        os.kill(pid, signal.SIGSTOP)
        peer.send("password", "t", "nobody@example.test", "secret words")
        time.sleep(0.02)
        mouth.send(lie)
        os.kill(pid, signal.SIGCONT)
        answer = peer.receive()
        assert answer is None or answer[0] in ("no", "later", "more"), answer
    os.kill(the_worker(authd), signal.SIGKILL)  # who has lied is out of step
    serves(authd)
