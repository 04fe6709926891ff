"""Debian's Dovecot with its quota plugin (backend maildir) on the same Maildir: each goes on with the maildirsize of the other, and what one
counts anew is what the other has counted."""
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest

from harness import Imap, wait_for
from harness.build import HOME
from harness.suite import free_ports, listening_ports

from test_quota import LIMIT, agrees, append, counted, deliver, files, held, house, logged_in, user  # noqa: F401

pytestmark = pytest.mark.skipif(not pathlib.Path("/usr/lib/dovecot/modules/lib10_quota_plugin.so").exists(), reason="no Dovecot")

CONFIG = """protocols = imap
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{mail_root}/%d/%n
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_plugins = quota
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail_root}/%d/%n
}}
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:bytes={limit}:messages=20
  quota_rule2 = Trash:ignore
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


class Dovecot:
    def __init__(self, suite):
        vmail = pwd.getpwnam("vmail")
        self.password = "secret"
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-dovecot-", dir=HOME))
        self.directory.chmod(0o755)
        [self.port] = free_ports(1)
        self.config = self.directory / "dovecot.conf"
        self.config.write_text(CONFIG.format(directory=self.directory, mail_root=suite.mail_root, uid=vmail.pw_uid, gid=vmail.pw_gid,
                                             limit=LIMIT, port=self.port, password=self.password))

    def __enter__(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.config])
        wait_for("Dovecot to listen", 20, lambda: self.port in listening_ports())
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.directory)

    def login(self, account):
        imap = Imap(self.port)
        assert imap.login(account.address, self.password)[0] == "OK", imap.text
        return imap

    def recalculate(self, account):
        subprocess.run(["doveadm", "-c", self.config, "quota", "recalc", "-u", account.address], check=True)


@pytest.fixture(scope="module")
def dovecot(house):  # noqa: F811
    with Dovecot(house) as running:
        yield running


def usage(imap):
    """MESSAGE of GETQUOTAROOT: how many."""
    _, lines = imap.command("GETQUOTAROOT INBOX")
    [line] = [line.decode() for line in lines if line.startswith(b"* QUOTA ")]
    words = line.replace("(", " ").replace(")", " ").split()
    return int(words[words.index("MESSAGE") + 1])


def test_both_count_the_same(house, user, dovecot):  # noqa: F811
    for _ in range(3):
        deliver(house, user, 700)
    ours = (user.maildir / "maildirsize").read_text()
    with dovecot.login(user) as imap:
        assert usage(imap) == 3
        assert (user.maildir / "maildirsize").read_text() == ours, "it took our file as it was"
        imap.command("CREATE Trash")
        imap.command("CREATE Work")
        assert append(imap, "Work", 500)[0] == "OK"
        imap.command("SELECT INBOX")
        imap.command("COPY 1 Work")
        imap.command("COPY 1 Trash")
        imap.command(r"STORE 2 +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
    agrees(user, "Work")
    with logged_in(house, user) as imap:
        assert append(imap, "Work", 900)[0] == "OK"
        assert append(imap, "Trash", 900)[0] == "OK"
        imap.command("SELECT Work")
        imap.command("MOVE 1 INBOX")
        imap.command(r"STORE 1 +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
    agrees(user, "Work")
    before = counted(user)
    dovecot.recalculate(user)
    assert counted(user) == before
    (user.maildir / "maildirsize").unlink()
    deliver(house, user, 100)
    agrees(user, "Work")
    with dovecot.login(user) as imap:
        assert usage(imap) == held(*files(user), *files(user, "Work"))[1]


def test_each_refuses_by_what_the_other_has_brought(house, user, dovecot):  # noqa: F811
    with dovecot.login(user) as imap:
        for _ in range(3):
            assert append(imap, "INBOX", 3000)[0] == "OK", imap.text
        assert append(imap, "INBOX", 3000)[0] == "NO" and "[OVERQUOTA]" in imap.text
    deliver(house, user, 3000, 75)
    with logged_in(house, user) as imap:
        assert append(imap, "INBOX", 3000)[0] == "NO" and "[OVERQUOTA]" in imap.text
        assert append(imap, "INBOX", 800)[0] == "OK"
    with dovecot.login(user) as imap:
        assert append(imap, "INBOX", 800)[0] == "NO", imap.text
    agrees(user)
