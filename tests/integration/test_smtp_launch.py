"""How postern-smtpd is started: tcpserver and s6 give an environment, inetd and systemd only the connection; inetd puts it
on standard error too."""
import contextlib
import socket
import subprocess

import pytest

from harness import Smtp

FAR = "user@far.test"


@contextlib.contextmanager
def started(suite, listen, connect, log=subprocess.DEVNULL, **environment):
    """A dialogue with a process whose descriptors 0 and 1 are the connection; 2 too when log is "client"."""
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind((listen, 0))
        listening.listen(1)
        with Smtp(listening.getsockname()[1], host=connect, greet=False) as smtp:
            connection, _ = listening.accept()
            with connection:
                process = subprocess.Popen([suite.libexec / "postern-smtpd"], stdin=connection, stdout=connection,
                                           stderr=connection if log == "client" else log, user="postern-smtpd", extra_groups=[],
                                           env={"POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0",
                                                **environment})
            try:
                yield smtp
            finally:
                smtp.close()
                assert process.wait(20) == 0
                if process.stderr:
                    process.stderr.close()


@pytest.mark.parametrize("listen, connect, network, code", [
    ("127.0.0.1", "127.0.0.1", "127.0.0.0/8", 250), ("127.0.0.1", "127.0.0.1", "192.0.2.0/24", 550),
    ("::", "127.0.0.1", "127.0.0.0/8", 250), ("::1", "::1", "[::1]", 250), ("::1", "::1", "127.0.0.0/8", 550),
])
def test_the_kernel_says_who_it_is(suite, listen, connect, network, code):
    suite.set("permitted_networks", network)
    try:
        with started(suite, listen, connect) as smtp:
            assert smtp.reply()[0] == 220
            smtp.ehlo()
            smtp.command("MAIL FROM:<>")
            assert smtp.command(f"RCPT TO:<{FAR}>")[0] == code
    finally:
        suite.set("permitted_networks", "192.0.2.0/24")


def test_under_inetd_no_log_line_reaches_the_client(suite):
    with started(suite, "127.0.0.1", "127.0.0.1", log="client") as smtp:
        assert smtp.reply()[0] == 220
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        assert smtp.command(f"RCPT TO:<{FAR}>")[0] == 550
        assert smtp.command("QUIT")[0] == 221
        assert smtp.rest() == b""


def test_under_inetd_starttls(suite):
    with started(suite, "127.0.0.1", "127.0.0.1", log="client") as smtp:
        assert smtp.reply()[0] == 220
        smtp.ehlo()
        smtp.starttls()
        assert smtp.command("QUIT")[0] == 221


def test_wrong_arguments(suite):
    for arguments in (["--mode"], ["--mode", "lmtp"], ["smtp"], ["--mode", "smtp", "more"]):
        result = suite.tool("smtpd", *arguments, check=False)
        assert result.returncode == 100 and "usage:" in result.stderr and result.stdout == ""


def test_what_it_says_of_itself(suite):
    contract = dict(line.split("\t", 1) for line in suite.tool("smtpd", "--contract").stdout.splitlines())
    assert contract["calls"] == "basic messages dup" and contract["memory"] == str(16 << 20)
    assert contract["reaches"] == "nothing"


def test_it_refuses_to_run_as_root(suite):
    result = suite.tool("smtpd", check=False)
    assert result.stdout.startswith("421 4.3.5 ") and "started-as-root" in result.stderr and result.returncode == 100
