"""The channel bindings that postern-tlsd tells a front are those that the client computes: OpenSSL's own numbers are compared."""
import base64
import hashlib
import re
import ssl

import pytest

from harness.authority import Authority, openssl
from harness.tls import s_client_answer, TLS12, TLS13, Tlsd, version_context

NO_EXTENDED_MASTER_SECRET = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET; Python has no name for it


@pytest.fixture(scope="module")
def tlsd():
    with Tlsd("ecdsa") as running:
        yield running


def bindings(answer):
    """Name -> bytes."""
    parts = [part.split("=", 1) for part in answer[5].split(" ")]
    return {name: base64.b64decode(value, validate=True) for name, value in parts}


def session(tlsd, context, ticket=None):
    """(what tlsd tells, the client's tls-unique, whether it was resumed, a ticket) of one session."""
    secure, plain, answer = tlsd.session(context, ticket)
    plain.sendall(b"x")
    assert secure.recv(1) == b"x"
    result = bindings(answer), secure.get_channel_binding("tls-unique"), secure.session_reused, secure.session
    secure.close(), plain.close()
    return result


def test_tls_unique(tlsd):
    told, unique, resumed, _ = session(tlsd, version_context(TLS12))
    assert told["tls-unique"] == unique and len(unique) == 12 and not resumed


def test_tls_unique_of_a_resumed_session(tlsd):
    """There the server says its Finished first."""
    context = version_context(TLS12)
    first, _, _, ticket = session(tlsd, context)
    told, unique, resumed, _ = session(tlsd, context, ticket)
    assert resumed and told["tls-unique"] == unique != first["tls-unique"]


def test_tls13_has_no_tls_unique(tlsd):
    told, *_ = session(tlsd, version_context(TLS13))
    assert set(told) == {"tls-exporter", "tls-server-end-point"}


def test_without_the_extended_master_secret_nothing_of_the_session_binds(tlsd):
    context = version_context(TLS12)
    context.options |= NO_EXTENDED_MASTER_SECRET
    told, *_ = session(tlsd, context)
    assert set(told) == {"tls-server-end-point"}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_tls_exporter(tlsd, version):
    output, answer = s_client_answer(tlsd, version, "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32")
    material = re.search(r"Keying material: ([0-9A-F]{64})\n", output)
    assert bindings(answer)["tls-exporter"] == bytes.fromhex(material[1])


def test_each_session_has_its_own(tlsd):
    for version in (TLS12, TLS13):
        context = version_context(version)
        one, _, _, ticket = session(tlsd, context)
        other, _, resumed, _ = session(tlsd, context, ticket)
        assert resumed and one["tls-exporter"] != other["tls-exporter"]


def test_the_log_does_not_tell_them(tlsd):
    told, *_ = session(tlsd, version_context(TLS12))
    for value in told.values():
        assert base64.b64encode(value).decode() not in tlsd.log()


def sign_with_authority(tlsd):
    """A certificate of an Ed25519 CA: that signature has no hash."""
    authority = Authority(tlsd.directory, "hashless", kind="ed25519")
    authority.sign(tlsd.key, tlsd.certificate, "/CN=mail.example.test", [])


def sign_with_hash(tlsd, *options):
    openssl("req", "-x509", "-key", tlsd.key, "-days", "300", "-subj", "/CN=mail.example.test", *options, "-out", tlsd.certificate)


@pytest.mark.parametrize("kind,options,hash_name", [
    ("ecdsa", ["-sha256"], "sha256"), ("ecdsa", ["-sha384"], "sha384"), ("rsa", ["-sha512"], "sha512"),
    ("rsa", ["-sha384", "-sigopt", "rsa_padding_mode:pss"], "sha384"), ("ecdsa", None, None)])
def test_tls_server_end_point(kind, options, hash_name):
    tlsd = Tlsd(kind)
    if options:
        sign_with_hash(tlsd, *options)
    else:
        sign_with_authority(tlsd)
    der = ssl.PEM_cert_to_DER_cert(tlsd.certificate.read_text())
    with tlsd:
        told, *_ = session(tlsd, version_context(TLS13))
    assert told.get("tls-server-end-point") == (hashlib.new(hash_name, der).digest() if hash_name else None)
    assert "tls-exporter" in told
