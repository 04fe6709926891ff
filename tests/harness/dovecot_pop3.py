"""Debian's Dovecot as a POP3 server on a Maildir of the suite: its pop3 process over pipes, under a private configuration."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from .dialogue import Pop3

CONFIGURATION = """base_dir = {directory}/base
state_dir = {directory}/base
mail_location = maildir:{maildir}
log_path = {directory}/log
first_valid_uid = 1
first_valid_gid = 1
protocols = pop3
{settings}
namespace inbox {{
  inbox = yes
}}
"""

needed = pytest.mark.skipif(not os.path.exists("/usr/lib/dovecot/pop3") or shutil.which("doveadm") is None,
                            reason="Debian's dovecot-pop3d is not installed")


class DovecotPop3(Pop3):
    """A logged-in session, as harness.Pop3. `settings` are lines of dovecot.conf."""

    def __init__(self, maildir, settings=""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-dovecot-pop3-", dir="/var/tmp"))
        vmail = pwd.getpwnam("vmail")
        for path in (self.directory, self.directory / "base"):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
            os.chown(path, vmail.pw_uid, vmail.pw_gid)
        (self.directory / "conf").write_text(
            CONFIGURATION.format(directory=self.directory, maildir=maildir, settings=settings))
        self.process = subprocess.Popen(
            ["doveadm", "-c", self.directory / "conf", "exec", "pop3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, user="vmail", group=vmail.pw_gid, extra_groups=[], cwd="/",
            env={"PATH": "/usr/bin:/bin", "USER": "anna", "HOME": str(self.directory)})
        self.buffer = b""  # started in this way it does not greet

    def send(self, data):
        self.process.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.process.stdin.flush()

    def receive(self):
        return self.process.stdout.read1(65536)

    def log(self):
        path = self.directory / "log"
        return path.read_text() if path.exists() else ""

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            shutil.rmtree(self.directory)
