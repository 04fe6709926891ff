"""The accounts that all sides serve: deployment A's tables in a private MariaDB."""
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


def make(users, *others):
    """A MariaDB with that many users, userN@example.test, and others; passwords in md5crypt as PostfixAdmin's default is."""
    database = MariaDB()
    Tables(database).add_users([*(f"user{number}@{DOMAIN}" for number in range(users)), *others], PASSWORD)
    return database
