"""The wall clock jumps by days while the queue is at work: nothing is returned for an age that it does not have, nothing is forgotten
until the clock comes there again, and no id is given twice. (The programs run with another clock: tests/harness/faults.c.)"""
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "crash"))
from harness import wait_for  # noqa: E402
from in_trouble import QueueInTrouble  # noqa: E402
from queue_alone import Home  # noqa: E402
from test_queue import MESSAGE  # noqa: E402

SENDER, ONE, SLOW = (f"{name}@example.test" for name in ("sender", "one", "slow"))
DAYS = 86400


@pytest.fixture(scope="module")
def home():
    shared = Home([SENDER, ONE, SLOW], {})
    yield shared
    shared.close()


@pytest.fixture
def queue(home):
    with QueueInTrouble(home, delay_warning="0") as running:
        yield running.begin()


def submit(queue, recipient):
    answer = queue.submit(SENDER, [recipient], MESSAGE)
    assert answer[0] == "ok", answer
    return answer[1]


def deferrals(queue, queue_id):
    return queue.count(rf" deferred queue={queue_id} ")


def wait_tried(queue, queue_id, times, seconds=15):
    """It is tried so many times more."""
    before = deferrals(queue, queue_id)
    wait_for(lambda: f"{times} more attempts of {queue_id}\n{queue.text()[-3000:]}", seconds,
             lambda: deferrals(queue, queue_id) >= before + times)


def deliver_one(queue):
    queue_id = submit(queue, ONE)
    queue.wait_log(rf" delivered queue={queue_id} to={ONE} ")
    return queue_id


def is_returned(queue):
    return re.search(r" (failed|bounced|double-bounce) queue=", queue.text())


def test_forward_by_more_than_the_life_of_a_message(queue):
    """Ten days in a moment are no ten days of attempts: what waits is tried again, and not returned."""
    waits = submit(queue, SLOW)
    wait_tried(queue, waits, 1)
    queue.faults.shift(10 * DAYS)
    wait_tried(queue, waits, 3)
    deliver_one(queue)
    comes = submit(queue, SLOW)
    wait_tried(queue, comes, 1)
    assert not is_returned(queue), queue.text()[-3000:]
    assert {path.name for path in queue.waiting()} == {waits, comes}


def test_back_again(queue):
    """What was to be tried in a second of the wrong time is not left until then."""
    queue.faults.shift(10 * DAYS)
    waits = submit(queue, SLOW)
    wait_tried(queue, waits, 1)
    queue.faults.shift(0)
    wait_tried(queue, waits, 2)
    deliver_one(queue)
    assert not is_returned(queue), queue.text()[-3000:]


def test_back_by_more_than_the_life_of_a_message(queue):
    """It has come tomorrow, as the clock now says: it is tried all the same, through a restart too."""
    waits = submit(queue, SLOW)
    wait_tried(queue, waits, 1)
    queue.faults.shift(-10 * DAYS)
    wait_tried(queue, waits, 2)
    queue.stop()
    queue.begin()
    wait_tried(queue, waits, 2)
    deliver_one(queue)
    assert not is_returned(queue), queue.text()[-3000:]


def test_no_id_comes_twice(queue):
    """Within one start they rise, whatever the clock does; a second start at the same moment gives others."""
    given = []
    for start in range(2):
        ids = []
        for shift in (0, 10 * DAYS, -10 * DAYS, 0):
            queue.faults.shift(shift)
            ids += [deliver_one(queue) for _ in range(3)]
        assert ids == sorted(ids), ids
        given += ids
        if start == 0:
            queue.stop()
            queue.faults.shift(0)
            queue.begin()
    assert len(set(given)) == len(given) == 24
