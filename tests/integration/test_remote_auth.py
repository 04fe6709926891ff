"""The login at a relay host (RFC 4954): the password is authd's, goes within TLS only, and a refusal costs no mail."""
import shutil

import pytest

from harness import Sink, Suite
from harness.authority import Authority
from test_queue import Intake
from test_remote_reuse import remote_with

OFFERS = ("PIPELINING", "8BITMIME")
AUTH = (*OFFERS, "AUTH PLAIN LOGIN")
LONG = "p" * 500


@pytest.fixture(scope="module")
def away(tmp_path_factory):
    certificate = Authority(tmp_path_factory.mktemp("authority"), "root").issue("/CN=somebody", "subjectAltName=DNS:sink.test")
    with Sink(extensions=OFFERS) as sink:
        suite = Suite("auth", {"relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1s", "remote_timeout": "5s", "reuse_idle": "20s",
                               "remote_concurrency": "1"})
        for name in ("transports", "sender_relay_hosts", "relay_passwords"):
            suite.set(name, suite.settings / f"{name}.txt")
        (suite.settings / "transports.txt").write_text(f"long.test smtp:[localhost]:{sink.port}\n")
        (suite.settings / "sender_relay_hosts.txt").write_text(f"bob@example.test [127.0.0.1]:{sink.port}\n")
        (suite.settings / "relay_passwords.txt").write_text(
            f"[127.0.0.1]:{sink.port} us:secret words\n[localhost]:{sink.port} us:{LONG}\nbob@example.test bob:his own\n")
        (suite.settings / "relay_passwords.txt").chmod(0o600)
        shutil.chown(suite.settings / "relay_passwords.txt", "postern-authd", "postern-authd")
        sink.certificate, sink.extensions_within = certificate, AUTH
        suite.certificate, suite.sink = certificate, sink
        with suite:
            suite.user("ann")
            suite.user("bob")
            yield suite
            assert not suite.findings()


@pytest.fixture(autouse=True)
def usual(away):
    away.sink.end_sessions()
    away.sink.answers.clear()
    away.sink.certificate, away.sink.extensions, away.sink.extensions_within = away.certificate, OFFERS, AUTH
    away.sink.logins.clear()
    away.sink.commands.clear()


def submit(suite, recipient="b@far.test", sender="ann@example.test"):
    with Intake(suite) as client:
        return client.submit(sender, [recipient], b"Subject: x\r\n\r\nx\r\n")


def sent(suite, *arguments):
    count = len(suite.sink.messages)
    submit(suite, *arguments)
    (message,) = suite.sink.wait(count + 1)[count:]
    return message


@pytest.mark.parametrize("offered, mechanism", [("AUTH PLAIN LOGIN", "PLAIN"), ("AUTH LOGIN PLAIN CRAM-MD5", "PLAIN"), ("AUTH LOGIN", "LOGIN")])
def test_it_logs_in_within_tls(away, offered, mechanism):
    away.sink.extensions_within = (*OFFERS, offered)
    message = sent(away)
    assert message.user == "us" and message.tls
    assert away.sink.logins == [(mechanism, "us", "secret words")]


def test_a_long_password_does_not_fit_the_command_line(away):
    """RFC 4954 section 4: then the response comes behind the server's 334."""
    assert sent(away, "b@long.test").user == "us"
    assert away.sink.logins == [("PLAIN", "us", LONG)] and "AUTH PLAIN" in away.sink.commands


def test_the_password_stands_in_no_log(away):
    sent(away)
    logs = away.logs()
    assert "relay-login " in logs and "secret words" not in logs and "AHVzAHNlY3JldCB3b3Jkcw" not in logs


def test_no_password_goes_in_clear(away):
    """It is said, and the mail waits."""
    away.sink.certificate, away.sink.extensions = None, AUTH
    queue_id = submit(away)
    away.wait_log("queued", rf"deferred queue={queue_id} .*code=4.7.10")
    away.wait_log("remote", rf"relay-login-without-tls queue={queue_id} .*hint=.*relay_login_without_tls")
    assert not away.sink.logins and not any(c.startswith("MAIL") for c in away.sink.commands)
    away.sink.certificate = away.certificate
    away.wait_log("queued", rf"delivered queue={queue_id}", 20)


def test_nor_does_mail_go_without_its_login_when_tls_is_taken_away(away):
    """A server that offers AUTH within TLS only, and somebody who takes STARTTLS out of its answer."""
    away.sink.certificate = None
    queue_id = submit(away)
    away.wait_log("queued", rf"deferred queue={queue_id} .*code=4.7.10")
    assert not any(c.startswith("MAIL") for c in away.sink.commands)
    assert away.tool("queuectl", "delete", queue_id).returncode == 0


def test_unless_a_setting_says_so(away):
    away.sink.certificate, away.sink.extensions = None, AUTH
    with remote_with(away, relay_login_without_tls="yes"):
        assert sent(away).user == "us"


def test_a_refused_login_defers_and_says_what_to_do(away):
    user = away.user()
    away.sink.answers["AUTH"] = "535 5.7.8 go away"
    queue_id = submit(away, "b@far.test", user.address)
    away.wait_log("queued", rf"deferred queue={queue_id} .*code=4.7.8 .*535 5.7.8 go away")
    away.wait_log("remote", rf"error: relay-login-refused queue={queue_id} .*user=us .*hint=.*relay_passwords")
    away.sink.answers.clear()
    away.wait_log("queued", rf"delivered queue={queue_id}", 20)
    assert not user.messages()


def test_a_login_that_fails_for_now_is_tried_again(away):
    away.sink.answers["AUTH"] = lambda line, seen=[]: "454 4.7.0 try later" if not seen.append(line) and len(seen) == 1 else None
    queue_id = submit(away)
    away.wait_log("queued", rf"deferred queue={queue_id} .*code=4.7.0")
    away.wait_log("queued", rf"delivered queue={queue_id}", 20)


def test_each_login_has_its_own_session(away):
    """Sessions are kept: but not for another sender's login."""
    messages = [sent(away, "b@far.test", sender) for sender in ("ann@example.test", "ann@example.test", "bob@example.test", "ann@example.test")]
    assert [m.user for m in messages] == ["us", "us", "bob", "us"]
    assert messages[0].session == messages[1].session and len({m.session for m in messages}) == 3


def test_an_authd_that_is_away_defers(away):
    away.down("authd")
    try:
        with Intake(away) as client:
            queue_id = client.submit("ann@example.test", ["b@far.test"], b"Subject: x\r\n\r\nx\r\n")
        away.wait_log("queued", rf"deferred queue={queue_id} .*code=4\.", 20)
    finally:
        away.up("authd")
    away.wait_log("queued", rf"delivered queue={queue_id}", 30)
