"""Promise 7: a process that reads the network before login holds no private key and no password hash, and maps no TLS or
SQL library. Its whole memory is searched after STARTTLS and a failed login; authd's is searched too, where the hash is."""
import contextlib
import pathlib
import re

import pytest

from harness import wait_for
from harness.memory import found, secret_numbers

LIBRARIES = re.compile(r"lib(ssl|crypto|mariadb|mysqlclient|gsasl|crypt|nettle|argon2|cdb)\b")


@contextlib.contextmanager
def failed_login(suite, service, user):
    """A conversation in TLS after a wrong password: its process id."""
    before = set(suite.pids(service))
    if service == "smtpd":
        with suite.smtp("submission") as smtp:
            smtp.ehlo()
            smtp.starttls()
            assert smtp.login(user.address, "wrong")[0] == 535
            yield (set(suite.pids(service)) - before).pop()
    elif service == "imapd":
        with suite.imap() as imap:
            imap.send("a STARTTLS\r\n")
            assert imap.line().startswith("a OK")
            imap.begin_tls()
            imap.send(f"b LOGIN {user.address} wrong\r\n")
            assert imap.line().startswith("b NO")
            yield (set(suite.pids(service)) - before).pop()
    else:
        with suite.pop3() as pop3:
            pop3.send("STLS\r\n")
            assert pop3.line().startswith("+OK")
            pop3.begin_tls()
            pop3.send(f"USER {user.address}\r\nPASS wrong\r\n")
            assert pop3.line().startswith("+OK") and pop3.line().startswith("-ERR")
            yield (set(suite.pids(service)) - before).pop()


@pytest.fixture(scope="module")
def user(suite):
    """A user of his own hash, who can log in."""
    user = suite.user(name=f"canary{next(suite.numbers)}")
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        assert smtp.login(user.address, user.password)[0] == 235
    return user


@pytest.fixture(scope="module")
def secrets(suite, user):
    """What no front may hold: the hash's last part, and the private key's numbers."""
    [line] = [line for line in (suite.settings / "users").read_text().splitlines() if user.address in line.split()]
    hashed = re.search(r"\$y\$\S+", line).group().split(":")[0]
    return {"hash": hashed[-32:].encode(), **secret_numbers(suite.settings / "tls/key.pem", "ecdsa")}


@pytest.mark.parametrize("service", ["smtpd", "imapd", "pop3d"])
def test_a_front_holds_no_secret(suite, user, secrets, service):
    with failed_login(suite, service, user) as pid:
        assert found(pid, secrets, least=1 << 15) == []
        assert not LIBRARIES.findall(pathlib.Path(f"/proc/{pid}/maps").read_text())


@pytest.mark.parametrize("service", ["imapd", "pop3d"])
def test_nor_do_the_daemons_behind_them(suite, secrets, service):
    program = {"imapd": "imap", "pop3d": "pop3"}[service]
    for pid in suite.pids(program):
        assert found(pid, secrets, least=1 << 15) == []


def test_the_search_finds_the_hash_where_it_is(suite, user, secrets):
    with failed_login(suite, "imapd", user):
        wait_for("the hash in authd", 5, lambda: any("hash" in found(pid, secrets) for pid in suite.pids("authd")))
