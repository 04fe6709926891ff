"""Debian's Postfix as a private instance in a directory of its own, on a loopback port: SMTP only, nothing is delivered."""
import pathlib
import shutil
import subprocess
import tempfile

from .dialogue import Smtp
from .suite import HOME, free_ports, listening_ports
from .wait import wait_for

MAIN = """compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {directory}/log/mail.log
maillog_file_prefixes = {directory}
myhostname = mail.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
alias_maps =
local_recipient_maps =
"""


class Postfix:
    """`settings` are further lines of main.cf; `sasl` is Cyrus SASL's smtpd.conf."""

    def __init__(self, settings, sasl=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postfix-", dir=HOME))
        self.directory.chmod(0o755)
        [self.port] = free_ports(1)
        for name in ("queue", "data", "log", "sasl"):
            (self.directory / name).mkdir()
        shutil.chown(self.directory / "data", "postfix")
        (self.directory / "main.cf").write_text(MAIN.format(directory=self.directory) + "".join(
            f"{name} = {value}\n" for name, value in {**settings, "cyrus_sasl_config_path": self.directory / "sasl"}.items()))
        (self.directory / "sasl/smtpd.conf").write_text(sasl or "")
        # Nothing in a chroot: the suite's sockets are outside.
        (self.directory / "master.cf").write_text(f"127.0.0.1:{self.port} inet n - n - - smtpd\n" + "".join(
            f"{name} unix {private} - n - {limit} {name}\n" for name, private, limit in
            [("cleanup", "n", 0), ("rewrite", "-", 1), ("postlog", "n", 1), ("anvil", "-", 1), ("proxymap", "-", 1)])
            .replace("rewrite unix - - n - 1 rewrite", "rewrite unix - - n - 1 trivial-rewrite")
            .replace("postlog unix n - n - 1 postlog", "postlog unix-dgram n - n - 1 postlogd"))

    def command(self, *arguments, check=True):
        subprocess.run(["postfix", "-c", self.directory, *arguments], check=check, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)

    def __enter__(self):
        self.command("start")
        wait_for(lambda: f"Postfix to listen:\n{self.log()}", 30, lambda: self.port in listening_ports())
        return self

    def __exit__(self, *_):
        self.command("stop", check=False)
        shutil.rmtree(self.directory)

    def log(self):
        path = self.directory / "log/mail.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def smtp(self):
        return Smtp(self.port)
