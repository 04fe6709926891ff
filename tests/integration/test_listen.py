"""postern-listen: a program for each connection, as tcpserver starts it."""
import contextlib
import os
import pathlib
import pwd
import signal
import socket
import subprocess

import pytest

from harness import built, wait_for
from harness.suite import free_ports

LISTEN = str(built("postern-listen"))
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"}


@contextlib.contextmanager
def listening(*program, limit=10, address="127.0.0.1", user="nobody"):
    """Its port and process."""
    port = free_ports(1)[0]
    about = pwd.getpwnam(user)
    environment = {**ENVIRONMENT, "UID": str(about.pw_uid), "GID": str(about.pw_gid)}
    process = subprocess.Popen([LISTEN, str(limit), address, str(port), *program], env=environment, stderr=subprocess.PIPE)
    try:
        wait_for("postern-listen to listen", 20, lambda: hears(port, address))
        yield port, process
    finally:
        process.kill()
        process.communicate()


def hears(port, address):
    lines = pathlib.Path("/proc/net/tcp6" if ":" in address else "/proc/net/tcp").read_text().splitlines()
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines[1:])


def everything(port, host="127.0.0.1"):
    with socket.create_connection((host, port), 20) as client, client.makefile("rb") as stream:
        return stream.read().decode()


def children(process):
    return pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def test_the_program_has_the_connection_and_knows_its_ends():
    with listening("sh", "-c", "read line; echo $line; id -u; id -G; env") as (port, _):
        with socket.create_connection(("127.0.0.1", port), 20) as client, client.makefile("rb") as stream:
            client.sendall(b"hello\n")
            own = client.getsockname()[1]
            lines = stream.read().decode().splitlines()
    nobody = pwd.getpwnam("nobody")
    assert lines[:3] == ["hello", str(nobody.pw_uid), str(nobody.pw_gid)]
    assert {"PROTO=TCP", "TCPREMOTEIP=127.0.0.1", f"TCPREMOTEPORT={own}", "TCPLOCALIP=127.0.0.1", f"TCPLOCALPORT={port}"} <= set(lines)


@pytest.mark.parametrize("host,facts", [("::1", {"PROTO=TCP6", "TCPREMOTEIP=::1"}), ("127.0.0.1", {"PROTO=TCP", "TCPREMOTEIP=127.0.0.1"})])
def test_one_socket_for_both_families(host, facts):
    with listening("env", address="::") as (port, _):
        assert facts <= set(everything(port, host).splitlines())


def test_no_more_than_the_limit_at_a_time():
    with listening("cat", limit=2) as (port, process), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(3)]
        for client in clients:
            client.sendall(b"x")
        assert [client.recv(1) for client in clients[:2]] == [b"x", b"x"]
        assert len(children(process)) == 2
        clients[0].shutdown(socket.SHUT_WR)
        assert clients[2].recv(1) == b"x"


def test_who_started_it_says_nothing_of_the_client(monkeypatch):
    """A name or a right that was left in its environment would be each client's."""
    for name in ("TCPREMOTEHOST", "TCPREMOTEINFO", "TCPLOCALHOST"):
        monkeypatch.setitem(ENVIRONMENT, name, "left.test")
    with listening("env") as (port, _):
        assert "left.test" not in everything(port)


def test_what_has_ended_does_not_stay():
    with listening("true") as (port, process):
        for _ in range(20):
            everything(port)
        wait_for("the last to be gone", 20, lambda: not children(process))


def test_a_program_that_a_signal_ends_is_logged():
    with listening("sh", "-c", "kill -SYS $$") as (port, process):
        assert everything(port) == ""
        wait_for("its end to be noted", 20, lambda: not children(process))
        process.send_signal(signal.SIGTERM)
        assert b"connection-died" in process.stderr.read()


def test_a_program_that_is_not_there_ends_the_connection_only():
    with listening("/nowhere/to/be/found") as (port, process):
        assert everything(port) == "" and everything(port) == ""
        process.send_signal(signal.SIGTERM)
        assert b"program-not-started" in process.stderr.read()


def test_programs_outlive_it():
    with listening("cat") as (port, process), socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"a")
        assert client.recv(1) == b"a"
        process.terminate()
        process.wait(20)
        client.sendall(b"b")
        assert client.recv(1) == b"b"


@pytest.mark.parametrize("arguments,environment,code", [
    (["10", "127.0.0.1", "0"], {}, 100),
    (["0", "127.0.0.1", "0", "true"], {}, 100),
    (["10", "somewhere", "0", "true"], {}, 100),
    (["10", "127.0.0.1", "65536", "true"], {}, 100),
    (["10", "127.0.0.1", "0", "true"], {}, 100),  # root, and nobody to become
    (["10", "127.0.0.1", "0", "true"], {"UID": "0", "GID": "0"}, 100),
    (["10", "192.0.2.1", "0", "true"], {"UID": "65534", "GID": "65534"}, 111),
])
def test_what_it_does_not_start_with(arguments, environment, code):
    assert os.getuid() == 0
    assert subprocess.run([LISTEN, *arguments], env={**ENVIRONMENT, **environment}, capture_output=True, timeout=20).returncode == code
