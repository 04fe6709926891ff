"""The accounts that all sides serve: deployment A's tables in a private MariaDB."""
import subprocess

from harness import MariaDB, PostfixAdmin, REPOSITORY

DOMAIN = "example.test"
PASSWORD = "secret-words"


class Tables(PostfixAdmin):
    """The tables without a suite."""
    old = False

    def __init__(self, database):  # pylint: disable=super-init-not-called
        self.database, self.preset, self.hashes = database, REPOSITORY / "conf/presets/A", {}
        self.make_tables()

    def add(self, domain, users, stored):
        """user0@domain and so on, with PASSWORD stored so."""
        self.hashes[PASSWORD] = stored
        self.add_users([f"user{number}@{domain}" for number in range(users)], PASSWORD)


def make(users, *others, stored=None):
    """A MariaDB with that many users, userN@example.test, and others; passwords in md5crypt as PostfixAdmin's default is. `stored`:
    domains that have as many, and how PASSWORD is stored there."""
    database = MariaDB()
    tables = Tables(database)
    tables.add_users([*(f"user{number}@{DOMAIN}" for number in range(users)), *others], PASSWORD)
    for domain, text in (stored or {}).items():
        tables.add(domain, users, text)
    return database


def sha512_crypt():
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True).stdout.strip()
