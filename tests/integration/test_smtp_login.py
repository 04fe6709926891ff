"""Users log in at submission and smtps: AUTH, and what it allows."""
import base64

import pytest

from test_smtp_dialogue import arrived, says, settings


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture
def smtp(suite):
    """Submission with TLS, EHLO said."""
    with suite.smtp("submission") as dialogue:
        dialogue.ehlo()
        dialogue.starttls()
        yield dialogue


def blob(text):
    return base64.b64encode(text.encode()).decode()


def plain(user, password=None):
    return blob(f"\0{user.address}\0{password or user.password}")


def test_auth_is_offered_with_tls_only(suite):
    with suite.smtp("submission") as smtp:
        assert not [line for line in smtp.ehlo() if line.startswith("AUTH")]
        says(smtp.command("AUTH PLAIN AGFubmEAeA=="), 530, "5.7.0")
        says(smtp.command("MAIL FROM:<>"), 530, "5.7.0")
        offered = smtp.starttls()
        assert any(line.startswith("AUTH ") and "PLAIN" in line.split() and "LOGIN" in line.split() for line in offered)
    with suite.smtp("smtps") as smtp:
        assert any(line.startswith("AUTH ") for line in smtp.ehlo())
        says(smtp.command("STARTTLS"), 503, "5.5.1")


def test_nothing_without_login(smtp, user):
    for line in ("MAIL FROM:<>", f"MAIL FROM:<{user.address}>", f"RCPT TO:<{user.address}>", "DATA"):
        says(smtp.command(line), 530, "5.7.0")


def test_plain_with_initial_response(suite, smtp, user):
    says(smtp.command("AUTH PLAIN " + plain(user)), 235, "2.7.0")
    says(smtp.command("AUTH PLAIN " + plain(user)), 503, "5.5.1")
    assert not [line for line in smtp.ehlo() if line.startswith("AUTH")]
    smtp.message(user.address, [user.address], "Subject: logged in\n\nx\n")
    message = arrived(user, b"Subject: logged in")
    assert b"with ESMTPSA id " in message
    suite.wait_log("submission", f"login .*user={user.address} mechanism=PLAIN client=127.0.0.1 tls=TLSv1")
    suite.wait_log("submission", f"accepted .*login={user.address}")


def test_plain_by_challenge(smtp, user):
    says(smtp.command("AUTH PLAIN"), 334)
    says(smtp.command(plain(user)), 235, "2.7.0")


def test_login(smtp, user):
    says(smtp.command("auth login"), 334)
    says(smtp.command(blob(user.address)), 334)
    says(smtp.command(blob(user.password)), 235, "2.7.0")


def test_login_with_initial_response(smtp, user):
    says(smtp.command("AUTH LOGIN " + blob(user.address)), 334)
    says(smtp.command(blob(user.password)), 235, "2.7.0")


def test_wrong_password(suite, smtp, user):
    says(smtp.command("AUTH PLAIN " + plain(user, "wrong")), 535, "5.7.8")
    says(smtp.command("MAIL FROM:<>"), 530, "5.7.0")
    suite.wait_log("submission", "login-refused .*mechanism=PLAIN client=127.0.0.1")
    assert "wrong" not in [word for word in suite.log_text("submission").split() if "reason" not in word]


def test_unknown_user(smtp):
    says(smtp.command("AUTH PLAIN " + blob("\0nobody@example.test\0x")), 535, "5.7.8")


def test_cancel(smtp, user):
    says(smtp.command("AUTH PLAIN"), 334)
    says(smtp.command("*"), 501, "5.7.0")
    says(smtp.command("AUTH LOGIN"), 334)
    says(smtp.command(blob(user.address)), 334)
    says(smtp.command("*"), 501, "5.7.0")
    says(smtp.command("AUTH PLAIN " + plain(user)), 235, "2.7.0")


@pytest.mark.parametrize("line, codes", [
    ("AUTH", (501,)), ("AUTH NONESUCH", (504,)), ("AUTH PLAIN a b", (501,)), ("AUTH PLAIN !!!!", (501, 535)),
    ("AUTH PLAIN " + "A" * 12000, (501, 535)), ("AUTH PLAIN " + "A" * 13000, (500,)),
    ("AUTH PLAIN =", (501, 535)), ("AUTH PLAIN " + blob("\0\0"), (501, 535)), ("AUTH PLAIN " + blob("no separators"), (501, 535)),
])
def test_bad_auth(smtp, line, codes):
    code, texts = smtp.command(line)
    assert code in codes and texts[0].startswith("5."), (code, texts)
    says(smtp.command("NOOP"), 250)


def test_bad_lines_within_auth(smtp):
    for line in (b"\0\r\n", b"x\n", b"A" * 20000 + b"\r\n"):
        says(smtp.command("AUTH PLAIN"), 334)
        smtp.send(line)
        says(smtp.reply(), 500, "5.5.2")
        says(smtp.command("NOOP"), 250)


def test_no_auth_within_a_transaction(smtp, user):
    smtp.login(user.address, user.password)
    says(smtp.command("MAIL FROM:<>"), 250)
    says(smtp.command("AUTH PLAIN " + plain(user)), 503, "5.5.1")


def test_login_without_tls_when_set(suite, user):
    with settings(suite, plain_without_tls="yes"):
        suite.restart("authd")
        with suite.smtp("submission") as smtp:
            smtp.ehlo()
            says(smtp.login(user.address, user.password), 235)
            smtp.message(user.address, [user.address], "Subject: clear\n\nx\n")
    suite.restart("authd")


def test_login_on_port_25_when_set(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        assert not [line for line in smtp.starttls() if line.startswith("AUTH")]
        says(smtp.command("AUTH PLAIN " + plain(user)), 503, "5.5.1")
    with settings(suite, auth_on_25="yes"), suite.smtp() as smtp:
        smtp.ehlo()
        assert [line for line in smtp.starttls() if line.startswith("AUTH")]
        says(smtp.command("AUTH PLAIN " + plain(user)), 235)
