"""What smtpd accepted goes out again: SMTPUTF8, DSN, BINARYMIME, from queue/intake through postern-remote to a sink."""
import re

import pytest

from harness import Sink, Suite, wait_for
from test_queue import Intake

ALL = ("PIPELINING", "8BITMIME", "SIZE 50000000", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME")
PLAIN = ("PIPELINING", "8BITMIME", "SIZE 50000000")


@pytest.fixture(scope="module")
def away():
    with Sink(extensions=ALL) as sink, Suite("extensions", {
            "relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1s", "remote_timeout": "3s", "reuse_idle": "0s",
            "remote_chunking": "no"}) as suite:
        suite.sink = sink
        suite.user("ann")
        yield suite
        assert not suite.findings()


@pytest.fixture
def plain(away):
    """The sink offers none of what this is about."""
    away.sink.extensions = PLAIN
    yield away
    away.sink.extensions = ALL


def submit(suite, sender, recipients, *keys, message=b"Subject: x\r\n\r\nThe body.\r\n"):
    """`recipients`: an address, or (address, key...)."""
    suite.sink.commands.clear()
    with Intake(suite) as client:
        client.send("mail", "1", sender, *keys)
        for recipient in recipients:
            address, *more = (recipient,) if isinstance(recipient, str) else recipient
            client.send("rcpt", "2", address, *more)
        assert client.ask("open", "3")[0] == "ok"
        client.data(message)
        answer = client.ask("commit", "4")
        assert answer[0] == "ok", answer
        return answer[2]


def commands(suite, *arguments, **keywords):
    """The commands MAIL and RCPT that the sink got for a message, and the message."""
    count = len(suite.sink.messages)
    submit(suite, *arguments, **keywords)
    (message,) = suite.sink.wait(count + 1)[count:]
    return [c for c in suite.sink.commands if c[:4] in ("MAIL", "RCPT", "BDAT")], message


def ended(suite, queue_id):
    """The message has left the queue."""
    wait_for(lambda: f"{queue_id} to end\n{suite.tool('mailq').stdout}", 20, lambda: queue_id not in suite.tool("mailq").stdout)


def failed(suite, code, sender, *arguments, **keywords):
    queue_id = submit(suite, sender, *arguments, **keywords)
    suite.wait_log("queued", rf"failed queue={queue_id} .*code={code}", 20)
    return queue_id


# --- SMTPUTF8 (RFC 6531) ----------------------------------------------------------------------------


def test_addresses_in_utf8(away):
    lines, _ = commands(away, "ann@example.test", ["jürgen@fär.test"], "smtputf8=1")
    assert lines[0].endswith(" SMTPUTF8") and lines[1].startswith("RCPT TO:<jürgen@fär.test>")


def test_headers_in_utf8(away):
    lines, message = commands(away, "ann@example.test", ["b@far.test"], "smtputf8=1", "body=8BITMIME",
                              message="Subject: grün\r\n\r\nx\r\n".encode())
    assert lines[0].endswith(" BODY=8BITMIME SMTPUTF8") and "grün".encode() in message.data


def test_who_does_not_need_it_does_not_ask(away):
    lines, _ = commands(away, "ann@example.test", ["b@far.test"], "smtputf8=1", message="Subject: x\r\n\r\ngrün\r\n".encode())
    assert "SMTPUTF8" not in lines[0]


def test_a_hop_without_it_gets_what_does_not_need_it(plain):
    lines, _ = commands(plain, "ann@example.test", ["b@far.test"], "smtputf8=1")
    assert lines[0].startswith("MAIL FROM:<ann@example.test> SIZE=") and "SMTPUTF8" not in lines[0]


def test_a_hop_without_it_gets_old_headers_as_ever(plain):
    """Bytes beyond ASCII from a client that knows nothing of SMTPUTF8: as before, and as Postfix does."""
    commands(plain, "ann@example.test", ["b@far.test"], message=b"Subject: gr\xfcn\r\n\r\nx\r\n")


@pytest.mark.parametrize("recipient, message", [("jürgen@far.test", b"Subject: x\r\n\r\n"),
                                                ("b@far.test", "Subject: grün\r\n\r\n".encode())])
def test_a_hop_without_it_does_not_get_what_needs_it(plain, recipient, message):
    user = plain.user()
    failed(plain, "5.6.7", user.address, [recipient], "smtputf8=1", message=message)
    (bounce,) = user.wait(1)
    assert b"Status: 5.6.7" in bounce


# --- DSN (RFC 3461) ----------------------------------------------------------------------------------


def test_what_the_client_asked_for_is_passed_on(away):
    lines, _ = commands(away, "ann@example.test", [("b@far.test", "notify=SUCCESS,FAILURE", "orcpt=rfc822;B+2Bx@far.test"),
                                                   ("c@far.test", "notify=NEVER")], "ret=HDRS", "envid=QQ+2B\\314")
    assert lines[0].endswith(" RET=HDRS ENVID=QQ+2B\\314")
    assert sorted(lines[1:]) == ["RCPT TO:<b@far.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;B+2Bx@far.test",
                                 "RCPT TO:<c@far.test> NOTIFY=NEVER ORCPT=rfc822;c@far.test"]


def test_the_recipient_is_told_where_the_client_did_not(away):
    away.alias("list@example.test", ["far+away=x@far.test"])
    lines, _ = commands(away, "ann@example.test", ["list@example.test"])
    assert lines[1] == "RCPT TO:<far+away=x@far.test> ORCPT=rfc822;list@example.test"
    lines, _ = commands(away, "ann@example.test", ["a+b=c@far.test"])
    assert lines[1] == "RCPT TO:<a+b=c@far.test> ORCPT=rfc822;a+2Bb+3Dc@far.test"


def test_an_alias_keeps_what_was_asked_for_its_name(away):
    away.alias("kept@example.test", ["z@far.test"])
    lines, _ = commands(away, "ann@example.test", [("kept@example.test", "notify=FAILURE", "orcpt=rfc822;kept@elsewhere.test")])
    assert lines[1] == "RCPT TO:<z@far.test> NOTIFY=FAILURE ORCPT=rfc822;kept@elsewhere.test"


def test_a_hop_without_dsn_is_asked_nothing(plain):
    lines, _ = commands(plain, "ann@example.test", [("b@far.test", "notify=FAILURE", "orcpt=rfc822;x@far.test")], "ret=HDRS", "envid=x")
    assert "RET" not in lines[0] and "ENVID" not in lines[0] and lines[1] == "RCPT TO:<b@far.test>"


@pytest.mark.parametrize("notify", ["NEVER", "SUCCESS", "SUCCESS,DELAY"])
def test_who_does_not_want_to_hear_of_failures_does_not(away, notify):
    user = away.user()
    away.sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody" if "gone" in line else None
    try:
        queue_id = failed(away, "5.1.1", user.address, [("gone@far.test", f"notify={notify}")])
        ended(away, queue_id)
        queue_id = failed(away, "5.1.1", user.address, [("gone@far.test", f"notify={notify}"), ("gone2@far.test", "notify=FAILURE")])
        (bounce,) = user.wait(1)
    finally:
        away.sink.answers.clear()
    assert b"rfc822; gone2@far.test" in bounce and b"gone@far.test" not in bounce
    ended(away, queue_id)
    assert len(user.messages()) == 1


def test_a_bounce_names_what_the_client_named(away):
    user = away.user()
    away.sink.answers["RCPT"] = "550 5.1.1 nobody"
    try:
        failed(away, "5.1.1", user.address, [("gone@far.test", "orcpt=rfc822;a+2Bb@far.test")], "envid=QQ+2B314+0D+0A")
        (bounce,) = user.wait(1)
    finally:
        away.sink.answers.clear()
    text = bounce.decode().replace("\r\n", "\n")
    assert "\nOriginal-Envelope-Id: QQ+314+0D+0A\n" in text
    assert "\n\nOriginal-Recipient: rfc822; a+b@far.test\nFinal-Recipient: rfc822; gone@far.test\n" in text


# --- BINARYMIME (RFC 3030) -----------------------------------------------------------------------------

BINARY = b"Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) * 300 + b"\n.\r\n.\r"


def test_a_binary_message_goes_in_a_chunk_as_it_is(away):
    lines, message = commands(away, "ann@example.test", ["b@far.test"], "body=BINARYMIME", message=BINARY)
    assert " BODY=BINARYMIME" in lines[0] and lines[2] == f"BDAT {len(BINARY)} LAST"
    assert message.data == BINARY


def test_a_refused_chunk_is_an_outcome(away):
    away.sink.answers["END"] = "552 5.3.4 no"
    try:
        failed(away, "5.3.4", "ann@example.test", ["b@far.test"], "body=BINARYMIME", message=BINARY)
    finally:
        away.sink.answers.clear()


def test_every_parameter_through_aliases(away):
    """
    From MAIL and RCPT at smtpd, over an alias of an alias, to MAIL and RCPT at the next hop. Without SUCCESS: we have told
    the sender that the alias was expanded (RFC 3461 section 5.2.7.3).
    """
    away.alias("inner@example.test", ["x@far.test", "y@far.test"])
    away.alias("outer@example.test", ["inner@example.test"])
    away.sink.commands.clear()
    count = len(away.sink.messages)
    with away.smtp() as smtp:
        smtp.ehlo()
        for line in ("MAIL FROM:<ann@example.test> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B314 SIZE=100",
                     "RCPT TO:<outer@example.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;first+2Bone@elsewhere.test"):
            assert smtp.command(line)[0] == 250
        assert smtp.data("Subject: grün\n\nx\n")[0] == 250
    away.sink.wait(count + 1)
    wait_for("both recipients", 20, lambda: len([c for c in away.sink.commands if c.startswith("RCPT")]) == 2)
    lines = away.sink.commands
    assert all(line.endswith(" BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B314") for line in lines if line.startswith("MAIL"))
    assert sorted(line for line in lines if line.startswith("RCPT")) == [
        f"RCPT TO:<{name}@far.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;first+2Bone@elsewhere.test" for name in "xy"]


def test_who_wants_to_hear_nothing_does_not_when_the_time_is_over(away):
    """queue_life runs out: of one recipient nobody is told, of the other he is who sent it."""
    user = away.user()
    away.set("queue_life", "1s")
    away.sink.answers["RCPT"] = "450 4.2.0 later"
    try:
        away.restart("queued")
        silent = submit(away, user.address, [("quiet@far.test", "notify=NEVER")])
        both = submit(away, user.address, [("quiet@far.test", "notify=NEVER"), ("loud@far.test", "notify=FAILURE")])
        for queue_id in (silent, both):
            away.wait_log("queued", rf"failed queue={queue_id} .*to=quiet@far.test .*code=5.4.7", 30)
            ended(away, queue_id)
        (bounce,) = user.wait(1)
    finally:
        away.sink.answers.clear()
        away.set("queue_life", None)
        away.restart("queued")
    assert b"loud@far.test" in bounce and b"quiet@far.test" not in bounce
    assert not re.search(rf"bounced queue={silent}", away.log_text("queued"))
    assert len(user.messages()) == 1


def test_who_needs_no_utf8_is_not_kept_from_it_by_another(plain):
    """One address in UTF-8: it alone comes back."""
    count = len(plain.sink.messages)
    queue_id = submit(plain, "", ["b@far.test", "gr\u00fcn@far.test"], "smtputf8=1")
    plain.wait_log("queued", rf"failed queue={queue_id} .*code=5.6.7", 20)
    assert [r for r in plain.sink.wait(count + 1)[count].recipients] == ["b@far.test"]


# --- REQUIRETLS -----------------------------------------------------------------------------------------


def test_requiretls_comes_with_the_message(away):
    """And what cannot be sent that way comes back; the header alone, so that nothing of it goes in clear."""
    user = away.user()
    failed(away, "5.7.30", user.address, ["b@far.test"], "requiretls=1", message=b"Subject: x\r\n\r\nsecret\r\n")
    (bounce,) = user.wait(1)
    assert b"Status: 5.7.30" in bounce and b"secret" not in bounce


def test_the_bounce_of_requiretls_asks_for_it_too(away):
    """RFC 8689 section 5. This next hop does not keep it: the bounce goes nevertheless."""
    count = len(away.sink.messages)
    queue_id = failed(away, "5.7.30", "ann@far.test", ["b@far.test"], "requiretls=1")
    bounce_id = away.wait_log("queued", rf"bounced queue={queue_id} .*bounce=(\S+)", 20).group(1)
    away.wait_log("remote", rf"requiretls-given-up queue={bounce_id} ", 20)
    assert b"Status: 5.7.30" in away.sink.wait(count + 1)[count].data
