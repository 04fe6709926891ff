"""Promise 1 for the store, on real disks: what IMAP and postern-deliver have said OK to is there when the power goes at that moment,
and nothing torn is ever seen. The Maildir lies on an ext4 of its own in a file, with a journal, which is not committed for minutes
but by a sync, or without one; a copy of that file is what the disk has, and is mounted as after the cut. (The calls behind it:
test_01_store.py.)"""
import contextlib
import shutil
import subprocess

import pytest

from harness import wait_for
from harness.cut_disk import CutDisk
from harness.imap import login, ok

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


@contextlib.contextmanager
def disk_of(suite, image, **about):
    user = suite.user()
    with login(suite, user):
        pass  # makes the Maildir, so that it has its owner
    disk = CutDisk(user.maildir, image, **about)
    disk.user = user
    try:
        suite.restart("imap")  # it looks which file systems have a journal when it starts
        with login(suite, user) as imap:  # makes the Maildir on that disk
            ok(imap, "CREATE Other")
        yield disk
    finally:
        disk.end()


@pytest.fixture(params=["journal", "no journal"])
def disk(suite, tmp_path, request):
    with disk_of(suite, tmp_path / "image", journal=request.param == "journal") as disk:
        yield disk


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


def test_what_is_replaced_as_a_whole(disk, imap):
    """A folder and its UIDVALIDITY, subscriptions, keywords' names, annotations."""
    ok(imap, "CREATE Made")
    ok(imap, "SUBSCRIBE Made")
    ok(imap, "STORE 1 +FLAGS.SILENT ($Label)")
    ok(imap, 'SETMETADATA INBOX (/private/comment "a note")')
    with disk.after_the_cut() as maildir:
        # Without a journal e2fsck takes a directory away that nothing was put into; who opens the folder makes it again.
        assert not disk.journal or {"tmp", "new", "cur"} <= {path.name for path in (maildir / ".Made").iterdir()}
        assert (maildir / ".Made/dovecot-uidlist").read_text().startswith("3 V")
        for name, text in (("subscriptions", "Made"), ("dovecot-keywords", "$Label"), ("dovecot-attributes", "a note")):
            assert text in (maildir / name).read_text(), name


def test_a_folder_that_another_program_has_changed_is_read_first(disk, imap):
    """Then the UIDs are not known beforehand, and are given by a look at the folder."""
    [path] = (disk.directory / ".Other/cur").iterdir()
    path.with_name("1700000000.M1P1.foreign:2,").hardlink_to(path)
    (disk.directory / ".Other/postern-index").unlink()
    ok(imap, "COPY 1 Other")
    with disk.after_the_cut() as maildir:
        assert "one" in found(maildir, ".Other")


def deliver(suite, user, *before):
    return subprocess.Popen([*before, str(suite.libexec / "postern-deliver"), "-d", user.address], stdin=subprocess.PIPE,
                            env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0"})


def delivered(maildir):
    return [path.read_bytes() for path in maildir.glob("new/*")]


def test_a_delivery(suite, disk, imap):
    del imap
    process = deliver(suite, disk.user)
    process.communicate(TEXT.format("delivered").encode(), timeout=60)
    assert process.returncode == 0
    with disk.after_the_cut() as maildir:
        [message] = delivered(maildir)
        assert b"body of delivered" in message


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_name_that_comes_to_the_disk_before_its_sync_is_of_a_whole_message(suite, tmp_path):
    """The journal is committed by itself while the delivery stands still behind its rename."""
    with disk_of(suite, tmp_path / "image", journal=True, commit=1) as disk:
        process = deliver(suite, disk.user, "strace", "-qq", "-o", "/dev/null", "-u", "vmail",
                          "-e", "inject=renameat:delay_exit=15000000")
        process.stdin.write(TEXT.format("slow").encode())
        process.stdin.close()

        def committed():
            with disk.after_the_cut() as maildir:
                return delivered(maildir)

        try:
            [message] = wait_for("the journal to be committed", 14, committed)
            assert b"body of slow" in message
        finally:
            process.wait(30)
