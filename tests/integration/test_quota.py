"""Quotas of mailboxes: counted in Maildir++'s maildirsize by all that write, kept by deliver, LMTP and IMAP, warned of, and told to authd so
that RCPT says when a mailbox is full. Each user here may hold 10,000 bytes or 20 messages."""
import os
import pwd
import stat
import subprocess
import threading

import pytest

from harness import REPOSITORY, Account, Suite, wait_for
from harness.packets import Peer

from test_lmtpd import Lmtp

LIMIT = 10000
SETTINGS = {"quota_folders": "Trash uncounted\nSpam +2000", "quota_grace": "500", "quota_warnings": "80 95",
            "over_quota_text": "Sorry, the user's maildir has exceeded the quota.", "plain_without_tls": "yes",
            "outgoing_hour": "0"}
TEXT = SETTINGS["over_quota_text"]


class Users:
    """Accounts with a quota, as many at a time as the harness makes others."""

    def __init__(self, suite):
        self.suite = suite
        first = suite.user()
        path = suite.settings / "users"
        [line] = [line for line in path.read_text().splitlines() if first.address in line.split()]
        secret = line.split()[2]
        addresses = [f"full{number}@{suite.domain}" for number in range(60)]
        with open(path, "a") as file:
            file.writelines(f"user {address} {secret} - {LIMIT},20\n" for address in addresses)
        suite.tool("users", "compile")
        suite.accounts.wait_known(addresses[-1], "mailbox")
        self.ready = [Account(suite, address, suite.password) for address in addresses]


@pytest.fixture(scope="module")
def house():
    with Suite("quota", SETTINGS) as suite:
        suite.quota_users = Users(suite)
        yield suite
        assert not suite.findings()


@pytest.fixture
def user(house):
    return house.quota_users.ready.pop(0)


def message(size, subject="x"):
    """With what deliver puts in front it is larger; lines end in LF."""
    text = f"Subject: {subject}\n\n"
    return text + ("x" * 63 + "\n") * ((size - len(text)) // 64)


def deliver(house, user, size, expected=0):
    result = house.tool("deliver", "-d", user.address, "-f", "sender@elsewhere.test", input=message(size), check=False)
    assert result.returncode == expected, result.stderr
    return result


def files(user, folder=""):
    where = user.maildir / ("." + folder if folder else "")
    return [path for part in ("new", "cur") for path in (where / part).glob("*")]


def held(*paths):
    return sum(path.stat().st_size for path in paths), len(paths)


def counted(user):
    """What maildirsize says: the first line, and the sum of the others."""
    first, *lines = (user.maildir / "maildirsize").read_text().splitlines()
    return first, tuple(sum(numbers) for numbers in zip(*(map(int, line.split()) for line in lines)))


def agrees(user, *folders):
    assert counted(user) == (f"{LIMIT}S,20C", held(*(path for folder in ("", *folders) for path in files(user, folder))))


def fill(house, user, size):
    """Brings the mailbox to about `size` bytes by one file, as another program would."""
    deliver(house, user, 100)
    path = user.maildir / "cur" / f"1700000000.M1P1.host,S={size}:2,S"
    path.write_bytes(b"x" * size)
    os.chown(path, user.maildir.stat().st_uid, user.maildir.stat().st_gid)
    (user.maildir / "maildirsize").unlink()


def logged_in(house, user):
    imap = house.imap()
    assert imap.login(user.address, user.password)[0] == "OK", imap.text
    return imap


def rcpt(house, user):
    with house.smtp() as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<sender@elsewhere.test>")
        code, texts = smtp.command(f"RCPT TO:<{user.address}>")
        return code, texts[0]


def wait_rcpt(house, user, code):
    wait_for(lambda: f"RCPT {code} of {user.address}, it is {rcpt(house, user)}", 10, lambda: rcpt(house, user)[0] == code)


def append(imap, folder, size):
    text = message(size).replace("\n", "\r\n")
    return imap.command([f"APPEND {folder} {{{len(text)}}}", text + "\r\n"])[0], imap.text


# --- counting ------------------------------------------------------------------------------


def test_each_delivery_is_a_line(house, user):
    deliver(house, user, 1000)
    deliver(house, user, 2000)
    agrees(user)
    st = (user.maildir / "maildirsize").stat()
    assert stat.S_IMODE(st.st_mode) == 0o600 and st.st_uid == pwd.getpwnam("vmail").pw_uid
    assert len((user.maildir / "maildirsize").read_text().splitlines()) == 4, "limits, what there was, and two that came"


def test_imap_and_pop3_keep_it(house, user):
    for _ in range(3):
        deliver(house, user, 500)
    with logged_in(house, user) as imap:
        for command in ("CREATE Work", "CREATE Trash", "SELECT INBOX", "COPY 1 Work", "COPY 1:2 Trash", "MOVE 2 Work"):
            assert imap.command(command)[0] == "OK", imap.text
        assert append(imap, "Work", 700)[0] == "OK"
        agrees(user, "Work")
        assert imap.command("MOVE 1 Trash")[0] == "OK"
        agrees(user, "Work")
        assert imap.command("SELECT Trash")[0] == "OK" and imap.command("MOVE 1 INBOX")[0] == "OK"
        agrees(user, "Work")
        imap.command("SELECT Work")
        imap.command(r"STORE 1 +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
        imap.command(r"STORE 1 +FLAGS (\Deleted)")
        assert imap.command("CLOSE")[0] == "OK"
        agrees(user, "Work")
        assert imap.command("DELETE Work")[0] == "OK"
        agrees(user)
        assert imap.command("RENAME Trash Kept")[0] == "OK"
    deliver(house, user, 100)
    agrees(user, "Kept")
    with house.pop3() as pop3:
        assert pop3.login(user.address, user.password).startswith("+OK")
        assert pop3.command("DELE 1").startswith("+OK") and pop3.command("QUIT").startswith("+OK")
    agrees(user, "Kept")


# --- over it -------------------------------------------------------------------------------


def test_a_message_too_many_waits_or_comes_back_in_the_administrators_words(house, user):
    fill(house, user, 9000)
    result = deliver(house, user, 3000, 75)
    assert "4.2.2" in result.stderr and TEXT in result.stderr
    house.set("over_quota_code", "552")
    try:
        result = deliver(house, user, 3000, 73)
        assert "5.2.2" in result.stderr and TEXT in result.stderr
    finally:
        house.set("over_quota_code", None)
    # Nothing of it is there, and a smaller one still fits.
    assert held(*files(user))[1] == 2 and not list((user.maildir / "tmp").iterdir())
    deliver(house, user, 300)


def test_the_sender_hears_of_it_through_the_queue(house, user):
    fill(house, user, 9000)
    sender = house.user()
    house.set("over_quota_code", "552")
    house.restart("queued")
    try:
        with house.smtp() as smtp:
            smtp.ehlo()
            smtp.message(sender.address, [user.address], message(5000))
        [letter] = sender.wait(1)
    finally:
        house.set("over_quota_code", None)
        house.restart("queued")
    assert TEXT.encode() in letter and b"Status: 5.2.2" in letter


def test_the_last_message_may_go_past_it_by_the_grace(house, user):
    fill(house, user, 9700)
    deliver(house, user, 550)
    assert held(*files(user))[0] > LIMIT
    deliver(house, user, 100, 75)


def test_their_number_counts_too(house, user):
    for _ in range(18):  # and the warnings at 16 and 19
        deliver(house, user, 80)
    assert len(files(user)) == 20
    deliver(house, user, 80, 75)
    wait_rcpt(house, user, 452)


def test_lmtp_answers_each_recipient(house, user):
    other = house.user()
    fill(house, user, 9000)
    with Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        assert lmtp.envelope("sender@elsewhere.test", user.address, other.address) == [250, 250]
        refused, taken = lmtp.text(message(5000), 2)
        assert refused == (452, f"4.2.2 <{user.address}> {TEXT}") and taken[0] == 250
    deliver(house, user, 1200)
    with Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        lmtp.command("MAIL FROM:<sender@elsewhere.test>")
        wait_for("LMTP to know", 10, lambda: lmtp.command(f"RCPT TO:<{user.address}>") == (452, [f"4.2.2 {TEXT}"]))


def test_imap_says_overquota(house, user):
    fill(house, user, 9000)
    with logged_in(house, user) as imap:
        imap.command("CREATE Trash")
        imap.command("CREATE Spam")
        imap.command("CREATE Other")
        # Sessions have no grace.
        status, text = append(imap, "INBOX", 1300)
        assert (status, text.startswith("NO [OVERQUOTA]")) == ("NO", True), text
        # An immediate literal is read all the same, and the session goes on.
        body = message(1300).replace("\n", "\r\n")
        imap.send(f"z1 APPEND INBOX {{{len(body)}+}}\r\n{body}\r\n")
        assert imap.response().startswith(b"z1 NO [OVERQUOTA]")
        imap.command("SELECT INBOX")
        assert imap.command("COPY 1:* Other")[0] == "NO" and "[OVERQUOTA]" in imap.text
        assert not files(user, "Other")
        # In another folder there is more room, and what is not counted takes all.
        assert append(imap, "Spam", 2500)[0] == "OK"
        assert append(imap, "Trash", 30000)[0] == "OK"
        assert imap.command("MOVE 1 Other")[0] == "OK", imap.text
        imap.command("SELECT Trash")
        assert imap.command("MOVE 1 INBOX")[0] == "NO" and "[OVERQUOTA]" in imap.text
        assert len(files(user, "Trash")) == 1
    agrees(user, "Other", "Spam")


# --- RCPT ----------------------------------------------------------------------------------


def make_full(house, user):
    fill(house, user, 9800)
    deliver(house, user, 200)
    wait_rcpt(house, user, 452)
    assert rcpt(house, user) == (452, f"4.2.2 {TEXT}")


def test_rcpt_hears_of_an_expunge(house, user):
    make_full(house, user)
    with logged_in(house, user) as imap:
        imap.command("SELECT INBOX")
        imap.command(r"STORE 1:* +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
        wait_rcpt(house, user, 250)
        for _ in range(2):
            assert append(imap, "INBOX", 4700)[0] == "OK", imap.text  # and a warning
    # What it adds by itself counts as well.
    deliver(house, user, 200)
    wait_rcpt(house, user, 452)


def test_rcpt_hears_of_a_quit(house, user):
    make_full(house, user)
    with house.pop3() as pop3:
        assert pop3.login(user.address, user.password).startswith("+OK")
        for number in (1, 2, 3):
            pop3.command(f"DELE {number}")
        assert pop3.command("QUIT").startswith("+OK")
    wait_rcpt(house, user, 250)


def test_full_is_known_over_a_restart_and_emptied_while_authd_is_away(house, user):
    make_full(house, user)
    with logged_in(house, user) as imap:
        imap.command("SELECT INBOX")
        house.restart("authd")
        assert rcpt(house, user)[0] == 452, "nobody has told of it since"
        house.down("authd")
        imap.command(r"STORE 1:* +FLAGS (\Deleted)")
        assert imap.command("EXPUNGE")[0] == "OK"
        house.up("authd")
        wait_rcpt(house, user, 250)


def test_a_session_speaks_of_nobody_else(house, user):
    """authd takes reports of vmail's; a session reaches only its own daemon, and that names the user by itself."""
    with logged_in(house, user):
        [child] = [pid for pid in house.pids("imap")[1:]]
        sockets = subprocess.run(["ls", "-l", f"/proc/{child}/fd"], check=True, capture_output=True, text=True).stdout.count("socket:")
        assert sockets == 2, "the client, and the pair to its daemon"
    with Peer(house, "authd/lookup") as peer:
        assert peer.ask("rcpt", "t", user.address) == ["ok", "t", "mailbox"]


# --- warnings --------------------------------------------------------------------------------


def warnings(user):
    return [text for text in user.messages() if b"Auto-Submitted: auto-generated" in text]


def test_warned_once_at_each_percentage(house, user):
    fill(house, user, 7000)
    deliver(house, user, 700)
    assert not warnings(user)
    deliver(house, user, 300)
    [warning] = warnings(user)
    assert b"\nSubject: Your mailbox is 80 % full\n" in warning and warning.startswith(b"Return-Path: <>\n")
    deliver(house, user, 100)
    assert len(warnings(user)) == 1
    agrees(user)
    with logged_in(house, user) as imap:
        imap.command("SELECT INBOX")
        imap.command(r"STORE 2:* +FLAGS (\Deleted)")
        imap.command("EXPUNGE")
    deliver(house, user, 100)
    assert not warnings(user)
    deliver(house, user, 900)
    assert len(warnings(user)) == 1


def test_a_session_warns_as_a_delivery_does(house, user):
    """What APPEND, COPY and a MOVE out of an uncounted folder make of the mailbox; not what is refused, nor what is not counted."""
    fill(house, user, 7500)
    with logged_in(house, user) as imap:
        imap.command("CREATE Trash")
        assert append(imap, "Trash", 1600)[0] == "OK" and append(imap, "INBOX", 3000)[0] == "NO"
        assert warnings(user) == []
        assert append(imap, "INBOX", 400)[0] == "OK"
        [warning] = warnings(user)
        assert b"\nSubject: Your mailbox is 80 % full\n" in warning and warning.startswith(b"Return-Path: <>\n")
        assert append(imap, "INBOX", 100)[0] == "OK" and len(warnings(user)) == 1
        # The session sees it like any other mail.
        _, lines = imap.command("SELECT INBOX")
        assert b"* 5 EXISTS" in lines, lines
        imap.command("SELECT Trash")
        room = 9600 - held(*files(user))[0]
        assert append(imap, "Trash", room)[0] == "OK" and imap.command("COPY 2 INBOX")[0] == "OK", imap.text
        assert [b"80 % full" in text for text in warnings(user)] == [True, False]
    agrees(user)
    # And so it is full, which authd heard of the session.
    wait_rcpt(house, user, 452)


def test_the_warnings_words_are_the_administrators(house, user):
    template = house.settings / "warning"
    template.write_text((REPOSITORY / "conf/quota_warning.zh").read_text())
    template.chmod(0o644)
    house.set("quota_warning_template", template)
    try:
        fill(house, user, 8000)
        deliver(house, user, 100)
    finally:
        house.set("quota_warning_template", None)
    [warning] = warnings(user)
    assert f"\n\n您的邮箱 {user.address} 已使用 80%".encode() in warning and b"\nsubject: =?utf-8?" in warning.lower()


def test_a_wrong_template_is_said(house, user):
    house.set("quota_warning_template", "/nonexistent")
    try:
        result = deliver(house, user, 100, 75)
    finally:
        house.set("quota_warning_template", None)
    assert "quota_warning_template" in result.stderr


# --- many at once ------------------------------------------------------------------------------


def test_fifty_deliveries_at_once(house, user):
    """The overrun is bounded by the grace of one message: room is taken before a message is in its place, one at a time."""
    codes = []

    def one():
        codes.append(house.tool("deliver", "-d", user.address, input=message(900), check=False).returncode)

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {0, 75}
    mail = [path for path in files(user) if b"auto-generated" not in path.read_bytes()]
    assert len(mail) == codes.count(0)
    assert held(*mail)[0] <= LIMIT + 500 and held(*files(user))[0] > LIMIT - 1000, "warnings take room as well"
    agrees(user)


# --- what somebody has put there ----------------------------------------------------------------


@pytest.mark.parametrize("text", [b"", b"\0" * 100, b"10000S,20C\n99999999999999999999 1\n", b"10000S,20C\n-1 -1\n", b"x" * 6000])
def test_noise_is_counted_anew(house, user, text):
    deliver(house, user, 100)
    (user.maildir / "maildirsize").write_bytes(text)
    deliver(house, user, 100)
    agrees(user)


def test_links_are_not_followed(house, user):
    victim = house.quota_users.ready[0]
    deliver(house, victim, 100)
    deliver(house, user, 100)
    there = victim.maildir / "maildirsize"
    before = there.read_bytes()
    for make in (os.symlink, os.link):
        (user.maildir / "maildirsize").unlink()
        make(there, user.maildir / "maildirsize")
        deliver(house, user, 100)
        agrees(user)
        assert there.read_bytes() == before
