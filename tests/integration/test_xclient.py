"""XCLIENT: whoever is in xclient_networks says for whom he speaks; nobody else does."""
import subprocess

import pytest

from test_smtp_dialogue import arrived, says, settings

FAR = "user@far.test"
KEYWORD = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"


@pytest.fixture(scope="module", autouse=True)
def trusted(suite):
    with settings(suite, xclient_networks="127.0.0.0/8"):
        yield


def test_it_is_offered_to_the_named_networks_alone(suite, smtp):
    assert KEYWORD in smtp.ehlo()
    suite.set("xclient_networks", "192.0.2.0/24")
    try:
        with suite.smtp() as other:
            assert KEYWORD not in other.ehlo()
            says(other.command("XCLIENT ADDR=192.0.2.1"), 550, "5.7.0")
    finally:
        suite.set("xclient_networks", "127.0.0.0/8")


def test_the_session_begins_anew_as_the_clients(suite, smtp):
    user = suite.user()
    smtp.command("MAIL FROM:<>")
    says(smtp.command("XCLIENT ADDR=198.51.100.7"), 503, "5.5.1")
    smtp.command("RSET")
    says(smtp.command("XCLIENT ADDR=198.51.100.7 NAME=client.example PORT=4711"), 220)
    says(smtp.command("MAIL FROM:<>"), 503, "5.5.1")
    smtp.ehlo("real.example")
    smtp.message("", [user.address], "Subject: for another\n\nx\n")
    received = arrived(user, b"for another").decode()
    assert "from real.example (client.example [198.51.100.7])" in received
    suite.wait_log("smtpd", rf"accepted .*client=198\.51\.100\.7 .*to={user.address}")


def test_permitted_networks_are_the_clients(smtp):
    def relays():
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        code, _ = smtp.command(f"RCPT TO:<{FAR}>")
        smtp.command("RSET")
        return code == 250
    assert not relays()
    says(smtp.command("XCLIENT ADDR=192.0.2.1"), 220)
    assert relays()
    says(smtp.command("XCLIENT NAME=other.example"), 220)
    assert relays()
    says(smtp.command("XCLIENT ADDR=[UNAVAILABLE]"), 220)
    assert not relays()
    says(smtp.command("XCLIENT ADDR=IPV6:2001:db8::1"), 220)
    assert not relays()


def test_login_logs_in_and_out(suite, smtp):
    user = suite.user()
    says(smtp.command("XCLIENT ADDR=198.51.100.7"), 220)
    says(smtp.command("XCLIENT LOGIN=" + user.address.replace("@", "+40")), 220)
    smtp.ehlo()
    says(smtp.command("MAIL FROM:<somebody@example.test>"), 553, "5.7.1")
    says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)
    says(smtp.command(f"RCPT TO:<{FAR}>"), 250)
    smtp.command("RSET")
    says(smtp.command("XCLIENT PROTO=ESMTP"), 220)  # what an XCLIENT before gave stays
    smtp.ehlo()
    says(smtp.command("MAIL FROM:<somebody@example.test>"), 553, "5.7.1")
    says(smtp.command("XCLIENT LOGIN=[UNAVAILABLE]"), 220)
    smtp.ehlo()
    says(smtp.command("MAIL FROM:<>"), 250)
    says(smtp.command(f"RCPT TO:<{FAR}>"), 550, "5.7.1")


def test_a_login_by_password_does_not_outlive_it(suite):
    user = suite.user()
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        says(smtp.login(user.address, user.password), 235)
        says(smtp.command("XCLIENT ADDR=198.51.100.7"), 220)
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 530, "5.7.0")
        says(smtp.command(f"XCLIENT LOGIN={user.address}"), 220)
        smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)


def test_what_it_logged_out_and_tls_took_back_is_not_kept(suite):
    user = suite.user()
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        says(smtp.command(f"XCLIENT LOGIN={user.address}"), 220)
        smtp.ehlo()
        smtp.starttls()
        says(smtp.command("MAIL FROM:<>"), 530, "5.7.0")
        says(smtp.command("XCLIENT LOGIN=[UNAVAILABLE]"), 220)
        smtp.ehlo()
        says(smtp.login(user.address, user.password), 235)
        says(smtp.command("XCLIENT PORT=1"), 220)
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 530, "5.7.0")


def test_helo_and_proto_count_until_the_next(suite, smtp):
    user = suite.user()
    says(smtp.command("XCLIENT HELO=given.example PROTO=SMTP ADDR=198.51.100.7 DESTADDR=198.51.100.1 DESTPORT=25"), 220)
    smtp.message("", [user.address], "Subject: greeted\n\nx\n")
    received = arrived(user, b"greeted").decode()
    assert "from given.example ([198.51.100.7])" in received and " with SMTP id " in received
    says(smtp.command("XCLIENT ADDR=198.51.100.8"), 220)
    says(smtp.command("MAIL FROM:<>"), 250)


@pytest.mark.parametrize("argument", [
    "", "ADDR", "ADDR=", "ADDR=nonsense", "ADDR=192.0.2.256", "FOO=bar", "PORT=65536", "PORT=x", "PROTO=LMTP", "NAME=a+0D+0Ab",
    "NAME=a(b)", "HELO=a+20b", "LOGIN=a+0Ab", "LOGIN=a+4", "LOGIN=a+zz", "HELO=" + "x" * 256, "LOGIN=" + "x" * 512,
    "ADDR=192.0.2.1 PORT=x"])
def test_what_is_malformed_changes_nothing(smtp, argument):
    says(smtp.command(f"XCLIENT {argument}"), 501, "5.5.4")
    smtp.ehlo()
    smtp.command("MAIL FROM:<>")
    says(smtp.command(f"RCPT TO:<{FAR}>"), 550, "5.7.1")


def test_swaks(suite):
    user = suite.user()
    result = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(suite.ports["smtpd"]), "--from", "a@b.test", "--to", user.address,
                             "--xclient-addr", "198.51.100.9", "--xclient-name", "swaks.example", "--xclient-port", "1234",
                             "--xclient-proto", "ESMTP", "--xclient-destaddr", "198.51.100.1", "--xclient-destport", "25",
                             "--xclient-helo", "helo.example", "--xclient-login", user.address, "--xclient-delim",
                             "--xclient-login", "[UNAVAILABLE]", "--header", "Subject: by swaks"],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout
    assert "(swaks.example [198.51.100.9])" in arrived(user, b"by swaks").decode()
