"""Sieve (RFC 5228 and extensions) through the suite: a script in the user's home, mail by SMTP, LMTP and the delivery agent, folders in
the Maildir. What a script means in every detail is tests/unit/test_sieve.c."""
import contextlib
import email
import email.policy
import os
import pathlib
import pwd
import signal

import pytest

from harness import Account, Sink, Suite, wait_for

from test_lmtpd import Lmtp, delivering
from test_smtp_dialogue import settings

HEAD = "From: Stranger <stranger@elsewhere.test>\nTo: {to}\nSubject: {subject}\nMessage-ID: <{subject}@elsewhere.test>\n\nhello\n"


@pytest.fixture(scope="module")
def sink():
    """All hosts but ours."""
    with Sink() as sink:
        yield sink


@pytest.fixture(scope="module")
def house(sink):
    with Suite("sieve", {"sieve": "yes", "relay_host": f"[127.0.0.1]:{sink.port}", "remote_security": "none", "outgoing_hour": "0",
                         "extension_folders": "existing"}) as suite:
        suite.user()
        yield suite
        assert not suite.findings()


@pytest.fixture
def user(house):
    return house.user()


def give(user, script, name=".dovecot.sieve"):
    """The script becomes the user's, as a client that manages scripts would have it."""
    vmail = pwd.getpwnam("vmail")
    path = user.maildir / name
    if not user.maildir.exists():
        user.maildir.mkdir(parents=True)
        for directory in (user.maildir, user.maildir.parent):
            os.chown(directory, vmail.pw_uid, vmail.pw_gid)
    path.write_text(script)
    os.chown(path, vmail.pw_uid, vmail.pw_gid)
    return path


def mail(user, subject="one", sender="stranger@elsewhere.test", head=HEAD, check=True):
    """By the delivery agent, which says what became of it; its result has the log in .stderr."""
    text = head.format(to=user.address, subject=subject)
    return user.suite.tool("deliver", "-d", user.address, "-f", sender, input=text, check=check)


def folders(user):
    return sorted(path.name[1:] for path in user.maildir.iterdir() if path.name.startswith(".") and path.is_dir())


def flags(user, folder=""):
    where = user.maildir / ("." + folder if folder else "")
    return [path.name.split(":2,")[-1] for path in (where / "cur").iterdir()]


# --- where mail goes -------------------------------------------------------------------------


def test_without_a_script_mail_is_kept(user):
    mail(user)
    assert len(user.messages()) == 1


def test_fileinto_creates_when_the_script_says_so(user):
    give(user, 'require ["fileinto", "mailbox"]; if header :contains "subject" "work" { fileinto :create "Work.Plans"; }')
    mail(user, "work to do")
    mail(user, "other")
    assert len(user.messages("Work.Plans")) == 1 and len(user.messages()) == 1 and folders(user) == ["Work.Plans"]
    assert b"\nSubject: work to do\n" in user.messages("Work.Plans")[0]


def test_a_folder_that_is_not_there_is_the_inbox(user):
    give(user, 'require "fileinto"; fileinto "Nowhere";')
    result = mail(user)
    assert len(user.messages()) == 1 and folders(user) == [] and "folder-absent" in result.stderr


def test_discard(user):
    give(user, "discard;")
    result = mail(user)
    assert user.messages() == [] and "discarded by the recipient's script" in result.stderr


def test_by_smtp(house, user):
    give(user, 'require ["fileinto", "mailbox"]; fileinto :create "Work"; keep;')
    with house.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [user.address], HEAD.format(to=user.address, subject="two"))
    user.wait(1, folder="Work"), user.wait(1)


def test_by_lmtp_each_recipient_has_his_own_script(house, user):
    other, third = house.user(), house.user()
    give(user, 'require ["fileinto", "mailbox"]; fileinto :create "Work"; keep;')
    give(other, "discard;")
    with Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        lmtp.envelope("s@elsewhere.test", user.address, other.address, third.address)
        assert [code for code, text in lmtp.text(HEAD.format(to="x@y.test", subject="three"), 3)] == [250] * 3
    assert [len(user.messages()), len(user.messages("Work")), len(other.messages()), len(third.messages())] == [1, 1, 0, 1]


def test_several_folders_are_one_file(user):
    """Copies of one recipient differ in nothing but their place."""
    give(user, 'require ["fileinto", "mailbox", "copy"]; fileinto :create :copy "A"; fileinto :create :copy "B";')
    mail(user)
    assert len(user.messages()) == len(user.messages("A")) == len(user.messages("B")) == 1
    [path] = (user.maildir / "new").iterdir()
    assert path.stat().st_nlink == 3


def test_where_recipients_share_files_a_scripts_copies_do_too(house, user):
    other = house.user()
    give(user, 'require ["fileinto", "mailbox"]; fileinto :create "A"; fileinto :create "B"; keep;')
    with delivering(house, share_files="yes"), Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        lmtp.envelope("s@elsewhere.test", other.address, user.address)
        assert [code for code, text in lmtp.text(HEAD.format(to="x@y.test", subject="shared"), 2)] == [250, 250]
    paths = [path for where in (other.maildir, user.maildir, user.maildir / ".A", user.maildir / ".B") for path in (where / "new").iterdir()]
    assert len(paths) == 4 and {path.stat().st_ino for path in paths} == {paths[0].stat().st_ino}


def test_two_names_of_one_folder_are_one_copy(user):
    give(user, 'require "fileinto"; fileinto "INBOX"; fileinto "Nowhere"; keep;')
    mail(user)
    assert len(user.messages()) == 1


def test_couriers_prefix_is_understood(user):
    give(user, 'require ["fileinto", "mailbox"]; fileinto :create "INBOX.Arbeit"; ')
    mail(user)
    assert folders(user) == ["Arbeit"]


def test_flags(user):
    """RFC 5232: they stand in the file's name, keywords in dovecot-keywords."""
    give(user, 'require ["fileinto", "imap4flags", "mailbox"]; addflag ["\\\\Seen", "$Work \\\\flagged"]; fileinto :create "A"; '
               'keep :flags "\\\\Deleted";')
    mail(user)
    assert flags(user, "A") == ["FSa"] and flags(user) == ["T"]
    assert (user.maildir / ".A/dovecot-keywords").read_text() == "0 $Work\n"


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("script,words", [
    ('require "fileinto"\nfileinto "x";', "line=1"), ("keep;\nwrong;", "line=2"), ('require "unheard";', "unheard"),
    ('require "reject"; keep; reject "no";', "reject cannot be together"),
    ('require "fileinto"; discard; redirect "a@b.test"; redirect "c@b.test"; redirect "d@b.test"; redirect "e@b.test";'
     ' redirect "f@b.test";', "too many redirects")])
def test_a_wrong_script_keeps_the_message_and_is_told(user, script, words):
    give(user, script)
    result = mail(user)
    assert len(user.messages()) == 1 and "sieve-wrong" in result.stderr and words in result.stderr


def test_a_script_that_takes_long_is_ended(house, user):
    """A long key that nearly fits everywhere: the budget ends, the message is kept."""
    give(user, 'if header :contains "x-long" "' + "a" * 1000 + 'b" { discard; }')
    head = "X-Long: " + "a" * 60000 + "\n" + HEAD
    result = mail(user, head=head)
    assert len(user.messages()) == 1 and "takes too long" in result.stderr


def test_a_script_that_is_too_large(user):
    give(user, "#" * (256 * 1024 + 1))
    assert "sieve-unread" in mail(user).stderr and len(user.messages()) == 1


# --- whose script -----------------------------------------------------------------------------------


def test_a_link_within_the_home_is_followed(user):
    """As ManageSieve leaves it: the active script is a link."""
    give(user, "discard;", "roundcube.sieve")
    (user.maildir / ".dovecot.sieve").symlink_to("roundcube.sieve")
    mail(user)
    assert user.messages() == []


@pytest.mark.parametrize("absolute", [False, True])
def test_a_link_that_leads_elsewhere_is_not_followed(house, user, absolute):
    other = house.user()
    there = give(other, "discard;")
    give(user, "", "nothing")
    (user.maildir / ".dovecot.sieve").symlink_to(there if absolute else f"../{other.address.split('@')[0]}/.dovecot.sieve")
    result = mail(user)
    assert len(user.messages()) == 1 and "sieve-unread" in result.stderr


def test_the_administrators_scripts(house, user):
    """One before each user's, whose fileinto ends it all; one for those who have none."""
    (house.settings / "before.sieve").write_text('require "fileinto"; if header :is "x-spam" "yes" { discard; }')
    (house.settings / "default.sieve").write_text('require ["fileinto", "mailbox"]; fileinto :create "Default";')
    for name in ("before", "default"):
        house.set("sieve_" + name, f"{name}.sieve")
    try:
        mail(user)
        mail(user, head="X-Spam: yes\n" + HEAD)
        assert len(user.messages("Default")) == 1 and user.messages() == []
        give(user, "keep;")
        mail(user, "mine")
        mail(user, "mine", head="X-Spam: yes\n" + HEAD)
        assert len(user.messages()) == 1
    finally:
        for name in ("before", "default"):
            house.set("sieve_" + name, None)


# --- refused ---------------------------------------------------------------------------------------------


def test_reject_is_the_delivery_agents_answer(user):
    give(user, 'require "reject"; reject text:\nNot to me.\nNever.\n.\n;')
    result = mail(user, check=False)
    assert result.returncode == 73 and result.stdout == "5.7.1 Not to me. Never.\n" and user.messages() == []


def test_a_reason_beyond_ascii_goes_to_the_sender_in_a_notification(house, user, sink):
    """RFC 5429 section 2.2: reject keeps the text as it is, in the MDN of section 2.2.1, and the message is gone."""
    give(user, 'require "reject"; reject "Grüße, nein";')
    result = mail(user, "büro", sender="why@elsewhere.test")
    assert "rejected" in result.stderr and user.messages() == []
    sent = wait_for("the notification", 20, lambda: [m for m in sink.messages if m.recipients == ["why@elsewhere.test"]])[0]
    told = email.message_from_bytes(bytes(sent.data), policy=email.policy.default)
    text, disposition = told.iter_parts()
    assert sent.sender == "" and told["From"] == user.address and told["Auto-Submitted"].startswith("auto-replied")
    assert told.get_content_type() == "multipart/report" and told["Content-Type"].params["report-type"] == "disposition-notification"
    assert text.get_content().splitlines()[-1] == "Grüße, nein"
    fields = disposition.as_string()
    assert disposition.get_content_type() == "message/disposition-notification" and f"Final-Recipient: rfc822; {user.address}" in fields
    assert "Disposition: automatic-action/MDN-sent-automatically; deleted" in fields


def test_reasons_beyond_ascii_in_a_reply(user):
    """Section 2.1.1: a reply is ASCII; and the null sender gets no notification (section 2.2.1)."""
    give(user, 'require "ereject"; ereject "Grüße, nein";')
    assert mail(user, check=False).stdout == "5.7.1 Gr????e, nein\n"
    give(user, 'require "reject"; reject "Grüße, nein";')
    result = mail(user, sender="", check=False)
    assert result.returncode == 73 and result.stdout == "5.7.1 Gr????e, nein\n"


def test_ereject_is_the_answer_of_lmtp(house, user):
    give(user, 'require "ereject"; ereject "no thanks";')
    with Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        lmtp.envelope("s@elsewhere.test", user.address)
        assert lmtp.text(HEAD.format(to=user.address, subject="x"), 1) == [(554, f"5.7.1 <{user.address}> no thanks")]


def test_reject_becomes_a_notification_by_the_queue(house, user, sink):
    give(user, 'require "reject"; reject "go away";')
    with house.smtp() as smtp:
        smtp.ehlo()
        smtp.message("rejected@elsewhere.test", [user.address], HEAD.format(to=user.address, subject="x"))
    bounce = wait_for("the notification", 20, lambda: [m for m in sink.messages if m.recipients == ["rejected@elsewhere.test"]])[0]
    assert b"5.7.1" in bounce.data and b"go away" in bounce.data and bounce.sender == ""


# --- redirected ----------------------------------------------------------------------------------------------


def sent_to(sink, address):
    return wait_for(lambda: f"mail to {address}, there is {[m.recipients for m in sink.messages]}", 20,
                    lambda: [m for m in sink.messages if m.recipients == [address]])


def test_redirect_keeps_sender_and_text(user, sink):
    give(user, 'redirect "away@far.test";')
    mail(user, "redirected")
    [message] = sent_to(sink, "away@far.test")
    assert user.messages() == [] and message.sender == "stranger@elsewhere.test"
    assert f"X-Sieve-Redirected-From: {user.address}\r\n".encode() in message.data and b"\r\nhello\r\n" in message.data


def test_redirect_to_a_stranger_goes_under_a_sender_of_ours(house, user, sink):
    """Where authd rewrites senders (SRS): the next host would not take it from us under the first one."""
    other = house.user()
    secret = house.settings / "srs-secret"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    os.chown(secret, pwd.getpwnam("postern-authd").pw_uid, -1)
    secret.chmod(0o600)
    house.set("srs_domain", "srs.example.test")
    house.set("srs_secret", secret)
    house.restart("authd")
    try:
        give(user, f'redirect "srs@far.test"; redirect "{other.address}";')
        mail(user)
    finally:
        house.set("srs_domain", None)
        house.set("srs_secret", None)
        house.restart("authd")
    [message] = sent_to(sink, "srs@far.test")
    assert message.sender.startswith("SRS0=") and message.sender.endswith("=elsewhere.test=stranger@srs.example.test")
    assert other.wait(1)[0].startswith(b"Return-Path: <stranger@elsewhere.test>\n")


def test_redirect_to_a_neighbour_and_a_copy(house, user):
    other = house.user()
    give(user, f'require "copy"; redirect :copy "{other.address}";')
    mail(user)
    assert len(user.messages()) == 1
    [text] = other.wait(1)
    assert text.startswith(b"Return-Path: <stranger@elsewhere.test>\n")


def test_two_who_redirect_to_each_other_keep_it_in_the_end(house, user):
    other = house.user()
    give(user, f'redirect "{other.address}";')
    give(other, f'redirect "{user.address}";')
    mail(user)
    user.wait(1)
    assert other.messages() == []


def test_a_redirect_that_the_queue_does_not_take_is_tried_again(house, user):
    give(user, 'require ["copy", "fileinto", "mailbox"]; redirect :copy "away@far.test"; fileinto :create "Work"; keep;')
    house.down("queued")
    try:
        result = mail(user, check=False)
    finally:
        house.up("queued")
    assert result.returncode == 75 and user.messages() == [] and user.messages("Work") == []
    assert list((user.maildir / "tmp").iterdir()) == []


# --- the interpreter ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def lmtp_with_interpreter(house):
    """A session, and the interpreter of the worker that LMTP has."""
    house.restart("lmtp")
    before = set(house.pids("sieve"))
    with Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        somebody = house.user()
        lmtp.envelope("s@elsewhere.test", somebody.address)
        assert lmtp.text(HEAD.format(to=somebody.address, subject="first"), 1)[0][0] == 250
        [pid] = wait_for("the worker's interpreter", 20, lambda: set(house.pids("sieve")) - before)
        wait_for("its confinement", 20, lambda: "Seccomp:\t2" in pathlib.Path(f"/proc/{pid}/status").read_text())
        yield lmtp, pid


def test_mail_waits_when_the_interpreter_is_gone(house, user):
    """Where it should go is not known: 4xx, and the next worker has an interpreter of its own."""
    give(user, "discard;")
    text = HEAD.format(to=user.address, subject="x")
    with lmtp_with_interpreter(house) as (lmtp, pid):
        os.kill(pid, signal.SIGKILL)
        # Until it has ended it takes the question with it, and the message is kept.
        wait_for("its end", 20, lambda: not os.path.exists(f"/proc/{pid}") or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text())
        lmtp.envelope("s@elsewhere.test", user.address)
        [(code, words)] = lmtp.text(text, 1)
        assert code == 451 and "4.3.0" in words
    with Lmtp(house.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        lmtp.envelope("s@elsewhere.test", user.address)
        assert lmtp.text(text, 1)[0][0] == 250
    assert user.messages() == []


def test_the_script_of_a_home_above_its_maildir(house):
    """Dovecot's ~/.dovecot.sieve: what is called Maildir is in the home."""
    path = house.settings / "users"
    secret = next(line.split()[2] for line in path.read_text().splitlines() if line.startswith("user "))
    with open(path, "a") as file:
        file.write(f"user housed@{house.domain} {secret} {house.domain}/housed/Maildir/\n")
    house.tool("users", "compile")
    house.accounts.wait_known(f"housed@{house.domain}", "mailbox")
    user = Account(house, f"housed@{house.domain}", house.password)
    user.maildir = house.mail_root / house.domain / "housed/Maildir"
    script = give(user, "discard;")
    os.chown(user.maildir.parent.parent, *[pwd.getpwnam("vmail").pw_uid, pwd.getpwnam("vmail").pw_gid])
    script.rename(user.maildir.parent / ".dovecot.sieve")
    assert "discarded" in mail(user).stderr and user.messages() == []


def test_check_says_the_line(house, tmp_path):
    """What --check says is what deliver logs."""
    (tmp_path / "right").write_text('require "fileinto"; fileinto "x";')
    (tmp_path / "wrong").write_text("keep;\nif header { }\n")
    right, wrong = (house.tool("sieve", "--check", tmp_path / name, check=False) for name in ("right", "wrong"))
    assert (right.returncode, right.stdout) == (0, "")
    assert wrong.returncode == 1 and wrong.stdout == f"{tmp_path}/wrong: line 2: header has an argument too few\n"


def test_the_interpreter_holds_no_file(house, user):
    """It waits for messages confined, with sockets and its log alone."""
    with lmtp_with_interpreter(house) as (_, pid):
        assert "NoNewPrivs:\t1" in pathlib.Path(f"/proc/{pid}/status").read_text()
        names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert [name for name in names if not name.startswith(("socket:", "pipe:", "/dev/null"))] == []
