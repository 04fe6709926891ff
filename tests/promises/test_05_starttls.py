"""Promise 5: no byte from before TLS acts after it, none after the end of TLS is read; closed in every state."""
import base64
import socket
import ssl

import pytest

from harness import Dialogue, client_context, wait_for

# service, the command that begins TLS, the beginning of its answer, a command, what its answer begins with
FRONTS = {
    "smtpd": ("EHLO a.test\r\nSTARTTLS\r\n", b"220 2", "EHLO inside.test\r\n", b"250"),
    "submission": ("EHLO a.test\r\nSTARTTLS\r\n", b"220 2", "EHLO inside.test\r\n", b"250"),
    "imapd": ("a STARTTLS\r\n", b"a OK", "b CAPABILITY\r\n", b"* CAPABILITY"),
    "pop3d": ("STLS\r\n", b"+OK", "CAPA\r\n", b"+OK"),
}
# Would end the session, had it acted; and half a command, that would spoil the next one.
SMUGGLED = {"smtpd": ["QUIT\r\n", "XX"], "submission": ["QUIT\r\n", "XX"], "imapd": ["s LOGOUT\r\n", "XX"],
            "pop3d": ["QUIT\r\n", "XX"]}
LAST = {"smtpd": b"250 ", "submission": b"250 ", "imapd": b"b OK", "pop3d": b"."}
IMPLICIT = {"smtps": ("EHLO a.test\r\n", b"220"), "imaps": ("a CAPABILITY\r\n", b"* OK"), "pop3s": ("CAPA\r\n", b"+OK")}


def read_until(dialogue, begin):
    """Lines until one begins so; None when the other side closed before."""
    while (line := dialogue.line()) is not None:
        if line.encode("utf-8", "surrogateescape").startswith(begin):
            return line
    return None


def started(suite, service, behind=""):
    """A dialogue that has said STARTTLS, with bytes behind it in the same segment. The answer was read."""
    dialogue = Dialogue(suite.ports[service])
    assert dialogue.line() is not None
    dialogue.send(FRONTS[service][0] + behind)
    answer = read_until(dialogue, FRONTS[service][1])
    return dialogue, answer


@pytest.mark.parametrize("service", FRONTS)
def test_tls_works(suite, service):
    dialogue, answer = started(suite, service)
    with dialogue:
        assert answer
        dialogue.begin_tls()
        dialogue.send(FRONTS[service][2])
        assert read_until(dialogue, FRONTS[service][3])


@pytest.mark.parametrize("service,behind", [(service, text) for service, texts in SMUGGLED.items() for text in texts])
def test_bytes_behind_starttls_never_act(suite, service, behind):
    """Command and plain text in one segment (CVE-2011-0411). The session is closed, or the bytes spoil the handshake, or they
    are thrown away: then the first answer in TLS is that to the first command in TLS, and the session lives on."""
    dialogue, answer = started(suite, service, behind)
    with dialogue:
        if answer is None:
            return
        try:
            dialogue.begin_tls()
        except OSError:
            return
        for _ in range(2):
            dialogue.send(FRONTS[service][2])
            line = dialogue.line()
            if line is None:
                return
            assert line.encode().startswith(FRONTS[service][3]) and "bye" not in line.lower(), line
            assert read_until(dialogue, LAST[service]) is not None


@pytest.mark.parametrize("service", FRONTS)
def test_tls_does_not_begin_twice(suite, service):
    dialogue, _ = started(suite, service)
    with dialogue:
        dialogue.begin_tls()
        dialogue.send(FRONTS[service][0])
        answers = [dialogue.line()]
        dialogue.send({"imapd": "z LOGOUT\r\n"}.get(service, "QUIT\r\n"))
        answers += dialogue.rest().decode().splitlines()
        assert not any(line.encode().startswith(FRONTS[service][1]) and "TLS" in line.upper() for line in answers if line), answers
        assert any(line.startswith(("5", "4", "a BAD", "a NO", "-ERR")) for line in answers if line), answers


@pytest.mark.parametrize("service", FRONTS)
def test_a_failed_handshake_ends_the_session(suite, service):
    """Garbage instead of a handshake: no command is taken in clear any more."""
    dialogue, _ = started(suite, service)
    with dialogue:
        dialogue.send("QUIT\r\n" * 3 if service != "imapd" else "z LOGOUT\r\n" * 3)
        rest = dialogue.rest()
        assert b"221" not in rest and b"BYE" not in rest and b"+OK" not in rest, rest


class Secure:
    """A TLS client over memory, so that a test decides which bytes of which records go out, and what goes beside them."""

    def __init__(self, connection):
        self.connection = connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client_context().wrap_bio(self.incoming, self.outgoing, server_hostname="mail.example.test")
        self.repeat(self.tls.do_handshake)

    def flush(self):
        self.connection.sendall(self.outgoing.read())

    def repeat(self, action):
        while True:
            try:
                result = action()
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                data = self.connection.recv(65536)
                if not data:
                    return b""
                self.incoming.write(data)

    def write(self, text):
        self.tls.write(text.encode())
        self.flush()

    def read(self):
        """What comes next; b"" at the end of any kind."""
        try:
            return self.repeat(lambda: self.tls.read(65536))
        except (ssl.SSLError, OSError):
            return b""

    def read_until(self, text):
        seen = b""
        while text not in seen:
            data = self.read()
            if not data:
                return None
            seen += data
        return seen


def secure(suite, service):
    connection = socket.create_connection(("127.0.0.1", suite.ports[service]), 20)
    return Secure(connection)


@pytest.mark.parametrize("service", IMPLICIT)
def test_nothing_after_close_notify_is_read(suite, service):
    """The client ends TLS and goes on in clear, and once more as if in TLS: no answer to either."""
    client = secure(suite, service)
    assert client.read_until(IMPLICIT[service][1])
    try:
        client.tls.unwrap()
    except ssl.SSLError:
        pass
    client.flush()
    client.connection.sendall(IMPLICIT[service][0].encode())
    rest = b""
    try:
        while data := client.connection.recv(65536):
            rest += data
    except ConnectionResetError:
        pass
    assert b"CAPABILITY" not in rest and b"250" not in rest and b"+OK" not in rest
    client.connection.close()


@pytest.mark.parametrize("service", IMPLICIT)
def test_plain_text_amid_tls_ends_it(suite, service):
    client = secure(suite, service)
    assert client.read_until(IMPLICIT[service][1])
    client.connection.sendall(IMPLICIT[service][0].encode())
    client.write(IMPLICIT[service][0])
    assert client.read_until(b"STARTTLS") is None and client.read() == b""
    client.connection.close()


CUTS = ["close_notify", "fin", "reset", "half a record"]


def cut(client, how):
    if how == "close_notify":
        try:
            client.tls.unwrap()
        except ssl.SSLError:
            pass
        client.flush()
    elif how == "half a record":
        client.tls.write(b".\r\n")
        client.connection.sendall(client.outgoing.read()[:-1])
    elif how == "reset":
        client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.connection.close()


def log_in(client, suite, user):
    blob = base64.b64encode(f"\0{user.address}\0{user.password}".encode()).decode()
    client.write(f"EHLO a.test\r\nAUTH PLAIN {blob}\r\n")
    assert client.read_until(b"235"), suite.log_text("smtps")[-2000:]


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("text", ["Subject: cut\r\n\r\nhalf a line", "Subject: cut\r\n\r\nwhole line\r\n", "Subject: cut\r\n\r\n\r\n."])
def test_a_message_cut_by_the_end_of_tls_is_not_accepted(suite, how, text):
    """In the middle of DATA, at each place where the end might be taken for the text's."""
    user = suite.user()
    client = secure(suite, "smtps")
    assert client.read_until(b"220")
    log_in(client, suite, user)
    client.write(f"MAIL FROM:<{user.address}>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n")
    assert client.read_until(b"354")
    client.write(text)
    cut(client, how)
    suite.wait_log("smtps", f"message-lost .*from={user.address}")
    assert user.messages() == []


@pytest.mark.parametrize("how", CUTS[:3])
def test_a_literal_cut_by_the_end_of_tls_is_not_appended(suite, how):
    user = suite.user()
    client = secure(suite, "imaps")
    assert client.read_until(b"* OK")
    client.write(f'a LOGIN {user.address} "{user.password}"\r\n')
    assert client.read_until(b"a OK"), suite.log_text("imap")[-2000:]
    client.write("b APPEND INBOX {1000}\r\n")
    assert client.read_until(b"+")
    client.write("Subject: cut\r\n\r\n" + "x" * 500)
    sessions = set(suite.pids("imap"))
    cut(client, how)
    wait_for("the session to end", 10, lambda: set(suite.pids("imap")) != sessions)
    assert user.messages() == []


@pytest.mark.parametrize("service", [*IMPLICIT, *FRONTS])
@pytest.mark.parametrize("how", CUTS[:3])
def test_a_cut_before_login_leaves_no_process(suite, service, how):
    program = {"smtps": "smtpd", "submission": "smtpd", "imaps": "imapd", "pop3s": "pop3d"}.get(service, service)
    before = set(suite.pids(program))
    if service in IMPLICIT:
        client = secure(suite, service)
    else:
        dialogue, _ = started(suite, service)
        client = Secure(dialogue.socket)
    cut(client, how)
    wait_for("its process to end", 10, lambda: set(suite.pids(program)) <= before)
