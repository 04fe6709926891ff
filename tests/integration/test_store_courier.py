"""Issue 6, item 1: moving in over a Maildir of Courier-IMAP: no UID, flag, keyword, folder or subscription changes. The files
are as Debian's courier-imap 5.0.13 writes them (it conflicts with Dovecot's package, so it cannot be run here), and an older
one where that differs."""
import os
import pwd
import re
import shutil
import time

import pytest

from harness.dovecot import Dovecot, missing

M1, M2, M3, M4 = (f"170000000{n}.M{n}P1.host,S=18" for n in (1, 2, 3, 4))
NEW_NAMES = {"Entw&APw-rfe": "Entwürfe", "a&-b": "a&b", "&2D3eAA-": "\U0001f600", "Sent": "Sent"}


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_folder(directory, uids, validity, uidnext, flags):
    for part in ("cur", "new", "tmp"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    for number, (name, uid) in enumerate(uids.items()):
        write(directory / "cur" / f"{name}:2,{flags.get(name, '')}", f"Subject: m{uid}\n\nbody\n")
    write(directory / "courierimapuiddb", f"1 {validity} {uidnext}\n" + "".join(f"{uid} {name}\n" for name, uid in uids.items()))


def make_maildir(user, names):
    """INBOX with UIDs 3, 4, 9 and folders; `names`: how folders are called on the disk."""
    root = user.maildir
    make_folder(root, {M1: 3, M2: 4, M3: 9}, 795675126, 12, {M1: "S", M3: "FRS"})
    # A generation's file counts more than :list, and a file without one more than both; an empty one means none.
    write(root / "courierimapkeywords/:list", f"Theirs\nMine\n$Junk\n\n{M1}:2 1\n{M2}:1\n{M3}:0\n")
    write(root / f"courierimapkeywords/.5985583.{M1}", "Old\n")
    write(root / f"courierimapkeywords/.5985584.{M1}", "$Junk\nMine\n")
    write(root / f"courierimapkeywords/{M2}")
    for number, name in enumerate(names):
        make_folder(root / f".{name}", {M4: 7}, 795675142 + number, 8, {M4: "T"})
        write(root / f".{name}/maildirfolder")
    write(root / "courierimapsubscribed", "".join(f"INBOX.{name}\n" for name in names) + "INBOX\n#shared.x\n")
    vmail = pwd.getpwnam("vmail")
    for directory, subdirectories, files in os.walk(root):
        for entry in [".", *subdirectories, *files]:
            os.chown(os.path.join(directory, entry), vmail.pw_uid, vmail.pw_gid)


def login(suite, user):
    session = suite.imap("imaps")
    assert session.login(user.address, user.password)[0] == "OK"
    return session


def listed(session, verb):
    return sorted(line.split(b'"." ')[1].strip(b'"').decode() for line in session.command(f'{verb} "" "*"')[1])


def state(session, folder):
    _, lines = session.command(f"SELECT {folder}")
    head = b"\n".join(lines)
    numbers = tuple(int(re.search(rb"%s (\d+)" % word, head)[1]) for word in (b"UIDVALIDITY", b"UIDNEXT"))
    _, lines = session.command("UID FETCH 1:* (FLAGS)")
    found = {int(re.search(rb"UID (\d+)", line)[1]): set(re.search(rb"FLAGS \(([^)]*)\)", line)[1].decode().split()) - {"\\Recent"}
             for line in lines if b"UID" in line}
    return numbers, found


def account(suite):
    user = suite.user()
    suite.tool("deliver", "-d", user.address, input="x\n\n")
    shutil.rmtree(user.maildir)
    return user


@pytest.mark.parametrize("names", [list(NEW_NAMES), list(NEW_NAMES.values())], ids=["modified UTF-7", "UTF-8 of Courier 5"])
def test_moving_in(suite, names):
    user = account(suite)
    make_maildir(user, names)
    expected = {3: {"\\Seen", "$Junk", "Mine"}, 4: set(), 9: {"\\Flagged", "\\Answered", "\\Seen", "Theirs"}}
    with login(suite, user) as session:
        # A client that knows its folders does not ask for them first.
        assert state(session, "Entw&APw-rfe") == ((795675142, 8), {7: {"\\Deleted"}})
        assert state(session, "INBOX") == ((795675126, 12), expected)
        assert listed(session, "LIST") == sorted(["INBOX", *NEW_NAMES])
        assert listed(session, "LSUB") == sorted(["INBOX", *NEW_NAMES])
        assert session.command("UNSUBSCRIBE Sent")[0] == "OK"
        assert listed(session, "LSUB") == sorted({"INBOX", *NEW_NAMES} - {"Sent"})
    suite.tool("deliver", "-d", user.address, input="Subject: after\n\n")
    with login(suite, user) as session:
        assert state(session, "INBOX") == ((795675126, 13), expected | {12: set()})
    if not missing():
        with Dovecot(user.maildir) as dovecot, dovecot.session() as session:
            assert state(session, "INBOX") == ((795675126, 13), expected | {12: set()})


def test_its_numbers_are_not_given_again(suite):
    """When our list is lost later, Courier's old one would give numbers again that are other messages' by now."""
    user = account(suite)
    make_maildir(user, [])
    with login(suite, user) as session:
        (validity, _), _ = state(session, "INBOX")
    (user.maildir / "dovecot-uidlist").unlink()
    with login(suite, user) as session:
        assert state(session, "INBOX")[0][0] > validity


@pytest.mark.parametrize("damage", ["", "1 795675126", "noise\n", "1 795675126 12\n9 a\n3 b\n", "2 5 5\n"])
def test_a_broken_list_begins_anew(suite, damage):
    user = account(suite)
    make_maildir(user, [])
    (user.maildir / "courierimapuiddb").write_text(damage)
    with login(suite, user) as session:
        numbers, found = state(session, "INBOX")
    assert numbers[0] > time.time() - 3600 and list(found) == [1, 2, 3]


def test_broken_keywords_do_not_keep_the_mail_away(suite):
    user = account(suite)
    make_maildir(user, [])
    (user.maildir / "courierimapkeywords/:list").write_bytes(b"Mine\n" + os.urandom(5000))
    (user.maildir / "courierimapkeywords" / M1).write_bytes(b"\0\n(\n" + b"x" * 300 + b"\nGood\n")
    with login(suite, user) as session:
        numbers, found = state(session, "INBOX")
    assert numbers == (795675126, 12) and list(found) == [3, 4, 9] and found[3] == {"\\Seen", "Good"}
