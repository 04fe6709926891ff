"""The verb `scratch` of queue/intake: a file for smtpd's filters, and the id of the message to come."""
import array
import os
import socket

import pytest

from harness import Peer
from harness.packets import decode


@pytest.fixture
def intake(suite):
    with Peer(suite, "queue/intake") as peer:
        yield peer


def scratch(peer, tag="1"):
    """The answer, and the descriptors that came with it."""
    peer.send("scratch", tag)
    data, control, _, _ = peer.socket.recvmsg(65536, 1024)
    descriptors = array.array("i")
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(value)
    return decode(data) if data else None, list(descriptors)


def test_a_file_without_a_name(suite, intake):
    before = sorted(path.name for path in suite.queue.iterdir())
    answer, (fd,) = scratch(intake)
    assert answer[:2] == ["ok", "1"] and len(answer[2]) == 13
    os.write(fd, b"text")
    assert os.pread(fd, 10, 0) == b"text" and os.fstat(fd).st_nlink == 0 and os.fstat(fd).st_mode & 0o777 == 0o600
    assert os.readlink(f"/proc/self/fd/{fd}").startswith(str(suite.queue))
    assert sorted(path.name for path in suite.queue.iterdir()) == before
    os.close(fd)


def test_one_file_a_connection_and_one_id_a_message(intake):
    first, (fd,) = scratch(intake)
    second, none = scratch(intake, "2")
    assert none == [] and second[0] == "ok" and second[2] != first[2]
    os.close(fd)
    intake.send("mail", "3", "a@example.test")
    intake.send("rcpt", "4", "nobody@example.test")
    assert intake.ask("open", "5") == ["ok", "5", second[2]]
    intake.send("abort", "6")
    intake.send("mail", "7", "a@example.test")
    intake.send("rcpt", "8", "nobody@example.test")
    assert intake.ask("open", "9")[2] not in (first[2], second[2])


@pytest.mark.parametrize("before", [[], [("mail", "1", "a@b.test")]])
def test_out_of_turn_it_ends_the_conversation(suite, before):
    """And users who submit have no use for it."""
    with Peer(suite, "queue/intake" if before else "queue/submit") as peer:
        for packet in before:
            peer.send(*packet)
        assert scratch(peer) == (None, [])


def test_no_room_is_temporary(suite, intake):
    suite.set("free_space", "1000000G")
    suite.restart("queued")
    try:
        with Peer(suite, "queue/intake") as peer:
            answer, descriptors = scratch(peer)
            assert answer[:3] == ["later", "1", "4.3.1"] and descriptors == []
    finally:
        suite.set("free_space", None)
        suite.restart("queued")
