"""What a next hop cannot take in eight bits or with binary parts is converted (RFC 6152 section 3, RFC 3030 section 3), and
reads the same there; what cannot be converted comes back. (Every form of part: tests/unit/test_mail_seven_bit.c.)"""
import email
import email.policy

import pytest

from harness import Sink, Suite
from test_queue import Intake
from test_remote_reuse import remote_with

SEVEN = ("PIPELINING", "SIZE 50000000")
EIGHT = (*SEVEN, "8BITMIME")
TEXT = "Grüße aus Köln, in einer Zeile, die länger ist als sechsundsiebzig Zeichen, damit sie umbrochen wird.\r\n.\r\nund Schluß \r\n"
LETTER = ("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\n" + TEXT)
BINARY_BODY = bytes(range(256)) * 300 + b"\n.\r\n.\r"
BINARY = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n"
          b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + BINARY_BODY + b"\r\n--b\r\n\r\nplain\r\n--b--\r\n")


@pytest.fixture(scope="module")
def away():
    with Sink(extensions=SEVEN) as sink, Suite("downconvert", {
            "relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1s", "remote_timeout": "60s", "reuse_idle": "0s",
            "message_size": "100M"}) as suite:
        suite.sink = sink
        suite.user("ann")
        yield suite
        assert not suite.findings()


@pytest.fixture(autouse=True)
def seven(away):
    away.sink.extensions = SEVEN
    away.sink.commands.clear()


def submit(suite, message, *keys, sender="ann@example.test"):
    with Intake(suite) as client:
        return client.submit(sender, ["b@far.test"], message, *keys)


def sent(suite, message, *keys):
    count = len(suite.sink.messages)
    submit(suite, message, *keys)
    (got,) = suite.sink.wait(count + 1, 120)[count:]
    return got.data


def mail_command(suite):
    return next(c for c in suite.sink.commands if c.startswith("MAIL"))


def parse(data):
    return email.message_from_bytes(data, policy=email.policy.SMTP)


def test_text_arrives_in_seven_bits_and_reads_the_same(away):
    data = sent(away, LETTER.encode(), "body=8BITMIME")
    assert data.isascii() and all(len(line) <= 76 for line in data.split(b"\r\n"))
    message = parse(data)
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    assert message.get_payload(decode=True) == TEXT.encode()
    assert "BODY" not in mail_command(away) and f"SIZE={len(data)}" in mail_command(away)


def test_bytes_that_nobody_announced_are_converted_too(away):
    data = sent(away, b"Subject: x\r\n\r\nFahrvergn\xfcgen auf der Autobahn\r\n")
    message = parse(data)
    assert data.isascii() and message["MIME-Version"] == "1.0" and message.get_content_charset() == "unknown-8bit"
    assert message.get_payload(decode=True) == b"Fahrvergn\xfcgen auf der Autobahn\r\n"


def test_a_hop_with_8bitmime_gets_it_as_it_is(away):
    away.sink.extensions = EIGHT
    assert sent(away, LETTER.encode(), "body=8BITMIME") == LETTER.encode()
    assert mail_command(away).endswith(" BODY=8BITMIME")


def test_what_is_seven_bits_already_is_not_touched(away):
    text = b"Subject: x\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain\r\n"
    assert sent(away, text, "body=8BITMIME") == text


@pytest.mark.parametrize("extensions", [SEVEN, EIGHT, (*EIGHT, "CHUNKING"), (*EIGHT, "BINARYMIME")])
def test_binary_parts_arrive_in_base64(away, extensions):
    away.sink.extensions = extensions
    data = sent(away, BINARY, "body=BINARYMIME")
    one, other = parse(data).iter_parts()
    assert data.isascii() and one["Content-Transfer-Encoding"] == "base64"
    assert one.get_payload(decode=True) == BINARY_BODY and other.get_content() == "plain"


@pytest.mark.parametrize("message, keys, code", [
    ("Subject: grün\r\n\r\nx\r\n".encode(), ("body=8BITMIME",), "5.6.3"),
    (b"Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\xff\r\n", (), "5.6.3"),
])
def test_what_cannot_be_converted_comes_back(away, message, keys, code):
    user = away.user()
    queue_id = submit(away, message, *keys, sender=user.address)
    away.wait_log("queued", rf"failed queue={queue_id} .*code={code}", 20)
    (bounce,) = user.wait(1)
    assert f"Status: {code}".encode() in bounce


@pytest.mark.long
def test_a_message_larger_than_memory_is_converted(away):
    """postern-remote may have 64 MiB."""
    line = "Zeile mit Umläuten: äöü\r\n".encode()
    body = line * (70_000_000 // len(line))
    away.sink.extensions = ("PIPELINING",)
    data = sent(away, LETTER.encode()[:LETTER.index("\r\n\r\n") + 4] + body, "body=8BITMIME")
    assert data.isascii() and parse(data).get_payload(decode=True) == body


@pytest.fixture
def switched(away, request):
    with remote_with(away, remote_conversion=request.param):
        yield away


@pytest.mark.parametrize("switched", ["return"], indirect=True)
def test_conversion_can_be_switched_off(switched):
    queue_id = submit(switched, LETTER.encode(), "body=8BITMIME")
    switched.wait_log("queued", rf"failed queue={queue_id} .*code=5.6.3", 20)


@pytest.mark.parametrize("switched", ["as-is"], indirect=True)
def test_or_eight_bits_sent_unasked(switched):
    assert sent(switched, LETTER.encode(), "body=8BITMIME") == LETTER.encode()
    queue_id = submit(switched, BINARY, "body=BINARYMIME")
    switched.wait_log("queued", rf"failed queue={queue_id} .*code=5.6.1", 20)
