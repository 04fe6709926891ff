"""postern-authd against guessing and spamming: failures counted, delays, refusals; what a login sends; who may use what."""
import time

import pytest

from harness.authd import Authd, blob
from harness.packets import Peer
from harness.wait import wait_for

HOME, STRANGER = "203.0.113.7", "198.51.100.9"


def attempt(authd, user, password, client, service="imap"):
    """(status, seconds) of one login from that address; ("refused", _) when it is not even greeted."""
    began = time.monotonic()
    with Peer(authd, "authd/login", timeout=30) as peer:
        if peer.ask("hello", "1", service, client, "tls")[0] != "ok":
            return "refused", time.monotonic() - began
        return peer.ask("password", "2", user, password)[0], time.monotonic() - began


def fail_at_once(authd, guesses):
    """Failed logins, (user, client) each, all under way together: nobody waits for the answers that are held back."""
    peers = []
    before = authd.log().count("login-failed")
    for i, (user, client) in enumerate(guesses):
        peer = Peer(authd, "authd/login", timeout=30)
        assert peer.ask("hello", "1", "imap", client, "tls")[0] == "ok"
        peer.send("password", "2", user, f"guess {i}")
        peers.append(peer)

    def counted():
        """All of them; or all but the last, which came when the limit was reached to the full: nothing of it had drained yet."""
        log = authd.log()
        failed = log.count("login-failed") - before
        return failed == len(peers) or (failed == len(peers) - 1 and ("account-attacked" in log or "client-refused" in log))
    wait_for(lambda: f"the failures to be counted\n{authd.log()[-3000:]}", 30, counted)
    for peer in peers:
        peer.socket.close()


@pytest.fixture
def authd():
    made = Authd(failures_per_address="6", failures_per_account="8", failures_window="1h", outgoing_hour="5", outgoing_day="8",
                 outgoing_limits="bob@example.test 100 100", sessions_per_address="0")
    for name in ("ann", "bob"):
        made.user(f"{name}@example.test")
    with made as running:
        yield running


def test_a_no_takes_longer_with_each_failure(authd):
    taken = [attempt(authd, "ann@example.test", f"wrong {i}", STRANGER) for i in range(4)]
    assert [status for status, _ in taken] == ["no"] * 4
    assert taken[2][1] >= 0.9 and taken[3][1] >= 1.9, taken
    assert min(taken[0][1], taken[1][1]) < taken[3][1] - 0.9, f"two mistakes are free: {taken}"


def test_an_address_that_guesses_is_refused_and_others_are_not(authd):
    # A count drains all the time, so that after six it is a little less.
    fail_at_once(authd, [(f"user{i}@example.test", STRANGER) for i in range(7)])
    assert attempt(authd, "bob@example.test", "secret words", STRANGER)[0] == "refused"
    assert attempt(authd, "bob@example.test", "secret words", HOME)[0] == "ok"
    assert f"client-refused client={STRANGER}" in authd.log()


def test_one_network_of_ipv6_is_one_client(authd):
    fail_at_once(authd, [(f"user{i}@example.test", f"2001:db8:1:2::{i + 1}") for i in range(7)])
    assert attempt(authd, "bob@example.test", "secret words", "2001:db8:1:2:aaaa::1")[0] == "refused"
    assert attempt(authd, "bob@example.test", "secret words", "2001:db8:1:3::1")[0] == "ok"


def test_an_attack_on_an_account_does_not_lock_its_owner_out(authd):
    assert attempt(authd, "ann@example.test", "secret words", HOME)[0] == "ok"
    fail_at_once(authd, [("ann@example.test", f"198.51.100.{i + 20}") for i in range(9)])
    assert attempt(authd, "ann@example.test", "secret words", "198.51.100.99")[0] == "later"
    assert attempt(authd, "ann@example.test", "secret words", HOME)[0] == "ok"
    # An account that does not exist looks the same.
    assert attempt(authd, "bob@example.test", "secret words", "198.51.100.99")[0] == "ok"


def test_a_phone_that_keeps_an_old_password_does_not_guess(authd):
    for _ in range(12):
        assert attempt(authd, "ann@example.test", "the old one", STRANGER)[0] == "no"
    assert attempt(authd, "bob@example.test", "secret words", STRANGER)[0] == "ok"


def test_exempt_networks_are_not_refused(authd):
    for i in range(12):
        assert attempt(authd, f"user{i}@example.test", "wrong", "192.0.2.44")[0] == "no"
    assert attempt(authd, "bob@example.test", "secret words", "192.0.2.44")[0] == "ok"


def test_a_client_that_goes_while_it_waits_leaves_nothing(authd):
    for _ in range(3):
        attempt(authd, "ann@example.test", "wrong", STRANGER)
    for _ in range(2):
        with Peer(authd, "authd/login") as peer:
            assert peer.ask("hello", "1", "imap", STRANGER, "tls")[0] == "ok"
            peer.send("password", "2", "ann@example.test", "wrong")
    assert attempt(authd, "ann@example.test", "secret words", HOME)[0] == "ok"


def test_a_request_while_the_answer_is_held_back_is_out_of_turn(authd):
    for i in range(4):
        attempt(authd, "ann@example.test", f"wrong {i}", STRANGER)
    with Peer(authd, "authd/login", timeout=30) as peer:
        assert peer.ask("hello", "1", "imap", STRANGER, "tls")[0] == "ok"
        peer.send("password", "2", "ann@example.test", "wrong")
        wait_for("the verdict", 10, lambda: authd.log().count("login-failed") == 5)
        assert peer.ask("more", "3", blob("x")) is None


# --- what a login sends ------------------------------------------------------------------------


def test_outgoing_recipients_are_counted_and_held(authd):
    ask = lambda login, count: authd.lookup("outgoing", login, str(count))  # noqa: E731
    assert ask("ann@example.test", 3) == ask("ANN@example.test", 2) == ("ok", "pass")
    status, verdict, why, first = ask("ann@example.test", 1)
    assert (status, verdict, first) == ("ok", "hold", "first") and "within an hour" in why
    assert ask("ann@example.test", 1)[3] == "again"
    assert ask("bob@example.test", 90) == ("ok", "pass")
    assert "outgoing-limit login=ann@example.test" in authd.log()


def test_told_sizes_of_mailboxes():
    made = Authd()
    made.user("ann@example.test")
    made.tool("users", "add", "small@example.test", "--stdin", "--quota", "1M", input="x\n")
    with made as authd:
        assert authd.lookup("rcpt", "small@example.test") == ("ok", "mailbox")
        assert authd.lookup("usage", "small@example.test", str(1 << 20), "10") == ("ok",)
        assert authd.lookup("rcpt", "Small+box@example.test") == ("ok", "full")
        assert authd.lookup("usage", "small@example.test", "1000", "1") == ("ok",)
        assert authd.lookup("rcpt", "small@example.test") == ("ok", "mailbox")
        assert authd.lookup("usage", "ann@example.test", str(1 << 40), "10") == ("ok",)
        assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox"), "who has no quota is never full"
