"""Promise 12: no user, folder or table value reaches outside its home. Canary files stay as they are while names of every
byte come in through table, SMTP, POP3 and IMAP, and links are planted by somebody with vmail's rights."""
import os
import pwd

import pytest


class Canaries:
    """Files where a name that climbs out would land, and what is there before and after."""

    def __init__(self, suite):
        self.root = suite.mail_root
        self.places = [suite.mail_root, suite.prefix, suite.mail_root / "outside"]
        vmail = pwd.getpwnam("vmail")
        (suite.mail_root / "outside/new").mkdir(parents=True, exist_ok=True)
        for path in (suite.mail_root / "outside", suite.mail_root / "outside/new"):
            os.chown(path, vmail.pw_uid, vmail.pw_gid)
        self.file = suite.mail_root / "outside/canary"
        self.file.write_text("canary")
        os.chown(self.file, vmail.pw_uid, vmail.pw_gid)

    def state(self):
        listing = {str(place): sorted(path.name for path in place.iterdir()) for place in self.places}
        listing["new"] = sorted(path.name for path in (self.root / "outside/new").iterdir())
        return listing, self.file.read_text(), self.file.stat().st_mtime_ns


@pytest.fixture
def canaries(suite):
    domain = suite.mail_root / suite.domain
    if not domain.exists():
        suite.tool("deliver", "-d", suite.user().address, input="Subject: x\n\n")
    return Canaries(suite)


def deliver(suite, address):
    return suite.tool("deliver", "-d", address, input="Subject: x\n\n", check=False).returncode


@pytest.mark.parametrize("maildir", ["../outside/", "/outside/", "x/../../outside/", "./outside", "..", "x/..", "outside/../..",
                                     "a/./b/", "//outside", "a" * 300 + "/"])
def test_a_table_names_a_maildir_outside(suite, canaries, maildir):
    name = f"climber{abs(hash(maildir))}@{suite.domain}"
    before = canaries.state()
    added = suite.tool("users", "add", name, "--stdin", "--maildir", maildir, input="secret words\n", check=False)
    if added.returncode == 0:
        assert deliver(suite, name) in (67, 75)
        with suite.pop3("pop3s") as pop3:
            assert pop3.login(name, "secret words").startswith("-ERR")
        suite.tool("users", "delete", name)
    assert canaries.state() == before


def link(suite, target, place):
    os.symlink(target, place)
    vmail = pwd.getpwnam("vmail")
    os.chown(place, vmail.pw_uid, vmail.pw_gid, follow_symlinks=False)


@pytest.mark.parametrize("part", ["", "new", "tmp", "cur"])
def test_a_planted_link_is_not_followed(suite, canaries, part):
    user = suite.user()
    assert deliver(suite, user.address) == 0
    place = user.maildir / part if part else user.maildir
    os.rename(place, f"{user.maildir}.{part}aside" if part else f"{user.maildir}.aside")
    link(suite, suite.mail_root / "outside", place)
    before = canaries.state()
    assert deliver(suite, user.address) == 75
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(user.address, user.password).startswith("-ERR [SYS/")
    assert canaries.state() == before


def test_linked_messages_and_lists_are_not_read(suite, canaries):
    user = suite.user()
    assert deliver(suite, user.address) == 0
    link(suite, canaries.file, user.maildir / "new/1.link")
    link(suite, canaries.file, user.maildir / "cur/2.link:2,S")
    for name in ("dovecot-uidlist", "dovecot-keywords", "subscriptions", "dovecot-uidlist.tmp", "dovecot-uidvalidity"):
        link(suite, canaries.file, user.maildir / name)
    before = canaries.state()
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(user.address, user.password) == "+OK 1 messages"
        assert pop3.command("DELE 1").startswith("+OK")
        assert pop3.command("QUIT").startswith("+OK")
    assert canaries.state() == before


def test_recipients_of_every_byte(suite, canaries):
    before = canaries.state()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<stranger@elsewhere.test>")
        for local in [b'"../outside"', b'"/../../outside/"', b'".."', b"..%2foutside", b'"a\\/../b"'] + \
                     [b'"a' + bytes([byte]) + b'/../b"' for byte in range(1, 256) if byte not in b'\r\n"\\']:
            code, _ = smtp.command(b"RCPT TO:<" + local + b"@" + suite.domain.encode() + b">")
            assert code in (421, 501, 550, 553, 555, 500, 452, 451), (local, code)
            if code == 421:
                break
    assert canaries.state() == before


def test_folders_of_every_byte(suite, canaries):
    user = suite.user()
    before = canaries.state()
    names = [b"..", b"../x", b"x/../../outside", b"/outside", b"..outside", b".", b"&AC8-x", b"&AC4ALg-", b"x/y", b"INBOX/../x"]
    names += [b"a" + bytes([byte]) + b"b" for byte in range(1, 256) if byte not in b'\r\n"\\']
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        inside = sorted(path.name for path in user.maildir.iterdir())
        for name in names:
            for command in (b"CREATE", b"SELECT", b"DELETE"):
                imap.command(command + b' "' + name + b'"')
            imap.command(b'RENAME INBOX "' + name + b'"')
        for path in user.maildir.iterdir():
            assert path.name in inside or path.name.startswith((".", "dovecot", "subscriptions")), path
    assert canaries.state() == before


def test_extensions_and_new_folders_of_every_byte(suite, canaries):
    """user+folder@ where folders are made for it, and folders that a setting names."""
    user = suite.user()
    assert deliver(suite, user.address) == 0
    before = canaries.state()
    names = ["..", "../x", "x/../../outside", "/outside", "..outside", ".", "&AC8-x", "&AC4ALg-", "x/y", "INBOX/../x"]
    names += [f"a{chr(number)}b" for number in range(1, 256)]
    suite.set("extension_folders", "create")
    suite.set("new_folders", "\n".join(["../outside", "/outside", "..", "x/../../outside", "Sent"]))
    try:
        for name in names:
            assert suite.tool("deliver", "-d", user.address, "-m", name, input="Subject: x\n\n", check=False).returncode == 0
        other = suite.user()
        assert deliver(suite, other.address) == 0
    finally:
        suite.set("extension_folders", None)
        suite.set("new_folders", None)
    for who in (user, other):
        assert all(path.name.startswith(".") or path.name in ("cur", "new", "tmp", "subscriptions") for path in who.maildir.iterdir())
    assert [path.name for path in other.maildir.glob(".*")] == [".Sent"]
    assert canaries.state()[0][str(suite.mail_root)] == before[0][str(suite.mail_root)] and canaries.state()[1:] == before[1:]


@pytest.mark.parametrize("part", ["", "new", "tmp", "cur"])
def test_a_folder_that_is_a_link_is_none(suite, canaries, part):
    """Its user has put a link in a folder's place, or in that of one of its directories: nobody goes through it."""
    user = suite.user()
    assert deliver(suite, user.address) == 0
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("CREATE Folder")[0] == imap.command("CREATE Other")[0] == "OK"
        place = user.maildir / ".Folder" / part if part else user.maildir / ".Folder"
        os.rename(place, user.maildir / "aside")
        link(suite, suite.mail_root / "outside", place)
        before = canaries.state()
        assert imap.command("SELECT Folder")[0] == "NO"
        assert imap.command("STATUS Folder (MESSAGES)")[0] == "NO"
        assert imap.command("SELECT INBOX")[0] == "OK"
        assert imap.command("COPY 1 Folder")[0] == "NO"
        assert imap.command(["APPEND Folder {6}", "a: b\r\n\r\n"])[0] == "NO"
        imap.command("RENAME Folder Moved")
        imap.command("DELETE Folder")
        imap.command("DELETE Moved")
    assert canaries.state() == before


def test_linked_locks_and_lists_of_folders_are_not_followed(suite, canaries):
    """Links, dangling links and FIFOs in the places of files that the store reads, writes, locks with or replaces."""
    user = suite.user()
    assert deliver(suite, user.address) == 0
    names = ["dovecot-uidlist", "dovecot-uidlist.tmp", "dovecot-keywords", "dovecot-keywords.tmp", "subscriptions.tmp",
             "dovecot-uidvalidity", "postern-index", "postern-index.tmp", "postern-index.lock", "postern-sketches", "maildirsize",
             "maildirfolder", "courierimapuiddb", "courierimapsubscribed", "courierimapkeywords"]
    dangling = suite.mail_root / "outside/made"
    before = canaries.state()
    for plant in (lambda path: link(suite, canaries.file, path), lambda path: link(suite, dangling, path), os.mkfifo):
        for place in (user.maildir, user.maildir / ".Folder"):
            with suite.imap("imaps") as imap:
                assert imap.login(user.address, user.password)[0] == "OK"
                imap.command("CREATE Folder")
            for name in names:
                path = place / name
                if path.is_symlink() or path.exists():
                    path.unlink()
                plant(path)
            work_in(suite, user)
    assert canaries.state() == before
    assert not dangling.exists()


def work_in(suite, user):
    """Everything that opens one of these files; whether it goes well is another promise's matter, but it must not hang."""
    deliver(suite, user.address)
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        for command in ("SELECT Folder", 'LIST "" "*"', 'LSUB "" "*"', "SUBSCRIBE Folder", "UNSUBSCRIBE Folder", "SELECT INBOX",
                        "SEARCH" + " NOT BODY nowhere" * 9, "STORE 1 +FLAGS (\\Seen Key)",
                        "COPY 1 Folder", "EXPUNGE", "RENAME Folder Was", "DELETE Was"):
            imap.command(command)
        imap.command(["APPEND INBOX (Other) {6}", "a: b\r\n\r\n"])


def test_linked_files_of_pop3_are_not_followed(suite, canaries):
    """The same of what POP3 alone reads, writes and locks with."""
    user = suite.user()
    assert deliver(suite, user.address) == 0
    wanted = {"pop3_takeover": "1s", "pop3_login_delay": "1s", "pop3_uidl_courier": "yes"}
    dangling = suite.mail_root / "outside/made"
    before = canaries.state()
    for name, value in wanted.items():
        suite.set(name, value)
    suite.restart("pop3")
    try:
        for plant in (lambda path: link(suite, canaries.file, path), lambda path: link(suite, dangling, path), os.mkfifo):
            for name in ("dovecot-pop3-session.lock", "postern-pop3-knock", "postern-pop3-login", "courierpop3dsizelist"):
                path = user.maildir / name
                path.unlink(missing_ok=True)
                plant(path)
                with suite.pop3("pop3s") as pop3:
                    if pop3.login(user.address, user.password).startswith("+OK"):
                        pop3.many("UIDL")
                        pop3.command("QUIT")
                path.unlink(missing_ok=True)
    finally:
        for name in wanted:
            suite.set(name, None)
        suite.restart("pop3")
    assert canaries.state() == before
    assert not dangling.exists()
