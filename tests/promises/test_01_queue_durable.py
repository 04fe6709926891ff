"""Promise 1 for the queue: what was answered is on the disk. (Every state that a crash may leave: ../crash/test_queue_states.py.)"""
import contextlib
import os
import pathlib
import pwd
import random
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from harness import Suite, strace, wait_for  # noqa: E402
from test_queue import Intake, files  # noqa: E402


@pytest.fixture(scope="module")
def own():
    """A suite of its own: its queue is killed."""
    with Suite("durable", {"retry_first": "1s"}) as running:
        running.user("first")
        yield running
        assert not running.findings()


def trace(suite, options):
    """strace on all processes of queued; wait() before use."""
    return strace.attach(suite.pids("postern-queued"), "-f", *options)


def end(process):
    process.terminate()
    process.wait(10)


CALLS = ["-y", "-s", "400", "-e", "trace=openat,write,writev,pwrite64,pwritev,fsync,fdatasync,sendmsg"]


def calls(lines, pattern):
    """The numbers of the lines that match."""
    return [n for n, line in enumerate(lines) if re.search(pattern, line)]


def traced(suite, path, action):
    """The system calls of queued while action() runs, and what that returned."""
    process = trace(suite, ["-o", str(path), *CALLS])
    try:
        result = action()
    finally:
        end(process)
    return path.read_text().splitlines(), result


def submit(suite, message):
    user = suite.user()
    with Intake(suite) as client:
        queue_id = client.submit("a@example.test", [user.address], message)
    user.wait(1)
    return queue_id


def test_a_small_message_is_in_the_journal_before_the_answer(own, tmp_path):
    """And that costs one fdatasync: none of its file, none of a directory."""
    lines, queue_id = traced(own, tmp_path / "calls", lambda: submit(own, b"Subject: x\r\n\r\nhello\r\n"))
    written = calls(lines, rf"writev\(.*/{queue_id}>")
    noted = calls(lines, rf"pwritev\(.*/journal/[01]>.*record [0-9a-f]{{16}} {queue_id} ")
    synced = calls(lines, r"fdatasync\(.*/journal/[01]>")
    answered = calls(lines, r"sendmsg\(.*ok\\0004\\0")
    assert written and noted and synced and answered, "\n".join(lines)
    assert max(*written, *noted) < synced[0] < answered[0], "\n".join(lines)
    queue = re.escape(str(own.queue))
    assert calls(lines[:answered[0]], rf"sync\([0-9]+<{queue}/.*= 0") == [synced[0]], "\n".join(lines)


LARGE = b"Subject: x\r\n\r\n" + b"hello\r\n" * 30000


def test_a_large_message_is_in_the_maildir_before_the_answer(own, tmp_path):
    """deliver says so only when it is durable there (../crash/test_maildir_states.py); the queue syncs nothing of it."""
    lines, queue_id = traced(own, tmp_path / "calls", lambda: submit(own, LARGE))
    delivered = calls(lines, rf"delivered queue={queue_id} ")
    answered = calls(lines, r"sendmsg\(.*ok\\0004\\0")
    assert delivered and answered and delivered[0] < answered[0], "\n".join(lines)
    assert not calls(lines, rf"sync\(.*(/{queue_id}|/queue/{queue_id[8]})>"), "\n".join(lines)


@pytest.fixture
def queue_first(own):
    own.set("maildir_first", "0")
    own.restart("queued")
    yield
    own.set("maildir_first", None)
    own.restart("queued")


def test_a_large_message_and_its_name_are_synced_before_the_answer(own, queue_first, tmp_path):
    lines, queue_id = traced(own, tmp_path / "calls", lambda: submit(own, LARGE))
    written = calls(lines, rf"(write|writev|pwrite64)\(.*/{queue_id}>")
    synced = calls(lines, rf"fdatasync\(.*/{queue_id}>")
    named = calls(lines, rf"fsync\(.*/queue/{queue_id[8]}>")
    answered = calls(lines, r"sendmsg\(.*ok\\0004\\0")
    assert written and synced and named and answered, "\n".join(lines)
    assert max(written) < synced[0] < named[0] < answered[0], "\n".join(lines)


def test_messages_that_come_together_share_a_sync(own, tmp_path):
    """The disk is slow: what comes while it is at work waits for one more turn, however much that is."""
    log = tmp_path / "calls"
    user = own.user()
    clients = [Intake(own) for _ in range(30)]
    for client in clients:
        assert client.envelope("a@example.test", [user.address])[0] == "ok"
        client.data(b"Subject: x\r\n\r\nhello\r\n")
    process = trace(own, ["-o", str(log), "-y", "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=300000"])
    try:
        for client in clients:
            client.send("commit", "4")
        assert all(client.receive()[:2] == ["ok", "4"] for client in clients)
    finally:
        end(process)
    assert 1 <= len(calls(log.read_text().splitlines(), r"fdatasync\(.*/journal/[01]>\) += 0")) <= 3
    user.wait(30)


def test_the_journal_is_blanked_after_the_files_and_their_names_are_synced(own, tmp_path):
    """A message that waits: when its round is ended, first its file, then its part, then the head of the journal."""
    user = own.user()
    own.down("authd")
    try:
        with Intake(own) as client:
            queue_id = client.submit("a@example.test", [user.address], b"Subject: x\r\n\r\nhello\r\n")
        lines, _ = traced(own, tmp_path / "calls", lambda: own.restart("queued"))
    finally:
        own.up("authd")
    synced = calls(lines, rf"fdatasync\(.*/{queue_id}>\) = 0")
    named = calls(lines, rf"fsync\(.*/queue/{queue_id[8]}>\) = 0")
    blanked = calls(lines, r'pwrite64\(.*/journal/[01]>, "\\0')
    durable = calls(lines, r"fdatasync\(.*/journal/[01]>\) = 0")
    assert synced and named and blanked and durable, "\n".join(lines)
    assert synced[0] < named[0] < blanked[0] < durable[0], "\n".join(lines)


def test_a_sync_that_fails_is_no_answer_and_leaves_nothing(own):
    """(The call that strace changes is one that the filter kills: the worker dies in the middle of it.)"""
    user = own.user()
    before = set(files(own))
    process = trace(own, ["-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO"])
    try:
        with Intake(own) as client:
            assert client.envelope("a@example.test", [user.address])[0] == "ok"
            client.data(b"Subject: x\r\n\r\nhello\r\n")
            assert client.ask("commit", "4")[:3] == ["later", "4", "4.3.1"]
    finally:
        end(process)
    assert set(files(own)) == before and not user.messages()


def test_a_full_disk_is_temporary():
    """A queue on a file system of 1 MiB: what does not fit gets a 4xx and leaves nothing; then mail goes on."""
    small = Suite("small", {"free_space": "0", "retry_first": "1s"})
    owner = pwd.getpwnam("postern-queue")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,mode=700,uid={owner.pw_uid},gid={owner.pw_gid}", "tmpfs", small.queue],
                   check=True)
    try:
        with small:
            user = small.user()
            with Intake(small) as client:
                for size in (600000, 5000000):
                    answer = client.envelope("a@example.test", [user.address])
                    assert answer[0] == "ok"
                    client.data(b"Subject: x\r\n\r\n" + b"x" * size)
                    assert client.ask("commit", "4")[:2] == (["ok", "4"] if size < 1000000 else ["later", "4"])
                client.submit("a@example.test", [user.address], b"Subject: y\r\n\r\nafter\r\n")
            user.wait(2)
            wait_for("the queue to be empty", 20, lambda: not files(small))
    finally:
        subprocess.run(["umount", "-l", small.queue], check=True)


@pytest.mark.long
def test_kill_at_random_loses_nothing(own):
    """The queue's processes are killed at random while messages come in: all that were answered arrive whole."""
    user = own.user()
    answered, stop = [], threading.Event()

    def run(number):
        count = 0
        while not stop.is_set():
            count += 1
            word = f"message-{number}-{count}-end"
            try:
                with Intake(own) as client:
                    client.submit("a@example.test", [user.address], f"Subject: {word}\r\n\r\n{word * 300}\r\n".encode())
                answered.append(word)
            except (OSError, AssertionError, IndexError):
                time.sleep(0.02)

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    chance = random.Random(1)
    for _ in range(12):
        time.sleep(0.7)
        pids = own.pids(chance.choice(["postern-queued", "postern-queued", "postern-deliver"]))
        if pids:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(chance.choice(pids), signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    own.wait_up(["queued"])
    assert len(answered) > 50

    def missing():
        words = set()
        for text in user.messages():
            word = re.search(rb"Subject: (\S+)", text).group(1)
            assert text.replace(b"\r\n", b"\n").endswith(word * 300 + b"\n"), text
            words.add(word.decode())
        return set(answered) - words

    wait_for(lambda: f"{missing()} to arrive of {len(answered)}\n{own.log_text('queued')[-3000:]}", 60, lambda: not missing())
    wait_for("the queue to be empty", 60, lambda: not files(own))
