"""What smtpd, imapd and pop3d tell authd of a client, and that they carry the blobs of any mechanism: the real fronts and the
real tlsd, and the test as authd, so that it sees each packet and may say what no authd of today says."""
import base64
import pwd
import shutil
import socket
import subprocess
import threading

import pytest

from harness import Dialogue, built
from harness.authority import Authority
from harness.packets import decode, encode
from harness.tls import TLS12, TLS13, Tlsd, version_context

MECHANISMS = ("SCRAM-SHA-512-PLUS SCRAM-SHA-512 SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 EXTERNAL PLAIN LOGIN "
              "OAUTHBEARER CRAM-MD5 DIGEST-MD5")
VERSIONS = {"TLSv1.2": TLS12, "TLSv1.3": TLS13}


class Protocol:
    """How each protocol says what all of them say."""

    def __init__(self, service, program, plain, tls, **words):
        self.service, self.program, self.arguments, self.words = service, program, {False: plain, True: tls}, words

    def __getattr__(self, name):
        return self.words[name]

    def open(self, client):
        """Reads the greeting; SMTP wants a word of the client before all else."""
        assert client.line().startswith(self.greeting)
        if self.service == "submission":
            client.send("EHLO me.test\r\n")
            line_beginning(client, "250 ")


PROTOCOLS = {
    "smtp": Protocol("submission", "postern-smtpd", ["--mode", "submission"], ["--mode", "smtps"], greeting="220 ",
                     starttls="STARTTLS", go="220 ", list="EHLO me.test", listed=("250-AUTH ", MECHANISMS),
                     auth="AUTH {}", challenge="334 ", refused="535 "),
    "imap": Protocol("imap", "postern-imapd", [], ["--tls"], greeting="* OK ",
                     starttls="a STARTTLS", go="a OK ", list="a CAPABILITY",
                     listed=("* CAPABILITY ", " ".join(f"AUTH={name}" for name in MECHANISMS.split())),
                     auth="a AUTHENTICATE {}", challenge="+ ", refused="a NO "),
    "pop3": Protocol("pop3", "postern-pop3d", [], ["--tls"], greeting="+OK ",
                     starttls="STLS", go="+OK ", list="CAPA", listed=("SASL ", MECHANISMS),
                     auth="AUTH {}", challenge="+ ", refused="-ERR "),
}


def line_beginning(client, text):
    """The next line that begins so."""
    while (line := client.line()) is not None:
        if line.startswith(text):
            return line
    raise EOFError(f"closed before {text!r}")


class Authd:
    """The conversation of one front with authd/login, which the test leads."""

    def __init__(self, listener):
        self.socket, _ = listener.accept()
        self.socket.settimeout(20)
        self.tag = None

    def hears(self):
        """The next packet without its tag."""
        verb, self.tag, *fields = decode(self.socket.recv(65536))
        return [verb, *fields]

    def says(self, verb, *fields):
        self.socket.send(encode(verb, self.tag, *fields))


class House(Tlsd):
    """A run directory with the real tlsd, and with the test in the place of all others."""

    def __init__(self):
        super().__init__("ecdsa")
        authority = Authority(self.directory, "ca")
        self.anna = authority.issue("/CN=Anna", "subjectAltName=email:anna@example.test")
        self.set("client_ca", authority.certificate)
        self.fronts, self.lookups = [], []
        self.listeners = {name: self.listen(name)
                          for name in ("authd/login", "authd/lookup", "queue/intake", "imap/session", "pop3/session")}
        threading.Thread(target=self.count_clients, daemon=True).start()
        for protocol in PROTOCOLS.values():
            shutil.copy(built(protocol.program), self.directory)

    def listen(self, name):
        path = self.run / name
        path.parent.mkdir(exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.settimeout(20)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(50)
        return listener

    def count_clients(self):
        """Nobody has too many connections: what authd/lookup says to `client`."""
        while True:
            try:
                lookup, _ = self.listeners["authd/lookup"].accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.lookups.append(lookup)  # open as long as the front: it is the client's lease
            verb, tag, *_ = decode(lookup.recv(65536))
            assert verb == "client"
            lookup.send(encode("ok", tag))

    def connect(self, protocol, tls):
        """A client at a front of its own, and the front's conversation with authd."""
        user = pwd.getpwnam(protocol.program)
        with socket.create_server(("127.0.0.1", 0)) as server, open(self.log_path, "ab") as log:
            client = Dialogue(server.getsockname()[1])
            connection, _ = server.accept()
            with connection:
                self.fronts.append(subprocess.Popen(
                    [self.directory / protocol.program, *protocol.arguments[tls]], stdin=connection, stdout=connection, stderr=log,
                    cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                    env={"POSTERN_SETTINGS": str(self.settings), "ASAN_OPTIONS": "detect_leaks=0"}))
        return client, Authd(self.listeners["authd/login"])

    def stop(self):
        for front in self.fronts:
            front.kill()
            front.wait()
        for listener in self.listeners.values():
            listener.close()
        super().stop()

    def handed_over(self, protocol):
        """What the front tells the sessions; connections of fronts that have ended say nothing."""
        while True:
            session, _ = self.listeners[f"{protocol.service}/session"].accept()
            with session:
                session.settimeout(20)
                if packet := session.recv(65536):
                    return decode(packet)


@pytest.fixture(scope="module")
def house():
    with House() as running:
        yield running


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return PROTOCOLS[request.param]


def context_of(pair, version=TLS13):
    context = version_context(version)
    if pair:
        context.load_cert_chain(*pair)
    return context


def begin(house, protocol, pair=None, version=TLS13):
    """A client in TLS that may now log in; (client, authd, what the front said of it)."""
    client, authd = house.connect(protocol, tls=True)
    client.begin_tls(context_of(pair, version))
    hello = authd.hears()
    authd.says("ok", MECHANISMS)
    protocol.open(client)
    return client, authd, hello


# --- who is there ----------------------------------------------------------------------


def names_of(binding):
    return [part.split("=")[0] for part in binding.split(" ")]


@pytest.mark.parametrize("version", VERSIONS)
def test_hello_bears_the_certificate_and_the_bindings(house, protocol, version):
    client, authd, hello = begin(house, protocol, house.anna, VERSIONS[version])
    assert hello[:5] == ["hello", protocol.service, "127.0.0.1", "tls", "anna@example.test"] and len(hello) == 6
    assert "tls-exporter" in names_of(hello[5])
    if version == "TLSv1.2":
        unique = base64.b64encode(client.socket.get_channel_binding("tls-unique")).decode()
        assert f"tls-unique={unique}" in hello[5].split(" ")
    client.close()


def test_hello_without_a_certificate(house, protocol):
    client, _, hello = begin(house, protocol)
    assert hello[3:5] == ["tls", ""] and "tls-exporter" in names_of(hello[5])
    client.close()


def test_hello_before_and_after_starttls(house, protocol):
    client, authd = house.connect(protocol, tls=False)
    assert authd.hears() == ["hello", protocol.service, "127.0.0.1", "plain", "", ""]
    authd.says("ok", "")
    protocol.open(client)
    client.send(protocol.starttls + "\r\n")
    assert client.line().startswith(protocol.go)
    client.begin_tls(context_of(house.anna))
    hello = authd.hears()
    assert hello[3:5] == ["tls", "anna@example.test"] and "tls-exporter" in names_of(hello[5])
    authd.says("ok", MECHANISMS)
    client.close()


def test_smtpd_logs_the_name(house):
    client, authd, _ = begin(house, PROTOCOLS["smtp"], house.anna)
    house.wait_log("connect ")
    line = [line for line in house.log().splitlines() if "postern-smtpd: info: connect" in line][-1]
    assert "certificate=anna@example.test" in line
    client.close()


# --- mechanisms and exchanges ------------------------------------------------------------


def test_the_mechanisms_are_authds(house, protocol):
    client, _, _ = begin(house, protocol)
    client.send(protocol.list + "\r\n")
    begins, names = protocol.listed
    assert line_beginning(client, begins).endswith(names)
    client.close()


def test_an_exchange_with_words_of_the_server_at_its_end(house, protocol):
    """SCRAM: client-first, server-first, client-final, server-final, and an empty response to that (RFC 5802 section 5; RFC 4954
    section 4, RFC 3501 section 6.2.2, RFC 5034 section 4: an empty line)."""
    client, authd, _ = begin(house, protocol)
    client.send(protocol.auth.format("SCRAM-SHA-256-PLUS") + "\r\n")
    assert authd.hears() == ["auth", "SCRAM-SHA-256-PLUS"]
    for challenge, response in (("", "Y2xpZW50LWZpcnN0"), ("c2VydmVyLWZpcnN0", "Y2xpZW50LWZpbmFs"), ("c2VydmVyLWZpbmFs", "")):
        authd.says("more", challenge)
        assert client.line() == protocol.challenge + challenge
        client.send(response + "\r\n")
        assert authd.hears() == ["more", response]
    authd.says("ok", "anna@example.test", "ticket")
    if protocol.service == "submission":
        assert client.line().startswith("235 ")
    else:
        assert house.handed_over(protocol)[2] == "ticket"
    client.close()


def test_an_empty_initial_response(house, protocol):
    """EXTERNAL in the client's own name: "=" is an empty response (RFC 4422 appendix A, RFC 4954 section 4)."""
    client, authd, _ = begin(house, protocol, house.anna)
    client.send(protocol.auth.format("EXTERNAL =") + "\r\n")
    assert authd.hears() == ["auth", "EXTERNAL", "="]
    authd.says("no", "the certificate names nobody")
    assert client.line().startswith(protocol.refused)
    client.close()
