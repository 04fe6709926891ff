"""The other programs are away or die in the middle: a temporary answer that says so, nothing lost, nothing doubled."""
import os
import signal

import pytest

from harness import wait_for

STRANGER = "stranger@elsewhere.test"


@pytest.fixture
def user(suite):
    return suite.user()


def begin(smtp, user):
    for line in (f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{user.address}>"):
        assert smtp.command(line)[0] == 250
    assert smtp.command("DATA")[0] == 354


@pytest.mark.parametrize("service, socket", [
    ("authd", "authd/lookup"), ("tlsd", "tlsd/server"), ("queued", "queue/intake"),
])
def test_a_service_that_is_away(suite, service, socket):
    suite.down(service)
    try:
        with suite.smtp(greet=False) as smtp:
            code, texts = smtp.reply()
            assert code == 421 and texts[0].startswith("4.3.2 "), (code, texts)
            assert smtp.rest() == b""
        suite.wait_log("smtpd", f"service-away .*service={socket}.*hint=")
    finally:
        suite.up(service)
    with suite.smtp() as smtp:
        smtp.ehlo()


def test_authd_dies_in_the_middle(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command(f"MAIL FROM:<{STRANGER}>")[0] == 250
        suite.restart("authd")
        code, texts = smtp.command(f"RCPT TO:<{user.address}>")
        assert code == 451 and texts[0].startswith("4.3.0 "), (code, texts)
        smtp.command("RSET")
        code, texts = smtp.command(f"MAIL FROM:<{STRANGER}>")
        assert code == 421 and texts[0].startswith("4.3.2 "), (code, texts)
    suite.wait_log("smtpd", "service-lost .*service=authd/lookup")


def kill_queued(suite):
    pid = suite.service_pid("queued")
    os.kill(pid, signal.SIGKILL)
    wait_for("queued to be started anew", 20, lambda: suite.service_pid("queued") not in (None, pid))


@pytest.mark.parametrize("size", [100, 500000])
def test_queued_dies_in_the_middle_of_data(suite, user, size):
    with suite.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        smtp.send("Subject: lost\r\n\r\n" + "x" * 60 + "\r\n")
        kill_queued(suite)
        smtp.send(("y" * 70 + "\r\n") * (size // 70) + ".\r\n")
        code, texts = smtp.reply()
        assert code == 451 and texts[0].startswith("4.3."), (code, texts)
        code, texts = smtp.command(f"MAIL FROM:<{STRANGER}>")
        assert code == 421 and texts[0].startswith("4.3.2 "), (code, texts)
    suite.wait_up(["queued"])
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: again\n\nx\n")
    [message] = user.wait(1)
    assert b"Subject: again" in message


def test_queued_dies_before_data(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        for line in (f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{user.address}>"):
            assert smtp.command(line)[0] == 250
        kill_queued(suite)
        code, texts = smtp.command("DATA")
        assert code == 451 and texts[0].startswith("4.3.2 "), (code, texts)
    suite.wait_up(["queued"])


def test_a_killed_smtpd_leaves_nothing_behind(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        smtp.send("Subject: killed\r\n\r\nx\r\n")
        suite.kill("smtpd")
        assert smtp.rest() == b""
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: after it\n\nx\n")
    [message] = user.wait(1)
    assert b"Subject: after it" in message
