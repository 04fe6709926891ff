"""A thousand messages come in while a program, chosen at random, is killed each second and supervised back. What was
answered 250 is in a Maildir afterwards, undamaged. Duplicates are allowed, losses are not."""
import hashlib
import os
import random
import re
import signal
import threading
import time

import pytest

from harness import Smtp, wait_for

PROGRAMS = ["authd", "tlsd", "queued", "remote", "imap", "pop3", "smtpd", "imapd", "deliver"]
MESSAGES, CONNECTIONS, SECONDS = 1000, 10, 30


def message(number, seed):
    """A message that shows its own damage: the body's checksum stands in its header."""
    generator = random.Random(seed * 1000003 + number)
    lines = ["".join(generator.choices("abcdefgh .", k=generator.randrange(0, 90))) for _ in range(generator.randrange(5, 120))]
    body = "\r\n".join(lines) + "\r\n"
    digest = hashlib.sha256(body.replace("\r\n", "\n").encode()).hexdigest()
    return f"Subject: number {number}\r\nX-Number: {number}\r\nX-Digest: {digest}\r\n\r\n{body}"


class Senders:
    """Each thread sends its share, and sends again what was not answered 250."""

    def __init__(self, suite, users, seed):
        self.suite, self.users, self.seed = suite, users, seed
        self.accepted, self.tries, self.lock = set(), 0, threading.Lock()
        self.stop_at = time.monotonic() + 180
        self.pace = SECONDS / (MESSAGES / CONNECTIONS)
        self.threads = [threading.Thread(target=self.run, args=(range(first, MESSAGES, CONNECTIONS),))
                        for first in range(CONNECTIONS)]

    def run(self, numbers):
        begin, smtp = time.monotonic(), None
        for place, number in enumerate(numbers):
            # Spread over the time of the killing: a thousand messages are gone in two seconds otherwise.
            wait_for("its turn", 60, lambda: time.monotonic() >= begin + place * self.pace * 0.9)  # pylint: disable=W0640
            while time.monotonic() < self.stop_at:
                smtp = self.attempt(smtp, number)
                if number in self.accepted:
                    break

    def attempt(self, smtp, number):
        with self.lock:
            self.tries += 1
        try:
            if smtp is None:
                smtp = Smtp(self.suite.ports["smtpd"], timeout=30)
                smtp.ehlo()
            smtp.message("stranger@elsewhere.test", [self.users[number % len(self.users)].address],
                         message(number, self.seed))
            with self.lock:
                self.accepted.add(number)
            return smtp
        except (OSError, EOFError, AssertionError):
            if smtp is not None:
                smtp.close()
            return None


def kill_one(suite, generator):
    """SIGKILL to one process of a program that is running now."""
    generator.shuffle(order := list(PROGRAMS))
    for program in order:
        pids = suite.pids(program)
        if pids:
            try:
                os.kill(generator.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                continue
            return program
    return None


def whole(data):
    """The number of a delivered message whose body is as it was sent; None when it is damaged."""
    head, body = data.split(b"\n\n", 1)
    number = int(re.search(rb"^X-Number: (\d+)$", head, re.M)[1])
    return number if hashlib.sha256(body).hexdigest().encode() == re.search(rb"^X-Digest: (\S+)$", head, re.M)[1] else None


def delivered(users):
    numbers = [whole(data) for user in users for data in user.messages()]
    assert None not in numbers, "a message is damaged"
    return set(numbers)


@pytest.mark.long
def test_nothing_is_lost_when_programs_are_killed(suite):
    seed = int(os.environ.get("POSTERN_SEED", random.randrange(1 << 30)))
    print("seed", seed)
    generator = random.Random(seed)
    users = [suite.user() for _ in range(5)]
    senders = Senders(suite, users, seed)
    for thread in senders.threads:
        thread.start()
    killed, begin = [], time.monotonic()
    for second in range(1, SECONDS + 1):
        wait_for("the second", 5, lambda: time.monotonic() >= begin + second)  # pylint: disable=W0640
        killed.append(kill_one(suite, generator))
    for thread in senders.threads:
        thread.join()
    suite.wait_up()
    print("killed", {name: killed.count(name) for name in set(killed)}, "tries", senders.tries)
    assert len(killed) == SECONDS and None not in killed
    assert len(senders.accepted) == MESSAGES, f"only {len(senders.accepted)} were accepted in the end"
    suite.tool("queuectl", "flush", check=False)
    wait_for(lambda: f"all accepted messages in Maildirs; missing: {sorted(senders.accepted - delivered(users))[:20]}", 180,
             lambda: senders.accepted <= delivered(users))
