"""Promise 1 for the store, on a real journal: what IMAP and postern-deliver have said OK to is there when the power goes at that
moment. The Maildir lies on an ext4 of its own in a file, which commits nothing by itself for minutes; a copy of that file is what
the disk has, and is mounted as after the cut. (The calls behind it: test_01_store.py.)"""
import contextlib
import pathlib
import subprocess
import tempfile

import pytest

from harness.imap import login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


def run(*arguments):
    return subprocess.run([*map(str, arguments)], check=True, capture_output=True)


class Disk:
    """An ext4 over a directory, with its owner."""

    def __init__(self, directory, image):
        self.directory, self.image, status = directory, image, directory.stat()
        run("truncate", "-s", "64M", image)
        run("mkfs.ext4", "-q", "-F", "-E", f"root_owner={status.st_uid}:{status.st_gid}", image)
        try:
            run("mount", "-o", "loop,commit=300", image, directory)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no file can be mounted here: {error.stderr.decode().strip()}")
        directory.chmod(0o700)

    @contextlib.contextmanager
    def after_the_cut(self):
        """A Maildir as it is found when the power comes back."""
        with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
            copy, found = pathlib.Path(place) / "image", pathlib.Path(place) / "found"
            found.mkdir()
            run("cp", "--sparse=always", self.image, copy)
            run("mount", "-o", "loop", copy, found)
            try:
                yield found
            finally:
                run("umount", found)

    def end(self):
        run("umount", "-l", self.directory)


@pytest.fixture
def disk(suite, tmp_path):
    user = suite.user()
    with login(suite, user):
        pass  # makes the Maildir, so that it has its owner
    made = Disk(user.maildir, tmp_path / "image")
    made.user = user
    with login(suite, user) as imap:  # anew, on the other disk
        ok(imap, "CREATE Other")
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def imap(suite, disk):
    with login(suite, disk.user) as imap:
        for name in ("one", "two", "three"):
            append(imap, name)
        ok(imap, "SELECT INBOX")
        append(imap, "other", "Other")
        yield imap


def append(imap, name, folder="INBOX"):
    text = TEXT.format(name)
    ok(imap, [f"APPEND {folder} {{{len(text)}}}", text + "\r\n"])


def found(maildir, folder=""):
    """What is there: the messages' names by their subjects; each must be whole, and have a line of the UID list."""
    where = maildir / folder
    listed = (where / "dovecot-uidlist").read_text()
    subjects = {}
    for path in [*(where / "cur").iterdir(), *(where / "new").iterdir()]:
        subject = path.read_bytes().partition(b"\n")[0].decode().removeprefix("Subject: ")
        assert path.read_bytes().replace(b"\n", b"\r\n").decode() == TEXT.format(subject), f"{path} is torn"
        assert path.parent.name == "new" or path.name.partition(":")[0] in listed, f"{path.name} is not in:\n{listed}"
        subjects[subject] = path.name
    return subjects


def test_a_change_that_nobody_synced_is_not_there(disk, imap):
    """So that the others say something."""
    (disk.directory / "unsynced").touch()
    with disk.after_the_cut() as maildir:
        assert not (maildir / "unsynced").exists() and {"one", "two", "three"} <= found(maildir).keys()


@pytest.mark.parametrize("folder", ["INBOX", "Other"])
def test_append(disk, imap, folder):
    append(imap, "new", folder)
    with disk.after_the_cut() as maildir:
        assert "new" in found(maildir, "" if folder == "INBOX" else ".Other")


def test_append_of_several(disk, imap):
    texts = [TEXT.format(name) for name in ("first", "second")]
    ok(imap, [f"APPEND Other {{{len(texts[0])}}}", f"{texts[0]} {{{len(texts[1])}}}\r\n", texts[1] + "\r\n"])
    with disk.after_the_cut() as maildir:
        assert {"first", "second"} <= found(maildir, ".Other").keys()


@pytest.mark.parametrize("which, subjects", [("2", {"two"}), ("1:3", {"one", "two", "three"})])
@pytest.mark.parametrize("command", ["COPY", "MOVE"])
def test_copy_and_move(disk, imap, command, which, subjects):
    ok(imap, f"{command} {which} Other")
    with disk.after_the_cut() as maildir:
        assert subjects <= found(maildir, ".Other").keys()


def test_a_folder_that_another_program_has_changed_is_read_first(disk, imap):
    """Then the UIDs are not known beforehand, and are given by a look at the folder."""
    [path] = (disk.directory / ".Other/cur").iterdir()
    path.with_name("1700000000.M1P1.foreign:2,").hardlink_to(path)
    (disk.directory / ".Other/postern-index").unlink()
    ok(imap, "COPY 1 Other")
    with disk.after_the_cut() as maildir:
        assert "one" in found(maildir, ".Other")


def test_a_delivery(suite, disk, imap):
    del imap
    subprocess.run([str(suite.libexec / "postern-deliver"), "-d", disk.user.address], input=TEXT.format("delivered").encode(),
                   check=True, timeout=60, env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(suite.settings)})
    with disk.after_the_cut() as maildir:
        new = [path.read_bytes() for path in (maildir / "new").iterdir()]
        assert len(new) == 1 and b"body of delivered" in new[0]
