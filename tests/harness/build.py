"""The build under test. An installation links its programs anew for its own paths and for that moment writes them into the build's
directory, so nobody runs a program from there while another lane may install: all that make does, and every copy, is done under a lock."""
import atexit
import contextlib
import fcntl
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
HOME = pathlib.Path("/var/tmp/postern-test")


def build_directory():
    """Which build is tested: POSTERN_BUILD, default build/gcc."""
    return os.environ.get("POSTERN_BUILD", "build/gcc")


def build_name():
    """Of this working tree alone: another one's installations are of other programs."""
    tree = hashlib.blake2s(str(REPOSITORY).encode(), digest_size=2).hexdigest()
    return f"{pathlib.Path(build_directory()).name}-{tree}"


def without_sanitizers(why):
    """A mark: the promise is about the programs that people run, not about a build with the sanitizers."""
    return pytest.mark.skipif("san" in build_name(), reason=why)


def make_environment():
    environment = {"SANITIZE": "yes"} if "san" in build_name() else {}
    if "clang" in build_name():
        environment["CC"] = "clang"
    return {**os.environ, **environment}


@contextlib.contextmanager
def build_lock():
    HOME.mkdir(mode=0o755, exist_ok=True)
    with open(HOME / f"{build_name()}.build-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@functools.cache
def programs():
    """Where this process keeps its copies."""
    HOME.mkdir(mode=0o755, exist_ok=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="programs-", dir=HOME))
    directory.chmod(0o755)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


@functools.cache
def built(name):
    """A copy of a file of the build directory: "postern-authd". It keeps the paths of whoever installed last."""
    copy = programs() / pathlib.Path(name).name
    with build_lock():
        shutil.copy(REPOSITORY / build_directory() / name, copy)
    return copy


@functools.cache
def made(name):
    """The same for what `make all` leaves out: "unit/database_worker"."""
    build = build_directory()
    with build_lock():
        subprocess.run(["make", "-s", "-o", f"{build}/paths.stamp", f"B={build}", f"{build}/{name}"], cwd=REPOSITORY,
                       env=make_environment(), check=True, stdout=subprocess.DEVNULL)
    return built(name)
