"""Connections and rates of client addresses and logins, counted before TLS; clients that never finish a handshake starve nobody."""
import contextlib
import socket

import pytest

from harness import Imap, Peer, Pop3, Smtp, Suite, as_user, wait_for
from test_smtp_dialogue import says

CLIENT = "127.0.0.5"
OTHER = "127.0.0.6"
EXEMPT = "127.0.0.1"


@pytest.fixture(scope="module")
def limited():
    """Four connections at a time, few of anything else in a minute; the harness's own address is exempt."""
    with Suite("limited", {"client_exempt": EXEMPT, "client_connections": "4", "client_message_rate": "3", "client_recipient_rate": "6",
                           "client_tls_rate": "5", "client_auth_rate": "2", "user_message_rate": "2", "failures_per_address": "0",
                           "failures_exempt": "127.0.0.0/8", "tls_handshakes": "40", "handshake_timeout": "20s"}) as suite:
        suite.user("first")
        yield suite


def connect(suite, service="smtpd", source=CLIENT, **keywords):
    return Smtp(suite.ports[service], source=source, **keywords)


def lease_is_free(suite, source, service="smtp"):
    """Waits until authd has seen the client's connections end."""
    def free():
        with Peer(suite, "authd/lookup") as peer:
            return peer.ask("client", "t", service, source)[0] == "ok"
    wait_for(f"connections of {source} to end", 10, free)


def test_too_many_connections_of_one_address(limited):
    with contextlib.ExitStack() as open_ones:
        for _ in range(4):
            assert open_ones.enter_context(connect(limited)).greeting[0] == 220
        with connect(limited) as fifth:
            says(fifth.greeting, 421, "4.7.0")
            assert fifth.rest() == b""
        assert open_ones.enter_context(connect(limited, source=OTHER)).greeting[0] == 220
        assert open_ones.enter_context(connect(limited, source=EXEMPT)).greeting[0] == 220
    limited.wait_log("smtpd", rf"over-limit session=\w+ client={CLIENT}")
    lease_is_free(limited, CLIENT)
    with connect(limited) as again:
        assert again.greeting[0] == 220


@pytest.mark.parametrize("service, answer", [("imapd", b"* BYE [UNAVAILABLE] "), ("pop3d", b"-ERR [SYS/TEMP] ")])
def test_imap_and_pop3_are_counted_before_the_login(limited, service, answer):
    with contextlib.ExitStack() as open_ones:
        for _ in range(4):
            open_ones.enter_context(Pop3(limited.ports[service], source=CLIENT))
        with Smtp(limited.ports[service], source=CLIENT, greet=False) as fifth:
            assert fifth.rest().startswith(answer)
    lease_is_free(limited, CLIENT, service.removesuffix("d"))


def test_with_tls_first_they_are_counted_before_the_handshake(limited):
    """Nothing was said: each of four takes a place, the fifth finds none, and is closed."""
    for service, name in (("smtps", "submission"), ("imaps", "imap"), ("pop3s", "pop3")):
        with contextlib.ExitStack() as open_ones:
            silent = [open_ones.enter_context(connect(limited, service, "127.0.0.7", greet=False)) for _ in range(4)]
            fifth = open_ones.enter_context(connect(limited, service, "127.0.0.7", greet=False))
            ends = [*silent, fifth]
            wait_for("one of the five to be closed", 10, lambda ends=ends: any(closed(d) for d in ends))
            assert [closed(d) for d in ends].count(True) == 1
        lease_is_free(limited, "127.0.0.7", name)


def closed(dialogue):
    dialogue.socket.setblocking(False)
    try:
        return dialogue.socket.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    finally:
        dialogue.socket.settimeout(20)


def test_messages_and_recipients_of_an_address(limited):
    user = limited.user()
    with connect(limited, source="127.0.0.8") as smtp:
        smtp.ehlo()
        for number in range(3):
            says(smtp.command("MAIL FROM:<>"), 250)
            for _ in range(2):
                says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
            if number == 2:
                says(smtp.command(f"RCPT TO:<{user.address}>"), 450, "4.7.1")
            smtp.command("RSET")
        says(smtp.command("MAIL FROM:<>"), 450, "4.7.1")
    with connect(limited, source="127.0.0.9") as other:
        other.ehlo()
        says(other.command("MAIL FROM:<>"), 250)


def test_messages_of_a_login_from_any_address(limited):
    user = limited.user()
    for number, code in enumerate((250, 250, 450)):
        with connect(limited, "submission", f"127.0.1.{number + 1}") as smtp:
            smtp.ehlo()
            smtp.starttls()
            says(smtp.login(user.address, user.password), 235)
            says(smtp.command(f"MAIL FROM:<{user.address}>"), code)


def test_tls_sessions_of_an_address(limited):
    for _ in range(5):
        with connect(limited, source="127.0.0.10") as smtp:
            smtp.ehlo()
            smtp.starttls()
        lease_is_free(limited, "127.0.0.10")
    with connect(limited, source="127.0.0.10") as smtp:
        smtp.ehlo()
        says(smtp.command("STARTTLS"), 454, "4.7.0")
        says(smtp.command("NOOP"), 250)


def test_tries_to_log_in(limited):
    user = limited.user()
    with connect(limited, "submission", "127.0.0.11") as smtp:
        smtp.ehlo()
        smtp.starttls()
        for _ in range(2):
            says(smtp.login(user.address, "wrong"), 535)
        says(smtp.login(user.address, user.password), 450, "4.7.1")
    with Imap(limited.ports["imapd"], source="127.0.0.11") as imap:
        imap.starttls()
        for _ in range(2):
            assert imap.login(user.address, "wrong")[0] == "NO"
        assert imap.login(user.address, user.password)[0] == "NO" and "[UNAVAILABLE]" in imap.text
    with Pop3(limited.ports["pop3d"], source="127.0.0.11") as pop3:
        pop3.starttls()
        for _ in range(2):
            pop3.login(user.address, "wrong")
        assert pop3.login(user.address, user.password).startswith("-ERR [SYS/TEMP]")


def test_the_lease_is_the_connection(limited):
    with Peer(limited, "authd/lookup") as first, Peer(limited, "authd/lookup") as second:
        assert first.ask("client", "t", "smtp", "198.51.100.1") == ["ok", "t", "messages", "recipients", "tls", "auth"]
        for address in ("198.51.100.1", "198.51.100.2", "198.51.100.2"):  # each in the place of the one before
            assert second.ask("client", "t", "smtp", address)[0] == "ok"
        assert second.ask("rate", "t", "messages", 2) == ["ok", "t"]
        assert second.ask("rate", "t", "messages", 2)[0] == "no"
        assert second.ask("rate", "t", "messages", 1, "ann@example.test") == ["ok", "t"]
        assert first.ask("rate", "t", "connections", 1) is None  # not done by asking


def test_authd_goes_and_the_client_is_served_uncounted(limited):
    with connect(limited, source="127.0.0.12") as smtp:
        smtp.ehlo()
        limited.restart("authd")
        smtp.starttls()
        says(smtp.command("NOOP"), 250)


def test_imapd_and_pop3d_have_clients_counted_and_ask_nothing_else(limited):
    def asks(*question):
        def action():
            with Peer(limited, "authd/lookup") as peer:
                return peer.ask(*question)
        return action
    for user in ("postern-imapd", "postern-pop3d"):
        assert as_user(user, asks("client", "t", "imap", "198.51.100.9")).startswith("['ok', 't'")
        assert as_user(user, asks("rcpt", "t", "first@example.test")) == "None"
    assert as_user("postern-queue", asks("client", "t", "smtp", "198.51.100.9")) == "None"


def test_unfinished_handshakes_starve_nobody(limited):
    """300 clients of 75 addresses begin TLS on 465, and after STARTTLS, and say nothing more."""
    user = limited.user()
    with contextlib.ExitStack() as held:
        for number in range(300):
            source = f"127.0.2.{number % 75 + 1}"
            stuck = held.enter_context(connect(limited, "smtps" if number % 3 else "smtpd", source, greet=number % 3 == 0))
            if number % 3 == 0:
                stuck.ehlo()
                says(stuck.command("STARTTLS"), 220)
            stuck.send(b"\x16\x03\x01")
        with connect(limited, "smtps", "127.0.3.1", tls=True) as smtp:
            smtp.ehlo()
            says(smtp.login(user.address, user.password), 235)
            smtp.message(user.address, [user.address], "Subject: past them\n\nx\n")
        with connect(limited, "smtpd", "127.0.3.2") as smtp:
            smtp.ehlo()
            smtp.starttls()
            smtp.message("", [user.address], "Subject: past them too\n\nx\n")
        wait_for("all but 40 handshakes to give way", 15, lambda: limited.log_text("tlsd").count("handshake-gave-way") >= 260)
    user.wait(2)
    assert "child-died" not in limited.log_text("tlsd")
