"""Clients that do not wait: who speaks before the greeting (RFC 5321 section 4.3.1), and who sends behind a command that
must be the last of a group (RFC 2920 section 3.1)."""
import socket
import time

import pytest

from test_smtp_dialogue import says, settings

STRANGER = "stranger@elsewhere.test"
REFUSED = (554, ["mail.example.test You spoke before you were greeted"])


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture
def permitted(suite):
    suite.set("permitted_networks", "127.0.0.0/8")
    yield
    suite.set("permitted_networks", "192.0.2.0/24")


def test_is_ignored_by_default(suite):
    with suite.smtp(greet=False) as smtp:
        smtp.send("EHLO early\r\nQUIT\r\n")
        assert [smtp.reply()[0] for _ in range(3)] == [220, 250, 221]


def test_is_refused_and_logged_where_set(suite):
    with settings(suite, early_talker="refuse", greet_delay="20"), suite.smtp(greet=False) as smtp:
        smtp.send("EHLO early\x1b\r\nMAIL FROM:<>\r\n")
        assert smtp.reply() == REFUSED
        assert smtp.rest() == b""
    line = suite.wait_log("smtpd", r"early-talker .*").group()
    assert "client=127.0.0.1" in line and "EHLO early" in line and "\x1b" not in line
    suite.wait_log("smtpd", r"disconnect .*end=early-talker")


def test_who_waits_is_greeted_after_the_delay(suite):
    with settings(suite, early_talker="refuse", greet_delay="1"):
        begun = time.monotonic()
        with suite.smtp() as smtp:
            assert smtp.greeting[0] == 220 and time.monotonic() - begun >= 0.9
            says(smtp.command("NOOP"), 250)


def test_who_goes_before_the_greeting(suite):
    with settings(suite, early_talker="refuse", greet_delay="20"), suite.smtp(greet=False) as smtp:
        smtp.socket.shutdown(socket.SHUT_WR)
        assert smtp.rest() == b""
    suite.wait_log("smtpd", r"disconnect .*end=client-closed")


def test_permitted_networks_and_users_are_not_made_to_wait(suite, permitted):
    with settings(suite, early_talker="refuse", greet_delay="60"):
        with suite.smtp() as smtp:
            says(smtp.command("NOOP"), 250)
        with suite.smtp("submission") as smtp:
            says(smtp.command("NOOP"), 250)


@pytest.mark.parametrize("bytes_, codes", [
    (b"EHLO a\r\nMAIL FROM:<>\r\n", [554]), (b"HELO a\r\nMAIL FROM:<>\r\n", [554]), (b"NOOP\r\nNOOP\r\n", [554]),
    (b"VRFY a\r\nRSET\r\n", [554]), (b"QUIT\r\nEHLO a\r\n", [554]), (b"RSET\r\nRSET\r\n", [554]),
])
def test_strict_pipelining_before_ehlo(suite, bytes_, codes):
    """Nothing at all may be sent ahead: the client does not know yet that we can do PIPELINING."""
    with settings(suite, strict_pipelining="yes"), suite.smtp() as smtp:
        smtp.send(bytes_)
        assert [smtp.reply()[0] for _ in codes] == codes
        assert smtp.rest() == b""
    suite.wait_log("smtpd", r"pipelining .*command=.* client=127\.0\.0\.1 bytes=")


def test_strict_pipelining_allows_what_the_rfc_does(suite, user):
    with settings(suite, strict_pipelining="yes"), suite.smtp() as smtp:
        smtp.ehlo()
        for number in range(2):
            smtp.send(f"RSET\r\nMAIL FROM:<{STRANGER}>\r\nRCPT TO:<{user.address}>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n")
            assert [smtp.reply()[0] for _ in range(5)] == [250, 250, 250, 250, 354]
            smtp.send(b"Subject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<>\r\nRSET\r\n")
            assert [smtp.reply()[0] for _ in range(3)] == [250, 250, 250]
        says(smtp.command("QUIT"), 221)


def test_strict_pipelining_a_text_before_354(suite, user):
    with settings(suite, strict_pipelining="yes"), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.send(f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<{user.address}>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n")
        assert [smtp.reply()[0] for _ in range(3)] == [250, 250, 554]
        assert smtp.rest() == b""
    assert user.messages() == [] or all(b"\n\nx\n" in m for m in user.messages())


def test_a_client_that_said_helo_may_not_pipeline(suite, user):
    with settings(suite, strict_pipelining="yes"), suite.smtp() as smtp:
        says(smtp.command("HELO a"), 250)
        smtp.send(f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<{user.address}>\r\n")
        says(smtp.reply(), 554, "5.5.0")
        assert smtp.rest() == b""


def test_permitted_networks_may(suite, user, permitted):
    with settings(suite, strict_pipelining="yes"), suite.smtp() as smtp:
        smtp.send("EHLO a\r\nMAIL FROM:<>\r\nRSET\r\n")
        assert [smtp.reply()[0] for _ in range(3)] == [250, 250, 250]
