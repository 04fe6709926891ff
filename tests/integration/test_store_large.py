"""Issue 6, item 8: a folder of more messages than a session has memory for (session_memory) is answered cleanly, by IMAP and by POP3,
and the log says what the administrator can do; nothing half is shown, and with more memory all is there, under the same UIDs."""
import os
import pwd
import re

import pytest

from harness import without_sanitizers

pytestmark = [pytest.mark.long, without_sanitizers("they map terabytes of shadow memory; no limit is set")]

TEXT = b"Subject: one of many\n\nbody\n"
LINKS = 50000  # of one file, which ext4 allows
FITS, TOO_MANY = 50000, 120000


def fill(user, begin, end):
    cur, vmail = os.open(user.maildir / "cur", os.O_RDONLY), pwd.getpwnam("vmail")
    for number in range(begin, end):
        if number % LINKS == 0:
            source = user.maildir / "tmp" / f"source{number}"
            source.write_bytes(TEXT)
            os.chown(source, vmail.pw_uid, vmail.pw_gid)
        os.link(source, f"{1700000000 + number}.M1P1R{number:016x}.mail.example.test,S={len(TEXT)},W={len(TEXT) + 3}:2,S", dst_dir_fd=cur)
    os.close(cur)


def login(suite, user):
    session = suite.imap("imaps", timeout=120)
    assert session.login(user.address, user.password)[0] == "OK"
    return session


def some_uids(session, last):
    lines = session.command(f"FETCH 1,17,{last // 2},{last} UID")[1]
    return [int(re.search(rb"UID (\d+)", line)[1]) for line in lines]


def test_a_folder_beyond_the_memory(suite):
    user = suite.user()
    login(suite, user).close()  # makes the Maildir
    fill(user, 0, FITS)
    programs = ("imap", "pop3")
    suite.set("session_memory", "16M")
    try:
        for program in programs:
            suite.restart(program)
        with login(suite, user) as open_session, login(suite, user) as other:
            assert open_session.command("SELECT INBOX")[0] == "OK"
            uids = some_uids(open_session, FITS)
            assert uids == [1, 17, FITS // 2, FITS]
            # It grows while it is open: that session ends, and says why.
            fill(user, FITS, TOO_MANY)
            status, lines = open_session.command("NOOP")
            assert any(line.startswith(b"* BYE [LIMIT]") for line in lines), (status, lines[-3:], open_session.text)
            # Who opens it anew is refused, and can go on with his other folders.
            for command in ("SELECT INBOX", "EXAMINE INBOX", "STATUS INBOX (MESSAGES)"):
                status, lines = other.command(command)
                assert status == "NO" and "[LIMIT]" in other.text, (command, status, other.text)
                assert not any(b"EXISTS" in line or b"STATUS" in line for line in lines)
            assert other.command("CREATE small")[0] == "OK"
            assert other.command("SELECT small")[0] == "OK"
            # Mail still comes in.
            suite.tool("deliver", "-d", user.address, input="Subject: new\n\n")
        with suite.pop3("pop3s", timeout=120) as pop3:
            assert pop3.login(user.address, user.password).startswith("-ERR [SYS/TEMP]")
        for program in programs:
            assert re.search(r"session-memory .*raise the setting session_memory", suite.log_text(program)), program
            assert "session-died" not in suite.log_text(program)
    finally:
        suite.set("session_memory", None)
        for program in programs:
            suite.restart(program)
    with login(suite, user) as session:
        lines = session.command("SELECT INBOX")[1]
        assert f"* {TOO_MANY + 1} EXISTS".encode() in lines
        assert some_uids(session, FITS) == uids
    with suite.pop3("pop3s", timeout=120) as pop3:
        assert pop3.login(user.address, user.password).startswith("+OK")
        assert pop3.command("STAT").split()[1] == str(TOO_MANY + 1)
