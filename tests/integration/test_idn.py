"""Domains beyond ASCII (RFC 5890, RFC 6531): in UTF-8 for people, by their A-labels in DNS, in either form in the tables (postern-authd(8))."""
import socket

import pytest

from harness import Sink, Suite, wait_for
from harness.names import A, MX, Names, mx
from test_queue import Intake
from test_transports import arrived

EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 50000000", "SMTPUTF8")
LOOPBACK = socket.inet_aton("127.0.0.1")


@pytest.fixture(scope="module")
def house():
    records = {}
    for name in ("xn--bcher-kva.test", "xn--e1afmkfd.test"):
        records[name, MX] = [mx(10, f"mx.{name}")]
        records[f"mx.{name}", A] = [LOOPBACK]
    names = Names(records)
    with Sink(extensions=EXTENSIONS) as sink:
        with Suite("idn", {"resolver": names.address, "outgoing_tls": "none", "retry_first": "1s"}) as suite:
            suite.names, suite.sink = names, sink
            (suite.prefix / "transports").write_text(f"""
xn--bcher-kva.test  smtp:bücher.test:{sink.port}
пример.test         smtp:пример.test:{sink.port}
.xn--mnchen-3ya.test  error:5.1.6 as the file has it
""")
            suite.set("transports", suite.prefix / "transports")
            suite.restart("authd")
            suite.user("ann")
            yield suite
            assert not suite.findings()
    names.close()


def send(house, recipient, needle):
    with Intake(house) as client:
        client.submit("ann@example.test", [recipient], f"Subject: {needle}\r\n\r\n{needle}\r\n".encode(), "smtputf8=1")


@pytest.mark.parametrize("recipient, asked", [
    ("b@bücher.test", "xn--bcher-kva.test"),
    ("b@BÜCHER.test", "xn--bcher-kva.test"),
    ("b@xn--bcher-kva.test", "xn--bcher-kva.test"),
    ("b@пример.test", "xn--e1afmkfd.test"),
    ("b@xn--e1afmkfd.test", "xn--e1afmkfd.test"),
])
def test_mail_goes_to_the_mx_of_the_a_label(house, recipient, asked):
    """The transport's key stands in the one form or the other, its next hop in UTF-8; a session may be used again."""
    needle = f"needle-{recipient.encode().hex()}"
    send(house, recipient, needle)
    message = arrived(house.sink, needle)
    assert message.recipients == [recipient], "the address goes on as it was written"
    assert (asked, MX) in house.names.asked
    assert all(name.isascii() for name, _ in house.names.asked)


def test_what_is_beneath_a_domain_is_found_in_the_other_form(house):
    answer = house.tool("lookup", "transport", "x@a.münchen.test").stdout
    assert "5.1.6 as the file has it" in answer


def test_a_domain_that_is_not_there_is_named_as_it_was_asked_for(house):
    send(house, "b@nowhere-ü.test", "needle-nowhere")
    house.wait_log("queued", r"failed .*nowhere-.*code=5.1.2.*there is no domain xn--nowhere--e6a.test", 20)


# --- our own domains --------------------------------------------------------------------------------


@pytest.mark.parametrize("have, written", [
    ("ann@xn--mller-kva.test", "ann@müller.test"),
    ("ann@xn--mller-kva.test", "Ann@MÜLLER.test"),
    ("ann@größe.test", "ann@xn--gre-6ka8i.test"),
])
def test_a_user_is_found_in_the_other_form(house, have, written):
    if not getattr(house, have, None):
        setattr(house, have, house.user(have))
    needle = f"needle-{written.encode().hex()}"
    with house.smtp() as smtp:
        assert smtp.command("EHLO client.test")[0] == 250
        assert smtp.command("MAIL FROM:<stranger@elsewhere.test> SMTPUTF8")[0] == 250
        assert smtp.command(f"RCPT TO:<{written}>")[0] == 250
        code, text = smtp.command(f"RCPT TO:<nobody@{written.split('@')[1]}>")
        assert (code, text[0][:5]) == (550, "5.1.1"), (code, text)
        assert smtp.command("DATA")[0] == 354
        smtp.send(f"Subject: {needle}\r\n\r\n{needle}\r\n.\r\n".encode())
        assert smtp.reply()[0] == 250
    wait_for(needle, 20, lambda: any(needle.encode() in text for text in getattr(house, have).messages()))


def test_a_login_is_as_its_row_has_it(house):
    """Another form would be another login, with limits of its own."""
    house.user("carl@xn--mller-kva.test")
    for login, right in (("carl@xn--mller-kva.test", True), ("carl@müller.test", False)):
        assert (house.tool("authtest", "--stdin", login, input=f"{house.password}\n", check=False).returncode == 0) == right, login
