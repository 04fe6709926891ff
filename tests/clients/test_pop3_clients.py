"""Real POP3 clients against the whole suite: Python's poplib, and curl, fetchmail, getmail6, mpop from Debian's packages."""
import os
import pathlib
import poplib
import shutil
import ssl
import subprocess
import tempfile

import pytest

TEXT = "From: anna@example.test\nTo: bert@example.test\nSubject: {0}\nDate: Sat, 21 Nov 2026 10:00:00 +0000\n" \
    "Message-ID: <{0}@example.test>\n\n.body of {0}\n"


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*arguments, codes=(0,), **keywords):
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                            **keywords)
    assert result.returncode in codes, f"{arguments}: {result.returncode} {result.stdout}{result.stderr}"
    return result


def put(account, name):
    account.counter = getattr(account, "counter", 0) + 1
    path = account.maildir / "new" / f"{1700000000 + account.counter}.M1P1.host"
    path.write_text(TEXT.format(name))
    os.chown(path, account.maildir.stat().st_uid, account.maildir.stat().st_gid)


@pytest.fixture
def user(suite):
    account = suite.user()
    with suite.pop3("pop3s") as pop3:  # the first login makes the Maildir
        assert pop3.login(account.address, account.password).startswith("+OK")
        pop3.command("QUIT")
    for name in ("one", "two"):
        put(account, name)
    return account


def poplib_session(suite, user, tls):
    context = ssl._create_unverified_context()
    if tls:
        pop3 = poplib.POP3_SSL("127.0.0.1", suite.ports["pop3s"], context=context, timeout=20)
    else:
        pop3 = poplib.POP3("127.0.0.1", suite.ports["pop3d"], timeout=20)
        pop3.stls(context)
    pop3.user(user.address)
    pop3.pass_(user.password)
    return pop3


@pytest.mark.parametrize("tls", [True, False], ids=["pop3s", "stls"])
def test_poplib(suite, user, tls):
    pop3 = poplib_session(suite, user, tls)
    assert pop3.stat()[0] == 2 and "UIDL" in pop3.capa()
    first = pop3.uidl()[1]
    assert pop3.retr(1)[1][-1] == b".body of one" and pop3.top(2, 0)[1][-1] == b""
    pop3.quit()
    pop3 = poplib_session(suite, user, tls)
    assert pop3.uidl()[1] == first, "a client that leaves its mail downloads nothing again"
    pop3.dele(1)
    pop3.quit()
    assert len(user.messages()) == 1


@needs("curl")
def test_curl(suite, user):
    def curl(path, *options, service="pop3s"):
        port = suite.ports["pop3s" if service == "pop3s" else "pop3d"]
        return run("curl", "--silent", "--show-error", "--insecure", *(() if service == "pop3s" else ("--ssl-reqd",)),
                   "--user", f"{user.address}:{user.password}", f"{service}://127.0.0.1:{port}/{path}", *options).stdout

    assert len(curl("").splitlines()) == 2
    assert curl("2", service="pop3").replace("\r\n", "\n") == TEXT.format("two")
    ids = curl("", "--request", "UIDL")
    assert len(ids.splitlines()) == 2 and curl("", "--request", "UIDL", service="pop3") == ids
    assert curl("1", "--login-options", "AUTH=PLAIN", "--sasl-ir").endswith(".body of one\n")
    curl("1", "--request", "DELE", "--head")
    assert len(user.messages()) == 1


@needs("fetchmail")
def test_fetchmail(suite, user, tmp_path):
    box = tmp_path / "box"
    (tmp_path / "rc").write_text(
        f'poll 127.0.0.1 protocol pop3 service {suite.ports["pop3s"]} uidl user "{user.address}" password "{user.password}" ssl '
        f'no sslcertck keep mda "cat >> {box}"\n')
    (tmp_path / "rc").chmod(0o600)

    def fetch(codes, *options):
        return run("fetchmail", "--fetchmailrc", tmp_path / "rc", "--idfile", tmp_path / "ids", "--pidfile", tmp_path / "pid",
                   "--nosyslog", *options, codes=codes, env={**os.environ, "HOME": str(tmp_path), "FETCHMAILHOME": str(tmp_path)})

    fetch((0,))
    assert box.read_text().count("Message-ID:") == 2
    fetch((1,))  # there was no mail
    put(user, "three")
    fetch((0,))
    assert box.read_text().count("Message-ID:") == 3 and len(user.messages()) == 3
    fetch((0,), "--all", "--nokeep")
    assert user.messages() == []


@pytest.fixture
def shared():
    """A directory that nobody (the user) reaches: getmail does not write mail as root, and pytest's are root's."""
    with tempfile.TemporaryDirectory(prefix="postern-getmail-", dir="/var/tmp") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@needs("getmail")
def test_getmail(suite, user, shared):
    for path in (shared / "mail", *(shared / "mail" / part for part in ("cur", "new", "tmp"))):
        path.mkdir()
        shutil.chown(path, "nobody")
    (shared / "rc").write_text(f"""[retriever]
type = SimplePOP3SSLRetriever
server = 127.0.0.1
port = {suite.ports["pop3s"]}
username = {user.address}
password = {user.password}
[destination]
type = Maildir
path = {shared}/mail/
user = nobody
[options]
read_all = false
delete = false
""")

    def fetch():
        run("getmail", f"--getmaildir={shared}", "--rcfile=rc", env={**os.environ, "HOME": str(shared)})
        return len(list((shared / "mail/new").iterdir()))

    assert fetch() == 2 and fetch() == 2
    put(user, "three")
    assert fetch() == 3 and len(user.messages()) == 3


@needs("mpop")
def test_mpop(suite, user, tmp_path):
    box = tmp_path / "box"
    (tmp_path / "rc").write_text(f"""account default
host 127.0.0.1
port {suite.ports["pop3s"]}
user {user.address}
password {user.password}
auth plain
tls on
tls_starttls off
tls_certcheck off
keep on
only_new on
uidls_file {tmp_path}/ids
delivery mbox {box}
""")
    (tmp_path / "rc").chmod(0o600)

    def fetch():
        run("mpop", f"--file={tmp_path / 'rc'}", env={**os.environ, "HOME": str(tmp_path)})
        return box.read_text().count("Message-ID:")

    assert fetch() == 2 and fetch() == 2
    put(user, "three")
    assert fetch() == 3 and len(user.messages()) == 3
