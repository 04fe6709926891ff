"""authd or queued stands still (SIGSTOP) at each place where smtpd needs it: a temporary answer after lookup_timeout or
queue_timeout, the session goes on as far as it can, and when the program wakes nothing is lost, and nothing is delivered
of which the client has not sent the end."""
import contextlib
import os
import signal

import pytest

from harness import Suite, wait_for
from harness.milter import Milter
from test_smtp_dialogue import arrived, says, settings
from test_smtp_vanish import at_rest, descriptors, vanish, wait_read

STRANGER = "stranger@elsewhere.test"
LARGE = ("y" * 70 + "\r\n") * 30000  # more than all that stands between smtpd and a queued that reads nothing


@pytest.fixture(scope="module")
def suite():
    with Suite("frozen", {"lookup_timeout": "1s", "queue_timeout": "1s"}) as running:
        running.user("first")
        yield running


@pytest.fixture
def user(suite):
    return suite.user()


@contextlib.contextmanager
def frozen(suite, program):
    """All processes of this program stand still."""
    pids = suite.pids(program)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def chunk(text, last=True):
    return f"BDAT {len(text)}{' LAST' if last else ''}\r\n{text}"


def begin(smtp, *users):
    says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
    for user in users:
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)


def closes(smtp):
    """What was lost stays lost: the next message has to come in another session."""
    says(smtp.command("RSET"), 250)
    says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 421, "4.3.2")
    assert smtp.rest() == b""


def subjects(suite, user):
    """Those that have come, the one that is sent now included; what was handed in before it has been delivered by then."""
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: afterwards\n\nx\n")
    arrived(user, b"Subject: afterwards")
    wait_for("an empty queue", 20, lambda: "@" not in suite.tool("mailq").stdout)
    return sorted(message.split(b"Subject: ")[1].split(b"\n")[0].decode() for message in user.messages())


def logged_in(suite, user):
    smtp = suite.smtp("submission")
    smtp.ehlo()
    smtp.starttls()
    says(smtp.login(user.address, user.password), 235)
    return smtp


# --- authd ----------------------------------------------------------------------------------------------


def test_authd_at_rcpt(suite, user):
    """Who was accepted before it gets the message; the other recipient can come again."""
    second = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        with frozen(suite, "authd"):
            says(smtp.command(f"RCPT TO:<{second.address}>"), 451, "4.3.0")
            says(smtp.command(f"RCPT TO:<{second.address}>"), 451, "4.3.0")  # at once: it is not asked again
            says(smtp.data("Subject: one\n\nx\n"), 250, "2.0.0")
            closes(smtp)
    suite.wait_log("smtpd", "service-lost .*service=authd/lookup")
    assert arrived(user, b"Subject: one") and subjects(suite, user) == ["afterwards", "one"]
    assert subjects(suite, second) == ["afterwards"]


@pytest.mark.parametrize("pipelined", [2, 40])
def test_authd_at_pipelined_recipients(suite, user, pipelined):
    """Asked about ahead of their turn: each is answered for itself."""
    with suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
        with frozen(suite, "authd"):
            smtp.send(f"RCPT TO:<{user.address}>\r\n" * pipelined + "DATA\r\n")
            for _ in range(pipelined):
                says(smtp.reply(), 451, "4.3.0")
            says(smtp.reply(), 554, "5.5.1")
            closes(smtp)
    assert subjects(suite, user) == ["afterwards"]


def test_authd_at_mail(suite, user):
    """A user's sender is asked about; a stranger's is not."""
    with suite.smtp() as smtp, logged_in(suite, user) as submission:
        smtp.ehlo()
        with frozen(suite, "authd"):
            says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
            says(submission.command(f"MAIL FROM:<{user.address}>"), 451, "4.3.0")
            says(submission.command(f"MAIL FROM:<{user.address}>"), 421, "4.3.2")
            assert submission.rest() == b""
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        says(smtp.data("Subject: patient\n\nx\n"), 250)
    arrived(user, b"Subject: patient")


@pytest.mark.parametrize("command", ["DATA", "BDAT"])
def test_authd_where_a_users_recipients_are_counted(suite, user, command):
    with logged_in(suite, user) as smtp:
        says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        with frozen(suite, "authd"):
            smtp.send("DATA\r\n" if command == "DATA" else chunk("Subject: no\r\n\r\n"))
            says(smtp.reply(), 451, "4.3.0")
            closes(smtp)
    assert subjects(suite, user) == ["afterwards"]


# --- queued ---------------------------------------------------------------------------------------------


def test_queued_before_data(suite, user):
    """It is not needed before; what it wakes up to is an envelope whose client has been refused."""
    with suite.smtp() as smtp:
        smtp.ehlo()
        with frozen(suite, "queued"):
            begin(smtp, user)
            says(smtp.command("DATA"), 451, "4.3.2")
            closes(smtp)
    suite.wait_log("smtpd", "service-lost .*service=queue/intake")
    assert subjects(suite, user) == ["afterwards"]


def test_queued_before_the_first_chunk(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        with frozen(suite, "queued"):
            begin(smtp, user)
            for text, last in (("Subject: no\r\n\r\n", False), ("x\r\n", True)):
                smtp.send(chunk(text, last))
                says(smtp.reply(), 451, "4.3.2")
            closes(smtp)
    assert subjects(suite, user) == ["afterwards"]


def test_queued_before_a_filters_scratch_file(suite, user):
    with Milter() as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        with frozen(suite, "queued"):
            begin(smtp, user)
            says(smtp.command("DATA"), 451, "4.3.2")
            closes(smtp)
    assert subjects(suite, user) == ["afterwards"]


def test_queued_in_the_middle_of_data(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        says(smtp.command("DATA"), 354)
        smtp.send("Subject: half\r\n\r\n")
        with frozen(suite, "queued"):
            smtp.send(LARGE + ".\r\n")
            code, texts = smtp.reply()
            assert code == 451 and texts[0].startswith("4.3."), texts
            closes(smtp)
    assert subjects(suite, user) == ["afterwards"]


def test_queued_between_chunks(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, user)
        smtp.send(chunk("Subject: half\r\n\r\n", False))
        says(smtp.reply(), 250)
        with frozen(suite, "queued"):
            for last in (False, True):
                smtp.send(chunk(LARGE, last))
                code, texts = smtp.reply()
                assert code == 451 and texts[0].startswith("4.3."), texts
            closes(smtp)
    assert subjects(suite, user) == ["afterwards"]


def ask_for_commit(smtp, command, subject):
    """The whole text, its end included; queued must stand still."""
    text = f"Subject: {subject}\r\n\r\nx\r\n"
    smtp.send(text + ".\r\n" if command == "DATA" else chunk(text))


def ready_for_text(smtp, user, command):
    smtp.ehlo()
    begin(smtp, user)
    if command == "DATA":
        says(smtp.command("DATA"), 354)
    else:  # opened at queued with a chunk before
        smtp.send(chunk("X-One: 1\r\n", False))
        says(smtp.reply(), 250)


@pytest.mark.parametrize("command", ["DATA", "BDAT"])
def test_queued_at_the_commit(suite, user, command):
    """The client is told to come again; what it had sent whole may have been taken: twice is allowed, never is not."""
    with suite.smtp() as smtp:
        ready_for_text(smtp, user, command)
        with frozen(suite, "queued"):
            ask_for_commit(smtp, command, "whole")
            says(smtp.reply(), 451, "4.3.2")
            closes(smtp)
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: whole\n\nx\n")
    arrived(user, b"Subject: whole")
    assert subjects(suite, user) in (["afterwards", "whole"], ["afterwards", "whole", "whole"])
    assert all(message.endswith(b"\n\nx\n") for message in user.messages())


@pytest.mark.parametrize("command", ["DATA", "BDAT"])
def test_the_client_is_reset_while_its_message_is_committed(suite, user, command):
    """Nobody hears the 250, and the message is there, once."""
    with settings(suite, queue_timeout="1m"):
        before = descriptors(suite)
        smtp = suite.smtp()
        ready_for_text(smtp, user, command)
        with frozen(suite, "queued"):
            ask_for_commit(smtp, command, "unheard")
            wait_read(smtp)
            vanish(smtp, True)
        at_rest(suite, before)
    arrived(user, b"Subject: unheard")
    assert subjects(suite, user) == ["afterwards", "unheard"]


@pytest.mark.parametrize("command", ["DATA", "BDAT"])
def test_the_client_vanishes_while_queued_stands_still(suite, user, command):
    """No end was sent: nothing is delivered."""
    before = descriptors(suite)
    smtp = suite.smtp()
    ready_for_text(smtp, user, command)
    with frozen(suite, "queued"):
        smtp.send("Subject: half\r\n\r\nx\r\n" if command == "DATA" else "BDAT 1000 LAST\r\nSubject: half\r\n\r\nx\r\n")
        vanish(smtp, True)
    at_rest(suite, before)
    assert subjects(suite, user) == ["afterwards"]
