"""Promise 1 for deliveries that come together, on real disks (../harness/cut_disk.py): a worker takes a group for several Maildirs, old
ones and new ones, some in folders of their own; the power goes when all are answered, and each message is there, whole, once."""
import os

import pytest

from harness.cut_disk import CutDisk
from test_group_faults import failing
from worker_alone import Request, WorkerAlone, copies, whole

SETTINGS = {"extension_folders": "create"}


def seen(root):
    """(path, message) of all in new/ and cur/; a half one is a failure."""
    found = []
    for directory, _, names in os.walk(root):
        for name in names if os.path.basename(directory) in ("new", "cur") else []:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                found.append((os.path.relpath(path, root), whole(path, file.read())))
    return found


@pytest.mark.parametrize("share", ["no", "yes"])
@pytest.mark.parametrize("journal", [True, False], ids=["journal", "no journal"])
def test_a_group_is_there_when_it_was_answered(suite, tmp_path, journal, share):
    users = [suite.user().address for _ in range(4)]
    with WorkerAlone(suite, share_files=share, **SETTINGS) as worker:
        disk = CutDisk(worker.mail_root, tmp_path / "image", journal)
        try:
            worker.run([Request(users[0])])  # one has a Maildir
            first = Request(users[0])
            requests = [first, first.copy(users[1]), Request(users[2], size=30000), Request(users[3].replace("@", "+Work@"), folder="Work"),
                        Request(users[1], size=9000), Request(users[0])]
            answers, status = worker.run(requests)
            assert status == 0 and [answer.word for answer in answers.values()] == ["done"] * len(requests), worker.log.read_text()
            with disk.after_the_cut() as root:
                found = seen(root)
                assert [copies(request, found) for request in requests] == [1] * len(requests)
        finally:
            disk.end()


def test_bytes_that_do_not_come_to_the_disk_concern_their_own_message(suite, tmp_path):
    """Whether it is told when they are begun to be written, or when that is waited for."""
    users = [suite.user().address for _ in range(3)]
    with WorkerAlone(suite, **SETTINGS) as worker:
        disk = CutDisk(worker.mail_root, tmp_path / "image", True)
        try:
            worker.run([Request(user) for user in users])  # they have Maildirs
            for when in range(1, 7):
                worker.forget(directories=False)
                requests = [Request(user) for user in users]
                answers, _ = worker.run(requests, before=failing("sync_file_range", "EIO", when))
                words = [answers[number].word for number in range(3)]
                assert sorted(words) == ["deferred", "done", "done"], (when, words)
                found = seen(worker.mail_root)
                assert [copies(request, found) for request in requests] == [word == "done" for word in words] and worker.left() == []
            requests = [Request(user) for user in users]
            answers, _ = worker.run(requests, before=failing("fsync", "EIO"))
            assert [answer.word for answer in answers.values()] == ["deferred"] * 3
            assert not any(copies(request, seen(worker.mail_root)) for request in requests)
        finally:
            disk.end()
