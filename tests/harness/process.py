"""A process seen from outside: /proc, and system calls that it is made to do (tests/harness/inject.c)."""
import functools
import os
import pathlib
import platform
import subprocess

import pytest

from .build import HOME, REPOSITORY


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.directory = pathlib.Path("/proc") / str(pid)

    def __repr__(self):
        return f"<{self.pid}: {(self.directory / 'cmdline').read_bytes()!r}>"

    def status(self):
        lines = (self.directory / "status").read_text().splitlines()
        return {key: value.strip() for key, value in (line.split(":", 1) for line in lines)}

    def ids(self, key):
        """All ids of "Uid", "Gid" (real, effective, saved, file system) or "Groups"."""
        return [int(number) for number in self.status()[key].split()]

    def descriptors(self):
        """number -> what it is open on: "socket:[1]", "/dev/null"."""
        return {int(entry.name): os.readlink(entry) for entry in (self.directory / "fd").iterdir()}

    def system_call(self):
        """The number of the system call that it is blocked in, as text; "running" if it is not."""
        return (self.directory / "syscall").read_text().split()[0]

    def program(self):
        return os.path.basename(os.readlink(self.directory / "exe"))

    def starts(self):
        """Of postern-listen: the program that it starts for each connection."""
        return os.path.basename((self.directory / "cmdline").read_bytes().split(b"\0")[4].decode())

    def parent(self):
        return int(self.status()["PPid"])

    def inject(self, *call):
        """Makes it do one system call; the result as a number, or "killed SYS"."""
        result = subprocess.run([inject_program(), str(self.pid), *map(str, call)], capture_output=True, text=True, timeout=20)
        assert result.returncode == 0, result.stderr
        text = result.stdout.strip()
        return text if text.startswith("killed") else int(text)


@functools.cache
def inject_program():
    if platform.machine() != "x86_64":
        pytest.skip("system calls are injected on x86-64 only")
    return compile_helper("inject")


def compile_helper(name, *flags):
    """Compiles tests/harness/NAME.c once."""
    HOME.mkdir(mode=0o755, exist_ok=True)
    source, target = REPOSITORY / f"tests/harness/{name}.c", HOME / name
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        fresh = f"{target}.{os.getpid()}"
        subprocess.run(["gcc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-o", fresh, source, *flags], check=True)
        os.rename(fresh, target)
    return str(target)
