"""A disk whose power goes: what is in its file at a moment is what a machine finds there when it comes back."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import pytest


TOOLS = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}


def run(*arguments, codes=(0,)):
    result = subprocess.run([*map(str, arguments)], capture_output=True, check=False, env=TOOLS)
    assert result.returncode in codes, result.stdout + result.stderr


class CutDisk:
    """An ext4 over a directory, with its owner; with a journal, which is committed by itself every `commit` seconds, or without."""

    def __init__(self, directory, image, journal, commit=300):
        self.directory, self.image, self.journal = directory, image, journal
        status = self.directory.stat()
        run("truncate", "-s", "64M", image)
        run("mkfs.ext4", "-q", "-F", "-O", "has_journal" if journal else "^has_journal",
            "-E", f"root_owner={status.st_uid}:{status.st_gid}", image)
        options = f"loop,commit={commit}" if journal else "loop"
        mounted = subprocess.run(["mount", "-o", options, image, self.directory], capture_output=True, check=False)
        if mounted.returncode != 0:
            pytest.skip(f"no file can be mounted here: {mounted.stderr.decode().strip()}")
        self.directory.chmod(0o700)

    @contextlib.contextmanager
    def after_the_cut(self):
        """The directory as it is found when the power comes back."""
        with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
            copy, found = pathlib.Path(place) / "image", pathlib.Path(place) / "found"
            found.mkdir()
            run("cp", "--sparse=always", self.image, copy)
            if not self.journal:
                run("e2fsck", "-f", "-y", copy, codes=(0, 1))
            run("mount", "-o", "loop", copy, found)
            try:
                yield found
            finally:
                run("umount", found)

    def end(self):
        run("umount", "-l", self.directory)
