"""One database worker of postern-authd, without the rest of it (tests/unit/database_worker.c)."""
import pathlib
import shutil
import subprocess
import tempfile

from .build import HOME, made

MAPS = ["domains", "mailboxes", "aliases", "quotas", "passwords", "relay_domains", "transports", "senders",
        "message_sizes", "used", "domain_quotas", "domain_used", "sender_relay_hosts", "sender_bcc", "recipient_bcc"]


class Worker:
    """
    with Worker([("passwords", TEXT)], timeout=2) as worker:
        worker.ask("passwords", "ann@example.test", explain=True)  ->  ["found", VALUE, LINE...]
    """

    def __init__(self, files, timeout=2):
        HOME.mkdir(mode=0o755, exist_ok=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="database-", dir=HOME))
        self.arguments = [str(timeout)]
        for number, (name, text) in enumerate(files):
            path = self.directory / f"{number}-{name}"
            path.write_text(text)
            self.arguments.append(f"{MAPS.index(name)}={path}")
        self.process = None

    def __enter__(self):
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen([made("unit/database_worker"), *self.arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                            text=True, errors="surrogateescape", bufsize=1)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)
        log = self.log()
        shutil.rmtree(self.directory, ignore_errors=True)
        assert "Sanitizer" not in log and "runtime error" not in log, log[-5000:]

    def log(self):
        return (self.directory / "log").read_text("utf-8", "replace")

    def send(self, *fields):
        self.process.stdin.write("\t".join(fields) + "\n")
        return self.process.stdout.readline().rstrip("\n").split("\t")

    def ask(self, name, key, service="", remote="", explain=False):
        return self.send("ask", str(MAPS.index(name)), key, service, remote, *(["explain"] if explain else []))

    def ping(self):
        return self.send("ping")


def rows(value):
    """The rows of a value (authd/rows.h), each a dictionary; a bare one is {"": VALUE}."""
    result = []
    for row in value.split("\x1e"):
        parts = row.split("\x1f")
        result.append({"": row} if len(parts) == 1 else dict(zip(parts[::2], parts[1::2])))
    return result
