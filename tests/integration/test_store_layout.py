"""Issue 6, items 1 and 8: what lies in a Maildir++: names of every byte, ten thousand folders, what was left in tmp/."""
import os
import pwd
import re
import time

import pytest

VMAIL = pwd.getpwnam("vmail")


def login(suite, user):
    session = suite.imap("imaps")
    assert session.login(user.address, user.password)[0] == "OK"
    return session


def put(path, content=b"Subject: x\n\n"):
    with open(path, "wb") as file:
        file.write(content)
    os.chown(path, VMAIL.pw_uid, VMAIL.pw_gid)


def make_folder(maildir, name):
    for part in (b"", b"/cur", b"/new", b"/tmp"):
        path = os.fsencode(maildir) + b"/." + name + part
        os.mkdir(path, 0o700)
        os.chown(path, VMAIL.pw_uid, VMAIL.pw_gid)


@pytest.fixture
def user(suite):
    user = suite.user()
    suite.tool("deliver", "-d", user.address, input="Subject: x\n\n")
    return user


def test_messages_of_every_byte(suite, user):
    """A control character in a name is no message (no line of the UID list could hold it), any other byte is one."""
    wanted = 1
    for byte in range(1, 256):
        if byte == ord("/"):
            continue
        name = b"17000000%03d.a" % byte + bytes([byte]) + b"b"
        put(os.fsencode(user.maildir / "new") + b"/" + name)
        wanted += byte >= 0x20 and byte != 0x7f
    with login(suite, user) as session:
        assert f"{wanted} EXISTS".encode() in b"\n".join(session.command("SELECT INBOX")[1])
        _, lines = session.command("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert sum(b"Subject: x" in line for line in lines) == wanted
        assert session.command("STORE 1:* +FLAGS (\\Seen Key)")[0] == "OK"
        before = session.command("UID FETCH 1:* (FLAGS)")[1]
    with login(suite, user) as session:
        session.command("SELECT INBOX")
        assert [line.replace(b"\\Recent ", b"") for line in before] == session.command("UID FETCH 1:* (FLAGS)")[1]


def test_folders_of_every_byte_on_the_disk(suite, user):
    """Directories that no IMAP name stands for are passed over, and are in nobody's way."""
    for byte in range(1, 256):
        if bytes([byte]) not in b"/.":
            make_folder(user.maildir, b"x" + bytes([byte]) + b"y")
    # '&' begins a shift; a quote or backslash is spelled with a backslash on the wire.
    plain = {f"x{chr(byte)}y" for byte in range(0x20, 0x7f) if chr(byte) not in "/.&"} | {"INBOX"}
    with login(suite, user) as session:
        lines = session.command('LIST "" "*"')[1]
        found = {re.sub(r"\\(.)", r"\1", re.search(rb'"\." "?(.*?)"?$', line)[1].decode()) for line in lines}
        literal = {"x" + chr(byte) + "y" for byte in b'"\\'}
        assert found - literal - {'x"y', "x"} == plain - literal, found ^ plain
        assert session.command("RENAME xay xa")[0] == "OK"


@pytest.mark.long
def test_ten_thousand_folders(suite, user, record_property):
    """LIST, LSUB, SUBSCRIBE, RENAME of five thousand and DELETE work; the times are recorded, not judged."""
    for number in range(10000):
        make_folder(user.maildir, b"%s.n%05d" % (b"a" if number % 2 else b"b", number))
    put(user.maildir / "subscriptions", b"V\t2\n\n" + b"".join(b"%s\tn%05d\n" % (b"a" if n % 2 else b"b", n) for n in range(10000)))
    took = {}

    def timed(session, command):
        begun = time.monotonic()
        status, lines = session.command(command)
        took[command] = round(time.monotonic() - begun, 3)
        assert status == "OK", session.text
        return lines

    with login(suite, user) as session:
        assert len(timed(session, 'LIST "" "*"')) == 10003
        assert len(timed(session, 'LIST "" "%"')) == 3
        assert len(timed(session, 'LSUB "" "*"')) == 10000
        timed(session, "SUBSCRIBE b.new")
        timed(session, "RENAME a c")
        assert len(timed(session, 'LIST "" "c.*"')) == 5000
        timed(session, "CREATE c.new")
        timed(session, "DELETE c.n00001")
        assert len(timed(session, 'LIST "" "*"')) == 10003
    print("seconds:", took)
    record_property("seconds", took)


def test_old_files_of_tmp_are_swept(suite, user):
    """By the next who opens the folder, at most once in 20 hours; younger ones stay, however old their dates."""
    tmp = user.maildir / "tmp"
    put(tmp / "young")
    os.utime(tmp / "young", (0, 0))
    now = time.time()

    def open_folder():
        suite.tool("deliver", "-d", user.address, input="Subject: y\n\n")

    os.utime(tmp, (now - 19 * 3600, now))
    open_folder()
    assert os.stat(tmp).st_atime < now - 18 * 3600
    os.utime(tmp, (now - 21 * 3600, now))
    open_folder()
    assert os.stat(tmp).st_atime > now - 60
    assert (tmp / "young").exists()
