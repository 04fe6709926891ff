"""postern-deliver under the programs that hand mail to a program: fetchmail's mda, getmail6's MDA_external; Exim, whose way is LMTP (Postfix
by both: test_deliver_agent.py). What is delivered is fetched; what is not stays where it is, or comes back in our words."""
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from test_deliver_agent import lmtp_socket
from test_smtp_dialogue import settings


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


@pytest.fixture
def source(suite):
    """A mailbox with two messages, that is fetched by POP3."""
    user = suite.user()
    for number in (1, 2):
        suite.tool("deliver", "-d", user.address, "-f", "s@elsewhere.test", input=f"Subject: {number}\nFrom: s@elsewhere.test\n\nbody\n")
    return user


@pytest.fixture
def place():
    """A directory of the user nobody, who fetches."""
    with tempfile.TemporaryDirectory(prefix="postern-callers-", dir="/var/tmp") as path:
        shutil.chown(path, "nobody")
        yield pathlib.Path(path)


@pytest.fixture(scope="module")
def deliver(suite):
    """Which nobody may run here: it is setuid, and has its settings from where it was installed."""
    with settings(suite, deliver_users="nobody"):
        yield suite.libexec / "postern-deliver"


def run(place, *command):
    return subprocess.run([str(part) for part in command], user="nobody", group="nogroup", extra_groups=[], cwd=place, capture_output=True,
                          text=True, timeout=60, env={"PATH": "/usr/bin:/bin", "HOME": str(place), "FETCHMAILHOME": str(place)})


def secret(place, name, text):
    path = place / name
    path.write_text(text)
    path.chmod(0o600)
    shutil.chown(path, "nobody")
    return path


@needs("fetchmail")
def test_fetchmail(suite, source, place, deliver):
    target = suite.user()

    def fetch(address):
        rc = secret(place, "rc", f'poll 127.0.0.1 protocol pop3 service {suite.ports["pop3s"]} user "{source.address}" password "{source.password}" '
                    f'ssl no sslcertck nokeep mda "{deliver} -f %F -d {address}"\n')
        return run(place, "fetchmail", "--fetchmailrc", rc, "--idfile", place / "ids", "--pidfile", place / "pid", "--nosyslog", "--nobounce")

    # Trouble: nothing is taken from the source.
    with settings(suite, over_quota_code="500"):
        result = fetch(target.address)
    assert len(source.messages()) == 2 and target.messages() == [], result
    result = fetch(target.address)
    assert len(target.messages()) == 2 and source.messages() == [], result.stderr
    assert all(text.startswith(b"Return-Path: <s@elsewhere.test>\n") for text in target.messages())


@needs("getmail")
def test_getmail(suite, source, place, deliver):
    target = suite.user()

    def fetch(address):
        secret(place, "rc", f"""[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {suite.ports["pop3s"]}
username = {source.address}
password = {source.password}
[destination]
type = MDA_external
path = {deliver}
ignore_stderr = true
arguments = ("-d", "{address}", "-f", "%(sender)")
[options]
read_all = true
delete = true
""")
        return run(place, "getmail", f"--getmaildir={place}", "--rcfile=rc")

    for address, word in ((f"unknown@{suite.domain}", "67"), (target.address, "75")):
        with settings(suite, over_quota_code="500" if word == "75" else None):
            result = fetch(address)
        assert f"{word}" in result.stdout + result.stderr and len(source.messages()) == 2 and target.messages() == [], result
    result = fetch(target.address)
    assert len(target.messages()) == 2 and source.messages() == [], result


# As postern-deliver(8) has it. (Exim 4.94 and later passes nothing to a command that came with the message, so no pipe.)
EXIM = """primary_hostname = mail.example.test
spool_directory = {place}/spool
log_file_path = {place}/spool/log/%slog
exim_path = {exim}
local_interfaces =
keep_environment =
never_users =
begin routers
postern:
  driver = accept
  transport = postern
begin transports
postern:
  driver = lmtp
  socket = {socket}
begin retry
* * F,1h,1s
"""


@needs("exim4")
def test_exim(suite, place):
    """Delivered, returned with our words, kept in Exim's queue."""
    target = suite.user()
    place.chmod(0o755)
    for directory in (place / "spool", place / "spool/log"):
        directory.mkdir()
        shutil.chown(directory, "Debian-exim", "Debian-exim")
    config = place / "exim.conf"

    def send(address):
        result = subprocess.run(["exim4", "-C", config, "-odf", "-f", "s@elsewhere.test", address], input="Subject: x\n\nbody\n", text=True,
                                capture_output=True, timeout=60)
        log = place / "spool/log/mainlog"
        return log.read_text() if log.exists() else f"no log: {result.stdout}{result.stderr}"

    with lmtp_socket(suite) as socket:
        config.write_text(EXIM.format(place=place, exim=shutil.which("exim4"), socket=socket))
        log = send(target.address)
        assert len(target.messages()) == 1, log
        assert target.messages()[0].startswith(b"Return-Path: <s@elsewhere.test>\n")
        log = send(f"unknown@{suite.domain}")
        assert f"** unknown@{suite.domain}" in log and "550 5.1.1" in log, log
        suite.down("authd")
        try:
            log = send(target.address)
        finally:
            suite.up("authd")
        assert f"== {target.address}" in log and len(target.messages()) == 1, log
