"""What a benchmark needs: a control group that counts all CPU of the processes in it, and the load generator."""
import contextlib
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import REPOSITORY, wait_for  # noqa: E402
from harness.build import HOME  # noqa: E402


class Group:
    """A control group: its processes, their children, and what those that have ended used. Version 2, or 1 of cpuacct."""

    def __init__(self, name):
        for root in ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup"):
            if os.path.exists(f"{root}/cgroup.procs"):
                self.path = pathlib.Path(root) / f"postern-bench-{name}-{os.getpid()}"
                break
        else:
            sys.exit("bench: no control groups here: mount cgroup2 on /sys/fs/cgroup")
        self.path.mkdir(exist_ok=True)

    def wrapper(self):
        """Arguments before a command that make it run in the group."""
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"]

    def milliseconds(self):
        if (self.path / "cpuacct.usage").exists():
            return int((self.path / "cpuacct.usage").read_text()) / 1e6
        fields = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e3

    def pids(self):
        return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]

    def adopt(self, pids):
        """Takes in processes that run already; what they used before is not counted."""
        for pid in pids:
            (self.path / "cgroup.procs").write_text(str(pid))

    def memory(self):
        """KiB of all processes, shared pages divided among those that share them (PSS)."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total

    def close(self):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        wait_for("the group to be empty", 20, lambda: not self.pids())
        self.path.rmdir()


class Peak:
    """The most memory that a group had while the body ran."""

    def __init__(self, group, every=0.5):
        self.group, self.every, self.most, self.over = group, every, 0, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.over.wait(self.every):
            self.most = max(self.most, self.group.memory())

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def load_program(directory, name="load", *libraries):
    """tests/bench/NAME.c, compiled."""
    source, target = REPOSITORY / f"tests/bench/{name}.c", pathlib.Path(directory) / name
    subprocess.run(["gcc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-pthread", source, "-o", target, *libraries,
                    *(["-lssl", "-lcrypto"] if name in ("load", "floor") else [])], check=True)
    return target


class Result:
    """One line of the load generator."""

    def __init__(self, line):
        fields = line.split()
        self.seconds, self.done, self.failed = float(fields[0]), int(fields[1]), int(fields[2])
        self.median, self.slowest = float(fields[3]), float(fields[4])


def load(program, *arguments):
    output = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=True).stdout
    return Result(output)


def count_mail(root, users, domain):
    """Messages in the Maildirs of user0 to userN-1."""
    count = 0
    for number in range(users):
        for part in ("new", "cur"):
            with contextlib.suppress(FileNotFoundError):
                count += len(os.listdir(f"{root}/{domain}/user{number}/{part}"))
    return count


def settle(group):
    """Waits until the servers have nothing more to do: half a second with less than 5 ms of CPU."""
    def idle():
        before = group.milliseconds()
        time.sleep(0.5)
        return group.milliseconds() - before < 5
    wait_for("the servers to be idle", 60, idle)


def own_mounts():
    """Starts this program anew where what it mounts is its own: test runs beside it use the same directories."""
    if os.environ.get("POSTERN_BENCH_MOUNTS") != "own":
        os.environ["POSTERN_BENCH_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv])


def own_network():
    """The same, and in a network of its own, whose 127/8 nobody else has."""
    if os.environ.get("POSTERN_BENCH_MOUNTS") != "own":
        os.environ["POSTERN_BENCH_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--net", "sh", "-c", 'ip link set lo up && exec "$@"',
                              "sh", sys.executable, "-B", *sys.argv])


@contextlib.contextmanager
def journal(directory):
    """An ext4 as most servers have it, mounted where both sides keep their files."""
    image = f"{directory}/image"
    HOME.mkdir(mode=0o755, exist_ok=True)
    subprocess.run(["truncate", "-s", "4G", image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, HOME], check=True)
    try:
        HOME.chmod(0o755)
        yield
    finally:
        subprocess.run(["umount", "-l", HOME], check=True)
