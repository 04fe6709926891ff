"""SIGKILL of each program at random under load: local mail, mail to another host, mail that comes back. Every message that was
answered 250 is accounted for afterwards: in the Maildir, at the next host, or returned. Nothing is lost or damaged, duplicates are
allowed, and nobody is told of a failure that was a kill."""
import os
import random
import re
import signal
import threading
import time

import pytest

from harness import Sink, Smtp, Suite, wait_for
from harness.authority import Authority
from test_kill import message, whole
from test_queue import files

CONNECTIONS = 6
PAUSE = 0.4  # seconds between two kills


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A suite whose mail to others goes by TLS to a sink, which does not know anybody who is called gone-..."""
    with Sink() as sink:
        sink.certificate = Authority(tmp_path_factory.mktemp("authority"), "root").issue("/CN=somebody", "subjectAltName=DNS:sink.test")
        sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody of that name" if "<gone-" in line else None
        with Suite("kills", {"retry_first": "1s", "retry_most": "2s", "permitted_networks": "127.0.0.0/8", "destination_pause": "1s",
                             "relay_host": f"[127.0.0.1]:{sink.port}", "remote_timeout": "10s"}) as running:
            running.sink = sink
            yield running
            assert not running.findings()


class Letter:
    """What is sent: `local` has it, the sink has it for `far`, and the sender is told of `gone`."""

    def __init__(self, number, users, seed):
        self.number, self.text = number, message(number, seed)
        kind = number % 4
        self.local = [users[number % len(users)]] if kind in (0, 3) else []
        self.far = [f"far-{number}@far.test"] if kind in (1, 3) else []
        self.gone = [f"gone-{number}@far.test"] if kind in (2, 3) else []
        self.recipients = [user.address for user in self.local] + self.far + self.gone


class Senders:
    """Each thread sends until it is told to stop; what was answered 250 is remembered."""

    def __init__(self, suite, users, sender, seed):
        self.suite, self.users, self.sender, self.seed = suite, users, sender, seed
        self.accepted, self.refused, self.lock = [], [], threading.Lock()
        self.stop = threading.Event()
        self.next = 0
        self.threads = [threading.Thread(target=self.run) for _ in range(CONNECTIONS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        smtp = None
        while not self.stop.is_set():
            with self.lock:
                letter = Letter(self.next, self.users, self.seed)
                self.next += 1
            try:
                smtp = smtp or self.connect()
                self.send(smtp, letter)
            except (OSError, EOFError, AssertionError):
                if smtp is not None:
                    smtp.close()
                smtp = None
                self.stop.wait(0.02)

    def connect(self):
        smtp = Smtp(self.suite.ports["smtpd"], timeout=20)
        smtp.ehlo()
        return smtp

    def send(self, smtp, letter):
        replies = [smtp.command(line) for line in (f"MAIL FROM:<{self.sender.address}>", *(f"RCPT TO:<{r}>" for r in letter.recipients))]
        if all(code == 250 for code, _ in replies):
            replies.append(smtp.data(letter.text))
            if replies[-1][0] == 250:
                with self.lock:
                    self.accepted.append(letter)
        else:
            smtp.command("RSET")
        with self.lock:
            self.refused += [reply for reply in replies if reply[0] >= 500]

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return len(pids)


def one_of(program, chance, first=0):
    """Of those that are there within a moment: some come and go with their work."""
    def act(suite):
        begun = time.monotonic()
        while not (pids := suite.pids(program)[first:]) and time.monotonic() < begun + 1:
            time.sleep(0.005)
        return kill([chance.choice(pids)] if pids else [])
    return act


def victims(chance):
    """Name -> what kills it; gives how many there were."""
    return {
        "queued, all at once": lambda suite: kill(list(reversed(suite.pids("queued")))),
        "queued, one of them": one_of("queued", chance),
        "remote, the first": lambda suite: kill(suite.pids("remote")[:1]),
        "remote, a child": one_of("remote", chance, first=1),
        "deliver": one_of("deliver", chance),
        "authd": one_of("authd", chance),
        "tlsd": one_of("tlsd", chance),
        "smtpd": one_of("smtpd", chance),
    }


def kill_at_random(suite, seconds, chance):
    """How often each was there to be killed: once at least, and be it that a slow machine takes some times as long."""
    kinds = victims(chance)
    killed = dict.fromkeys(kinds, 0)
    begin, number = time.monotonic(), 0
    order = []
    while time.monotonic() < begin + seconds or (min(killed.values()) == 0 and time.monotonic() < begin + 5 * seconds):
        if not order:
            order = chance.sample(list(kinds), len(kinds))
        name = order.pop()
        killed[name] += kinds[name](suite) > 0
        number += 1
        wait_for("the next", 5, lambda: time.monotonic() >= begin + number * PAUSE)  # pylint: disable=W0640
    return killed


def numbers(users):
    found = [whole(data) for user in users for data in user.messages()]
    assert None not in found, "a message in a Maildir is damaged"
    return set(found)


def lacking(suite, accepted, users, sender):
    """What is not where it should be yet."""
    local = numbers(users)
    at_sink = {recipient for m in suite.sink.messages for recipient in m.recipients}
    told = set(re.findall(r"Final-Recipient: rfc822; (\S+)", "".join(data.decode("utf-8", "replace") for data in sender.messages())))
    return [letter.number for letter in accepted if (letter.local and letter.number not in local) or set(letter.far) - at_sink
            or set(letter.gone) - told]


def run(suite, seconds):
    seed = int(os.environ.get("POSTERN_SEED", random.randrange(1 << 30)))
    print("seed", seed)
    suite.sink.messages.clear()
    users, sender = [suite.user() for _ in range(4)], suite.user()
    senders = Senders(suite, users, sender, seed)
    try:
        killed = kill_at_random(suite, seconds, random.Random(seed))
    finally:
        senders.end()
    suite.wait_up()
    accepted = senders.accepted
    print("killed", killed, "accepted", len(accepted), "of", senders.next)

    def ended():
        suite.tool("queuectl", "flush", check=False)
        return not files(suite)
    wait_for(lambda: f"the queue to be empty: {files(suite)[:10]}\n{suite.log_text('queued')[-3000:]}", 90, ended)
    assert len(accepted) > 10 * seconds and min(killed.values()) > 0, "too little was done to say anything"
    assert not senders.refused, f"a kill was called permanent: {senders.refused[:5]}"
    assert not lacking(suite, accepted, users, sender)
    assert None not in [whole(m.data.replace(b"\r\n", b"\n")) for m in suite.sink.messages], "a message at the sink is damaged"
    failed = re.findall(r" failed queue=\S+ to=(\S+)", suite.log_text("queued"))
    assert not [address for address in failed if not address.startswith("gone-")]
    letters = "".join(data.decode("utf-8", "replace") for data in sender.messages())
    assert not [address for address in re.findall(r"Final-Recipient: rfc822; (\S+)", letters) if not address.startswith("gone-")]
    assert not list((suite.queue / "damaged").iterdir()) and " double-bounce " not in suite.log_text("queued")


def test_each_program_is_killed_for_some_seconds(house):
    run(house, 12)


@pytest.mark.long
def test_each_program_is_killed_for_a_minute(house):
    run(house, 60)
