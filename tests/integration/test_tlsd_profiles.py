"""Which clients are served (the setting tls_profile), by openssl s_client, sslscan and Postfix's posttls-finger."""
import contextlib
import re
import socket
import subprocess
import threading

import pytest

from harness.tls import Question, Tlsd, s_client

OLD = ("-cipher", "DEFAULT@SECLEVEL=0")
#          what a client offers                                                          modern  intermediate old
OFFERS = {
    "TLS 1.3": (("-tls1_3",),                                                             True,  True,  True),
    "TLS 1.2, AES-GCM": (("-tls1_2", "-cipher", "ECDHE+AESGCM"),                          True,  True,  True),
    "TLS 1.2, ChaCha20": (("-tls1_2", "-cipher", "ECDHE+CHACHA20"),                       True,  True,  True),
    "X25519": (("-groups", "X25519"),                                                     True,  True,  True),
    "P-384": (("-groups", "P-384"),                                                       True,  True,  True),
    "TLS 1.2, AES-CBC with SHA-256": (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256"), False, True, True),
    "TLS 1.2, AES-CBC with SHA-1": (("-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA"), False, True, True),
    "TLS 1.2, signed with SHA-1": (("-tls1_2", "-cipher", "ECDHE+AESGCM:@SECLEVEL=0", "-sigalgs", "RSA+SHA1:ECDSA+SHA1"), False, False, True),
    "TLS 1.1": (("-tls1_1", *OLD),                                                        False, False, True),
    "TLS 1.0": (("-tls1", *OLD),                                                          False, False, True),
    "no forward secrecy": (("-tls1_2", "-cipher", "AES128-GCM-SHA256"),                   False, False, False),
    "finite fields": (("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"),                False, False, False),
    "no encryption": (("-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"),                        False, False, False),
    "no authentication": (("-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"),                    False, False, False),
}
PROFILES = ("modern", "intermediate", "old")


@pytest.fixture(scope="module", params=[(profile, kind) for profile in PROFILES for kind in ("rsa", "ecdsa")], ids="-".join)
def profiled(request):
    profile, kind = request.param
    with Tlsd(kind, tls_profile=profile) as tlsd:
        tlsd.profile = profile
        yield tlsd


@pytest.mark.parametrize("offer", OFFERS)
def test_who_is_served(profiled, offer):
    arguments, *served = OFFERS[offer]
    output = s_client(profiled, *arguments)
    assert ("greeting of the front" in output) == served[PROFILES.index(profiled.profile)], output
    if "greeting of the front" not in output:
        profiled.wait_log("tls-failed")


def test_the_profile_changes_at_a_reload():
    with Tlsd("rsa") as tlsd:
        assert "greeting" not in s_client(tlsd, "-tls1", *OLD)
        tlsd.set("tls_profile", "old")
        tlsd.reload()
        assert "greeting" in s_client(tlsd, "-tls1", *OLD)


# --- scanners: many connections to one port ----------------------------------------------


@contextlib.contextmanager
def port_of(tlsd, greet=lambda connection: None, behind=None):
    """A port whose connections go to tlsd, after greet() in plain text; behind it nobody says anything, or behind(plain) does."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        def serve():
            held = []
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        greet(connection)
                        held.append(Question(tlsd, connection))
                        if behind:
                            behind(held[-1].answer()[1])
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture(scope="module")
def scan():
    with Tlsd("rsa") as tlsd, port_of(tlsd) as port:
        return subprocess.run(["sslscan", "--no-colour", "--ocsp", f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=120).stdout


@pytest.mark.parametrize("line", [
    r"TLSv1.0 +disabled", r"TLSv1.1 +disabled", r"TLSv1.2 +enabled", r"TLSv1.3 +enabled", r"SSLv3 +disabled",
    r"(?i)not vulnerable to heartbleed.*", r"Session renegotiation not supported|Secure session renegotiation supported",
    r"Preferred TLSv1.3 .*Curve 25519", r"Server supports TLS Fallback SCSV", r"RSA Key Strength: +2048"])
def test_sslscan(scan, line):
    assert re.search(line, scan), scan


def test_sslscan_finds_no_weak_cipher(scan):
    ciphers = [line for line in scan.splitlines() if line.startswith(("Accepted", "Preferred"))]
    assert len(ciphers) >= 5, scan
    assert not [line for line in ciphers if "ECDHE-" not in line and "TLS_" not in line]
    assert not [line for line in ciphers if "CBC" in line or line.split()[-1] in ("CBC",) or "-SHA " in line]


def answer(connection, answers):
    """Answers lines by their first word, until one has no answer or is the last that is expected."""
    for line in connection.makefile("rb", buffering=0):
        word = line.split()[0].upper()
        connection.sendall(answers[word])
        if word in (b"STARTTLS", b"QUIT"):
            return


def smtp_greeting(connection):
    """What smtpd says before it hands over."""
    connection.sendall(b"220 mail.example.test ESMTP\r\n")
    answer(connection, {b"EHLO": b"250-mail.example.test\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 ready\r\n"})


def smtp_behind(plain):
    answer(plain, {b"EHLO": b"250 mail.example.test\r\n", b"QUIT": b"221 bye\r\n"})
    plain.close()


def test_posttls_finger():
    """Postfix's own client of TLS, at its level `encrypt`: it is content, and names what it got."""
    with Tlsd("ecdsa") as tlsd, port_of(tlsd, smtp_greeting, smtp_behind) as port:
        result = subprocess.run(["posttls-finger", "-c", "-l", "encrypt", "-Lsummary", "-t", "5", f"[127.0.0.1]:{port}"],
                                capture_output=True, text=True, timeout=60)
        assert "TLS connection established" in result.stderr + result.stdout and "TLSv1.3" in result.stderr + result.stdout, result
