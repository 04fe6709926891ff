"""Bad input: an answer by the protocol and a line in the log, never a crash, and nothing in the queue."""
import socket

import pytest

from harness import Smtp, wait_for
from test_smtp_dialogue import arrived

STRANGER = "stranger@elsewhere.test"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def begin(smtp, user):
    for line in (f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{user.address}>"):
        assert smtp.command(line)[0] == 250
    assert smtp.command("DATA")[0] == 354


def alive(suite):
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("QUIT")[0] == 221


@pytest.mark.parametrize("line", [
    b"NOOP\n", b"NO\rOP\r\n", b"NOOP\r\r\n", b"NO\0OP\r\n", b"\0\r\n", b"\n", b"\xff\xfe\r\n", b"NOOP\0\n",
    b"\x16\x03\x01\x02\x00\x01\r\n", b"NOOP " + b"x" * 2043 + b"\r\n", b"x" * 20000 + b"\r\n", b"NOOP " + b"\0" * 30000 + b"\r\n",
])
def test_lines_that_are_none(smtp, line):
    smtp.send(line)
    code, texts = smtp.reply()
    assert code == 500 and texts[0][:5] in ("5.5.1", "5.5.2"), (code, texts)
    assert smtp.command("NOOP")[0] == 250


@pytest.mark.parametrize("line", [
    b"MAIL FROM:<\xc3\xa4@b.test>", b"MAIL FROM:<a@\xc3\xa4.test>", b"MAIL FROM:<\xff@b.test>", b"MAIL FROM:<\x01@b.test>",
    b"MAIL FROM:<\"a\x7f\"@b.test>", b"MAIL FROM:<a@b.test> SIZE=\xff", b"EHLO \xff", b"EHLO \x01", b"MAIL FROM:<a@b.test> \xff=1",
])
def test_eight_bit_and_control_in_commands(smtp, line):
    code, texts = smtp.command(line)
    assert code in (501, 553) and texts[0].startswith("5."), (code, texts)
    assert smtp.command("NOOP")[0] == 250


def test_an_endless_line_is_cut_off(suite):
    with suite.smtp() as smtp:
        try:
            for _ in range(200):
                smtp.send(b"x" * 10000)
        except OSError:
            pass
        rest = smtp.rest()
        assert rest.startswith(b"421 4.7.0 ") or rest == b""
    suite.wait_log("smtpd", "disconnect .*end=endless-line")


def test_eight_bit_and_nul_in_a_message_are_kept(suite):
    user = suite.user()
    body = bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"")
    with suite.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        smtp.send(b"Subject: bytes\r\n\r\n" + body + b"\r\n.\r\n")
        assert smtp.reply()[0] == 250
    assert user.wait(1)[0].endswith(b"\n\n" + body + b"\n")


def test_an_endless_header(suite):
    """No empty line, one field of megabytes, thousands of fields: stored as it is."""
    user = suite.user()
    for header in (b"X-Long: " + b"y" * 3000000 + b"\r\n", b"X-Many: z\r\n" * 100000, b"no field at all\r\n" * 50000):
        with suite.smtp() as smtp:
            smtp.ehlo()
            begin(smtp, user)
            smtp.send(header + b".\r\n")
            assert smtp.reply()[0] == 250
    assert sorted(len(data) > 500000 for data in user.wait(3)) == [True] * 3


CONVERSATION = [b"EHLO client.test\r\n", b"MAIL FROM:<stranger@elsewhere.test>\r\n", b"RCPT TO:<%s>\r\n", b"DATA\r\n",
                b"Subject: never\r\n", b"\r\n", b"text\r\n", b".\r", b"\n"]


@pytest.mark.parametrize("reset", [False, True])
def test_the_client_goes_at_any_point(suite, reset):
    """Closed or reset behind every piece and in the middle of it: only the whole message arrives."""
    user = suite.user()
    pieces = [piece.replace(b"%s", user.address.encode()) for piece in CONVERSATION]
    for count in range(len(pieces)):
        for cut in (0, len(pieces[count]) // 2):
            with Smtp(suite.ports["smtpd"], greet=count % 2 == 0) as smtp:
                smtp.send(b"".join(pieces[:count]) + pieces[count][:cut])
                if reset:
                    smtp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                else:
                    smtp.socket.shutdown(socket.SHUT_WR)
                    smtp.rest()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: whole\n\nx\n")
    [message] = user.wait(1)
    assert b"Subject: whole" in message
    suite.wait_log("smtpd", "message-lost .*")
    wait_for("all sessions to end", 20, lambda: not suite.pids("smtpd"))
    assert len(user.messages()) == 1


def test_commands_behind_starttls_close_the_session(suite):
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.send("STARTTLS\r\nMAIL FROM:<injected@elsewhere.test>\r\nNOOP\r\n")
        code, texts = smtp.reply()
        assert code == 554 and texts[0].startswith("5.5.1 ")
        assert smtp.rest() == b""
    suite.wait_log("smtpd", "starttls-injection .*injected@elsewhere.test")


def test_commands_just_after_starttls_never_act(suite):
    """They come after smtpd has answered 220: tlsd sees them where a handshake should be."""
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("STARTTLS")[0] == 220
        smtp.send("EHLO injected.test\r\nMAIL FROM:<injected@elsewhere.test>\r\n")
        assert b"250" not in smtp.rest()
    suite.wait_log("smtpd", "tls-failed ")


def test_what_was_said_before_tls_is_forgotten(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("STARTTLS")[0] == 220
        smtp.begin_tls()
        assert smtp.command("MAIL FROM:<>")[0] == 503
        assert "STARTTLS" not in smtp.ehlo()
        assert smtp.command("STARTTLS")[0] == 503
        smtp.message(STRANGER, [user.address], "Subject: by TLS\n\nx\n")
    message = arrived(user, b"Subject: by TLS")
    assert b"(using TLSv1.3 with cipher TLS_" in message and b"with ESMTPS id " in message


def test_other_protocols_are_sent_away(suite):
    for line in ("GET / HTTP/1.1", "POST /a HTTP/1.0", "CONNECT a:25 HTTP/1.1"):
        with suite.smtp() as smtp:
            smtp.send(line + "\r\nHost: mail.example.test\r\n\r\nMAIL FROM:<>\r\n")
            assert smtp.reply()[0] == 421
            assert smtp.rest() == b""


def test_hostile_names_stay_on_their_log_line(suite, user):
    with suite.smtp() as smtp:
        assert smtp.command("EHLO a)b(c\\\"=x")[0] == 250
        smtp.command("MAIL FROM:<\"x\\\" forged=yes\"@elsewhere.test>")
        smtp.command(f"RCPT TO:<{user.address}>")
        assert smtp.data("Subject: names\n\nx\n")[0] == 250
    line = suite.wait_log("smtpd", "accepted .*forged.*").group()
    assert 'from="\\x22x' in line and "postern-smtpd" not in line[1:]
    message = arrived(user, b"Subject: names")
    assert b"Received: from a?b?c??=x (" in message
    alive(suite)
