"""What an administrator may set for POP3: locks and their end, mail that is kept for a time, LOGIN-DELAY, EXPIRE."""
import os
import time

import pytest

from harness import Pop3
from harness.dovecot import Dovecot, missing
from harness.pop3 import TEXT, account, logged_in, login, put, settings
from harness.wait import wait_for

def count(suite, account):
    with logged_in(suite, account) as pop3:
        return int(pop3.command("STAT").split()[1])


# --- one session at a time (RFC 1939 section 4) ---------------------------------------------


def test_sessions_beside_each_other_where_set(suite, account, settings):
    """pop3_lock_session no, as Dovecot has it if nothing is set: both see what was there when they began."""
    put(account, name="1700000001.M1P1.host")
    settings(pop3_lock_session="no")
    with logged_in(suite, account) as first, logged_in(suite, account) as second:
        assert first.command("DELE 1").startswith("+OK") and first.command("QUIT").startswith("+OK")
        assert second.command("STAT").startswith("+OK 1 ")
        assert second.command("RETR 1").startswith("-ERR")
        assert second.command("DELE 1").startswith("+OK") and second.command("QUIT").startswith("+OK")
    assert account.messages() == []


def test_a_silent_session_gives_way_to_a_new_login_where_set(suite, account, settings):
    put(account, name="1700000001.M1P1.host")
    settings(pop3_takeover="1s")
    with logged_in(suite, account) as hanging:
        assert hanging.command("DELE 1").startswith("+OK")
        with logged_in(suite, account) as second:
            assert hanging.line() is None
            assert second.command("STAT").startswith("+OK 1 "), "what it had deleted without QUIT stays"


def test_a_session_that_speaks_does_not(suite, account, settings):
    settings(pop3_takeover="1h")
    with logged_in(suite, account) as first:
        assert login(suite, account)[1].startswith("-ERR [IN-USE]")
        assert first.command("NOOP").startswith("+OK")


@pytest.mark.long
@pytest.mark.skipif(missing("pop3"), reason="Debian's dovecot-pop3d is not installed")
def test_dovecot_and_postern_keep_each_other_out(suite, account):
    """The lock is Dovecot's (its pop3_lock_session): a Maildir that both serve has one session at a time."""
    put(account)
    with Dovecot(account.maildir, settings="pop3_lock_session = yes") as dovecot, dovecot.server() as port:
        with Pop3(port) as theirs:
            assert theirs.login("anna", "x").startswith("+OK")
            assert login(suite, account)[1].startswith("-ERR [IN-USE]")
            assert theirs.command("QUIT").startswith("+OK")
        with logged_in(suite, account) as ours:
            with Pop3(port) as theirs:
                assert theirs.login("anna", "x").startswith("-ERR [IN-USE]")
            assert ours.command("QUIT").startswith("+OK")


# --- mail that is kept for a time --------------------------------------------------------------


def test_young_mail_is_kept_for_imap_and_gone_for_pop3(suite, account, settings):
    put(account, name="1700000001.M1P1.host", age=100000)
    put(account, name="1700000002.M2P2.host")
    settings(pop3_keep="1d")
    with logged_in(suite, account) as pop3:
        for number in (1, 2):
            assert pop3.command(f"DELE {number}").startswith("+OK")
        assert pop3.command("QUIT").startswith("+OK")
    assert len(account.messages()) == 1, "the old one is removed"
    assert count(suite, account) == 0
    with suite.imap("imaps") as imap:
        imap.login(account.address, account.password)
        imap.command("SELECT INBOX")
        lines = imap.command("FETCH 1:* FLAGS")[1]
        assert len(lines) == 1 and b"$POP3Kept" in lines[0]
    # As old as it must be, the next QUIT removes it.
    (kept,) = (account.maildir / "cur").iterdir()
    os.utime(kept, (time.time() - 100000,) * 2)
    (account.maildir / "postern-index").unlink()  # it knows when the message came
    with logged_in(suite, account) as pop3:
        assert pop3.command("QUIT").startswith("+OK")
    assert account.messages() == []


def test_numbers_and_ids_do_not_count_what_is_kept(suite, account, settings):
    for i in range(1, 4):
        put(account, name=f"170000000{i}.M{i}P1.host")
    with logged_in(suite, account) as pop3:
        before = [line.split()[1] for line in pop3.many("UIDL")[1]]
    settings(pop3_keep="1d")
    with logged_in(suite, account) as pop3:
        pop3.command("DELE 2")
        pop3.command("QUIT")
    settings(pop3_keep=None)
    with logged_in(suite, account) as pop3:
        assert pop3.many("UIDL")[1] == [f"1 {before[0]}", f"2 {before[2]}"]
        assert pop3.command("STAT").startswith("+OK 2 ")
        assert pop3.command("DELE 3").startswith("-ERR")
        pop3.command("QUIT")
    assert len(account.messages()) == 2, "without the setting nothing is kept any longer"


# --- UPDATE ------------------------------------------------------------------------------------------


def test_what_could_not_be_removed_is_told(suite, account):
    """RFC 1939 section 6: -ERR; the others are removed all the same."""
    import subprocess
    put(account, name="1700000001.M1P1.host")
    stuck = account.maildir / "cur/1700000002.M2P2.host:2,"
    put(account, name="1700000002.M2P2.host").rename(stuck)
    if subprocess.run(["chattr", "+i", stuck], capture_output=True).returncode != 0:
        pytest.skip("this file system cannot keep a file from being removed")
    try:
        with logged_in(suite, account) as pop3:
            assert pop3.command("DELE 1").startswith("+OK") and pop3.command("DELE 2").startswith("+OK")
            assert pop3.command("QUIT").startswith("-ERR [SYS/TEMP]")
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    assert [path for part in ("new", "cur") for path in (account.maildir / part).iterdir()] == [stuck]


def test_a_message_that_is_cut_off_while_it_is_sent_never_looks_whole(suite, account):
    path = put(account, name="1700000001.M1P1.host")
    path.write_bytes(TEXT + b"y" * 79 * 400000)
    with logged_in(suite, account) as pop3:
        pop3.send("RETR 1\r\n")
        assert pop3.line().startswith("+OK")  # the session stands where the network is full
        os.truncate(path, 100000)
        assert not pop3.rest().endswith(b"\r\n.\r\n")
    suite.wait_log("pop3", "read-failed")


# --- RFC 2449 section 6.5 and 6.7 -----------------------------------------------------------------------


def test_login_delay(suite, account, settings):
    settings(pop3_login_delay="1h")
    with suite.pop3("pop3s") as pop3:
        assert "LOGIN-DELAY 3600" in pop3.many("CAPA")[1]
    with logged_in(suite, account) as pop3:
        assert "LOGIN-DELAY 3600" in pop3.many("CAPA")[1]
        pop3.command("QUIT")
    stamp = account.maildir / "postern-pop3-login"
    early = stamp.stat().st_mtime
    assert login(suite, account)[1].startswith("-ERR [LOGIN-DELAY]")
    assert stamp.stat().st_mtime == early, "a try that was refused does not begin it anew"
    assert count(suite, suite.user()) == 0, "it is each user's own"
    for moment in (time.time() - 3601, time.time() + 100000):  # later, and after a clock was set back
        os.utime(stamp, (moment, moment))
        logged_in(suite, account).close()
        wait_for("the session's end", 10, lambda: not (account.maildir / "dovecot-pop3-session.lock").exists())


def test_expire(suite, account, settings):
    settings(pop3_expire="60")
    with suite.pop3("pop3s") as pop3:
        assert "EXPIRE 60" in pop3.many("CAPA")[1]
    with logged_in(suite, account) as pop3:
        assert "EXPIRE 60" in pop3.many("CAPA")[1]
