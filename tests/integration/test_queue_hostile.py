"""What a local user, a damaged disk or a wrong clock can do to the queue."""
import contextlib
import os
import pwd
import re
import socket
import subprocess

import pytest

from harness import Suite, wait_for
from test_queue import MESSAGE, Intake, wait_gone

NOBODY = pwd.getpwnam("nobody").pw_uid


@contextlib.contextmanager
def as_nobody():
    """The user that connections made here come from (SO_PEERCRED is of the time of connect(2))."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def submitter(suite):
    with as_nobody():
        return Intake(suite, "submit")


@pytest.fixture(scope="module")
def small():
    """Messages are small and live for two seconds only."""
    with Suite("hostile", {"message_size": "64K", "queue_life": "2s", "retry_first": "1s"}) as suite:
        suite.user("first")
        yield suite
        assert not suite.findings()


def path_of(suite, queue_id):
    return suite.queue / queue_id[8] / queue_id


def test_a_submitter_cannot_say_who_he_is(suite):
    user = suite.user()
    with submitter(suite) as client:
        queue_id = client.envelope("root@example.test", [user.address], "uid=0", "client=192.0.2.99")[2]
        client.data(MESSAGE * 3000)
        client.send("commit", "4")
        wait_for("the header", 10, lambda: b"\nsender" in path_of(suite, queue_id).read_bytes())
        text = path_of(suite, queue_id).read_bytes()
    assert re.findall(rb"^with uid=(\d+)$", text.split(b"\n\n")[0], re.M) == [str(NOBODY).encode()]


def test_a_submitter_who_leaves_is_logged_with_his_uid(suite):
    user = suite.user()
    with submitter(suite) as client:
        queue_id = client.envelope("root@example.test", [user.address], "client=192.0.2.99")[2]
        client.data(MESSAGE)
        client.send("commit", "4")
    user.wait(1)
    suite.wait_log("queued", rf"queue={queue_id} from=.*uid={NOBODY}$")


def test_one_user_cannot_hold_the_submission_socket(suite):
    sender = suite.user()
    held = []
    try:
        for _ in range(300):
            with as_nobody():
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.settimeout(0.2)
                held.append(s)
                with contextlib.suppress(OSError):
                    s.connect(str(suite.run / "queue/submit"))
        with Intake(suite) as client:
            client.submit(sender.address, ["nobody-here@example.test"], MESSAGE)
        assert b"nobody-here" in sender.wait(1, 15)[0]
    finally:
        for s in held:
            s.close()


def test_one_user_cannot_fill_the_memory(suite):
    user = suite.user()
    held = []
    packet = b"rcpt\x001\0" + b"a" * 1000 + b"@example.test\0" + b"".join(b"k=" + b"\\" * 2000 + b"\0" for _ in range(30))
    try:
        for _ in range(60):
            client = submitter(suite)
            client.socket.settimeout(5)
            held.append(client)
            with contextlib.suppress(OSError):
                client.send("mail", "1", "a@b.test")
                for _ in range(70):
                    client.socket.send(packet)
        with Intake(suite) as client:
            client.submit("a@example.test", [user.address], MESSAGE * 500)
        user.wait(1)
        assert "out-of-memory" not in suite.log_text("queued")
    finally:
        for client in held:
            client.socket.close()


def test_a_bounce_may_be_larger_than_a_message(small):
    sender = small.user()
    message = b"Subject: large\r\n" + b"".join(b"X-More-%d: %s\r\n" % (i, b"y" * 900) for i in range(66)) + b"\r\n"
    nobody = [f"nobody-here-{i}@example.test" for i in range(400)]
    with Intake(small) as client:
        client.submit(sender.address, nobody, message)
    assert b"nobody-here-399@example.test" in sender.wait(1, 15)[0]


def test_a_message_with_very_many_failures_is_returned(small):
    sender = small.user()
    recipients = [f"nobody-of-this-name-{i:05}-{'x' * 40}@example.test" for i in range(50000)]
    with Intake(small) as client:
        queue_id = client.submit(sender.address, recipients, MESSAGE)
    sender.wait(1, 120)
    wait_gone(small, queue_id)


@contextlib.contextmanager
def deferred(suite, user, message=MESSAGE):
    """A message that waits on the disk while queued is down."""
    suite.down("authd")
    try:
        with Intake(suite) as client:
            queue_id = client.submit("a@example.test", [user.address], message)
        suite.wait_log("queued", rf"deferred queue={queue_id}")
        suite.down("queued")
        yield path_of(suite, queue_id)
    finally:
        suite.up("authd")
        suite.up("queued")


def test_a_torn_file_that_could_not_be_read_at_first_is_still_checked(suite):
    user = suite.user()
    with deferred(suite, user, MESSAGE + b"a line that is lost\r\n" * 100) as path:
        text = path.read_bytes()
        path.write_bytes(text[:-500] + bytes(500))
        path.chmod(0)
    suite.wait_log("queued", rf"queue-file-not-read queue={path.name}")
    path.chmod(0o600)
    suite.tool("queuectl", "flush")
    wait_gone(suite, path.name)
    assert (suite.queue / "damaged" / path.name).exists() and not user.messages()


def test_a_time_far_away_is_a_wrong_clock(suite):
    user = suite.user()
    with deferred(suite, user) as path:
        path.write_bytes(re.sub(rb"tries (\d{4}) next \d{10}", rb"tries \1 next 9999999999", path.read_bytes(), count=1))
    user.wait(1, 10)


def test_one_user_cannot_hold_the_control_socket(suite):
    held = []
    try:
        for _ in range(80):
            with as_nobody():
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                held.append(s)
                s.settimeout(0.2)
                with contextlib.suppress(OSError):
                    s.connect(str(suite.run / "queue/control"))
        assert suite.tool("mailq").returncode == 0
    finally:
        for s in held:
            s.close()


def test_directories_that_were_there_are_synced_at_start(suite, tmp_path):
    """Who made them may have died before the sync, and then what lies in them has no durable name."""
    queue, settings, run = (tmp_path / name for name in ("queue", "settings", "run"))
    for directory in (queue, settings, run, run / "queue", *(queue / part for part in [*"234567abcdefghijklmnopqrstuvwxyz", "damaged"])):
        directory.mkdir(mode=0o700)
    for name, value in (("one_identity", "yes"), ("run_directory", run), ("queue_directory", queue)):
        (settings / name).write_text(f"{value}\n")
    trace = tmp_path / "trace"
    subprocess.run(["timeout", "2", "strace", "-f", "-y", "-e", "trace=fsync", "-o", trace, suite.libexec / "postern-queued"],
                   env={"POSTERN_SETTINGS": str(settings), "ASAN_OPTIONS": "detect_leaks=0"}, stderr=subprocess.DEVNULL)
    assert f"<{queue}>" in trace.read_text()
