"""postern-tlsd names clients by their certificates (setting client_ca); OpenSSL through Python's ssl is the client."""
import os
import signal
import ssl
import time

import pytest

from harness import wait_for
from harness.authority import Authority, replace, valid
from harness.tls import TLS12, TLS13, Tlsd, version_context

VERSIONS = {"TLSv1.2": TLS12, "TLSv1.3": TLS13}
MAIL = "subjectAltName=email:anna@example.test"


class Named(Tlsd):
    """tlsd that trusts `ours`; `other` is a CA that it does not know, `impostor` one that calls itself `ours`."""

    def __init__(self):
        super().__init__("ecdsa")
        self.ours, self.other = Authority(self.directory, "ours"), Authority(self.directory, "other")
        (self.directory / "impostor").mkdir()
        self.impostor = Authority(self.directory / "impostor", "ours")
        self.client_ca = self.directory / "client_ca.pem"
        self.trust(self.ours.certificate.read_text())
        self.set("client_ca", self.client_ca)

    def trust(self, text):
        self.client_ca.write_text(text)

    def reload(self):
        before = self.log().count("certificate-loaded")
        os.kill(self.process.pid, signal.SIGHUP)
        wait_for("the reload", 10, lambda: self.log().count("certificate-loaded") == before + 1)

    def name(self, pair, version=TLS13):
        """The name that the front is told of a client with this certificate (None: with none)."""
        secure, plain, answer = self.session(context_with(pair, version))
        assert answer[0] == "ok"
        secure.sendall(b"x")
        assert plain.recv(1) == b"x"
        secure.close(), plain.close()
        return answer[4]


def context_with(pair, version=TLS13):
    context = version_context(version)
    if pair:
        context.load_cert_chain(*pair)
    return context


@pytest.fixture(scope="module")
def tlsd():
    with Named().start() as running:
        yield running


# --- names ------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_mail_address_of_the_certificate_is_the_name(tlsd, version):
    pair = tlsd.ours.issue("/CN=Anna", "subjectAltName=DNS:laptop.example.test,email:anna@example.test,email:second@example.test",
                           "extendedKeyUsage=clientAuth")
    assert tlsd.name(pair, VERSIONS[version]) == "anna@example.test"
    tlsd.wait_log("client=anna@example.test")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_certificate_no_name(tlsd, version):
    lines = tlsd.log().count("client-not-named")
    assert tlsd.name(None, VERSIONS[version]) == ""
    assert tlsd.log().count("client-not-named") == lines


@pytest.mark.parametrize("subject,extensions,name", [
    ("/CN=anna@example.test", [], "anna@example.test"),
    ("/O=Example/CN=anna", ["subjectAltName=DNS:laptop.example.test"], "anna"),
    ("/CN=änna@bücher.test", [], "änna@bücher.test"),
    ("/O=Example", [MAIL], "anna@example.test"),
    ("/CN=one/CN=two", [MAIL], "anna@example.test"),
    ("/CN=x", ["subjectAltName=email:" + "a" * 243 + "@example.tes"], "a" * 243 + "@example.tes"),
], ids=["common name", "no address in the extension", "UTF-8", "address alone", "address and two common names", "255 bytes"])
def test_where_the_name_is(tlsd, subject, extensions, name):
    assert tlsd.name(tlsd.ours.issue(subject, *extensions)) == name


@pytest.mark.parametrize("subject,extensions,change,reason", [
    ("/CN=anna@example.test!.evil.test", [], replace(b"t!.", b"t\0."), "a NUL or another control byte"),
    ("/CN=anna@example.test!.evil.test", [], replace(b"t!.", b"t\n."), "a NUL or another control byte"),
    ("/CN=eve", ["subjectAltName=email:anna@example.test!.evil.test"], replace(b"t!.", b"t\0."), "a NUL or another control byte"),
    ("/CN=eve", ["subjectAltName=email:anna@example.test!.evil.test"], replace(b"t!.", b"t\x7f."), "a NUL or another control byte"),
    ("/CN=eve", ["subjectAltName=email:anna!@example.test"], replace(b"anna!@", b"anna\xe4@"), "not ASCII"),
    ("/CN=eve", ["subjectAltName=email:" + "a" * 244 + "@example.tes"], None, "too long"),
    ("/CN=anna\u0085", [], None, "a control character"),
    ("/CN=one/CN=two", [], None, "several common names"),
    ("/O=Example", [], None, "neither"),
], ids=["NUL", "line end", "NUL in the address", "DEL in the address", "8 bits in the address", "256 bytes", "C1", "two common names",
        "none at all"])
def test_what_is_no_name(tlsd, subject, extensions, change, reason):
    """A NUL cuts the name short for whoever reads it as a C string: the CA signed one name, the server reads another."""
    assert tlsd.name(tlsd.ours.issue(subject, *extensions, change=change)) == ""
    assert reason in last_reason(tlsd)


def last_reason(tlsd):
    tlsd.wait_log("client-not-named")
    return [line for line in tlsd.log().splitlines() if "client-not-named" in line][-1]


# --- certificates that do not count: the session goes on without a name --------------


NOT_VERIFIED = {
    "expired": (lambda t: t.ours.issue("/CN=anna", MAIL, change=valid("200101000000Z", "200102000000Z")), "has expired"),
    "to come": (lambda t: t.ours.issue("/CN=anna", MAIL, change=valid("450101000000Z", "450102000000Z")), "not yet valid"),
    "for servers": (lambda t: t.ours.issue("/CN=anna", MAIL, "extendedKeyUsage=serverAuth"), "certificate purpose"),
    "of an impostor": (lambda t: t.impostor.issue("/CN=anna", MAIL, "authorityKeyIdentifier=none"), "signature failure"),
    "of another CA": (lambda t: t.other.issue("/CN=anna", MAIL), "unable to get local issuer certificate"),
    "of itself": (lambda t: (t.other.certificate, t.other.key), "self-signed certificate"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("what", NOT_VERIFIED)
def test_the_session_goes_on_without_a_name(tlsd, version, what):
    make, reason = NOT_VERIFIED[what]
    assert tlsd.name(make(tlsd), VERSIONS[version]) == ""
    assert reason in last_reason(tlsd)


def test_a_client_without_the_key_gets_nowhere(tlsd):
    """The certificate is public; who cannot sign with its key has no session at all."""
    certificate, _ = tlsd.ours.issue("/CN=anna", MAIL)
    _, key = tlsd.ours.issue("/CN=eve")
    with pytest.raises(ssl.SSLError):  # Python's own check: its client never sends them
        context_with((certificate, key))


def test_by_an_authority_below(tlsd):
    below = Authority(tlsd.directory, "below", above=tlsd.ours)
    certificate, key = below.issue("/CN=anna", MAIL)
    assert tlsd.name((certificate, key)) == ""
    certificate.write_text(certificate.read_text() + below.certificate.read_text())
    assert tlsd.name((certificate, key)) == "anna@example.test"


# --- resumption ---------------------------------------------------------------------


def session(tlsd, context, ticket=None):
    """A session and the ticket that came with it: (name, whether it was resumed, ticket)."""
    secure, plain, answer = tlsd.session(context, ticket)
    plain.sendall(b"x")
    assert secure.recv(1) == b"x"  # the ticket came before
    result = answer[4], secure.session_reused, secure.session
    secure.close(), plain.close()
    return result


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_does_not_name(tlsd, version):
    """Who has a certificate shakes hands in full, so that it is verified again; who has none may resume."""
    with_certificate = context_with(tlsd.ours.issue("/CN=anna", MAIL), VERSIONS[version])
    _, _, ticket = session(tlsd, with_certificate)
    assert session(tlsd, with_certificate, ticket)[:2] == ("anna@example.test", False)
    without = context_with(None, VERSIONS[version])
    _, _, ticket = session(tlsd, without)
    assert session(tlsd, without, ticket)[:2] == ("", True)


# --- the file --------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_reload(version):
    """Another CA is there: the first one's clients lose their names, with a ticket from before too."""
    with Named().start() as tlsd:
        first = context_with(tlsd.ours.issue("/CN=anna", MAIL), VERSIONS[version])
        second = tlsd.other.issue("/CN=bert", "subjectAltName=email:bert@example.test")
        name, _, ticket = session(tlsd, first)
        assert name == "anna@example.test" and tlsd.name(second) == ""
        tlsd.trust(tlsd.other.certificate.read_text())
        tlsd.reload()
        assert session(tlsd, first, ticket)[:2] == ("", False) and session(tlsd, first)[0] == ""
        assert tlsd.name(second) == "bert@example.test"


def test_a_large_file():
    """All the text between the certificates, and two CAs: more than a packet holds."""
    tlsd = Named()
    comment = "# of the house\n" * 20000
    tlsd.trust(comment + tlsd.other.certificate.read_text() + comment + tlsd.ours.certificate.read_text())
    with tlsd:
        assert tlsd.name(tlsd.ours.issue("/CN=anna")) == "anna" and tlsd.name(tlsd.other.issue("/CN=bert")) == "bert"
        tlsd.reload()
        assert tlsd.name(tlsd.ours.issue("/CN=anna")) == "anna"
        for _ in range(5):  # a second reload while the first is under way
            os.kill(tlsd.process.pid, signal.SIGHUP)
            time.sleep(0.005)
        assert tlsd.name(tlsd.ours.issue("/CN=anna")) == "anna"
        tlsd.reload()
        assert "rehearsal-failed" not in tlsd.log() and "reload-failed" not in tlsd.log()


def test_an_authority_without_the_one_above_it():
    """The administrator trusts the one that he names, and no other of the same root."""
    tlsd = Named()
    below = Authority(tlsd.directory, "below", above=tlsd.ours)
    tlsd.trust(below.certificate.read_text())
    with tlsd:
        assert tlsd.name(below.issue("/CN=anna")) == "anna" and tlsd.name(tlsd.ours.issue("/CN=bert")) == ""


def test_revocation():
    with Named().start() as tlsd:
        anna, bert = tlsd.ours.issue("/CN=anna"), tlsd.ours.issue("/CN=bert")
        assert tlsd.name(anna) == "anna"
        tlsd.trust(tlsd.ours.certificate.read_text() + tlsd.ours.revocations(anna[0]))
        tlsd.reload()
        assert tlsd.name(anna) == "" and "certificate revoked" in last_reason(tlsd)
        assert tlsd.name(bert) == "bert"


UNFIT = {
    "missing": (lambda t: t.client_ca.unlink(), "No such file"),
    "empty": (lambda t: t.trust(""), "no certificate in PEM"),
    "no PEM": (lambda t: t.trust("this is not PEM\n"), "no certificate in PEM"),
    "a NUL": (lambda t: t.trust("\0" + t.ours.certificate.read_text()), "not text"),
    "a broken block": (lambda t: t.trust(t.ours.certificate.read_text().replace("M", "!", 1)), "cannot be read"),
    "a private key": (lambda t: t.trust(t.ours.certificate.read_text() + t.ours.key.read_text()), "private key"),
    "a client's certificate": (lambda t: t.trust(t.ours.issue("/CN=anna", "basicConstraints=CA:FALSE")[0].read_text()), "not a CA's"),
    "too long": (lambda t: t.trust(t.ours.certificate.read_text() + "#" * (1 << 20)), "too large"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_an_unfit_file(what):
    """At a reload all goes on as before; at the start it is refused."""
    spoil, reason = UNFIT[what]
    with Named().start() as tlsd:
        pair = tlsd.ours.issue("/CN=anna")
        spoil(tlsd)
        os.kill(tlsd.process.pid, signal.SIGHUP)
        tlsd.wait_log("reload-failed")
        assert tlsd.name(pair) == "anna"
        tlsd.process.terminate()
        assert tlsd.process.wait(10) == 0
        assert tlsd.spawn().wait(20) == 100
        refusals = [line for line in tlsd.log().splitlines() if "client-ca-refused" in line]
        assert len(refusals) >= 2 and all(reason in line and "hint=" in line and str(tlsd.client_ca) in line for line in refusals)


def test_without_the_setting_nobody_is_asked():
    tlsd = Named()
    (tlsd.settings / "client_ca").unlink()
    with tlsd:
        assert tlsd.name(tlsd.ours.issue("/CN=anna")) == ""
        assert "client-not-named" not in tlsd.log()
