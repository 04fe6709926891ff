"""OCSP responses (RFC 6960) from the file ocsp.der beside the certificate: stapled when asked for, never a stale or a wrong one."""
import time

import pytest

from harness import wait_for
from harness.authority import Authority, openssl
from harness.tls import Tlsd, place, s_client


class Stapling(Tlsd):
    """A default pair with an issuer in its chain, who can make responses."""

    def __init__(self):
        super().__init__("ecdsa")
        self.issuer = Authority(self.directory, "issuer")
        self.pair = self.install("/CN=mail.example.test")

    def install(self, subject):
        pair = self.issuer.issue(subject)
        place(self, self.certificate, pair[0].read_bytes() + self.issuer.certificate.read_bytes())
        place(self, self.key, pair[1].read_bytes())
        return pair

    def respond(self, certificate=None, signer=None, status="V", minutes=60, place_it=True):
        """What openssl ocsp makes as a responder."""
        signer = signer or self.issuer
        certificate = certificate or self.pair[0]
        index, request, response = (self.directory / name for name in ("index", "request", "response"))
        serial = openssl("x509", "-in", certificate, "-noout", "-serial").decode().strip().split("=")[1]
        revoked = "260101000000Z" if status == "R" else ""
        index.write_text(f"{status}\t400101000000Z\t{revoked}\t{serial}\tunknown\t/CN=x\n")
        openssl("ocsp", "-issuer", self.issuer.certificate, "-cert", certificate, "-reqout", request, "-no_nonce")
        openssl("ocsp", "-index", index, "-rsigner", signer.certificate, "-rkey", signer.key, "-CA", self.issuer.certificate,
                "-reqin", request, "-respout", response, *(["-nmin", minutes] if minutes else []))
        if place_it:
            place(self, self.directory / "ocsp.der", response.read_bytes())
        return response

    def stapled(self, *arguments):
        output = s_client(self, "-status", *arguments)
        assert ("OCSP Response Status: successful" in output) != ("OCSP response: no response sent" in output), output
        return "OCSP Response Status: successful" in output

    def wait_stapled(self, wanted=True):
        wait_for(lambda: f"stapled: {wanted}, {self.log()}", 10, lambda: self.stapled() == wanted)


@pytest.fixture(scope="module")
def stapling():
    with Stapling() as tlsd:
        yield tlsd


def test_none_without_a_file(stapling):
    assert not stapling.stapled()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_it_is_stapled_and_the_client_verifies_it(version):
    tlsd = Stapling()
    tlsd.respond()
    with tlsd:
        output = s_client(tlsd, version, "-status", "-CAfile", str(tlsd.issuer.certificate), "-verify_return_error")
        assert "Cert Status: good" in output and "greeting of the front" in output
        assert "OCSP" not in s_client(tlsd, version)
        assert '"ocsp":"good"' in tlsd.check("--json").stdout


def test_it_is_taken_when_it_changes_and_dropped_when_it_goes():
    with Stapling() as tlsd:
        tlsd.respond()
        tlsd.wait_stapled()
        (tlsd.directory / "ocsp.der").unlink()
        tlsd.wait_stapled(False)


UNFIT = {
    "not one": (lambda t: place(t, t.directory / "ocsp.der", b"this is no response"), "it is not an OCSP response in DER"),
    "empty": (lambda t: place(t, t.directory / "ocsp.der", b""), "it is not an OCSP response in DER"),
    "cut": (lambda t: place(t, t.directory / "ocsp.der", t.respond(place_it=False).read_bytes()[:-20]), "it is not an OCSP response in DER"),
    "refused by the responder": (lambda t: place(t, t.directory / "ocsp.der", b"\x30\x03\x0a\x01\x06"), "the responder has refused to answer"),
    "another certificate": (lambda t: t.respond(t.issuer.issue("/CN=other")[0]), "it is about another certificate"),
    "a stranger's signature": (lambda t: t.respond(signer=Authority(t.directory, "stranger")), "it is not signed by the issuer"),
    "revoked": (lambda t: t.respond(status="R"), "it says that the certificate is revoked"),
    "no end": (lambda t: t.respond(minutes=None), "it does not say until when it holds"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_an_unfit_response_is_not_stapled(stapling, what):
    make, reason = UNFIT[what]
    before = stapling.log().count("ocsp-refused")
    make(stapling)
    wait_for(lambda: f"{reason} in {stapling.log()}", 10, lambda: stapling.log().count("ocsp-refused") > before or reason in stapling.log())
    line = [line for line in stapling.log().splitlines() if "ocsp-refused" in line][-1]
    assert reason in line and "ocsp.der" in line and "hint=" in line
    assert not stapling.stapled()
