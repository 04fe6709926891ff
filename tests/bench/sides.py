"""The servers that are compared, each in a private directory, as the same accounts see them. A side has: name, smtp and
imap (ports), group_smtp and group_imap (control groups), mail_root, start(), stop()."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from accounts import DOMAIN
from harness import PostfixAdmin, Suite, wait_for
from harness.suite import HOME, free_ports, listening_ports
from measure import Group


class Postern:
    """The suite under s6, on the tables of deployment A."""
    name = "Postern"

    def __init__(self, database):
        self.database = database
        self.group_smtp = self.group_imap = Group("postern")

    def start(self):
        self.suite = Suite("bench", {"plain_without_tls": "yes", "sessions_per_address": "0"})
        self.suite.accounts = PostfixAdmin(self.suite, self.database, tables=False)
        self.suite.wrapper = self.group_smtp.wrapper()
        self.suite.start()
        self.smtp, self.imap = self.suite.ports["smtpd"], self.suite.ports["imapd"]
        self.mail_root = self.suite.mail_root

    def stop(self):
        self.suite.stop()
        self.group_smtp.close()


POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {directory}/log/mail.log
maillog_file_prefixes = {directory}
myhostname = mail.{domain}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 192.0.2.0/24
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = proxy:mysql:{directory}/domains.cf
virtual_mailbox_maps = proxy:mysql:{directory}/mailboxes.cf
virtual_alias_maps = proxy:mysql:{directory}/aliases.cf
virtual_mailbox_base = {directory}/vmail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
alias_maps =
local_recipient_maps =
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
in_flow_delay = 0
disable_vrfy_command = no
"""

POSTFIX_QUERY = """user = {user}
password = {password}
hosts = unix:{socket}
dbname = postfix
query = {query}
"""

QUERIES = {
    "domains.cf": "SELECT domain FROM domain WHERE domain='%s' AND active='1'",
    "mailboxes.cf": "SELECT maildir FROM mailbox WHERE username='%s' AND active='1'",
    "aliases.cf": "SELECT goto FROM alias WHERE address='%s' AND active='1'",
}

DOVECOT = """protocols = imap
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
listen = 127.0.0.1
ssl = no
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
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
  # Login and session processes are used again: the fair bar (one a connection costs Dovecot nine times as much).
  service_count = 0
  process_min_avail = 2
  client_limit = 1000
}}
service imap {{
  service_count = 1000
  process_min_avail = 4
  process_limit = 1000
}}
"""

DOVECOT_SQL = """driver = mysql
connect = host={socket} dbname=postfix user={user} password={password}
default_pass_scheme = CRYPT
password_query = SELECT username AS user, password FROM mailbox WHERE username='%u' AND active='1'
"""


class PostfixDovecot:
    """Debian's Postfix with virtual(8), and Dovecot, on the same tables."""
    name = "Postfix and Dovecot"

    def __init__(self, database):
        self.database = database
        self.group_smtp, self.group_imap = Group("postfix"), Group("dovecot")

    @staticmethod
    def missing():
        needed = ["/usr/sbin/postfix", "/usr/lib/postfix/postfix-mysql.so", "/usr/sbin/dovecot",
                  "/usr/lib/dovecot/modules/auth/libdriver_mysql.so"]
        return [path for path in needed if not os.path.exists(path)]

    def start(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-bench-", dir=HOME))
        self.directory.chmod(0o755)
        self.mail_root = self.directory / "vmail"
        self.smtp, self.imap = free_ports(2)
        vmail = pwd.getpwnam("vmail")
        self.values = {"directory": self.directory, "domain": DOMAIN, "uid": vmail.pw_uid, "gid": vmail.pw_gid,
                       "socket": self.database.socket, "user": self.database.user, "password": self.database.password,
                       "port": self.imap}
        for name in ("queue", "data", "log", "vmail", "run", "state"):
            (self.directory / name).mkdir()
        shutil.chown(self.mail_root, "vmail", "vmail")
        shutil.chown(self.directory / "data", "postfix")
        self.start_postfix()
        self.start_dovecot()
        wait_for("Postfix and Dovecot to listen", 30, lambda: {self.smtp, self.imap} <= listening_ports())

    def start_postfix(self):
        (self.directory / "main.cf").write_text(POSTFIX_MAIN.format(**self.values))
        for name, query in QUERIES.items():
            (self.directory / name).write_text(POSTFIX_QUERY.format(query=query, **self.values))
        lines = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines()
        fixed = [line.replace("smtp      inet", f"127.0.0.1:{self.smtp} inet") if line.startswith("smtp      inet") else line
                 for line in lines]
        # Nothing in a chroot: the database's socket is outside.
        fixed = [" ".join([*line.split()[:4], "n", *line.split()[5:]]) if line[:1].isalnum() else line for line in fixed]
        (self.directory / "master.cf").write_text("\n".join(fixed) + "\n")
        subprocess.run([*self.group_smtp.wrapper(), "postfix", "-c", self.directory, "start"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_dovecot(self):
        (self.directory / "dovecot.conf").write_text(DOVECOT.format(**self.values))
        (self.directory / "dovecot-sql.conf.ext").write_text(DOVECOT_SQL.format(**self.values))
        self.dovecot = subprocess.Popen([*self.group_imap.wrapper(), "dovecot", "-F", "-c", self.directory / "dovecot.conf"])

    def stop(self):
        subprocess.run(["postfix", "-c", self.directory, "stop"], check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.dovecot.send_signal(signal.SIGTERM)
        self.dovecot.wait(30)
        self.group_smtp.close()
        self.group_imap.close()
        shutil.rmtree(self.directory)
