"""postern-authd on PostfixAdmin's tables (preset A) in a real MariaDB, and its outages without a memory (cache_stale 0); what
is remembered through an outage: ../promises/test_15_outage.py."""
import os
import signal
import time

import pytest

from harness import MariaDB
from harness.authd import Authd, fill
from harness.packets import Peer
from harness.timing import compare
from harness.wait import wait_for

PORT = 33371


@pytest.fixture(scope="module")
def db():
    with MariaDB(port=PORT) as server:
        yield server


@pytest.fixture
def authd(db):
    fill(db)
    made = Authd(postmaster="ann@example.test", cache_stale="0")
    made.preset(db)
    with made as running:
        yield running


def check_preset(authd):
    for address, name in {"ann@example.test": "mailbox", "ANN+lists@example.test": "mailbox", "sales@example.test": "alias",
                          "bob@example.test": "alias", "nobody@example.test": "unknown", "off@example.test": "unknown",
                          "x@backup.test": "relay", "x@off.test": "foreign", "x@far.test": "foreign",
                          "postmaster@example.test": "alias"}.items():
        assert authd.lookup("rcpt", address) == ("ok", name), address
    assert authd.lookup("alias", "sales@example.test") == ("ok", "ann@example.test", "bob@example.test")
    assert authd.lookup("mailbox", "ann@example.test")[1:] == ("ann@example.test", "example.test/ann/", "10240000", "0", "")
    for user in ("ann@example.test", "bob@example.test", "ann/example.test"):
        assert authd.login(user, "secret words") == "ok", user
    assert authd.login("ann@example.test", "wrong") == "no"
    assert authd.login("off@example.test", "secret words") == "no"


def test_preset_new_form(authd):
    check_preset(authd)
    assert authd.lookup("transport", "x@backup.test") == ("ok", "smtp:[192.0.2.9]:25")
    assert authd.lookup("transport", "x@example.test") == ("no",)
    assert authd.lookup("alias", "ann@alias.test") == ("ok", "ann@example.test")
    assert authd.lookup("rcpt", "nobody@alias.test") == ("ok", "unknown")
    assert authd.lookup("sender", "ann@example.test", "ann@alias.test") == ("ok",)


def test_preset_old_form(db):
    fill(db)
    db.sql("UPDATE mailbox SET maildir = CONCAT(local_part, SUBSTRING_INDEX(username, '@', 1), '/')", "mail")
    made = Authd(postmaster="ann@example.test", cache_stale="0")
    made.preset(db, old=["virtual_domains_maps", "relay_domains", "virtual_alias_maps", "virtual_mailbox_maps",
                         "virtual_mailbox_limit_maps", "passwords"])
    with made as running:
        check_preset(running)


def test_catch_all(authd, db):
    db.sql("INSERT INTO alias (address, goto, domain) VALUES ('@example.test', 'ann@example.test', 'example.test')", "mail")
    assert authd.lookup("rcpt", "nobody@example.test") == ("ok", "alias")
    assert authd.lookup("alias", "nobody@example.test") == ("ok", "ann@example.test")
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    assert authd.lookup("alias", "nobody@alias.test") == ("ok", "ann@example.test")


def test_names_that_a_latin1_column_cannot_hold(authd):
    for name in ("ä", "日本", "\U0001f600", "a\u0301"):
        assert authd.lookup("rcpt", f"{name}@example.test") == ("ok", "unknown"), name
    for name in ("\udcff", "\udcc3("):  # bytes that are no UTF-8
        assert authd.lookup("rcpt", f"{name}@example.test") == ("ok", "unknown"), name


def test_a_name_that_the_collation_takes_for_another_is_not_that_other(authd):
    for name in ("ann@example.test ", " ann@example.test", "ann@example.test\t", "ann@example.test\n"):
        assert authd.login(name, "secret words") == "no", name


def test_another_spelling_of_a_login_is_no_login(authd, db):
    """Else one stolen password has as many logins, each with its own counts of what it sends, as there are spellings."""
    db.sql("ALTER TABLE mailbox CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "mail")
    assert authd.login("ann@example.test", "secret words") == "ok"
    for name in ("\u00e1nn@example.test", "\uff41nn@example.test", "an\u00adn@example.test", "ann\u0301@example.test"):
        assert authd.login(name, "secret words") == "no", name


@pytest.mark.parametrize("charset", ["latin1", "utf8mb4"])
def test_a_letter_that_the_collation_takes_for_another_makes_no_second_login(authd, db, charset):
    """Each would have its own limits, and there are as many as letters can be written otherwise."""
    db.sql(f"ALTER TABLE mailbox CONVERT TO CHARACTER SET {charset}", "mail")
    db.sql("INSERT INTO mailbox (username, password, maildir, domain) SELECT 'jörg@example.test', password, 'j/', domain FROM mailbox"
           " WHERE username = 'ann@example.test'", "mail")
    for name in ("ánn@example.test", "anñ@example.test", "ann@exámple.test", "jórg@example.test"):
        assert authd.login(name, "secret words") == "no", name
    assert authd.login("jörg@example.test", "secret words") == "ok"
    assert authd.login("ann@example.test", "secret words") == "ok"


def test_a_local_part_with_a_blank_behind_is_not_the_one_without(db):
    fill(db)
    made = Authd(cache_stale="0")
    made.preset(db)
    path = made.settings / "passwords.cf"
    path.write_text(path.read_text().replace("username='%s'", "SUBSTRING_INDEX(username, '@', 1) = '%u' AND domain = '%d'"))
    with made as running:
        assert running.login("ann@example.test", "secret words") == "ok"
        for name in ("ann @example.test", "ann  @example.test"):
            assert running.login(name, "secret words") == "no", name


def test_a_login_is_no_pattern(db):
    fill(db)
    made = Authd(cache_stale="0")
    made.preset(db)
    path = made.settings / "passwords.cf"
    path.write_text(path.read_text().replace("username='%s'", "username LIKE '%s'"))
    with made as running:
        assert running.login("ann@example.test", "secret words") == "ok"
        for name in ("%", "a%@example.test", "an_@example.test", "ann@example.tes_"):
            assert running.login(name, "secret words") == "no", name


def test_a_table_value_that_leaves_the_mail_root_is_refused(authd, db):
    for bad in ("../x/", "/etc/", "a/../../b", "", "a\nb", "./../x"):
        db.sql(f"UPDATE mailbox SET maildir = '{bad}' WHERE username = 'ann@example.test'", "mail")
        a_second_later()
        assert authd.lookup("mailbox", "ann@example.test")[0] in ("later", "no"), bad
    db.sql("UPDATE mailbox SET maildir = '/var/vmail/example.test/ann' WHERE username = 'ann@example.test'", "mail")
    a_second_later()
    assert authd.lookup("mailbox", "ann@example.test")[2] == "example.test/ann/"


# --- outages: later, never no ---------------------------------------------------------------

def a_second_later():
    """What SQL said may answer for a second (promise 14)."""
    time.sleep(1)


def assert_later(authd):
    a_second_later()
    assert authd.lookup("rcpt", "ann@example.test")[0] == "later"
    assert authd.lookup("rcpt", "nobody@example.test")[0] == "later"
    assert authd.lookup("rcpt", "x@far.test")[0] == "later"
    assert authd.lookup("mailbox", "ann@example.test")[0] == "later"
    assert authd.lookup("alias", "sales@example.test")[0] == "later"
    assert authd.lookup("sender", "ann@example.test", "sales@example.test")[0] == "later"
    assert authd.login("ann@example.test", "secret words") == "later"
    assert authd.login("nobody@example.test", "x") == "later"


def assert_back(authd):
    wait_for("the database to be used again", 15, lambda: authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox"))
    wait_for("logins", 15, lambda: authd.login("ann@example.test", "secret words") == "ok")
    wait_for("both workers", 15, lambda: all(authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown") for _ in range(10)))


def test_killed_and_restarted(authd, db):
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    db.kill()
    assert_later(authd)
    db.start()
    assert_back(authd)


def test_a_quick_restart_between_two_questions_is_not_noticed(authd, db):
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    db.stop()
    db.start()
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")


def test_frozen(authd, db):
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    db.freeze()
    try:
        began = time.monotonic()
        assert_later(authd)
        assert time.monotonic() - began < 20
    finally:
        db.thaw()
    assert_back(authd)


def test_workers_that_are_killed_in_a_question(authd, db):
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    db.freeze()
    try:
        with Peer(authd, "authd/lookup") as peer:
            for i in range(20):
                peer.send("rcpt", str(i), "nobody@example.test")
            time.sleep(0.2)
            for pid in authd.children():
                os.kill(pid, signal.SIGKILL)
            assert {peer.receive()[0] for _ in range(20)} == {"later"}
    finally:
        db.thaw()
    assert_back(authd)


def test_down_at_the_start(db):
    fill(db)
    db.stop()
    made = Authd(cache_stale="0")
    made.preset(db)
    with made as running:
        assert_later(running)
        db.start()
        assert_back(running)


def test_wrong_database_password(db):
    fill(db)
    made = Authd(cache_stale="0")
    made.preset(db, password="wrong")
    with made as running:
        assert_later(running)
        assert "Access denied" in running.log()


def test_a_dropped_table_and_a_missing_column(authd, db):
    db.sql("RENAME TABLE alias TO gone", "mail")
    assert authd.lookup("rcpt", "nobody@example.test")[0] == "later"
    a_second_later()
    db.sql("RENAME TABLE gone TO alias; ALTER TABLE alias CHANGE goto went text", "mail")
    assert authd.lookup("rcpt", "sales@example.test")[0] == "later"
    db.sql("ALTER TABLE alias CHANGE went goto text", "mail")
    assert authd.lookup("rcpt", "sales@example.test") == ("ok", "alias")
    assert "query-failed file=" in authd.log() and "virtual_alias_maps.cf" in authd.log()


def test_an_alias_that_is_too_large_for_a_packet(authd, db):
    db.sql("ALTER TABLE alias MODIFY goto mediumtext; UPDATE alias SET goto = REPEAT('abcdefg@example.test,', 10000)"
           " WHERE address = 'sales@example.test'", "mail")
    assert authd.lookup("alias", "sales@example.test")[0] == "later"
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")


def test_the_next_host_serves(db):
    fill(db)
    made = Authd(cache_stale="0")
    made.preset(db, hosts=f"unix:/nonexistent/sock, 127.0.0.1:1, inet:127.0.0.1:{PORT}")
    with made as running:
        assert running.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")


def test_a_hash_of_an_unknown_kind_is_not_a_wrong_password(authd, db):
    db.sql("UPDATE mailbox SET password = '{NTLM}abc' WHERE username = 'ann@example.test'", "mail")
    assert authd.login("ann@example.test", "secret words") == "later"
    db.sql("UPDATE mailbox SET password = '!' WHERE username = 'ann@example.test'", "mail")
    assert authd.login("ann@example.test", "secret words") == "no"


@pytest.mark.parametrize("query, line", [("SELECT a FROM users_%d", 2), ("SELECT a\n FROM t\n WHERE x = '%s", 2), ("SELECT ?", 2)])
def test_a_query_that_cannot_be_prepared_is_refused_at_the_start(query, line):
    made = Authd(sql_domains="bad.cf")
    made.set("bad.cf", f"hosts = localhost\nquery = {query}")
    with pytest.raises(AssertionError):
        with made:
            assert made.process.wait(10) == 100
            assert "file=bad.cf" in made.log() and f"line {line}: " in made.log()
            raise AssertionError("as it must be")


def test_a_query_that_is_wrong_by_itself_is_later(db):
    """Columns whose collations do not go together fail for every key: that says nothing of the user."""
    fill(db)
    db.sql("""CREATE TABLE one (username varchar(200) CHARACTER SET latin1 COLLATE latin1_german1_ci, maildir varchar(200));
        CREATE TABLE other (username varchar(200) CHARACTER SET latin1 COLLATE latin1_swedish_ci);
        INSERT INTO one SELECT username, maildir FROM mailbox; INSERT INTO other SELECT username FROM mailbox""", "mail")
    made = Authd(postmaster="ann@example.test", cache_stale="0")
    made.preset(db)
    path = made.settings / "virtual_mailbox_maps.cf"
    text = path.read_text()
    query = "SELECT maildir FROM one, other WHERE one.username = '%s' AND one.username = other.username"
    path.write_text(text[:text.index("query =")] + f"query = {query}\n")
    with made as authd:
        for address in ("ann@example.test", "\u00e4nn@example.test"):
            assert authd.lookup("rcpt", address)[0] == "later", address
        assert "query-failed" in authd.log() and "Illegal mix of collations" in authd.log()


def test_accounts_without_a_password(db):
    """A scheme with nothing or a lock behind it; and what needs no hashing takes as long as an unknown user."""
    fill(db)
    db.sql("""INSERT INTO mailbox (username, password, maildir, domain) VALUES
        ('empty@example.test', '{PLAIN}', 'e/', 'example.test'), ('plain@example.test', '{PLAIN}abc', 'p/', 'example.test'),
        ('lock@example.test', '{SHA512-CRYPT}!$6$salt$hash', 'l/', 'example.test')""", "mail")
    made = Authd(hash_workers="1")
    made.preset(db)
    with made as authd:
        assert authd.login("empty@example.test", "") == authd.login("lock@example.test", "x") == "no"
        assert authd.login("plain@example.test", "abc") == "ok"
        assert authd.login("ann@example.test", "wrong") == "no"  # from now on it is known what a hash costs here

        def takes(user):
            def attempt(_):
                with authd.greeted() as peer:
                    began = time.perf_counter()
                    assert peer.ask("password", "t", f"{user}@example.test", "wrong")[0] == "no"
                    return time.perf_counter() - began
            return attempt
        found = compare({user: takes(user) for user in ("nobody", "plain", "lock", "empty", "ann")}, 60, 10,
                        told=lambda d: d.beyond(d.usual / 2) or d.within(d.usual / 2))
        assert not [f"{user}: {d}" for user, d in found.items() if d.beyond(d.usual / 2)]
