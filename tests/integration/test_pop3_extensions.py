"""POP3's extensions: RFC 2449 (CAPA), 2595 (STLS), 3206 (response codes), 5034 and 1734 (AUTH), 6856 (UTF8, LANG)."""
import base64
import os
import subprocess

import pytest

from harness import wait_for
from harness.pop3 import logged_in, put

ALWAYS = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8 USER", "LANG", "EXPIRE NEVER", "IMPLEMENTATION Postern"]


def b64(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def account(suite):
    account = suite.user()
    logged_in(suite, account).close()
    return account


# --- RFC 2449: CAPA in each state --------------------------------------------------------


def test_capa_before_tls(suite):
    with suite.pop3() as pop3:
        lines = pop3.many("CAPA")[1]
        assert sorted(lines) == sorted([*ALWAYS, "STLS"])


def test_capa_is_the_same_before_and_after_the_login(suite, account):
    """RFC 2449 section 6: of these no differences between the states are allowed."""
    with suite.pop3("pop3s") as pop3:
        before = pop3.many("CAPA")[1]
        assert pop3.login(account.address, account.password).startswith("+OK")
        after = pop3.many("CAPA")[1]
    assert after == before
    (sasl,) = [line for line in before if line.startswith("SASL ")]
    assert {"PLAIN", "LOGIN"} <= set(sasl.split()[1:])
    assert sorted(set(before) - {sasl}) == sorted([*ALWAYS, "USER"])


def test_capa_after_stls_lists_no_stls(suite):
    """RFC 2595 section 4: it is offered once."""
    with suite.pop3() as pop3:
        pop3.starttls()
        assert "STLS" not in pop3.many("CAPA")[1]
        assert pop3.command("STLS").startswith("-ERR")


def test_commands_out_of_their_state_and_with_wrong_arguments(suite, account):
    with suite.pop3("pop3s") as pop3:
        for line in ("STAT", "LIST", "RETR 1", "DELE 1", "TOP 1 0", "UIDL", "NOOP", "RSET", "CAPA x", "STLS x", "UTF8 x", "QUIT x",
                     "APOP anna c4c9334bac560ecc979e58001b3e22fb"):
            assert pop3.command(line).startswith("-ERR"), line
        assert "<" not in pop3.greeting, "no time stamp: APOP is not offered"
    with logged_in(suite, account) as pop3:
        for line in ("USER x", "PASS x", "AUTH PLAIN", "STLS", "UTF8", "APOP a b", "STAT x", "NOOP x", "RSET x", "CAPA x", "QUIT x",
                     "XTND"):
            assert pop3.command(line).startswith("-ERR"), line
        assert pop3.command("noop ").startswith("+OK")


def test_pipelining(suite, account):
    """RFC 2449 section 6.6: commands in one packet are answered in order, behind the login too."""
    with suite.pop3("pop3s") as pop3:
        pop3.send(f"UTF8\r\nLANG en\r\nUSER {account.address}\r\nPASS {account.password}\r\nSTAT\r\nNONSENSE\r\nNOOP\r\nQUIT\r\n")
        answers = [line.split(" ")[0] for line in pop3.rest().decode().split("\r\n")]
    assert answers == ["+OK", "+OK", "+OK", "+OK", "+OK", "-ERR", "+OK", "+OK", ""]


def test_lines_of_255_bytes_are_taken_and_endless_ones_are_not(suite, account):
    with logged_in(suite, account) as pop3:
        assert pop3.command("NOOP" + " " * 249).startswith("+OK")
        pop3.send(b"x" * 4000)
        assert pop3.line().startswith("-ERR") and pop3.line() is None


# --- RFC 5034, RFC 1734: AUTH ---------------------------------------------------------------


def test_auth_with_an_initial_response(suite, account):
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("auth plain " + b64(f"\0{account.address}\0{account.password}")).startswith("+OK")
        assert pop3.command("STAT").startswith("+OK")


def test_auth_without_one(suite, account):
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH PLAIN") == "+ "
        assert pop3.command(b64(f"\0{account.address}\0{account.password}")).startswith("+OK")


def test_auth_with_an_empty_one(suite):
    """RFC 5034 section 4: "=" is a response of no bytes, which PLAIN does not have."""
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH PLAIN =").startswith("-ERR")
        assert pop3.command("CAPA").startswith("+OK")


def test_auth_is_cancelled_by_a_star(suite, account):
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH PLAIN") == "+ "
        assert pop3.command("*").startswith("-ERR")
        assert pop3.login(account.address, account.password).startswith("+OK"), "the state is AUTHORIZATION as before"


def test_auth_of_what_is_no_base64_or_not_offered(suite):
    with suite.pop3("pop3s") as pop3:
        for line in ("AUTH PLAIN ...", "AUTH NONSENSE", "AUTH " + "x" * 100):
            assert pop3.command(line).startswith("-ERR"), line


# --- RFC 3206 -------------------------------------------------------------------------------


def test_auth_code_for_wrong_credentials(suite, account):
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(account.address, "wrong").startswith("-ERR [AUTH] ")
        assert pop3.command("AUTH PLAIN " + b64(f"\0{account.address}\0wrong")).startswith("-ERR [AUTH] ")


def test_sys_temp_while_authd_is_away(suite, account):
    with suite.pop3("pop3s") as pop3:
        suite.down("authd")
        try:
            assert pop3.login(account.address, account.password).startswith("-ERR [SYS/TEMP] ")
        finally:
            suite.up("authd")


def test_sys_perm_when_somebody_must_act(suite):
    account = suite.user()
    logged_in(suite, account).close()
    (account.maildir / "cur").rmdir()
    os.symlink("/tmp", account.maildir / "cur")
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(account.address, account.password).startswith("-ERR [SYS/PERM] ")


# --- RFC 6856: LANG ----------------------------------------------------------------------------


def test_lang_lists_and_changes(suite, account):
    with suite.pop3("pop3s") as pop3:
        first, lines = pop3.many("LANG")
        assert first.startswith("+OK")
        assert {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines} == {
            "i-default": "English", "en": "English", "zh": "\u4e2d\u6587"}
        assert pop3.command("LANG tlh").startswith("-ERR") and pop3.command("NONSENSE").isascii(), "the language stays"
        assert pop3.command("LANG ZH-Hans-CN").startswith("+OK zh ")
        assert "\u547d\u4ee4" in pop3.command("NONSENSE")
        assert "\u5bc6\u7801" in pop3.command(f"USER {account.address}")
        assert "\u5c01\u90ae\u4ef6" in pop3.command(f"PASS {account.password}"), "it goes on in the session"
        assert "\u5b8c\u6210" in pop3.command("NOOP")
        assert pop3.command("LANG *").startswith("+OK i-default ")
        assert pop3.command("NOOP").isascii()


# --- RFC 6856: UTF8 -----------------------------------------------------------------------------


MAIL = """From: "\u7ea6\u7ff0" <\u7ea6\u7ff0@example.test>
To: Anna M\u00fcller <anna@example.test>, bert@example.test, \u4f60@example.test
Subject: \u4f60\u597d
X-Plain: as it was
Content-Type: text/plain; charset=utf-8; name="\u4f60.txt"

.\u4f60\u597d
end
"""


def mailbox(suite, text):
    account = suite.user()
    logged_in(suite, account).close()
    put(account, text)
    return account


def retr(suite, account, utf8, command="RETR 1"):
    with suite.pop3("pop3s") as pop3:
        if utf8:
            assert pop3.command("UTF8").startswith("+OK")
        assert pop3.login(account.address, account.password).startswith("+OK")
        return pop3.many(command)[1]


def test_with_utf8_the_message_comes_as_it_is(suite):
    assert retr(suite, mailbox(suite, MAIL.encode()), True) == MAIL.rstrip("\n").split("\n")


def test_without_utf8_a_client_gets_a_header_that_it_understands(suite):
    import email
    import email.policy
    account = mailbox(suite, MAIL.encode())
    lines = retr(suite, account, False)
    end = lines.index("")
    assert all(line.isascii() and len(line) < 998 for line in lines[:end])
    assert lines[end + 1:] == [".\u4f60\u597d", "end"], "the body stays as it is"
    message = email.message_from_string("\r\n".join(lines[:end]), policy=email.policy.default)
    assert message["Subject"] == "\u4f60\u597d" and message["X-Plain"] == "as it was"
    assert message["From"].addresses[0].display_name == "\u7ea6\u7ff0"
    assert message["From"].addresses[0].addr_spec == "invalid@internationalized-address.invalid"
    assert [a.addr_spec for a in message["To"].addresses] == [
        "anna@example.test", "bert@example.test", "invalid@internationalized-address.invalid"]
    assert message["To"].addresses[0].display_name == "Anna M\u00fcller"
    assert message.get_filename() == "\u4f60.txt" and message.get_content_charset() == "utf-8"
    assert retr(suite, account, False, "TOP 1 1") == lines[:-1]


PARTS = """From: anna@example.test
Subject: \u4f60
Received: from \u4f60.example.test by x; Thu, 26 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: application/octet-stream; name="\u4f60 \u597d.bin"
Content-Disposition: attachment;
 filename="\u4f60 \u597d.bin"
Content-Transfer-Encoding: base64

eA==
--b
Content-Type: message/rfc822

From: \u7ea6\u7ff0 <\u7ea6\u7ff0@example.test>
Subject: \u597d

Subject: \u4f60
--b--
"""


def test_headers_of_parts_and_of_messages_within_have_the_old_form_too(suite):
    """RFC 6858 section 2 for parts; RFC 6856 section 2.1: nothing beyond ASCII is sent but what bodies hold."""
    import email
    import email.policy
    account = mailbox(suite, PARTS.encode())
    lines = retr(suite, account, False)
    assert [line for line in lines if not line.isascii()] == ["Subject: \u4f60"], "the body of the message within"
    message = email.message_from_string("\r\n".join(lines), policy=email.policy.default)
    assert message["Subject"] == "\u4f60" and "Received" not in message
    attached, within = message.iter_parts()
    assert attached.get_filename() == attached.get_param("name") == "\u4f60 \u597d.bin" and attached.get_content() == b"x"
    assert within.get_content()["Subject"] == "\u597d"
    assert within.get_content()["From"].addresses[0].addr_spec == "invalid@internationalized-address.invalid"
    # RFC 6858 section 4: TOP counts the lines of the surrogate.
    assert retr(suite, account, False, "TOP 1 5") == lines[:lines.index("") + 6]
    assert retr(suite, account, True) == PARTS.rstrip("\n").split("\n")


def test_a_large_message_has_the_old_form_all_the_way(suite):
    """It is read in pieces; the session keeps none of it."""
    text = PARTS.replace("eA==\n", "eHh4\n" * 200000)
    lines = retr(suite, mailbox(suite, text.encode()), False)
    assert lines.count("eHh4") == 200000
    assert [line for line in lines if not line.isascii()] == ["Subject: \u4f60"]


def test_a_header_in_another_charset_comes_as_it_is(suite):
    text = "From: anna@example.test\nSubject: \u4f60\u597d\n\nx\n".encode("gbk")
    assert [line.encode("utf-8", "surrogateescape") for line in retr(suite, mailbox(suite, text), False)] == text.rstrip(b"\n").split(b"\n")


def test_utf8_stands_before_the_login_and_behind_stls(suite):
    with suite.pop3() as pop3:
        assert pop3.command("UTF8").startswith("+OK")
        assert pop3.command("STLS").startswith("-ERR"), "RFC 6856 section 2.1"
        assert "STLS" not in pop3.many("CAPA")[1]


def test_utf8_may_be_said_again(suite, account):
    with suite.pop3("pop3s") as pop3:
        for _ in range(2):
            assert pop3.command("UTF8").startswith("+OK")
        assert pop3.command("UTF8 x").startswith("-ERR"), "it has no argument"
        assert pop3.login(account.address, account.password).startswith("+OK")
        assert pop3.command("UTF8").startswith("-ERR"), "it stands before the login"


def test_names_in_utf8(suite):
    """RFC 6856 section 2.2: UTF8 USER."""
    account = suite.user("\u7ea6\u7ff0", "pass w\u00f6rd")
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("UTF8").startswith("+OK")
        assert pop3.command(b"USER \xff\xfe").startswith("-ERR")
        assert pop3.login(account.address, account.password).startswith("+OK")


# --- a client that vanishes ------------------------------------------------------------------------


def test_keepalive_is_on(suite, account):
    """A session whose client has left the network without a word ends before the next ten minutes are over."""
    with logged_in(suite, account) as pop3:
        port = pop3.socket.getsockname()[1]

        def timers():
            return subprocess.run(["ss", "-tno", "dst", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
        # For a moment the timer may be that of an answer which was not acknowledged yet.
        wait_for(lambda: f"keepalive: {timers()}", 10, lambda: "timer:(keepalive" in timers())
