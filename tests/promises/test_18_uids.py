"""Promise 18: UID and UIDVALIDITY never change or repeat in a folder's life."""
import os
import re

import pytest

from harness.dovecot import Dovecot, missing


def deliver(suite, user, subject):
    suite.tool("deliver", "-d", user.address, input=f"Subject: {subject}\n\n")


def uids(suite, user):
    """uidvalidity and {UID: subject} as IMAP shows them."""
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        status, lines = imap.command("SELECT INBOX")
        assert status == "OK"
        validity = int(re.search(rb"UIDVALIDITY (\d+)", b"\n".join(lines))[1])
        status, lines = imap.command("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found = dict(re.findall(rb"UID (\d+) .*?Subject: (\w+)", b"\n".join(lines), re.S))
    return validity, {int(uid): subject.decode() for uid, subject in found.items()}


def uidl(suite, user):
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(user.address, user.password).startswith("+OK")
        return [line.split()[1] for line in pop3.many("UIDL")[1]]


@pytest.fixture
def user(suite):
    user = suite.user()
    for subject in ("one", "two", "three"):
        deliver(suite, user, subject)
    return user


def test_they_stay(suite, user):
    before = uids(suite, user)
    assert list(before[1].values()) == ["one", "two", "three"]
    names = uidl(suite, user)
    assert names == [f"{uid:08x}{before[0]:08x}" for uid in before[1]]
    for program in ("imap", "pop3"):
        suite.restart(program)
    assert uids(suite, user) == before and uidl(suite, user) == names
    # Flags by another program: only names change.
    for path in list((user.maildir / "cur").iterdir()):
        path.rename(path.with_name(path.name.split(":")[0] + ":2,FS"))
    assert uids(suite, user) == before


def test_a_removed_ones_number_is_not_given_again(suite, user):
    validity, before = uids(suite, user)
    last = max(before)
    [path] = [path for path in (user.maildir / "cur").iterdir() if b"three" in path.read_bytes()]
    path.unlink()
    deliver(suite, user, "four")
    again, after = uids(suite, user)
    assert again == validity
    assert after == {uid: subject for uid, subject in before.items() if uid != last} | {last + 1: "four"}
    # Everything is removed, the folder is empty: the count goes on.
    for path in (user.maildir / "cur").iterdir():
        path.unlink()
    assert uids(suite, user) == (validity, {})
    deliver(suite, user, "five")
    assert uids(suite, user) == (validity, {last + 2: "five"})


@pytest.mark.parametrize("damage", [b"", b"3 V", b"noise\n", os.urandom(4096), "gone", "gone with the counter"],
                         ids=["empty", "half a header", "noise", "random", "gone", "gone with the counter"])
def test_a_lost_list_gives_a_larger_uidvalidity(suite, user, damage):
    validity, before = uids(suite, user)
    path = user.maildir / "dovecot-uidlist"
    if str(damage).startswith("gone"):
        path.unlink()
        for counter in user.maildir.glob("dovecot-uidvalidity*") if damage != "gone" else []:
            counter.unlink()
    else:
        path.write_bytes(damage)
    if damage == "gone with the counter":
        validity -= 1  # then only the clock is left: not below, and larger a second later
    again, after = uids(suite, user)
    assert again > validity
    assert list(after.values()) == list(before.values())
    assert uids(suite, user) == (again, after)


@pytest.mark.parametrize("what", ["a torn line", "half a line", "a line less", "only the header", "a torn line without the index"])
def test_a_list_that_was_cut_short(suite, user, what):
    """What a crash may leave of a list that is appended to: the uidvalidity stays, and no UID is given twice."""
    deliver(suite, user, "four")
    validity, before = uids(suite, user)
    deliver(suite, user, "five")
    before = uids(suite, user)[1]
    path = user.maildir / "dovecot-uidlist"
    lines = path.read_bytes().splitlines(keepends=True)
    torn = {"half a line": lines[:-1] + [lines[-1][:10]], "a line less": lines[:-1], "only the header": lines[:1]}
    path.write_bytes(b"".join(torn.get(what, lines + [b"6 :17000"])))
    if "without" in what:
        (user.maildir / "postern-index").unlink()
    again, after = uids(suite, user)
    assert again == validity
    assert sorted(after.values()) == sorted(before.values())
    assert all(before.get(uid, subject) == subject for uid, subject in after.items())
    deliver(suite, user, "six")
    assert max(uids(suite, user)[1]) > max(max(after), max(before))
    assert path.read_bytes().endswith(b"\n")


def test_a_session_killed_while_it_gives_uids(suite, user):
    """What a killed session left (lock, half a new list) is cleared away; no number changes."""
    before = uids(suite, user)
    (user.maildir / "dovecot-uidlist.tmp").write_bytes(b"3 V1 N9\n1 :x")
    (user.maildir / "dovecot-uidlist.lock").write_bytes(b"1:mail.example.test\n")
    deliver(suite, user, "four")
    validity, after = uids(suite, user)
    assert validity == before[0]
    assert after == before[1] | {4: "four"}
    assert not (user.maildir / "dovecot-uidlist.lock").exists()


def test_folders_do_not_share_a_uidvalidity(suite, user):
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        found = []
        for name in ("a", "b", "a.c"):
            assert imap.command(f"CREATE {name}")[0] == "OK"
            found += re.findall(rb"UIDVALIDITY (\d+)", b"".join(imap.command(f"STATUS {name} (UIDVALIDITY)")[1]))
        assert imap.command("DELETE a")[0] == "OK"
        assert imap.command("CREATE a")[0] == "OK"
        found += re.findall(rb"UIDVALIDITY (\d+)", b"".join(imap.command("STATUS a (UIDVALIDITY)")[1]))
    assert len(found) == 4 and len(set(found)) == 4


def said(session, command):
    """What a session answers to a command that goes well, as one text."""
    status, lines = session.command(command)
    assert status == "OK", (command, session.text)
    return "\n".join(line.decode() for line in lines) + session.text


@pytest.mark.skipif(missing(), reason="Debian's Dovecot is not installed")
def test_moving_out_to_dovecot_and_in_again(suite, user):
    """Dovecot works on the same Maildir between two sessions of ours: no UID, flag or keyword changes but by command."""
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        said(imap, "SELECT INBOX")
        said(imap, "STORE 2 +FLAGS (\\Seen Mine)")
    validity, before = uids(suite, user)
    with Dovecot(user.maildir) as dovecot:
        with dovecot.session() as session:
            selected = said(session, "SELECT INBOX")
            assert f"UIDVALIDITY {validity}]" in selected and "UIDNEXT 4" in selected
            assert re.search(r"UID 2 FLAGS \(.*\\Seen.*Mine.*\)", said(session, "UID FETCH 1:* (FLAGS)"))
            said(session, "UID STORE 1 +FLAGS (\\Flagged Theirs)")
            assert f"APPENDUID {validity} 4" in said(session, ["APPEND INBOX {17}", "Subject: dove\r\n\r\n\r\n"])
        # In another session: Dovecot 2.3.19 does not expunge what it appended beside while its index is new.
        with dovecot.session() as session:
            said(session, "SELECT INBOX")
            said(session, "UID STORE 3 +FLAGS (\\Deleted)")
            assert "3 EXPUNGE" in said(session, "EXPUNGE")
        deliver(suite, user, "after")
        assert uids(suite, user) == (validity, {1: "one", 2: "two", 4: "dove", 5: "after"})
        with suite.imap("imaps") as imap:
            imap.login(user.address, user.password)
            said(imap, "SELECT INBOX")
            one, two = said(imap, "UID FETCH 1:2 (FLAGS)").split("\n")[:2]
            assert "\\Flagged" in one and "Theirs" in one and "\\Seen" in two and "Mine" in two, (one, two)
        with dovecot.session() as session:
            assert f"UIDVALIDITY {validity}]" in said(session, "SELECT INBOX")
            assert [int(uid) for uid in re.findall(r"\(UID (\d+)", said(session, "UID FETCH 1:* (FLAGS)"))] == [1, 2, 4, 5]
