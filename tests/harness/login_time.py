"""Failed logins of users who exist and of users who do not, timed against each other (promise 16)."""
import base64
import contextlib
import subprocess
import time

from .authd import Authd, fill
from .authd import blob
from .timing import compare

# How a password may be stored: name -> the stored text for "secret words". Costs that let thousands be tried.
SALTED = {"SHA512-CRYPT": "$6$rounds=1000$saltsalt", "SHA256-CRYPT": "$5$rounds=1000$saltsalt", "MD5-CRYPT": "$1$saltsalt",
          "BLF-CRYPT": "$2b$04$abcdefghijklmnopqrstuu", "YESCRYPT": "$y$j75$saltsalt"}
# Failures that are counted are answered later and later.
UNCOUNTED = {"failures_per_address": "0", "failures_per_account": "0"}
SCHEMES = [*SALTED, "PLAIN"]
WAYS = ("password", "PLAIN", "LOGIN")
LIMIT = 0.1  # of the time of a failed login: a difference that is certainly larger is a leak


def stored(scheme, password="secret words"):
    if scheme == "PLAIN":
        return "{PLAIN}" + password
    result = subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, SALTED[scheme]], capture_output=True,
                            text=True, check=True)
    assert result.stdout.startswith(SALTED[scheme]), f"crypt(3) does not know {SALTED[scheme]}"
    return result.stdout


@contextlib.contextmanager
def authd_with(db, scheme, **settings):
    """Preset A where ann, bob and the inactive `off` have their password stored so; ann has logged in once."""
    fill(db)
    db.sql(f"UPDATE mailbox SET password = '{stored(scheme)}'", "mail")
    # One worker, so that it is the same that has seen ann's hash.
    made = Authd(hash_workers="1", weak_schemes="MD5-CRYPT", **UNCOUNTED, **settings)
    made.preset(db)
    with made as authd:
        assert authd.login("ann@example.test", "secret words") == "ok", authd.log()[-2000:]
        yield authd


def failing(authd, user, way):
    """One failed login as a function of its number: seconds from the last thing said to the answer."""
    def attempt(number):
        password = f"wrong {number}"
        with authd.greeted(line="tls") as peer:
            if way == "LOGIN":
                assert peer.ask("auth", "t", "LOGIN")[0] == "more"
                assert peer.ask("more", "t", base64.b64encode(user(number).encode()).decode())[0] == "more"
                question = ("more", "t", base64.b64encode(password.encode()).decode())
            elif way == "PLAIN":
                question = ("auth", "t", "PLAIN", blob("", user(number), password))
            else:
                question = ("password", "t", user(number), password)
            began = time.perf_counter()
            answer = peer.ask(*question)
            taken = time.perf_counter() - began
        assert answer[0] == "no", (user(number), answer)
        return taken
    return attempt


# The first exists; all must take as long.
USERS = {
    "known": lambda number: "bob@example.test",
    "unknown": lambda number: f"nobody{number}@example.test",
    "inactive": lambda number: "off@example.test",
    "foreign": lambda number: f"nobody{number}@elsewhere.test",
}


def differences(authd, way, tries, seconds, users=USERS):
    return compare({name: failing(authd, user, way) for name, user in users.items()}, tries, seconds, told)


def told(difference):
    """Whether the tries so far could have told a hash that is not made."""
    return difference.within(0.5 * difference.usual) or leaks(difference)


def leaks(difference):
    return difference.beyond(LIMIT * difference.usual)
