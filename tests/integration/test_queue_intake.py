"""The intake: the journal after a kill and after a crash, room before the text, ids, and submitters who stand still."""
import contextlib
import os
import pwd
import re
import signal
import subprocess
import time

import pytest

from harness import Suite, strace, wait_for
from harness.suite import connectable
from test_queue import MESSAGE, Intake, files, wait_gone

LETTERS = "234567abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def own():
    """A suite of its own: its queue is killed and its files are torn. A small journal, so that rounds are short."""
    with Suite("intake", {"journal_size": "1M"}) as running:
        running.user("first")
        yield running
        assert not running.findings()


def kill_all(suite):
    """None of them makes an end of anything: the youngest first, that none sees its parent gone."""
    subprocess.run(["s6-svc", "-O", str(suite.services / "queued")], check=True)  # not to be started anew
    for pid in reversed(suite.pids("queued")):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for("the end of queued", 10, lambda: not suite.pids("queued"))


class Crash:
    """Messages that wait, and the queue killed: what stands in its directory may be changed within."""

    def __init__(self, suite, count=1, recipients=1):
        self.suite = suite
        self.users = [suite.user() for _ in range(recipients)]
        suite.down("authd")  # so that they wait
        with Intake(suite) as client:
            self.ids = [client.submit("a@example.test", [user.address for user in self.users], MESSAGE) for _ in range(count)]
        for queue_id in self.ids:
            suite.wait_log("queued", f"deferred queue={queue_id}")

    def __enter__(self):
        kill_all(self.suite)
        return self

    def __exit__(self, *_):
        self.suite.up("authd")
        self.suite.up("queued")

    def path(self, number=0):
        return self.suite.queue / self.ids[number][8] / self.ids[number]

    def arrived(self):
        return [len(user.messages()) for user in self.users]


def flush(suite, *ids):
    for queue_id in ids:
        suite.tool("queuectl", "flush", queue_id, check=False)


def rounds(suite):
    """The files of the journal that are in use."""
    return [path for path in sorted(suite.queue.glob("journal/[01]")) if path.read_bytes()[:16] == b"postern-journal "]


TORN = {
    "its name is lost": lambda path: path.unlink(),
    "nothing of it is there": lambda path: os.truncate(path, 0),
    "its end is lost": lambda path: os.truncate(path, path.stat().st_size - 20),
    "its middle is zeros": lambda path: path.write_bytes(path.read_bytes()[:100] + bytes(100) + path.read_bytes()[200:]),
    "its mark is lost": lambda path: path.write_bytes(bytes(56) + path.read_bytes()[56:]),
    "nothing is lost": lambda path: None,
}


@pytest.mark.parametrize("what", TORN)
def test_a_crash_that_tears_the_file_loses_nothing(own, what):
    with Crash(own) as crash:
        assert len(rounds(own)) >= 1
        TORN[what](crash.path())
    flush(own, *crash.ids)
    [message] = crash.users[0].wait(1)
    assert message.replace(b"\r\n", b"\n").endswith(MESSAGE.replace(b"\r\n", b"\n"))
    wait_gone(own, crash.ids[0])
    assert crash.arrived() == [1] and not (own.queue / "damaged" / crash.ids[0]).exists()


def test_a_record_that_is_torn_was_not_answered_and_is_no_message(own):
    """The second message's record is torn, its file is gone: the first and the third are made good."""
    with Crash(own, count=3) as crash:
        for number in range(3):
            crash.path(number).unlink()
        torn = 0
        for journal in rounds(own):
            data = journal.read_bytes()
            at = data.find(crash.ids[1].encode() + b" 0")
            if at > 0:
                journal.write_bytes(data[:at + 300] + b"?" + data[at + 301:])
                torn += 1
        assert torn == 1
    flush(own, crash.ids[0], crash.ids[2])
    crash.users[0].wait(2)
    wait_gone(own, crash.ids[0]), wait_gone(own, crash.ids[2])
    assert crash.arrived() == [2] and crash.ids[1] not in [path.name for path in files(own)]


def test_what_has_ended_does_not_come_back(own):
    """Delivered, and deleted by root, then killed: their records stand in the journal, and nobody gets them again."""
    user = own.user()
    with Intake(own) as client:
        delivered = client.submit("a@example.test", [user.address], MESSAGE)
    user.wait(1)
    wait_gone(own, delivered)
    with Crash(own) as crash:
        pass
    own.down("authd")
    with Intake(own) as client:
        deleted = client.submit("a@example.test", [user.address], MESSAGE)
        own.wait_log("queued", f"deferred queue={deleted}")
        own.tool("queuectl", "hold", deleted)
        own.tool("queuectl", "delete", deleted)
    kill_all(own)
    assert any(deleted.encode() in path.read_bytes() for path in rounds(own))
    own.up("authd")
    own.up("queued")
    flush(own, *crash.ids)
    crash.users[0].wait(1)
    assert len(user.messages()) == 1 and not {deleted, delivered} & {path.name for path in files(own)}


def test_when_queued_is_down_nothing_of_it_is_at_work(own):
    subprocess.run(["s6-svc", "-wd", "-d", str(own.services / "queued")], check=True, timeout=60)
    served = [path for path in ("queue/intake", "queue/submit", "queue/show", "queue/control") if connectable(own.run / path)]
    own.up("queued")
    assert not served


def test_the_end_of_queued_leaves_a_blank_journal(own):
    """Told to end, it syncs the files themselves: an administrator may then do with them what he likes."""
    user = own.user()
    own.down("authd")
    try:
        with Intake(own) as client:
            queue_id = client.submit("a@example.test", [user.address], MESSAGE)
        assert rounds(own)
        own.down("queued")
        wait_for("the intake to be gone", 20, lambda: not own.pids("postern-queued"))
        assert not rounds(own)
        [path] = [path for path in files(own) if path.name == queue_id]
        path.unlink()
    finally:
        own.up("authd")
        own.up("queued")
    assert f"restored queue={queue_id}" not in own.log_text("queued")


def test_rounds_follow_one_another(own):
    """More than both files hold, while nothing is delivered: each message is there after a kill, none twice."""
    user = own.user()
    own.down("authd")
    try:
        with Intake(own) as client:
            ids = [client.submit("a@example.test", [user.address], MESSAGE) for _ in range(700)]
        kill_all(own)
        assert set(ids) <= {path.name for path in files(own)}
        for path in rounds(own):
            named = {name.decode() for name in re.findall(rb"record [0-9a-f]{16} (\w{13}) ", path.read_bytes())}
            assert named & set(ids)
    finally:
        own.up("authd")
        own.up("queued")
    own.tool("queuectl", "flush")
    user.wait(700, seconds=60)
    wait_for("the queue to be empty", 60, lambda: not set(ids) & {path.name for path in files(own)})
    assert len(user.messages()) == 700


def test_a_round_ends_when_it_is_old(own):
    """Within some ten seconds of its first message its files are synced and it is blank."""
    with Intake(own) as client:
        client.submit("a@example.test", [own.user().address], MESSAGE)
    wait_for("the journal to be blank", 20, lambda: not rounds(own))


def test_without_a_journal_it_goes_on(own):
    own.set("journal_size", "0")
    own.restart("queued")
    try:
        user = own.user()
        with Intake(own) as client:
            client.submit("a@example.test", [user.address], MESSAGE)
        user.wait(1)
        assert not list(own.queue.glob("journal/[01]"))
    finally:
        own.set("journal_size", "1M")
        own.restart("queued")
    assert len(list(own.queue.glob("journal/[01]"))) == 2


def test_no_inodes_is_temporary_and_told_before_the_text():
    small = Suite("inodes", {"free_space": "0", "journal_size": "0"})
    owner = pwd.getpwnam("postern-queue")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=8m,nr_inodes=140,mode=700,uid={owner.pw_uid},gid={owner.pw_gid}", "tmpfs",
                    small.queue], check=True)
    try:
        with small:
            user = small.user()
            with Intake(small) as client:
                client.submit("a@example.test", [user.address], MESSAGE)
                user.wait(1)
                for number in range(40):
                    (small.queue / f"other{number}").touch()
                answers = []
                wait_for(lambda: f"no room for files: {answers}", 10, lambda: answers.append(
                    client.envelope("a@example.test", [user.address])) or answers[-1][0] == "later" or client.send("abort", "5"))
                assert answers[-1][:3] == ["later", "3", "4.3.1"]
                with small.smtp() as smtp:
                    smtp.ehlo()
                    smtp.command("MAIL FROM:<a@example.test>"), smtp.command(f"RCPT TO:<{user.address}>")
                    assert smtp.command("DATA")[0] == 452
                for number in range(40):
                    (small.queue / f"other{number}").unlink()
                client.submit("a@example.test", [user.address], MESSAGE)
            user.wait(2)
            small.wait_log("queued", "queue-disk-full .*free_inodes")
    finally:
        subprocess.run(["umount", "-l", small.queue], check=True)


def test_room_is_not_looked_at_for_each_message(own, tmp_path):
    log = tmp_path / "calls"
    begun = time.monotonic()
    process = strace.attach(own.pids("postern-queued"), "-f", "-o", str(log), "-e", "trace=fstatfs,openat")
    try:
        with Intake(own) as client:
            for _ in range(100):
                assert client.envelope("a@example.test", ["b@example.test"])[0] == "ok"
                client.send("abort", "5")
    finally:
        process.terminate()
        process.wait(10)
    lines = log.read_text()
    assert lines.count("O_EXCL") >= 100
    assert lines.count("fstatfs(") <= time.monotonic() - begun + 1


def value(queue_id):
    number = 0
    for letter in queue_id:
        number = number << 5 | LETTERS.index(letter)
    return number


def test_ids_say_the_time_and_each_start_has_its_own(own):
    """Two that begin in a hurry share no id, whatever the clock says: the low bits count the starts."""
    marks = []
    for _ in range(3):
        with Intake(own) as client:
            before = time.time()
            ids = []
            for _ in range(5):
                answer = client.envelope("a@example.test", ["b@example.test"])
                ids.append(value(answer[2]))
                client.send("abort", "5")
            after = time.time()
        assert ids == sorted(set(ids))
        assert all(before - 0.001 <= (number >> 10) / 1e6 <= after + 0.001 for number in ids)
        assert len({number & 1023 for number in ids}) == 1
        marks.append(ids[0] & 1023)
        own.kill("queued")
        own.wait_up(["queued"])
    count = int((own.queue / "starts").read_text())
    assert len(set(marks)) == 3 and marks == sorted(marks, key=lambda mark: (mark - marks[0]) % 1024)
    assert (count - marks[-1]) % 1024 >= 1


def test_a_submitter_who_stands_still_is_cut_off(own):
    """He holds a file and a place; one who says something now and then does not, nor does smtpd, which has its own limits."""
    own.set("submit_idle", "2s")
    own.restart("queued")
    try:
        with Intake(own, "submit") as idle, Intake(own, "submit") as slow, Intake(own) as smtpd:
            for client in (idle, slow, smtpd):
                assert client.envelope("a@example.test", ["b@example.test"])[0] == "ok"
            before = len(files(own))
            until = time.monotonic() + 20
            idle.socket.setblocking(False)
            while True:  # until the other is cut off, well within the limit each time
                slow.data(b"x\r\n")
                try:
                    assert idle.socket.recv(100) == b""
                    break
                except BlockingIOError:
                    assert time.monotonic() < until
                    time.sleep(0.05)
            wait_for("its file to go", 10, lambda: len(files(own)) == before - 1)
            own.wait_log("queued", "submitter-idle")
            assert slow.ask("commit", "4")[:2] == ["ok", "4"] and smtpd.ask("commit", "4")[:2] == ["ok", "4"]
    finally:
        own.set("submit_idle", None)
        own.restart("queued")
