"""Promise 9: seccomp and Landlock are on by default in all parsers; a kernel without Landlock is said once in the log,
and the program goes on."""
import re

import pytest

from harness import Process, wait_for
from harness.process import compile_helper

LANDLOCK_CALLS = "444,445,446"


@pytest.fixture(scope="module")
def user(suite):
    """An account with a message: deliver has been at work."""
    account = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [account.address], "Subject: one\n\nhello\n")
    account.wait(1)
    return account


def opened(process, path):
    """What opening a file gives: a negative errno, or the descriptor."""
    result = process.inject("openat", path)
    assert isinstance(result, int), f"{process} was {result} for opening {path}"
    return result


def front(suite, service):
    return getattr(suite, {"smtpd": "smtp", "imapd": "imap", "pop3d": "pop3"}[service])()


@pytest.mark.parametrize("service", ["smtpd", "imapd", "pop3d"])
def test_a_front_is_confined_before_it_greets(suite, service):
    before = set(suite.pids(service))
    with front(suite, service) as dialogue:
        assert dialogue.greeting
        status = Process((set(suite.pids(service)) - before).pop()).status()
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service,program", [("imaps", "imap"), ("pop3s", "pop3")])
def test_a_session_is_confined_to_its_maildir(suite, user, service, program):
    before = set(suite.pids(program))
    with getattr(suite, program)(service) as dialogue:
        answer = dialogue.login(user.address, user.password)
        assert answer[0] == "OK" or answer.startswith("+OK")
        session = Process(wait_for("a session", 5, lambda: set(suite.pids(program)) - before).pop())
        assert session.status()["Seccomp"] == "2"
        assert opened(session, user.maildir) >= 0
        assert opened(session, "/etc/passwd") < 0
        assert opened(session, suite.mail_root) < 0


def test_deliver_is_confined_to_the_mail_root(suite, user):
    worker = Process(suite.pids("deliver")[0])
    assert worker.status()["Seccomp"] == "2"
    assert opened(worker, user.maildir) >= 0
    assert opened(worker, "/etc/passwd") < 0


@pytest.fixture
def without_landlock(suite):
    """postern-imap on a kernel that knows no Landlock."""
    run = suite.services / "imap/run"
    text = run.read_text()
    helper = compile_helper("without")
    run.write_text(re.sub(r"^(exec s6-setuidgid \S+) ", rf"\1 {helper} {LANDLOCK_CALLS} ", text, flags=re.M))
    suite.restart("imap")
    yield suite
    run.write_text(text)
    suite.restart("imap")


def test_a_kernel_without_landlock_is_said_and_mail_is_read(without_landlock, user):
    suite = without_landlock
    before = set(suite.pids("imap"))
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        suite.wait_log("imap", r"no-landlock")
        session = Process(wait_for("a session", 5, lambda: set(suite.pids("imap")) - before).pop())
        assert session.status()["Seccomp"] == "2", "the filter is there all the same"
    lines = re.findall(r"no-landlock", suite.log_text("imap"))
    assert len(lines) <= 2, "once for the daemon, once for this session"
