"""Debian's Dovecot on a Maildir of the suite: its imap and pop3 processes over pipes, under a private configuration."""
import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

from .dialogue import Imap, Pop3
from .wait import wait_for

CONFIGURATION = """base_dir = {directory}/base
state_dir = {directory}/base
mail_location = maildir:{maildir}{location}
log_path = {directory}/log
first_valid_uid = 1
first_valid_gid = 1
protocols = imap pop3
{settings}
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = .
}}
"""


def missing(program="imap"):
    return not (shutil.which("doveadm") and os.path.exists(f"/usr/lib/dovecot/{program}"))


# What a whole Dovecot needs beside that: a port, and a user who may log in with any password.
SERVER = """ssl = no
disable_plaintext_auth = no
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={directory}
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Piped:
    """A dialogue with a process over pipes, in place of a connection."""

    def __init__(self, process):
        self.process, self.buffer = process, b""

    def send(self, data):
        self.process.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.process.stdin.flush()

    def receive(self):
        return self.process.stdout.read1(65536)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class DovecotImap(Piped, Imap):
    """One imap process, logged in; speaks as harness.Imap does."""

    def __init__(self, process):
        super().__init__(process)
        self.count = 0
        self.greeting = self.response()


class DovecotPop3(Piped, Pop3):
    """One pop3 process, logged in; started in this way it does not greet."""


class Dovecot:
    """A configuration for one user's Maildir. `location` is put behind it ("/:INDEX=..."); {directory} is private."""

    def __init__(self, maildir, prefix="", location="", settings=""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-dovecot-", dir="/var/tmp"))
        vmail = pwd.getpwnam("vmail")
        self.gid = vmail.pw_gid
        for path in (self.directory, self.directory / "base", self.directory / "index"):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
            os.chown(path, vmail.pw_uid, vmail.pw_gid)
        (self.directory / "conf").write_text(CONFIGURATION.format(
            directory=self.directory, maildir=maildir, prefix=prefix, settings=settings,
            location=location.format(directory=self.directory)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def start(self, program):
        return subprocess.Popen(["doveadm", "-c", self.directory / "conf", "exec", program], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, user="vmail", group=self.gid,
                                extra_groups=[], cwd="/", env={"PATH": "/usr/bin:/bin", "USER": "anna",
                                                               "HOME": str(self.directory)})

    def doveadm(self, *arguments):
        """What a command of doveadm prints, run as the Maildir's owner."""
        return subprocess.run(["doveadm", "-c", self.directory / "conf", *arguments], check=True, capture_output=True,
                              user="vmail", group=self.gid, extra_groups=[], cwd="/",
                              env={"PATH": "/usr/bin:/bin", "USER": "anna", "HOME": str(self.directory)}).stdout.decode()

    def session(self):
        return DovecotImap(self.start("imap"))

    def pop3(self):
        return DovecotPop3(self.start("pop3"))

    @contextlib.contextmanager
    def server(self):
        """The port of its POP3 service. (Only a session that has logged in there takes the session lock.)"""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with open(self.directory / "conf", "a") as file:
            file.write(SERVER.format(directory=self.directory, port=port))
        process = subprocess.Popen(["dovecot", "-F", "-c", self.directory / "conf"], stderr=subprocess.DEVNULL)
        try:
            wait_for(lambda: f"Dovecot; its log:\n{self.log()}", 20, lambda: can_connect(port))
            yield port
        finally:
            process.terminate()
            process.wait(20)

    def log(self):
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""
