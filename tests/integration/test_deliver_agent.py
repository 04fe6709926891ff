"""postern-deliver as other programs' delivery agent: options as Dovecot's and maildrop's callers give them, exit codes of sysexits,
and Debian's Postfix through pipe(8)."""
import contextlib
import os
import re
import subprocess

import pytest

from harness import wait_for
from harness.postfix import Postfix
from test_smtp_dialogue import settings

MESSAGE = "Subject: by hand\n\nhello\n"


def deliver(suite, *arguments, message=MESSAGE, user=None):
    return suite.tool("deliver", *arguments, input=message, check=False, user=user)


@pytest.mark.parametrize("sender", ["", "<>", "MAILER-DAEMON"])
def test_the_null_sender_has_three_names(suite, sender):
    user = suite.user()
    assert deliver(suite, "-f", sender, "-d", user.address).returncode == 0
    assert user.messages()[0].startswith(b"Return-Path: <>\n")


def test_original_and_final_recipient(suite):
    user = suite.user()
    assert deliver(suite, "-f", "<s@x.test>", "-a", "info@example.test", "-r", "anna@inside.test", "-d", user.address).returncode == 0
    assert user.messages()[0].startswith(b"Return-Path: <s@x.test>\nX-Original-To: info@example.test\nDelivered-To: anna@inside.test\n")


def test_options_may_be_joined_and_end(suite):
    user = suite.user()
    assert deliver(suite, f"-d{user.address}", "-fs@x.test", "--").returncode == 0
    assert user.messages()[0].startswith(b"Return-Path: <s@x.test>\n")


@pytest.mark.parametrize("arguments", [["-d"], ["-d", ""], ["-f", "x@y.test"], ["-d", "a@example.test", "b@example.test"], ["-x"],
                                       ["-d", "a@example.test", "-m"]])
def test_wrong_usage_is_64_and_said(suite, arguments):
    result = deliver(suite, *arguments)
    assert result.returncode == 64 and result.stderr.startswith("postern-deliver: ")


def test_no_such_user_is_67_and_said_first(suite):
    """Postfix's pipe(8) takes a status code at the beginning of the output."""
    result = deliver(suite, "-e", "-d", f"unknown@{suite.domain}")
    assert result.returncode == 67 and result.stdout == "5.1.1 no such mailbox\n"


def test_a_wrong_setting_is_75(suite):
    """It is not the sender's fault."""
    user = suite.user()
    with settings(suite, extension_folders="maybe"):
        result = deliver(suite, "-d", user.address)
    assert result.returncode == 75 and "extension_folders" in result.stderr and user.messages() == []


def test_further_callers(suite):
    user = suite.user()
    assert deliver(suite, "-d", user.address, user="nobody").returncode == 75
    with settings(suite, deliver_users="daemon, nobody"):
        assert deliver(suite, "-d", user.address, user="nobody").returncode == 0
    assert len(user.messages()) == 1


# --- folders -----------------------------------------------------------------------------


def folders(user):
    return sorted(path.name[1:] for path in user.maildir.iterdir() if path.name.startswith("."))


def subscribed(user):
    path = user.maildir / "subscriptions"
    return path.read_text().splitlines()[2:] if path.exists() else []


def extended(user, extension):
    return user.address.replace("@", f"+{extension}@")


@pytest.mark.parametrize("rule,there,folder", [("no", True, ""), ("existing", True, "Work"), ("existing", False, ""),
                                               ("create", False, "Work"), ("create", True, "Work")])
def test_an_extension_names_a_folder(suite, rule, there, folder):
    user = suite.user()
    deliver(suite, "-d", user.address)
    if there:
        with settings(suite, extension_folders="create"):
            deliver(suite, "-d", extended(user, "Work"))
    before = len(user.messages(folder))
    with settings(suite, extension_folders=rule):
        assert deliver(suite, "-d", extended(user, "Work")).returncode == 0
    assert len(user.messages(folder)) == before + 1
    assert folders(user) == (["Work"] if there or folder else []) and subscribed(user) == folders(user)
    if folder:
        assert (user.maildir / ".Work/maildirfolder").exists()


@pytest.mark.parametrize("extension,folder", [("a.b", "a.b"), ("INBOX", ""), ("a..b", ""), ("a.", ""), ("x" * 250, ""), ("&", "&-")])
def test_what_no_folder_can_be_called_goes_to_the_inbox(suite, extension, folder):
    user = suite.user()
    with settings(suite, extension_folders="create"):
        assert deliver(suite, "-d", user.address, "-a", extended(user, extension)).returncode == 0
    assert len(user.messages(folder)) == 1 and folders(user) == ([folder] if folder else [])


def test_a_folder_on_the_command_line(suite):
    user = suite.user()
    assert deliver(suite, "-d", user.address, "-m", "草稿").returncode == 0
    assert len(user.messages()) == 1
    with settings(suite, extension_folders="create"):
        assert deliver(suite, "-d", user.address, "-m", "草稿").returncode == 0
    assert folders(user) == ["&g0l6Pw-"] and len(user.messages("&g0l6Pw-")) == 1
    assert deliver(suite, "-d", user.address, "-m", "../../outside").returncode == 0
    assert len(user.messages()) == 2 and folders(user) == ["&g0l6Pw-"]


def test_a_link_in_a_folders_place_is_not_followed(suite):
    user, other = suite.user(), suite.user()
    for who in (user, other):
        deliver(suite, "-d", who.address)
    (user.maildir / ".Work").symlink_to(other.maildir)
    with settings(suite, extension_folders="create"):
        assert deliver(suite, "-d", extended(user, "Work")).returncode == 0
    assert len(user.messages()) == 2 and len(other.messages()) == 1


def test_strangers_do_not_make_folders_without_end(suite):
    user = suite.user()
    deliver(suite, "-d", user.address)
    for number in range(1000):
        path = user.maildir / f".f{number}"
        path.mkdir()
        path.chmod(0o700)
    with settings(suite, extension_folders="create"):
        assert deliver(suite, "-d", extended(user, "more")).returncode == 0
    assert len(folders(user)) == 1000 and len(user.messages()) == 2


def test_a_new_maildir_gets_its_folders(suite):
    user, old = suite.user(), suite.user()
    deliver(suite, "-d", old.address)
    with settings(suite, new_folders="Drafts, Sent,Junk\nTrash, Archive, not/one, Entwürfe"):
        for who in (user, old, user):
            assert deliver(suite, "-d", who.address).returncode == 0
    assert folders(user) == ["Archive", "Drafts", "Entw&APw-rfe", "Junk", "Sent", "Trash"] and sorted(subscribed(user)) == folders(user)
    assert folders(old) == []
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert len(imap.command('LSUB "" "*"')[1]) == 6


@contextlib.contextmanager
def restarted(suite, service, **values):
    with settings(suite, **values):
        suite.restart(service)
        yield
    suite.restart(service)


@pytest.mark.parametrize("service", ["imap", "pop3"])
def test_a_maildir_that_a_login_makes_gets_them_too(suite, service):
    user, old = suite.user(), suite.user()
    deliver(suite, "-d", old.address)
    with restarted(suite, service, new_folders="Drafts, Sent\nTrash, not/one, Entwürfe"):
        for who in (user, old, user):
            session = suite.imap("imaps") if service == "imap" else suite.pop3("pop3s")
            with session:
                assert "OK" in session.login(who.address, who.password)[0 if service == "imap" else slice(None)]
    assert folders(user) == ["Drafts", "Entw&APw-rfe", "Sent", "Trash"] and sorted(subscribed(user)) == folders(user)
    assert folders(old) == []
    assert all((user.maildir / f".{name}" / part).is_dir() for name in folders(user) for part in ("cur", "new", "tmp"))
    assert deliver(suite, "-d", user.address).returncode == 0 and len(user.messages()) == 1


def test_list_says_what_folders_are_for(suite):
    """RFC 6154; the administrator's table, by default those names that clients know."""
    user = suite.user()
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        for name in ("Drafts", "Sent", '"Sent Messages"', "Junk", "Trash", "Archive", "Work", "Work.Sent", "Entw&APw-rfe"):
            assert imap.command(f"CREATE {name}")[0] == "OK"
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        lines = b"\n".join(imap.command('LIST "" "*"')[1]).decode()
        found = {name: use for use, name in re.findall(r'\* LIST \(\S+ (\\\w+)\) "\." "?(.*?)"?$', lines, re.M)}
        assert found == {name: "\\" + name.split()[0] for name in ("Drafts", "Sent", "Sent Messages", "Junk", "Trash", "Archive")}
        assert b" SPECIAL-USE" in b"".join(imap.command("CAPABILITY")[1])
        for name in ("Sent", "Work"):
            imap.command(f"SUBSCRIBE {name}")
        assert b"\\Sent" not in b"".join(imap.command('LSUB "" "*"')[1])
    with restarted(suite, "imap", special_folders="Work \\archive\nEntwürfe \\Drafts", imap_inbox_prefix="yes"):
        with suite.imap("imaps") as imap:
            imap.login(user.address, user.password)
            lines = b"\n".join(imap.command('LIST "" "*"')[1]).decode()
            found = {name: use for use, name in re.findall(r'\* LIST \(\S+ (\\\w+)\) "\." "?(.*?)"?$', lines, re.M)}
            assert found == {"INBOX.Work": "\\Archive", "INBOX.Entw&APw-rfe": "\\Drafts"}


# --- duplicates --------------------------------------------------------------------------


def with_id(message_id, subject="x"):
    return f"Subject: {subject}\nMessage-ID:\n {message_id}\n\nhello\n"


def test_a_message_id_is_delivered_once(suite):
    user, other = suite.user(), suite.user()
    with settings(suite, duplicate_window="1h", extension_folders="create"):
        for who, message in [(user, with_id("<1@x>")), (user, with_id("<1@x>", "again")), (user, with_id("<2@x>")), (other, with_id("<1@x>"))]:
            assert deliver(suite, "-d", who.address, message=message).returncode == 0
        assert deliver(suite, "-d", extended(user, "List"), message=with_id("<1@x>")).returncode == 0
        for _ in range(2):
            assert deliver(suite, "-d", user.address).returncode == 0  # no Message-ID
    assert len(user.messages()) == 4 and len(other.messages()) == 1 and len(user.messages("List")) == 1
    # Off, or later, it counts again.
    assert deliver(suite, "-d", user.address, message=with_id("<1@x>")).returncode == 0
    known = user.maildir / "postern-duplicates"
    known.write_text("".join(f"{int(line.split()[0]) - 3700} {line.split()[1]}\n" for line in known.read_text().splitlines()))
    with settings(suite, duplicate_window="1h"):
        assert deliver(suite, "-d", user.address, message=with_id("<1@x>")).returncode == 0
        assert deliver(suite, "-d", user.address, message=with_id("<1@x>")).returncode == 0
    assert len(user.messages()) == 6


def test_the_file_of_duplicates_is_bounded_and_may_hold_anything(suite):
    user = suite.user()
    with settings(suite, duplicate_window="1h"):
        deliver(suite, "-d", user.address, message=with_id("<1@x>"))
        known = user.maildir / "postern-duplicates"
        line = known.read_text()
        known.write_bytes(b"\0noise\xff\n" * 3 + b"1700000000 0123456789abcdef\n" * 2001 + line.encode())
        deliver(suite, "-d", user.address, message=with_id("<1@x>"))
        assert len(user.messages()) == 1
        deliver(suite, "-d", user.address, message=with_id("<2@x>"))
        assert len(user.messages()) == 2 and known.stat().st_size < 28 * 1100
        deliver(suite, "-d", user.address, message=with_id("<1@x>"))
        assert len(user.messages()) == 2
        known.unlink()
        known.mkdir()
        assert deliver(suite, "-d", user.address, message=with_id("<1@x>")).returncode == 0
    assert len(user.messages()) == 3


# --- Postfix -----------------------------------------------------------------------------


def test_postfix_delivers_through_pipe(suite):
    """Delivered, bounced with our words, and deferred while authd is away."""
    user = suite.user()
    master = (f"postern unix - n n - 4 pipe flags= user=vmail argv={suite.libexec}/postern-deliver -d ${{recipient}} -f ${{sender}} "
              "-a ${original_recipient}\n")
    with Postfix({"in": {}}, {"virtual_mailbox_domains": suite.domain, "virtual_transport": "postern", "mynetworks": "127.0.0.0/8",
                              "smtpd_relay_restrictions": "permit_mynetworks, reject", "virtual_alias_maps": "",
                              "postern_destination_recipient_limit": "1"}, {}, delivers=master) as postfix:
        with postfix.smtp("in") as smtp:
            smtp.ehlo()
            for recipient in (user.address, f"unknown@{suite.domain}"):
                assert smtp.command("MAIL FROM:<>")[0] == 250 and smtp.command(f"RCPT TO:<{recipient}>")[0] == 250
                assert smtp.data(MESSAGE)[0] == 250
            user.wait(1)
            wait_for(lambda: f"the bounce\n{postfix.log()}", 20, lambda: "dsn=5.1.1, status=bounced (no such mailbox" in postfix.log())
            suite.down("authd")
            try:
                assert smtp.command("MAIL FROM:<>")[0] == 250 and smtp.command(f"RCPT TO:<{user.address}>")[0] == 250
                assert smtp.data(MESSAGE)[0] == 250
                wait_for(lambda: f"the deferral\n{postfix.log()}", 30, lambda: "dsn=4.3.0, status=deferred" in postfix.log())
            finally:
                suite.up("authd")
            postfix.command("flush")
            user.wait(2)


@contextlib.contextmanager
def lmtp_socket(suite):
    """Where another MTA reaches postern-lmtpd."""
    path = f"/var/tmp/postern-lmtp-{os.getpid()}"
    server = subprocess.Popen(["s6-ipcserver", "-a", "0666", path, "s6-setuidgid", "postern-lmtpd", str(suite.libexec / "postern-lmtpd")],
                              env={"PATH": os.environ["PATH"], "POSTERN_SETTINGS": str(suite.settings)})
    try:
        wait_for("the socket", 10, lambda: os.path.exists(path))
        yield path
    finally:
        server.terminate()
        server.wait(10)
        os.path.exists(path) and os.unlink(path)


def test_postfix_delivers_by_lmtp(suite):
    """virtual_transport = lmtp:unix:..., the socket served by s6-ipcserver: one message to two users and one who is not there."""
    one, two = suite.user(), suite.user()
    with lmtp_socket(suite) as path:
        with Postfix({"in": {}}, {"virtual_mailbox_domains": suite.domain, "virtual_transport": f"lmtp:unix:{path}",
                                  "mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject",
                                  "smtputf8_enable": "yes"}, {}, delivers="lmtp unix - - n - - lmtp\n") as postfix:
            with postfix.smtp("in") as smtp:
                smtp.ehlo()
                assert smtp.command("MAIL FROM:<käthe@elsewhere.test> SMTPUTF8")[0] == 250
                for recipient in (one.address, f"unknown@{suite.domain}", two.address):
                    assert smtp.command(f"RCPT TO:<{recipient}>")[0] == 250
                assert smtp.data("Subject: x\n\nhello\n.\nbye\n")[0] == 250
                for user in (one, two):
                    [message] = user.wait(1)
                    assert message.startswith("Return-Path: <käthe@elsewhere.test>\n".encode()) and b"with UTF8LMTP id" in message
                    assert message.endswith(b"\n\nhello\n.\nbye\n")
                wait_for(lambda: f"what became of the three\n{postfix.log()}", 20,
                         lambda: "status=bounced" in postfix.log() and postfix.log().count("status=sent") >= 2)
                assert "550 5.1.1" in postfix.log()
