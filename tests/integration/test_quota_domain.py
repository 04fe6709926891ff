"""What the mailboxes of a domain may hold together (PostfixAdmin's domain.quota), beside or without limits of their own: counted in the file
domainsize of the domain's directory, told to authd, kept over restarts."""
import threading

import pytest

from harness import Account, MariaDB, PostfixAdmin, Suite, wait_for
from harness.accounts import DATABASE

from test_quota import append, files, held, logged_in, message, wait_rcpt

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
    return sum(held(*files(user))[0] for user in everybody if user.maildir.exists())


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


def test_rcpt_hears_of_it_and_of_what_is_deleted_over_a_restart(house):
    ann, bob = users(house, "full.test", 2)
    (house.settings / "quota_grace").write_text("5000\n")
    try:
        for user in (ann, bob, ann):
            assert deliver(house, user, 7500) == 0
    finally:
        (house.settings / "quota_grace").write_text("0\n")
    for user in (ann, bob):
        wait_rcpt(house, user, 452)
    house.restart("authd")
    # Which tells it again, when authd's database is there.
    wait_for("a refusal for the quota", 20, lambda: "over-quota" in house.tool("deliver", "-d", bob.address, input="x\n", check=False).stderr)
    for user in (ann, bob):
        wait_rcpt(house, user, 452)
    with logged_in(house, ann) as imap:
        imap.command("SELECT INBOX")
        imap.command(r"STORE 1 +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
        # authd had not been told of ann since it began; deliver counts anew when there has seemed to be no room for some seconds.
        wait_for("room", 20, lambda: deliver(house, bob, 100) == 0)
        for user in (ann, bob):
            wait_rcpt(house, user, 250)
        # Now it has, and a session's word changes the sum.
        assert append(imap, "INBOX", 9000)[0] == "OK"
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


def test_a_domain_without_a_limit_has_no_file(house):
    house.accounts.add_users(["ann@free.test"], house.password)
    user = Account(house, "ann@free.test", house.password)
    assert deliver(house, user, 1000) == 0
    assert not (house.mail_root / "free.test/domainsize").exists() and not (user.maildir / "maildirsize").exists()
