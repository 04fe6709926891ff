"""What the tests of POP3 share. `account` and `settings` are fixtures: a test file imports those that it uses."""
import itertools
import os
import time

import pytest

TEXT = b"Subject: x\n\nx\n"
numbers = itertools.count(1)


def own(account, path):
    """Gives what the test has written to the user of the Maildir."""
    os.chown(path, account.maildir.stat().st_uid, account.maildir.stat().st_gid)
    return path


def put(account, text=TEXT, name=None, age=0, part="new"):
    """A file as another program would leave it: no sizes in its name. `age`: seconds since it came."""
    path = account.maildir / part / (name or f"{1700000000 + next(numbers)}.M1P1.host")
    path.write_bytes(text)
    os.utime(path, (time.time() - age,) * 2)
    return own(account, path)


def login(suite, account):
    pop3 = suite.pop3("pop3s")
    return pop3, pop3.login(account.address, account.password)


def logged_in(suite, account):
    pop3, answer = login(suite, account)
    assert answer.startswith("+OK"), answer
    return pop3


@pytest.fixture
def account(suite):
    account = suite.user()
    with logged_in(suite, account) as pop3:  # the first login makes the Maildir
        pop3.command("QUIT")
    return account


@pytest.fixture
def settings(suite):
    """A function that sets what the sessions read; the defaults come back."""
    changed = set()

    def change(**values):
        changed.update(values)
        for name, value in values.items():
            suite.set(name, value)
        suite.restart("pop3")

    yield change
    if changed:
        change(**dict.fromkeys(changed))
