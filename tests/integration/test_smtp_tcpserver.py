"""postern-smtpd behind tcpserver, tcprules and rblsmtpd (ucspi-tcp): what they decide before it counts, and what they pass it."""
import contextlib
import pathlib
import pwd
import subprocess
import tempfile

import pytest

from harness import Smtp, wait_for
from harness.suite import free_ports, listening_ports
from harness.names import TXT, Names, txt
from test_smtp_dialogue import says

FAR = "user@far.test"
RULES = """\
127.0.0.2:allow,RELAYCLIENT=""
127.0.0.3:allow,RELAYCLIENT="@gateway.test"
127.0.0.4:allow,RBLSMTPD="You are listed"
127.0.0.5:allow,RBLSMTPD="-You are listed"
127.0.0.6:allow,RBLSMTPD="",RELAYCLIENT=""
127.0.0.7:deny
:allow
"""
LISTED = "listed by the test: ask its postmaster"


@contextlib.contextmanager
def tcpserver(suite, *before, **environment):
    """tcpserver with RULES runs `before` and postern-smtpd as its own user; gives the port and its log."""
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are root's alone
        with listening(suite, pathlib.Path(directory), before, environment) as port:
            yield port, pathlib.Path(directory) / "log"


@contextlib.contextmanager
def listening(suite, directory, before, environment):
    subprocess.run(["tcprules", directory / "rules.cdb", directory / "rules.tmp"], input=RULES, text=True, check=True)
    directory.chmod(0o755)
    (directory / "rules.cdb").chmod(0o644)
    [port] = free_ports(1)
    user = pwd.getpwnam("postern-smtpd")
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(
            ["tcpserver", "-v", "-H", "-R", "-l", "0", "-u", str(user.pw_uid), "-g", str(user.pw_gid), "-x", directory / "rules.cdb",
             "127.0.0.1", str(port), *before, suite.libexec / "postern-smtpd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0", **environment})
    try:
        wait_for("tcpserver to listen", 10, lambda: port in listening_ports())
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture(scope="module")
def port(suite):
    with tcpserver(suite, "rblsmtpd", "-r", "rbl.test", DNSCACHEIP="127.5.3.1") as (given, _):
        yield given


@pytest.fixture(scope="module", autouse=True)
def lists():
    """A list of hosts (127.0.0.9 is on it), at the port where ucspi-tcp looks for DNS."""
    names = Names({("9.0.0.127.rbl.test", TXT): [txt(LISTED)]}, at=("127.5.3.1", 53))
    yield names
    names.close()


def rcpt(port, recipient, source):
    with Smtp(port, source=source) as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        return smtp.command(f"RCPT TO:<{recipient}>")


@pytest.mark.parametrize("source, code", [("127.0.0.1", 550), ("127.0.0.2", 250), ("127.0.0.6", 250)])
def test_relayclient_of_tcprules(port, user, source, code):
    says(rcpt(port, FAR, source), code)
    says(rcpt(port, user.address, source), 250)


def test_the_content_of_relayclient_is_no_domain_here(suite, user):
    """qmail puts it behind each recipient. Here it says that the client may relay, and the log that more was meant."""
    with tcpserver(suite) as (port, log):
        says(rcpt(port, user.address, "127.0.0.3"), 250)
        says(rcpt(port, FAR, "127.0.0.3"), 250)
        wait_for("the warning", 10, lambda: "relayclient-content" in log.read_text())


@pytest.mark.parametrize("source, code, text", [
    ("127.0.0.4", 451, "You are listed"), ("127.0.0.5", 553, "You are listed"), ("127.0.0.9", 451, LISTED),
])
def test_rblsmtpd_refuses_in_its_stead(port, user, source, code, text):
    with Smtp(port, source=source) as smtp:
        assert smtp.greeting[0] == 220 and "Postern" not in smtp.greeting[1][0]
        smtp.command("HELO a")
        smtp.command("MAIL FROM:<>")
        assert smtp.command(f"RCPT TO:<{user.address}>") == (code, [text])


def test_rblsmtpd_lets_others_through(port, user, lists):
    lists.asked.clear()
    with Smtp(port, source="127.0.0.8") as smtp:
        assert smtp.greeting[1] == ["mail.example.test ESMTP Postern"]
        smtp.ehlo()
        smtp.message("", [user.address], "Subject: passed\n\nx\n")
    assert ("8.0.0.127.rbl.test", TXT) in lists.asked
    wait_for("the message", 20, lambda: [m for m in user.messages() if b"Subject: passed" in m and b"[127.0.0.8]" in m])


def test_an_address_that_is_denied(port):
    with Smtp(port, source="127.0.0.7", greet=False) as smtp:
        assert smtp.rest() == b""


def test_starttls_behind_it(port):
    with Smtp(port) as smtp:
        smtp.ehlo()
        smtp.starttls()
        says(smtp.command("QUIT"), 221)
