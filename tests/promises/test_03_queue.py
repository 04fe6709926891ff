"""Promise 3 for the queue: when the disk is full or fails, descriptors or memory run out, the client hears a 4xx or what was accepted
waits. Nothing that was accepted is lost or damaged, and nobody is told that his mail failed. Each system call fails once, by its number."""
import concurrent.futures
import itertools
import os
import pathlib
import re
import shutil
import sys

import pytest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "crash")]
from harness import wait_for, without_sanitizers  # noqa: E402
from harness.faults import EVERY  # noqa: E402
from in_trouble import QueueInTrouble  # noqa: E402
from queue_alone import Home  # noqa: E402

SENDER, ONE, TWO, THREE = (f"{name}@example.test" for name in ("sender", "one", "two", "three"))
ALIAS, UNKNOWN = "alias@example.test", "not-here@example.test"
TOGETHER = 4
MOST = 80  # of one kind of call for a message; beyond it the test would count what has nothing to do with it


@pytest.fixture(scope="module")
def home():
    shared = Home([SENDER, ONE, TWO, THREE, "postmaster@example.test"], {ALIAS: [TWO, THREE]})
    yield shared
    shared.close()


@pytest.fixture(scope="module")
def queue(home):
    with QueueInTrouble(home) as running:
        yield running.begin()


def text_of(name, size=6000):
    return (f"Subject: {name}\r\n\r\n" + f"{name} line of a message\r\n" * (size // 24)).encode()


def check(queue, name, text, recipients, failing=()):
    """All have it, whole; the sender was told of those who do not exist and of nobody else."""
    delivered = queue.delivered()
    mine = [d for d in delivered if d.address in (ONE, TWO, THREE) and name.encode() in d.text]
    assert {d.address for d in mine} == set(recipients), f"{name}, {queue.faults.last}\n{queue.text()[-4000:]}"
    assert all(d.text == text for d in mine), f"{name}: half a message, {queue.faults.last}"
    letters = b"\n".join(d.text for d in delivered if d.address not in (ONE, TWO, THREE))
    for address in failing:
        assert b"Final-Recipient: rfc822; " + address.encode() in letters, f"{name}: nobody was told of {address}, {queue.faults.last}"
    assert not [a for a in recipients if f"Final-Recipient: rfc822; {a}".encode() in letters], f"{name}: {queue.faults.last}\n{letters}"
    assert not list((queue.queue / "damaged").iterdir()), queue.faults.last


def start_anew_without_journal(queue):
    """A file of the journal that has failed is not used until the next start: all numbers are to meet the same queue."""
    if re.search(r" journal-(failed|not-emptied) ", queue.text()):
        queue.stop()
        queue.log.unlink()
        queue.begin()


def attempt(queue, name, kinds, error, number):
    """A message while the call with this number fails. False: there was none of that number."""
    queue.forget_delivered()
    text = text_of(name)
    queue.faults.fail(kinds, error, after=number, under="" if "memory" in kinds or "socket" in kinds else queue.queue)
    answer = queue.submit(SENDER, [ONE, ALIAS, UNKNOWN], text)
    queue.settle()
    queue.faults.well()
    queue.settle()
    assert answer[0] in ("ok", "later", "lost") and (answer[0] != "later" or answer[1].startswith("4.")), (answer, queue.faults.last)
    if answer[0] == "ok":
        check(queue, name, text, [ONE, TWO, THREE], [UNKNOWN])
    start_anew_without_journal(queue)
    return queue.faults.failed > 0


SWEEPS = [("open", "EMFILE", 5), ("open", "EIO", 5), ("read", "EIO", 3), ("write", "ENOSPC", 5), ("write", "EIO", 5), ("sync", "EIO", 1),
          ("remove", "EIO", 2), ("memory", "ENOMEM", 0), ("accept socket", "EMFILE", 1)]


@without_sanitizers("the sanitizers' run-time ends a program without memory or files")
@pytest.mark.parametrize("kinds, error, least", SWEEPS, ids=[f"{kinds}-{error}" for kinds, error, _ in SWEEPS])
def test_each_call_that_fails(queue, kinds, error, least):
    """One message to a user, an alias and nobody: the first call of the kind fails, then the second, until none is left to fail."""
    for number in itertools.count(1):
        if number == MOST or not attempt(queue, f"{kinds.replace(' ', '-')}-{error}-{number}", kinds, error, number):
            break
    print(kinds, error, number - 1)
    assert number > least, "too few were counted: does the test still see the calls?"


def test_a_disk_that_is_full_for_a_while(queue):
    """What waits goes on waiting and is not returned, what comes gets a 4xx; when there is room again all of it is delivered."""
    queue.forget_delivered()
    before = len(queue.text())

    def ids(events):
        return set(re.findall(rf" (?:{events}) queue=(\w+)", queue.text()[before:]))

    def tried():
        """A flush passes over what is at work; deferred after it, it waits for the next one."""
        queue.flush()
        return ids("mark-not-written|alias-not-written")
    with queue.without_authd():
        for number in range(5):
            assert queue.submit(SENDER, [ONE, ALIAS], text_of(f"waits-{number}"))[0] == "ok"
        wait_for(lambda: f"all to wait:\n{queue.text()[before:][-3000:]}", 20, lambda: len(ids("deferred")) == 5)
        # Before anybody can be tried.
        queue.faults.fail("write sync truncate", "ENOSPC", times=EVERY, under=queue.queue)
    wait_for(lambda: f"all to be tried:\n{queue.text()[before:][-3000:]}", 60, lambda: len(tried()) == 5)
    answer = queue.submit(SENDER, [ONE], text_of("refused"))
    assert answer[:2] == ["later", "4.3.1"], answer
    queue.faults.well()
    queue.settle()
    for number in range(5):
        check(queue, f"waits-{number}", text_of(f"waits-{number}"), [ONE, TWO, THREE])
    assert not [d for d in queue.delivered() if b"refused" in d.text]


# --- the start -------------------------------------------------------------------------------------------

TORN = {
    "name": lambda path: path.unlink(),
    "mark": lambda path: path.write_bytes(bytes(56) + path.read_bytes()[56:]),
    "end": lambda path: os.truncate(path, path.stat().st_size - 20),
    "none": lambda path: None,
}


@pytest.fixture(scope="module")
def crashed(home, tmp_path_factory):
    """A queue as a power cut may leave it: messages that were answered, whose own files are gone or torn. (directory, names)"""
    kept = tmp_path_factory.mktemp("crashed") / "queue"
    with QueueInTrouble(home) as queue:
        queue.begin()
        with queue.without_authd():
            ids = {what: queue.submit(SENDER, [ONE], text_of(f"torn-{what}", 1000))[1] for what in TORN}
        queue.stop()
        for what, queue_id in ids.items():
            TORN[what](queue.queue / queue_id[8] / queue_id)
        shutil.copytree(queue.queue, kept)
    return kept


def start_in_trouble(home, crashed, kinds, number):
    """False: so many calls are not made. What was answered is delivered after the next start at the latest."""
    with QueueInTrouble(home, sync_workers="1") as queue:
        shutil.copytree(crashed, queue.queue, dirs_exist_ok=True)
        queue.faults.fail(kinds, "EIO", after=number, under=queue.queue / "journal")
        queue.begin(wait=False)
        queue.settle()
        failed = queue.faults.failed > 0
        queue.faults.well()
        if len({d.text for d in queue.delivered()}) < len(TORN):
            queue.stop()
            queue.begin()
            queue.settle()
        for what in TORN:
            mine = [d for d in queue.delivered() if f"torn-{what} ".encode() in d.text]
            assert mine, f"torn-{what} is lost, {kinds} {number}: {queue.faults.last}\n{queue.text()[-4000:]}"
            assert all(d.text == text_of(f"torn-{what}", 1000) for d in mine)
        assert not [d for d in queue.delivered() if d.address != ONE], queue.text()[-4000:]
    return failed


@pytest.mark.parametrize("kinds, most", [("read", 20), ("write sync", MOST), ("open remove rename", MOST)])
def test_a_journal_that_cannot_be_read_or_emptied_is_kept(home, crashed, kinds, most):
    """(Of the reads the first ones: behind the records come empty blocks, one read each.)"""
    hit = []
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        for first in range(1, most, TOGETHER):
            hit += pool.map(lambda number: start_in_trouble(home, crashed, kinds, number), range(first, first + TOGETHER))
            if not all(hit):
                break
    print(kinds, hit.count(True))
    assert hit.count(True) > 3
