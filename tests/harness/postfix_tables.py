"""Debian's Postfix in a private directory, on query files that are somebody else's: what it says of an address.

Its delivery agents send nothing: smtp, relay and lmtp are error(8), which logs the next hop, so a `sendmail -bv` shows where
each recipient would go."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from .dialogue import Smtp
from .build import HOME
from .suite import free_ports, listening_ports
from .wait import wait_for

NEEDED = ["/usr/sbin/postfix", "/usr/lib/postfix/postfix-mysql.so"]
DAEMONS = "/usr/lib/postfix/sbin"
REPORTS = "report@probe.invalid"
# Services of master.cf that say where they would have sent: name of the service -> its name in the log.
SILENT = {name: f"as-{name}" for name in ("smtp", "relay", "lmtp", "error")}

MAIN = """compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {directory}/log/mail.log
maillog_file_prefixes = {directory}
myhostname = mail.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_base = {directory}/vmail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
alias_maps =
local_recipient_maps =
recipient_delimiter = +
disable_dns_lookups = yes
allow_untrusted_routing = yes
smtpd_soft_error_limit = 1000000
smtpd_hard_error_limit = 1000000
smtpd_client_connection_count_limit = 0
{maps}
"""

# The parameters of main.cf that name tables, and authd's settings that name the same.
PARAMETERS = {
    "virtual_mailbox_domains": "sql_domains",
    "virtual_mailbox_maps": "sql_mailboxes",
    "virtual_alias_maps": "sql_aliases",
    "relay_domains": "sql_relay_domains",
    "transport_maps": "sql_transports",
}


def missing():
    return [path for path in NEEDED if not os.path.exists(path)]


class Postfix:
    """with Postfix({"sql_aliases": [paths of query files], ...}, proxy=False) as postfix: ..."""

    def __init__(self, files, proxy=False, wrapper=()):
        HOME.mkdir(mode=0o755, exist_ok=True)
        self.wrapper = list(wrapper)
        self.kind = "proxy:mysql" if proxy else "mysql"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postfix-", dir=HOME))
        self.directory.chmod(0o755)
        [self.port] = free_ports(1)
        for name in ("queue", "data", "log", "vmail", "mysql"):
            (self.directory / name).mkdir()
        # Copies, for its daemons read them as the user postfix.
        self.files = {setting: [shutil.copyfile(path, self.directory / "mysql" / path.name) for path in paths]
                      for setting, paths in files.items()}
        shutil.chown(self.directory / "data", "postfix")
        self.write()

    def write(self):
        maps = "\n".join(f"{name} = " + ", ".join(f"{self.kind}:{path}" for path in self.files.get(setting, []))
                         for name, setting in PARAMETERS.items())
        (self.directory / "main.cf").write_text(MAIN.format(directory=self.directory, daemons=DAEMONS, uid=65534, maps=maps))
        lines = []
        for line in pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines():
            fields = line.split()
            if line[:1].isalnum():
                lines += self.service(*fields)
        (self.directory / "master.cf").write_text("\n".join(lines) + "\n")

    def service(self, name, kind, private, unprivileged, _chroot, wakeup, most, *command):
        """A line of master.cf, as it is in the private instance; nothing in a chroot: the database's socket is outside."""
        if (name, kind) == ("smtp", "inet"):
            name = f"127.0.0.1:{self.port}"
        elif name in SILENT and kind == "unix":
            # It goes by no other name; one process of each, for several would share the lock that is named so.
            most, command = "1", ["error", "-n", "error", "-o", f"syslog_name={SILENT[name]}"]
        return [" ".join([name, kind, private, unprivileged, "n", wakeup, most, *command])]

    def run(self, *command, **keywords):
        return subprocess.run([*self.wrapper, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": str(self.directory)}, **keywords)

    def __enter__(self):
        started = self.run("postfix", "start")
        assert started.returncode == 0, started.stderr + self.log()
        wait_for(lambda: f"Postfix to listen: {self.log()}", 30, lambda: self.port in listening_ports())
        return self

    def __exit__(self, *_):
        self.run("postfix", "abort")
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        path = self.directory / "log/mail.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    # --- questions ----------------------------------------------------------------------

    def codes(self, addresses):
        """address -> the reply's code to its RCPT TO, as a stranger's."""
        with Smtp(self.port) as smtp:
            smtp.ehlo()
            assert smtp.command("MAIL FROM:<stranger@elsewhere.test> SMTPUTF8")[0] == 250
            return {address: smtp.command(f"RCPT TO:<{address}>")[0] for address in addresses}

    def query(self, file, keys):
        """postmap -q on one table (of self.files): key -> value, for those of the keys that it has."""
        result = self.run("postmap", "-q", "-", f"mysql:{file}", input="".join(f"{key}\n" for key in keys))
        assert result.returncode in (0, 1) and not result.stderr, result.stderr
        return dict(line.split("\t", 1) for line in result.stdout.splitlines())

    def ends(self, addresses):
        """sendmail -bv: address -> {(final address, "mailbox" | "unknown" | transport:nexthop)}."""
        sent = self.run("sendmail", "-f", REPORTS, "-bv", "--", *addresses)
        assert sent.returncode == 0, sent.stderr
        queue_id = wait_for(lambda: f"the probe to be taken: {self.log()}", 20,
                            lambda: re.search(rf"(\w+): uid=\d+ from=<{re.escape(REPORTS)}>", self.log()))[1]
        wait_for(lambda: f"the probe to end: {self.log()}", 30, lambda: f" {queue_id}: removed" in self.log())
        ends = {address: set() for address in addresses}
        for service, to, original, text in re.findall(
                rf"\s([\w-]+/)?\w+\[\d+\]: {queue_id}: to=<(.*?)>, (?:orig_to=<(.*?)>, )?relay=.* status=\w+ \((.*)\)", self.log()):
            ends.setdefault((original or to), set()).add((to.lower(), self.end(service.rstrip("/"), text)))
        return ends

    @staticmethod
    def end(service, text):
        for name, logged in SILENT.items():
            if service == logged:
                return f"{name}:{text}"
        return "mailbox" if text.startswith("delivers to") else "unknown" if text.startswith("unknown user") else f"{service}: {text}"
