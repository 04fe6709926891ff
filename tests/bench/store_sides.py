"""Debian's Dovecot as LMTP, POP3 and IMAP server on the accounts of accounts.py: as it comes, and with its processes used again. A side as
sides.py has it; its ports are `lmtp`, `pop3`, `imap` and `imaps`."""
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from harness import wait_for
from harness.build import HOME
from harness.suite import free_ports, listening_ports
from measure import Group
from sides import DOVECOT_SQL, make_certificate

# What is not said is Dovecot's default: mail_fsync=optimized, a process for each login and session, no cache in auth.
DOVECOT = """protocols = imap pop3 lmtp
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
listen = 127.0.0.1
ssl = yes
ssl_cert = <{directory}/tls.pem
ssl_key = <{directory}/tls.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:{directory}/vmail/%d/%n
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_max_userip_connections = 0
passdb {{
  driver = sql
  args = {directory}/dovecot-sql.conf.ext
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={directory}/vmail/%d/%n
}}
service pop3-login {{
  inet_listener pop3s {{
    port = 0
  }}
  inet_listener pop3 {{
    port = {pop3}
  }}
{login}
}}
service pop3 {{
{session}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
{login}
}}
service imap {{
{session}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  client_limit = 4000
}}
{more}
"""

# Dovecot's "high-performance mode", and passwords that were right are remembered, as authd does it.
REUSED = {"login": "  service_count = 0\n  process_min_avail = 2\n  client_limit = 1000",
          "session": "  service_count = 1000\n  process_min_avail = 4\n  process_limit = 1000",
          "more": "auth_cache_size = 10M\nauth_cache_verify_password_with_worker = no"}
DEFAULT = {"login": "", "session": "  process_limit = 1000", "more": ""}


class Dovecot:
    """`kind` is REUSED or DEFAULT."""

    def __init__(self, database, name, kind):
        self.database, self.name, self.kind = database, name, kind
        self.group = Group(name.replace(" ", "-"))

    def start(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-bench-", dir=HOME))
        self.directory.chmod(0o755)
        self.mail_root = self.directory / "vmail"
        self.lmtp, self.pop3, self.imap, self.imaps = free_ports(4)
        vmail = pwd.getpwnam("vmail")
        values = {"directory": self.directory, "uid": vmail.pw_uid, "gid": vmail.pw_gid, "lmtp": self.lmtp, "pop3": self.pop3,
                  "imap": self.imap, "imaps": self.imaps, "socket": self.database.socket, "user": self.database.user,
                  "password": self.database.password, **self.kind}
        for name in ("vmail", "run", "state"):
            (self.directory / name).mkdir()
        shutil.chown(self.mail_root, "vmail", "vmail")
        make_certificate(self.directory)
        (self.directory / "dovecot.conf").write_text(DOVECOT.format(**values))
        (self.directory / "dovecot-sql.conf.ext").write_text(DOVECOT_SQL.format(**values))
        self.process = subprocess.Popen([*self.group.wrapper(), "dovecot", "-F", "-c", self.directory / "dovecot.conf"])
        wait_for("Dovecot to listen", 30, lambda: {self.lmtp, self.pop3, self.imap, self.imaps} <= listening_ports())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.group.close()
        shutil.rmtree(self.directory)
