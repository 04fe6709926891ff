"""The database goes away in the middle of an expansion: some of what an alias leads to is known and some is not. That is a deferral,
nothing bounces, and when it is back each has the message, and nobody who has it gets it again."""
import re

import pytest

from harness import MariaDB, Peer, PostfixAdmin, Suite, wait_for
from test_queue import MESSAGE, Intake, wait_gone

GROUPS, EACH = 8, 8


@pytest.fixture(scope="module")
def house():
    with MariaDB() as database:
        running = Suite("outage", {"retry_first": "1s", "retry_most": "1s", "sql_timeout": "1s"})
        running.accounts = PostfixAdmin(running, database)
        running.database = database
        with running:
            running.user("first")
            yield running
            assert not running.findings()


class Tree:
    """An alias of aliases of mailboxes, all of them new."""

    def __init__(self, suite, name):
        self.suite, self.top = suite, f"{name}@example.test"
        self.users = [f"{name}-{g}-{u}@example.test" for g in range(GROUPS) for u in range(EACH)]
        suite.accounts.add_users(self.users, suite.password)
        self.groups = [f"{name}-{g}@example.test" for g in range(GROUPS)]
        for number, group in enumerate(self.groups):
            suite.alias(group, self.users[number * EACH:(number + 1) * EACH])
        suite.alias(self.top, self.groups)
        self.sender = suite.user()

    def submit(self):
        with Intake(self.suite) as client:
            self.id = client.submit(self.sender.address, [self.top], MESSAGE)

    def count(self, event):
        return len(re.findall(rf" {event} queue={self.id} ", self.suite.log_text("queued")))

    def counts(self):
        maildirs = [self.suite.mail_root / "example.test" / user.split("@")[0] / "new" for user in self.users]
        return [len(list(path.iterdir())) if path.exists() else 0 for path in maildirs]

    def check_all_have_it(self):
        self.suite.tool("queuectl", "flush")
        wait_gone(self.suite, self.id)
        assert self.counts() == [1] * len(self.users)
        assert self.count("failed") == 0 and not self.sender.messages()


def lookup(suite, *question):
    with Peer(suite, "authd/lookup") as peer:
        return peer.ask(question[0], "t", *question[1:])


def test_what_is_known_is_expanded_and_the_rest_waits(house):
    """The top and one group are remembered from before; the others have never been asked for."""
    tree = Tree(house, "known")
    for address in (tree.top, tree.groups[0]):
        assert lookup(house, "rcpt", address) == ["ok", "t", "alias"] and lookup(house, "alias", address)[0] == "ok"
    for user in tree.users[:2]:
        assert lookup(house, "rcpt", user)[:3] == ["ok", "t", "mailbox"] and lookup(house, "mailbox", user)[0] == "ok"
    house.database.freeze()
    try:
        tree.submit()
        wait_for(lambda: f"deferrals: {tree.count('deferred')}, expansions: {tree.count('expanded')}", 60,
                 lambda: tree.count("deferred") >= GROUPS - 1 and tree.count("expanded") == 2)
        assert tree.count("failed") == 0 and sum(tree.counts()[EACH:]) == 0 and not tree.sender.messages()
    finally:
        house.database.thaw()
    tree.check_all_have_it()


def test_while_it_is_under_way(house):
    """Gone at any moment, in the middle of the questions."""
    tree = Tree(house, "moment")
    tree.submit()
    wait_for("the first to be expanded", 20, lambda: tree.count("expanded"))
    house.database.kill()
    try:
        wait_for("the rest to be deferred, if there is one", 60, lambda: tree.count("deferred") or sum(tree.counts()) == len(tree.users))
    finally:
        house.database.start()
    tree.check_all_have_it()
