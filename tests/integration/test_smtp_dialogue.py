"""What postern-smtpd answers: the commands, their order, their syntax, the limits, pipelining."""
import contextlib

import pytest

from harness import wait_for

STRANGER = "stranger@elsewhere.test"
MESSAGE = b"Subject: x\r\n\r\nhello\r\n.\r\n"


@contextlib.contextmanager
def settings(suite, **values):
    """Other settings for the connections made within."""
    for name, value in values.items():
        suite.set(name, value)
    try:
        yield
    finally:
        for name in values:
            suite.set(name, None)


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture
def smtp(suite):
    with suite.smtp() as dialogue:
        yield dialogue


def says(answer, code, status=None):
    assert answer[0] == code and (status is None or answer[1][-1].startswith(status + " ")), answer


def arrived(user, part):
    """Waits for the message of this user that holds the bytes."""
    return wait_for(f"a message with {part}", 20, lambda: next((data for data in user.messages() if part in data), None))


def test_greeting_names_the_host(smtp):
    assert smtp.greeting == (220, ["mail.example.test ESMTP Postern"])


def test_ehlo_lists_what_there_is(smtp):
    assert smtp.ehlo() == [
        "PIPELINING", "SIZE 10240000", "VRFY", "ETRN", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8",
        "CHUNKING", "LIMITS RCPTMAX=1000"]
    code, lines = smtp.command("HELO client.test")
    assert (code, lines) == (250, ["mail.example.test"])


def test_ehlo_without_starttls(suite):
    with settings(suite, starttls="no"), suite.smtp() as smtp:
        assert "STARTTLS" not in smtp.ehlo()
        says(smtp.command("STARTTLS"), 503, "5.5.1")


@pytest.mark.parametrize("line, code, status", [
    ("MAIL FROM:<a@b.test>", 503, "5.5.1"), ("RCPT TO:<a@b.test>", 503, "5.5.1"), ("DATA", 503, "5.5.1"),
    ("STARTTLS", 503, "5.5.1"), ("AUTH PLAIN", 503, "5.5.1"), ("RSET", 250, "2.0.0"), ("NOOP", 250, "2.0.0"),
    ("NOOP with words", 250, "2.0.0"), ("HELP", 214, "2.0.0"), ("HELP MAIL", 214, "2.0.0"), ("VRFY anna", 252, "2.0.0"),
    ("VRFY", 501, "5.5.4"), ("EXPN list", 502, "5.5.1"), ("QUIT now", 501, "5.5.4"), ("RSET all", 501, "5.5.4"),
    ("EHLO", 501, "5.5.4"), ("HELO", 501, "5.5.4"), ("EHLO two words", 501, "5.5.4"), ("EHLO " + "x" * 256, 501, "5.5.4"),
    ("", 500, "5.5.1"), ("XYZZY", 500, "5.5.1"), ("MAILFROM:<a@b>", 500, "5.5.1"), ("QUIT", 221, "2.0.0"),
])
def test_before_ehlo(smtp, line, code, status):
    says(smtp.command(line), code, status)


@pytest.mark.parametrize("line, code, status", [
    ("RCPT TO:<a@b.test>", 503, "5.5.1"), ("DATA", 503, "5.5.1"), ("AUTH PLAIN", 503, "5.5.1"),
    ("MAIL", 501, "5.5.4"), ("MAIL a@b.test", 501, "5.5.4"), ("MAIL TO:<a@b.test>", 501, "5.5.4"),
    ("MAIL FROM:", 501, "5.1.7"), ("MAIL FROM:<>", 250, "2.1.0"), ("MAIL FROM: <a@b.test>", 250, "2.1.0"),
    ("mail from:<a@b.test>", 250, "2.1.0"), ("MAIL FROM:<@x.test,@y.test:a@b.test>", 250, "2.1.0"),
    ("MAIL FROM:<\"a b\"@b.test>", 250, "2.1.0"), ("MAIL FROM:<a@[192.0.2.1]>", 250, "2.1.0"),
    ("MAIL FROM:<a@b.test", 501, "5.1.7"), ("MAIL FROM:<a b@c.test>", 501, "5.1.7"), ("MAIL FROM:<a@@b>", 501, "5.1.7"),
    ("MAIL FROM:<a@b.test>x", 501, None), ("MAIL FROM:<" + "a" * 300 + "@b.test>", 501, "5.1.7"),
    ("MAIL FROM:<a@b.test> SIZE=1000", 250, "2.1.0"), ("MAIL FROM:<a@b.test> size=1000 body=7bit", 250, "2.1.0"),
    ("MAIL FROM:<a@b.test> AUTH=<>", 250, "2.1.0"), ("MAIL FROM:<a@b.test> AUTH=a+40b.test", 250, "2.1.0"),
    ("MAIL FROM:<a@b.test> SIZE=10240001", 552, "5.3.4"), ("MAIL FROM:<a@b.test> SIZE=99999999999999999999", 552, "5.3.4"),
    ("MAIL FROM:<a@b.test> SIZE=-1", 501, "5.5.4"), ("MAIL FROM:<a@b.test> SIZE", 501, "5.5.4"),
    ("MAIL FROM:<a@b.test> SIZE=1 SIZE=1", 501, "5.5.4"), ("MAIL FROM:<a@b.test> BODY=BINARYMIME", 501, "5.5.4"),
    ("MAIL FROM:<a@b.test> XYZZY", 555, "5.5.4"), ("MAIL FROM:<a@b.test> =", 501, "5.5.4"),
])
def test_after_ehlo(smtp, line, code, status):
    smtp.ehlo()
    says(smtp.command(line), code, status)


@pytest.mark.parametrize("line, code, status", [
    ("RCPT", 501, "5.5.4"), ("RCPT FROM:<a@example.test>", 501, "5.5.4"), ("RCPT TO:<>", 501, "5.1.3"),
    ("RCPT TO:<@example.test>", 501, "5.1.3"), ("RCPT TO:<a>", 501, "5.1.3"),
    ("RCPT TO:<{user}> XYZZY=NEVER", 555, "5.5.4"), ("RCPT TO:<{user}>", 250, "2.1.5"), ("rcpt to: {user}", 250, "2.1.5"),
    ("RCPT TO:<@far.test:{user}>", 250, "2.1.5"), ("DATA", 554, "5.5.1"), ("DATA x", 501, "5.5.4"),
    ("MAIL FROM:<>", 503, "5.5.1"), ("STARTTLS", 503, "5.5.1"), ("RSET", 250, "2.0.0"), ("EHLO again", 250, None),
])
def test_within_a_transaction(smtp, user, line, code, status):
    smtp.ehlo()
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    says(smtp.command(line.format(user=user.address)), code, status)


def test_rset_and_ehlo_forget_the_transaction(smtp, user):
    smtp.ehlo()
    for forget in ("RSET", "EHLO again", "HELO again"):
        says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        says(smtp.command(forget), 250)
        says(smtp.command("DATA"), 503, "5.5.1")


def test_postmaster_without_a_domain(suite, smtp, user):
    smtp.ehlo()
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    suite.alias("postmaster@mail.example.test", [user.address])
    says(smtp.command("RCPT TO:<PostMaster>"), 250, "2.1.5")


def test_data_answers_with_the_queue_id(suite, smtp, user):
    smtp.ehlo()
    text = smtp.message(STRANGER, [user.address], "Subject: id\n\nx\n")
    assert text.startswith("2.0.0 Ok: queued as ")
    queue = text.split()[-1]
    line = suite.wait_log("smtpd", rf"accepted .*queue={queue}.*").group()
    for part in (f"from={STRANGER}", f"to={user.address}", "recipients=1", "client=127.0.0.1", "protocol=ESMTP", "ms="):
        assert part in line
    message = arrived(user, b"Subject: id")
    received = message.split(b"Received: ")[1].split(b"\nSubject")[0].decode()
    assert received.startswith("from client.test (") and "[127.0.0.1])" in received
    assert f"by mail.example.test (Postern) with ESMTP id {queue}\n\tfor <{user.address}>;\n\t" in received


def test_pipelining_answers_all_in_order(smtp, user):
    smtp.send(f"EHLO a\r\nMAIL FROM:<{STRANGER}>\r\nRCPT TO:<no-such@example.test>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n")
    assert [smtp.reply()[0] for _ in range(5)] == [250, 250, 550, 250, 354]
    smtp.send(MESSAGE + b"MAIL FROM:<>\r\nRSET\r\nQUIT\r\nNOOP\r\n")
    assert [smtp.reply()[0] for _ in range(4)] == [250, 250, 250, 221]
    assert smtp.rest() == b""


def test_each_pipelined_recipient_gets_its_own_answer(smtp, user):
    """They are asked of authd together; what the lines between them say counts all the same."""
    smtp.ehlo()
    known, unknown = f"RCPT TO:<{user.address}>", "RCPT TO:<no-such@example.test>"
    lines = [f"MAIL FROM:<{STRANGER}>", unknown, known, f"{known} NONSENSE=1", known.lower(), "RCPT TO:<no domain@>", unknown, "NOOP",
             known, "RCPT TO:<any@far.test>", unknown, "RSET", known, f"MAIL FROM:<{STRANGER}>"] + [known] * 40 + [known, unknown] * 12 + ["RSET"]
    smtp.send("".join(line + "\r\n" for line in lines))
    codes = [smtp.reply()[0] for _ in lines]
    assert codes == [250, 550, 250, 555, 250, 501, 550, 250, 250, 550, 550, 250, 503, 250] + [250] * 40 + [250, 550] * 12 + [250]


def test_commands_in_single_bytes(smtp, user):
    for byte in f"EHLO a\r\nMAIL FROM:<{STRANGER}>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n".encode() + MESSAGE:
        smtp.send(bytes([byte]))
    assert [smtp.reply()[0] for _ in range(5)] == [250, 250, 250, 354, 250]


def test_a_hundred_messages_on_one_connection(smtp, suite):
    user = suite.user()
    smtp.ehlo()
    for number in range(100):
        smtp.message(STRANGER, [user.address], f"Subject: {number}\n\nx\n")
    assert len(user.wait(100)) == 100


def test_an_empty_message_is_a_message(smtp, user):
    smtp.send(f"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n.\r\n")
    assert [smtp.reply()[0] for _ in range(5)] == [250, 250, 250, 354, 250]


def test_a_message_over_the_size_limit(suite, user):
    with settings(suite, message_size="65536"), suite.smtp() as smtp:
        assert "SIZE 65536" in smtp.ehlo()
        smtp.command(f"MAIL FROM:<{STRANGER}>")
        smtp.command(f"RCPT TO:<{user.address}>")
        smtp.command("DATA")
        smtp.send(b"x" * 70 + b"\r\n" + b"y" * 200000 + b"\r\n.\r\n")
        says(smtp.reply(), 552, "5.3.4")
        smtp.message(STRANGER, [user.address], "Subject: a small one\n\nx\n")


def test_recipients_limit(suite, user):
    with settings(suite, recipients_limit="100"), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        assert {smtp.command(f"RCPT TO:<{user.address}>")[0] for _ in range(100)} == {250}
        says(smtp.command(f"RCPT TO:<{user.address}>"), 452, "4.5.3")
        says(smtp.command("RSET"), 250)


def test_error_limit_closes(suite):
    with settings(suite, error_limit="5"), suite.smtp() as smtp:
        for _ in range(5):
            says(smtp.command("XYZZY"), 500)
        says(smtp.reply(), 421, "4.7.0")
        assert smtp.rest() == b""


def test_commands_limit_closes(suite):
    with settings(suite, commands_limit="7"), suite.smtp() as smtp:
        for _ in range(7):
            says(smtp.command("NOOP"), 250)
        says(smtp.reply(), 421, "4.7.0")
        assert smtp.rest() == b""


def test_timeout_closes(suite):
    with settings(suite, timeout="1"), suite.smtp() as smtp:
        says(smtp.reply(), 421, "4.4.2")
        assert smtp.rest() == b""
    with settings(suite, timeout="1"), suite.smtp() as smtp:
        smtp.send("EHLO half a comm")
        says(smtp.reply(), 421, "4.4.2")


def test_a_message_that_goes_in_circles(smtp, user):
    smtp.ehlo()
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    smtp.command(f"RCPT TO:<{user.address}>")
    says(smtp.data("Received: from a by b\n" * 101 + "\nx\n"), 554, "5.4.6")
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    smtp.command(f"RCPT TO:<{user.address}>")
    says(smtp.data("Received: from a by b\n" * 90 + "\n" + "Received: in the body\n" * 100), 250)


def test_many_recipients_are_not_told_of_each_other(suite, smtp):
    first, second = suite.user(), suite.user()
    smtp.ehlo()
    smtp.message(STRANGER, [first.address, second.address], "Subject: both\n\nx\n")
    for one, other in ((first, second), (second, first)):
        assert other.address.encode() not in one.wait(1)[0]


def test_wrong_settings_are_told_as_temporary(suite):
    for name, value in (("timeout", "soon"), ("permitted_networks", "0.0.0.0/0"), ("permitted_networks", "10.0.0.1/8")):
        before = "192.0.2.0/24" if name == "permitted_networks" else None
        suite.set(name, value)
        try:
            with suite.smtp(greet=False) as smtp:
                says(smtp.reply(), 421, "4.3.5")
        finally:
            suite.set(name, before)
        suite.wait_log("smtpd", rf"setting-wrong .*{name}.*hint=")


# --- one id in the logs of two programs ---------------------------------------------------


def test_tlsd_names_the_session(suite):
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.starttls()
        session = suite.wait_log("smtpd", r" tls session=(\w+) client=127.0.0.1 ").group(1)
    suite.wait_log("tlsd", rf"tls session={session} version=TLSv1.3 ")
