"""Faults of what postern-authd rests on, through its sockets: never a wrong answer, and service comes back by itself. Outages of the
database itself: test_authd_sql.py and ../promises/test_15_outage.py."""
import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

from harness import MariaDB
from harness.authd import Authd, blob, fill
from harness.packets import Peer
from harness.wait import wait_for

pytestmark = pytest.mark.long

ANN, PASSWORD = "ann@example.test", "secret words"


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        yield server


def made_for(db, **settings):
    made = Authd(**settings)
    made.preset(db)
    return made


def check(authd):
    """Right answers, of tables that fill() made."""
    assert authd.lookup("rcpt", ANN)[:2] == ("ok", "mailbox")
    assert authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown")
    assert authd.login(ANN, PASSWORD) == "ok"
    assert authd.login(ANN, "wrong") == "no"


# --- replication lag -------------------------------------------------------------------------


def test_a_row_that_appears_late(db):
    """Its absence is never remembered: each refusal asks anew, and the row counts when it is there."""
    fill(db)
    with made_for(db, cache_negative_lifetime="1h") as authd:
        for _ in range(3):
            assert authd.lookup("rcpt", "late@example.test") == ("ok", "unknown")
            assert authd.login("late@example.test", PASSWORD) == "no"
        db.sql("INSERT INTO mailbox (username, password, maildir, domain) SELECT 'late@example.test', password, 'example.test/late/', domain"
               f" FROM mailbox WHERE username = '{ANN}'", "mail")
        assert authd.lookup("rcpt", "late@example.test")[:2] == ("ok", "mailbox")
        assert authd.login("late@example.test", PASSWORD) == "ok"


def test_a_second_host_that_lags(db):
    """The first goes, the second has not got the row yet: who is known from the first is not refused."""
    fill(db)
    with MariaDB() as lagging:
        fill(lagging)
        db.sql(f"UPDATE mailbox SET username = 'new@example.test' WHERE username = '{ANN}'", "mail")
        made = Authd(sql_workers="1")
        made.preset(db, hosts=f"unix:{db.socket} unix:{lagging.socket}")
        with made as authd:
            assert authd.lookup("rcpt", "new@example.test")[:2] == ("ok", "mailbox")
            db.kill()
            try:
                # What the second says is what counts now, and it says so only when asked.
                wait_for("the second host", 15, lambda: authd.lookup("rcpt", ANN)[:2] == ("ok", "mailbox"))
                lagging.sql(f"UPDATE mailbox SET username = 'new@example.test' WHERE username = '{ANN}'", "mail")
                wait_for("the row on the second host", 5, lambda: authd.lookup("rcpt", "new@example.test")[:2] == ("ok", "mailbox"))
                assert authd.login("new@example.test", PASSWORD) == "ok"
            finally:
                db.start()


# --- the cache's file ------------------------------------------------------------------------


def truncated(path):
    path.write_bytes(path.read_bytes()[:2100])


def noise(path):
    path.write_bytes(os.urandom(path.stat().st_size))


def noise_within(path):
    content = bytearray(path.read_bytes())
    content[2100:-300] = os.urandom(len(content) - 2400)
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def others_may_write(path):
    path.chmod(0o666)


def of_another_user(path):
    os.chown(path, 65534, 65534)


def a_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def a_fifo(path):
    path.unlink()
    os.mkfifo(path)


@pytest.fixture(scope="module")
def good_file(db):
    """A cache file as authd writes it."""
    fill(db)
    with made_for(db) as authd:
        check(authd)
        path = authd.directory / "cache/cache.cdb"
        wait_for("the cache's file", 20, path.exists)
        return path.read_bytes()


DAMAGES = [truncated, noise, noise_within, emptied, others_may_write, of_another_user, a_link, a_fifo]


@pytest.fixture(scope="module")
def damaged(db, good_file):
    """damage -> authd that finds such a file at its start. All at once: the file is written anew after five seconds."""
    fill(db)
    running = {}
    with contextlib.ExitStack() as stack:
        for damage in DAMAGES:
            made = made_for(db)
            path = made.directory / "cache/cache.cdb"
            path.write_bytes(good_file)
            path.chmod(0o600)
            damage(path)
            running[damage] = stack.enter_context(made)
            check(made)
        yield running


def is_good(path):
    if not path.is_file() or path.is_symlink():
        return False
    status = path.stat()
    return status.st_mode & 0o777 == 0o600 and status.st_uid == os.geteuid() and status.st_size > 2100


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_file(damaged, good_file, damage):
    """authd answers rightly, tells it once (and once more how many records were left out), and has a good file again."""
    authd = damaged[damage]
    check(authd)
    path = authd.directory / "cache/cache.cdb"
    wait_for("a good file", 20, lambda: is_good(path) and path.read_bytes() != good_file)
    text = authd.log()
    told = len(re.findall(r": cache-(?:file-not-read|damaged) ", text))
    assert told == 1 + len(re.findall(r": cache-damaged .*records=", text)), text
    authd.restart()
    check(authd)
    assert "cache-file-not-read" not in authd.log() and "damaged" not in authd.log()


def test_a_directory_in_its_place(db):
    """It stays until somebody takes it away; meanwhile memory serves, and the log says it once."""
    fill(db)
    made = made_for(db)
    path = made.directory / "cache/cache.cdb"
    path.mkdir()
    with made as authd:
        check(authd)
        wait_for("the log to tell it", 20, lambda: "cache-not-written" in authd.log())
        check(authd)
        assert authd.log().count("cache-not-written") == 1
        path.rmdir()
        authd.restart()
        check(authd)
        wait_for("the file", 20, path.is_file)


def test_a_full_disk(db):
    """The cache on a file system of 64 KiB that something else has filled; when there is room again the file is written."""
    fill(db)
    made = made_for(db)
    cache = made.directory / "cache"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", cache], check=True)
    try:
        (cache / "other").write_bytes(b"x" * 65536)
        with made as authd:
            check(authd)
            wait_for("the log to tell it", 20, lambda: "cache-not-written" in authd.log())
            check(authd)
            assert authd.log().count("cache-not-written") == 1 and "No space left" in authd.log()
            assert not (cache / "cache.cdb").exists()
            (cache / "other").unlink()
            authd.restart()
            check(authd)
            wait_for("the file", 20, (cache / "cache.cdb").is_file)
    finally:
        subprocess.run(["umount", "-l", cache], check=True)


# --- the database ----------------------------------------------------------------------------


def test_a_password_column_of_another_type(db):
    fill(db)
    with made_for(db, cache_stale="0") as authd:
        db.sql("ALTER TABLE mailbox ADD kept TEXT; UPDATE mailbox SET kept = password, password = '12345'; "
               "ALTER TABLE mailbox MODIFY password INT", "mail")
        assert authd.login(ANN, PASSWORD) == "later"
        assert authd.login(ANN, "12345") == "later"
        db.sql("ALTER TABLE mailbox MODIFY password VARCHAR(255); UPDATE mailbox SET password = kept", "mail")
        wait_for("logins", 5, lambda: authd.login(ANN, PASSWORD) == "ok")


def test_a_maildir_that_is_null(db):
    """A row without a place is no missing user."""
    fill(db)
    with made_for(db, cache_stale="0") as authd:
        db.sql(f"ALTER TABLE mailbox MODIFY maildir VARCHAR(255) NULL; UPDATE mailbox SET maildir = NULL WHERE username = '{ANN}'", "mail")
        assert authd.lookup("mailbox", ANN)[0] != "ok"
        db.sql(f"UPDATE mailbox SET maildir = 'example.test/ann/' WHERE username = '{ANN}'", "mail")
        wait_for("the mailbox", 5, lambda: authd.lookup("mailbox", ANN)[:3] == ("ok", ANN, "example.test/ann/"))


def test_a_server_that_refuses_the_password_and_then_takes_it(db):
    fill(db)
    with made_for(db, cache_stale="0") as authd:
        check(authd)
        db.sql(f"ALTER USER '{db.user}'@'localhost' IDENTIFIED BY 'other'")
        db.stop()
        db.start()
        try:
            for _ in range(2):
                assert authd.lookup("rcpt", "nobody@example.test")[0] == "later"
                assert authd.login(ANN, PASSWORD) == "later"
        finally:
            db.sql(f"ALTER USER '{db.user}'@'localhost' IDENTIFIED BY '{db.password}'")
        wait_for("the database", 15, lambda: authd.login(ANN, PASSWORD) == "ok")
        wait_for("all workers", 15, lambda: all(authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown") for _ in range(10)))


def test_a_table_that_is_dropped_and_made_again(db):
    fill(db)
    with made_for(db, cache_stale="0") as authd:
        check(authd)
        db.sql("CREATE TABLE kept AS SELECT * FROM mailbox; DROP TABLE mailbox", "mail")
        time.sleep(1)  # so long may an answer count as fresh
        assert authd.lookup("rcpt", "nobody@example.test")[0] == "later"
        assert authd.login(ANN, PASSWORD) == "later"
        db.sql("CREATE TABLE mailbox AS SELECT * FROM kept", "mail")
        wait_for("the table", 5, lambda: authd.login(ANN, PASSWORD) == "ok")
        check(authd)


# --- bad input ----------------------------------------------------------------------------------


METACHARACTERS = ["'", "\"", "\\", "' OR '1'='1", "ann@example.test' -- ", "%", "_", "ann@example.test%", "`", ";", "\\'", "/*", "{", "}", "$(id)"]


def say(peer, *fields):
    answer = peer.ask(*fields)
    assert answer is not None, fields
    return answer[0]


@pytest.fixture(scope="module")
def exposed(db):
    fill(db)
    with made_for(db, sasl_mechanisms="PLAIN LOGIN") as running:
        yield running


def test_each_byte_as_user_and_as_password(exposed):
    """One conversation each, so that a no is not held back by those before."""
    for byte in range(1, 256):
        text = bytes([byte])
        with exposed.greeted() as peer:
            assert say(peer, "password", "t", ANN, text) == "no", byte
            assert say(peer, "auth", "t", "PLAIN", blob("", ANN, b"secret words" + text)) == "no", byte
            assert say(peer, "auth", "t", "PLAIN", blob("", ANN.encode() + text, PASSWORD)) == "no", byte


def test_metacharacters_are_letters(exposed):
    for text in METACHARACTERS:
        with exposed.greeted() as peer:
            assert say(peer, "password", "t", text, PASSWORD) == "no", text
            assert say(peer, "password", "t", ANN, text) == "no", text
            assert say(peer, "auth", "t", "PLAIN", blob("", ANN, text)) == "no", text
        assert exposed.lookup("rcpt", f"{text.replace('@', '')}@example.test") == ("ok", "unknown"), text


def test_a_nul_never_cuts_short(exposed):
    with exposed.greeted() as peer:
        assert say(peer, "auth", "t", "PLAIN", blob("", ANN, PASSWORD + "\0more")) == "no"
        assert say(peer, "auth", "t", "PLAIN", blob("", ANN + "\0more", PASSWORD)) == "no"
        assert say(peer, "auth", "t", "LOGIN", blob(ANN + "\0more")) in ("no", "more")
    assert exposed.login(ANN, PASSWORD) == "ok"


def test_a_hash_worker_that_is_killed_in_an_exchange(exposed):
    with exposed.greeted() as peer:
        assert say(peer, "auth", "t", "LOGIN") == "more"
        for pid in exposed.children():
            os.kill(pid, signal.SIGKILL)
        assert say(peer, "more", "t", blob(ANN)) == "later"
        wait_for("logins", 10, lambda: exposed.login(ANN, PASSWORD) == "ok")


# --- what the fronts say ---------------------------------------------------------------------------


OPEN = {"submission": "smtp", "imaps": "imap", "pop3s": "pop3"}
BEGIN = {"submission": "AUTH LOGIN", "imaps": "a AUTHENTICATE LOGIN", "pop3s": "AUTH LOGIN"}
LATER = {"submission": "454 4.7.0", "imaps": "a NO [UNAVAILABLE]", "pop3s": "-ERR [SYS/TEMP]"}


def kill_authd(suite):
    """What it returns waits for its successor."""
    before = suite.service_pid("authd")
    os.kill(before, signal.SIGKILL)

    def wait():
        wait_for("authd to be started anew", 20, lambda: suite.service_pid("authd") not in (None, before))
        suite.wait_up(["authd"])
    return wait


def opened(suite, front):
    session = getattr(suite, OPEN[front])(front)
    if front == "submission":
        session.ehlo()
        session.starttls()
    return session


@pytest.mark.parametrize("front", OPEN)
def test_authd_is_killed_in_an_exchange(suite, front):
    user = suite.user()
    with opened(suite, front) as session:
        session.send(BEGIN[front] + "\r\n")
        assert session.line()[:1] in ("3", "+")
        wait = kill_authd(suite)
        session.send(blob(user.address) + "\r\n")
        assert session.line().startswith(LATER[front])
    wait()
    with opened(suite, front) as session:
        assert session.login(user.address, user.password)[0] in (235, "OK", "+")


def test_authd_is_killed_in_a_lookup(suite):
    """The question is on its way when authd ends: 4xx, also to what this smtpd, which cannot connect any more, asks later."""
    user = suite.user()
    with suite.smtp() as session:
        session.ehlo()
        assert session.command("MAIL FROM:<stranger@elsewhere.test>")[0] == 250
        os.kill(suite.service_pid("authd"), signal.SIGSTOP)
        session.send(f"RCPT TO:<{user.address}>\r\n")
        time.sleep(0.1)
        wait = kill_authd(suite)
        assert session.reply()[0] == 451
        wait()
        assert session.command(f"RCPT TO:<{user.address}>")[0] in (250, 421, 451)
    with suite.smtp() as session:
        session.ehlo()
        session.message("stranger@elsewhere.test", [user.address], "Subject: one\n\nhello\n")
    user.wait(1)


ENDINGS = [b"\0more", b"\xff"]  # few, for a no is held back longer each time; all bytes: above


def test_a_password_with_more_behind_it_over_the_fronts(suite):
    """Each as IMAP literal, by POP3's PASS, and by SASL over submission; each is refused, and the right one is taken."""
    user = suite.user()
    right = user.password.encode()
    for ending in ENDINGS:
        password = right + ending
        with suite.imap("imaps") as imap:
            status, _ = imap.command([b"LOGIN {%d}" % len(user.address), user.address.encode() + b" {%d}\r\n" % len(password), password + b"\r\n"])
            assert status in ("NO", "BAD"), ending
        with suite.pop3("pop3s") as pop3:
            pop3.command(f"USER {user.address}")
            assert pop3.command(b"PASS " + password).startswith("-ERR"), ending
        with opened(suite, "submission") as smtp:
            assert smtp.login(user.address, password)[0] in (535, 501), ending
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"


def test_64_kib_over_the_fronts(suite):
    """Refused, by an answer or by the end of the connection, and others are served."""
    user, much = suite.user(), b"x" * 65536
    for front, lines in {"imaps": [b"a LOGIN {65536+}\r\n" + much + b" x\r\n", b"a LOGIN " + much + b" x\r\n", b"a AUTHENTICATE PLAIN " + much + b"\r\n"],
                         "pop3s": [b"USER " + much + b"\r\n", b"AUTH PLAIN " + much + b"\r\n"], "submission": [b"AUTH PLAIN " + much + b"\r\n"]}.items():
        for line in lines:
            with opened(suite, front) as session:
                with contextlib.suppress(OSError):
                    session.send(line)
                answer = session.line() or ""
                assert not re.match(r"a OK|\+OK|2", answer), (front, answer)
        with opened(suite, front) as session:
            assert session.login(user.address, user.password)[0] in (235, "OK", "+")
