"""
Promise 16: the time of a failed login says nothing of whether the user exists. With the embedded users here; with
hashes of a database, and accounts without one, in test_authd_sql.py.
"""
import statistics
import time

from harness.authd import Authd, blob

ROUNDS = 150


def test_time_of_failed_logins():
    with Authd(hash_workers="1") as authd:
        authd.user("ann@example.test")
        authd.user("bob@example.test")
        time.sleep(1)  # a new cdb is seen within that
        assert authd.login("ann@example.test", "secret words") == "ok"
        times = {"bob@example.test": [], "nobody@example.test": [], "nobody@elsewhere.test": [], "nobody": []}
        for i in range(ROUNDS):
            for user, taken in times.items():
                with authd.greeted() as peer:
                    question = ("auth", "t", "PLAIN", blob("", user, "wrong")) if i % 2 else ("password", "t", user, "wrong")
                    began = time.perf_counter()
                    assert peer.ask(*question)[0] == "no"
                    taken.append(time.perf_counter() - began)
    medians = {user: statistics.median(taken) for user, taken in times.items()}
    spread = statistics.stdev(times["bob@example.test"])
    least, most = min(medians.values()), max(medians.values())
    assert most - least < max(0.2 * most, spread / 2), (medians, spread)
