"""The client vanishes in every state, by an end or by a reset; a neighbour is killed or stands still in every state. Every
process ends, the daemons keep no descriptor, nothing half-said is delivered, and nothing whole is lost or doubled."""
import os
import signal
import socket
import ssl
import struct

import pytest

from harness import Process, Suite, wait_for
from harness.milter import Milter
from test_smtp_dialogue import settings

STRANGER = "stranger@elsewhere.test"
DAEMONS = ["authd", "tlsd", "queued"]


@pytest.fixture(scope="module")
def suite():
    with Suite("vanish", {"timeout": "5"}) as running:
        running.user("first")
        yield running


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def greeted(smtp, user):
    smtp.ehlo()


def mail(smtp, user):
    smtp.ehlo()
    assert smtp.command(f"MAIL FROM:<{STRANGER}>")[0] == 250


def recipient(smtp, user):
    mail(smtp, user)
    assert smtp.command(f"RCPT TO:<{user.address}>")[0] == 250


def data(smtp, user):
    recipient(smtp, user)
    assert smtp.command("DATA")[0] == 354


def text(smtp, user):
    data(smtp, user)
    smtp.send("Subject: half\r\n\r\n" + "x" * 70000)


def dot(smtp, user):
    text(smtp, user)
    smtp.send("\r\n.")


def half_a_command(smtp, user):
    smtp.ehlo()
    smtp.send("MAIL FROM:<half")


def chunk(smtp, user):
    recipient(smtp, user)
    smtp.send("BDAT 1000\r\nSubject: half")


def last_chunk(smtp, user):
    recipient(smtp, user)
    smtp.send("BDAT 1000 LAST\r\nSubject: half")


def hello_of_tls(smtp, user):
    smtp.ehlo()
    assert smtp.command("STARTTLS")[0] == 220
    smtp.send(b"\x16\x03\x01\x02\x00\x01")


def before_tls(smtp, user):
    smtp.ehlo()
    assert smtp.command("STARTTLS")[0] == 220


def within_tls(smtp, user):
    smtp.ehlo()
    smtp.starttls()
    data(smtp, user)
    smtp.send("Subject: half\r\n\r\nx\r\n")


def login(smtp, user):
    smtp.ehlo()
    smtp.starttls()
    assert smtp.command("AUTH PLAIN")[0] == 334


STATES = [lambda smtp, user: None, half_a_command, greeted, mail, recipient, data, text, dot, chunk, last_chunk, before_tls,
          hello_of_tls, within_tls, login]
NAMES = ["connected", *[state.__name__ for state in STATES[1:]]]


def service_of(state):
    return "submission" if state is login else "smtpd"


def descriptors(suite):
    """How many each process of the daemons has open; those of workers and children that come and go are not counted."""
    return {pid: len(Process(pid).descriptors()) for name in DAEMONS for pid in suite.pids(name)}


def at_rest(suite, before):
    """No smtpd is left, and the daemons hold what they held."""
    wait_for(lambda: f"every smtpd to end; there are {suite.pids('smtpd')}", 20, lambda: not suite.pids("smtpd"))
    wait_for(lambda: f"the daemons to hold what they held: {before}, now {descriptors(suite)}", 20,
             lambda: descriptors(suite) == before)


def vanish(smtp, reset):
    raw = smtp.socket
    if reset:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(raw, ssl.SSLSocket):  # without a farewell
        raw = socket.socket(fileno=raw.detach())
    raw.close()


def wait_read(smtp):
    """Waits until smtpd has read all that this client has sent."""
    ends = [f"0100007F:{name[1]:04X}" for name in (smtp.socket.getpeername(), smtp.socket.getsockname())]

    def unread():
        lines = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
        return next(int(fields[4].split(":")[1], 16) for fields in lines if fields[1:3] == ends)
    wait_for("smtpd to read", 10, lambda: unread() == 0)


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
def test_the_client_vanishes(suite, user, reset):
    earlier = len(user.messages())
    with suite.smtp() as smtp:  # what is started with the first message is there
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: whole\n\nx\n")
    known = len(user.wait(earlier + 1))
    wait_for("the first smtpd to end", 20, lambda: not suite.pids("smtpd"))
    before = descriptors(suite)
    for state in STATES:
        smtp = suite.smtp(service_of(state))
        state(smtp, user)
        vanish(smtp, reset)
    at_rest(suite, before)
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: whole\n\nx\n")
    messages = wait_for("the last message", 20, lambda: user.messages() if len(user.messages()) > known else None)
    assert len(messages) == known + 1 and not any(b"Subject: half" in message for message in messages)
    assert not [path for path in suite.queue.rglob("*") if path.is_file() and b"Subject: half" in path.read_bytes()]


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
def test_the_client_vanishes_while_a_milter_is_asked(suite, user, reset):
    """At RCPT and at the end of the text the filter says nothing: smtpd ends when its time is over, and keeps nothing."""
    with settings(suite, milter_command_timeout="1s", milter_content_timeout="1s"):
        before = descriptors(suite)
        for step in "RE":
            with Milter({step: True}) as milter, settings(suite, milters=milter.name):
                smtp = suite.smtp()
                mail(smtp, user)
                smtp.send(f"RCPT TO:<{user.address}>\r\n")
                if step == "E":
                    assert smtp.reply()[0] == 250 and smtp.command("DATA")[0] == 354
                    smtp.send("Subject: half\r\n\r\nx\r\n.\r\n")
                wait_for("the filter's turn", 10, lambda: milter.seen(step))  # pylint: disable=W0640
                vanish(smtp, reset)
                at_rest(suite, before)
    assert not any(b"Subject: half" in message for message in user.messages())
    wait_for("an empty queue", 10, lambda: "@" not in suite.tool("mailq").stdout)


def test_the_client_vanishes_before_the_answer_to_its_dot(suite):
    """Whoever does not hear the 250 sends again: once is right, twice may be; the message that came whole is not lost."""
    reader = suite.user()
    smtp = suite.smtp()
    data(smtp, reader)
    smtp.send("Subject: unheard\r\n\r\nx\r\n.\r\n")
    vanish(smtp, False)
    [message] = reader.wait(1)
    assert b"Subject: unheard" in message


def answer(smtp, line):
    """The code, or "closed"."""
    try:
        smtp.send(line)
        return smtp.reply()[0]
    except (EOFError, OSError):
        return "closed"


# service, state in which it is lost, what is said then, what may be answered
LOST = [
    ("authd", mail, "RCPT TO:<{user}>\r\n", {451}),
    ("authd", recipient, "DATA\r\n", {354}),
    ("authd", login, "AHVzZXIAcGFzcw==\r\n", {454}),
    ("queued", greeted, "MAIL FROM:<a@b.test>\r\n", {421, 451, 250}),
    ("queued", recipient, "DATA\r\n", {451}),
    ("queued", text, "\r\n.\r\n", {451}),
    ("tlsd", greeted, "STARTTLS\r\n", {220, 454, "closed"}),
    ("tlsd", within_tls, ".\r\n", {250, "closed"}),
]


@pytest.mark.parametrize("service, state, line, expected", LOST, ids=[f"{s}-{f.__name__}" for s, f, _, _ in LOST])
def test_a_neighbour_is_killed(suite, service, state, line, expected):
    reader = suite.user()
    with suite.smtp(service_of(state)) as smtp:
        state(smtp, reader)
        pid = suite.service_pid(service)
        os.kill(pid, signal.SIGKILL)
        wait_for(f"{service} to be started anew", 20, lambda: suite.service_pid(service) not in (None, pid))
        code = answer(smtp, line.format(user=reader.address))
        assert code in expected
    suite.wait_up([service])
    wait_for("every smtpd to end", 20, lambda: not suite.pids("smtpd"))
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [reader.address], "Subject: after it\n\nx\n")
    messages = reader.wait(2 if code == 250 and state is within_tls else 1)
    assert [b"Subject: after it" in message for message in messages].count(True) == 1
    assert len(messages) == (2 if code == 250 and state is within_tls else 1)


def test_tlsd_stands_still(suite):
    """`timeout` bounds what a client waits for."""
    pid = suite.service_pid("tlsd")
    with suite.smtp() as smtp:
        smtp.ehlo()
        os.kill(pid, signal.SIGSTOP)
        try:
            assert smtp.command("STARTTLS")[0] == 220
            smtp.send(b"\x16\x03\x01\x02\x00\x01")
            assert smtp.rest() == b""
        finally:
            os.kill(pid, signal.SIGCONT)
    suite.wait_log("smtpd", "disconnect .*end=tls-failed")
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.starttls()
