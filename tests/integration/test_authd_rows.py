"""What a password row says beside the hash: services that are switched off, networks, several passwords, another name; and
who may act for others. The tables are made up: any table fits."""
import pytest

from harness import MariaDB
from harness.authd import Authd, blob, fill
from harness.wait import wait_for

QUERY = ("SELECT secret AS password, nets AS allow_nets, no_imap AS disableimap, no_pop AS disablepop3, no_smtp AS disablesmtp, canonical AS user"
         " FROM account WHERE login = '%s'")


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        fill(server)
        server.sql("""CREATE TABLE account (login varchar(200), secret varchar(200), nets varchar(200), no_imap int, no_pop int, no_smtp int,
            canonical varchar(200));
            INSERT INTO account VALUES
                ('ann@example.test', '{PLAIN}one', '', 0, 0, 0, NULL),
                ('ann@example.test', '{PLAIN}phone', NULL, 0, 1, 0, NULL),
                ('noimap@example.test', '{PLAIN}x', '', 1, 0, 0, NULL),
                ('nosmtp@example.test', '{PLAIN}x', '', 0, 0, 1, NULL),
                ('nopop@example.test', '{PLAIN}x', '', 0, 1, 0, NULL),
                ('office@example.test', '{PLAIN}x', '198.51.100.0/24,2001:db8::/32', 0, 0, 0, NULL),
                ('wrong@example.test', '{PLAIN}x', '300.1.2.3', 0, 0, 0, NULL),
                ('nick', '{PLAIN}x', '', 0, 0, 0, 'Bob@example.test'),
                ('chief@example.test', '{PLAIN}boss', '', 0, 0, 0, NULL)""", "mail")
        yield server


@pytest.fixture(scope="module")
def authd(db):
    made = Authd(master_users="chief@example.test\nother@example.test")
    made.preset(db)
    path = made.settings / "passwords.cf"
    text = path.read_text()
    path.write_text(text[:text.index("query =")] + f"query = {QUERY}\n")
    with made as running:
        yield running


def login(authd, user, password, service="imap", client="192.0.2.1"):
    with authd.greeted(service, client) as peer:
        answer = peer.ask("password", "t", user, password)
        return answer[0] if answer[0] != "ok" else answer[2]


def test_each_row_is_a_password(authd):
    assert login(authd, "ann@example.test", "one") == login(authd, "ann@example.test", "phone") == "ann@example.test"
    assert login(authd, "ann@example.test", "two") == "no"


def test_a_row_counts_where_its_switches_let_it(authd):
    assert login(authd, "ann@example.test", "phone", "pop3") == "no"
    assert login(authd, "ann@example.test", "one", "pop3") == "ann@example.test"


def test_services_are_switched_off_for_one_user(authd):
    assert login(authd, "noimap@example.test", "x") == "no"
    assert "column disableimap" in authd.log()
    assert login(authd, "noimap@example.test", "x", "pop3") == "noimap@example.test"
    assert login(authd, "noimap@example.test", "x", "submission") == "noimap@example.test"
    assert login(authd, "nosmtp@example.test", "x", "submission") == login(authd, "nosmtp@example.test", "x", "smtp") == "no"
    assert login(authd, "nosmtp@example.test", "x") == "nosmtp@example.test"


@pytest.mark.parametrize("user, service", [("nosmtp", "esmtp"), ("nosmtp", "smtps"), ("nosmtp", "SMTP"), ("noimap", "IMAP"), ("noimap", "imaps"),
                                           ("nopop", "pop"), ("nopop", "pop3s")])
def test_a_service_is_switched_off_by_whatever_name_a_program_calls_it(authd, user, service):
    """Courier's esmtpd says esmtp, Cyrus's pop3d says pop; authproxy hands on what they say."""
    assert login(authd, f"{user}@example.test", "x", service) == "no"
    assert login(authd, f"{user}@example.test", "x", "webmail") == f"{user}@example.test"


def test_the_tool_tells_the_likely_mistake(authd):
    ask = lambda user, service: authd.tool("authtest", "--stdin", user, service, input="x\n", check=False)  # noqa: E731
    result = ask("noimap@example.test", "imap")
    assert result.returncode == 1 and "likely mistake: the service is switched off for this user (column disableimap)" in result.stdout
    result = ask("noimap", "imap")
    assert result.returncode == 1 and "likely mistake: the login has no domain: log in with the full address, or set default_domain" in result.stdout
    result = ask("nick", "imap")
    assert "the row logs in as: bob@example.test" in result.stdout and "{PLAIN}" in result.stdout
    assert "{PLAIN}x" not in result.stdout


def test_networks(authd):
    assert login(authd, "office@example.test", "x", client="198.51.100.200") == "office@example.test"
    assert login(authd, "office@example.test", "x", client="2001:db8:5::1") == "office@example.test"
    assert login(authd, "office@example.test", "x", client="192.0.2.1") == "no"
    assert "column allow_nets" in authd.log()


def test_a_list_of_networks_that_is_none_is_trouble_and_no_wrong_password(authd):
    assert login(authd, "wrong@example.test", "x") == "later"
    assert "allow-nets-wrong entry=300.1.2.3" in authd.log()


def test_the_row_names_the_user(authd):
    assert login(authd, "nick", "x") == "bob@example.test"
    assert login(authd, "nick", "y") == "no"


def test_a_master_user_acts_for_another(authd):
    with authd.greeted() as peer:
        answer = peer.ask("auth", "1", "PLAIN", blob("bob@example.test", "chief@example.test", "boss"))
        assert answer[0] == "ok" and answer[2] == "bob@example.test"
        assert peer.ask("auth", "2", "PLAIN", blob("bob@example.test", "chief@example.test", "wrong"))[0] == "no"
        assert peer.ask("auth", "3", "PLAIN", blob("bob@example.test", "ann@example.test", "one"))[0] == "no"
        assert peer.ask("auth", "4", "PLAIN", blob("ANN@example.test", "ann@example.test", "one"))[0] == "ok"
    assert "master=chief@example.test" in authd.log() and "may not act for another user" in authd.log()


def test_a_right_password_needs_no_hash_again_and_no_other_does(db):
    """The memory of verified passwords: faster, and gone with the row."""
    made = Authd(hash_workers="1")
    made.preset(db)
    with made as authd:
        assert authd.login("ann@example.test", "secret words") == "ok"
        db.sql("UPDATE mailbox SET password = CONCAT('{SHA512-CRYPT}', password) WHERE username = 'ann@example.test'", "mail")
        assert authd.login("ann@example.test", "secret words") == "ok"
        db.sql("UPDATE mailbox SET active = 0 WHERE username = 'ann@example.test'", "mail")
        assert authd.login("ann@example.test", "secret words") == "no"
        db.sql("UPDATE mailbox SET active = 1, password = '{PLAIN}new' WHERE username = 'ann@example.test'", "mail")
        assert authd.login("ann@example.test", "secret words") == "no"
        assert authd.login("ann@example.test", "new") == "ok"


def test_grants_and_what_is_reached_through_aliases(db):
    db.sql("""CREATE TABLE IF NOT EXISTS grants (address varchar(200), login varchar(200));
        INSERT INTO grants VALUES ('news@example.test', 'bob@example.test'), ('news@example.test', 'ann@example.test'), ('@far.test', 'bob@example.test');
        INSERT IGNORE INTO alias (address, goto, domain) VALUES ('team@example.test', 'inner@example.test', 'example.test'),
            ('inner@example.test', 'team@example.test,ann+box@example.test', 'example.test')""", "mail")
    made = Authd(sql_senders="senders.cf")
    made.preset(db)
    head = (made.settings / "passwords.cf").read_text().split("query =")[0]
    made.set("senders.cf", head + "query = SELECT login FROM grants WHERE address = '%s'")
    made.set("sql_senders", "senders.cf")
    with made as authd:
        may = lambda who, address: authd.lookup("sender", who, address)[0]  # noqa: E731
        assert may("ann@example.test", "news@example.test") == may("bob@example.test", "news@example.test") == "ok"
        assert may("bob@example.test", "any@far.test") == "ok"
        assert may("ann@example.test", "any@far.test") == "no"
        wait_for("SQL's answers of before to be gone", 3, lambda: may("ann@example.test", "team@example.test") == "ok")
        assert may("bob@example.test", "team@example.test") == "no"
