"""Promise 15: with the database gone, known users keep receiving and logging in for a day (the setting cache_stale);
unknown recipients get 4xx, never 5xx. Also through a restart of authd, and with a server that is frozen instead of gone."""
import subprocess
import time

import pytest

from harness import MariaDB
from harness.authd import Authd, fill
from harness.wait import wait_for


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        yield server


def counters(authd):
    """What `postern-lookup --counters` says, as numbers."""
    return {name: int(number) for name, number in (line.split() for line in authd.tool("lookup", "--counters").stdout.splitlines())}


def get_known(authd):
    """Mail comes, and people log in: from then on they are known."""
    assert authd.lookup("rcpt", "ann@example.test")[:2] == ("ok", "mailbox")
    assert authd.lookup("rcpt", "sales@example.test") == ("ok", "alias")
    assert authd.lookup("alias", "sales@example.test") == ("ok", "ann@example.test", "bob@example.test")
    assert authd.lookup("mailbox", "ann@example.test")[:2] == ("ok", "ann@example.test")
    assert authd.lookup("sender", "ann@example.test", "sales@example.test") == ("ok",)
    assert authd.login("ann@example.test", "secret words") == "ok"
    assert authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown")
    assert authd.lookup("rcpt", "x@far.test") == ("ok", "foreign")


def check_outage(authd):
    assert authd.lookup("rcpt", "ann@example.test")[:2] == ("ok", "mailbox")
    assert authd.lookup("rcpt", "sales@example.test") == ("ok", "alias")
    assert authd.lookup("alias", "sales@example.test") == ("ok", "ann@example.test", "bob@example.test")
    assert authd.lookup("mailbox", "ann@example.test")[1:3] == ("ann@example.test", "example.test/ann/")
    assert authd.lookup("sender", "ann@example.test", "sales@example.test") == ("ok",)
    assert authd.login("ann@example.test", "secret words") == "ok"
    # He may have got another password since: nobody is told that his is wrong.
    assert authd.login("ann@example.test", "wrong") == "later"
    # What was never seen, and what memory alone would refuse.
    for address in ("nobody@example.test", "new@example.test", "x@far.test", "y@other.test"):
        for kind in ("rcpt", "alias", "mailbox", "transport"):
            assert authd.lookup(kind, address)[0] == "later", (kind, address)
    assert authd.lookup("sender", "ann@example.test", "bob@example.test")[0] == "later"
    assert authd.login("nobody@example.test", "secret words") == "later"


def check_back(authd, user="ann@example.test"):
    """Within a second of the database's return nothing is stale."""
    wait_for("the database to be asked again", 10, lambda: authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown"))
    wait_for("logins to be judged again", 10, lambda: authd.login(user, "wrong") == "no")
    assert authd.login(user, "secret words") == "ok"


def wait_written(authd):
    known = counters(authd)
    wait_for("the cache to be written", 30, lambda: counters(authd)["file-records"] >= known["records"] > 0)


def test_known_users_go_on(db):
    fill(db)
    made = Authd()
    made.user("root@embedded.test")
    made.preset(db)
    with made as authd:
        get_known(authd)
        db.kill()
        time.sleep(1)  # so long may an answer count as fresh
        check_outage(authd)
        assert counters(authd)["stale"] > 0
        assert authd.login("root@embedded.test", "secret words") == "ok"
        assert authd.login("root@embedded.test", "wrong") == "no"
        db.start()
        check_back(authd)


def test_through_a_restart_of_authd(db):
    fill(db)
    made = Authd()
    made.preset(db)
    with made as authd:
        get_known(authd)
        wait_written(authd)
        db.kill()
        authd.restart()
        check_outage(authd)
        db.start()
        check_back(authd)


def test_a_frozen_server_is_gone_after_its_timeout(db):
    fill(db)
    made = Authd(sql_timeout="1s")
    made.preset(db)
    with made as authd:
        get_known(authd)
        time.sleep(1)
        db.freeze()
        try:
            check_outage(authd)
            # Once that is known nobody waits for the server.
            began = time.monotonic()
            for _ in range(50):
                assert authd.lookup("rcpt", "ann@example.test")[:2] == ("ok", "mailbox")
            assert time.monotonic() - began < 5
        finally:
            db.thaw()
        check_back(authd)


def test_not_longer_than_the_administrator_says(db):
    fill(db)
    made = Authd(cache_stale="2s")
    made.preset(db)
    with made as authd:
        get_known(authd)
        db.kill()
        wait_for("what is remembered to be too old", 20, lambda: authd.lookup("rcpt", "ann@example.test")[0] == "later")
        wait_for("logins too", 20, lambda: authd.login("ann@example.test", "secret words") == "later")
        db.start()
        check_back(authd)


def test_the_first_question_after_an_outage_is_not_answered_from_memory(db):
    """Nobody asked anything since the database is back, and a user has gone meanwhile (promise 14)."""
    fill(db)
    made = Authd()
    made.preset(db)
    with made as authd:
        get_known(authd)
        db.kill()
        time.sleep(1)
        check_outage(authd)
        db.start()
        db.sql("UPDATE mailbox SET active = 0 WHERE username = 'ann@example.test'", "mail")
        wait_for("each table to answer", 10, lambda: authd.log().count("database-away") == authd.log().count("database-answers-again"))
        time.sleep(1)  # a probe may have asked just before the change, and that answer counts for a second
        assert authd.login("ann@example.test", "secret words") == "no"
        assert authd.lookup("rcpt", "ann@example.test") == ("ok", "unknown")


def test_who_was_refused_before_an_outage_is_not_let_in_by_memory(db):
    fill(db)
    made = Authd()
    made.preset(db)
    with made as authd:
        get_known(authd)
        db.sql("UPDATE mailbox SET active = 0 WHERE username = 'ann@example.test'; DELETE FROM alias WHERE address = 'sales@example.test'", "mail")
        time.sleep(1)
        assert authd.login("ann@example.test", "secret words") == "no"
        assert authd.lookup("rcpt", "sales@example.test") == ("ok", "unknown")
        db.kill()
        time.sleep(1)
        assert authd.login("ann@example.test", "secret words") == "later"
        assert authd.lookup("rcpt", "sales@example.test")[0] == "later"
        db.start()
        check_back(authd, "bob@example.test")


def test_one_of_two_databases_is_gone(db):
    """What the other says counts at once, whoever was asked for before."""
    fill(db)
    made = Authd()
    made.preset(db)
    there = made.settings / "passwords.cf"
    gone = made.settings / "gone.cf"
    gone.write_text(there.read_text().replace(str(db.socket), "/nonexistent/mysqld.sock"))
    made.set("sql_passwords", f"{there}\n{gone}")
    with made as authd:
        assert authd.login("ann@example.test", "secret words") == "ok"
        db.sql("UPDATE mailbox SET password = '{PLAIN}new' WHERE username = 'ann@example.test'", "mail")
        assert authd.login("nobody@example.test", "secret words") == "later"
        assert authd.login("ann@example.test", "secret words") == "no"
        assert authd.login("ann@example.test", "new") == "ok"


def test_a_query_that_fails_is_an_outage_too(db):
    """A table that was dropped, a column of another name: known users go on, nobody is told that he does not exist."""
    fill(db)
    made = Authd()
    made.preset(db)
    with made as authd:
        get_known(authd)
        for broken, mended in (("RENAME TABLE mailbox TO gone", "RENAME TABLE gone TO mailbox"),
                               ("ALTER TABLE mailbox CHANGE username usurname varchar(255)", "ALTER TABLE mailbox CHANGE usurname username varchar(255)")):
            db.sql(broken, "mail")
            time.sleep(1)
            assert authd.lookup("rcpt", "ann@example.test")[:2] == ("ok", "mailbox")
            assert authd.login("ann@example.test", "secret words") == "ok"
            assert authd.lookup("rcpt", "nobody@example.test")[0] == "later"
            db.sql(mended, "mail")
            check_back(authd)
        assert "query-failed" in authd.log()


def test_what_was_flushed_serves_nobody(db):
    fill(db)
    made = Authd()
    made.preset(db)
    with made as authd:
        get_known(authd)
        wait_written(authd)
        authd.tool("lookup", "--flush")
        db.kill()
        for _ in range(2):
            assert authd.lookup("rcpt", "ann@example.test")[0] == "later"
            assert authd.login("ann@example.test", "secret words") == "later"
            authd.restart()
        db.start()
        check_back(authd)


def test_the_file_is_authds_alone(db):
    fill(db)
    made = Authd()
    made.preset(db)
    with made as authd:
        get_known(authd)
        wait_written(authd)
        path = authd.directory / "cache" / "cache.cdb"
        assert oct(path.stat().st_mode & 0o777) == "0o600"
        # The hash is in there; in the workers that check passwords it is not (promise 7 searches the fronts).
        hashed = subprocess.run(["grep", "-c", "-a", r"\$6\$", str(path)], capture_output=True, text=True)
        assert int(hashed.stdout) > 0
