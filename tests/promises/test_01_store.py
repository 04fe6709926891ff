"""Promise 1 for the store: before a delivery is called done, an APPEND or COPY OK, or a QUIT +OK, file and directory are synced.
(Every state that a power cut may leave of deliveries: ../crash/test_maildir_states.py; on a real journal: test_01_power_cut.py.)"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import strace

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
CALLS = ["-f", "-y", "-s", "100", "-e",
         "trace=openat,write,sendto,sendmsg,fsync,fdatasync,sync_file_range,syncfs,rename,renameat,renameat2,link,linkat,unlinkat,exit_group"]


def deliver(suite, user, subject, *before):
    result = subprocess.run([*before, str(suite.libexec / "postern-deliver"), "-d", user.address], capture_output=True, timeout=60,
                            input=f"Subject: {subject}\n\nbody\n".encode(),
                            env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0"})
    assert result.returncode == 0, result.stderr


@pytest.fixture
def user(suite):
    user = suite.user()
    deliver(suite, user, "first")
    return user


@contextlib.contextmanager
def traced(suite, program, log):
    """strace on the youngest process of a program, a session."""
    process = strace.attach([suite.pids(program)[-1]], *CALLS, "-o", str(log))
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def in_order(log, *patterns):
    """Calls that must come one after the other, each the first behind the one before."""
    lines, at = log.read_text().splitlines(), 0
    for pattern in patterns:
        found = [n for n, line in enumerate(lines[at:], at) if re.search(pattern, line) and not re.search(r"= -1 ", line)]
        assert found, f"{pattern} is not behind:\n" + "\n".join(lines[:at]) + "\n--- but:\n" + "\n".join(lines[at:])
        at = found[0] + 1


def saved(user, part):
    """The steps of lib/store/save.h."""
    root = re.escape(str(user.maildir))
    return [rf"openat\(.*{root}/tmp.*O_CREAT", rf"write\(\d+<{root}/tmp/", rf"(f(data)?sync|sync_file_range)\(\d+<{root}/tmp/[^>]+>",
            rf"rename(at2?)?\(.*{root}/{part}", rf"fsync\(\d+<{root}/{part}>\)"]


def listed(root):
    """A new UID is durable before it is told: promise 18 needs it too."""
    return [rf"f(data)?sync\(\d+<{root}/dovecot-uidlist[^>]*>\)"]


def keeps_order(directory):
    """As lib/store/settle.h knows it: XFS, and ext4 with a journal."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, check=True).stdout.strip()
    device = directory.stat().st_dev
    block = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    journal = pathlib.Path("/sys/fs/ext4") / block.resolve().name / "journal_task"
    return kind == "xfs" or (kind == "ext2/ext3" and journal.exists() and journal.read_text().strip().isdigit())


def together(user, log, root, *each):
    """Behind its line in the list: the list's sync where it comes last in a journal that keeps the order; else one call, or one for each."""
    if keeps_order(user.maildir):
        each = []
    elif "syncfs(" in log.read_text():
        return [rf"write\(\d+<{root}/dovecot-uidlist>", rf"syncfs\(\d+<{root}/cur/"]
    return [rf"write\(\d+<{root}/dovecot-uidlist>", *each, *listed(root)]


def appended(root):
    """Its bytes are on the disk before it has a name."""
    return [rf"openat\(.*{root}/tmp.*O_CREAT", rf"write\(\d+<{root}/tmp/", rf"(fsync|sync_file_range)\(\d+<{root}/tmp/[^>]+>",
            rf"rename(at2?)?\(.*{root}/cur"]


def test_a_delivery(suite, user, tmp_path):
    log = tmp_path / "calls"
    deliver(suite, user, "second", "strace", "-qq", *CALLS, "-o", str(log), "-u", "vmail")
    in_order(log, *saved(user, "new"), r"exit_group\(0\)")


def test_append(suite, user, tmp_path):
    log = tmp_path / "calls"
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        with traced(suite, "imap", log):
            assert imap.command(["APPEND INBOX {6}", "a: b\r\n\r\n"])[0] == "OK"
    root = re.escape(str(user.maildir))
    in_order(log, *appended(root), rf"fsync\(\d+<{root}/cur/", rf"fsync\(\d+<{root}/cur>\)", r"APPENDUID")
    in_order(log, *appended(root), *listed(root), r"APPENDUID")


def test_append_elsewhere(suite, user, tmp_path):
    log = tmp_path / "calls"
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("CREATE Other")[0] == imap.command("SELECT Other")[0] == imap.command("UNSELECT")[0] == "OK"
        with traced(suite, "imap", log):
            assert imap.command(["APPEND Other {6}", "a: b\r\n\r\n"])[0] == "OK"
    root = re.escape(str(user.maildir)) + r"/\.Other"
    in_order(log, *appended(root), *together(user, log, root, rf"fsync\(\d+<{root}/cur/", rf"fsync\(\d+<{root}/cur>\)"), r"APPENDUID")


def test_copy(suite, user, tmp_path):
    log = tmp_path / "calls"
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("CREATE Other")[0] == imap.command("SELECT INBOX")[0] == "OK"
        with traced(suite, "imap", log):
            assert imap.command("COPY 1 Other")[0] == "OK"
    root = re.escape(str(user.maildir)) + r"/\.Other"
    in_order(log, rf"(rename|link)at2?\(.*{root}/cur", *together(user, log, root, rf"fsync\(\d+<{root}/cur>\)"), r"COPYUID")


@pytest.mark.parametrize("part", ["new", "cur"])
def test_quit_of_pop3(suite, user, tmp_path, part):
    """What was removed does not come back after a power cut: the client has it and would have it twice."""
    log = tmp_path / "calls"
    if part == "cur":
        with suite.imap("imaps") as imap:
            assert imap.login(user.address, user.password)[0] == imap.command("SELECT INBOX")[0] == "OK"
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(user.address, user.password) == "+OK 1 messages"
        with traced(suite, "pop3", log):
            assert pop3.command("DELE 1").startswith("+OK")
            assert pop3.command("QUIT").startswith("+OK")
    root = re.escape(str(user.maildir))
    in_order(log, rf"unlinkat\(.*{root}/{part}", rf"fsync\(\d+<{root}/{part}>\)", r"\+OK bye")
