"""Mail to other hosts: queued and postern-remote against a sink and a name server of the tests."""
import pytest

from harness import Sink, Suite
from harness.names import MX, Names, mx
from test_queue import MESSAGE, Intake

RECORDS = {
    ("null.test", MX): [mx(0, "")],
    ("circle.test", MX): [mx(10, "mail.example.test")],
    ("servfail.test", MX): "servfail",
    ("nohost.test", MX): [mx(10, "nowhere.test")],
    ("nowhere.test", 99): [],
}


@pytest.fixture(scope="module")
def away():
    """A suite whose mail to others goes by `relay_host` to a sink, and whose names come from our own server."""
    names = Names(RECORDS)
    with Sink() as sink, Suite("remote", {
            "relay_host": f"[127.0.0.1]:{sink.port}", "resolver": names.address, "retry_first": "1s", "remote_timeout": "3s",
            "reuse_idle": "0s"}) as suite:
        suite.sink, suite.names = sink, names
        suite.user("first")
        yield suite
        assert not suite.findings()


@pytest.fixture(scope="module")
def by_names():
    names = Names(RECORDS)
    with Suite("names", {"resolver": names.address, "retry_first": "1s", "remote_timeout": "3s"}) as suite:
        suite.user("first")
        yield suite
        assert not suite.findings()


def submit(suite, sender, recipients, message=MESSAGE):
    with Intake(suite) as client:
        return client.submit(sender, recipients, message)



def sent(suite, recipients, needle, sender="first@example.test"):
    """The message that carries the needle, once the sink has it."""
    from harness import wait_for
    message = b"Subject: " + needle + b"\r\n\r\n" + needle + b"\r\n"
    submit(suite, sender, recipients, message)
    return wait_for(lambda: f"{needle} in {suite.sink.messages}\n{suite.logs()[-2000:]}", 20,
                    lambda: next((m for m in suite.sink.messages if needle in m.data), None))


def test_goes_to_the_relay_host(away):
    message = sent(away, ["a@far.test"], b"needle-one")
    assert (message.sender, message.recipients) == ("first@example.test", ["a@far.test"])
    assert message.data == b"Subject: needle-one\r\n\r\nneedle-one\r\n"


def test_recipients_of_one_way_share_a_transaction(away):
    message = sent(away, ["a@far.test", "b@far.test", "c@far.test"], b"needle-three")
    assert sorted(message.recipients) == ["a@far.test", "b@far.test", "c@far.test"]


def test_dots_are_doubled_and_taken_out_again(away):
    body = b"Subject: x\r\n\r\n.\r\n..\r\n.needle-dot\r\n...\r\nend\r\n"
    submit(away, "first@example.test", ["a@far.test"], body)
    from harness import wait_for
    wait_for("the message", 20, lambda: [m for m in away.sink.messages if m.data == body])


def test_a_refused_recipient_is_returned_and_the_others_go(away):
    user = away.user()
    away.sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody here" if "gone@" in line else None
    try:
        message = sent(away, ["gone@far.test", "there@far.test"], b"needle-refused", sender=user.address)
    finally:
        del away.sink.answers["RCPT"]
    assert message.recipients == ["there@far.test"]
    (bounce,) = user.wait(1)
    assert b"Final-Recipient: rfc822; gone@far.test" in bounce and b"Status: 5.1.1" in bounce
    assert b"nobody here" in bounce and b"multipart/report" in bounce and b"Return-Path: <>" in bounce
    assert b"there@far.test" not in bounce


def test_temporary_trouble_is_tried_again(away):
    seen = []
    away.sink.answers["MAIL"] = lambda line: "451 4.7.1 later" if not seen.append(line) and len(seen) < 3 else None
    try:
        sent(away, ["a@far.test"], b"needle-later")
    finally:
        del away.sink.answers["MAIL"]
    assert len(seen) >= 3


@pytest.mark.parametrize("verb, answer", [("GREETING", "554 go away"), ("GREETING", ""), ("EHLO", ""), ("MAIL", "nonsense"),
                                          ("DATA", ""), ("RCPT", "421 4.3.2 closing")])
def test_a_server_in_trouble_defers(away, verb, answer):
    away.sink.answers[verb] = answer
    needle = f"needle-{verb}-{answer[:3]}".encode()
    queue_id = submit(away, "first@example.test", ["a@far.test"], b"Subject: x\r\n\r\n" + needle + b"\r\n")
    try:
        away.wait_log("queued", rf"deferred queue={queue_id} .*code=4\.")
    finally:
        del away.sink.answers[verb]
    assert away.tool("queuectl", "flush").returncode == 0
    from harness import wait_for
    wait_for("the message", 20, lambda: [m for m in away.sink.messages if needle in m.data])


def test_names_that_do_not_exist_fail(by_names):
    user = by_names.user()
    submit(by_names, user.address, ["x@nothing.test", "x@null.test", "x@circle.test", "x@nohost.test", "x@servfail.test"])
    (bounce,) = user.wait(1, 60)
    for address, status in [("x@nothing.test", "5.1.2"), ("x@null.test", "5.1.10"), ("x@circle.test", "5.4.6"), ("x@nohost.test", "5.4.4")]:
        assert f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: {status}\n" in bounce.decode().replace("\r\n", "\n")
    assert b"servfail" not in bounce
    by_names.wait_log("queued", r"deferred .*to=x@servfail.test .*code=4\.4\.3", 60)


def test_a_relay_host_that_does_not_exist_is_a_mistake_of_ours(by_names):
    """It may bounce no mail: a name server that forgets the relay host for a minute would cost all of it."""
    by_names.down("queued")
    by_names.set("relay_host", "[gone.test]")
    try:
        by_names.up("queued")
        user = by_names.user()
        queue_id = submit(by_names, user.address, ["a@far.test"])
        by_names.wait_log("queued", rf"deferred queue={queue_id} .*code=4.4.4")
        assert not user.messages()
    finally:
        by_names.down("queued")
        by_names.set("relay_host", None)
        by_names.up("queued")
