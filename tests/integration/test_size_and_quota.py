"""What a user may receive, end to end: the size of a message (setting sql_message_sizes), and what his mailbox and his domain hold,
from PostfixAdmin's tables in a MariaDB or told by the programs that write Maildirs. Programs may tell and ask what is theirs alone."""
import pytest

from harness import MariaDB, Peer, PostfixAdmin, Suite, as_user, wait_for
from harness.accounts import DATABASE

pytestmark = pytest.mark.long

STRANGER = "stranger@elsewhere.test"
TABLES = {
    "sql_message_sizes": "SELECT bytes FROM message_size WHERE username='%s'",
    "sql_used": "SELECT bytes FROM quota2 WHERE username='%s'",
    "sql_domain_quotas": "SELECT quota FROM domain WHERE domain='%s' AND quota > 0",
    "sql_domain_used": "SELECT SUM(bytes) FROM quota2 WHERE username LIKE '%%@%s'",
}
FULL = (452, ["4.2.2 Mailbox full"])
ACCEPTED = (250, ["2.1.5 Ok"])


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="module")
def house(db):
    made = Suite("quota")
    made.accounts = PostfixAdmin(made, db)
    db.sql("CREATE TABLE message_size (username VARCHAR(255) PRIMARY KEY, bytes BIGINT)", DATABASE)
    for setting, query in TABLES.items():
        (made.accounts.files / f"{setting}.cf").write_text(
            f"hosts = unix:{db.socket}\nuser = {db.user}\npassword = {db.password}\ndbname = {DATABASE}\nquery = {query}\n")
        made.set(setting, made.accounts.files / f"{setting}.cf")
    with made as suite:
        yield suite
        assert not suite.findings()


@pytest.fixture
def smtp(house):
    with house.smtp() as session:
        session.ehlo()
        yield session


def add(house, domain="example.test", quota=0):
    address = f"user{next(house.numbers)}@{domain}"
    house.accounts.add_user(address, house.password, quota)
    return address


def begin(smtp, size=None):
    smtp.command("RSET")
    assert smtp.command(f"MAIL FROM:<{STRANGER}>" + (f" SIZE={size}" if size else ""))[0] == 250


def rcpt(smtp, address):
    return smtp.command(f"RCPT TO:<{address}>")


def asked_alone(smtp, address):
    begin(smtp)
    return rcpt(smtp, address)


# --- the size of a message -------------------------------------------------------------------


@pytest.fixture
def small(house, db):
    address = add(house)
    db.sql(f"INSERT INTO message_size VALUES ('{address}', 5000)", DATABASE)
    return address


def test_a_declared_size_above_the_users_limit_is_refused_at_rcpt(house, smtp, small):
    begin(smtp, 5001)
    assert rcpt(smtp, small) == (552, ["5.3.4 The message is larger than this recipient's limit"])
    # Another recipient of the same message takes it.
    other = house.user()
    assert rcpt(smtp, other.address) == ACCEPTED
    assert smtp.data("Subject: large\n\n" + "x" * 70 + "\n" * 4950)[0] == 250
    other.wait(1)
    begin(smtp, 5000)
    assert rcpt(smtp, small) == ACCEPTED


@pytest.mark.parametrize("lines,code", [(60, 250), (90, 552)])
def test_an_undeclared_size_is_measured_in_data(house, smtp, small, lines, code):
    begin(smtp)
    assert rcpt(smtp, small) == ACCEPTED
    answer = smtp.data("Subject: some\n\n" + ("x" * 68 + "\n") * lines)
    assert answer[0] == code and (code == 250 or answer[1][0].startswith("5.3.4")), answer


def test_no_row_is_no_limit(house, smtp):
    begin(smtp, 9000000)
    assert rcpt(smtp, add(house)) == ACCEPTED


# --- the quota -------------------------------------------------------------------------------


def test_over_quota_by_a_table(house, db, smtp):
    address = add(house, quota=10000)
    for used, answer in ((9999, ACCEPTED), (10000, FULL), (20000, FULL)):
        db.sql(f"REPLACE INTO quota2 (username, bytes) VALUES ('{address}', {used})", DATABASE)
        wait_for(f"{used} bytes to count", 5, lambda: asked_alone(smtp, address) == answer)
    db.sql(f"UPDATE quota2 SET bytes = 100 WHERE username = '{address}'", DATABASE)
    wait_for("room to count", 5, lambda: asked_alone(smtp, address) == ACCEPTED)


def test_over_the_domains_quota(house, db, smtp):
    house.accounts.add_domain("shared.test", quota=10000)
    first, second = add(house, "shared.test"), add(house, "shared.test")
    assert asked_alone(smtp, first) == ACCEPTED
    db.sql(f"REPLACE INTO quota2 (username, bytes) VALUES ('{first}', 6000), ('{second}', 6000)", DATABASE)
    for address in (first, second):
        wait_for("the sum to count", 5, lambda: asked_alone(smtp, address) == FULL)


def tell(house, *fields):
    with Peer(house, "authd/lookup") as peer:
        return peer.ask(*fields)


def test_over_quota_as_told_by_the_programs_that_write(house, smtp):
    address = add(house, quota=10000)
    assert asked_alone(smtp, address) == ACCEPTED
    assert as_user("vmail", lambda: tell(house, "usage", "t", address, 10000, 3)) == "['ok', 't']"
    assert asked_alone(smtp, address) == FULL
    assert as_user("vmail", lambda: tell(house, "usage", "t", address, 10, 1)) == "['ok', 't']"
    assert asked_alone(smtp, address) == ACCEPTED


@pytest.mark.parametrize("settings, answer", [
    ({"over_quota_code": "552"}, (552, ["5.2.2 Mailbox full"])),
    ({"over_quota_text": "Sorry, the user's maildir has exceeded the quota."},
     (452, ["4.2.2 Sorry, the user's maildir has exceeded the quota."])),
])
def test_over_quota_is_told_as_the_administrator_says(house, settings, answer):
    address = add(house, quota=10000)
    as_user("vmail", lambda: tell(house, "usage", "t", address, 10000, 3))
    for name, value in settings.items():
        house.set(name, value)
    try:
        with house.smtp() as smtp:
            smtp.ehlo()
            assert asked_alone(smtp, address) == answer
    finally:
        for name in settings:
            house.set(name, None)


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("user,question", [
    ("postern-smtpd", ("usage", "t", "ann@example.test", 1, 1)), ("postern-queue", ("usage", "t", "ann@example.test", 1, 1)),
    ("vmail", ("outgoing", "t", "ann@example.test", 1)), ("postern-authproxy", ("outgoing", "t", "ann@example.test", 1)),
    ("postern-smtpd", ("explain", "t", "rcpt", "ann@example.test")), ("vmail", ("flush", "t")), ("postern-smtpd", ("flush", "t")),
    ("postern-authproxy", ("counters", "t")),
])
def test_what_is_not_ones_own_to_say_ends_the_conversation(house, user, question):
    assert as_user(user, lambda: tell(house, *question)) == "None"


@pytest.mark.parametrize("user,question", [
    ("postern-smtpd", ("outgoing", "t", "ann@example.test", 1)), ("root", ("explain", "t", "rcpt", "ann@example.test")),
    ("root", ("flush", "t")), ("root", ("counters", "t")),
])
def test_what_is_ones_own_is_answered(house, user, question):
    assert as_user(user, lambda: tell(house, *question)).startswith(("['ok'", "['story'"))
