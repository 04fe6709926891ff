"""Promise 10 for tlsd: its four kinds of processes have set the limits that their contracts name, and a session full of bytes stays
beneath its own."""
import re

import pytest

from harness import Process, without_sanitizers
from harness import REPOSITORY
from harness.tls import Tlsd

pytestmark = without_sanitizers("they need address space of their own")

CHILD_MOST = 64 << 20


def limit(pid, name):
    text = (Process(pid).directory / "limits").read_text()
    return int(re.search(rf"^{name} +(\d+)", text, re.M).group(1))


def contract_memory(source):
    """.memory = 64 << 20 of a source file."""
    number, shift = re.search(r"\.memory = (?:\(size_t\))?(\d+)u? << (\d+)", (REPOSITORY / source).read_text()).groups()
    return int(number) << int(shift)


def is_limit_of_a_child(pid, source):
    """A child has besides what it inherits of certificates: one small chain here."""
    least = contract_memory(source)
    return least <= limit(pid, "Max address space") < least + (1 << 20)


@pytest.fixture
def session(suite):
    before = set(suite.pids("tlsd"))
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.starttls()
        yield smtp, (set(suite.pids("tlsd")) - before).pop(), before


def test_each_process_has_its_limit(suite, session):
    _, child, before = session
    acceptor = suite.service_pid("tlsd")
    [keys] = [pid for pid in before if Process(pid).parent() == acceptor]
    for pid, source in [(acceptor, "postern-tlsd.c"), (keys, "keys.c")]:
        assert limit(pid, "Max address space") == contract_memory(f"tlsd/{source}"), source
    assert is_limit_of_a_child(child, "tlsd/child.c")


def test_an_outgoing_session_has_its_limit():
    with Tlsd("ecdsa") as tlsd:
        host, question, child = tlsd.reach_out()
        with host, question.peer.socket:
            assert is_limit_of_a_child(child, "tlsd/outgoing_child.c")


def test_a_session_full_of_bytes(suite, session):
    smtp, child, _ = session
    user = suite.user()
    for line in ("MAIL FROM:<a@b.test>", f"RCPT TO:<{user.address}>"):
        assert smtp.command(line)[0] == 250
    assert smtp.command("DATA")[0] == 354
    smtp.send("Subject: full\r\n\r\n" + ("x" * 70 + "\r\n") * 100000)
    peak = int(Process(child).status()["VmPeak"].split()[0]) << 10
    smtp.send(".\r\n")
    assert smtp.reply()[0] == 250
    assert peak <= CHILD_MOST
