"""The extensions of SMTP that smtpd speaks itself: what MAIL, RCPT and VRFY may say more, what is kept in the queue for
those who pass a message on, SMTPUTF8 to the mailbox, LIMITS, ETRN; and an enhanced code on every answer."""
import os
import re
import shutil

import pytest

from harness import Sink, Suite, wait_for
from test_queue import MESSAGE, Intake, files
from test_smtp_dialogue import STRANGER, arrived, says, settings

UTF8_USER = "grün@example.test"


@pytest.fixture(scope="module")
def own():
    """A suite that may send to others and whose next hop defers everything, so that it can be read in the queue."""
    with Sink(answers={"MAIL": "451 4.0.0 later"}) as sink, Suite("extensions", {
            "permitted_networks": "127.0.0.0/8", "relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1h",
            "error_limit": "1000", "commands_limit": "1000"}) as suite:
        suite.sink = sink
        suite.one = suite.user("first")
        yield suite
        assert not suite.findings()


@pytest.fixture
def smtp(own):
    with own.smtp() as dialogue:
        dialogue.ehlo()
        yield dialogue


@pytest.fixture
def smtp_tls(own):
    with own.smtp() as dialogue:
        dialogue.ehlo()
        dialogue.starttls()
        yield dialogue


def kept(suite, queue_id):
    """The header of the queue file: the lines `with`, and the recipients."""
    path = wait_for("the queue file", 10, lambda: next((p for p in files(suite) if p.name == queue_id), None))
    header = path.read_bytes().split(b"\n\n")[0].decode().split("\n")
    return ({line[5:] for line in header if line.startswith("with ")},
            [re.sub(r".*?(<.*)", r"\1", line) for line in header if line.startswith("rcpt ")])


def send(smtp, mail, rcpts, text="Subject: x\n\nx\n"):
    """One message; its queue id."""
    says(smtp.command(mail), 250, "2.1.0")
    for line in rcpts:
        says(smtp.command(line), 250, "2.1.5")
    code, texts = smtp.data(text)
    assert code == 250, texts
    return texts[0].split()[-1]


# --- parameters -----------------------------------------------------------------------

@pytest.mark.parametrize("parameters, code, status", [
    ("BODY=8BITMIME SIZE=10 SMTPUTF8 RET=HDRS ENVID=q+2B1 AUTH=<>", 250, "2.1.0"),
    ("body=7bit ret=full envid=x auth=e+40x.test smtputf8", 250, "2.1.0"),
    ("BODY=9BIT", 501, "5.5.4"), ("BODY", 501, "5.5.4"), ("BODY=7BIT BODY=8BITMIME", 501, "5.5.4"),
    ("BODY=BINARYMIME", 501, "5.5.4"),  # it is not offered
    ("SMTPUTF8=yes", 501, "5.5.4"), ("SMTPUTF8 SMTPUTF8", 501, "5.5.4"),
    ("RET", 501, "5.5.4"), ("RET=", 501, "5.5.4"), ("RET=SOME", 501, "5.5.4"), ("RET=FULL RET=HDRS", 501, "5.5.4"),
    ("ENVID=a=b", 501, "5.5.4"), ("ENVID=+2b", 501, "5.5.4"), ("ENVID=+2", 501, "5.5.4"), ("ENVID=é", 501, "5.5.4"),
    ("ENVID=" + "x" * 100, 250, "2.1.0"), ("ENVID=" + "x" * 101, 501, "5.5.4"), ("ENVID=a ENVID=a", 501, "5.5.4"),
    ("AUTH", 501, "5.5.4"), ("AUTH=+zz", 501, "5.5.4"), ("REQUIRETLS", 555, "5.5.4"), ("NOTIFY=NEVER", 555, "5.5.4"),
    ("HOLDFOR=1", 555, "5.5.4"), ("SIZE=10  RET=FULL", 250, "2.1.0"), ("RET=FULL\tENVID=x", 501, "5.5.4"),
])
def test_parameters_of_mail(smtp, parameters, code, status):
    says(smtp.command(f"MAIL FROM:<{STRANGER}> {parameters}"), code, status)


@pytest.mark.parametrize("parameters, code, status", [
    ("NOTIFY=NEVER", 250, "2.1.5"), ("NOTIFY=success,DELAY", 250, "2.1.5"), ("NOTIFY=FAILURE ORCPT=rfc822;a+40b.test", 250, "2.1.5"),
    ("NOTIFY", 501, "5.5.4"), ("NOTIFY=", 501, "5.5.4"), ("NOTIFY=NEVER,FAILURE", 501, "5.5.4"), ("NOTIFY=FAILURE,", 501, "5.5.4"),
    ("NOTIFY=,FAILURE", 501, "5.5.4"), ("NOTIFY=FAILURE,FAILURE", 501, "5.5.4"), ("NOTIFY=ALWAYS", 501, "5.5.4"),
    ("NOTIFY=NEVER NOTIFY=NEVER", 501, "5.5.4"), ("ORCPT=a@b.test", 501, "5.5.4"), ("ORCPT=rfc822;", 501, "5.5.4"),
    ("ORCPT=;a@b.test", 501, "5.5.4"), ("ORCPT=rfc 822;a", 501, "5.5.4"), ("ORCPT=rfc822;a+4", 501, "5.5.4"),
    ("ORCPT=rfc822;a ORCPT=rfc822;a", 501, "5.5.4"), ("ORCPT=rfc822;" + "x" * 493, 250, "2.1.5"),
    ("ORCPT=rfc822;" + "x" * 494, 501, "5.5.4"), ("ORCPT=x400;/c=us", 501, "5.5.4"), ("ORCPT=x400;/c+3Dus", 250, "2.1.5"),
    ("ORCPT=utf-8;gr\\x{FC}n@b.test", 250, "2.1.5"), ("ORCPT=utf-8;gr\\x{fc}n@b.test", 250, "2.1.5"),
    ("ORCPT=utf-8;gr\\x{41}n", 501, "5.5.4"), ("ORCPT=utf-8;a\\x{D800}", 501, "5.5.4"), ("ORCPT=utf-8;a\\x{110000}", 501, "5.5.4"),
    ("ORCPT=utf-8;a+40b", 501, "5.5.4"), ("ORCPT=utf-8;grün@b.test", 501, "5.5.4"), ("ORCPT=rfc822;grün@b.test", 501, "5.5.4"),
    ("SIZE=1", 555, "5.5.4"), ("RET=FULL", 555, "5.5.4"),
])
def test_parameters_of_rcpt(own, smtp, parameters, code, status):
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    says(smtp.command(f"RCPT TO:<{own.one.address}> {parameters}"), code, status)


def test_what_is_said_is_kept_in_the_queue(own, smtp):
    queue_id = send(smtp, f"MAIL FROM:<{STRANGER}> BODY=8bitmime RET=hdrs ENVID=id+2B7 SIZE=100 SMTPUTF8", [
        "RCPT TO:<a@far.test> NOTIFY=delay,success ORCPT=rfc822;Other+2Bbox@far.test", "RCPT TO:<b@far.test>",
        "RCPT TO:<ü@far.test> ORCPT=utf-8;ö@far.test NOTIFY=NEVER"])
    keys, recipients = kept(own, queue_id)
    assert {"body=8BITMIME", "ret=HDRS", "envid=id+2B7", "size=100", "smtputf8=1", "protocol=UTF8SMTP"} <= keys
    assert not [key for key in keys if key.startswith("requiretls")]
    assert recipients == ["<a@far.test> notify=SUCCESS,DELAY orcpt=rfc822;Other+2Bbox@far.test", "<b@far.test>",
                          "<ü@far.test> notify=NEVER orcpt=utf-8;ö@far.test"]


def test_nothing_is_kept_of_the_message_before(own, smtp):
    smtp.command(f"MAIL FROM:<{STRANGER}> RET=FULL ENVID=old SMTPUTF8 BODY=8BITMIME")
    smtp.command("RCPT TO:<a@far.test> NOTIFY=NEVER")
    smtp.command("RSET")
    keys, recipients = kept(own, send(smtp, f"MAIL FROM:<{STRANGER}>", ["RCPT TO:<b@far.test>"]))
    assert recipients == ["<b@far.test>"]
    assert {key.split("=")[0] for key in keys} == {"session", "client", "helo", "protocol"}


def test_requiretls_needs_tls(own, smtp, smtp_tls):
    assert "REQUIRETLS" not in smtp.ehlo() and "REQUIRETLS" in smtp_tls.ehlo()
    says(smtp_tls.command(f"MAIL FROM:<{STRANGER}> REQUIRETLS=1"), 501, "5.5.4")
    user = own.user()
    user.maildir.parent.mkdir(exist_ok=True)
    shutil.chown(user.maildir.parent, "vmail", "vmail")
    user.maildir.write_text("in the Maildir's place, so that the queue keeps the message\n")
    queue_id = send(smtp_tls, f"MAIL FROM:<{STRANGER}> REQUIRETLS", [f"RCPT TO:<{user.address}>"])
    assert "requiretls=1" in kept(own, queue_id)[0]
    own.wait_log("queued", f"deferred queue={queue_id}")
    user.maildir.unlink()
    own.tool("queuectl", "flush")
    user.wait(1)


def test_binarymime_where_set(own):
    with settings(own, binarymime="yes"), own.smtp() as smtp:
        assert "BINARYMIME" in smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{STRANGER}> BODY=BINARYMIME"), 250, "2.1.0")


# --- SMTPUTF8 (RFC 6531) ----------------------------------------------------------------

def test_addresses_in_utf8_need_the_parameter(smtp):
    says(smtp.command("MAIL FROM:<grün@far.test>"), 553, "5.6.7")
    says(smtp.command("MAIL FROM:<grün@far.test> SMTPUTF8"), 250, "2.1.0")
    says(smtp.command("RCPT TO:<grün@far.test>"), 250, "2.1.5")
    smtp.command("RSET")
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    says(smtp.command("RCPT TO:<grün@far.test>"), 553, "5.6.7")
    says(smtp.command("RCPT TO:<a@grün.test>"), 553, "5.6.7")
    smtp.command("RSET")
    says(smtp.command(b"MAIL FROM:<gr\xfcn@far.test> SMTPUTF8"), 501, "5.1.7")
    says(smtp.command("HELO client"), 250)
    says(smtp.command("MAIL FROM:<grün@far.test> SMTPUTF8"), 555, "5.5.4")


def test_a_mailbox_in_utf8(own, smtp, smtp_tls):
    user = own.user(UTF8_USER)
    send(smtp, "MAIL FROM:<größe@far.test> SMTPUTF8 BODY=8BITMIME", [f"RCPT TO:<{UTF8_USER}>"], "Subject: ü one\n\nx\n")
    message = arrived(user, "Subject: ü one".encode()).decode()
    assert "Return-Path: <größe@far.test>" in message
    assert re.search(rf"with UTF8SMTP id \w+\n\tfor <{UTF8_USER}>", message)
    send(smtp_tls, "MAIL FROM:<> SMTPUTF8", [f"RCPT TO:<{UTF8_USER}>"], "Subject: ü two\n\nx\n")
    assert b"with UTF8SMTPS id" in arrived(user, "Subject: ü two".encode())
    smtp.command("MAIL FROM:<> SMTPUTF8")
    says(smtp.command("RCPT TO:<größer@example.test>"), 550, "5.1.1")


def test_a_user_in_utf8_logs_in_and_sends(own):
    with own.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        user = own.user("größe@example.test")
        says(smtp.login(user.address, user.password), 235, "2.7.0")
        send(smtp, f"MAIL FROM:<{user.address}> SMTPUTF8", [f"RCPT TO:<{user.address}>"], "Subject: to myself\n\nx\n")
        assert b"with UTF8SMTPSA id" in arrived(user, b"Subject: to myself")


@pytest.mark.parametrize("line, code, status", [
    ("VRFY anna", 252, "2.0.0"), ("VRFY anna SMTPUTF8", 252, "2.0.0"), ("VRFY grün@example.test", 553, "5.6.7"),
    ("VRFY grün@example.test SMTPUTF8", 252, "2.0.0"), ("VRFY SMTPUTF8", 252, "2.0.0"), (b"VRFY gr\xfcn SMTPUTF8", 501, "5.5.2"),
    ("EXPN list", 502, "5.5.1"), ("EXPN", 502, "5.5.1"), ("HELP", 214, "2.0.0"), ("NOOP grün", 250, "2.0.0"),
])
def test_vrfy_expn_help(smtp, line, code, status):
    says(smtp.command(line), code, status)


def test_vrfy_can_be_off(own):
    with settings(own, vrfy="no"), own.smtp() as smtp:
        assert "VRFY" not in smtp.ehlo()
        says(smtp.command("VRFY anna"), 502, "5.5.1")


# --- EHLO, AUTH ---------------------------------------------------------------------------

def test_limits(own):
    with settings(own, recipients_limit="123"), own.smtp() as smtp:
        assert "LIMITS RCPTMAX=123" in smtp.ehlo()


def test_the_auth_line_of_broken_clients(own):
    for value, there in (("no", False), ("yes", True)):
        with settings(own, broken_auth_clients=value), own.smtp("smtps") as smtp:
            lines = smtp.ehlo()
            [mechanisms] = [line[5:] for line in lines if line.startswith("AUTH ")]
            assert (f"AUTH={mechanisms}" in lines) == there


def test_auth_lines_have_12288_octets(own):
    with own.smtp("smtps") as smtp:
        smtp.ehlo()
        says(smtp.command("AUTH PLAIN " + "A" * 12288), 535, "5.7.8")
        says(smtp.command("AUTH PLAIN"), 334)
        says(smtp.command("A" * 12288), 535, "5.7.8")
        says(smtp.command("AUTH PLAIN " + "A" * 20000), 500, "5.5.2")


# --- ETRN (RFC 1985) ----------------------------------------------------------------------

def test_etrn_is_for_those_who_may(own, smtp):
    says(smtp.command("ETRN example.test"), 251, "2.0.0")
    says(smtp.command("ETRN EXAMPLE.test"), 251, "2.0.0")
    says(smtp.command("ETRN far.test"), 459, "4.7.1")
    for wrong in ("ETRN", "ETRN @example.test", "ETRN #queue", "ETRN a b", "ETRN <x@example.test>"):
        says(smtp.command(wrong), 501, "5.5.4")
    smtp.command("MAIL FROM:<>")
    says(smtp.command("ETRN example.test"), 503, "5.5.1")
    with settings(own, permitted_networks="192.0.2.0/24"), own.smtp() as stranger:
        says(stranger.command("ETRN example.test"), 503, "5.5.1")
        assert "ETRN" in stranger.ehlo()
        says(stranger.command("ETRN example.test"), 459, "4.7.1")
    with settings(own, permitted_networks="192.0.2.0/24", etrn="all"), own.smtp() as stranger:
        stranger.ehlo()
        says(stranger.command("ETRN example.test"), 251, "2.0.0")
    with settings(own, etrn="no"), own.smtp() as nobody:
        assert "ETRN" not in nobody.ehlo()
        says(nobody.command("ETRN example.test"), 502, "5.5.1")


def test_etrn_has_the_mail_for_the_domain_tried(own):
    own.sink.answers["MAIL"] = "451 4.0.0 later"
    with Intake(own) as intake:
        ids = [intake.submit("s@example.test", [f"a@{domain}"], MESSAGE) for domain in ("here.test", "here.test", "there.test")]
        held = intake.submit("s@example.test", ["a@here.test"], MESSAGE, "hold=why")
        for queue_id in ids:
            own.wait_log("queued", rf"deferred queue={queue_id} ")
        own.sink.answers.clear()
        assert intake.ask("etrn", "7", "here.test") == ["ok", "7", "2"]
        assert intake.ask("etrn", "8", "nowhere.test") == ["ok", "8", "0"]
        for queue_id in ids[:2]:
            own.wait_log("queued", rf"delivered queue={queue_id} ")
        assert {path.name for path in files(own)} >= {ids[2], held}
    own.sink.answers["MAIL"] = "451 4.0.0 later"


def test_etrn_starts_the_queue_for_a_domain_of_ours(own, smtp):
    user = own.user()
    send(smtp, "MAIL FROM:<>", [f"RCPT TO:<{user.address}>"], "Subject: makes the Maildir\n\nx\n")
    arrived(user, b"makes the Maildir")
    owner = user.maildir.stat()
    os.chown(user.maildir, 0, 0)
    os.chmod(user.maildir, 0o700)
    queue_id = send(smtp, "MAIL FROM:<>", [f"RCPT TO:<{user.address}>"], "Subject: waits\n\nx\n")
    own.wait_log("queued", rf"deferred queue={queue_id} ")
    os.chown(user.maildir, owner.st_uid, owner.st_gid)
    os.chmod(user.maildir, owner.st_mode)
    says(smtp.command("ETRN example.test"), 253, "2.0.0")
    arrived(user, b"Subject: waits")


def test_etrn_of_one_who_went_away_is_told_to_nobody(own):
    with Intake(own) as intake:
        intake.send("etrn", "7", "here.test")
    with Intake(own) as intake:
        wait_for("the search to end", 10, lambda: intake.ask("etrn", "7", "nowhere.test") == ["ok", "7", "0"])


def test_etrn_is_for_smtpd_alone(own):
    with Intake(own, "submit") as intake:
        intake.send("etrn", "7", "here.test")
        assert intake.socket.recv(100) == b""


# --- codes --------------------------------------------------------------------------------

DIALOGUE = """NOOP|HELP|HELP x|VRFY|VRFY a|EXPN a|ETRN x|MAIL FROM:<>|RCPT TO:<a@b>|DATA|RSET x|BDAT 0|STARTTLS|AUTH PLAIN|XYZZY||
EHLO a|NOOP|HELP|VRFY|VRFY a|VRFY ü|EXPN a|ETRN|ETRN far.test|ETRN example.test|AUTH|AUTH PLAIN|AUTH X|STARTTLS x|DATA|BDAT 0 LAST|
MAIL|MAIL FROM:<a@b.test|MAIL FROM:<ü@b.test>|MAIL FROM:<> X|MAIL FROM:<> SIZE=99999999999|MAIL FROM:<> BODY=8BITMIME|MAIL FROM:<>|
RCPT|RCPT TO:<>|RCPT TO:<ü@b.test>|RCPT TO:<a@b.test> NOTIFY=X|RCPT TO:<none@example.test>|DATA|BDAT 0|RCPT TO:<x@far.test>|
DATA x|BDAT 0|NOOP|DATA|RCPT TO:<y@far.test>|BDAT 0 LAST|RSET|QUIT x|QUIT"""


def test_every_answer_has_its_enhanced_code(own):
    """RFC 2034: all answers of 2xx, 4xx and 5xx but the greeting and those to HELO and EHLO; of the same class."""
    with own.smtp() as smtp:
        for line in DIALOGUE.replace("\n", "").split("|"):
            code, texts = smtp.command(line)
            if not line.startswith(("HELO", "EHLO")) and code not in (334, 354):
                for text in texts:
                    assert re.match(rf"{code // 100}\.\d{{1,3}}\.\d{{1,3}} \S", text), (line, code, text)
