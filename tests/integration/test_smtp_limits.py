"""Limits (RFC 5321 section 4.5.3): what is at least taken, what is answered beyond, and that a slow client cannot stretch them."""
import subprocess
import time

import pytest

from harness import REPOSITORY
from test_smtp_dialogue import says, settings

STRANGER = "stranger@elsewhere.test"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def drip(smtp, data, pause=0.3):
    """Sends single bytes until the other side has had enough; what it said."""
    smtp.socket.settimeout(pause)
    for byte in data:
        try:
            smtp.send(bytes([byte]))
            said = smtp.socket.recv(1000)
            return said
        except TimeoutError:
            pass
        except OSError:
            return b""
    raise AssertionError("it listened to the end")


@pytest.mark.parametrize("length, code", [(512, 250), (2048, 250), (2049, 500)])
def test_a_command_line(suite, length, code):
    with suite.smtp() as smtp:
        says(smtp.command("NOOP ".ljust(length - 2, "x")), code)
        says(smtp.command("NOOP"), 250)


def test_a_command_line_as_set(suite):
    with settings(suite, line_length_limit="1200"), suite.smtp() as smtp:
        says(smtp.command("NOOP ".ljust(1198, "x")), 250)
        says(smtp.command("NOOP ".ljust(1199, "x")), 500, "5.5.2")


def test_paths_and_text_lines_of_the_rfc(suite, user):
    """Local part 64, domain 255, path 256, text line 1000 octets; longer text lines are kept as they are."""
    domain = ".".join(["d" * 60] * 3)
    with suite.smtp() as smtp:
        smtp.ehlo("h" * 63 + ".test")
        says(smtp.command(f"MAIL FROM:<{'s' * 64}@{domain}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        text = f"Subject: long\n\n{'t' * 998}\n{'u' * 5000}\n"
        says(smtp.data(text), 250)
    [message] = user.wait(1)
    assert b"\n" + b"t" * 998 + b"\n" + b"u" * 5000 + b"\n" in message


def test_a_line_must_come_whole_within_the_timeout(suite):
    """Not only a byte of it: each second one byte would hold a session for half an hour."""
    with settings(suite, timeout="2"), suite.smtp() as smtp:
        assert b"421 4.4.2 " in drip(smtp, b"EHLO a.client.that.writes.slowly.test\r\n")
    suite.wait_log("smtpd", r"disconnect .*end=timeout")


def test_a_slow_but_whole_line_is_taken(suite):
    with settings(suite, timeout="3"), suite.smtp() as smtp:
        for line in (b"NO", b"OP\r\nNO", b"OP\r\nNO", b"OP\r\n"):
            smtp.send(line)
            time.sleep(1)
        assert [smtp.reply()[0] for _ in range(3)] == [250, 250, 250]


def begin_data(smtp, user):
    smtp.ehlo()
    says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
    says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
    says(smtp.command("DATA"), 354)


def test_a_text_that_drips_is_given_up(suite, user):
    with settings(suite, timeout="2", data_rate="1000"), suite.smtp() as smtp:
        begin_data(smtp, user)
        smtp.send(b"x" * 100000)  # what came fast is no credit beyond the timeout
        assert b"421 4.4.2 " in drip(smtp, b"y" * 1000)
    suite.wait_log("smtpd", r"message-lost .*reason=timeout")


def test_a_text_at_the_rate_goes_on(suite, user):
    with settings(suite, timeout="1", data_rate="1000"), suite.smtp() as smtp:
        begin_data(smtp, user)
        for _ in range(6):
            smtp.send(b"x" * 1000 + b"\r\n")
            time.sleep(0.5)
        smtp.send(b".\r\n")
        says(smtp.reply(), 250)


def test_any_rate_where_set(suite, user):
    with settings(suite, timeout="1", data_rate="0"), suite.smtp() as smtp:
        begin_data(smtp, user)
        for byte in b"slow\r\n":
            smtp.send(bytes([byte]))
            time.sleep(0.3)
        smtp.send(b".\r\n")
        says(smtp.reply(), 250)


def test_session_time(suite):
    with settings(suite, session_time="1"), suite.smtp() as smtp:
        says(smtp.command("NOOP"), 250)
        time.sleep(1.1)
        says(smtp.command("NOOP"), 250)
        says(smtp.reply(), 421, "4.4.2")
        assert smtp.rest() == b""


def test_session_time_does_not_cut_a_message(suite, user):
    with settings(suite, session_time="1"), suite.smtp() as smtp:
        begin_data(smtp, user)
        time.sleep(1.1)
        smtp.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
        says(smtp.reply(), 250)
        says(smtp.reply(), 421, "4.4.2")


def test_messages_limit(suite, user):
    with settings(suite, messages_limit="2"), suite.smtp() as smtp:
        smtp.ehlo()
        for _ in range(2):
            smtp.message(STRANGER, [user.address], "Subject: x\n\nx\n")
        says(smtp.command("NOOP"), 250)
        says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 421, "4.5.3")
        assert smtp.rest() == b""


def test_unknown_recipients_limit(suite, user):
    with settings(suite, unknown_recipients_limit="3"), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 250)
        for number in range(3):
            says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
            says(smtp.command(f"RCPT TO:<guess{number}@example.test>"), 550, "5.1.1")
        says(smtp.reply(), 421, "4.7.0")
        assert smtp.rest() == b""


def test_the_least_that_each_may_be_set_to_is_the_rfcs(suite):
    rows = [line.split("\t") for line in suite.tool("smtpd", "--settings").stdout.splitlines()]
    defaults = {row[0]: row[2] for row in rows}
    assert int(defaults["recipients_limit"]) >= 100 and int(defaults["timeout"]) >= 300
    assert int(defaults["line_length_limit"]) >= 512 and int(defaults["message_size"]) >= 65536
    page = (REPOSITORY / "smtpd/postern-smtpd.8").read_text()
    assert subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=page, text=True, check=False).returncode == 0
