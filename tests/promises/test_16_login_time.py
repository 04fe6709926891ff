"""
Promise 16: the time of a failed login says nothing of whether the user exists. Hundreds of tries for each way to store a
password here, thousands by tests/bench/login_time; accounts without a password in test_authd_sql.py.
"""
import time

import pytest

from harness import MariaDB
from harness.authd import Authd
from harness.login_time import SCHEMES, UNCOUNTED, USERS, WAYS, authd_with, differences, leaks, told

pytestmark = pytest.mark.long

TRIES = 400
SECONDS = 4  # of each comparison, at most


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        yield server


def check(found):
    """No certain difference that is worth knowing; and the tries could have told a hash that is not made."""
    for name, difference in found.items():
        assert not leaks(difference), f"{name}: {difference}"
    untold = [f"{name}: {difference}" for name, difference in found.items() if not told(difference)]
    if untold:  # no leak was seen, and none could have been
        pytest.skip(f"too few tries for a machine that is so busy: {untold}")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_hashes_of_a_database(db, scheme):
    with authd_with(db, scheme) as authd:
        check(differences(authd, WAYS[SCHEMES.index(scheme) % len(WAYS)], TRIES, SECONDS))


def test_embedded_users():
    with Authd(hash_workers="1", **UNCOUNTED) as authd:
        authd.user("ann@example.test")
        authd.user("bob@example.test")
        time.sleep(1)  # a new cdb is seen within that
        assert authd.login("ann@example.test", "secret words") == "ok"
        users = {**USERS, "without a domain": lambda number: f"nobody{number}"}
        check(differences(authd, "PLAIN", TRIES, SECONDS, users))
