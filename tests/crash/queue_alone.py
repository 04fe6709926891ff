"""postern-queued by itself: a real authd, and a stand-in for postern-deliver that keeps what it is given. No postern-remote: what
goes to other hosts waits."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from harness import Suite, wait_for
from harness.authd import Authd
from harness.process import compile_helper
from harness.suite import connectable

MEMORY = "/dev/shm"  # where a sync costs nothing: what a power cut leaves is made up here
SETTINGS = {"one_identity": "yes", "hostname": "mail.example.test", "postmaster": "postmaster@example.test", "free_space": "0",
            "retry_first": "1s", "retry_most": "1s", "sync_workers": "2", "deliver_workers": "2", "journal_size": "512K"}


class Home:
    """What all of them share: the programs of an installation, an authd with its users."""

    def __init__(self, users, aliases):
        self.suite = Suite("crash")  # never started
        stand_in = self.suite.libexec / "postern-deliver"
        stand_in.unlink()
        shutil.copy(compile_helper("take_delivery"), stand_in)
        stand_in.chmod(0o755)
        self.authd = Authd()
        for user in users:
            self.authd.user(user)
        for address, targets in aliases.items():
            self.authd.tool("users", "alias", address, *targets)
        self.authd.start()

    def close(self):
        self.authd.__exit__()
        self.suite.stop()


class Delivered:
    def __init__(self, data):
        *fields, self.text = data.split(b"\0", 8)
        self.id, self.sender, self.address, self.original = (field.decode() for field in fields[2:6])


class QueueAlone:
    def __init__(self, home, **settings):
        self.home = home
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-queue-", dir=MEMORY))
        self.run, self.queue, self.log, self.taken = (self.directory / name for name in ("run", "queue", "log", "delivered"))
        for path in (self.run / "queue", self.queue, self.taken, self.directory / "settings"):
            path.mkdir(parents=True, mode=0o700)
        (self.run / "authd").symlink_to(home.authd.run / "authd")
        for name, value in {**SETTINGS, "run_directory": self.run, "queue_directory": self.queue, **settings}.items():
            (self.directory / "settings" / name).write_text(f"{value}\n")
        self.process = None

    def start(self, before=(), wait=True):
        """`before`: strace and its options."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*before, self.home.suite.libexec / "postern-queued"], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd="/", start_new_session=True,
                                            env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(self.directory / "settings"),
                                                 "POSTERN_DELIVERED": str(self.taken), "ASAN_OPTIONS": "detect_leaks=0"})
        if wait:
            wait_for(lambda: f"queued to be up: {self.text()}", 30, self.is_up)

    def is_up(self):
        return all(connectable(self.run / "queue" / name) for name in ("intake", "submit", "control"))

    def stop(self, number=signal.SIGKILL):
        """The process group: nothing of it is left."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            self.process.wait(20)
            wait_for("the end of its processes", 10, lambda: not self.is_there())
            self.process = None

    def is_there(self):
        """Does a process of the group live? (Who is to bury them may take its time.)"""
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                state, _, group = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:3]
                if int(group) == self.process.pid and state != "Z":
                    return True
        return False

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def text(self):
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def delivered(self):
        return [Delivered(path.read_bytes()) for path in sorted(self.taken.iterdir()) if not path.name.startswith(".")]

    def files(self):
        """Of messages, those in `damaged` too."""
        return [path for path in self.queue.rglob("*") if len(path.name) == 13]
