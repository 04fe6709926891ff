"""Destinations in the queue: who has trouble keeps only himself waiting. Sinks on loopback are next hops, each of a domain."""
import contextlib
import os
import signal
import threading
import time

import pytest

from harness import MariaDB, PostfixAdmin, Sink, Suite, wait_for
from harness.backlog import make, while_down
from test_queue import MESSAGE, Intake, wait_gone

FIRST, MOST, ACTIVE = 2, 4, 40


@pytest.fixture(scope="module")
def house():
    """A suite whose transports come from a table, and whose retries do not come while the tests run."""
    settings = {"retry_first": "1h", "retry_most": "1h", "remote_timeout": "10m", "remote_concurrency": 12, "active_messages": ACTIVE,
                "destination_concurrency_first": FIRST, "destination_concurrency_most": MOST, "destination_failures": 3,
                "destination_pause": "1h", "mailbox_concurrency": 1, "deliver_workers": 4}
    with MariaDB() as database:
        running = Suite("destinations", settings)
        running.accounts = PostfixAdmin(running, database)
        with running:
            running.user("first")
            yield running
            assert not running.findings()


class Gate:
    """An answer of a sink that waits until the gate is open, and counts who waits."""

    def __init__(self):
        self.open, self.lock, self.inside, self.peak = threading.Event(), threading.Lock(), 0, 0

    def __call__(self, line):
        with self.lock:
            self.inside += 1
            self.peak = max(self.peak, self.inside)
        self.open.wait(120)
        with self.lock:
            self.inside -= 1


@contextlib.contextmanager
def next_hop(suite, domain, **answers):
    """A sink that has the domain's mail."""
    with Sink(answers=answers) as sink:
        suite.accounts.add_domain(domain, backupmx=1, transport=f"smtp:[127.0.0.1]:{sink.port}")
        yield sink


def submit(suite, *recipients, message=MESSAGE):
    with Intake(suite) as client:
        return client.submit("first@example.test", list(recipients), message)


def fates(suite, event, *ids):
    """Lines of the log about these messages."""
    return [line for line in suite.log_text("queued").splitlines() if f": {event} queue=" in line and line.split("queue=")[1][:13] in ids]


def test_a_dead_host_is_not_tried_for_each_message(house):
    greetings = []
    with next_hop(house, "dead.test", GREETING=lambda line: greetings.append(line) or "") as sink:
        ids = [submit(house, f"u{i}@dead.test") for i in range(2 * ACTIVE)]
        wait_for("all to be deferred", 30, lambda: len(fates(house, "deferred", *ids)) == 2 * ACTIVE)
        # Three failures, and what was under way with the third.
        assert 3 <= len(greetings) <= 3 + FIRST
        untried = [line for line in fates(house, "deferred", *ids) if "not tried, since this has just failed: " in line]
        assert len(untried) == 2 * ACTIVE - len(greetings) and all("code=4.4." in line for line in untried)
        house.wait_log("queued", rf'destination-dead destination=.*{sink.port}.* pause_s=3600 reason=')
        assert "not tried, since this has just failed" in house.tool("mailq").stdout
        # The administrator ends the pause.
        del sink.answers["GREETING"]
        house.tool("queuectl", "flush")
        wait_for("one of them to be the probe", 30, lambda: sink.messages)
        for queue_id in ids:
            wait_gone(house, queue_id)
        assert sorted(m.recipients[0] for m in sink.messages) == sorted(f"u{i}@dead.test" for i in range(2 * ACTIVE))


def test_a_refused_recipient_says_nothing_of_the_host(house):
    with next_hop(house, "picky.test", RCPT=lambda line: "450 4.2.1 full" if "bad" in line else None) as sink:
        ids = [submit(house, f"bad{i}@picky.test") for i in range(10)]
        wait_for("all to be deferred", 30, lambda: len(fates(house, "deferred", *ids)) == 10)
        submit(house, "good@picky.test")
        sink.wait(1)
        assert not [line for line in fates(house, "deferred", *ids) if "not tried" in line]


def test_a_host_that_hangs_keeps_only_its_own_mail_waiting(house):
    gate = Gate()
    with next_hop(house, "hangs.test", GREETING=gate) as hanging, next_hop(house, "lives.test") as living:
        ids = [submit(house, f"u{i}@hangs.test") for i in range(3 * ACTIVE)]
        wait_for("it to be tried", 20, lambda: gate.inside == FIRST)
        user = house.user()
        last = submit(house, "u@lives.test", user.address)
        living.wait(1), user.wait(1)
        wait_gone(house, last)
        assert gate.inside == FIRST and not hanging.messages and not fates(house, "deferred", *ids)
        # What had no place in its line was not tried, and comes when there is one.
        gate.open.set()
        for queue_id in ids:
            wait_gone(house, queue_id)
        assert sorted(m.recipients[0] for m in hanging.messages) == sorted(f"u{i}@hangs.test" for i in range(3 * ACTIVE))
        assert not fates(house, "deferred", *ids)


def test_concurrency_grows_with_success_up_to_its_bound(house):
    gate = Gate()
    with next_hop(house, "grows.test", END=gate) as sink:
        for i in range(30):
            submit(house, f"u{i}@grows.test")
        wait_for("the first", 20, lambda: gate.inside == FIRST)
        gate.open.set()
        sink.wait(30)
        assert gate.peak <= MOST
        gate.open.clear()
        for i in range(2 * MOST):
            submit(house, f"v{i}@grows.test")
        wait_for("the most", 20, lambda: gate.inside == MOST)
        gate.open.set()
        sink.wait(30 + 2 * MOST)
        assert gate.peak == MOST


def test_one_message_to_many_takes_turns_with_others(house):
    gate = Gate()
    with next_hop(house, "many.test", END=gate) as sink:
        large = submit(house, *(f"u{i}@many.test" for i in range(2000)))
        wait_for("it to be sent", 20, lambda: gate.inside == FIRST)
        small = [submit(house, f"v{i}@many.test") for i in range(3)]
        user = house.user()
        submit(house, user.address)
        user.wait(1)
        gate.open.set()
        for queue_id in (*small, large):
            wait_gone(house, queue_id)
    groups = [m.recipients for m in sink.messages]
    assert len(groups) == 23 and max(map(len, groups)) == 100 and sum(map(len, groups)) == 2003
    # Behind those that were under way, and at most one further group each of the concurrency that has grown.
    assert max(i for i, group in enumerate(groups) if group[0][0] == "v") <= 3 + 2 * MOST


def test_recipients_of_many_domains_go_together_by_domain(house):
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(next_hop(house, f"d{i}.test")) for i in range(10)]
        queue_id = submit(house, *(f"u{i}@d{i % 10}.test" for i in range(1000)))
        wait_gone(house, queue_id)
        assert [len(sink.messages) for sink in sinks] == [1] * 10
        assert [len(m.recipients) for sink in sinks for m in sink.messages] == [100] * 10


def test_a_mailbox_that_hangs_holds_one_worker(house):
    slow, other = house.user(), house.user()
    house.restart("queued")
    submit(house, slow.address)
    slow.wait(1)
    [frozen] = house.pids("deliver")
    os.kill(frozen, signal.SIGSTOP)
    try:
        for _ in range(10):
            submit(house, slow.address)
        submit(house, other.address)
        other.wait(1)
        assert len(slow.messages()) == 1 and len(house.pids("deliver")) == 2
    finally:
        os.kill(frozen, signal.SIGCONT)
    slow.wait(11)


def test_new_mail_goes_before_a_backlog_and_a_start_with_one_is_no_stop(house):
    gate = Gate()
    with next_hop(house, "backlog.test", GREETING=gate) as sink, next_hop(house, "new.test") as new:
        with while_down(house):
            make(house, 600, "u%@backlog.test")
            make(house, 300, "u%@new.test", next=time.time() + 3600)
        user = house.user()
        submit(house, "v@new.test", user.address)
        new.wait(1), user.wait(1)
        assert [m.recipients for m in new.messages] == [["v@new.test"]] and not sink.messages
        gate.open.set()
        sink.wait(600, 60)
        assert len({m.recipients[0] for m in sink.messages}) == len(sink.messages) == 600
        # What is not yet due has been looked at, and waits.
        assert len(new.messages) == 1
        house.tool("queuectl", "flush")
        new.wait(301, 60)
