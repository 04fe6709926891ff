"""The ways of a message with accounts in a real MariaDB: deployment A's tables and query files as they are."""
import pytest

from harness import MariaDB, PostfixAdmin, Sink, Suite, wait_for


def text(subject):
    return f"From: a@elsewhere.test\nTo: b@example.test\nSubject: {subject}\n\nhello\n.a dot\n..two\n"


def send(suite, recipients, subject, sender="stranger@elsewhere.test"):
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(sender, recipients, text(subject))


def answer_to_rcpt(suite, recipient):
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("MAIL FROM:<stranger@elsewhere.test>")[0] == 250
        code, lines = smtp.command(f"RCPT TO:<{recipient}>")
        return code, lines[0].split(" ")[0]


def test_to_a_mailbox(mariadb_suite):
    user = mariadb_suite.user()
    send(mariadb_suite, [user.address], "one")
    [message] = user.wait(1)
    assert message.endswith(b"\nSubject: one\n\nhello\n.a dot\n..two\n")


def test_to_an_alias_with_two_targets(mariadb_suite):
    first, second = mariadb_suite.user(), mariadb_suite.user()
    mariadb_suite.alias("both@example.test", [first.address, second.address])
    send(mariadb_suite, ["both@example.test"], "two")
    for user in (first, second):
        [message] = user.wait(1)
        assert message.endswith(b"Subject: two\n\nhello\n.a dot\n..two\n")


def test_to_an_alias_of_its_own_mailbox_and_another(mariadb_suite):
    """What PostfixAdmin writes for a mailbox that keeps a copy and forwards."""
    first, second = mariadb_suite.user(), mariadb_suite.user()
    mariadb_suite.alias(first.address, [first.address, second.address])
    send(mariadb_suite, [first.address], "copy")
    first.wait(1), second.wait(1)


def test_to_a_domain_that_is_an_alias(mariadb_suite):
    user = mariadb_suite.user()
    mariadb_suite.accounts.add_domain("other-name.test")
    mariadb_suite.accounts.database.sql("INSERT IGNORE INTO alias_domain (alias_domain, target_domain) VALUES "
                                        "('other-name.test', 'example.test')", "postfix")
    send(mariadb_suite, [user.address.replace("example.test", "other-name.test")], "by the other name")
    user.wait(1)


def test_to_an_alias_in_a_relay_domain_that_names_itself_too(mariadb_suite):
    user = mariadb_suite.user()
    with Sink() as sink:
        mariadb_suite.accounts.database.sql("INSERT INTO domain (domain, backupmx, transport) VALUES "
                                            f"('relayed.test', 1, 'smtp:[127.0.0.1]:{sink.port}')", "postfix")
        mariadb_suite.alias("boss@relayed.test", ["boss@relayed.test", user.address])
        send(mariadb_suite, ["boss@relayed.test"], "to both")
        user.wait(1)
        wait_for("the relay domain's host to have it", 20, lambda: [m.recipients for m in sink.messages] == [["boss@relayed.test"]])


def test_to_an_unknown_user_is_refused_at_rcpt(mariadb_suite):
    assert answer_to_rcpt(mariadb_suite, "nobody-here@example.test") == (550, "5.1.1")


def test_to_an_inactive_user_is_refused_at_rcpt(mariadb_suite):
    user = mariadb_suite.user()
    mariadb_suite.accounts.database.sql(f"UPDATE mailbox SET active=0 WHERE username='{user.address}'; "
                                        f"UPDATE alias SET active=0 WHERE address='{user.address}'", "postfix")
    assert answer_to_rcpt(mariadb_suite, user.address) == (550, "5.1.1")


def test_from_a_stranger_to_a_stranger_is_refused(mariadb_suite):
    code, status = answer_to_rcpt(mariadb_suite, "other@far.test")
    assert code in (550, 554) and status == "5.7.1"


def test_to_another_host_by_a_logged_in_user(mariadb_suite):
    user = mariadb_suite.user()
    with Sink() as sink:
        mariadb_suite.set("relay_host", f"[127.0.0.1]:{sink.port}")
        mariadb_suite.restart("queued")
        try:
            with mariadb_suite.smtp("submission") as smtp:
                smtp.ehlo()
                smtp.starttls()
                assert smtp.login(user.address, user.password)[0] == 235
                smtp.message(user.address, ["other@far.test"], text("outward"))
            [message] = sink.wait(1)
        finally:
            mariadb_suite.set("relay_host", None)
            mariadb_suite.restart("queued")
    assert message.sender == user.address and message.recipients == ["other@far.test"]


def test_read_by_imap_and_pop3(mariadb_suite):
    user = mariadb_suite.user()
    send(mariadb_suite, [user.address], "read")
    user.wait(1)
    with mariadb_suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        assert b"Subject: read" in b"".join(imap.command("FETCH 1 BODY[]")[1])
    with mariadb_suite.pop3("pop3s") as pop3:
        assert pop3.login(user.address, user.password).startswith("+OK")
        assert "Subject: read" in pop3.many("RETR 1")[1]


def test_a_wrong_password_and_an_unknown_user_are_refused_alike(mariadb_suite):
    user = mariadb_suite.user()
    answers = []
    for address in (user.address, "nobody-here@example.test"):
        with mariadb_suite.smtp("smtps") as smtp:
            smtp.ehlo()
            answers.append(smtp.login(address, "wrong"))
    assert answers[0] == answers[1] and answers[0][0] == 535


def test_the_query_files_from_before_postfix_2_2():
    """The same tables asked by files in the old form."""
    with MariaDB() as database:
        suite = Suite("mariadb-old")
        suite.accounts = PostfixAdmin(suite, database, old=True)
        with suite:
            first, second = suite.user(), suite.user()
            suite.alias("both@example.test", [first.address, second.address])
            send(suite, ["both@example.test"], "old form")
            first.wait(1), second.wait(1)
            assert answer_to_rcpt(suite, "nobody-here@example.test") == (550, "5.1.1")
            with suite.imap("imaps") as imap:
                assert imap.login(first.address, first.password)[0] == "OK"


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_without_the_database_nothing_is_refused_for_good(how):
    """The database stops answering: 4xx at RCPT and a login that may be tried later, never 5xx; all is well when it is back."""
    with MariaDB() as database:
        suite = Suite("mariadb-gone")
        suite.accounts = PostfixAdmin(suite, database)
        with suite:
            user = suite.user()
            send(suite, [user.address], "before")
            user.wait(1)
            getattr(database, how)()
            try:
                assert 400 <= answer_to_rcpt(suite, "never-seen@example.test")[0] < 500
            finally:
                database.thaw() if how == "freeze" else database.start()
            send_until_taken(suite, user)
            user.wait(2, seconds=40)


def send_until_taken(suite, user):
    def attempt():
        return answer_to_rcpt(suite, user.address)[0] == 250
    wait_for("the database's return to be noticed", 40, attempt)
    send(suite, [user.address], "after")
