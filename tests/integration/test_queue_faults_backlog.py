"""A start with an old backlog, all of it due: deliveries begin at once, not when all of it was looked at, and what comes new is
not behind it. (That all of one is delivered: test_queue_destinations.py.)"""
import threading
import time

import pytest

from harness import Sink, Suite, wait_for
from harness.backlog import make, while_down
from test_queue import MESSAGE, Intake, files

COUNT, AT_ONCE = 5000, 10


@pytest.fixture(scope="module")
def house():
    gate = threading.Event()
    with Sink(answers={"END": lambda line: gate.wait(120) and None}) as sink:
        with Suite("backlog", {"relay_host": f"[127.0.0.1]:{sink.port}", "remote_concurrency": 2 * AT_ONCE,
                               "destination_concurrency_first": AT_ONCE}) as running:
            running.sink, running.gate = sink, gate
            running.user("first")
            yield running
            gate.set()
            assert not running.findings()


def test_deliveries_begin_before_the_backlog_was_looked_at(house):
    """The next host answers nothing at first: so many are on their way, the others still wait when new mail is delivered."""
    with while_down(house):
        make(house, COUNT, "u%@far.test", next=time.time() - 86400)
    begun = time.monotonic()
    wait_for(lambda: f"the first to be on their way, there are {house.sink.sessions}", 60, lambda: house.sink.sessions >= AT_ONCE)
    print(f"the first of {COUNT} are on their way {time.monotonic() - begun:.2f} s after the sockets are there")
    user = house.user()
    with Intake(house) as client:
        client.submit("a@example.test", [user.address], MESSAGE)
    user.wait(1)
    assert not house.sink.messages and len(files(house)) == COUNT
    assert not [line for line in house.log_text("queued").splitlines() if " delivered " in line and "far.test" in line]
    house.gate.set()
    house.sink.wait(20)
    assert set(m.recipients[0].split("@")[1] for m in house.sink.messages) == {"far.test"}
    assert 0 < len(files(house)) < COUNT, "deliveries begin while most of it waits"
