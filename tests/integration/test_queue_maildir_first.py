"""A large message for mailboxes here is answered when it is in them: the queue never waits for the disk with it. When it cannot be
there soon, the queue makes it durable as any other, and answers then. The processes that wait for the disk stand still in these tests."""
import contextlib
import os
import signal

import pytest

from harness import Suite, wait_for
from harness.process import Process
from test_queue import Intake, wait_gone
from test_queue_intake import kill_all

LARGE = b"Subject: large\r\n\r\n" + b"a line of the text of a message that is large\r\n" * 10000
PATIENCE = 2  # seconds, the default


@pytest.fixture(scope="module")
def own():
    with Suite("maildir-first", {"journal_size": "1M"}) as running:
        running.user("first")
        yield running
        assert not running.findings()


@pytest.fixture
def still(own):
    """Sync and journal workers, the children of the intake, stand still; given as a call that lets them go on."""
    manager = own.service_pid("queued")
    workers = [pid for pid in own.pids("queued") if Process(pid).parent() not in (manager, own_parent(manager))]
    assert len(workers) >= 8
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)

    def go_on():
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    yield go_on
    go_on()


def own_parent(pid):
    return Process(pid).parent()


def begin(client, recipients, sender="a@example.test", text=LARGE):
    """Hands it in whole; the answer is still to come. Its queue id."""
    answer = client.envelope(sender, recipients)
    assert answer[:2] == ["ok", "3"], answer
    client.data(text)
    client.send("commit", "4")
    return answer[2]


def no_answer(client, seconds):
    client.socket.settimeout(seconds)
    with pytest.raises(TimeoutError):
        client.receive()
    client.socket.settimeout(30)


def test_it_is_answered_when_all_have_it(own, still):
    users, alias = [own.user(), own.user()], "both@example.test"
    own.alias(alias, [user.address for user in users])
    with Intake(own) as client:
        queue_id = begin(client, [alias, users[0].address])
        assert client.receive() == ["ok", "4", queue_id]
        assert [len(user.messages()) for user in users] == [1, 1]
        wait_gone(own, queue_id)
        # The next one on the same connection.
        queue_id = begin(client, [users[1].address])
        assert client.receive() == ["ok", "4", queue_id]
        assert len(users[1].messages()) == 2


@pytest.mark.parametrize("recipient, sender", [("user@far.test", "a@example.test"), ("nobody@example.test", "first@example.test")])
def test_what_is_for_others_or_fails_is_durable_first(own, still, recipient, sender):
    user = own.user()
    with Intake(own) as client:
        queue_id = begin(client, [user.address, recipient], sender)
        user.wait(1)
        no_answer(client, 0.5)
        still()
        assert client.receive() == ["ok", "4", queue_id]
    own.tool("queuectl", "delete", queue_id, check=False)
    assert len(user.messages()) == 1


def test_what_is_slow_is_durable_first_and_delivered_once(own):
    user, other = own.user(), own.user()
    with Intake(own) as client:
        client.submit("a@example.test", [user.address], LARGE)
        user.wait(1)
        slow = own.pids("deliver")
        for pid in slow:
            os.kill(pid, signal.SIGSTOP)
        try:
            client.submit("a@example.test", [user.address], LARGE)
            assert len(user.messages()) == 1
            # After one that waited in vain no time is lost with others.
            client.socket.settimeout(PATIENCE / 2)
            client.submit("a@example.test", [other.address], LARGE)
        finally:
            for pid in slow:
                os.kill(pid, signal.SIGCONT)
    user.wait(2)
    other.wait(1)


def test_a_kill_before_the_answer_leaves_nothing_of_it(own):
    """The message stands in the queue whole when its delivery stands still. Nobody was told that it is taken: he sends it again."""
    user = own.user()
    own.restart("queued")  # offers are made again at once
    with Intake(own) as client:
        client.submit("a@example.test", [user.address], LARGE)
        slow = own.pids("deliver")
        for pid in slow:
            os.kill(pid, signal.SIGSTOP)
        queue_id = begin(client, [user.address])
        wait_for("the offer", 10, lambda: f"{queue_id}*" in own.tool("mailq").stdout)
        kill_all(own)
        for pid in slow:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert client.socket.recv(100) == b""
    own.up("queued")
    own.wait_log("queued", f"swept queue={queue_id}")
    with Intake(own) as client:
        client.submit("a@example.test", [user.address], LARGE)
    assert len(user.messages()) == 2


def test_it_can_be_switched_off(own):
    user = own.user()
    own.set("maildir_first", "0")
    own.restart("queued")
    manager = own.service_pid("queued")
    workers = [pid for pid in own.pids("queued") if Process(pid).parent() not in (manager, own_parent(manager))]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        with Intake(own) as client:
            queue_id = begin(client, [user.address])
            no_answer(client, 0.5)
            assert user.messages() == []
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            assert client.receive() == ["ok", "4", queue_id]
    finally:
        own.set("maildir_first", None)
        own.restart("queued")
    wait_for("the message", 10, lambda: len(user.messages()) == 1)
