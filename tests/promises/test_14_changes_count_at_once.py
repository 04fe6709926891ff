"""Promise 14: a changed password, a disabled user, a removed alias takes effect within a second where the database
answers; and nothing that was asked before answers for another identity."""
import time

import pytest

from harness import MariaDB
from harness.authd import Authd, fill


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        yield server


@pytest.fixture
def authd(db):
    fill(db)
    made = Authd()
    made.preset(db)
    with made as running:
        assert running.login("ann@example.test", "secret words") == "ok"
        yield running


def change(db, text):
    db.sql(text, "mail")
    time.sleep(1)


def test_a_changed_password(authd, db):
    change(db, "UPDATE mailbox SET password = '{PLAIN}new' WHERE username = 'ann@example.test'")
    assert authd.login("ann@example.test", "secret words") == "no"
    assert authd.login("ann@example.test", "new") == "ok"


def test_a_disabled_user(authd, db):
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    change(db, "UPDATE mailbox SET active = 0 WHERE username = 'ann@example.test'")
    assert authd.login("ann@example.test", "secret words") == "no"
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "unknown")
    assert authd.lookup("mailbox", "ann@example.test") == ("no",)


def test_a_ticket_of_a_user_who_was_disabled_since(authd, db):
    with authd.greeted() as peer:
        ticket = peer.ask("password", "1", "ann@example.test", "secret words")[3]
    change(db, "UPDATE mailbox SET active = 0 WHERE username = 'ann@example.test'")
    from harness.packets import Peer
    with Peer(authd, "authd/ticket") as session:
        assert session.ask("redeem", "1", ticket, "imap") == ["no", "1"]


def test_a_removed_alias(authd, db):
    assert authd.lookup("rcpt", "sales@example.test") == ("ok", "alias")
    change(db, "DELETE FROM alias WHERE address = 'sales@example.test'")
    assert authd.lookup("rcpt", "sales@example.test") == ("ok", "unknown")
    assert authd.lookup("sender", "ann@example.test", "sales@example.test") == ("no",)


def test_a_new_user_at_once(authd, db):
    assert authd.lookup("rcpt", "new@example.test") == ("ok", "unknown")
    db.sql("INSERT INTO mailbox (username, password, maildir, domain) VALUES ('new@example.test', '{PLAIN}x', 'e/new/', 'example.test')", "mail")
    assert authd.lookup("rcpt", "new@example.test") == ("ok", "mailbox")
    assert authd.login("new@example.test", "x") == "ok"


def test_embedded_users():
    made = Authd()
    made.user("ann@example.test")
    made.user("bob@example.test")
    made.tool("users", "alias", "sales@example.test", "ann@example.test")
    with made as authd:
        assert authd.login("ann@example.test", "secret words") == "ok"
        made.tool("users", "passwd", "ann@example.test", "--stdin", input="new\n")
        made.tool("users", "delete", "bob@example.test")
        made.tool("users", "unalias", "sales@example.test")
        time.sleep(1)
        assert authd.login("ann@example.test", "secret words") == "no"
        assert authd.login("ann@example.test", "new") == "ok"
        assert authd.login("bob@example.test", "secret words") == "no"
        assert authd.lookup("rcpt", "bob@example.test") == ("ok", "unknown")
        assert authd.lookup("rcpt", "sales@example.test") == ("ok", "unknown")
