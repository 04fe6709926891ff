"""Promise 17: a malformed packet from any peer of the suite ends that conversation only."""
import os
import socket

import pytest

from harness import Peer
from harness.suite import SOCKETS

ALL = [(service, path) for service, paths in SOCKETS.items() for path in paths]

VERBS = ["rcpt", "alias", "mailbox", "transport", "sender", "hello", "auth", "more", "cancel", "password", "redeem", "accept",
         "mail", "open", "data", "commit", "abort", "list", "flush", "hold", "release", "delete", "outgoing", "deliver", "send", "session"]

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
