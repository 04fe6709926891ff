"""The ways of a message through the whole suite with embedded users: in, refused, out."""
import pytest

from harness import Sink


@pytest.fixture
def sink(suite):
    """Another host: mail for any domain that is not ours goes there."""
    with Sink() as running:
        suite.set("relay_host", f"[127.0.0.1]:{running.port}")
        suite.restart("queued")
        yield running
        suite.set("relay_host", None)
        suite.restart("queued")


def text(subject):
    return f"From: a@elsewhere.test\nTo: b@example.test\nSubject: {subject}\n\nhello\n.a dot\n..two\n"


def test_to_a_mailbox(suite):
    user = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [user.address], text("one"))
    [message] = user.wait(1)
    assert message.startswith(b"Return-Path: <stranger@elsewhere.test>\n")
    assert f"\nDelivered-To: {user.address}\n".encode() in message
    assert message.endswith(b"\nSubject: one\n\nhello\n.a dot\n..two\n")


def test_to_an_alias_with_two_targets(suite):
    first, second = suite.user(), suite.user()
    suite.alias("both@example.test", [first.address, second.address])
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", ["both@example.test"], text("two"))
    for user in (first, second):
        [message] = user.wait(1)
        assert message.endswith(b"Subject: two\n\nhello\n.a dot\n..two\n")


def test_to_an_unknown_user_is_refused_at_rcpt(suite):
    suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("MAIL FROM:<stranger@elsewhere.test>")[0] == 250
        code, lines = smtp.command("RCPT TO:<nobody-here@example.test>")
        assert code == 550 and lines[0].startswith("5.1.1 "), (code, lines)


def test_from_a_stranger_to_a_stranger_is_refused(suite):
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("MAIL FROM:<stranger@elsewhere.test>")[0] == 250
        code, lines = smtp.command("RCPT TO:<other@far.test>")
        assert code in (550, 554) and lines[0].startswith("5.7.1 "), (code, lines)


def test_to_another_host_by_a_logged_in_user(suite, sink):
    user = suite.user()
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        assert smtp.login(user.address, user.password)[0] == 235
        smtp.message(user.address, ["other@far.test"], text("outward"))
    [message] = sink.wait(1)
    assert message.sender == user.address and message.recipients == ["other@far.test"]
    assert b"Subject: outward\r\n" in message.data and b"\r\n\r\nhello\r\n.a dot\r\n..two\r\n" in message.data
    assert message.data.count(b"\r\n") == message.data.count(b"\n")


def test_without_login_submission_takes_nothing(suite):
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        code, lines = smtp.command("MAIL FROM:<stranger@elsewhere.test>")
        assert code == 530, (code, lines)


def test_the_whole_way_and_back_by_imap_and_pop3(suite):
    sender, receiver = suite.user(), suite.user()
    with suite.smtp("smtps") as smtp:
        smtp.ehlo()
        assert smtp.login(sender.address, sender.password)[0] == 235
        smtp.message(sender.address, [receiver.address], text("round trip"))
    receiver.wait(1)
    with suite.imap("imaps") as imap:
        assert imap.login(receiver.address, receiver.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        _, untagged = imap.command("FETCH 1 BODY.PEEK[]")
        whole = b"".join(untagged)
        assert b"Subject: round trip\r\n" in whole and b"\r\n\r\nhello\r\n.a dot\r\n..two\r\n" in whole
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(receiver.address, receiver.password).startswith("+OK")
        _, lines = pop3.many("RETR 1")
        assert lines[-3:] == ["hello", ".a dot", "..two"]


def test_a_wrong_password_is_refused_everywhere(suite):
    user = suite.user()
    with suite.smtp("smtps") as smtp:
        smtp.ehlo()
        assert smtp.login(user.address, "wrong")[0] == 535
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, "wrong")[0] == "NO"
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(user.address, "wrong").startswith("-ERR")


def test_a_program_without_a_needed_setting_says_which(suite):
    """A setting that does not fit: the program names the file, what is wrong, and what to write there."""
    suite.set("one_identity", "perhaps")
    try:
        result = suite.tool("authd", check=False)
    finally:
        suite.set("one_identity", None)
    assert result.returncode == 100
    assert str(suite.settings / "one_identity") in result.stderr and "hint=" in result.stderr
