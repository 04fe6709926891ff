"""Under inetd the client's connection is standard error too: what a program logs must not reach the client."""
import socket
import subprocess
import time

import pytest


def launch(suite, program, user, arguments=()):
    """As inetd: the connection on the descriptors 0, 1 and 2. Returns our end and the process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        client.settimeout(20)
        connection, _ = listening.accept()
    with connection:
        process = subprocess.Popen([suite.libexec / program, *arguments], stdin=connection, stdout=connection,
                                   stderr=connection, user=user, group=user, extra_groups=[],
                                   env={"POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0"})
    return client, process


def everything(client):
    """All that comes until the program closes."""
    heard = b""
    while part := client.recv(65536):
        heard += part
    return heard


# What each program is told, so that it logs, and what is in its last answer.
DIALOGUES = [
    ("postern-imapd", b"x\r\n" * 20, b"* BYE too many mistakes\r\n"),
    ("postern-pop3d", b"x\r\n" * 20, b"-ERR unknown command\r\n"),
    ("postern-lmtpd", b"LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.test>\r\nQUIT\r\n", b"221 2.0.0 Bye\r\n"),
    ("postern-smtpd", b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@example.test>\r\nQUIT\r\n", b"221 2.0.0 Bye\r\n"),
]


@pytest.mark.parametrize("program, said, last", DIALOGUES, ids=[program for program, *_ in DIALOGUES])
def test_no_log_line_reaches_the_client(suite, program, said, last):
    client, process = launch(suite, program, program)
    with client:
        client.sendall(said)
        heard = everything(client)
    assert process.wait(20) == 0
    assert heard.endswith(last) and b"postern-" not in heard, heard


@pytest.mark.parametrize("program", ["postern-imapd", "postern-pop3d", "postern-lmtpd", "postern-smtpd"])
def test_nor_does_one_of_a_start_that_fails(suite, program):
    """Started as root: each refuses, with a line in the log."""
    client, process = launch(suite, program, "root")
    with client:
        heard = everything(client)
    assert process.wait(20) == 100
    assert b"postern-" not in heard and b"root" not in heard, heard


@pytest.mark.parametrize("program, command", [("postern-imapd", b"a STARTTLS\r\n"), ("postern-pop3d", b"STLS\r\n"),
                                              ("postern-smtpd", b"STARTTLS\r\n")],
                         ids=["imapd", "pop3d", "smtpd"])
def test_a_handshake_that_fails(suite, program, command):
    """After the answer to STARTTLS comes an alert of TLS or nothing."""
    client, process = launch(suite, program, program)
    with client:
        client.recv(1000)
        if program == "postern-smtpd":
            client.sendall(b"EHLO me\r\n")
            time.sleep(0.2)
        client.sendall(command)
        time.sleep(0.3)
        client.sendall(b"this is no TLS\r\n" * 4)
        client.shutdown(socket.SHUT_WR)
        heard = everything(client)
    process.wait(20)
    assert b"postern-" not in heard and b"tls-failed" not in heard, heard
