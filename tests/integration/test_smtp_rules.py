"""Restrictions on what strangers say of themselves, of the sender and of the recipient; the answers that an administrator
sets; who they are not for."""
import socket

import pytest

from harness.names import A, AAAA, MX, Names, mx
from test_smtp_dialogue import says, settings

STRANGER = "stranger@elsewhere.test"
RECORDS = {
    ("mx.test", MX): [mx(10, "mail.mx.test")],
    ("a.test", A): [socket.inet_aton("192.0.2.1")],
    ("aaaa.test", AAAA): [socket.inet_pton(socket.AF_INET6, "2001:db8::1")],
    ("xn--bcher-kva.test", MX): [mx(10, "mail.mx.test")],
    ("null.test", MX): [mx(0, "")],
    ("two.test", MX): [mx(0, ""), mx(10, "mail.mx.test")],
    ("empty.test", 16): [],
    ("trouble.test", MX): "servfail",
}


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture(scope="module")
def names():
    return Names(RECORDS)


def rcpt(suite, user, helo="client.test", sender="", recipient=None, values=()):
    """The answer to RCPT of a client that says these names."""
    with settings(suite, **dict(values)), suite.smtp() as smtp:
        assert smtp.command(f"EHLO {helo}")[0] == 250
        says(smtp.command(f"MAIL FROM:<{sender}>"), 250)
        return smtp.command(f"RCPT TO:<{recipient or user.address}>")


# --- fully qualified -----------------------------------------------------------------

NOT_QUALIFIED = ["localhost", "client", "192.0.2.1", "client.123", "-client.test", "client..test", ".", ".test", "[192.0.2.999]",
                 "[192.0.2.1", "client.test..", "[2001:db8::1]"]
QUALIFIED = ["client.test", "CLIENT.Test", "client.test.", "a_b.client.test", "[192.0.2.1]", "[IPv6:2001:db8::1]", "1.client.test"]


@pytest.mark.parametrize("helo", NOT_QUALIFIED)
def test_helo_must_be_qualified(suite, user, helo):
    says(rcpt(suite, user, helo, values={"helo_qualified": "yes"}), 504, "5.5.2")
    says(rcpt(suite, user, helo), 250)


@pytest.mark.parametrize("helo", QUALIFIED)
def test_a_qualified_helo(suite, user, helo):
    says(rcpt(suite, user, helo, values={"helo_qualified": "yes"}), 250)


@pytest.mark.parametrize("sender, code", [
    ("root@localhost", 504), ("a@192.0.2.1", 504), ("", 250), (STRANGER, 250), ("a@[192.0.2.1]", 250), ("\"a@b\"@host", 504),
])
def test_the_sender_must_be_qualified(suite, user, sender, code):
    says(rcpt(suite, user, sender=sender, values={"sender_qualified": "yes"}), code)
    says(rcpt(suite, user, sender=sender), 250)


def test_the_recipient_must_be_qualified(suite, user):
    values = {"recipient_qualified": "yes"}
    says(rcpt(suite, user, recipient="user@localhost", values=values), 504, "5.5.2")
    says(rcpt(suite, user, recipient="user@localhost"), 550, "5.7.1")
    says(rcpt(suite, user, values=values), 250)


def test_postmaster_is_qualified_whatever_the_host_is_called(suite, user):
    suite.alias("postmaster@mail.example.test", [user.address])
    says(rcpt(suite, user, recipient="postmaster", values={"recipient_qualified": "yes"}), 250)
    assert rcpt(suite, user, recipient="postmaster", values={"recipient_qualified": "yes", "hostname": "mail"})[0] != 504
    suite.set("hostname", "mail.example.test")


def test_a_refusal_is_logged_with_whom_it_was_about(suite, user):
    rcpt(suite, user, "mars", sender="a@mars.test", values={"helo_qualified": "yes"})
    suite.wait_log("smtpd", r"refused .*command=RCPT about=mars from=a@mars\.test client=127\.0\.0\.1 code=504 status=5\.5\.2")


# --- whom they are for --------------------------------------------------------------------

ALL = {"helo_qualified": "yes", "sender_qualified": "yes", "recipient_qualified": "yes", "helo_resolvable": "yes",
       "sender_resolvable": "yes", "recipient_resolvable": "yes"}


@pytest.fixture
def permitted(suite):
    suite.set("permitted_networks", "127.0.0.0/8")
    yield
    suite.set("permitted_networks", "192.0.2.0/24")


def test_a_permitted_network_may_say_anything(suite, user, names, permitted):
    says(rcpt(suite, user, "mars", "root@localhost", "user@localhost", {**ALL, "resolver": names.address}), 250)


def test_where_set_it_may_not(suite, user, names, permitted):
    says(rcpt(suite, user, "mars", values={**ALL, "restrict_users": "yes", "resolver": names.address}), 504, "5.5.2")


def test_who_has_logged_in_may_say_anything(suite, user, names):
    with settings(suite, **ALL, resolver=names.address), suite.smtp("smtps") as smtp:
        smtp.ehlo("mars")
        assert smtp.login(user.address, user.password)[0] == 235
        says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)
        says(smtp.command("RCPT TO:<user@localhost>"), 250)


def test_a_mistyped_domain_of_a_user_is_told_where_set(suite, user, names):
    with settings(suite, recipient_resolvable="yes", restrict_users="yes", resolver=names.address), suite.smtp("smtps") as smtp:
        smtp.ehlo("mars")
        assert smtp.login(user.address, user.password)[0] == 235
        says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)
        says(smtp.command("RCPT TO:<user@nowhere.test>"), 450, "4.1.2")
        says(smtp.command("RCPT TO:<user@null.test>"), 556, "5.1.10")
        says(smtp.command("RCPT TO:<user@mx.test>"), 250)
        says(smtp.command("RCPT TO:<user@[192.0.2.1]>"), 250)


# --- known to DNS ----------------------------------------------------------------------------

@pytest.mark.parametrize("domain, code, status", [
    ("mx.test", 250, "2.1.5"), ("a.test", 250, "2.1.5"), ("aaaa.test", 250, "2.1.5"), ("two.test", 250, "2.1.5"),
    ("[192.0.2.1]", 250, "2.1.5"), ("nowhere.test", 450, "4.1.8"), ("empty.test", 450, "4.1.8"), ("null.test", 550, "5.7.27"),
    ("trouble.test", 450, "4.1.8"), ("example.test", 250, "2.1.5"),
])
def test_the_senders_domain(suite, user, names, domain, code, status):
    """Our own domain need not be in DNS."""
    says(rcpt(suite, user, sender=f"a@{domain}", values={"sender_resolvable": "yes", "resolver": names.address}), code, status)


@pytest.mark.parametrize("domain, code", [("b\u00fccher.test", 250), ("B\u00dcCHER.test", 250), ("nirgends-\u00fc.test", 450)])
def test_the_senders_domain_in_utf8(suite, user, names, domain, code):
    """It is asked for by its A-labels (RFC 5890)."""
    with settings(suite, sender_resolvable="yes", resolver=names.address), suite.smtp() as smtp:
        assert smtp.command("EHLO client.test")[0] == 250
        says(smtp.command(f"MAIL FROM:<a@{domain}> SMTPUTF8"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), code, "4.1.8" if code == 450 else "2.1.5")


def test_the_null_sender_has_no_domain(suite, user, names):
    says(rcpt(suite, user, values={"sender_resolvable": "yes", "resolver": names.address}), 250)


@pytest.mark.parametrize("domain, code, status", [("nowhere.test", 550, "5.1.8"), ("trouble.test", 450, "4.1.8")])
def test_the_code_is_the_administrators_but_trouble_stays_temporary(suite, user, names, domain, code, status):
    values = {"sender_resolvable": "yes", "resolver": names.address, "unresolvable_code": "550"}
    says(rcpt(suite, user, sender=f"a@{domain}", values=values), code, status)


@pytest.mark.parametrize("helo, code, status", [
    ("mx.test", 250, "2.1.5"), ("a.test", 250, "2.1.5"), ("a.test.", 250, "2.1.5"), ("null.test", 250, "2.1.5"),
    ("nowhere.test", 450, "4.7.1"), ("trouble.test", 450, "4.7.1"), ("[192.0.2.1]", 250, "2.1.5"), ("a..test", 450, "4.7.1"),
])
def test_the_name_in_helo(suite, user, names, helo, code, status):
    says(rcpt(suite, user, helo, values={"helo_resolvable": "yes", "resolver": names.address}), code, status)


def test_dns_is_asked_once_and_for_accepted_recipients_only(suite, user, names):
    names.asked.clear()
    with settings(suite, sender_resolvable="yes", helo_resolvable="yes", resolver=names.address), suite.smtp() as smtp:
        smtp.ehlo("a.test")
        for _ in range(2):
            smtp.command("MAIL FROM:<a@mx.test>")
            says(smtp.command("RCPT TO:<nobody-here@example.test>"), 550, "5.1.1")
            says(smtp.command("RCPT TO:<user@far.test>"), 550, "5.7.1")
            for _ in range(3):
                says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
            smtp.command("RSET")
    assert names.asked == [("a.test", MX), ("a.test", A), ("mx.test", MX), ("mx.test", MX)]


def test_a_resolver_that_is_silent_or_away(suite, user):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        values = {"sender_resolvable": "yes", "dns_timeout": "1", "resolver": "127.0.0.1:%d" % silent.getsockname()[1]}
        says(rcpt(suite, user, sender="a@mx.test", values=values), 450, "4.1.8")
    says(rcpt(suite, user, sender="a@mx.test", values={**values, "dns_timeout": "60"}), 450, "4.1.8")


class Liar(Names):
    """Answers with bytes that are no answer to this question, then with the right ones."""

    def answer(self, query, name, kind):
        right = super().answer(query, name, kind)
        for wrong in (b"", b"\0", right[:11], bytes([right[0] ^ 1]) + right[1:], right[:2] + b"\x01" + right[3:],
                      right.replace(b"\2mx", b"\2my"), right[:4] + b"\0\0" + right[6:]):
            self.socket.sendto(wrong, self.peer)
        return right

    def serve(self):
        outer = self.socket

        class Peek:
            def recvfrom(_, size):
                data, self.peer = outer.recvfrom(size)
                return data, self.peer

            def sendto(_, data, peer):
                return outer.sendto(data, peer)
        self.socket = Peek()
        super().serve()


def test_forged_answers_are_passed_over(suite, user):
    liar = Liar(RECORDS)
    says(rcpt(suite, user, sender="a@mx.test", values={"sender_resolvable": "yes", "resolver": liar.address}), 250)


def test_a_cut_answer_is_an_answer(suite, user):
    class Cut(Names):
        def answer(self, query, name, kind):
            return query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + query[12:]
    says(rcpt(suite, user, sender="a@mx.test", values={"sender_resolvable": "yes", "resolver": Cut({}).address}), 250)


# --- what the administrator says --------------------------------------------------------------

def test_the_banner_is_the_administrators(suite):
    with settings(suite, banner="ESMTP Example Ltd, no unsolicited mail"), suite.smtp() as smtp:
        assert smtp.greeting == (220, ["mail.example.test ESMTP Example Ltd, no unsolicited mail"])


def test_mail_without_helo_is_taken_where_set(suite, user):
    with suite.smtp() as smtp:
        says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 503, "5.5.1")
    with settings(suite, helo_required="no", helo_qualified="yes"), suite.smtp() as smtp:
        says(smtp.command("STARTTLS"), 503, "5.5.1")
        smtp.message(STRANGER, [user.address], "Subject: no hello\n\nx\n")
    assert b"Received: from unknown ([127.0.0.1])" in user.wait(1)[0]


def test_what_dns_said_of_the_name_in_helo_is_forgotten_at_starttls(suite, user, names):
    values = {"helo_required": "no", "helo_resolvable": "yes", "resolver": names.address}
    with settings(suite, **values), suite.smtp() as smtp:
        says(smtp.command("EHLO nowhere.test"), 250)
        says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 450)
        smtp.command("RSET")
        says(smtp.command("STARTTLS"), 220)
        smtp.begin_tls()
        says(smtp.command(f"MAIL FROM:<{STRANGER}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)


@pytest.mark.parametrize("name, value", [
    ("unresolvable_code", "500"), ("over_quota_code", "453"), ("early_talker", "shout"), ("banner", "gr\u00fcezi"), ("banner", "x" * 401),
    ("over_quota_text", "two\nlines"), ("line_length_limit", "512"), ("recipients_limit", "99"),
    ("recipients_limit", "50001"),  # more than a queue file holds: they would be accepted each, and the message refused
])
def test_wrong_settings_are_told(suite, name, value):
    with settings(suite, **{name: value}), suite.smtp(greet=False) as smtp:
        says(smtp.reply(), 421, "4.3.5")
        suite.wait_log("smtpd", rf"setting-wrong .*{name}.* hint=")


def test_a_wrong_resolver_is_told(suite):
    with settings(suite, resolver="dns.example.test", sender_resolvable="yes"), suite.smtp(greet=False) as smtp:
        says(smtp.reply(), 421, "4.3.5")


# --- what must be accepted (RFC 5321 sections 4.5.1 and 4.5.5) -----------------------------------

def test_postmaster_of_every_domain_of_ours(suite, user):
    """A domain without one: temporary until an administrator says who reads it; then accepted in any spelling."""
    suite.user("someone@second.test")
    says(rcpt(suite, user, recipient="postmaster@second.test"), 451)
    suite.set("postmaster", user.address)
    suite.restart("authd")
    try:
        for recipient in ("postmaster@second.test", "PostMaster@Second.Test", "\"postmaster\"@example.test", "postmaster"):
            says(rcpt(suite, user, recipient=recipient), 250)
        says(rcpt(suite, user, recipient="postmaster@far.test"), 550, "5.7.1")
    finally:
        suite.set("postmaster", None)
        suite.restart("authd")


def test_a_bounce_to_many(suite):
    users = [suite.user() for _ in range(3)]
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("", [user.address for user in users], "Subject: bounce\n\nx\n")
    for user in users:
        user.wait(1)
