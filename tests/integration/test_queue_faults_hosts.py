"""Hosts and name servers in trouble, as the queue sees them: they stall, hang up, talk nonsense or without an end, or say 421, at each
step of the dialogue. That is a deferral and nothing else, it keeps only its own mail waiting, and later the host has it."""
import itertools
import re
import socket
import threading
import time

import pytest

from harness import Sink, Suite, wait_for
from harness.listener import Accepting
from harness.names import MX, A, Names, mx
from test_queue import Intake, wait_gone

STEPS = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "END"]
OPEN = threading.Event()  # what stalls goes on then


def wait_open(seconds):
    """Then the usual answer."""
    OPEN.wait(seconds)


TROUBLES = {
    "stalls": lambda line: wait_open(60),
    "hangs-up": "",
    "nonsense": "\0\xff hello",
    "no-end": "250-" + "x" * 3000000,
    "no-last-line": "\r\n".join(["250-more"] * 100000),
    "421": "421 4.3.2 closing",
}
TEXT = b"Subject: %s\r\n\r\n" + b"a line of the message\r\n" * 100
LARGE = b"a line of the message\r\n" * 200000


class Drips:
    """Says a byte of its reply now and then, and never the last one."""

    def __init__(self, text):
        self.text, self.socket = text, socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.accepting = Accepting(self.socket, self.serve)

    def serve(self, connection, _):
        with connection:
            for byte in itertools.cycle(self.text):
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                if OPEN.wait(0.1):
                    return

    def close(self):
        self.accepting.end()


class Deaf(Drips):
    """Takes the envelope and says 354, and then reads nothing of the message."""

    def serve(self, connection, _):
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for reply in ("220 deaf.test", "250 deaf.test", "250 ok", "250 ok", "354 go on"):
                connection.sendall(reply.encode() + b"\r\n")
                if reply != "354 go on":
                    connection.recv(4096)
            OPEN.wait(60)


class World:
    """One domain for each trouble, each with a host of its own, and one whose host is well. Names come from a server of the test."""

    def __init__(self):
        self.names = Names({})
        self.sinks = {f"{trouble}.{step.lower()}.test": Sink(answers={step: TROUBLES[trouble]}) for trouble in TROUBLES for step in STEPS}
        self.sinks["well.test"] = Sink()
        self.others = {"drips.test": Drips(b"220-x\r\n"), "drop.by.drop.test": Drips(b"2"), "deaf.test": Deaf(b"")}
        self.suite = Suite("hosts", {"remote_timeout": "2s", "connect_timeout": "1s", "resolver_timeout": "1s", "resolver_attempts": "1",
                                     "retry_first": "1h", "reuse_idle": "0s", "destination_failures": "1000", "outgoing_tls": "none", "resolver": self.names.address})
        hosts = {**self.sinks, **self.others}
        lines = [f"{domain} smtp:[127.0.0.1]:{host.port}" for domain, host in hosts.items()]
        self.sinks["named.test"] = Sink("127.0.0.2")
        lines.append(f"named.test smtp:named.test:{self.sinks['named.test'].port}")
        self.names.records.update({("named.test", MX): [mx(10, "mx.named.test")], ("mx.named.test", A): [socket.inet_aton("127.0.0.2")]})
        maps = self.suite.prefix / "maps"
        maps.mkdir(exist_ok=True)
        maps.chmod(0o755)
        (maps / "transports").write_text("\n".join(lines) + "\n")
        self.suite.set("transports", maps / "transports")

    def submit(self, sender, domain, more=b""):
        with Intake(self.suite) as client:
            return client.submit(sender.address, [f"b@{domain}"], TEXT % domain.encode() + more)

    def wait_deferred(self, ids, seconds=30):
        def missing():
            log = self.suite.log_text("queued")
            return [domain for domain, queue_id in ids.items() if not re.search(rf" deferred queue={queue_id} .*code=4\.", log)]
        wait_for(lambda: f"to be deferred: {missing()}\n{self.suite.log_text('queued')[-2000:]}", seconds, lambda: not missing())

    def was_delivered(self, queue_id):
        """And nothing else; the log may come a moment after the file is gone."""
        self.suite.wait_log("queued", f" delivered queue={queue_id} ")
        return self.ends(queue_id) == ["delivered"]

    def ends(self, queue_id):
        return re.findall(rf" (delivered|failed|bounced|notified) queue={queue_id}", self.suite.log_text("queued"))


@pytest.fixture(scope="module")
def world():
    made = World()
    with made.suite:
        made.suite.user("first")
        yield made
        assert not made.suite.findings()
    OPEN.set()
    made.names.close()
    for host in (*made.sinks.values(), *made.others.values()):
        host.close()


def test_each_trouble_at_each_step(world):
    suite, sender = world.suite, world.suite.user()
    ids = {domain: world.submit(sender, domain) for domain in world.sinks if domain not in ("well.test", "named.test")}
    ids["deaf.test"] = world.submit(sender, "deaf.test", LARGE)
    ids.update({domain: world.submit(sender, domain) for domain in ("drips.test", "drop.by.drop.test")})
    # Nobody else waits for those that stall.
    well = world.submit(sender, "well.test")
    world.sinks["well.test"].wait(1)
    wait_gone(suite, well)
    stalling = [queue_id for domain, queue_id in ids.items() if domain.startswith("stalls")]
    assert not OPEN.is_set() and len(stalling) == len(STEPS)
    world.wait_deferred(ids)
    assert not [domain for domain, queue_id in ids.items() if world.ends(queue_id)] and not sender.messages()
    # They are well again: what waited for them is theirs.
    for sink in world.sinks.values():
        sink.answers.clear()
    OPEN.set()
    suite.tool("queuectl", "flush")
    for domain, sink in world.sinks.items():
        if domain not in ("well.test", "named.test"):
            wait_gone(suite, ids[domain])
            assert sink.messages and all(m.data == TEXT % domain.encode() for m in sink.messages), domain
            assert world.was_delivered(ids[domain]), domain
    assert not sender.messages()


RESOLVERS = {
    "is silent": lambda answer, name, kind, tcp: [],
    "answers other questions": lambda answer, name, kind, tcp: [bytes([answer[0] ^ 1]) + answer[1:]],
    "says SERVFAIL": lambda answer, name, kind, tcp: [answer[:3] + b"\x82" + answer[4:6] + bytes(6) + answer[12:]],
    "says REFUSED": lambda answer, name, kind, tcp: [answer[:3] + b"\x85" + answer[4:6] + bytes(6) + answer[12:]],
    "sends what cannot be read": lambda answer, name, kind, tcp: [answer[:7] + b"\xff" + answer[8:12] + b"\xc0\x0c" * 200],
}


def test_a_resolver_in_trouble(world):
    """Each trouble defers; with a resolver that is well, and slow, all of it arrives."""
    suite, sender = world.suite, world.suite.user()
    waits = {}
    for trouble, twist in RESOLVERS.items():
        world.names.twist = twist
        waits[trouble] = world.submit(sender, "named.test")
        world.wait_deferred({trouble: waits[trouble]})
    world.names.twist = lambda *_: time.sleep(0.05)
    suite.tool("queuectl", "flush")
    for queue_id in waits.values():
        wait_gone(suite, queue_id)
        assert world.was_delivered(queue_id)
    world.names.twist = None
    assert len(world.sinks["named.test"].messages) == len(waits) and not sender.messages()


def test_a_resolver_that_is_away(world):
    suite, sender = world.suite, world.suite.user()
    suite.down("remote")
    suite.kill("remote")  # what still serves queued knows the resolver of before
    suite.set("resolver", "127.0.0.9:53")
    suite.up("remote")
    try:
        queue_id = world.submit(sender, "named.test")
        world.wait_deferred({"away": queue_id})
    finally:
        suite.down("remote")
        suite.kill("remote")
        suite.set("resolver", world.names.address)
        suite.up("remote")
    suite.tool("queuectl", "flush")
    wait_gone(suite, queue_id)
    assert world.was_delivered(queue_id) and not sender.messages()
