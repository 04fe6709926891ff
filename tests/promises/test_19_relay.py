"""Promise 19: not an open relay, and no forged sender by a user who is logged in."""
import json
import subprocess

import pytest

from harness import wait_for

OUR = "example.test"
FAR = "far.test"
# Addresses of other domains, and what they are once the spelling is off: who may relay reaches that, nobody else does.
FOREIGN = {
    f"user@{FAR}": f"user@{FAR}", f"USER@{FAR.upper()}": f"USER@{FAR}", f"@{OUR}:user@{FAR}": f"user@{FAR}",
    f"@a.test,@{OUR}:user@{FAR}": f"user@{FAR}", f"@[127.0.0.1]:user@{FAR}": f"user@{FAR}", f"\"user\"@{FAR}": f"user@{FAR}",
    f"\"us\\er\"@{FAR}": f"user@{FAR}", f"\"a@{OUR}\"@{FAR}": f"\"a@{OUR}\"@{FAR}", f"\"{OUR}!a\"@{FAR}": f"{OUR}!a@{FAR}",
    f"user%{FAR}@other.{OUR}": f"user%{FAR}@other.{OUR}", f"user%{OUR}@{FAR}": f"user%{OUR}@{FAR}", f"{OUR}!user@{FAR}": f"{OUR}!user@{FAR}",
    "user@[127.0.0.1]": "user@[127.0.0.1]", "user@[192.0.2.1]": "user@[192.0.2.1]", f"user%{FAR}@[127.0.0.1]": f"user%{FAR}@[127.0.0.1]",
    "postmaster@[127.0.0.1]": "postmaster@[127.0.0.1]", "user@[IPv6:::1]": "user@[ipv6:::1]",
    "user@[IPv6:0:0:0:0:0:0:0:1]": "user@[ipv6:::1]", "user@127.0.0.1": "user@127.0.0.1", "user@localhost": "user@localhost",
    f"user@sub.{OUR}": f"user@sub.{OUR}", f"user@{OUR}.{FAR}": f"user@{OUR}.{FAR}",
    f"user@{FAR.replace('.', '-')}.{FAR}": f"user@{FAR.replace('.', '-')}.{FAR}",
}
# Addresses of ours whose local part looks like a way to elsewhere: it is a local part, and nobody has it.
OURS = [
    f"user%{FAR}@{OUR}", f"{FAR}!user@{OUR}", f"\"user@{FAR}\"@{OUR}", f"\"user%{FAR}\"@{OUR}", f"\"{FAR}!user\"@{OUR}",
    f"\"user@[192.0.2.1]\"@{OUR}", f"\"@{FAR}:user\"@{OUR}", f"\"<user@{FAR}>\"@{OUR}", f"\"|/bin/sh\"@{OUR}", f"@{FAR}:user%{FAR}@{OUR}",
    f"user%{FAR}@{OUR.upper()}", f"\"known\\@{FAR}\"@{OUR}",
]
# What is no address at all.
WRONG = [
    f"{FAR}!user", f"user@{FAR}@{OUR}", f"user@{OUR}@{FAR}", f"user@{FAR}.", f"user@{OUR}.", f"user@.{OUR}", f"user@{FAR}..{OUR}", f"user@ {FAR}",
    f"user @{FAR}", f"user@{FAR} ", f"user@{FAR}>", f"<user@{FAR}", f"user\\@{FAR}", f"user@{FAR}%{OUR}", f"user%{FAR}%{OUR}", f"user\0@{FAR}",
    "user", "", " ", f":user@{FAR}", f"user@{FAR}#{OUR}", f"user@{FAR},user@{OUR}", f"user@{FAR};user@{OUR}", f"user@{OUR}\t", f"@{OUR}",
    f"@{OUR}:@{FAR}", f"\"user@{FAR}", f"\"user\"x@{FAR}", f"user@[{FAR}]", "user@[127.0.0.1", "user@[IPv6:127.0.0.1]", f"user@{OUR}:{FAR}",
    f"@{OUR},user@{FAR}", f"user(comment)@{FAR}", f"user@{FAR}(comment)",
]
# The host's own name, which is a domain of ours or not.
HOST = [f"user@mail.{OUR}", f"user%{FAR}@mail.{OUR}", f"{FAR}!user@mail.{OUR}", f"\"user@{FAR}\"@mail.{OUR}"]
STRANGERS_TRY = [*FOREIGN, *OURS, *WRONG, *HOST]
SENDERS = ["", "stranger@elsewhere.test", f"postmaster@{OUR}", f"known@{OUR}", f"root@mail.{OUR}"]


@pytest.fixture(scope="module")
def known(suite):
    return suite.user(f"known@{OUR}")


@pytest.fixture(params=[{}, {"auth_on_25": "yes"}, {"auth_on_25": "yes", "plain_without_tls": "yes"}, {"starttls": "no"},
                        {"permitted_networks": ""}, {"permitted_networks": "10.0.0.0/8 [2001:db8::]/32"}],
                ids=lambda values: "-".join(values) or "default")
def relay_settings(suite, request):
    for name, value in request.param.items():
        suite.set(name, value)
    yield
    for name in request.param:
        suite.set(name, "192.0.2.0/24" if name == "permitted_networks" else None)


@pytest.mark.parametrize("sender", SENDERS)
def test_a_stranger_reaches_our_users_only(suite, known, relay_settings, sender):
    """No form of a foreign address is accepted, whoever the client says he is."""
    suite.set("error_limit", "1000")
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command(f"MAIL FROM:<{sender}>")[0] == 250
        for recipient in STRANGERS_TRY:
            code, texts = smtp.command(f"RCPT TO:<{recipient}>")
            assert code // 100 == 5, (recipient, code, texts)
        assert smtp.command("DATA")[0] == 554
        assert smtp.command(f"RCPT TO:<{known.address}>")[0] == 250
    suite.set("error_limit", None)


@pytest.fixture
def trusted(suite, known):
    """Who may relay: a client of a permitted network on port 25, and a user who has logged in."""
    suite.set("error_limit", "1000")
    suite.set("permitted_networks", "127.0.0.0/8")
    network = suite.smtp()
    suite.set("permitted_networks", "192.0.2.0/24")
    login = suite.smtp("smtps")
    network.ehlo()
    login.ehlo()
    assert login.login(known.address, known.password)[0] == 235
    with network, login:
        yield [(network, "stranger@elsewhere.test"), (login, known.address)]
    suite.set("error_limit", None)


def test_who_may_relay_does_not_make_our_domain_a_way_elsewhere(suite, trusted):
    for smtp, sender in trusted:
        assert smtp.command(f"MAIL FROM:<{sender}>")[0] == 250
        for recipient in OURS:
            code, texts = smtp.command(f"RCPT TO:<{recipient}>")
            assert code == 550 and texts[0].startswith("5.1.1 "), (recipient, code, texts)
        for recipient in WRONG:
            assert smtp.command(f"RCPT TO:<{recipient}>")[0] in (500, 501), recipient
        assert smtp.command("DATA")[0] == 554


def queued_recipients(suite, queue_id):
    lines = [json.loads(line) for line in suite.tool("mailq", "--json").stdout.splitlines()]
    return [recipient["address"] for line in lines if line["queue_id"] == queue_id for recipient in line["recipients"]]


def test_who_may_relay_reaches_what_he_wrote_and_nothing_else(suite, trusted):
    """Each spelling is in the queue as the one address that it means."""
    suite.down("remote")
    try:
        for smtp, sender in trusted:
            queue_id = smtp.message(sender, list(FOREIGN), "Subject: elsewhere\n\nx\n").split()[-1]
            assert wait_for("the message in the queue", 10, lambda: queued_recipients(suite, queue_id)) == list(FOREIGN.values())
            wait_for("it to be at rest", 20, lambda: suite.tool("queuectl", "delete", queue_id, check=False).returncode == 0)
    finally:
        suite.up("remote")


@pytest.mark.parametrize("service, tls", [("submission", False), ("submission", True), ("smtps", False)])
def test_a_stranger_at_submission_reaches_nobody(suite, known, service, tls):
    """Not even our own users, and from a permitted network neither."""
    suite.set("permitted_networks", "127.0.0.0/8")
    try:
        with suite.smtp(service) as smtp:
            smtp.ehlo()
            if tls:
                smtp.starttls()
            for line in ("MAIL FROM:<>", f"MAIL FROM:<{known.address}>", f"RCPT TO:<{known.address}>", f"RCPT TO:<user@{FAR}>", "DATA"):
                code, texts = smtp.command(line)
                assert code == 530 and texts[0].startswith("5.7.0 "), (line, code, texts)
    finally:
        suite.set("permitted_networks", "192.0.2.0/24")


def test_a_catch_all_is_no_way_elsewhere(suite):
    """What looks like a route is a local part: it goes to whom the catch-all names, and to nobody else."""
    user = suite.user()
    suite.alias("@catch.test", [user.address])
    tries = [recipient.replace(f"@{OUR}", "@catch.test") for recipient in OURS if recipient.endswith(f"@{OUR}")]
    with suite.smtp() as smtp:
        smtp.ehlo()
        for recipient in tries:
            smtp.message("stranger@elsewhere.test", [recipient], f"Subject: {len(recipient)}\n\nx\n")
    assert len(user.wait(len(tries))) == len(tries)


@pytest.mark.parametrize("recipient, code", [
    ("user@relay19.test", 250), (f"user%{FAR}@relay19.test", 550), (f"{FAR}!user@relay19.test", 550), (f"\"user@{FAR}\"@relay19.test", 550),
    (f"\"user%{FAR}\"@relay19.test", 550), (f"@{FAR}:user@relay19.test", 250), ("user@sub.relay19.test", 250), (f"user@relay19.test.{FAR}", 550),
    (f"user%{FAR}@sub.relay19.test", 550), ("user@xrelay19.test", 550), (f"\"user\\@{FAR}\"@relay19.test", 550),
])
def test_a_relay_domain_is_no_way_elsewhere(mariadb_suite, recipient, code):
    """Its server might take %, ! or @ in a local part for a route, and mail from us for trusted."""
    mariadb_suite.accounts.add_domain("relay19.test", backupmx=1)
    with mariadb_suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        answer = smtp.command(f"RCPT TO:<{recipient}>")
        assert answer[0] == code and (code == 250 or answer[1][0].startswith("5.7.1 ")), answer


def direct(suite, commands, **environment):
    """smtpd as a launcher starts it, with an environment of our choice; the code of each answer."""
    result = subprocess.run([suite.libexec / "postern-smtpd"], input="".join(f"{line}\r\n" for line in commands).encode(),
                            capture_output=True, timeout=30, user="postern-smtpd", extra_groups=[],
                            env={"POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0", **environment}, check=True)
    return [int(line[:3]) for line in result.stdout.decode().splitlines() if line[3:4] != "-"]


@pytest.mark.parametrize("environment, code", [
    ({"TCPREMOTEIP": "198.51.100.7"}, 550), ({"TCPREMOTEIP": "192.0.2.7"}, 250), ({"TCPREMOTEIP": "::ffff:192.0.2.7"}, 250),
    ({"TCPREMOTEIP": "::192.0.2.7"}, 550), ({"TCPREMOTEIP": "192.0.3.7"}, 550), ({"TCPREMOTEIP": "2001:db8::1"}, 550),
    ({"TCPREMOTEIP": "192.0.2.7x"}, 550), ({"TCPREMOTEIP": ""}, 550), ({}, 550),
    ({"TCPREMOTEIP": "198.51.100.7", "RELAYCLIENT": ""}, 250), ({"TCPREMOTEHOST": "192.0.2.7"}, 550),
])
def test_permitted_networks_and_relayclient(suite, environment, code):
    answers = direct(suite, ["EHLO a", "MAIL FROM:<>", f"RCPT TO:<user@{FAR}>", "RSET", "QUIT"], **environment)
    assert answers == [220, 250, 250, code, 250, 221]


def test_a_permitted_network_does_not_make_submission_open(suite):
    suite.set("permitted_networks", "127.0.0.0/8")
    try:
        with suite.smtp("smtps") as smtp:
            smtp.ehlo()
            assert smtp.command("MAIL FROM:<>")[0] == 530
        with suite.smtp() as smtp:
            smtp.ehlo()
            assert smtp.command("MAIL FROM:<>")[0] == 250
            assert smtp.command(f"RCPT TO:<user@{FAR}>")[0] == 250
            assert smtp.command(f"RCPT TO:<no-such-user@{OUR}>")[0] == 550
    finally:
        suite.set("permitted_networks", "192.0.2.0/24")


def test_a_user_sends_anywhere_but_only_as_himself(suite, known):
    other = suite.user()
    with suite.smtp("smtps") as smtp:
        smtp.ehlo()
        assert smtp.login(known.address, known.password)[0] == 235
        for sender in (other.address, f"user@{FAR}", f"root@{OUR}", f"nobody-here@{OUR}", f"known@{FAR}", f"known@mail.{OUR}",
                       f"known%{FAR}@{OUR}", f"\"{known.address}\"@{FAR}", f"{known.address}.{FAR}", f"\"known@{OUR} \"@{OUR}"):
            code, texts = smtp.command(f"MAIL FROM:<{sender}>")
            assert code == 553 and texts[0].startswith("5.7.1 "), (sender, code, texts)
        for sender in (known.address, f"KNOWN@{OUR.upper()}".replace("KNOWN", "known"), ""):
            assert smtp.command(f"MAIL FROM:<{sender}>")[0] == 250, sender
            assert smtp.command(f"RCPT TO:<user@{FAR}>")[0] == 250
            assert smtp.command("RSET")[0] == 250


def test_a_user_sends_as_the_aliases_that_reach_him(suite, known):
    other = suite.user()
    suite.alias(f"sales@{OUR}", [known.address])
    suite.alias(f"team@{OUR}", [f"sales@{OUR}", other.address])
    suite.alias(f"boss@{OUR}", [other.address])
    suite.alias(f"away@{OUR}", [f"known@{FAR}"])
    with suite.smtp("smtps") as smtp:
        smtp.ehlo()
        assert smtp.login(known.address, known.password)[0] == 235
        for sender, code in ((f"sales@{OUR}", 250), (f"team@{OUR}", 250), (f"SALES@{OUR}", 250), (f"@{FAR}:sales@{OUR}", 250),
                             (f"boss@{OUR}", 553), (f"away@{OUR}", 553), (f"sales@mail.{OUR}", 553), (f"known@{FAR}", 553),
                             (f"\"known\"@{OUR}", 250), (f"\"kno\\wn\"@{OUR}", 250), (f"known@{OUR}.", 501), (f"known@[127.0.0.1]", 553)):
            assert smtp.command(f"MAIL FROM:<{sender}>")[0] == code, sender
            smtp.command("RSET")


@pytest.mark.parametrize("sender", [
    f"kn\u03bfwn@{OUR}", f"known@{OUR.replace('e', 'é')}", f"known\u200b@{OUR}", f"known@{OUR}\u3002", f"\uff4b\uff4e\uff4f\uff57\uff4e@{OUR}",
    f"known\uff20{OUR}",
])
def test_letters_that_look_alike_are_others(suite, known, sender):
    """With SMTPUTF8 too: no spelling in Unicode is taken for an address in ASCII."""
    with suite.smtp("smtps") as smtp:
        smtp.ehlo()
        assert smtp.login(known.address, known.password)[0] == 235
        for parameter in ("", " SMTPUTF8"):
            assert smtp.command(f"MAIL FROM:<{sender}>{parameter}")[0] // 100 == 5


def test_a_failed_login_relays_nothing(suite, known):
    suite.set("auth_on_25", "yes")
    try:
        with suite.smtp() as smtp:
            smtp.ehlo()
            smtp.starttls()
            assert smtp.login(known.address, "wrong")[0] == 535
            assert smtp.command("MAIL FROM:<>")[0] == 250
            assert smtp.command(f"RCPT TO:<user@{FAR}>")[0] == 550
    finally:
        suite.set("auth_on_25", None)


def test_a_login_does_not_outlive_starttls(suite, known):
    """What was said before TLS is forgotten, a login too."""
    suite.set("auth_on_25", "yes")
    suite.set("plain_without_tls", "yes")
    suite.restart("authd")
    try:
        with suite.smtp() as smtp:
            smtp.ehlo()
            assert smtp.login(known.address, known.password)[0] == 235
            smtp.starttls()
            assert smtp.command("MAIL FROM:<>")[0] == 250
            assert smtp.command(f"RCPT TO:<user@{FAR}>")[0] == 550
    finally:
        suite.set("auth_on_25", None)
        suite.set("plain_without_tls", None)
        suite.restart("authd")
