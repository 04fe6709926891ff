"""Debian's Postfix as a private instance in a directory of its own: smtpd on loopback ports; nothing is delivered unless a test wants it."""
import pathlib
import shutil
import subprocess
import tempfile

from .dialogue import Smtp
from .build import HOME
from .suite import free_ports, listening_ports
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
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
cyrus_sasl_config_path = {directory}/sasl
alias_maps =
local_recipient_maps =
"""

# Nothing in a chroot: the suite's sockets are outside.
MASTER = """cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

# What delivers, too.
QUEUE = """pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
flush unix n - n 1000? 0 flush
showq unix n - n - - showq
discard unix - - n - - discard
"""


class Postfix:
    """
    `services` are smtpd's, each a name and its own settings; `sasl` are Cyrus SASL's NAME.conf for smtpd_sasl_path NAME. `delivers`:
    lines of master.cf for the transport that the settings name; without it messages stay in the queue.
    """

    def __init__(self, services, settings, sasl, delivers=""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postfix-", dir=HOME))
        self.directory.chmod(0o755)
        self.ports = dict(zip(services, free_ports(len(services))))
        for name in ("queue", "data", "log", "sasl"):
            (self.directory / name).mkdir()
        shutil.chown(self.directory / "data", "postfix")
        (self.directory / "main.cf").write_text(MAIN.format(directory=self.directory) + lines("{} = {}", settings))
        for name, options in sasl.items():
            (self.directory / f"sasl/{name}.conf").write_text(lines("{}: {}", options))
        (self.directory / "master.cf").write_text(MASTER + (QUEUE + delivers if delivers else "") + "".join(
            f"127.0.0.1:{self.ports[name]} inet n - n - - smtpd\n" + lines("  -o {}={}", options)
            for name, options in services.items()))

    def command(self, *arguments, check=True):
        subprocess.run(["postfix", "-c", self.directory, *arguments], check=check, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)

    def __enter__(self):
        self.command("start")
        wait_for(lambda: f"Postfix to listen:\n{self.log()}", 30, lambda: set(self.ports.values()) <= listening_ports())
        return self

    def __exit__(self, *_):
        self.command("stop", check=False)
        shutil.rmtree(self.directory)

    def log(self):
        path = self.directory / "log/mail.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def smtp(self, name):
        return Smtp(self.ports[name])


def lines(form, values):
    return "".join(form.format(name, value) + "\n" for name, value in values.items())
