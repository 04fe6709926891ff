"""The packets of the suite's sockets, spoken by the test itself (ARCHITECTURE.md)."""
import array
import os
import pwd
import socket


def encode(*fields):
    return b"".join((f if isinstance(f, bytes) else str(f).encode("utf-8", "surrogateescape")) + b"\0" for f in fields)


def decode(packet):
    return [field.decode("utf-8", "surrogateescape") for field in packet.split(b"\0")[:-1]]


class Peer:
    """A connection to one socket of a suite, "authd/lookup"."""

    def __init__(self, suite, name, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(timeout)
        self.socket.connect(str(suite.run / name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *fields, raw=None, descriptors=()):
        data = encode(*fields) if raw is None else raw
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.socket.sendmsg([data], control)

    def receive(self):
        """The fields of the next packet; None when the other side has closed."""
        try:
            packet = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return None
        return decode(packet) if packet else None

    def ask(self, *fields, **keywords):
        self.send(*fields, **keywords)
        return self.receive()


def as_user(user, action):
    """Runs action() in a child process that has become this user for good; its text comes back."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            entry = pwd.getpwnam(user)
            os.setgroups([])
            os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
            os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
            text = str(action())
        except BaseException as trouble:  # pylint: disable=broad-except
            text = f"{type(trouble).__name__}: {trouble}"
        os.write(writer, text.encode()[:4000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        text = stream.read().decode()
    os.waitpid(pid, 0)
    return text
