"""postern-authproxy: other people's programs log in through it in their own protocols. Debian's Postfix with its Dovecot
client and with Cyrus SASL, courier-authlib's authtest, Cyrus SASL's testsaslauthd; then each protocol by the byte."""
import base64
import contextlib
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

import pytest

from harness import Peer, Process, Suite, as_user, wait_for
from harness.postfix import Postfix

PASSWORD = "secret words"
ANN, BOB = "ann@example.test", "bob@example.test"
COURIER = pathlib.Path("/run/courier/authdaemon/socket")  # compiled into Debian's courier-authlib
SOCKETS = {f"{name}_socket": name for name in ("dovecot", "courier", "saslauthd")}


@pytest.fixture(scope="module")
def suite():
    with Suite("authproxy", {**SOCKETS, "sasl_mechanisms": "PLAIN LOGIN EXTERNAL"}) as running:
        running.tool("users", "add", BOB, "--stdin", "--quota", "5M", input=PASSWORD + "\n")
        running.user(ANN, PASSWORD)
        yield running
        assert not running.findings()


@pytest.fixture(scope="module")
def postfix(suite):
    """One smtpd for each way to ask."""
    tls = {"smtpd_tls_security_level": "may", "smtpd_sasl_auth_enable": "yes",
           "smtpd_tls_cert_file": suite.settings / "tls/certificate.pem", "smtpd_tls_key_file": suite.settings / "tls/key.pem"}
    services = {"dovecot": {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": suite.run / "authproxy/dovecot"},
                "courier": {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "courier"},
                "saslauthd": {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "saslauthd"}}
    sasl = {"courier": {"pwcheck_method": "authdaemond", "authdaemond_path": suite.run / "authproxy/courier",
                        "mech_list": "PLAIN LOGIN"},
            "saslauthd": {"pwcheck_method": "saslauthd", "saslauthd_path": suite.run / "authproxy/saslauthd",
                          "mech_list": "PLAIN LOGIN"}}
    with Postfix(services, tls, sasl) as running:
        yield running


@contextlib.contextmanager
def without_authd(suite):
    suite.down("authd")
    try:
        yield
    finally:
        suite.up("authd")


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(user, password):
    return b64(f"\0{user}\0{password}")


# --- Postfix ------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["dovecot", "courier", "saslauthd"])
def test_postfix_logs_in(postfix, service):
    with postfix.smtp(service) as smtp:
        smtp.ehlo()
        assert any(line.startswith("AUTH ") and {"PLAIN", "LOGIN"} <= set(line.split()) for line in smtp.starttls())
        assert smtp.login(ANN, "wrong")[0] == 535
        assert smtp.login("nobody@example.test", PASSWORD)[0] == 535
        assert smtp.command("AUTH LOGIN") == (334, [b64("Username:")]) or service != "dovecot"
        code, _ = smtp.command(b64(ANN))
        assert code == 334
        assert smtp.command(b64(PASSWORD))[0] == 235, postfix.log()


def test_postfix_is_told_of_an_outage(suite, postfix):
    """454 and not 535; with Dovecot's protocol on a connection that it had, and on one that it makes while authd is away."""
    with postfix.smtp("dovecot") as smtp, postfix.smtp("courier") as courier, postfix.smtp("saslauthd") as saslauthd:
        for dialogue in (smtp, courier, saslauthd):
            dialogue.ehlo(), dialogue.starttls()
        with without_authd(suite):
            for dialogue in (courier, saslauthd):
                dialogue.send("AUTH PLAIN " + plain(ANN, PASSWORD) + "\r\n")
            assert smtp.login(ANN, PASSWORD)[0] == 454
            assert smtp.login(ANN, PASSWORD)[0] == 454
            assert courier.reply()[0] == 454 and saslauthd.reply()[0] == 454
        for dialogue in (smtp, courier, saslauthd):
            assert dialogue.login(ANN, PASSWORD)[0] == 235


def test_postfix_gets_a_login_through_authds_restart(suite, postfix):
    with postfix.smtp("dovecot") as smtp:
        smtp.ehlo(), smtp.starttls()
        suite.restart("authd", wait=False)
        assert smtp.login(ANN, PASSWORD)[0] == 235
    suite.wait_up(["authd"])


def test_postfix_without_tls_is_refused_as_authds_own_fronts_are(postfix):
    with postfix.smtp("dovecot") as smtp:
        smtp.ehlo()
        assert smtp.login(ANN, PASSWORD)[0] == 535


def test_authd_logs_the_client_that_postfix_saw(suite, postfix):
    with postfix.smtp("dovecot") as smtp:
        smtp.ehlo(), smtp.starttls()
        smtp.login(BOB, "wrong")
    suite.wait_log("authd", rf"login-failed user={BOB} service=smtp client=127\.0\.0\.1 line=tls")


# --- courier-authlib and Cyrus SASL -----------------------------------------------------------------


@pytest.fixture
def authtest(suite):
    """authtest's socket has its place in the library: ours is put there for a moment."""
    COURIER.parent.mkdir(parents=True, exist_ok=True)
    if COURIER.is_symlink():  # of a run that was killed; a real authdaemond's socket stays, and the test fails
        COURIER.unlink()
    COURIER.symlink_to(suite.run / "authproxy/courier")

    def run(*arguments, client="::ffff:192.0.2.8"):
        return subprocess.run(["authtest", *arguments], capture_output=True, text=True, timeout=60,
                              env={"PATH": "/usr/sbin:/usr/bin", "TCPREMOTEIP": client})
    yield run
    COURIER.unlink()


def test_authtest_prints_the_account(suite, authtest):
    result = authtest("-s", "imap", BOB, PASSWORD)
    assert result.returncode == 0, result.stderr
    user, group = os.stat(suite.mail_root).st_uid, os.stat(suite.mail_root).st_gid
    for expected in [f"Authenticated: {BOB}  (uid {user}, gid {group})", f"Home Directory: {suite.mail_root}/example.test/bob",
                     f"Maildir: {suite.mail_root}/example.test/bob", "Quota: 5242880S", "Encrypted Password: (none)",
                     "Cleartext Password: (none)"]:
        assert expected in result.stdout
    suite.wait_log("authd", rf"login user={BOB} service=imap client=192\.0\.2\.8 line=tls")
    without_password = authtest(BOB)
    assert without_password.returncode == 0 and f"{suite.mail_root}/example.test/bob" in without_password.stdout


def test_authtest_knows_wrong_from_away(suite, authtest):
    for arguments in [("-s", "smtp", BOB, "wrong"), ("nobody@example.test",)]:
        result = authtest(*arguments)
        assert result.returncode != 0 and "Operation not permitted" in result.stderr, result.stderr
    with without_authd(suite):
        for arguments in [("-s", "smtp", BOB, PASSWORD), (BOB,)]:
            result = authtest(*arguments)
            assert result.returncode != 0 and "Operation not permitted" not in result.stderr, result.stderr


def saslauthd_test(suite, user, password, *more):
    return subprocess.run(["testsaslauthd", "-u", user, "-p", password, "-f", suite.run / "authproxy/saslauthd", *more],
                          capture_output=True, text=True, timeout=60)


def test_testsaslauthd_knows_wrong_from_away(suite):
    assert '0: OK "Success."' in saslauthd_test(suite, ANN, PASSWORD, "-s", "smtp").stdout
    assert '0: OK "Success."' in saslauthd_test(suite, "ann", PASSWORD, "-r", "example.test").stdout
    assert saslauthd_test(suite, ANN, "wrong").stdout.startswith("0: NO")
    assert saslauthd_test(suite, "ann", PASSWORD).stdout.startswith("0: NO")
    with without_authd(suite):
        result = saslauthd_test(suite, ANN, PASSWORD)
        assert result.returncode != 0 and "NO" not in result.stdout, result


# --- the protocols by the byte ------------------------------------------------------------------------


class Stream:
    """A connection to one of the sockets."""

    def __init__(self, suite, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(suite.run / "authproxy" / name))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def line(self):
        """The next line, "" at the end."""
        try:
            return self.file.readline().decode().rstrip("\n")
        except ConnectionResetError:
            return ""

    def rest(self):
        try:
            return self.file.read()
        except ConnectionResetError:
            return b""


@contextlib.contextmanager
def dovecot(suite):
    """A connection whose greetings are over."""
    with Stream(suite, "dovecot") as stream:
        greeting = list(iter(stream.line, "DONE"))
        assert greeting[0] == "VERSION\t1\t2" and "MECH\tPLAIN\tplaintext" in greeting
        stream.send("VERSION\t1\t1\nCPID\t1\n")
        yield stream


def auth(number, user=ANN, password=PASSWORD, parameters="service=smtp\tsecured\trip=192.0.2.7"):
    return f"AUTH\t{number}\tPLAIN\t{parameters}\tresp={plain(user, password)}\n"


def account(user=ANN, password=PASSWORD, kind="login"):
    data = f"smtp\n{kind}\n{user}\n{password}\n"
    return f"AUTH {len(data)}\n{data}"


def counted(*texts):
    return b"".join(struct.pack("!H", len(text)) + text for text in (t if isinstance(t, bytes) else t.encode() for t in texts))


def ask(suite, name, data):
    """The whole answer of a protocol with one request a connection."""
    with Stream(suite, name) as stream:
        stream.send(data)
        return stream.rest()


OK = {"courier": b"\n.\n", "saslauthd": counted("OK")}
LET_IN = re.compile(rb"^OK\t|^UID=|\x02OK$", re.M)


def still_serves(suite):
    with dovecot(suite) as stream:
        stream.send(auth(1))
        assert stream.line() == f"OK\t1\tuser={ANN}"
    assert ask(suite, "courier", account()).endswith(OK["courier"])
    assert ask(suite, "saslauthd", counted(ANN, PASSWORD, "smtp", "")) == OK["saslauthd"]


def test_many_requests_on_one_connection(suite):
    with dovecot(suite) as stream:
        stream.send("".join(auth(number, password=PASSWORD if number % 2 else "wrong") for number in range(40)))
        answers = sorted(stream.line().split("\t") for _ in range(40))
    assert answers == sorted(["OK", str(n), f"user={ANN}"] if n % 2 else ["FAIL", str(n)] for n in range(40))


def test_a_dialogue_of_several_steps(suite):
    with dovecot(suite) as stream:
        stream.send("AUTH\t7\tLOGIN\tservice=smtp\tsecured\n")
        assert stream.line() == "CONT\t7\t" + b64("Username:")
        stream.send(f"CONT\t7\t{b64(ANN)}\n")
        assert stream.line() == "CONT\t7\t" + b64("Password:")
        stream.send(auth(8))  # in between
        assert stream.line() == f"OK\t8\tuser={ANN}"
        stream.send(f"CONT\t7\t{b64(PASSWORD)}\n")
        assert stream.line() == f"OK\t7\tuser={ANN}"
        stream.send("AUTH\t7\tPLAIN\tservice=smtp\tsecured\n")
        assert stream.line() == "CONT\t7\t"
        stream.send("CANCEL\t7\n" + auth(7))
        assert stream.line() == f"OK\t7\tuser={ANN}"


def test_exims_empty_response_is_none(suite):
    """Exim says resp= where the client began without a response; it waits for the greeting and then says all at once."""
    with Stream(suite, "dovecot") as stream:
        assert stream.line() == "VERSION\t1\t2" and "MECH\tLOGIN\tplaintext" in list(iter(stream.line, "DONE"))
        stream.send("VERSION\t1\t0\nCPID\t19595\nAUTH\t1\tLOGIN\tservice=smtp\tsecured\trip=192.0.2.9\tlip=NULL\tnologin\tresp=\n")
        assert stream.line() == "CONT\t1\t" + b64("Username:")
        stream.send(f"CONT\t1\t{b64(ANN)}\n")
        assert stream.line() == "CONT\t1\t" + b64("Password:")
        stream.send(f"CONT\t1\t{b64(PASSWORD)}\n")
        assert stream.line() == f"OK\t1\tuser={ANN}"


def test_the_line_is_plain_unless_the_client_says_secured(suite):
    with dovecot(suite) as stream:
        stream.send(auth(1, parameters="service=smtp\trip=192.0.2.7"))
        assert stream.line() == "FAIL\t1"
    suite.wait_log("authd", r"login-without-tls service=smtp client=192\.0\.2\.7")


def test_what_stands_behind_resp_is_not_read(suite):
    with dovecot(suite) as stream:
        stream.send(f"AUTH\t1\tPLAIN\tservice=smtp\trip=192.0.2.7\tresp={plain(ANN, PASSWORD)}\tsecured\n")
        assert stream.line() == "FAIL\t1"


def test_an_outage_is_temporary_in_each_protocol(suite):
    """A connection that ends without an answer; beside other requests, Dovecot's word for it."""
    with dovecot(suite) as alone, dovecot(suite) as several:
        for number in (1, 2):
            several.send(f"AUTH\t{number}\tLOGIN\tservice=smtp\tsecured\n")
            assert several.line() == f"CONT\t{number}\t" + b64("Username:")
        requests = [("courier", account()), ("courier", f"PRE . smtp {ANN}\n"), ("saslauthd", counted(ANN, PASSWORD, "smtp", ""))]
        with without_authd(suite), contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(Stream(suite, name)) for name, _ in requests]
            alone.send(auth(1))
            for stream, (_, data) in zip(waiting, requests):
                stream.send(data)
            several.send(f"CONT\t1\t{b64(ANN)}\n")
            assert re.fullmatch(r"FAIL\t1\ttemp\tcode=temp_fail", several.line())
            several.send(f"CONT\t2\t{b64(ANN)}\n")
            assert several.line() == ""
            assert alone.line() == ""
            assert [stream.rest() for stream in waiting] == [b""] * len(waiting)
            with Stream(suite, "dovecot") as fresh:
                assert "MECH\tPLAIN\tplaintext" in list(iter(fresh.line, "DONE"))
    still_serves(suite)


def test_no_password_is_given_out_and_nothing_else_is_served(suite):
    answer = ask(suite, "courier", account()) + ask(suite, "courier", f"PRE . imap {ANN}\n")
    assert answer.count(f"ADDRESS={ANN}".encode()) == 2 and b"PASSWD" not in answer and PASSWORD.encode() not in answer
    for request in [account(kind="cram-md5"), "ENUMERATE\n", f"PASSWD smtp\t{ANN}\t{PASSWORD}\tnew\n"]:
        assert ask(suite, "courier", request) == b"FAIL\n"


def test_a_byte_at_a_time(suite):
    def dribble(stream, data):
        for byte in data if isinstance(data, bytes) else data.encode():
            stream.send(bytes([byte]))
            time.sleep(0.0005)

    with dovecot(suite) as stream:
        dribble(stream, auth(1))
        assert stream.line() == f"OK\t1\tuser={ANN}"
    with Stream(suite, "courier") as stream:
        dribble(stream, "TCPREMOTEIP=192.0.2.8\nOTHER=x y\n" + account())
        assert stream.rest().endswith(OK["courier"])
    with Stream(suite, "saslauthd") as stream:
        dribble(stream, counted(ANN, PASSWORD, "smtp", ""))
        assert stream.rest() == OK["saslauthd"]


@pytest.mark.parametrize("name,data", [
    ("dovecot", "AUTH\t1\tPLAIN\n"), ("dovecot", "VERSION\t1\t1\nAUTH\t1\tPLAIN\n"), ("dovecot", "VERSION\t2\t0\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\tx\n"), ("dovecot", "VERSION\t1\t1\nCPID\t1\nNONSENSE\t1\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t1\n"), ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t-1\tPLAIN\tservice=smtp\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPL AIN\tservice=smtp\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\trip=nowhere\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=a/b\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nCONT\tx\tAA==\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t1\tLOGIN\tsecured\nAUTH\t1\tLOGIN\tsecured\n"),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\n" + auth(1).replace("\tresp", "\0\tresp")), ("dovecot", "A" * 65536),
    ("dovecot", "VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\tresp=" + "A" * 65536 + "\n"),
    ("courier", "NONSENSE\n"), ("courier", "AUTH\n"), ("courier", "AUTH x\n"), ("courier", "AUTH 99999999999999999999\n"),
    ("courier", "AUTH 65536\n" + "a" * 65536), ("courier", "AUTH 5\nsmtp\n"), ("courier", "AUTH 11\nsmtp\nlogin\n"),
    ("courier", "AUTH 17\nsm/tp\nlogin\na\nb\n\n"), ("courier", "PRE\n"), ("courier", "PRE . smtp \n"), ("courier", "A" * 65536),
    ("courier", "TCPREMOTEIP=nowhere\n" + account()), ("courier", account(password=PASSWORD + "\nmore")),
    ("courier", account(user=ANN + "\0x")), ("courier", account(password=PASSWORD + "\0x")), ("courier", "PRE . smtp\0 a\n"),
    ("saslauthd", counted(ANN + "\0x", PASSWORD, "smtp", "")), ("saslauthd", counted(ANN, PASSWORD + "\0x", "smtp", "")),
    ("saslauthd", counted("a" * 65535, PASSWORD, "smtp", "")), ("saslauthd", counted(ANN, "a" * 65535, "smtp", "")),
    ("saslauthd", counted(ANN, PASSWORD, "sm/tp", ""))])
def test_malformed_requests_are_refused_logged_and_counted(suite, name, data):
    def count():
        return [int(n) for n in re.findall(rf"request-refused protocol={name} .*count=(\d+)", suite.log_text("authproxy"))]

    before, pid = len(count()), suite.service_pid("authproxy")
    with dovecot(suite) as bystander, Stream(suite, name) as stream:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.send(data)
        assert not LET_IN.search(stream.rest())
        wait_for("the refusal in the log", 10, lambda: len(count()) > before)
        bystander.send(auth(1))
        assert bystander.line() == f"OK\t1\tuser={ANN}"
    assert count() == list(range(1, len(count()) + 1))
    assert suite.service_pid("authproxy") == pid


def test_a_request_that_ends_in_its_middle(suite):
    for name, data in [("dovecot", "VERSION\t1"), ("courier", account()[:-5]), ("saslauthd", counted(ANN, PASSWORD)[:-1])]:
        with Stream(suite, name) as stream:
            stream.send(data)
            stream.socket.shutdown(socket.SHUT_WR)
            assert not LET_IN.search(stream.rest())
    still_serves(suite)


def test_a_peer_that_never_reads_is_closed(suite):
    process = Process(suite.service_pid("authproxy"))
    with dovecot(suite) as stream:
        stream.socket.settimeout(1)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for number in range(1000000):
                with contextlib.suppress(TimeoutError):
                    stream.send("CONT\t%d\tAA==\n" % number if number else "AUTH\t0\tLOGIN\tsecured\n")
    suite.wait_log("authproxy", "peer-stalled protocol=dovecot .*does not take")
    assert int(process.status()["VmRSS"].split()[0]) < 64 * 1024
    still_serves(suite)


def test_logins_that_are_begun_and_left_are_bounded(suite):
    """64 on a connection and 512 in all; more are temporary trouble, and the others are not disturbed."""
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stream = stack.enter_context(dovecot(suite))
            stream.send("".join(f"AUTH\t{number}\tLOGIN\tservice=smtp\tsecured\n" for number in range(65)))
            answers = sorted(stream.line().split("\t", 2)[::2] for _ in range(65))
            assert answers == [["CONT", b64("Username:")]] * 64 + [["FAIL", "temp\tcode=temp_fail"]]
        with dovecot(suite) as fresh:
            fresh.send(auth(1))
            assert fresh.line() == ""
        assert ask(suite, "courier", account()) == b"" and ask(suite, "saslauthd", counted(ANN, PASSWORD, "smtp", "")) == b""
    suite.wait_log("authproxy", "too-many-logins")
    wait_for("logins to be possible again", 10, lambda: ask(suite, "courier", account()) != b"")
    still_serves(suite)


def test_others_are_not_let_in(suite):
    def knock():
        with Stream(suite, "dovecot") as stream:
            return repr(stream.line())
    assert as_user("nobody", knock) == "''"
    suite.wait_log("authproxy", r"peer-refused socket=dovecot")
    assert "VERSION" in as_user("postfix", knock)


def test_a_certificate_is_believed_of_a_front_and_not_of_the_proxy(suite):
    """Who takes the proxy over must not log in by a name that he says a certificate held."""
    def mechanisms():
        with Peer(suite, "authd/login") as peer:
            return peer.ask("hello", "t", "smtp", "192.0.2.7", "tls", ANN)[2]
    assert "EXTERNAL" in as_user("postern-smtpd", mechanisms).split()
    assert "EXTERNAL" not in as_user("postern-authproxy", mechanisms).split()
