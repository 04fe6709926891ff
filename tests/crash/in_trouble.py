"""postern-queued by itself (queue_alone.py) on a machine in trouble (tests/harness/faults.py), with somebody who starts it anew."""
import contextlib
import re

from harness import Peer, wait_for
from harness.faults import Faults
from queue_alone import QueueAlone
from test_queue import Intake


class QueueInTrouble(QueueAlone):
    def __init__(self, home, **settings):
        super().__init__(home, **settings)
        self.faults = Faults()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self.faults.__exit__()

    def begin(self, wait=True):
        self.start(before=self.faults.command, wait=wait)
        return self

    def has_ended(self):
        return self.process is None or self.process.poll() is not None

    def revive(self):
        """What its supervisor does: they live and die together, so all are gone before it begins anew."""
        if self.has_ended():
            self.stop()
            self.begin(wait=False)

    def submit(self, sender, recipients, text):
        """The answer to what was sent: ["ok", ID], ["later", CODE, TEXT], ["no", ...]; ["lost"] when the other side has closed."""
        try:
            with Intake(self) as client:
                answer = client.envelope(sender, recipients)
                if answer[:1] == ["ok"]:
                    client.data(text)
                    answer = client.ask("commit", "4")
        except OSError:
            return ["lost"]
        return [answer[0], *answer[2:]] if answer else ["lost"]

    def flush(self):
        with contextlib.suppress(OSError), Peer(self, "queue/control", timeout=5) as peer:
            peer.ask("flush", "1")

    def waiting(self):
        return [path for path in self.queue.rglob("?" * 13) if path.parent.name not in ("damaged", "journal")]

    def settle(self, seconds=20):
        """Whatever waits is tried, until nothing waits any more."""
        def is_empty():
            self.revive()
            if not self.waiting():
                return True
            self.flush()
            return False
        wait_for(lambda: f"{self.waiting()} to end; failed: {self.faults.last}\n{self.text()[-4000:]}", seconds, is_empty)

    def wait_log(self, pattern, seconds=15):
        return wait_for(lambda: f"{pattern} in\n{self.text()[-4000:]}", seconds, lambda: re.search(pattern, self.text(), re.M))

    def count(self, pattern):
        return len(re.findall(pattern, self.text(), re.M))

    def forget_delivered(self):
        for path in self.taken.iterdir():
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    @contextlib.contextmanager
    def without_authd(self):
        """Nobody says what an address is: what comes waits. (One who has a connection would go on to be answered: all begin anew.)"""
        link = self.run / "authd"
        link.rename(self.run / "away")
        if self.process is not None:
            self.stop()
            self.begin()
        try:
            yield
        finally:
            (self.run / "away").rename(link)
