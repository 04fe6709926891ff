"""Where a suite's accounts come from: the embedded users, or PostfixAdmin's tables (deployment A) in a MariaDB."""
import re
import shutil
import subprocess

from .packets import Peer
from .wait import wait_for

DATABASE = "postfix"


class Embedded:
    """postern-users. Accounts of the default password are made many at a time: authd looks once a second for new ones."""
    many = 300

    def __init__(self, suite):
        self.suite = suite
        self.ready = []

    def next_user(self):
        """A fresh account with the default password."""
        if not self.ready:
            self.make_many()
        return self.ready.pop(0)

    def make_many(self):
        first = self.new_address()
        self.add_user(first, self.suite.password)
        path = self.suite.settings / "users"
        [line] = [line for line in path.read_text().splitlines() if first in line.split()]
        more = [self.new_address() for _ in range(self.many)]
        with open(path, "a") as file:
            file.writelines(line.replace(first, address) + "\n" for address in more)
        self.suite.tool("users", "compile")
        self.wait_known(more[-1], "mailbox")
        self.ready = [first, *more]

    def new_address(self):
        return f"user{next(self.suite.numbers)}@{self.suite.domain}"

    def add_user(self, address, password):
        self.suite.tool("users", "add", address, "--stdin", input=password + "\n")
        self.wait_known(address, "mailbox")

    def add_alias(self, address, targets):
        self.suite.tool("users", "alias", address, *targets)
        self.wait_known(address, "alias")

    def wait_known(self, address, kind):
        """authd looks once a second whether the users' cdb is a new one."""
        if self.suite.scan is not None:
            with Peer(self.suite, "authd/lookup") as peer:
                wait_for(f"authd to know {address}", 10, lambda: peer.ask("rcpt", "t", address) == ["ok", "t", kind])


def query_file(path, database):
    """The text of a preset's query file, for a database of the harness: host, user and password are written into it."""
    text = path.read_text()
    for name, value in {"hosts": f"unix:{database.socket}", "user": database.user, "password": database.password,
                        "dbname": DATABASE}.items():
        text = re.sub(rf"^{name} *=.*$", f"{name} = {value}", text, flags=re.M)
    return text


class PostfixAdmin:
    """
    The tables and query files of conf/presets/A as they are; only host, user and password of the database are written
    into the files. `old` takes those in the form from before Postfix 2.2 where there is one.
    """
    settings = {
        "sql_domains": ["virtual_domains_maps.cf"],
        "sql_relay_domains": ["relay_domains.cf"],
        "sql_transports": ["transport_maps.cf"],
        "sql_aliases": ["virtual_alias_maps.cf", "virtual_alias_domain_maps.cf", "virtual_alias_domain_catchall_maps.cf"],
        "sql_mailboxes": ["virtual_mailbox_maps.cf", "virtual_alias_domain_mailbox_maps.cf"],
        "sql_quotas": ["virtual_mailbox_limit_maps.cf"],
        "sql_passwords": ["passwords.cf"],
    }

    def __init__(self, suite, database, old=False, tables=True):
        self.suite, self.database, self.old = suite, database, old
        self.preset = suite.repository / "conf/presets/A"
        self.files = suite.settings / "mysql"
        self.hashes = {}
        if tables:
            self.make_tables()
        self.write_settings()

    def next_user(self):
        address = f"user{next(self.suite.numbers)}@{self.suite.domain}"
        self.add_user(address, self.suite.password)
        return address

    def make_tables(self):
        self.database.sql(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        self.database.sql((self.preset / "schema.sql").read_text(), DATABASE)

    def write_settings(self):
        self.files.mkdir(exist_ok=True)
        for path in self.preset.glob("*.cf"):
            copy = self.files / path.name
            copy.write_text(query_file(path, self.database))
            copy.chmod(0o400)
            shutil.chown(copy, "postern-authd", "postern-authd")
        for setting, names in self.settings.items():
            old = [f"old_{name}" if self.old and (self.preset / f"old_{name}").exists() else name for name in names]
            self.suite.set(setting, "\n".join(str(self.files / name) for name in old))

    def hash(self, password):
        """PostfixAdmin's md5crypt."""
        if password not in self.hashes:
            result = subprocess.run(["openssl", "passwd", "-1", "-stdin"], input=password, capture_output=True, text=True,
                                    check=True)
            self.hashes[password] = result.stdout.strip()
        return self.hashes[password]

    def add_domain(self, domain, **columns):
        names = ", ".join(["domain", *columns])
        values = ", ".join(quote(value) for value in [domain, *columns.values()])
        self.database.sql(f"INSERT IGNORE INTO domain ({names}) VALUES ({values})", DATABASE)

    def add_user(self, address, password, quota=0):
        self.add_users([address], password, quota)

    def add_users(self, addresses, password, quota=0):
        """As PostfixAdmin does it: the mailbox, and an alias that names the address itself."""
        for domain in sorted({address.rsplit("@", 1)[1] for address in addresses}):
            self.add_domain(domain)
        mailboxes, aliases = [], []
        for address in addresses:
            local, domain = address.rsplit("@", 1)
            maildir = f"{local}/" if self.old else f"{domain}/{local}/"  # 2.x's column is beneath the domain
            fields = [address, self.hash(password), maildir, quota, local, domain]
            mailboxes.append("(" + ", ".join(quote(field) for field in fields) + ")")
            aliases.append("(" + ", ".join(quote(field) for field in (address, address, domain)) + ")")
        self.database.sql("INSERT INTO mailbox (username, password, maildir, quota, local_part, domain) VALUES "
                          + ", ".join(mailboxes) + "; INSERT INTO alias (address, goto, domain) VALUES "
                          + ", ".join(aliases), DATABASE)

    def add_alias(self, address, targets):
        fields = [address, ",".join(targets), address.rsplit("@", 1)[1]]
        self.add_domain(fields[2])
        self.database.sql("REPLACE INTO alias (address, goto, domain) VALUES ("
                          + ", ".join(quote(field) for field in fields) + ")", DATABASE)


def quote(value):
    return str(value) if isinstance(value, int) else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
