"""A delivery killed at each of its system calls, and each of them failing (promises 1 to 3, the store's part): new/ never
holds half a message, "delivered" is never said of one that is not there, and trouble is never called permanent."""
import pwd
import re
import subprocess

import pytest

TEXT = "Subject: faults\n\n" + "0123456789abcdef\n" * 20000
# What a delivery does after the program has started, and what starting it does to files.
CALLS = ["open", "openat", "read", "pread64", "write", "writev", "close", "fsync", "fdatasync", "renameat", "rename", "mkdirat",
         "unlinkat", "fstat", "newfstatat", "socket", "connect", "sendmsg", "sendto", "recvmsg", "poll", "mmap",
         "brk", "setresuid"]
# A call that strace makes fail reaches the kernel as number -1, for which seccomp kills: this run goes without confinement.
UNCONFINED = ["-e", "inject=prctl,landlock_restrict_self:retval=0"]


def run(suite, user, *options):
    """The program under strace by root, as the user vmail; its exit status, negative for a signal."""
    command = ["strace", "-f", "-qq", "-u", "vmail", *options, str(suite.libexec / "postern-deliver"), "-d", user.address]
    return subprocess.run(command, input=TEXT.encode(), capture_output=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(suite.settings),
                               "ASAN_OPTIONS": "detect_leaks=0"}).returncode


def counts(suite, user, log):
    """How often a delivery makes each call."""
    assert run(suite, user, "-o", str(log)) == 0
    found = {}
    for name in re.findall(r"^(?:\d+ +)?(\w+)\(", log.read_text(), re.M):
        found[name] = found.get(name, 0) + 1
    return {name: found[name] for name in CALLS if name in found}


def whole(user):
    """Every visible message is whole; how many there are."""
    paths = [path for part in ("new", "cur") for path in (user.maildir / part).glob("*")]
    for path in paths:
        data = path.read_bytes()
        assert data.endswith(TEXT.encode()) and data.startswith(b"Return-Path: <>\n"), f"half a message: {path}"
        assert f",S={len(data)}," in path.name
    return len(paths)


@pytest.fixture
def user(suite):
    user = suite.user()
    assert pwd.getpwnam("vmail")
    return user


def points(suite, user, tmp_path):
    """(call, n) for each call of a first delivery (the Maildir is made) and of a later one."""
    first = counts(suite, user, tmp_path / "first")
    second = counts(suite, user, tmp_path / "second")
    return [(name, n) for name in first for n in range(1, max(first[name], second.get(name, 0)) + 1)]


def empty(user):
    subprocess.run(["rm", "-rf", str(user.maildir)], check=True)


def test_killed_at_each_call(suite, user, tmp_path):
    places = points(suite, user, tmp_path)
    assert len(places) > 30
    for fresh in (True, False):
        for name, n in places:
            if fresh:
                empty(user)
            before = 0 if fresh else whole(user)
            status = run(suite, user, "-o", "/dev/null", "-e", f"inject={name}:signal=SIGKILL:when={n}")
            after = whole(user) if user.maildir.exists() else 0
            assert after in (before, before + 1)
            if status == 0:
                assert after == before + 1, (name, n)
    # What was left in tmp/ or half made hinders nobody.
    before = whole(user)
    assert run(suite, user, "-o", "/dev/null") == 0 and whole(user) == before + 1


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "ENOMEM"])
def test_each_call_fails(suite, user, tmp_path, error):
    if "san" in suite.build:
        pytest.skip("the sanitizer's run-time ends the program when its own calls fail")
    for name, n in points(suite, user, tmp_path):
        before = whole(user)
        status = run(suite, user, "-o", "/dev/null", *UNCONFINED, "-e", f"inject={name}:error={error}:when={n}")
        after = whole(user)
        # 127: the dynamic loader, where there is one.
        assert status in (0, 75, 127), (name, n, status)
        assert after == before + (status == 0), (name, n, status)
