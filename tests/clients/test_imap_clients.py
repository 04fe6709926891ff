"""Real clients from Debian's packages against the whole suite: imaplib, curl, mutt, mbsync, offlineimap, alpine, and the classes that Roundcube has for IMAP."""
import imaplib
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess

import pytest

from harness import wait_for
from harness.dialogue import client_context

MESSAGE = "From: anna@example.test\nTo: bert@example.test\nSubject: {0}\nDate: Sat, 21 Nov 2026 10:00:00 +0000\n" \
    "Message-ID: <{0}@example.test>\n\nbody of {0}\n"


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*arguments, check=True, **keywords):
    result = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60,
                            stdin=subprocess.DEVNULL, **keywords)
    assert not check or result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
    return result


@pytest.fixture
def user(suite):
    account = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        for number, name in enumerate(("one", "two", "three")):
            smtp.message("stranger@elsewhere.test", [account.address], MESSAGE.format(name))
            account.wait(number + 1)
    return account


# --- imaplib ----------------------------------------------------------------------------


def test_imaplib(suite, user):
    """A mailbox from end to end, as programs in Python do it."""
    context = client_context()
    with imaplib.IMAP4("127.0.0.1", suite.ports["imapd"]) as imap:
        assert imap.starttls(context)[0] == "OK"
        assert imap.authenticate("PLAIN", lambda _: f"\0{user.address}\0{user.password}".encode())[0] == "OK"
        assert imap.select("INBOX") == ("OK", [b"3"])
        assert imap.search(None, "SUBJECT", "two") == ("OK", [b"2"])
        status, parts = imap.fetch("2", "(UID BODY.PEEK[])")
        assert status == "OK" and b"body of two" in parts[0][1]
        assert imap.store("2", "+FLAGS", "(\\Flagged work)")[0] == "OK"
        assert imap.uid("SEARCH", "KEYWORD", "work") == ("OK", [b"2"])
        assert imap.create("Work")[0] == imap.subscribe("Work")[0] == "OK"
        assert imap.copy("1:2", "Work")[0] == "OK"
        text = MESSAGE.format("four").encode()
        assert imap.append("Work", "\\Seen", imaplib.Time2Internaldate(1795000000), text)[0] == "OK"
        assert imap.status("Work", "(MESSAGES UNSEEN)")[1] == [b"Work (MESSAGES 3 UNSEEN 2)"]
        assert imap.sort("REVERSE SUBJECT", "UTF-8", "ALL") == ("OK", [b"2 3 1"])
        assert imap.thread("REFERENCES", "UTF-8", "ALL")[0] == "OK"
        assert imap.store("1", "+FLAGS", "\\Deleted")[0] == "OK" and imap.expunge() == ("OK", [b"1"])
        assert imap.rename("Work", "Done")[0] == "OK" and imap.delete("Done")[0] == "OK"
        assert imap.list()[1] == [b'(\\HasNoChildren) "." INBOX']
        assert imap.close()[0] == "OK"


# --- curl -------------------------------------------------------------------------------


def curl(suite, user, path, *options, service="imaps"):
    url = f"{service}://127.0.0.1:{suite.ports['imaps' if service == 'imaps' else 'imapd']}/{path}"
    tls = [] if service == "imaps" else ["--ssl-reqd"]
    return run("curl", "--silent", "--show-error", "--insecure", *tls, "--user", f"{user.address}:{user.password}",
               url, *options).stdout


@needs("curl")
@pytest.mark.parametrize("service", ["imap", "imaps"])
def test_curl(suite, user, service, tmp_path):
    assert 'LIST (\\HasNoChildren) "." INBOX' in curl(suite, user, "", service=service)
    assert "Subject: two" in curl(suite, user, "INBOX;MAILINDEX=2", service=service)
    assert curl(suite, user, "INBOX;UID=3;SECTION=TEXT", service=service).strip() == "body of three"
    assert "* SEARCH 2" in curl(suite, user, "INBOX?SUBJECT%20two", service=service)
    sent = tmp_path / "message"
    sent.write_bytes(MESSAGE.format("four").replace("\n", "\r\n").encode())
    curl(suite, user, "INBOX", "--upload-file", sent, service=service)
    assert curl(suite, user, "INBOX;MAILINDEX=4", service=service).replace("\r\n", "\n") == MESSAGE.format("four")
    assert "Archive" not in curl(suite, user, "", service=service)
    curl(suite, user, "", "--request", "CREATE Archive", service=service)
    assert "Archive" in curl(suite, user, "", service=service)


# --- mutt -------------------------------------------------------------------------------


def mutt(suite, user, home, commands):
    """mutt in a terminal of its own, driven by `push`; what it leaves is looked at on the disk."""
    (home / "cache").mkdir(exist_ok=True)
    (home / "rc").write_text(f"""
set folder="imaps://127.0.0.1:{suite.ports['imaps']}/"
set spoolfile="+INBOX"
set imap_user="{user.address}" imap_pass="{user.password}"
set ssl_verify_host=no ssl_verify_dates=no
set certificate_file="{home}/certificates"
set header_cache="{home}/cache" record="" copy=no confirmappend=no delete=yes quit=yes move=no
set sleep_time=0 timeout=1 mail_check=0 wait_key=no sort=mailbox-order
push "{commands}"
""")
    host, port = "127.0.0.1", suite.ports["imaps"]
    certificate = run("sh", "-c", f"openssl s_client -connect {host}:{port} </dev/null 2>/dev/null | openssl x509").stdout
    (home / "certificates").write_text(certificate)
    result = run("script", "-qec", f"mutt -n -F {home / 'rc'}", "/dev/null", check=False,
                 env={**os.environ, "TERM": "xterm", "HOME": str(home), "LINES": "40", "COLUMNS": "100"})
    assert result.returncode == 0, result.stdout[-2000:]
    return result.stdout


@needs("mutt")
@needs("script")
def test_mutt(suite, user, tmp_path):
    saved = tmp_path / "saved"
    # Read the first, flag the second, delete the third, copy all to a file.
    mutt(suite, user, tmp_path,
         f"<first-entry><display-message><exit><first-entry><next-entry><flag-message><last-entry>"
         f"<tag-pattern>.<enter><tag-prefix><copy-message>{saved}<enter>"
         f"<untag-pattern>.<enter><last-entry><delete-message><quit>")
    assert saved.read_text().count("Message-ID:") == 3
    names = sorted(path.name for path in (user.maildir / "cur").iterdir())
    assert len(names) == 2
    flags = {re.search(r"Subject: (\w+)", (user.maildir / "cur" / n).read_text())[1]: n.rpartition(":2,")[2] for n in names}
    assert set(flags) == {"one", "two"} and "S" in flags["one"] and "F" in flags["two"]


# --- mbsync -----------------------------------------------------------------------------


def mbsync(suite, user, home):
    (home / "rc").write_text(f"""
IMAPAccount test
# mbsync would insist on the certificate's name; the tests' one is not 127.0.0.1.
Tunnel "openssl s_client -quiet -verify_quiet -connect 127.0.0.1:{suite.ports['imaps']} 2>/dev/null"
User {user.address}
Pass "{user.password}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account test

MaildirStore near
Path {home}/mail/
Inbox {home}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    (home / "mail").mkdir(exist_ok=True)
    return run("mbsync", "-V", "-c", home / "rc", "-a", env={**os.environ, "HOME": str(home)})


def tree(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*")
                  if path.is_file() and path.parent.name in ("cur", "new"))


@needs("mbsync")
def test_mbsync(suite, user, tmp_path):
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        assert imap.command("CREATE Work")[0] == "OK"
        text = MESSAGE.format("work").replace("\n", "\r\n")
        assert imap.command([f"APPEND Work (\\Seen \\Flagged) {{{len(text)}}}", text + "\r\n"])[0] == "OK"
    mbsync(suite, user, tmp_path)
    near = tmp_path / "mail"
    assert len(tree(near)) == 4
    (work,) = (near / "Work/cur").iterdir()
    assert "Subject: work" in work.read_text() and work.name.endswith(":2,FS")

    # The second run is a no-op, here and there.
    before = tree(near), tree(user.maildir)
    second = mbsync(suite, user, tmp_path)
    assert (tree(near), tree(user.maildir)) == before
    assert not re.search(r"[+*#][1-9]", second.stdout + second.stderr), second.stdout + second.stderr

    # A change on each side reaches the other.
    work.rename(work.with_name(work.name.replace(":2,FS", ":2,FST")))
    (near / "INBOX/cur" / "1700000000.1.here:2,S").write_text(MESSAGE.format("near"))
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        imap.command("SELECT INBOX")
        assert imap.command("STORE 1 +FLAGS (\\Deleted)")[0] == "OK"
        assert imap.command("EXPUNGE")[0] == "OK"
    mbsync(suite, user, tmp_path)
    assert len(user.messages()) == 3 and user.messages("Work") == []
    assert any(b"Subject: near" in m for m in user.messages())
    assert len(tree(near / "INBOX")) == 3 and tree(near / "Work") == []
    settled = tree(near), tree(user.maildir)
    mbsync(suite, user, tmp_path)
    assert (tree(near), tree(user.maildir)) == settled


# --- offlineimap ------------------------------------------------------------------------


def offlineimap(suite, user, home):
    print_ = run("sh", "-c", f"openssl s_client -connect 127.0.0.1:{suite.ports['imaps']} </dev/null 2>/dev/null | "
                 "openssl x509 -noout -fingerprint -sha512").stdout.split("=")[1].strip().replace(":", "").lower()
    (home / "rc").write_text(f"""
[general]
accounts = test
metadata = {home}/state
socktimeout = 20
[Account test]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {home}/mail
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {suite.ports['imaps']}
remoteuser = {user.address}
remotepass = {user.password}
ssl = yes
cert_fingerprint = {print_}
""")
    return run("offlineimap", "-c", home / "rc", "-o", "-u", "basic", env={**os.environ, "HOME": str(home)})


@needs("offlineimap")
def test_offlineimap(suite, user, tmp_path):
    offlineimap(suite, user, tmp_path)
    near = tmp_path / "mail"
    assert len(tree(near / "INBOX")) == 3
    # The second run changes nothing, here and there.
    before = tree(near), tree(user.maildir)
    offlineimap(suite, user, tmp_path)
    assert (tree(near), tree(user.maildir)) == before
    # A flag and a new message from here, a removal from there.
    [one] = [path for path in (near / "INBOX").glob("*/*") if "Subject: one" in path.read_text()]
    one.rename(near / "INBOX/cur" / (one.name.split(":")[0] + ":2,FS"))
    (near / "INBOX/cur" / "1700000000.1.here:2,S").write_text(MESSAGE.format("near"))
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        imap.command("SELECT INBOX")
        assert imap.command("STORE 3 +FLAGS (\\Deleted)")[0] == imap.command("EXPUNGE")[0] == "OK"
    offlineimap(suite, user, tmp_path)
    subjects = sorted(re.search(rb"Subject: (\w+)", m)[1] for m in user.messages())
    assert subjects == [b"near", b"one", b"two"] and len(tree(near / "INBOX")) == 3
    assert any(name.endswith(":2,FS") for name in tree(user.maildir))


# --- alpine -----------------------------------------------------------------------------


class Terminal:
    """A program in a terminal of its own: what it shows is waited for, then a key is pressed."""

    def __init__(self, *arguments, **environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(arguments[0], [str(a) for a in arguments], {**os.environ, "TERM": "xterm", **environment})
        self.shown = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def see(self, words):
        def look():
            if select.select([self.fd], [], [], 0)[0]:
                self.shown += os.read(self.fd, 65536)
            return words in self.shown
        wait_for(lambda: f"{words} in {self.shown[-2000:]}", 20, look)

    def press(self, keys):
        self.shown = b""
        os.write(self.fd, keys)


@needs("alpine")
def test_alpine(suite, user, tmp_path):
    """The list, a message, one that is saved into a folder made for it, and expunged."""
    place = f'{{127.0.0.1:{suite.ports["imaps"]}/ssl/novalidate-cert/user="{user.address}"}}'
    (tmp_path / "rc").write_text(f"personal-name=Me\nuser-domain=example.test\ninbox-path={place}INBOX\nfolder-collections=Mail {place}[]\n"
                                 "feature-list=quit-without-confirm,expunge-without-confirm\nlast-version-used=9.99\n")
    with Terminal("alpine", "-p", tmp_path / "rc", "-i", HOME=str(tmp_path)) as alpine:
        alpine.see(b"PASSWORD")
        alpine.press(user.password.encode() + b"\r")
        alpine.see(b"[Yes]")        # whether to keep the password
        alpine.press(b"n")
        alpine.see(b"three")
        alpine.press(b"\r")
        alpine.see(b"body of")
        alpine.press(b"s")
        alpine.see(b"SAVE")
        alpine.press(b"\x15Work\r")
        alpine.see(b"[Yes]")        # whether to make the folder
        alpine.press(b"y")
        user.wait(1, folder="Work")
        alpine.see(b"DEL")
        alpine.press(b"<")
        alpine.see(b"three")
        alpine.press(b"x")
        wait_for("what was saved to be expunged", 20, lambda: len(user.messages()) == 2)


# --- Roundcube --------------------------------------------------------------------------

ROUNDCUBE = pathlib.Path("/var/cache/postern-test/roundcube")


@needs("php")
@pytest.mark.skipif(not ROUNDCUBE.is_dir(), reason="sh tests/clients/get_roundcube gets it")
def test_roundcube(suite, user):
    """Folders for their uses, the list, search, an answer, what is moved and deleted (roundcube.php, which ends at the first refusal)."""
    driver = pathlib.Path(__file__).with_name("roundcube.php")
    got = json.loads(run("php", driver, ROUNDCUBE, suite.ports["imaps"], user.address, user.password).stdout)
    assert got["namespace"]["personal"] == [["", "."]] and got["delimiter"] == "." and all(got["knows"])
    assert set(got["folders"]) == {"INBOX", "Ablage", "Ablage.Gr&APwA3w-e", "Sent"} and "\\Sent" in got["uses"]
    assert got["subscribed"] == ["Ablage", "Ablage.Gr&APwA3w-e", "Sent"]
    assert got["count"] == got["unseen"] == got["threads"] == 3 and got["sorted"] == ["1", "3", "2"]
    assert got["headers"] == [[number + 1, name, "anna@example.test", "plain"] for number, name in enumerate(("one", "two", "three"))]
    assert got["body"] == "body of two\r\n" and got["answered"] == ["2"] and got["found"] == ["1", "3"] and got["appended"] == "1"
    assert got["left"] == {"INBOX": "1", "Sent": "2", "Ablage": "1", "Ablage.Gr&APwA3w-e": "1"}
    assert got["metadata"] == {"INBOX": {"/private/comment": "Eingang"}} and got["end"] == ["INBOX", "Sent"]
