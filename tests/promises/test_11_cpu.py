"""Promise 11: CPU per message or command grows at most as n log n with its size. The time that a process has spent (what
the kernel counts, not a clock on the wall) is compared over a ladder of eight times the size: a square would take 64 times.
Of commands there is nothing to climb: their lines are cut at 2048 and 12288 octets."""
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from harness import Suite, wait_for, without_sanitizers  # noqa: E402
from harness.backlog import make, while_down  # noqa: E402
from test_queue import MESSAGE, Intake, files  # noqa: E402

pytestmark = without_sanitizers("their run-time has costs of its own")

STEP = 8
MOST = 24  # n log n takes some 11 times; the rest is room for a machine that is busy
STRANGER = "stranger@elsewhere.test"


def spent(pid):
    """Nanoseconds of CPU."""
    return int((pathlib.Path("/proc") / str(pid) / "schedstat").read_text().split()[0])


def cost(suite, program, tls, act):
    """What a conversation costs the process that serves it, beyond its start."""
    before = set(suite.pids(program))
    with suite.smtp() as smtp:
        smtp.ehlo()
        if tls:
            smtp.starttls()
        [pid] = set(suite.pids(program)) - before
        begun = spent(pid)
        act(smtp)
        return spent(pid) - begun


def grows_as_it_may(suite, act, n, program="smtpd", tls=False):
    """The least of a few tries: what else the machine does only adds."""
    small = min(cost(suite, program, tls, lambda smtp: act(smtp, n)) for _ in range(3))
    large = min(cost(suite, program, tls, lambda smtp: act(smtp, n * STEP)) for _ in range(2))
    assert large <= MOST * max(small, 1_000_000), f"{small / 1e6:.1f} ms became {large / 1e6:.1f} ms"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def begin(smtp, user):
    assert smtp.command(f"MAIL FROM:<{STRANGER}>")[0] == 250
    assert smtp.command(f"RCPT TO:<{user.address}>")[0] == 250
    assert smtp.command("DATA")[0] == 354


@pytest.mark.parametrize("unit,n", [
    ("X-Header: value\r\n", 8000),
    ("\tfolded\r\n", 10000),
    ("Received: by somebody\r\n", 8000),
    ("\r\n", 40000),
    ("..\r\n", 30000),
    ("x" * 900 + "\r\n", 1000),
    ("x", 900000),                 # one line
    ("Subject: (((" + "(" * 60 + "\r\n", 2000),
    ("To: <a@b>,", 90000),
], ids=["headers", "folded lines", "hops", "empty lines", "dots", "long lines", "one line", "parentheses", "addresses"])
def test_a_message(suite, user, unit, n):
    def act(smtp, count):
        begin(smtp, user)
        smtp.send("Subject: x\r\n" + unit * count + "\r\n.\r\n")
        assert smtp.reply()[0] in (250, 500, 552, 554)
    grows_as_it_may(suite, act, n)


def test_recipients(suite, user):
    def act(smtp, count):
        assert smtp.command(f"MAIL FROM:<{STRANGER}>")[0] == 250
        smtp.send("".join(f"RCPT TO:<{user.address}>\r\n" for _ in range(count)))
        assert {smtp.reply()[0] for _ in range(count)} == {250}
        assert smtp.data("Subject: many\n\nx\n")[0] == 250
    grows_as_it_may(suite, act, 100)


def test_messages_of_one_session(suite, user):
    def act(smtp, count):
        for _ in range(count):
            smtp.message(STRANGER, [user.address], "Subject: one of many\n\nx\n")
    grows_as_it_may(suite, act, 12)


def test_bytes_through_tlsd(suite, user):
    def act(smtp, count):
        begin(smtp, user)
        smtp.send("Subject: x\r\n\r\n" + ("x" * 70 + "\r\n") * count + ".\r\n")
        assert smtp.reply()[0] == 250
    grows_as_it_may(suite, act, 15000, program="tlsd", tls=True)


# --- the queue's manager ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def queue():
    """A suite whose next host is away, and stays dead once that was seen."""
    with Suite("cpu", {"relay_host": "[127.0.0.1]:1", "retry_first": "1h", "destination_pause": "1h"}) as running:
        running.user("first")
        yield running


def tries(path):
    """Attempts that the queue file counts."""
    with open(path, "rb") as file:
        return int(file.read(70).split(b"\n")[1].split()[1])


def wait_tried(suite, count, least):
    wait_for(lambda: f"{count} messages to be tried {least} times, there are {[tries(p) for p in files(suite)][:20]}", 60,
             lambda: len(files(suite)) == count and all(tries(path) >= least for path in files(suite)))


def remove_all(suite):
    for path in files(suite):
        path.unlink()


def manager_grows_as_it_may(suite, act, n):
    costs = []
    for count in (n, n * STEP):
        with while_down(suite):
            remove_all(suite)
        costs.append(act(suite, count))
    with while_down(suite):
        remove_all(suite)
    small, large = costs
    assert large <= MOST * max(small, 1_000_000), f"{small / 1e6:.1f} ms became {large / 1e6:.1f} ms"


def test_recipients_of_one_message_in_the_queue(queue):
    def act(suite, count):
        manager = suite.service_pid("queued")
        begun = spent(manager)
        with Intake(suite) as client:
            client.submit(STRANGER, [f"u{i}@d{i % 100}.test" for i in range(count)], MESSAGE)
        wait_tried(suite, 1, 1)
        return spent(manager) - begun
    manager_grows_as_it_may(queue, act, 1500)


def test_messages_that_wait_in_the_queue(queue):
    def act(suite, count):
        with while_down(suite):
            make(suite, count, "u%@far.test", next=time.time() + 3000)
        suite.tool("queuectl", "flush")
        wait_tried(suite, count, 2)
        return spent(suite.service_pid("queued"))
    manager_grows_as_it_may(queue, act, 500)
