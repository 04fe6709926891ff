"""What the mailboxes of a domain may hold together (PostfixAdmin's domain.quota), beside or without limits of their own: counted in the file
domainsize of the domain's directory, told to authd, kept over restarts."""
import contextlib
import fcntl
import threading

import pytest

from harness import Account, MariaDB, PostfixAdmin, Suite, wait_for
from harness.accounts import DATABASE

from test_quota import append, files, held, logged_in, message, rcpt, wait_rcpt

pytestmark = pytest.mark.long

SETTINGS = {"quota_grace": "0", "plain_without_tls": "yes"}
LIMIT = 20000


@pytest.fixture(scope="module")
def house():
    with MariaDB() as db:
        made = Suite("quota-domain", SETTINGS)
        made.accounts = PostfixAdmin(made, db)
        (made.accounts.files / "domain_quotas.cf").write_text(
            f"hosts = unix:{db.socket}\nuser = {db.user}\npassword = {db.password}\ndbname = {DATABASE}\n"
            "query = SELECT quota FROM domain WHERE domain='%s' AND quota > 0\n")
        made.set("sql_domain_quotas", made.accounts.files / "domain_quotas.cf")
        with made as suite:
            yield suite
            assert not suite.findings()


def users(house, domain, count, quota=0):
    house.accounts.add_domain(domain, quota=LIMIT)
    addresses = [f"user{number}@{domain}" for number in range(count)]
    house.accounts.add_users(addresses, house.password, quota)
    return [Account(house, address, house.password) for address in addresses]


def deliver(house, user, size):
    return house.tool("deliver", "-d", user.address, input=message(size), check=False).returncode


def sum_of(everybody):
    return sum(held(*files(user), *files(user, "Other"))[0] for user in everybody if user.maildir.exists())


def domainsize(house, domain):
    first, *lines = (house.mail_root / domain / "domainsize").read_text().splitlines()
    assert first.startswith(f"{LIMIT}S,")
    return sum(int(line.split()[0]) for line in lines)


def test_it_is_counted_and_refused_for_all(house):
    ann, bob = users(house, "two.test", 2)
    assert deliver(house, ann, 9000) == 0 and deliver(house, bob, 9000) == 0
    assert domainsize(house, "two.test") == sum_of([ann, bob])
    assert deliver(house, bob, 9000) == 75
    assert domainsize(house, "two.test") == sum_of([ann, bob])
    left = LIMIT - sum_of([ann, bob])
    assert deliver(house, ann, left - 200) == 0
    # That a mailbox is counted does not limit it: a smaller one still fits.
    assert domainsize(house, "two.test") == sum_of([ann, bob]) <= LIMIT


@contextlib.contextmanager
def grace(house, size):
    (house.settings / "quota_grace").write_text(f"{size}\n")
    yield
    (house.settings / "quota_grace").write_text("0\n")


def test_rcpt_hears_of_it_and_of_what_is_deleted_over_a_restart(house):
    ann, bob = users(house, "full.test", 2)
    with grace(house, 5000):
        for user in (ann, bob, ann):
            assert deliver(house, user, 7500) == 0
    for user in (ann, bob):
        wait_rcpt(house, user, 452)
    house.restart("authd")
    # Nobody has told of it since; 451 while the database is not there yet.
    wait_for("authd to answer", 20, lambda: rcpt(house, bob)[0] != 451)
    for user in (ann, bob):
        assert rcpt(house, user)[0] == 452
    with logged_in(house, ann) as imap:
        imap.command("SELECT INBOX")
        imap.command(r"STORE 1 +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
        assert deliver(house, bob, 100) == 0
        for user in (ann, bob):
            wait_rcpt(house, user, 250)
        # Now it has, and a session's word changes the sum.
        assert append(imap, "INBOX", 4500)[0] == "OK"
        with grace(house, 5000):
            assert deliver(house, bob, 1000) == 0
        wait_rcpt(house, bob, 452)
        imap.command(r"STORE 1:* +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
        wait_rcpt(house, bob, 250)


def test_fifty_deliveries_at_once(house):
    everybody = users(house, "race.test", 10, quota=6000)
    codes = []

    def one(user):
        codes.append(deliver(house, user, 900))

    threads = [threading.Thread(target=one, args=(everybody[number % 10],)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {0, 75}
    assert LIMIT - 1100 < sum_of(everybody) <= LIMIT
    wait_for("the count", 5, lambda: domainsize(house, "race.test") == sum_of(everybody))


def expunge(imap, numbers):
    imap.command(f"STORE {numbers} +FLAGS (\\Deleted)")
    assert imap.command("EXPUNGE")[0] == "OK", imap.text


def test_sessions_are_refused_by_it(house):
    """APPEND, COPY and a MOVE in from outside; what one session frees another one has at once. Neither user has a limit of his own."""
    ann, bob = users(house, "shared.test", 2)
    with logged_in(house, ann) as anns, logged_in(house, bob) as bobs:
        assert append(anns, "INBOX", 9000)[0] == append(bobs, "INBOX", 9000)[0] == "OK"
        assert domainsize(house, "shared.test") == sum_of([ann, bob])
        file = (house.mail_root / "shared.test/domainsize").stat().st_ino
        status, text = append(bobs, "INBOX", 5000)
        assert (status, text.startswith("NO [OVERQUOTA]")) == ("NO", True), text
        bobs.command("CREATE Other")
        bobs.command("SELECT INBOX")
        assert bobs.command("COPY 1 Other")[0] == "NO" and "[OVERQUOTA]" in bobs.text
        assert files(bob, "Other") == [] and bobs.command("MOVE 1 Other")[0] == "OK", bobs.text
        anns.command("SELECT INBOX")
        expunge(anns, 1)
        assert domainsize(house, "shared.test") == sum_of([bob]) and append(bobs, "INBOX", 5000)[0] == "OK"
        # Counted anew by a delivery in between, it is the same file for the sessions.
        (house.mail_root / "shared.test/domainsize").write_text(f"{LIMIT}S\n0 0\n7 1\n")
        assert deliver(house, ann, 1000) == 0
        assert domainsize(house, "shared.test") == sum_of([ann, bob])
        assert append(bobs, "INBOX", 6000)[0] == "NO" and append(anns, "INBOX", 4000)[0] == "OK", anns.text
        assert domainsize(house, "shared.test") == sum_of([ann, bob]) <= LIMIT
        assert (house.mail_root / "shared.test/domainsize").stat().st_ino == file
    with house.pop3() as pop3:
        assert pop3.login(ann.address, ann.password).startswith("+OK")
        assert pop3.command("DELE 1").startswith("+OK") and pop3.command("QUIT").startswith("+OK")
    assert domainsize(house, "shared.test") == sum_of([ann, bob])


def test_many_changes_of_a_session_leave_a_short_file(house):
    [ann] = users(house, "long.test", 1)
    with logged_in(house, ann) as imap:
        append(imap, "INBOX", 100)
        path = house.mail_root / "long.test/domainsize"
        with open(path, "ab") as file:
            file.write(b"10 0\n-10 0\n" * ((5100 - path.stat().st_size) // 11))
        for _ in range(5):
            assert append(imap, "INBOX", 100)[0] == "OK"
        assert domainsize(house, "long.test") == sum_of([ann]) and path.stat().st_size < 200


def test_deliveries_and_sessions_at_once(house):
    everybody = users(house, "both.test", 5)
    outcomes = []

    def upload(user):
        with logged_in(house, user) as imap:
            for _ in range(6):
                outcomes.append({"OK": 0, "NO": 75}[append(imap, "INBOX", 900)[0]])

    def receive(user):
        for _ in range(6):
            outcomes.append(deliver(house, user, 900))

    threads = [threading.Thread(target=work, args=(user,)) for work in (upload, receive) for user in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) == {0, 75}
    assert LIMIT - 1100 < sum_of(everybody) <= LIMIT
    assert domainsize(house, "both.test") == sum_of(everybody)


def test_a_file_that_is_held_or_gone_hinders_nobody(house):
    """A session that was taken over may keep the lock of the file that it holds; who comes then has a new one."""
    ann, bob = users(house, "held.test", 2)
    path = house.mail_root / "held.test/domainsize"
    with logged_in(house, ann) as imap:
        assert append(imap, "INBOX", 1000)[0] == "OK"
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            assert deliver(house, bob, 1000) == 0
        assert domainsize(house, "held.test") == sum_of([ann, bob])
        path.unlink()
        assert append(imap, "INBOX", 1000)[0] == "OK" and deliver(house, bob, 1000) == 0
        assert domainsize(house, "held.test") == sum_of([ann, bob])


def test_a_domain_without_a_limit_has_no_file(house):
    house.accounts.add_users(["ann@free.test"], house.password)
    user = Account(house, "ann@free.test", house.password)
    assert deliver(house, user, 1000) == 0
    assert not (house.mail_root / "free.test/domainsize").exists() and not (user.maildir / "maildirsize").exists()
