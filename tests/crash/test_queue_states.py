"""Promise 1 on the real program: its system calls are recorded while messages come and go, every state of the queue's directory
that a power cut may leave at each point is built, and postern-queued is started on it. What was answered is delivered or waits;
nothing half is delivered; what is set aside as damaged was never answered. Which calls make a message durable is not the test's business.

POSTERN_STATES: how many states (0: all that are found)."""
import concurrent.futures
import os
import pathlib
import random
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
import disk  # noqa: E402
from calls import Reader, calls, strace  # noqa: E402
from harness import wait_for  # noqa: E402
from queue_alone import Home, QueueAlone  # noqa: E402
from test_queue import Intake  # noqa: E402

STATES = int(os.environ.get("POSTERN_STATES", "150"))
TOGETHER = 4
SENDER, ONE, TWO, THREE, SLOW = (f"{name}@example.test" for name in ("sender", "one", "two", "three", "slow"))
ALIAS, UNKNOWN, FAR = "alias@example.test", "not-here@example.test", "somebody@far.test"


class Sent:
    """A message that was submitted, and what must become of it."""

    def __init__(self, name, recipients, size, local, waits=(), fails=()):
        self.name, self.recipients = name, recipients
        self.local, self.waits, self.fails = set(local), set(waits), set(fails)
        self.text = (f"Subject: {name}\r\n\r\n" + f"{name} line of a message\r\n" * (size // 24)).encode()
        self.id, self.answered = None, None


def messages():
    return [Sent("single", [ONE], 300, [ONE]),
            Sent("many", [ONE, ALIAS, UNKNOWN], 5000, [ONE, TWO, THREE], fails=[UNKNOWN]),
            Sent("away", [FAR, TWO], 300, [TWO], waits=[FAR]),
            Sent("large", [THREE], 100000, [THREE]),
            Sent("later", [SLOW, ALIAS], 300, [TWO, THREE], waits=[SLOW])]


@pytest.fixture(scope="module")
def home():
    shared = Home([SENDER, ONE, TWO, THREE, SLOW, "postmaster@example.test"], {ALIAS: [TWO, THREE]})
    yield shared
    shared.close()


def submit(queue, message):
    """Begins to send it; the answer to commit is still to be read."""
    client = Intake(queue)
    answer = client.envelope(SENDER, message.recipients)
    assert answer[:2] == ["ok", "3"], answer
    message.id = answer[2]
    client.data(message.text)
    client.send("commit", f"commit-{message.name}")
    return client


def socket_of(operation):
    """Each worker has one, and counts its own jobs."""
    return operation.call.arguments.split(",", 1)[0]


class Record:
    """The scenario, run once under strace."""

    def __init__(self, home, log):
        self.queue = QueueAlone(home)
        self.sent = messages()
        self.queue.start()  # makes what it needs; not recorded
        self.queue.stop()
        self.names, self.contents = disk.snapshot(self.queue.queue)
        self.queue.start(before=strace(log))
        self.play()
        self.queue.stop()
        self.operations = Reader(self.queue.queue, self.names).read(calls(log))
        self.history = disk.History(self.names, self.contents, self.operations)
        self.notice()

    def play(self):
        first = [submit(self.queue, message) for message in self.sent[:3]]
        for client in first:
            assert client.receive()[0] == "ok"
        for message in self.sent[3:]:
            with submit(self.queue, message) as client:
                assert client.receive()[0] == "ok"
        # One that is given up.
        with Intake(self.queue) as client:
            assert client.envelope(SENDER, [ONE])[0] == "ok"
            client.data(b"Subject: given up\r\n\r\n")
        wait_for(lambda: f"the bounce\n{self.queue.text()}", 30,
                 lambda: any(UNKNOWN.encode() in d.text for d in self.queue.delivered()))
        wait_for(lambda: f"two attempts of what waits\n{self.queue.text()}", 30,
                 lambda: all(len(re.findall(rf"deferred queue={m.id} ", self.queue.text())) >= 2 for m in self.sent if m.waits))

    def notice(self):
        """When each message was answered, and each delivery was known to be done."""
        self.done, asked = [], {}
        for o in self.operations:
            if o.kind == "sent" and o.fields[0] == b"ok" and o.fields[1].startswith(b"commit-"):
                name = o.fields[1].decode().removeprefix("commit-")
                next(m for m in self.sent if m.name == name).answered = o.began
            elif o.kind == "sent" and o.fields[0] == b"deliver":
                asked[socket_of(o), o.fields[1]] = (o.fields[2].decode(), o.fields[4].decode())
            elif o.kind == "received" and o.fields[0] == b"result" and o.fields[2] == b"done" and (socket_of(o), o.fields[1]) in asked:
                self.done.append((o.ended, *asked[socket_of(o), o.fields[1]]))
        assert all(m.answered for m in self.sent), "an answer was not recorded"
        assert len(self.done) == len(self.queue.delivered())

    def duties(self, moment):
        """(answered names, deliveries that were done) at that line of the record."""
        return ({m.name for m in self.sent if m.answered <= moment},
                {(queue_id, address) for ended, queue_id, address in self.done if ended <= moment})


class State:
    """A state of the disk; `cases` are what was answered and done at the moments that may leave it."""

    def __init__(self, kept):
        self.kept, self.cases = kept, []


def collect(record):
    found = {}
    for moment, key, kept in disk.states(record.history):
        state = found.setdefault(key, State(kept))
        duties = record.duties(moment)
        if duties not in state.cases:
            state.cases.append(duties)
    return list(found.values())


class Trial:
    """postern-queued on one state, until nothing more is to be expected."""

    def __init__(self, home, record, state):
        self.record, self.state = record, state
        self.tree = record.history.build(state.kept)
        self.before = record.queue.delivered()
        self.queue = QueueAlone(home, retry_first="1h", retry_most="1h")
        self.texts = {m.id: m.text for m in record.sent}

    def run(self, patience=30):
        try:
            disk.write(self.tree, self.queue.queue)
            self.queue.start(wait=False)
            wait_for(lambda: f"{self.lacking()}\n{self.describe()}", patience, self.is_well)
            return self.faults()
        except AssertionError as trouble:
            return [str(trouble)]
        finally:
            self.queue.close()

    def describe(self):
        files = {path: None if content is None else (len(content), content[:90]) for path, content in self.tree.items()
                 if "/" in path and not path.startswith("journal/")}
        return f"state: {files}\n{self.queue.text()}"

    def is_well(self):
        """It has started, has tried all that it has, and lacks nothing."""
        text = self.queue.text()
        if " started" not in text:
            return False
        tried = set(re.findall(r" deferred queue=(\S+)", text))
        # Waiting ones may be due later: what they are is in their file.
        return all(path.name in tried or self.is_waiting(path) for path in self.queue.files() if path.parent.name != "damaged") \
            and not self.lacking()

    def is_waiting(self, path):
        try:
            return any(m.id == path.name and m.waits for m in self.record.sent) and b"\nrcpt - " in path.read_bytes()
        except FileNotFoundError:
            return False

    def lacking(self):
        after = self.queue.delivered()
        files = {path.name: path for path in self.queue.files() if path.parent.name != "damaged"}
        found = []
        for answered, done in self.state.cases:
            letters = [d for d in self.before if (d.id, d.address) in done] + after
            have = done | {(d.id, d.address) for d in after}
            for m in self.record.sent:
                if m.name in answered:
                    found += [f"{m.name} has not come to {a}" for a in m.local if (m.id, a) not in have]
                    found += [f"{m.name} does not wait for {a}" for a in m.waits if not self.waits_for(files.get(m.id), a)]
                    found += [f"nobody told of {a}" for a in m.fails if not any(a.encode() in d.text and m.id.encode() in d.text
                                                                               for d in letters)]
        return found

    @staticmethod
    def waits_for(path, address):
        try:
            text = path.read_bytes() if path else b""
        except FileNotFoundError:
            return False
        return re.search(rb"^rcpt [-W] [^\n]* <" + re.escape(address.encode()) + b">", text, re.M) is not None

    def faults(self):
        # One that is torn and bears a mark might be an answered one that the disk has hurt: it is kept for a person, and was never answered.
        answered = {m.id for m in self.record.sent if any(m.name in names for names, _ in self.state.cases)}
        found = [f"damaged/{path.name}" for path in (self.queue.queue / "damaged").glob("*") if path.name in answered]
        for d in self.queue.delivered():
            if d.id in self.texts and d.text != self.texts[d.id]:
                found.append(f"half a message {d.id} to {d.address}")
            if d.id in self.texts and d.address not in next(m for m in self.record.sent if m.id == d.id).local:
                found.append(f"{d.id} to {d.address}, who is no recipient")
            counted = sum((d.id, d.address) == (o.id, o.address) for o in self.queue.delivered())
            if counted > 1:
                found.append(f"{d.id} to {d.address} {counted} times in one run")
        if re.search(r"Sanitizer|runtime error|fault:", self.queue.text()):
            found.append("a report of the sanitizers")
        return [fault + "\n" + self.describe() for fault in found]


def chosen(found):
    if STATES == 0 or len(found) <= STATES:
        return found
    return random.Random(2).sample(found, STATES)


@pytest.fixture(scope="module")
def record(home, tmp_path_factory):
    made = Record(home, tmp_path_factory.mktemp("record") / "calls")
    yield made
    made.queue.close()


def test_every_state_that_a_power_cut_may_leave(home, record):
    found = collect(record)
    tried = chosen(found)
    print(f"{len(record.history.operations)} operations, {len(record.history.moments())} moments, {len(found)} states, {len(tried)} tried")
    assert len(found) > 100
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        faults = [fault for faults in pool.map(lambda state: Trial(home, record, state).run(), tried) for fault in faults]
    assert not faults, f"{len(faults)} of {len(tried)}:\n" + "\n\n".join(faults[:5])


def test_the_test_notices_what_is_lost(home, record):
    """The state that would be left if no sync had done anything: the messages that were answered are missing."""
    state = State([])
    state.cases.append(record.duties(max(m.answered for m in record.sent)))
    faults = Trial(home, record, state).run(patience=3)
    assert faults and "has not come to" in faults[0] and "does not wait for" in faults[0]
