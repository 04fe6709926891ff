"""The queue's disk is full while messages are at work: at marking a recipient, at writing what an alias gives, at a bounce. (At the
intake: test_suite_full.py; each call by itself, on file systems that need room for a change too: promises/test_03_queue.py.)"""
import contextlib
import re

import pytest

from harness import Sink, Suite, wait_for
from test_queue import MESSAGE, Intake, files, wait_gone
from test_suite_full import SmallDisk

MANY = 60  # recipients of an alias: more than fits into what is left of a block of the disk


@pytest.fixture(scope="module")
def own():
    """A queue on a disk of 600 KiB, without a journal, and a next host."""
    with Sink() as sink, Suite("full-queue", {"free_space": "0", "journal_size": "0", "retry_first": "1s", "retry_most": "1s",
                                              "relay_host": f"[127.0.0.1]:{sink.port}"}) as suite:
        suite.sink = sink
        suite.down("queued")
        with SmallDisk(suite.queue, 600) as suite.disk:
            suite.up("queued")
            yield suite
            suite.down("queued")
        suite.up("queued")
        assert not suite.findings()


def submit(suite, sender, *recipients):
    with Intake(suite) as client:
        return client.submit(sender, list(recipients), MESSAGE)


@contextlib.contextmanager
def full(suite):
    suite.disk.fill()
    try:
        yield
    finally:
        suite.disk.free()


def lines(suite, queue_id, event):
    return re.findall(rf" {event} queue={queue_id}.*", suite.log_text("queued"))


def what_became_of(suite, queue_id):
    seen = [line for program in ("queued", "remote") for line in suite.log_text(program).splitlines() if queue_id in line]
    shown = suite.tool("mailq", "--json", check=False).stdout
    return "\n".join([f"{queue_id} to be gone", *seen, "mailq:", shown, "remote:", suite.log_text("remote")[-1000:]])


@contextlib.contextmanager
def waiting(suite, sender, *recipients):
    """A message that nobody has tried to deliver yet, since authd is away until the end."""
    suite.down("authd")
    try:
        queue_id = submit(suite, sender, *recipients)
        suite.wait_log("queued", f"deferred queue={queue_id}")
        yield queue_id
    finally:
        suite.up("authd")


def test_at_writing_what_an_alias_gives(own):
    """Deferred until there is room; then each has it once."""
    sender, users = own.user(), [own.user() for _ in range(3)]
    own.alias("many@example.test", [user.address for user in users] + [f"u{i}@far.test" for i in range(MANY)])
    own.alias("in@example.test", ["many@example.test"])
    with waiting(own, sender.address, "in@example.test") as queue_id:
        own.disk.fill()
    try:
        own.tool("queuectl", "flush")
        own.wait_log("queued", f"alias-not-written queue={queue_id}")
        assert not own.sink.messages and not any(user.messages() for user in users)
    finally:
        own.disk.free()
    own.tool("queuectl", "flush")
    wait_gone(own, queue_id)
    assert [len(user.wait(1)) for user in users] == [1] * 3
    assert sorted(r for m in own.sink.messages for r in m.recipients) == sorted(f"u{i}@far.test" for i in range(MANY))
    assert not lines(own, queue_id, "failed") and not sender.messages()


def test_at_marking(own):
    """A mark lies in what the file has: who has the message is not served again because of the other, who waits."""
    user = own.user()
    own.sink.answers["RCPT"] = "450 4.2.0 not now"
    with waiting(own, "first@example.test", user.address, "a@far.test") as queue_id:
        own.disk.fill()
    try:
        own.tool("queuectl", "flush")
        user.wait(1)
        wait_for("more attempts", 20, lambda: len(lines(own, queue_id, "deferred")) >= 6)
    finally:
        own.disk.free()
        del own.sink.answers["RCPT"]
    own.tool("queuectl", "flush")
    wait_gone(own, queue_id)
    assert len(user.messages()) == 1 and not lines(own, queue_id, "failed")


def test_at_bouncing(own):
    """The letter is tried again until there is room for it; the message that it tells of waits for it, and it comes once."""
    sender = own.user()
    with waiting(own, sender.address, "not-here@example.test") as queue_id:
        own.disk.fill()
    try:
        own.tool("queuectl", "flush")
        own.wait_log("queued", f"not-bounced queue={queue_id}")
        own.tool("queuectl", "flush")
        wait_for("another try", 20, lambda: len(lines(own, queue_id, "not-bounced")) >= 2)
        assert not sender.messages() and not lines(own, queue_id, "double-bounce")
    finally:
        own.disk.free()
    own.tool("queuectl", "flush")
    [letter] = sender.wait(1)
    assert b"Final-Recipient: rfc822; not-here@example.test" in letter
    wait_gone(own, queue_id)
    assert len(sender.messages()) == 1 and len(lines(own, queue_id, "failed")) == 1


def test_with_many_messages_at_all_steps_at_once(own):
    """All kinds together, full and not full by turns: each end comes once all the same, but for what was told twice at most."""
    sender, users = own.user(), [own.user() for _ in range(10)]
    own.alias("two@example.test", [users[0].address, users[1].address])
    own.sink.messages.clear()
    with waiting(own, sender.address, *(user.address for user in users), "two@example.test", "gone@example.test", "b@far.test") as first:
        ids = [first] + [submit(own, sender.address, user.address, f"gone{i}@example.test", f"c{i}@far.test") for i, user in enumerate(users)]

    def tries():
        return own.log_text("queued").count(" queue=")

    def some_tried(begun):
        """Few may be left, and a flush passes over what is at work: each try gives lines."""
        own.tool("queuectl", "flush")
        return tries() > begun + 5 or not files(own)
    for _ in range(4):
        with full(own):
            begun = tries()
            wait_for("some to be tried", 30, lambda: some_tried(begun))  # pylint: disable=W0640
        own.tool("queuectl", "flush")

    def gone(queue_id):
        """A flush passes over what is at work; deferred after it, it waits for the next one."""
        own.tool("queuectl", "flush")
        return queue_id not in [path.name for path in files(own)]
    for queue_id in ids:
        wait_for(lambda: what_became_of(own, queue_id), 30, lambda: gone(queue_id))  # pylint: disable=W0640
    assert all(len(user.wait(2)) >= 2 for user in users)
    told = set(re.findall(rb"Final-Recipient: rfc822; (\S+)", b"".join(sender.wait(11))))
    assert told == {b"gone@example.test"} | {f"gone{i}@example.test".encode() for i in range(10)}
    assert {r for m in own.sink.messages for r in m.recipients} == {"b@far.test"} | {f"c{i}@far.test" for i in range(10)}
