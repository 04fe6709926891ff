"""Sessions that are resumed by tickets: by any child, at any service, with keys that are made anew by themselves."""
import pathlib
import re
import socket
import time

import pytest

from harness import wait_for
from harness.authority import Authority
from harness.tls import TLS12, TLS13, Tlsd, s_client, version_context

VERSIONS = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])


def talk(tlsd, context, ticket=None, name="mail.example.test"):
    """A short session: (resumed, the ticket that it leaves, tlsd's answer)."""
    secure, plain, answer = tlsd.session(context, ticket, name)
    with secure, plain:
        plain.sendall(b"x")
        assert secure.recv(1) == b"x"  # a ticket of TLS 1.3 came before
        return secure.session_reused, secure.session, answer


@pytest.fixture(scope="module")
def quick():
    """Sessions of three seconds."""
    with Tlsd("ecdsa", tls_resumption="3s") as tlsd:
        yield tlsd


@VERSIONS
def test_not_after_the_lifetime(quick, version):
    context = version_context(version)
    _, ticket, _ = talk(quick, context)
    assert talk(quick, context, ticket)[0]
    time.sleep(4.1)
    assert not talk(quick, context, ticket)[0]


@VERSIONS
def test_across_a_rotation(quick, version):
    """A ticket of the key before is taken, and another one comes that is of the newest key."""
    context = version_context(version)
    count = quick.log().count("ticket-key-renewed")
    _, ticket, _ = talk(quick, context)
    deadline = time.monotonic() + 2.8  # within its life, if a rotation falls there
    while quick.log().count("ticket-key-renewed") == count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert quick.log().count("ticket-key-renewed") > count or pytest.skip("no rotation in this moment")
    resumed, newer, _ = talk(quick, context, ticket)
    assert resumed
    assert talk(quick, context, newer)[0]


@VERSIONS
def test_across_a_reload(version):
    with Tlsd("ecdsa") as tlsd:
        context = version_context(version)
        _, ticket, _ = talk(tlsd, context)
        tlsd.reload()
        assert talk(tlsd, context, ticket)[0]


@VERSIONS
def test_not_with_another_profile(version):
    """A session of an old client may have a cipher that is refused today."""
    with Tlsd("ecdsa", tls_profile="intermediate") as tlsd:
        context = version_context(version)
        _, ticket, _ = talk(tlsd, context)
        assert talk(tlsd, context, ticket)[0]
        tlsd.set("tls_profile", "modern")
        tlsd.reload()
        assert not talk(tlsd, context, ticket)[0]


@VERSIONS
def test_switched_off(version):
    with Tlsd("ecdsa", tls_resumption="0") as tlsd:
        context = version_context(version)
        _, ticket, _ = talk(tlsd, context)
        assert ticket is None or not ticket.has_ticket or not talk(tlsd, context, ticket)[0]


@VERSIONS
def test_the_bindings_of_a_resumed_session_are_of_the_certificate_that_was_shown(version):
    """tls-server-end-point (RFC 5929 section 4): the client goes by the certificate of the full handshake, whatever is the default now."""
    with Tlsd("ecdsa") as tlsd:
        authority = Authority(tlsd.directory, "authority")
        pair = authority.issue("/CN=other.test", "subjectAltName=DNS:other.test")
        directory = tlsd.add("other", *pair)
        tlsd.reload()
        context = version_context(version)
        _, ticket, full = talk(tlsd, context, name="other.test")
        renewed = authority.issue("/CN=other.test", "subjectAltName=DNS:other.test")
        tlsd.add("other", *renewed)
        tlsd.reload()
        resumed, _, again = talk(tlsd, context, ticket, name="other.test")
        assert resumed and directory.exists()
        assert end_point(again) == end_point(full) != end_point(talk(tlsd, context, name="other.test")[2])


def visit(suite, service, context, ticket=None):
    """A greeting by TLS: (resumed, the ticket that it leaves)."""
    with socket.create_connection(("127.0.0.1", suite.ports[service]), 20) as client:
        if service in ("smtpd", "submission"):
            for line in (b"", b"EHLO client.test\r\n", b"STARTTLS\r\n"):
                client.sendall(line)
                while not re.search(rb"^\d\d\d ", client.recv(4096), re.M):
                    pass
        with context.wrap_socket(client, server_hostname="mail.example.test", session=ticket) as secure:
            if service in ("smtpd", "submission"):
                secure.sendall(b"NOOP\r\n")
            assert secure.recv(4096)
            return secure.session_reused, secure.session


@VERSIONS
def test_across_services(suite, version):
    """A session of one service goes on at each other one."""
    context = version_context(version)
    resumed, ticket = visit(suite, "smtps", context)
    assert not resumed
    for service in ("imaps", "pop3s", "smtpd", "submission", "smtps"):
        resumed, ticket = visit(suite, service, context, ticket)
        assert resumed, service


def end_point(answer):
    return dict(part.split("=", 1) for part in answer[5].split())["tls-server-end-point"]


def test_a_child_forgets_the_keys_when_its_handshake_is_done():
    """Else a session of a day would hold keys that the acceptor has long thrown away."""
    with Tlsd("ecdsa") as tlsd:
        name = ticket_of(tlsd)[:16]
        tlsd.wait_children(0)
        secure, plain, _ = tlsd.session()
        waiting, question = tlsd.hand_over()
        tlsd.wait_children(2)
        done, begun = tlsd.children()
        wait_for("the end of the handshake", 5, lambda: name not in variables(done))
        assert name in variables(tlsd.process.pid) and name in variables(begun)
        waiting.close(), question.peer.socket.close(), secure.close(), plain.close()


def variables(pid):
    """The memory of the program's own variables, where the keys are (with their names, which travel in each ticket)."""
    lines = [line.split() for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()]
    own = [at for at, line in enumerate(lines) if line[-1].endswith("/postern-tlsd")]
    content = b""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in lines[own[0]:own[-1] + 2]:  # the last is .bss
            first, last = (int(x, 16) for x in line[0].split("-"))
            mem.seek(first)
            content += mem.read(last - first)
    return content


def ticket_of(tlsd):
    """A ticket's bytes, as openssl s_client shows them; the first sixteen are the name of its key."""
    lines = re.findall(r"^    [0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){16})", s_client(tlsd, "-tls1_2"), re.M)
    return bytes.fromhex(lines[0].replace("-", " "))
