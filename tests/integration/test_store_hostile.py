"""Issue 6, item 8: what somebody does to a Maildir that deliver and sessions work on: folders that go under them, names as long as a file
system takes, and links in the places of Postern's own files. (Links to Maildirs and to their files: tests/promises/test_12_home.py; names of
every byte: test_store_layout.py; a folder that goes within a delivery: tests/crash/test_group_faults.py.)"""
import contextlib
import os
import pwd
import re
import shutil
import threading

import pytest

from harness import Suite, wait_for

VMAIL = pwd.getpwnam("vmail")
SETTINGS = {"extension_folders": "create", "duplicate_window": "1h", "plain_without_tls": "yes", "quota_warnings": "1",
            "pop3_takeover": "60s", "pop3_login_delay": "1s"}


@pytest.fixture(scope="module")
def house():
    with Suite("hostile", SETTINGS) as suite:
        yield suite
        assert not suite.findings()


@pytest.fixture
def user(house):
    account = house.user()
    deliver(house, account, "first")
    return account


def deliver(house, user, subject, folder=""):
    address = user.address.replace("@", f"+{folder}@") if folder else user.address
    message = f"Subject: {subject}\nMessage-ID: <{subject}@elsewhere.test>\n\n{subject}\n"
    return house.tool("deliver", "-d", address, input=message, check=False).returncode


def login(house, user):
    imap = house.imap()
    assert imap.login(user.address, user.password)[0] == "OK", imap.text
    return imap


def put(path, content=b"Subject: x\n\n"):
    with open(path, "wb") as file:
        file.write(content)
    os.chown(path, VMAIL.pw_uid, VMAIL.pw_gid)


# --- what goes under them ------------------------------------------------------------------


def test_a_folder_that_is_deleted_while_mail_comes_for_it(house, user):
    """Each delivery ends with the message in the folder, in INBOX, or with "try again", when the folder goes at any moment: here by a rename, so
    that what was in it can be counted."""
    codes, ending = [], threading.Event()

    def bring(seed):
        for number in range(8):
            codes.append((f"m{seed}x{number}", deliver(house, user, f"m{seed}x{number}", "Work")))

    def move_away():
        number = 0
        while not ending.is_set():
            number += 1
            with contextlib.suppress(OSError):
                os.rename(user.maildir / ".Work", user.maildir / f".Gone{number}")

    threads = [threading.Thread(target=bring, args=(seed,)) for seed in range(4)]
    mover = threading.Thread(target=move_away)
    mover.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ending.set()
    mover.join()
    seen = b"".join(path.read_bytes() for where in (user.maildir, *user.maildir.glob(".*")) if where.is_dir()
                    for part in ("new", "cur") if (where / part).is_dir() for path in (where / part).iterdir())
    assert {code for _, code in codes} <= {0, 75}
    for subject, code in codes:
        assert (code == 0) == (f"\nSubject: {subject}\n".encode() in seen), (subject, code)


def test_the_maildir_goes_under_a_pop3_session(house, user):
    deliver(house, user, "second")
    with house.pop3() as pop3:
        assert pop3.login(user.address, user.password).startswith("+OK")
        assert pop3.many("RETR 1")[0].startswith("+OK")
        shutil.rmtree(user.maildir)
        with contextlib.suppress(EOFError, OSError):
            assert pop3.command("RETR 2").startswith("-ERR")
            assert pop3.command("DELE 1").startswith(("-ERR", "+OK"))
            pop3.command("QUIT")
    # Mail goes on; so does the next login.
    assert deliver(house, user, "third") == 0 and len(user.messages()) == 1
    with login(house, user) as imap:
        assert b"* 1 EXISTS" in imap.command("SELECT INBOX")[1]


@pytest.mark.parametrize("part", ["", "new", "cur", "tmp"])
def test_the_maildir_or_a_part_of_it_goes_under_an_imap_session(house, user, part):
    with login(house, user) as imap:
        imap.command("SELECT INBOX")
        shutil.rmtree(user.maildir / part)
        with contextlib.suppress(EOFError):
            for command in ("NOOP", "STORE 1 +FLAGS (\\Seen Key)", "FETCH 1 (FLAGS BODY.PEEK[])", "COPY 1 INBOX", "CREATE Work", "EXPUNGE",
                            'LIST "" "*"', "STATUS INBOX (MESSAGES)"):
                imap.command(command)
            imap.command(["APPEND INBOX {6}", "a: b\r\n\r\n"])
    deliver(house, user, "again")
    assert deliver(house, user, "after") == 0
    with login(house, user) as imap:
        assert imap.command("SELECT INBOX")[0] == "OK"
        assert re.search(rb"Subject: after", b"".join(imap.command("FETCH 1:* (BODY.PEEK[])")[1]))


# --- names ------------------------------------------------------------------------------------


def test_the_longest_names(house, user):
    """A file's name has 255 bytes at most. What has no room for flags keeps those that it has; its message is read, copied and removed."""
    names = {"17." + "a" * (255 - 3): b"one", "17." + "b" * (255 - 3 - 4) + ":2,S": b"two", "17.c" + ",S=12" * 50: b"three",
             "17.d:2,S:2,F:1,x": b"four", "17.e:2," + "S" * 200: b"five", "17.\udcff\udc80\u00e9:2,T": b"six"}
    for name, text in names.items():
        put(os.fsencode(user.maildir / ("cur" if ":" in name else "new")) + b"/" + name.encode("utf-8", "surrogateescape"), b"Subject: " + text + b"\n\n")
    with login(house, user) as imap:
        imap.command("CREATE Other")
        imap.command("SELECT INBOX")
        _, lines = imap.command("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found = set(re.findall(rb"Subject: (\w+)", b"\n".join(lines)))
        assert found == {b"first", *names.values()}
        imap.command("STORE 1:* +FLAGS (\\Flagged)")
        assert imap.command("COPY 1:* Other")[0] in ("OK", "NO")
        imap.command("STORE 1:* +FLAGS (\\Deleted)")
        imap.command("EXPUNGE")
        assert imap.command("NOOP")[0] == "OK"
    with login(house, user) as imap:
        _, lines = imap.command("SELECT INBOX")
        left = int(re.search(rb"\* (\d+) EXISTS", b"\n".join(lines))[1])
        assert left == sum(len(os.listdir(user.maildir / part)) for part in ("new", "cur"))


def test_folders_with_the_longest_names(house, user):
    """IMAP takes names of up to 240 bytes and 32 levels; a directory with more is no folder, and in nobody's way."""
    for name in ("x" * 254, "y" * 241, ".".join("ab" * 1 for _ in range(40)), "z" * 240):
        path = user.maildir / f".{name}"
        path.mkdir()
        for part in ("cur", "new", "tmp"):
            (path / part).mkdir()
        for directory in (path, *path.iterdir()):
            os.chown(directory, VMAIL.pw_uid, VMAIL.pw_gid)
    with login(house, user) as imap:
        _, lines = imap.command('LIST "" "*"')
        assert {line.split(b" ")[-1] for line in lines} == {b"INBOX", b"z" * 240}
        assert imap.command(f"CREATE {'w' * 240}")[0] == "OK" and imap.command(f"CREATE {'v' * 241}")[0] == "NO"
        assert imap.command(f"SELECT {'z' * 240}")[0] == "OK" and imap.command(f"SELECT {'y' * 241}")[0] == "NO"
    assert deliver(house, user, "there", "z" * 100) == 0 and len(user.messages("z" * 100)) == 1


# --- links in the places of Postern's own files -------------------------------------------------


OWN = ["postern-quota-warned", "postern-duplicates", "dovecot-pop3-session.lock", "postern-pop3-knock", "postern-pop3-login", "maildirsize",
       "postern-index", "subscriptions", "subscriptions.tmp", "dovecot-uidlist", "dovecot-keywords", "dovecot-uidvalidity"]


@pytest.fixture(scope="module")
def limited(house):
    """An account with a quota, so that its size is counted and warned of."""
    account = house.user()
    path = house.settings / "users"
    lines = path.read_text().splitlines()
    [line] = [line for line in lines if account.address in line.split()]
    secret = line.split()[2]
    made = f"limited@{house.domain}"
    with open(path, "a") as file:
        file.write(f"user {made} {secret} - 1000000,1000\n")
    house.tool("users", "compile")
    house.accounts.wait_known(made, "mailbox")
    account.address, account.maildir = made, account.maildir.parent / "limited"
    return account


@pytest.mark.parametrize("kind", ["link", "dangling", "hard", "fifo", "directory"])
def test_links_in_the_places_of_our_files(house, limited, kind):
    """Nothing is written through them or read from them, nobody hangs, and mail is still delivered."""
    outside = house.mail_root / "outside"
    outside.mkdir(exist_ok=True)
    os.chown(outside, VMAIL.pw_uid, VMAIL.pw_gid)
    canary, made = outside / "canary", outside / "made"
    put(canary, b"canary: do not change\n")
    before = canary.stat()
    deliver(house, limited, f"begin-{kind}")
    for name in OWN:
        path = limited.maildir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        {"link": lambda: path.symlink_to(canary), "dangling": lambda: path.symlink_to(made), "hard": lambda: os.link(canary, path),
         "fifo": lambda: os.mkfifo(path), "directory": lambda: (path / "x").mkdir(parents=True)}[kind]()
    code = deliver(house, limited, f"while-{kind}")
    with house.pop3() as pop3:
        if pop3.login(limited.address, limited.password).startswith("+OK"):
            pop3.command("DELE 1")
            pop3.command("QUIT")
    with house.imap() as imap:
        if imap.login(limited.address, limited.password)[0] == "OK":
            for command in ("SELECT INBOX", "STORE 1 +FLAGS (Key)", "SUBSCRIBE Work", "EXPUNGE"):
                imap.command(command)
            imap.command(["APPEND INBOX (Other) {6}", "a: b\r\n\r\n"])
    after = canary.stat()
    assert canary.read_bytes() == b"canary: do not change\n" and not made.exists()
    assert (after.st_mtime_ns, after.st_mode, after.st_uid) == (before.st_mtime_ns, before.st_mode, before.st_uid)
    assert code == 0
    for name in OWN:
        path = limited.maildir / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    assert deliver(house, limited, f"after-{kind}") == 0
    wait_for("the mail to be there", 5, lambda: any(f"Subject: after-{kind}\n".encode() in text for text in limited.messages()))
