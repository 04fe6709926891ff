"""Promise 1, the store's part: the system calls of deliveries are recorded, and every state of the mail root that a power cut may leave
at each point is looked at. A message that was called delivered is there, whole, in directories that are there; nothing half is visible;
and on a choice of the states a second try delivers.

POSTERN_STATES: 0 for all moments; else a choice of them."""
import os
import random

import pytest

import disk
from calls import Reader, calls, strace
from worker_alone import Request, WorkerAlone, copies, place_of, whole

SETTINGS = {"extension_folders": "create", "new_folders": "Sent", "duplicate_window": "1h"}
TRIED = 5  # states on which a second try is made
MOMENTS = 15 if os.environ.get("POSTERN_STATES") != "0" else 0  # at which the power goes, beside those right before an answer


def requests(users):
    one, two, three = users
    both = Request(one)
    return [both, both.copy(two), Request(two, size=20000), Request(three.replace("@", "+Work@"), folder="Work"), Request(three),
            Request(one, size=5000)]


class Record:
    """Groups of deliveries in workers one after the other: Maildirs that are new, then old ones; in groups of `size`."""

    def __init__(self, worker, users, size, log):
        worker.run([Request(users[0])])  # one user has a Maildir
        worker.forget(directories=False)
        self.worker = worker
        names, contents = disk.snapshot(worker.mail_root)
        self.operations, self.answered = [], []
        self.sent = requests(users)
        parts = [self.sent[at:at + size] for at in range(0, len(self.sent), size)]
        reader = Reader(worker.mail_root, names)
        for number, part in enumerate(parts):
            path = log / str(number)
            answers, status = worker.run(part, before=[*strace(path), "-u", "vmail"])
            assert status == 0 and [a.word for a in answers.values()] == ["done"] * len(part), worker.log.read_text()
            found = calls(path)
            base = (number + 1) * 1000000  # each record counts its lines anew
            for call in found:
                call.began += base
                call.ended += base
            for operation in reader.read(found)[len(self.operations):]:
                self.operations.append(operation)
                if operation.kind == "sent" and operation.fields[0] == b"result":
                    self.answered.append((operation.began, part[int(operation.fields[1])]))
        assert len(self.answered) == len(self.sent)
        self.history = disk.History(names, contents, self.operations)

    def moments(self):
        every = self.history.moments()
        if MOMENTS == 0:
            return every
        before_answers = {max(m for m in every if m < began) for began, _ in self.answered}
        return sorted(before_answers | set(random.Random(3).sample(every, MOMENTS)))

    def promised(self, moment):
        return [request for began, request in self.answered if began <= moment]


def reachable(tree):
    """What a program finds: files whose directories are there."""
    there = {""}
    for path in sorted(tree):
        if tree[path] is None and os.path.dirname(path) in there:
            there.add(path)
    return {path: content for path, content in tree.items() if content is not None and os.path.dirname(path) in there}


def seen_in(tree):
    visible = [(path, content) for path, content in reachable(tree).items() if os.path.basename(os.path.dirname(path)) in ("new", "cur")]
    return [(path, whole(path, content)) for path, content in visible]


@pytest.fixture(scope="module")
def users(suite):
    return [suite.user().address for _ in range(3)]


@pytest.mark.parametrize("size,share", [(6, "no"), (6, "yes"), (2, "no")])
def test_every_state_that_a_power_cut_may_leave(suite, users, tmp_path, size, share):
    with WorkerAlone(suite, share_files=share, **SETTINGS) as worker:
        record = Record(worker, users, size, tmp_path)
        states = list(disk.states(record.history, moments=record.moments()))
        for moment, _, kept in states:
            seen = seen_in(record.history.build(kept))
            for request in record.promised(moment):
                assert copies(request, seen) == 1, f"line {moment}: {request.mark} was answered and is not in {place_of(request)}"
            assert all(copies(request, seen) <= 1 for request in record.sent)
        assert len(states) > 100
        for moment, _, kept in random.Random(1).sample(states, TRIED):
            worker.forget()
            disk.write(record.history.build(kept), worker.mail_root)
            for directory, folders, names in os.walk(worker.mail_root):
                for name in folders + names:
                    worker.own(os.path.join(directory, name))
            again = requests(users)
            answers, status = worker.run(again)
            assert status == 0 and [a.word for a in answers.values()] == ["done"] * len(again), worker.log.read_text()


def test_the_test_notices_what_is_lost(suite, users, tmp_path):
    """Without what the syncs did the answered messages are missing, and with names alone half ones are visible."""
    with WorkerAlone(suite, **SETTINGS) as worker:
        record = Record(worker, users, 6, tmp_path)
        last = max(began for began, _ in record.answered)
        everything = record.history.units
        renames = [unit for unit in everything if unit.operation.kind == "rename"]
        assert renames and not any(copies(r, seen_in(record.history.build([]))) for r in record.promised(last))
        names = [unit for unit in everything if unit.operation.kind in disk.NAMES]
        with pytest.raises(AssertionError, match="half a message"):
            seen_in(record.history.build(names))
