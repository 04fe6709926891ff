"""Promise 19: not an open relay, and no forged sender by a user who is logged in."""
import subprocess

import pytest

OUR = "example.test"
FAR = "far.test"
STRANGERS_TRY = [
    f"user@{FAR}", f"USER@{FAR.upper()}", f"@{OUR}:user@{FAR}", f"@a.test,@{OUR}:user@{FAR}", f"user%{FAR}@{OUR}",
    f"user%{FAR}@mail.{OUR}", f"{FAR}!user@{OUR}", f"{FAR}!user", f"\"user@{FAR}\"@{OUR}", f"\"user%{FAR}\"@{OUR}",
    f"\"{FAR}!user\"@{OUR}", f"user@{FAR}@{OUR}", f"user@{OUR}@{FAR}", f"user%{OUR}@{FAR}", "user@[127.0.0.1]",
    "user@[192.0.2.1]", f"user%{FAR}@[127.0.0.1]", "user@[IPv6:::1]", "user@127.0.0.1", "user@localhost",
    f"user@mail.{OUR}", f"user@sub.{OUR}", f"user@{OUR}.{FAR}", f"user@{FAR}.", f"user@{OUR}.", f"user@ {FAR}", f"\"user\"@{FAR}",
    f"user@{FAR} ", f"user@{FAR}>", f"<user@{FAR}", f"user\\@{FAR}", f"user@{FAR}%{OUR}", f"user%{FAR}%{OUR}", f"user\0@{FAR}",
    "user", "", " ", f":user@{FAR}", f"user@{FAR}#{OUR}", f"user@{FAR},user@{OUR}", f"user@{FAR};user@{OUR}",
]
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
