"""A backlog: many queue files at once (tests/harness/backlog.c), while queued is down."""
import contextlib
import os
import pathlib
import pwd
import subprocess
import tempfile

from .build import REPOSITORY, HOME

def program():
    """Compiled for this run: the format of the queue file is that of the source that is tested."""
    target = pathlib.Path(tempfile.mkdtemp(prefix="backlog-", dir=HOME)) / "backlog"
    sources = ["tests/harness/backlog.c", *(f"queue/{name}.c" for name in ("file_build", "checksum", "id", "directory", "ended")),
               *sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / "lib/base").glob("*.c"))]
    flags = [f"-D{name}=\"\"" for name in ("POSTERN_SETTINGS", "POSTERN_LIBEXEC", "POSTERN_VERSION")]
    subprocess.run(["gcc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-I.", *flags, "-o", target, *sources], cwd=REPOSITORY, check=True)
    return target


@contextlib.contextmanager
def while_down(suite):
    """queued is down within, and up afterwards."""
    suite.down("queued")
    yield
    suite.up("queued")


def make(suite, count, address, next=0, sender="somebody@example.test", recipients=1):
    """`count` messages to `address` ("%": a number) that are to be tried at `next`; their ids. queued must be down."""
    if not hasattr(suite, "backlog_program"):
        suite.backlog_program = program()
    result = subprocess.run([suite.backlog_program, suite.queue, str(count), str(int(next)), sender, address, str(recipients)],
                            check=True, capture_output=True, text=True)
    owner = pwd.getpwnam("postern-queue")
    for path in suite.queue.rglob("*"):
        if path.stat().st_uid != owner.pw_uid:
            os.chown(path, owner.pw_uid, owner.pw_gid)
    return result.stdout.split()
