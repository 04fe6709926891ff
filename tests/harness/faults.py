"""Programs on a machine in trouble: system calls that fail, a clock that jumps (tests/harness/faults.c)."""
import errno
import mmap
import os
import pathlib
import platform
import struct
import tempfile

import pytest

from .process import compile_helper

KINDS = {"open": 1, "read": 2, "write": 4, "sync": 8, "remove": 16, "rename": 32, "memory": 64, "accept": 128, "socket": 256, "truncate": 512}
FORMAT = "<q6I256s256s"
SIZE = struct.calcsize(FORMAT)
EVERY = 0xffffffff


class Faults:
    """`command` is put before a program: it and all that it starts then live with what is ordered here, from that moment."""

    def __init__(self):
        if platform.machine() != "x86_64":
            pytest.skip("system calls are made to fail on x86-64 only")
        fd, self.path = tempfile.mkstemp(prefix="postern-faults-")
        os.ftruncate(fd, SIZE)
        self.orders = mmap.mmap(fd, SIZE)
        os.close(fd)
        self.command = [compile_helper("faults"), self.path]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.orders.close()
        pathlib.Path(self.path).unlink()

    def put(self, form, at, *values):
        struct.pack_into(form, self.orders, at, *values)

    def shift(self, seconds):
        """The wall clock is so far ahead (negative: behind) of the true time."""
        self.put("<q", 0, seconds)

    def fail(self, kinds, error, after=1, times=1, under=""):
        """Of these calls ("open write"), beneath the directory, the one with this number fails, and so many from there on."""
        self.well()
        self.put("<5I", 12, getattr(errno, error), after, times, 0, 0)
        self.put("256s", 32, os.path.realpath(under).encode() if under else b"")
        self.put("256s", 288, b"")
        self.put("<I", 8, sum(KINDS[kind] for kind in kinds.split()))

    def well(self):
        """No call fails any more."""
        self.put("<I", 8, 0)

    @property
    def failed(self):
        """How many calls have failed since fail()."""
        return struct.unpack_from("<I", self.orders, 28)[0]

    @property
    def last(self):
        """The last of these, for a message."""
        return struct.unpack_from("256s", self.orders, 288)[0].split(b"\0")[0].decode("utf-8", "replace")
