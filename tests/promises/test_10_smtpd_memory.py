"""Promise 10 for smtpd: any input is served within 16 MiB, a limit that the process sets itself."""
import base64

import pytest

from harness import Process, without_sanitizers

pytestmark = without_sanitizers("they map terabytes of shadow memory; no limit is set")

MOST = 16 << 20
STRANGER = "stranger@elsewhere.test"


@pytest.fixture
def session(suite):
    """A dialogue, and the process that serves it."""
    before = set(suite.pids("smtpd"))
    with suite.smtp(timeout=60) as smtp:
        yield smtp, Process((set(suite.pids("smtpd")) - before).pop())


def peak(process):
    """The most memory it ever mapped, in bytes."""
    return int(process.status()["VmPeak"].split()[0]) * 1024


def limits(process):
    return (process.directory / "limits").read_text()


def test_the_limit_is_set(session):
    smtp, process = session
    assert [line.split()[3:5] for line in limits(process).splitlines() if line.startswith("Max address space")] == [
        [str(MOST), str(MOST)]]
    assert smtp.command("NOOP")[0] == 250 and peak(process) < MOST


def test_all_that_grows_stays_within(suite, session):
    """The most recipients of the most length, the longest commands, a message at the size limit of one line."""
    smtp, process = session
    user = suite.user()
    smtp.ehlo("x" * 255)
    smtp.command(f"MAIL FROM:<{'s' * 64}@{'d' * 60}.{'e' * 60}.{'f' * 60}>")
    for _ in range(1000):
        assert smtp.command(f"RCPT TO:<{user.address}>")[0] == 250
    assert smtp.command(f"RCPT TO:<{user.address}>")[0] == 452
    assert smtp.command("DATA")[0] == 354
    smtp.send(b"Subject: big\r\nX-Long: ")
    for _ in range(100):
        smtp.send(b"y" * 100000)
    smtp.send(b"\r\n.\r\n")
    assert smtp.reply()[0] == 250
    assert peak(process) < MOST


def test_a_flood_of_commands_whose_answers_nobody_reads(suite):
    """The answers fill the socket: the process waits, and keeps nothing."""
    suite.set("commands_limit", "1000000000")
    try:
        before = set(suite.pids("smtpd"))
        with suite.smtp(timeout=3) as smtp:
            process = Process((set(suite.pids("smtpd")) - before).pop())
            with pytest.raises(TimeoutError):
                for _ in range(5000):
                    smtp.send(b"HELP\r\n" * 1000)
            assert peak(process) < MOST
    finally:
        suite.set("commands_limit", None)


def test_long_authentication(suite):
    before = set(suite.pids("smtpd"))
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        process = Process((set(suite.pids("smtpd")) - before).pop())
        for _ in range(5):
            assert smtp.command("AUTH PLAIN " + base64.b64encode(b"\0" + b"u" * 9000 + b"\0p").decode())[0] // 100 == 5
        assert peak(process) < MOST
