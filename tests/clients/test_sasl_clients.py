"""Each SASL mechanism with a real client from Debian's packages against the whole suite: swaks, mbsync, curl, gsasl, openssl's
s_client with a client certificate. The front's log says which mechanism it was."""
import os
import re
import socket
import subprocess

import pytest

from harness import Suite, wait_for
from harness.authority import Authority
from harness.dialogue import Dialogue, client_context
from test_imap_clients import needs

PASSWORD = "secret words"
OLD = ["DIGEST-MD5", "CRAM-MD5"]
SCRAM = ["SCRAM-SHA-256", "SCRAM-SHA-1"]
BOUND = [f"{name}-PLUS" for name in SCRAM]
CLEAR = ["PLAIN", "LOGIN"]
ALL = ["EXTERNAL", *BOUND, *SCRAM, *OLD, *CLEAR]


class Users:
    """The suite with one user for each form in which a password may be stored, and one who has a certificate."""
    schemes = {"clear": "PLAIN", "scram": "SCRAM-SHA-256", "hashed": "SHA512-CRYPT"}

    def __init__(self, suite, authority):
        self.suite, self.authority = suite, authority
        for name, scheme in self.schemes.items():
            address = f"{name}@example.test"
            suite.tool("users", "add", address, "--stdin", "--scheme", scheme, input=PASSWORD + "\n")
            setattr(self, name, address)
        self.certificate = authority.issue("/CN=somebody", f"subjectAltName=email:{self.clear}")

    def logins(self, service):
        """(mechanism, user) of each login that the service's log tells of; sessions know of no mechanism."""
        found = []
        for line in self.suite.log_text(service).splitlines():
            if " login " in line:
                mechanism = re.search(r"mechanism=(\S+)", line)
                found.append((mechanism[1] if mechanism else "", re.search(r"user=(\S+)", line)[1]))
        return found


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"), "ca")
    made = Suite("sasl", {"sasl_mechanisms": " ".join(ALL)})
    (made.settings / "client_ca.pem").write_text(authority.certificate.read_text())
    made.set("client_ca", made.settings / "client_ca.pem")
    with made as suite:
        users = Users(suite, authority)
        suite.accounts.wait_known(users.hashed, "mailbox")
        yield users
        assert not suite.findings()


def client(*arguments, check=True, **keywords):
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=20, **{"stdin": subprocess.DEVNULL, **keywords})
    assert not check or result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
    return result


class Used:
    """The service's log tells of just one more login, by this mechanism."""

    def __init__(self, house, service, mechanism, user):
        self.house, self.service = house, service
        self.expected = [(mechanism if service == "submission" else "", user)]

    def __enter__(self):
        self.before = len(self.house.logins(self.service))

    def __exit__(self, kind, *_):
        if kind is None:
            more = wait_for(lambda: f"a login: {self.house.suite.log_text(self.service)[-2000:]}", 10,
                            lambda: self.house.logins(self.service)[self.before:])
            assert more == self.expected


# --- what is offered ------------------------------------------------------------------------


def smtp_offers(session):
    lines = [line for line in session.ehlo() if line.startswith("AUTH")]
    names = [line[5:].split() for line in lines]
    assert all(some == names[0] for some in names), "AUTH and AUTH= differ"
    return names[0] if names else []


def imap_offers(session):
    status, [line] = session.command("CAPABILITY")
    assert status == "OK"
    return re.findall(r"AUTH=(\S+)", line.decode())


def pop3_offers(session):
    _, lines = session.many("CAPA")
    return [name for line in lines if line.startswith("SASL ") for name in line.split()[1:]]


STARTTLS = {"smtp": "STARTTLS", "imap": "STARTTLS", "pop3": "STLS"}
FRONTS = {"submission": ("smtp", smtp_offers), "imapd": ("imap", imap_offers), "pop3d": ("pop3", pop3_offers)}


@pytest.mark.parametrize("front", FRONTS)
def test_what_is_listed_is_what_authd_offers(house, front):
    """Nothing before TLS (plain_without_tls is off), and then EXTERNAL for those with a certificate alone."""
    open_session, offers = FRONTS[front]
    with getattr(house.suite, open_session)(front) as session:
        assert offers(session) == []
        session.starttls()
        assert offers(session) == [*BOUND, *SCRAM, *OLD, *CLEAR]
    with getattr(house.suite, open_session)(front) as session:
        offers(session)
        session.command(STARTTLS[open_session])
        context = client_context()
        context.load_cert_chain(*house.certificate)
        session.begin_tls(context)
        assert offers(session) == ALL


# --- swaks: SMTP -----------------------------------------------------------------------------


def swaks(house, mechanism, user, *options, check=True):
    return client("swaks", "--server", "127.0.0.1", "--port", house.suite.ports["submission"], "--tls", "--helo", "client.test",
                  "--auth", mechanism, "--auth-user", user, "--auth-password", PASSWORD, "--from", user, "--to", user,
                  "--header", f"Subject: by {mechanism}", *options, check=check)


@needs("swaks")
@pytest.mark.parametrize("mechanism", [*CLEAR, *OLD])
def test_swaks(house, mechanism):
    with Used(house, "submission", mechanism, house.clear):
        swaks(house, mechanism, house.clear)


@needs("swaks")
@pytest.mark.parametrize("mechanism", [*CLEAR, *OLD])
def test_swaks_with_a_wrong_password(house, mechanism):
    result = swaks(house, mechanism, house.clear, "--auth-password", "wrong", check=False)
    assert "535 5.7.8" in result.stdout and "354 " not in result.stdout


# --- mbsync: IMAP by Cyrus SASL ----------------------------------------------------------------


def mbsync(house, home, user, mechanisms, patience=10):
    """A login that fails leaves its tunnel open, and mbsync waits for its end."""
    (home / "rc").write_text(f"""
IMAPStore far
Tunnel "timeout {patience} openssl s_client -quiet -verify_quiet -connect 127.0.0.1:{house.suite.ports['imaps']} 2>/dev/null"
User {user}
Pass "{PASSWORD}"
SSLType None
AuthMechs {mechanisms}

MaildirStore near
Path {home}/mail/
Inbox {home}/mail/INBOX

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
""")
    (home / "mail").mkdir(exist_ok=True)
    return client("mbsync", "-V", "-c", home / "rc", "-a", check=False, env={**os.environ, "HOME": str(home)})


@needs("mbsync")
@pytest.mark.parametrize("mechanism", [*SCRAM, "CRAM-MD5", "PLAIN"])  # Debian's mbsync finds no DIGEST-MD5 in its library
def test_mbsync(house, tmp_path, mechanism):
    with Used(house, "imap", mechanism, house.clear):
        result = mbsync(house, tmp_path, house.clear, mechanism)
        assert result.returncode == 0, result.stdout + result.stderr


# --- gsasl: channel binding --------------------------------------------------------------------


def gsasl(house, protocol, mechanism, user, *options):
    port = house.suite.ports[{"imap": "imapd", "smtp": "submission"}[protocol]]
    return client("gsasl", f"--{protocol}", *(["--starttls"] if protocol == "imap" else []), "--x509-ca-file=", "-m", mechanism, "-a", user, "-p", PASSWORD, *options,
                  "127.0.0.1", port, check=False)


GSASL = {"imap": "imap", "smtp": "submission"}  # whose log tells of the login
TLS = {"tls-exporter": "NORMAL:-VERS-ALL:+VERS-TLS1.3", "tls-unique": "NORMAL:-VERS-ALL:+VERS-TLS1.2"}


@needs("gsasl")
@pytest.mark.parametrize("binding", TLS)
@pytest.mark.parametrize("mechanism", BOUND)
@pytest.mark.parametrize("protocol", GSASL)
def test_gsasl_bound_to_the_channel(house, protocol, mechanism, binding):
    with Used(house, GSASL[protocol], mechanism, house.clear):
        result = gsasl(house, protocol, mechanism, house.clear, f"--priority={TLS[binding]}")
        assert result.returncode == 0, result.stdout + result.stderr


@needs("gsasl")
@pytest.mark.parametrize("mechanism", [*SCRAM, *OLD, *CLEAR])
@pytest.mark.parametrize("protocol", GSASL)
def test_gsasl(house, protocol, mechanism):
    with Used(house, GSASL[protocol], mechanism, house.clear):
        result = gsasl(house, protocol, mechanism, house.clear, "--no-cb")
        assert result.returncode == 0, result.stdout + result.stderr


# --- curl --------------------------------------------------------------------------------------


CURL = {"smtps": "submission", "imaps": "imap", "pop3s": "pop3"}


@needs("curl")
@pytest.mark.parametrize("mechanism", [*CLEAR, "CRAM-MD5", "DIGEST-MD5"])
@pytest.mark.parametrize("protocol", CURL)
def test_curl(house, protocol, mechanism):
    """Debian's curl has no libgsasl, so no SCRAM."""
    result = client("curl", "--silent", "--show-error", "--insecure", "--login-options", f"AUTH={mechanism}", "--user", f"{house.clear}:{PASSWORD}",
                    f"{protocol}://127.0.0.1:{house.suite.ports[protocol]}/", "--max-time", "15", *(["--request", "NOOP"] if protocol == "smtps" else []),
                    "--verbose")
    verdict = {"smtps": "< 235 2.7.0", "imaps": "< A002 OK", "pop3s": "< +OK"}[protocol]
    assert verdict in result.stderr and (f"AUTH {mechanism}" in result.stderr or f"AUTHENTICATE {mechanism}" in result.stderr)


# --- a client certificate ----------------------------------------------------------------------


class SClient(Dialogue):
    """A dialogue through openssl s_client, which shows its certificate."""

    def __init__(self, port, pair, *options):  # pylint: disable=super-init-not-called
        self.socket, other = socket.socketpair()
        self.socket.settimeout(20)
        self.buffer = b""
        certificate, key = pair
        with other:
            self.process = subprocess.Popen(["openssl", "s_client", "-quiet", "-verify_quiet", "-connect", f"127.0.0.1:{port}", "-cert", certificate,
                                             "-key", key, *options], stdin=other, stdout=other, stderr=subprocess.DEVNULL)

    def close(self):
        super().close()
        self.process.kill()
        self.process.wait()

    def command_line(self, text, start):
        """The first line of the answer that begins so."""
        self.send(text + "\r\n")
        return self.until(start)

    def until(self, start):
        while not (line := self.line()).startswith(start):
            pass
        return line


def test_a_certificate_over_imaps(house):
    with SClient(house.suite.ports["imaps"], house.certificate) as session, Used(house, "imap", "EXTERNAL", house.clear):
        assert "AUTH=EXTERNAL" in session.until("* OK") + session.command_line("a CAPABILITY", "* CAPABILITY")
        assert session.command_line("b AUTHENTICATE EXTERNAL =", "b ").startswith("b OK")


def test_a_certificate_over_submission(house):
    with SClient(house.suite.ports["submission"], house.certificate, "-starttls", "smtp") as session, \
            Used(house, "submission", "EXTERNAL", house.clear):
        assert "EXTERNAL" in session.command_line("EHLO client.test", "250-AUTH")
        session.until("250 ")
        assert session.command_line("AUTH EXTERNAL =", "").startswith("235 ")


def test_a_certificate_of_another_authority_is_nobodys(house, tmp_path):
    stranger = Authority(tmp_path, "ca").issue("/CN=somebody", f"subjectAltName=email:{house.clear}")
    with SClient(house.suite.ports["imaps"], stranger) as session:
        session.until("* OK")
        assert "EXTERNAL" not in session.command_line("a CAPABILITY", "* CAPABILITY")
        assert session.command_line("b AUTHENTICATE EXTERNAL =", "b ").startswith("b NO")


# --- a client that takes the strongest ------------------------------------------------------------


@needs("mbsync")
def test_a_client_that_takes_the_strongest_logs_in(house, tmp_path):
    """With a hashed password it is refused once at the most: authd then offers what can work, and the log says so."""
    strongest = " ".join([*SCRAM, "CRAM-MD5", "PLAIN"])
    mine, his = tmp_path / "clear", tmp_path / "hashed"
    mine.mkdir(), his.mkdir()
    assert mbsync(house, mine, house.clear, strongest).returncode == 0
    mbsync(house, his, house.hashed, strongest, patience=3)
    with Used(house, "imap", "PLAIN", house.hashed):
        result = mbsync(house, his, house.hashed, strongest)
        assert result.returncode == 0, result.stdout + result.stderr
    house.suite.wait_log("authd", r"mechanism-withdrawn mechanism=SCRAM-SHA-256 ")
    with house.suite.imap("imaps") as session:
        assert imap_offers(session) == CLEAR
