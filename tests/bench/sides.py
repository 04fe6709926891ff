"""The servers that are compared, each in a private directory, as the same accounts see them. A side has: name, smtp and
imap (ports; with TLS also submission, smtps and imaps), group_smtp and group_imap (control groups), mail_root, start(),
stop()."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from accounts import DOMAIN
from harness import PostfixAdmin, Suite, wait_for
from harness.accounts import query_file
from harness.build import HOME
from harness.suite import free_ports, listening_ports
from measure import Group, REPOSITORY


# No limit is what is measured: the same is switched off at Postfix.
POSTERN_SETTINGS = {"plain_without_tls": "yes", "sessions_per_address": "0", "message_size": "30000000", "error_limit": "1000000",
                    "commands_limit": "1000000", "recipients_limit": "50000", "outgoing_hour": "0", "outgoing_day": "0"}


class Postern:
    """The suite under s6, on the tables of deployment A."""
    name = "Postern"

    def __init__(self, database, transports=None):
        self.database, self.transports = database, transports
        self.group_smtp = self.group_imap = Group("postern")

    def start(self):
        relays = {"transports": self.transports, "permitted_networks": "127.0.0.0/8"} if self.transports else {}
        self.suite = Suite("bench", {**POSTERN_SETTINGS, **relays})
        self.suite.accounts = PostfixAdmin(self.suite, self.database, tables=False)
        self.suite.wrapper = self.group_smtp.wrapper()
        self.suite.__enter__()  # ends what it has started when something does not come up
        ports = self.suite.ports
        self.smtp, self.submission, self.smtps = ports["smtpd"], ports["submission"], ports["smtps"]
        self.imap, self.imaps = ports["imapd"], ports["imaps"]
        self.mail_root = self.suite.mail_root

    def stop(self):
        self.suite.stop()
        self.group_smtp.close()

    def flush(self):
        self.suite.tool("queuectl", "flush")

    def queue_is_empty(self):
        return not any(entry.is_file() for part in self.suite.queue.iterdir() if len(part.name) == 1 for entry in part.iterdir())

    def stop_queue(self):
        self.suite.down("queued")

    def start_queue(self):
        self.suite.up("queued")

    def answers(self):
        return True  # up() has waited for it


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
mynetworks = {networks}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = {sql_domains}
virtual_mailbox_maps = {sql_mailboxes}
virtual_alias_maps = {sql_aliases}
relay_domains = {sql_relay_domains}
transport_maps = {transports}
smtpd_recipient_limit = 50000
recipient_delimiter = +
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
message_size_limit = 30000000
mailbox_size_limit = 0
default_process_limit = 400
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000000
smtpd_hard_error_limit = 1000000
smtpd_junk_command_limit = 1000000
smtpd_tls_security_level = may
smtpd_tls_chain_files = {directory}/tls.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = {directory}/run/auth-postfix
"""

# Submission and smtps as Debian's master.cf suggests them.
POSTFIX_MASTER = """127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
127.0.0.1:{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
"""

DOVECOT = """protocols = imap
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
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
  # Login and session processes are used again: the fair bar (one a connection costs Dovecot nine times as much).
  service_count = 0
  process_min_avail = 2
  client_limit = 1000
}}
service auth {{
  unix_listener auth-postfix {{
    mode = 0666
  }}
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


def make_certificate(directory):
    """tls.pem, of the same kind as conf/install makes."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                    "-subj", "/CN=mail.example.test", "-keyout", directory / "key.pem", "-out", directory / "certificate.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    both = directory / "tls.pem"
    both.touch(0o600)
    both.write_text((directory / "key.pem").read_text() + (directory / "certificate.pem").read_text())


class PostfixDovecot:
    """Debian's Postfix with virtual(8), and Dovecot, on the same tables; Postfix by the same query files, preset A's."""
    name = "Postfix and Dovecot"

    def __init__(self, database, transports=None):
        self.database, self.transports = database, transports
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
        self.smtp, self.submission, self.smtps, self.imap, self.imaps = free_ports(5)
        vmail = pwd.getpwnam("vmail")
        self.values = {"directory": self.directory, "domain": DOMAIN, "uid": vmail.pw_uid, "gid": vmail.pw_gid,
                       "socket": self.database.socket, "user": self.database.user, "password": self.database.password,
                       "port": self.imap, "imaps": self.imaps, "submission": self.submission, "smtps": self.smtps}
        for name in ("queue", "data", "log", "vmail", "run", "state"):
            (self.directory / name).mkdir()
        shutil.chown(self.mail_root, "vmail", "vmail")
        shutil.chown(self.directory / "data", "postfix")
        make_certificate(self.directory)
        self.start_dovecot()
        self.start_postfix()
        wait_for("Postfix and Dovecot to listen", 30,
                 lambda: {self.smtp, self.submission, self.smtps, self.imap, self.imaps} <= listening_ports())

    def start_postfix(self):
        maps = {setting: ", ".join(f"proxy:mysql:{self.directory}/{name}" for name in names)
                for setting, names in PostfixAdmin.settings.items()}
        maps["transports"] = f"texthash:{self.transports}" if self.transports else maps["sql_transports"]
        maps["networks"] = "127.0.0.0/8" if self.transports else "192.0.2.0/24"
        (self.directory / "main.cf").write_text(POSTFIX_MAIN.format(**self.values, **maps))
        for path in (REPOSITORY / "conf/presets/A").glob("*.cf"):
            (self.directory / path.name).write_text(query_file(path, self.database))
        lines = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines()
        fixed = [line.replace("smtp      inet", f"127.0.0.1:{self.smtp} inet") if line.startswith("smtp      inet") else line
                 for line in lines]
        # Nothing in a chroot: the database's socket is outside.
        fixed = [" ".join([*line.split()[:4], "n", *line.split()[5:]]) if line[:1].isalnum() else line for line in fixed]
        (self.directory / "master.cf").write_text("\n".join(fixed) + "\n" + POSTFIX_MASTER.format(**self.values))
        subprocess.run([*self.group_smtp.wrapper(), "postfix", "-c", self.directory, "start"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_dovecot(self):
        (self.directory / "dovecot.conf").write_text(DOVECOT.format(**self.values))
        (self.directory / "dovecot-sql.conf.ext").write_text(DOVECOT_SQL.format(**self.values))
        self.dovecot = subprocess.Popen([*self.group_imap.wrapper(), "dovecot", "-F", "-c", self.directory / "dovecot.conf"])

    def control(self, *command):
        subprocess.run([*self.group_smtp.wrapper(), *command], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def flush(self):
        self.control("postqueue", "-c", self.directory, "-f")

    def queue_is_empty(self):
        return not any(path.is_file() for name in ("maildrop", "incoming", "active", "deferred")
                       for path in (self.directory / "queue" / name).rglob("*"))

    def stop_queue(self):
        self.control("postfix", "-c", self.directory, "stop")

    def start_queue(self):
        self.control("postfix", "-c", self.directory, "start")

    def answers(self):
        return self.smtp in listening_ports()

    def stop(self):
        self.control("postfix", "-c", self.directory, "stop")
        self.dovecot.send_signal(signal.SIGTERM)
        self.dovecot.wait(30)
        self.group_smtp.close()
        self.group_imap.close()
        shutil.rmtree(self.directory)
