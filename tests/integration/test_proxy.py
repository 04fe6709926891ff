"""The PROXY protocol before smtpd, imapd and pop3d: by Debian's haproxy, and by hand with what haproxy would never send."""
import socket

import pytest

from harness import Imap, Pop3, Smtp, wait_for
from harness.haproxy import ADDRESS, Haproxy
from test_smtp_dialogue import arrived, says, settings

CLIENT = "127.0.0.5"  # who connects to the balancer
FAR = "user@far.test"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.5 198.51.100.2 56324 25\r\n"
V2 = SIGNATURE + b"\x21\x11\x00\x0c" + bytes([203, 0, 113, 5, 198, 51, 100, 2]) + b"\xdc\x04\x00\x19"


@pytest.fixture(scope="module", autouse=True)
def balanced(suite):
    with settings(suite, proxy_networks=f"{ADDRESS}/32"):
        yield


@pytest.fixture(scope="module")
def haproxy(suite):
    ways = [("smtpd", "send-proxy"), ("smtpd", "send-proxy-v2"), ("smtps", "send-proxy"), ("smtps", "send-proxy-v2"),
            ("imaps", "send-proxy-v2"), ("pop3d", "send-proxy"), ("submission", "send-proxy-v2 proxy-v2-options crc32c,ssl,unique-id"),
            ("smtpd", "")]
    with Haproxy(suite, ways) as running:
        yield running


def by_hand(suite, header, service="smtpd", source=ADDRESS):
    """A connection as the balancer makes it, nothing read yet."""
    dialogue = Smtp(suite.ports[service], greet=False, source=source)
    dialogue.send(header)
    return dialogue


# --- haproxy ---------------------------------------------------------------------------


@pytest.mark.parametrize("service, way", [
    ("smtpd", "send-proxy"), ("smtpd", "send-proxy-v2"), ("smtps", "send-proxy"), ("smtps", "send-proxy-v2")])
def test_smtp_through_haproxy(suite, haproxy, service, way):
    user = suite.user()
    with Smtp(haproxy.ports[service, way], source=CLIENT, tls=service == "smtps") as smtp:
        smtp.ehlo()
        if service == "smtps":
            says(smtp.login(user.address, user.password), 235)
        smtp.message(user.address if service == "smtps" else "", [user.address], f"Subject: {service} {way}\n\nhello\n")
    assert f"[{CLIENT}])" in arrived(user, way.encode()).decode()


def test_starttls_through_haproxy_with_a_checksum_and_facts_of_tls(suite, haproxy):
    user = suite.user()
    with Smtp(haproxy.ports["submission", "send-proxy-v2 proxy-v2-options crc32c,ssl,unique-id"], source=CLIENT) as smtp:
        smtp.ehlo()
        smtp.starttls()
        says(smtp.login(user.address, user.password), 235)
    suite.wait_log("submission", rf"login session=\w+ user={user.address} .*client={CLIENT}")


def test_imap_and_pop3_through_haproxy(suite, haproxy):
    user = suite.user()
    with Imap(haproxy.ports["imaps", "send-proxy-v2"], source=CLIENT, tls=True) as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
    with Pop3(haproxy.ports["pop3d", "send-proxy"], source=CLIENT) as pop3:
        pop3.starttls()
        assert pop3.login(user.address, user.password).startswith("+OK")
    suite.wait_log("imap", rf"login session=\w+ user={user.address} client={CLIENT}")
    suite.wait_log("pop3", rf"login session=\w+ user={user.address} client={CLIENT}")


def test_haproxy_without_a_header_is_closed(suite, haproxy):
    with Smtp(haproxy.ports["smtpd", ""], greet=False, source=CLIENT) as smtp:
        smtp.send("EHLO client.test\r\n")
        assert smtp.rest() == b""
    suite.wait_log("smtpd", "proxy-header-wrong")


# --- who relays ------------------------------------------------------------------------


def relays(suite, header):
    with by_hand(suite, header) as smtp:
        assert smtp.reply()[0] == 220
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        return smtp.command(f"RCPT TO:<{FAR}>")[0] == 250


def test_who_is_not_named_has_no_xclient(suite):
    with settings(suite, xclient_networks=f"{ADDRESS} 203.0.113.5"):
        with by_hand(suite, b"PROXY UNKNOWN\r\n") as smtp:
            assert smtp.reply()[0] == 220
            says(smtp.command("XCLIENT ADDR=192.0.2.1"), 550, "5.7.0")
        with by_hand(suite, V1) as smtp:
            assert smtp.reply()[0] == 220
            says(smtp.command("XCLIENT ADDR=192.0.2.1"), 220)


@pytest.mark.parametrize("network, header, expected", [
    ("203.0.113.0/24", V1, True), ("203.0.113.0/24", V2, True), (ADDRESS, V1, False),
    # A balancer that names nobody speaks for somebody unknown.
    (ADDRESS, b"PROXY UNKNOWN\r\n", False), (ADDRESS, SIGNATURE + b"\x20\x00\x00\x00", False)])
def test_permitted_networks_are_the_clients(suite, network, header, expected):
    suite.set("permitted_networks", network)
    try:
        assert relays(suite, header) == expected
    finally:
        suite.set("permitted_networks", "192.0.2.0/24")


# --- by hand ---------------------------------------------------------------------------


@pytest.mark.parametrize("header", [V1, V2], ids=["v1", "v2"])
def test_a_header_byte_by_byte(suite, header):
    with by_hand(suite, b"") as smtp:
        for at in range(len(header)):
            smtp.send(header[at:at + 1])
        assert smtp.reply()[0] == 220
    suite.wait_log("smtpd", r"connect session=\w+ client=203\.0\.113\.5")


@pytest.mark.parametrize("header", [
    b"EHLO client.test\r\n", b"PROXY TCP4 203.0.113.5 198.51.100.2 1\r\n", b"PROXY UNKNOWN\n", b"PROXY " + b"x" * 200,
    SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12), SIGNATURE + b"\x21\x11\xff\xff", SIGNATURE + b"\x21\x11\x00\x04abcd",
    SIGNATURE + b"\x21\x11\x00\x13" + bytes(12) + b"\x03\x00\x04\x00\x00\x00\x00", b"\x16\x03\x01\x02\x00\x01"],
    ids=["none", "fields", "lf", "long", "version", "huge", "short", "checksum", "tls"])
def test_a_wrong_header_ends_the_connection_unanswered(suite, header):
    with by_hand(suite, header) as smtp:
        assert smtp.rest() == b""


@pytest.mark.parametrize("header", [b"", V1[:20], V2[:20]], ids=["none", "half v1", "half v2"])
def test_a_header_that_does_not_come_whole_ends_the_connection(suite, header):
    with by_hand(suite, header) as smtp:
        smtp.socket.shutdown(socket.SHUT_WR)
        assert smtp.rest() == b""


def test_a_header_has_five_seconds(suite):
    with by_hand(suite, V1[:-1]) as smtp:
        assert smtp.rest() == b""
    suite.wait_log("smtpd", 'reason="it did not come in time"')


def test_from_others_it_is_never_read(suite):
    with by_hand(suite, V1, source=CLIENT) as smtp:
        assert smtp.reply()[0] == 220
        says(smtp.reply(), 500, "5.5.1")
    with by_hand(suite, V2, source=CLIENT) as smtp:
        assert smtp.reply()[0] == 220
        says(smtp.reply(), 500)
        assert f"client={CLIENT}" in suite.log_text("smtpd").rsplit(" connect ", 1)[1]


@pytest.mark.parametrize("service", ["imapd", "pop3d"])
def test_imapd_and_pop3d_need_it_too(suite, service):
    with by_hand(suite, b"a1 NOOP\r\n", service) as dialogue:
        assert dialogue.rest() == b""
    suite.wait_log(service, "proxy-header-wrong")
    with by_hand(suite, V2, service) as dialogue:
        assert dialogue.line() is not None


def test_commands_behind_the_header_are_read(suite):
    with by_hand(suite, V2 + b"EHLO client.test\r\nQUIT\r\n") as smtp:
        answers = smtp.rest().decode()
        assert answers.startswith("220 ") and "\r\n221 " in answers


def test_a_wrong_list_is_told(suite):
    suite.set("proxy_networks", "127.0.0.77/8")
    try:
        with Smtp(suite.ports["smtpd"], greet=False) as smtp:
            says(smtp.reply(), 421, "4.3.5")
    finally:
        suite.set("proxy_networks", f"{ADDRESS}/32")
    wait_for("the mistake in the log", 10, lambda: "setting=proxy_networks" in suite.log_text("smtpd"))
