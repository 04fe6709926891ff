"""postern-authd alone in a private directory, as one user, with embedded users or preset A on a MariaDB."""
import base64
import pathlib
import shutil
import subprocess
import tempfile

from .packets import Peer
from .build import HOME, REPOSITORY, built
from .wait import wait_for

PRESET = REPOSITORY / "conf/presets/A"
# Setting -> query files of preset A, asked in this order.
QUERIES = {
    "sql_domains": ["virtual_domains_maps"],
    "sql_relay_domains": ["relay_domains"],
    "sql_transports": ["transport_maps"],
    "sql_aliases": ["virtual_alias_maps", "virtual_alias_domain_maps", "virtual_alias_domain_catchall_maps"],
    "sql_mailboxes": ["virtual_mailbox_maps", "virtual_alias_domain_mailbox_maps"],
    "sql_quotas": ["virtual_mailbox_limit_maps"],
    "sql_passwords": ["passwords"],
}


def blob(*parts):
    """Base64 of texts with NUL between, as PLAIN has them."""
    return base64.b64encode(b"\0".join(p if isinstance(p, bytes) else p.encode() for p in parts)).decode()


class Authd:
    def __init__(self, **settings):
        HOME.mkdir(mode=0o755, exist_ok=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="authd-", dir=HOME))
        self.settings, self.run = self.directory / "settings", self.directory / "run"
        self.settings.mkdir()
        (self.run / "authd").mkdir(parents=True)
        (self.directory / "cache").mkdir(mode=0o700)
        self.process = None
        defaults = {"run_directory": self.run, "one_identity": "yes", "users_cdb": self.directory / "users.cdb",
                    "cache_file": self.directory / "cache" / "cache.cdb", "failures_exempt": "127.0.0.0/8 192.0.2.0/24", "failures_per_account": 0,
                    "hostname": "mail.example.test", "plain_without_tls": "yes", "sql_timeout": "2s"}
        for name, value in {**defaults, **settings}.items():
            self.set(name, value)

    def set(self, name, value):
        (self.settings / name).write_text(f"{value}\n")

    def preset(self, db, hosts=None, database="mail", password=None, old=()):
        """Preset A's query files for this server; those in `old` in their old form."""
        change = {"unix:/run/mysqld/mysqld.sock": hosts or f"unix:{db.socket}", "user = postfix": f"user = {db.user}",
                  "password = postfix": f"password = {password or db.password}", "dbname = postfix": f"dbname = {database}"}
        for path in PRESET.glob("*.cf"):
            text = path.read_text()
            for before, after in change.items():
                text = text.replace(before, after)
            (self.settings / path.name).write_text(text)
        for setting, names in QUERIES.items():
            self.set(setting, "\n".join(f"old_{name}.cf" if name in old else f"{name}.cf" for name in names))

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(self.settings), "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}

    def program(self, name):
        return str(built(f"postern-{name}"))

    def tool(self, name, *arguments, input="", check=True):
        result = subprocess.run([self.program(name), *arguments], input=input, capture_output=True, text=True,
                                timeout=60, env=self.environment())
        assert not check or result.returncode == 0, f"{name} {arguments}: {result.stdout}{result.stderr}"
        return result

    def user(self, address, password="secret words"):
        self.tool("users", "add", address, "--stdin", input=password + "\n")

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen([self.program("authd")], env=self.environment(), cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: f"authd to be ready: {self.log()}", 20, lambda: " ready " in self.log() or self.process.poll() is not None)
        return self

    def restart(self):
        """Ends it as a supervisor does, and starts it again."""
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log()[-3000:]
        (self.directory / "log").rename(self.directory / "log.before")
        return self.start()

    def log(self):
        path = self.directory / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        text = self.log()
        shutil.rmtree(self.directory, ignore_errors=True)
        assert "Sanitizer" not in text and "runtime error" not in text, text[-5000:]
        assert self.process.returncode in (0, -9), text[-3000:]

    def children(self):
        """The workers' process ids."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in open(path).read().split()]

    # --- questions ---------------------------------------------------------------

    def lookup(self, *question):
        """("rcpt", ADDRESS) -> ("ok", CLASS): the answer without its tag."""
        with Peer(self, "authd/lookup", timeout=30) as peer:
            status, _, *fields = peer.ask(question[0], "t", *question[1:])
            return (status, *fields)

    def greeted(self, service="imap", client="192.0.2.1", line="tls"):
        peer = Peer(self, "authd/login", timeout=30)
        status, _, *_ = peer.ask("hello", "t", service, client, line)
        assert status == "ok"
        return peer

    def login(self, user, password, service="imap"):
        """The status word of a password login."""
        with self.greeted(service) as peer:
            return peer.ask("password", "t", user, password)[0]


def fill(db, database="mail", password="secret words"):
    """Preset A's tables with two domains and some people; all have the same password. An existing database goes."""
    db.sql(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")
    db.sql((PRESET / "schema.sql").read_text(), database)
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True,
                            check=True).stdout.strip()
    db.sql(f"""
        INSERT INTO domain (domain, backupmx, transport) VALUES ('example.test', 0, 'virtual'), ('alias.test', 0, 'virtual'),
            ('backup.test', 1, 'smtp:[192.0.2.9]:25');
        INSERT INTO domain (domain, active) VALUES ('off.test', 0);
        INSERT INTO mailbox (username, password, maildir, quota, domain) VALUES
            ('ann@example.test', '{hashed}', 'example.test/ann/', 10240000, 'example.test'),
            ('bob@example.test', '{{SHA512-CRYPT}}{hashed}', 'example.test/bob/', 0, 'example.test');
        INSERT INTO mailbox (username, password, maildir, domain, active) VALUES
            ('off@example.test', '{hashed}', 'example.test/off/', 'example.test', 0);
        INSERT INTO alias (address, goto, domain) VALUES
            ('ann@example.test', 'ann@example.test', 'example.test'),
            ('bob@example.test', 'bob@example.test,bob@far.test', 'example.test'),
            ('sales@example.test', 'ann@example.test,bob@example.test', 'example.test');
        INSERT INTO alias_domain (alias_domain, target_domain) VALUES ('alias.test', 'example.test');
        """, database)
    return hashed
