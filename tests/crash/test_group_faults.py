"""A group of deliveries in one worker, killed at each of its system calls, with calls that fail, on a full disk, and with the folder
removed under it: no half message is visible, none that was answered is missing, nothing is called permanent, and a second try
delivers (promises 1, 2 and 3, the store's part)."""
import platform
import subprocess

import pytest

from harness.process import compile_helper
from worker_alone import Request, WorkerAlone, copies, place_of, whole

SETTINGS = {"extension_folders": "create", "new_folders": "Sent, Trash"}
# A call that strace makes fail reaches the kernel as number -1, for which seccomp kills: such a run goes without confinement.
UNCONFINED = ["-e", "inject=prctl,landlock_restrict_self:retval=0"]

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls are stopped at on x86-64 only")


@pytest.fixture(scope="module")
def users(suite):
    return [suite.user().address for _ in range(3)]


def group(users):
    """Four messages for three mailboxes, one of them to two recipients, one into a folder."""
    one, two, three = users
    both = Request(one)
    return [both, both.copy(two), Request(three, size=100000), Request(three.replace("@", "+Work@"), folder="Work")]


def at_call(number, act, count="-"):
    return [compile_helper("at_call"), "vmail", str(number), str(count), act]


def seen_in(worker):
    return [(path, whole(path, content)) for path, content in worker.visible()]


def check(worker, requests, answers):
    """What was answered is there once, what was not at most once."""
    seen = seen_in(worker)
    for number, request in enumerate(requests):
        there, answer = copies(request, seen), answers.get(number)
        assert answer is None or answer.word != "failed", answer
        if answer is not None and answer.word == "done":
            assert there == 1, f"{answer} and {there} are visible"
        elif answer is not None:
            assert there == 0, f"{answer} and it is visible"
        else:
            assert there <= 1


def count_calls(worker, users, tmp_path):
    answers, status = worker.run(group(users), before=at_call(0, "kill", tmp_path / "count"))
    assert status == 0 and [a.word for a in answers.values()] == ["done"] * 4
    return int((tmp_path / "count").read_text())


@pytest.mark.long
@pytest.mark.parametrize("fresh,share", [(True, "no"), (False, "yes")])
def test_killed_at_each_call(suite, users, tmp_path, fresh, share):
    with WorkerAlone(suite, share_files=share, **SETTINGS) as worker:
        if not fresh:
            worker.run(group(users))
        calls = count_calls(worker, users, tmp_path)
        assert calls > (150 if fresh else 80)
        for number in range(1, calls + 1):
            worker.forget(directories=fresh)
            requests = group(users)
            answers, status = worker.run(requests, before=at_call(number, "kill"))
            assert status == 137, number
            check(worker, requests, answers)
            if number % 5 == 0:
                again, status = worker.run(requests)
                assert status == 0 and len(again) == 4
                assert all(copies(r, seen_in(worker)) in (1, 2) for r in requests)


def failing(call, error, when=""):
    return ["strace", "-f", "-qq", "-u", "vmail", "-o", "/dev/null", *UNCONFINED, "-e", f"inject={call}:error={error}" + (f":when={when}" if when else "")]


@pytest.mark.long
@pytest.mark.parametrize("call", ["renameat", "openat", "fsync", "fstat", "write,writev", "linkat", "pread64"])
def test_a_call_that_fails_concerns_its_own_message(suite, users, call):
    if "san" in suite.build:
        pytest.skip("the sanitizer's run-time ends the program when its own calls fail")
    with WorkerAlone(suite, share_files="yes", **SETTINGS) as worker:
        worker.run(group(users))
        deferred, well = 0, 0
        for when in range(1, 40):
            if well == 6:
                break  # there is no such call any more

            worker.forget(directories=False)
            requests = group(users)
            # Without syncfs each is synced by itself.
            before = failing(call, "EIO", when)
            before[-1:] = [before[-1], "-e", "inject=syncfs:error=EIO"]
            answers, _ = worker.run(requests, before=before)
            check(worker, requests, answers)
            if len(answers) == 4:  # else it could not start
                assert worker.left() == []
                deferred += sum(a.word == "deferred" for a in answers.values())
                well = 0 if any(a.word == "deferred" for a in answers.values()) else well + 1
        assert deferred > 0 or call == "linkat"  # where no link can be the message is written again


def test_a_file_system_that_cannot_be_synced_as_a_whole(suite, users):
    with WorkerAlone(suite) as worker:
        requests = group(users)[:3]
        answers, _ = worker.run(requests, before=failing("syncfs", "EIO"))
        assert [a.word for a in answers.values()] == ["done"] * 3
        check(worker, requests, answers)


def test_no_sync_works(suite, users):
    """Nothing is known to be durable: all deferred, nothing visible, nothing left."""
    with WorkerAlone(suite) as worker:
        worker.run(group(users)[:3])
        worker.forget(directories=False)
        requests = group(users)[:3]
        before = failing("syncfs", "EIO") + ["-e", "inject=fsync:error=EIO"]
        answers, _ = worker.run(requests, before=before)
        assert [a.word for a in answers.values()] == ["deferred"] * 3
        assert worker.visible() == [] and worker.left() == []


def test_a_full_disk(suite, users):
    with WorkerAlone(suite) as worker:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k,mode=700,uid=vmail,gid=vmail", "postern-test", worker.mail_root], check=True)
        try:
            requests = [Request(address, size=70000) for address in users * 3]
            answers, status = worker.run(requests)
            check(worker, requests, answers)
            words = [a.word for a in answers.values()]
            assert status == 0 and words.count("done") >= 2 and words.count("deferred") >= 2, words
            assert {a.code for a in answers.values() if a.word == "deferred"} == {"4.3.1"} and worker.left() == []
            worker.forget(directories=False)
            again = [r for n, r in enumerate(requests) if answers[n].word == "deferred"]
            answers, _ = worker.run(again)
            check(worker, again, answers)
            assert [a.word for a in answers.values()] == ["done"] * len(again)
        finally:
            subprocess.run(["umount", "-l", worker.mail_root], check=True)


@pytest.mark.long
@pytest.mark.parametrize("gone", ["folder", "maildir"])
def test_the_folder_is_removed_under_it(suite, users, tmp_path, gone):
    """At each call: what was called delivered was there, then or now; what was not is delivered by a second try."""
    address = users[0].replace("@", "+Work@")
    with WorkerAlone(suite, **SETTINGS) as worker:
        worker.run([Request(address, folder="Work")], before=at_call(0, "kill", tmp_path / "count"))
        requests = [Request(address, folder="Work")]
        worker.run(requests, before=at_call(0, "kill", tmp_path / "count"))
        place = worker.mail_root / (place_of(requests[0]) if gone == "folder" else users[0].split("@")[1])
        saved = worker.directory / "saved"
        for number in range(1, int((tmp_path / "count").read_text()) + 1):
            request = Request(address, folder="Work")
            answers, status = worker.run([request], before=at_call(number, f"rm -rf {saved}; cp -a {place} {saved}; rm -rf {place}"))
            now = any(request.mark.encode() in content for _, content in worker.visible())
            then = any(request.mark.encode() in path.read_bytes() for path in saved.rglob("new/*"))
            assert status == 0 and answers[0].word in ("done", "deferred")
            assert answers[0].word == "deferred" or now or then, (number, answers)
            if answers[0].word == "deferred":
                assert worker.run([request])[0][0].word == "done"
            worker.run([Request(address, folder="Work")])
