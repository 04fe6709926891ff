"""Promise 1 for the queue: what was answered is on the disk. (Every state that a crash may leave: issue 5.)"""
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
from harness import Suite, wait_for  # noqa: E402
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
    pids = [option for pid in suite.pids("postern-queued") for option in ("-p", str(pid))]
    process = subprocess.Popen(["strace", "-f", "-qq", *options, *pids], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for("strace", 10, lambda: all("TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text()
                                       for pid in suite.pids("postern-queued")))
    return process


def end(process):
    process.terminate()
    process.wait(10)


def test_file_and_name_are_synced_before_the_answer(own, tmp_path):
    user = own.user()
    log = tmp_path / "calls"
    process = trace(own, ["-y", "-s", "400", "-o", str(log), "-e", "trace=openat,write,writev,pwrite64,fsync,sendmsg"])
    with Intake(own) as client:
        queue_id = client.submit("a@example.test", [user.address], b"Subject: x\r\n\r\nhello\r\n")
    user.wait(1)
    end(process)
    lines = log.read_text().splitlines()
    written = [n for n, line in enumerate(lines) if "writev(" in line and f"/{queue_id}>" in line]
    synced = [n for n, line in enumerate(lines) if "fsync(" in line and f"/{queue_id}>" in line]
    named = [n for n, line in enumerate(lines) if "fsync(" in line and f"/queue/{queue_id[8]}>" in line]
    answered = [n for n, line in enumerate(lines) if "sendmsg(" in line and "ok\\0004\\0" in line]
    assert written and synced and named and answered, "\n".join(lines)
    assert max(written) < synced[0] < named[0] < answered[0], "\n".join(lines)
    assert not [n for n, line in enumerate(lines) if n > synced[0] and ("writev(" in line or "pwrite64(" in line) and queue_id in line]


def test_a_sync_that_fails_is_no_answer_and_leaves_nothing(own):
    """(The call that strace changes is one that the filter kills: the worker dies in the middle of it.)"""
    user = own.user()
    before = set(files(own))
    process = trace(own, ["-o", "/dev/null", "-e", "inject=fsync:error=EIO"])
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

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    chance = random.Random(1)
    for _ in range(12):
        time.sleep(0.7)
        pids = own.pids(chance.choice(["postern-queued", "postern-queued", "postern-deliver"]))
        if pids:
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
