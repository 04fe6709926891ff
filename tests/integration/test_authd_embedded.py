"""postern-authd with embedded users, over its sockets."""
import json
import os
import signal
import time

import pytest

from harness.authd import Authd, blob
from harness.packets import Peer
from harness.wait import wait_for


@pytest.fixture(scope="module")
def authd():
    made = Authd(postmaster="ann@example.test", sessions_per_address=3, hash_workers=2)
    made.user("ann@example.test")
    made.user("bob@example.test", "another")
    made.tool("users", "alias", "sales@example.test", "ann@example.test", "bob@example.test", "x@far.test")
    made.tool("users", "alias", "@all.test", "ann@example.test")
    with made as running:
        yield running


def test_classes(authd):
    for address, name in {"ann@example.test": "mailbox", "Ann+lists@example.test": "mailbox", "sales@example.test": "alias",
                          "nobody@example.test": "unknown", "any@all.test": "alias", "x@far.test": "foreign",
                          "postmaster@example.test": "alias", "postmaster": "alias"}.items():
        assert authd.lookup("rcpt", address) == ("ok", name), address


def test_alias_and_mailbox(authd):
    assert authd.lookup("alias", "sales@example.test") == ("ok", "ann@example.test", "bob@example.test", "x@far.test")
    assert authd.lookup("alias", "ann@example.test") == ("no",)
    assert authd.lookup("mailbox", "ann+Box@example.test") == ("ok", "ann@example.test", "example.test/ann/", "0", "0", "Box")
    assert authd.lookup("mailbox", "sales@example.test") == ("no",)


def test_who_may_send_as_whom(authd):
    assert authd.lookup("sender", "ann@example.test", "sales@example.test") == ("ok",)
    assert authd.lookup("sender", "ann@example.test", "ann+x@example.test") == ("ok",)
    assert authd.lookup("sender", "ann@example.test", "bob@example.test") == ("no",)


def test_many_questions_on_one_connection(authd):
    with Peer(authd, "authd/lookup") as peer:
        for i in range(100):
            peer.send("rcpt", str(i), "ann@example.test")
        assert sorted(int(peer.receive()[1]) for _ in range(100)) == list(range(100))


def test_many_recipients_in_one_question(authd):
    with Peer(authd, "authd/lookup") as peer:
        assert peer.ask("rcpts", "7", "ann@example.test", "nobody@example.test", "sales@example.test", "x@far.test", "ann@example.test") == [
            "ok", "7", "mailbox", "", "unknown", "", "alias", "", "foreign", "", "mailbox", ""]
        assert peer.ask("rcpts", "8", "a" * 1100 + "@example.test", "bob@example.test")[4:] == ["mailbox", ""]
        assert len(peer.ask("rcpts", "9", *["bob@example.test"] * 32)) == 2 + 2 * 32


def test_plain_and_login(authd):
    with authd.greeted() as peer:
        assert peer.ask("auth", "1", "PLAIN", blob("", "ann@example.test", "secret words"))[:3] == ["ok", "1", "ann@example.test"]
        assert peer.ask("auth", "2", "PLAIN") == ["more", "2", ""]
        assert peer.ask("more", "3", blob("", "ann@example.test", "secret words"))[0] == "ok"
        assert peer.ask("auth", "4", "login") == ["more", "4", blob("Username:")]
        assert peer.ask("more", "5", blob("bob/example.test")) == ["more", "5", blob("Password:")]
        assert peer.ask("more", "6", blob("another"))[:3] == ["ok", "6", "bob@example.test"]
        assert peer.ask("auth", "7", "LOGIN", blob("bob@example.test"))[0] == "more"
        assert peer.ask("cancel", "8")[:2] == ["no", "8"]
        assert peer.ask("auth", "9", "PLAIN", blob("bob@example.test", "ann@example.test", "secret words"))[0] == "no"
        assert peer.ask("password", "10", "ann@example.test", "wrong")[0] == "no"
        assert peer.ask("password", "11", "ann", "secret words")[0] == "no"


def test_a_ticket_serves_once_and_one_service(authd):
    with authd.greeted("imap") as peer, Peer(authd, "authd/ticket") as session:
        ticket = peer.ask("password", "1", "ann@example.test", "secret words")[3]
        assert session.ask("redeem", "1", ticket, "imap") == ["ok", "1", "ann@example.test", "example.test/ann/", "0", "0"]
        assert session.ask("redeem", "2", ticket, "imap") == ["no", "2"]
        ticket = peer.ask("password", "3", "ann@example.test", "secret words")[3]
        assert session.ask("redeem", "4", ticket, "pop3") == ["no", "4"]
        assert session.ask("redeem", "5", ticket, "imap") == ["no", "5"]


def test_submission_gets_no_ticket(authd):
    with authd.greeted("submission") as peer:
        assert peer.ask("password", "1", "ann@example.test", "secret words") == ["ok", "1", "ann@example.test", "-"]


def test_no_password_without_tls():
    made = Authd(plain_without_tls="no")
    made.user("ann@example.test")
    with made as running, running.greeted(line="plain") as peer:
        assert peer.ask("password", "1", "ann@example.test", "secret words")[0] == "no"
        assert peer.ask("hello", "2", "imap", "192.0.2.1", "plain") == ["ok", "2", ""]
        assert peer.ask("hello", "3", "imap", "192.0.2.1", "tls") == ["ok", "3", "PLAIN LOGIN"]
        assert peer.ask("password", "4", "ann@example.test", "secret words")[0] == "ok"


def test_conversations_of_one_address_are_counted(authd):
    held = [authd.greeted(client="192.0.2.77") for _ in range(3)]
    with Peer(authd, "authd/login") as peer:
        assert peer.ask("hello", "1", "imap", "192.0.2.77", "tls")[0] == "later"
        assert peer.ask("hello", "2", "imap", "192.0.2.78", "tls")[0] == "ok"
    assert all(authd.greeted(client="127.0.0.1") for _ in range(10))
    held.pop().socket.close()
    wait_for("a place", 5, lambda: can_greet(authd, "192.0.2.77"))


def can_greet(authd, client):
    with Peer(authd, "authd/login") as peer:
        return peer.ask("hello", "1", "imap", client, "tls")[0] == "ok"


OUT_OF_TURN = [("auth", "1", "PLAIN"), ("more", "1", "x"), ("cancel", "1"), ("password", "1", "a", "b"), ("nonsense", "1"),
               ("hello", "1", "imap", "192.0.2.1"), ("hello", "1", "imap", "192.0.2.1", "maybe"), ("hello",), ("",)]


@pytest.mark.parametrize("packet", OUT_OF_TURN)
def test_out_of_turn_ends_that_conversation_only(authd, packet):
    with Peer(authd, "authd/login") as peer, authd.greeted(client="127.0.0.1") as other:
        assert peer.ask(*packet) is None
        assert other.ask("password", "1", "ann@example.test", "secret words")[0] == "ok"


@pytest.mark.parametrize("raw", [b"", b"rcpt", b"rcpt\0t\0", b"rcpt\0t\0a@b\0more\0", b"rcpt\0t\0no-nul", b"\0\0\0", b"x" * 65536,
                                 b"rcpts\0t\0", b"rcpts\0t\0a@b\0no-nul", b"rcpts\0t\0" + b"a@b\0" * 33, b"rcpt\0" + b"t" * 100 + b"\0a@b\0", b"sender\0t\0a@b\0", b"redeem\0t\0a\0b\0"])
def test_a_malformed_lookup_ends_that_conversation_only(authd, raw):
    with Peer(authd, "authd/lookup") as peer, Peer(authd, "authd/lookup") as other:
        if raw:
            assert peer.ask(raw=raw) is None
        assert other.ask("rcpt", "t", "ann@example.test") == ["ok", "t", "mailbox"]


BLOBS = ["", "=", "!!!!", "AA", "AAAA====", blob("", "", ""), blob("", "ann@example.test", ""), blob("ann@example.test"),
         blob("", "ann@example.test", "secret words", "x"), blob("", b"ann@example.test\0", "secret words"),
         blob("", b"\xff\xfe", b"\xff"), blob("", "a" * 9000, "b"), blob("", "a", "b" * 9000), "A" * 16000,
         blob("", "ann@example.test ", "secret words"), blob("", "%s%n'\"\\;--", "x")]


@pytest.mark.parametrize("text", BLOBS)
def test_a_hostile_blob_is_no_login(authd, text):
    with authd.greeted() as peer:
        assert peer.ask("auth", "1", "PLAIN", text)[0] in ("no", "more")
    with authd.greeted() as peer:
        assert peer.ask("auth", "1", "LOGIN")[0] == "more"
        assert peer.ask("more", "2", text)[0] in ("no", "more")
    assert authd.login("ann@example.test", "secret words") == "ok"


@pytest.mark.parametrize("mechanism", ["", "EXTERNAL", "ANONYMOUS", "CRAM-MD5", "SCRAM-SHA-1", "X" * 5000])
def test_other_mechanisms_are_refused(authd, mechanism):
    with authd.greeted() as peer:
        assert peer.ask("auth", "1", mechanism, "")[0] == "no"


def test_a_long_user_or_password_is_no_login(authd):
    for user, password in [("a" * 60000 + "@example.test", "x"), ("ann@example.test", "x" * 60000), ("@", "x"), ("", "")]:
        assert authd.login(user, password) in ("no", "later")
    assert authd.login("ann@example.test", "x" * 60000) == "no"


def test_more_exchanges_than_a_worker_keeps(authd):
    """The oldest gives way and is told to come again; the rest go on."""
    peers = [authd.greeted(client="127.0.0.1") for _ in range(600)]
    for peer in peers:
        assert peer.ask("auth", "1", "LOGIN")[0] == "more"
    answers = [peer.ask("more", "2", blob("ann@example.test"))[0] for peer in (peers[0], peers[-1])]
    assert answers == ["later", "more"]
    for peer in peers:
        peer.socket.close()
    assert authd.login("ann@example.test", "secret words") == "ok"


def test_a_worker_that_dies_is_later_and_is_replaced(authd):
    with authd.greeted() as peer:
        assert peer.ask("auth", "1", "LOGIN")[0] == "more"
        for pid in authd.children():
            os.kill(pid, signal.SIGKILL)
        assert peer.ask("more", "2", blob("ann@example.test"))[0] == "later"
    wait_for("new workers", 10, lambda: authd.login("ann@example.test", "secret words") == "ok")
    assert authd.login("ann@example.test", "wrong") == "no"


def test_a_worker_that_hangs_does_not_hold_up_lookups(authd):
    children = authd.children()
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    try:
        with authd.greeted() as peer:
            peer.send("password", "1", "ann@example.test", "secret words")
            assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    finally:
        for pid in children:
            os.kill(pid, signal.SIGCONT)
    assert authd.login("ann@example.test", "secret words") == "ok"


def test_a_client_that_goes_in_the_middle_leaves_nothing(authd):
    for _ in range(50):
        with authd.greeted(client="127.0.0.1") as peer:
            peer.send("password", "1", "ann@example.test", "secret words")
    assert authd.login("ann@example.test", "secret words") == "ok"


def test_a_broken_cdb_leaves_the_old_one_in_use(authd):
    path = authd.directory / "users.cdb"
    good = path.read_bytes()
    for bad in (b"", good[:2100], os.urandom(5000), b"\0" * 4096):
        fresh = authd.directory / "fresh"
        fresh.write_bytes(bad)
        os.rename(fresh, path)
        time.sleep(1)
        assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
        assert authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown")
    path.unlink()
    time.sleep(1)
    assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
    authd.tool("users", "compile")


def test_without_any_users_everything_is_later():
    with Authd() as running:
        assert running.lookup("rcpt", "ann@example.test")[0] == "later"
        assert running.lookup("rcpt", "x@far.test")[0] == "later"
        assert running.login("ann@example.test", "x") == "later"


def test_tools(authd):
    result = authd.tool("lookup", "--short", "rcpt", "ann@EXAMPLE.test")
    assert result.stdout.split() == ["answer", "ok", "class", "mailbox"]
    result = authd.tool("lookup", "rcpt", "ann@EXAMPLE.test")
    assert "  mailboxes: embedded users: ann@example.test: found: example.test/ann/\n" in result.stdout
    assert result.stdout.endswith("answer    ok\nclass     mailbox\n")
    answer = json.loads(authd.tool("lookup", "--json", "alias", "sales@example.test").stdout)
    assert answer["answer"] == "ok" and answer["targets"] == ["ann@example.test", "bob@example.test", "x@far.test"]
    assert "aliases: embedded users: sales@example.test: found: ann@example.test,bob@example.test,x@far.test" in answer["steps"]
    assert authd.tool("lookup", "mailbox", "nobody@example.test", check=False).returncode == 1
    assert authd.tool("lookup", "wrong", "x", check=False).returncode == 100
    result = authd.tool("authtest", "--json", "--stdin", "ann@example.test", input="secret words\n")
    answer = json.loads(result.stdout)
    assert {**answer, "steps": []} == {"answer": "ok", "user": "ann@example.test", "maildir": "example.test/ann/", "bytes": "0",
                                       "messages": "0", "steps": []}
    assert answer["steps"] == ["passwords: embedded users: ann@example.test: found"]
    result = authd.tool("authtest", "--stdin", "ann@example.test", "pop3", input="wrong\n", check=False)
    assert result.returncode == 1 and "wrong password" in result.stdout


@pytest.mark.parametrize("arguments", [["add", "ann@example.test", "--stdin"], ["add", "no-domain", "--stdin"], ["passwd", "x@y.test", "--stdin"],
                                       ["delete", "x@y.test"], ["unalias", "x@y.test"], ["alias", "x@y.test"], ["alias", "x@y.test", "bob"],
                                       ["add", "a b@y.test", "--stdin"], ["add", "q@y.test", "--stdin", "--quota", "much"], ["frobnicate"],
                                       ["add", "e@y.test", "--stdin", "--maildir", "a b"], []])
def test_users_says_what_is_wrong(authd, arguments):
    before = (authd.settings / "users").read_text()
    result = authd.tool("users", *arguments, input="new password\n", check=False)
    assert result.returncode == 100 and result.stderr.startswith("postern-users: "), result
    assert (authd.settings / "users").read_text() == before


def test_users_keeps_comments(authd):
    path = authd.settings / "users"
    path.write_text("# people\n" + path.read_text() + "# the end\n")
    authd.user("carl@example.test")
    authd.tool("users", "passwd", "carl@example.test", "--stdin", input="new words\n")
    text = path.read_text()
    assert text.startswith("# people\n") and "# the end\n" in text and text.count("carl@example.test") == 1
    authd.tool("users", "delete", "carl@example.test")
    assert "carl" not in path.read_text()
    assert oct(path.stat().st_mode & 0o77) == "0o0"
    assert oct((authd.directory / "users.cdb").stat().st_mode & 0o777) == "0o400"
