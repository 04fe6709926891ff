"""What a sender is told: RFC 3464 letters for failure, delay, success, relayed and expanded, as NOTIFY and RET ask (RFC 3461)."""
import email
import email.policy
import re
import subprocess

import pytest

from harness import REPOSITORY, Sink, Suite, wait_for
from test_queue import Intake, files, wait_gone
from test_remote_extensions import ended

DSN = ("PIPELINING", "8BITMIME", "SIZE 50000000", "SMTPUTF8", "DSN")
PLAIN = ("PIPELINING", "8BITMIME", "SIZE 50000000")
MESSAGE = b"From: a@b.test\r\nSubject: hello\r\nX-Long: %s\r\n\r\nThe body.\r\n" % (b"y" * 200)


@pytest.fixture(scope="module")
def house():
    with Sink(extensions=DSN) as sink, Suite("notifications", {
            "relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1s", "retry_most": "1s", "remote_timeout": "5s",
            "reuse_idle": "0"}) as suite:
        suite.sink = sink
        yield suite
        assert not suite.findings()


@pytest.fixture
def answers(house):
    yield house.sink.answers
    house.sink.answers.clear()


@pytest.fixture
def plain(house):
    """The next host has no DSN."""
    house.sink.extensions = PLAIN
    yield house
    house.sink.extensions = DSN


@pytest.fixture
def settings(house):
    """Changes settings of queued for one test: settings(name=value)."""
    changed = []

    def change(**values):
        for name, value in values.items():
            house.set(name, value)
            changed.append(name)
        house.restart("queued")

    yield change
    for name in changed:
        house.set(name, None)
    house.restart("queued")


def submit(suite, sender, recipients, *keys, message=MESSAGE):
    """`recipients`: an address, or (address, key...). The queue id."""
    with Intake(suite) as client:
        client.send("mail", "1", sender, *keys)
        for recipient in recipients:
            client.send("rcpt", "2", *((recipient,) if isinstance(recipient, str) else recipient))
        assert client.ask("open", "3")[0] == "ok"
        client.data(message)
        answer = client.ask("commit", "4")
        assert answer[0] == "ok", answer
        return answer[2]


class Letter:
    """A report, taken apart; what every one of them must have is looked at."""

    def __init__(self, raw):
        self.raw = raw.replace(b"\r\n", b"\n")
        self.mail = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert self.mail.get_content_type() == "multipart/report"
        assert self.mail.get_param("report-type") == "delivery-status"
        assert not self.mail.defects and self.mail["Auto-Submitted"] == "auto-replied"
        self.text, self.status, self.returned = self.mail.iter_parts()
        assert self.text.get_content_type() == "text/plain"
        assert max(map(len, self.raw.split(b"\n"))) <= 998
        self.words = self.text.get_content()
        self.fields, *self.recipients = self.status.get_payload()

    def actions(self):
        return {r["Final-Recipient"].split("; ")[1]: r["Action"] for r in self.recipients}


def told(user, count=1):
    """The letters that a user has, when there are `count`."""
    letters = user.wait(count)
    assert len(letters) == count
    assert all(b"Return-Path: <>" in letter for letter in letters)
    return [Letter(letter) for letter in letters]


# --- failure --------------------------------------------------------------------------------------------------


def test_what_a_letter_says_of_a_failure(house, answers):
    user = house.user()
    answers["RCPT"] = "550 5.1.1 no such user here"
    queue_id = submit(house, user.address, [("gone@far.test", "orcpt=rfc822;a+2Bb@far.test")], "envid=QQ+2B314")
    (letter,) = told(user)
    assert letter.mail["Subject"] == "Undelivered mail returned to sender"
    assert letter.mail["From"] == "Mail Delivery System <MAILER-DAEMON@mail.example.test>" and letter.mail["To"] == user.address
    fields = letter.fields
    assert (fields["Reporting-MTA"], fields["X-Postern-Queue-Id"]) == ("dns; mail.example.test", queue_id)
    assert fields["Original-Envelope-Id"] == "QQ+314" and re.match(r"\w{3}, \d+ \w{3} 2\d{3} ", fields["Arrival-Date"])
    (recipient,) = letter.recipients
    assert [recipient[name] for name in ("Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA")] == [
        "rfc822; a+b@far.test", "rfc822; gone@far.test", "failed", "5.1.1", "dns; 127.0.0.1"]
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user here" and recipient["Last-Attempt-Date"]
    assert recipient["Will-Retry-Until"] is None
    assert "gone@far.test" in letter.words and queue_id in letter.words
    assert letter.returned.get_content_type() == "text/rfc822-headers" and b"X-Long: yyy" in letter.raw and b"The body." not in letter.raw
    wait_gone(house, queue_id)


def test_one_letter_tells_of_all(house, answers):
    """Two that fail, one that waits, two that have it, of which the sender wants to hear of one."""
    user, there, silent = house.user(), house.user(), house.user()
    answers["RCPT"] = lambda line: "450 4.2.1 later" if "later" in line else "550 5.1.1 nobody" if "gone" in line else None
    queue_id = submit(house, user.address, ["gone1@far.test", "nobody-here@example.test", "later@far.test",
                                            (there.address, "notify=SUCCESS"), silent.address])
    (letter,) = told(user)
    assert letter.actions() == {"gone1@far.test": "failed", "nobody-here@example.test": "failed", there.address: "delivered"}
    assert letter.mail["Subject"].startswith("Undelivered") and "delivered into the mailbox" in letter.words
    answers.clear()
    ended(house, queue_id)
    assert len(user.messages()) == 1 and len(there.messages()) == 1 and len(silent.messages()) == 1


def test_what_a_remote_says_cannot_break_out(house, answers):
    user = house.user()
    answers["RCPT"] = "550-5.7.1 " + "x" * 700 + "\r\n550-5.7.1 \u00ff\x01\x0b\r\n550 5.7.1 Action: delivered"
    submit(house, user.address, ["gone@far.test"])
    (letter,) = told(user)
    assert letter.actions() == {"gone@far.test": "failed"}
    assert letter.recipients[0]["Diagnostic-Code"].replace("\n", "").startswith("smtp; 550 5.7.1 xxxx")
    assert letter.raw.isascii() and b"\x01" not in letter.raw


def test_a_header_with_bytes_of_old_comes_back_in_seven_bits(house):
    user = house.user()
    submit(house, user.address, ["nobody-here@example.test"], message=b"Subject: gr\xfcn\r\nX: " + b"z" * 2000 + b"\r\n\r\nx\r\n")
    (letter,) = told(user)
    assert letter.raw.isascii() and b"gr\xfcn" in letter.returned.get_payload(decode=True)


# --- RET -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ret, body, kind", [("FULL", b"The body.\r\n", "message/rfc822"), ("HDRS", b"The body.\r\n", "text/rfc822-headers"),
                                             ("FULL", b"x" * 70 + b"\r\n" + b"large\r\n" * 8000, "text/rfc822-headers"),
                                             ("FULL", b"l" * 5000 + b"\r\n", "text/rfc822-headers")])
def test_as_much_comes_back_as_ret_asks(house, ret, body, kind):
    user = house.user()
    message = b"Subject: hello\r\n\r\n" + body
    submit(house, user.address, ["nobody-here@example.test"], f"ret={ret}", message=message)
    (letter,) = told(user)
    assert letter.returned.get_content_type() == kind
    if kind == "message/rfc822":
        assert letter.returned.get_payload()[0].as_bytes().strip() == message.replace(b"\r\n", b"\n").strip()


def test_bounce_size_bounds_what_comes_back(house, settings):
    settings(bounce_size="100")
    small, large = house.user(), house.user()
    submit(house, small.address, ["nobody-here@example.test"], "ret=FULL", message=b"Subject: x\r\n\r\n" + b"y" * 80 + b"\r\n")
    submit(house, large.address, ["nobody-here@example.test"], "ret=FULL", message=b"Subject: x\r\n\r\n" + b"y" * 90 + b"\r\n")
    assert told(small)[0].returned.get_content_type() == "message/rfc822"
    assert told(large)[0].returned.get_content_type() == "text/rfc822-headers"


def test_eight_bits_come_back_as_they_are(house, answers):
    """The letter then says so, in its header and in MAIL."""
    house.sink.commands.clear()
    count = len(house.sink.messages)
    submit(house, "ann@far.test", ["nobody-here@example.test"], "ret=FULL", "body=8BITMIME", message="Subject: x\r\n\r\ngrün\r\n".encode())
    message = house.sink.wait(count + 1)[count]
    letter = Letter(message.data)
    assert "grün".encode() in message.data and letter.mail["Content-Transfer-Encoding"] == "8bit"
    assert any(c.startswith("MAIL FROM:<> ") and " BODY=8BITMIME" in c and "SMTPUTF8" not in c for c in house.sink.commands)


# --- recipients that are one -------------------------------------------------------------------------------------


def original(letter):
    """Who was told of, as the sender wrote them, and what became of them."""
    return sorted(((r["Original-Recipient"] or r["Final-Recipient"]).split("; ")[1], r["Action"]) for r in letter.recipients)


def test_each_of_two_that_are_one_keeps_what_it_asked_for(house):
    """One message in the mailbox; of who asked for success the sender hears, whoever came first."""
    user, there = house.user(), house.user()
    house.alias(f"{there.address.split('@')[0]}-too@example.test", [there.address])
    alias = f"{there.address.split('@')[0]}-too@example.test"
    queue_id = submit(house, user.address, [there.address, (there.address, "notify=SUCCESS", "orcpt=rfc822;second@x.test"),
                                            (alias, "notify=SUCCESS", "orcpt=rfc822;third@x.test")])
    (letter,) = told(user)
    assert original(letter) == [("second@x.test", "delivered"), ("third@x.test", "delivered")]
    wait_gone(house, queue_id)
    assert len(there.messages()) == 1 and len(user.messages()) == 1


def test_a_failure_is_not_lost_with_the_one_that_wanted_to_hear_nothing(house, answers):
    user = house.user()
    answers["RCPT"] = "550 5.1.1 no such user here"
    queue_id = submit(house, user.address, [("gone@far.test", "notify=NEVER"), ("gone@far.test", "orcpt=rfc822;mine@x.test"), "gone@far.test"])
    (letter,) = told(user)
    assert ("mine@x.test", "failed") in original(letter) and {r["Status"] for r in letter.recipients} == {"5.1.1"}
    wait_gone(house, queue_id)
    assert len([c for c in house.sink.commands if c.startswith("RCPT TO:<gone@far.test>")]) >= 1


def test_what_is_written_twice_is_told_of_once(house, answers):
    user = house.user()
    answers["RCPT"] = "550 5.1.1 no such user here"
    submit(house, user.address, ["gone@far.test", "gone@far.test"])
    (letter,) = told(user)
    assert len(letter.recipients) == 1


def test_two_that_are_one_wait_together(house, answers):
    user = house.user()
    answers["RCPT"] = "450 4.2.1 later"
    queue_id = submit(house, user.address, [("slow@far.test", "notify=FAILURE"), ("slow@far.test", "notify=SUCCESS")])
    house.wait_log("queued", f"deferred queue={queue_id} ")
    answers.clear()
    (letter,) = told(user)
    assert [r["Action"] for r in letter.recipients] == ["relayed"], "the next host was asked for the first one's wish"
    wait_gone(house, queue_id)
    assert len([m for m in house.sink.messages if m.recipients == ["slow@far.test"]]) == 1


# --- success ----------------------------------------------------------------------------------------------------


def test_a_local_delivery_is_reported_once_to_who_asked(house):
    user, there, other = house.user(), house.user(), house.user()
    queue_id = submit(house, user.address, [(there.address, "notify=SUCCESS"), (other.address, "notify=FAILURE,DELAY")], "ret=FULL")
    (letter,) = told(user)
    assert letter.actions() == {there.address: "delivered"} and letter.recipients[0]["Status"].startswith("2.")
    assert letter.mail["Subject"] == "Your mail was delivered"
    assert letter.returned.get_content_type() == "text/rfc822-headers"  # RET counts for failures
    wait_gone(house, queue_id)
    house.wait_log("queued", rf"notified queue={queue_id} to={user.address} bounce=\w+ delivered=1$")
    assert len(user.messages()) == 1 and len(there.messages()) == 1


def test_the_only_recipient_is_reported_too(house):
    user, there = house.user(), house.user()
    with house.smtp() as smtp:
        smtp.ehlo()
        for line in (f"MAIL FROM:<{user.address}> ENVID=abc", f"RCPT TO:<{there.address}> NOTIFY=SUCCESS ORCPT=rfc822;x@y.test"):
            assert smtp.command(line)[0] == 250
        assert smtp.data("Subject: x\n\nhello\n")[0] == 250
    (letter,) = told(user)
    assert letter.actions() == {there.address: "delivered"} and letter.fields["Original-Envelope-Id"] == "abc"
    assert letter.recipients[0]["Original-Recipient"] == "rfc822; x@y.test"
    assert len(there.messages()) == 1


def test_a_host_with_dsn_tells_the_sender_itself(house):
    user = house.user()
    count = len(house.sink.messages)
    queue_id = submit(house, user.address, [("b@far.test", "notify=SUCCESS")])
    house.sink.wait(count + 1)
    wait_gone(house, queue_id)
    assert "RCPT TO:<b@far.test> NOTIFY=SUCCESS ORCPT=rfc822;b@far.test" in house.sink.commands
    assert not re.search(rf"notified queue={queue_id}", house.log_text("queued")) and not user.messages()


def test_what_went_to_a_host_without_dsn_is_reported_as_relayed(plain):
    user = plain.user()
    queue_id = submit(plain, user.address, [("b@far.test", "notify=SUCCESS"), "c@far.test"])
    (letter,) = told(user)
    assert letter.actions() == {"b@far.test": "relayed"} and letter.recipients[0]["Remote-MTA"] == "dns; 127.0.0.1"
    assert "passed on to a host that tells nobody" in letter.words
    wait_gone(plain, queue_id)
    assert len(user.messages()) == 1


def test_an_alias_of_several_is_reported_as_expanded(house):
    """RFC 3461 section 5.2.7.3: its targets then do not report success, but failures do."""
    user, one, two = house.user(), house.user(), house.user()
    house.alias("team@example.test", [one.address, two.address, "nobody-here@example.test", "far@far.test"])
    queue_id = submit(house, user.address, [("team@example.test", "notify=SUCCESS,FAILURE")])
    one.wait(1), two.wait(1)
    wait_gone(house, queue_id)
    (letter,) = told(user)
    assert letter.actions() == {"team@example.test": "expanded", "nobody-here@example.test": "failed"}
    assert letter.recipients[1]["Original-Recipient"] == "rfc822; team@example.test"
    assert "RCPT TO:<far@far.test> NOTIFY=FAILURE ORCPT=rfc822;team@example.test" in house.sink.commands


def test_what_wanted_nothing_but_success_is_passed_on_with_never(house):
    user, one = house.user(), house.user()
    house.alias("only@example.test", [one.address, "never@far.test"])
    queue_id = submit(house, user.address, [("only@example.test", "notify=SUCCESS")])
    assert told(user)[0].actions() == {"only@example.test": "expanded"}
    wait_gone(house, queue_id)
    assert "RCPT TO:<never@far.test> NOTIFY=NEVER ORCPT=rfc822;only@example.test" in house.sink.commands


def test_an_alias_of_one_passes_the_wish_on(house):
    """RFC 3461 section 5.2.7.2."""
    user, one = house.user(), house.user()
    house.alias("single@example.test", [one.address])
    submit(house, user.address, [("single@example.test", "notify=SUCCESS")])
    (letter,) = told(user)
    assert letter.actions() == {one.address: "delivered"}
    assert letter.recipients[0]["Original-Recipient"] == "rfc822; single@example.test"


# --- delay ------------------------------------------------------------------------------------------------------


def test_a_delay_is_told_once_and_ends_as_ever(house, answers, settings):
    answers["RCPT"] = "450 4.2.1 wait a little"
    settings(delay_warning="1s")
    user = house.user()
    queue_id = submit(house, user.address, ["slow@far.test", ("patient@far.test", "notify=FAILURE"), ("asks@far.test", "notify=DELAY")])
    (letter,) = told(user)
    assert letter.actions() == {"slow@far.test": "delayed", "asks@far.test": "delayed"}
    assert letter.mail["Subject"].startswith("Your mail is delayed") and "until it is 5d old" in letter.words
    recipient = letter.recipients[0]
    assert recipient["Status"] == "4.2.1" and recipient["Will-Retry-Until"] and recipient["Diagnostic-Code"] == "smtp; 450 4.2.1 wait a little"
    later = len(re.findall(rf"deferred queue={queue_id} to=slow", house.log_text("queued"))) + 2
    wait_for("two more attempts", 20, lambda: len(re.findall(rf"deferred queue={queue_id} to=slow", house.log_text("queued"))) >= later)
    house.restart("queued")  # the marks are in the file
    answers.clear()
    wait_gone(house, queue_id)
    wait_for("the lines of all three", 10, lambda: len(re.findall(rf"delivered queue={queue_id}", house.log_text("queued"))) == 3)
    assert len(user.messages()) == 1


def test_zero_warns_nobody(house, answers, settings):
    answers["RCPT"] = "450 4.2.1 later"
    settings(delay_warning="0")
    user = house.user()
    queue_id = submit(house, user.address, ["slow@far.test"])
    wait_for("three attempts", 20, lambda: len(re.findall(rf"deferred queue={queue_id}", house.log_text("queued"))) >= 3)
    answers.clear()
    wait_gone(house, queue_id)
    assert not user.messages()


def test_when_the_time_is_over_the_last_answer_is_told(house, answers, settings):
    answers["RCPT"] = "450 4.2.1 mailbox is busy"
    settings(queue_life="2s", delay_warning="0")
    user = house.user()
    submit(house, user.address, ["slow@far.test"])
    (recipient,) = told(user)[0].recipients
    assert (recipient["Action"], recipient["Status"], recipient["Diagnostic-Code"]) == ("failed", "5.4.7", "smtp; 450 4.2.1 mailbox is busy")


# --- who hears nothing, and who hears instead ----------------------------------------------------------------------


def test_never_means_never(house, answers, settings):
    settings(delay_warning="1s", queue_life="4s")
    answers["RCPT"] = lambda line: "450 4.2.1 later" if "slow" in line else "550 5.1.1 nobody"
    user, there = house.user(), house.user()
    queue_id = submit(house, user.address, [(a, "notify=NEVER") for a in ("slow@far.test", "gone@far.test", there.address)])
    house.wait_log("queued", rf"failed queue={queue_id} to=slow@far.test .*code=5.4.7", 20)
    wait_gone(house, queue_id)
    assert not user.messages() and not re.search(rf"(bounced|notified) queue={queue_id}", house.log_text("queued"))


def test_a_null_sender_hears_of_nothing(house, answers, settings):
    settings(delay_warning="1s")
    answers["RCPT"] = "450 4.2.1 later"
    there = house.user()
    queue_id = submit(house, "", [(there.address, "notify=SUCCESS"), ("slow@far.test", "notify=DELAY")])
    wait_for("three attempts", 20, lambda: len(re.findall(rf"deferred queue={queue_id}", house.log_text("queued"))) >= 3)
    answers.clear()
    wait_gone(house, queue_id)
    assert not re.search(rf"(bounced|notified|double-bounce) queue={queue_id}", house.log_text("queued"))


def test_a_bounce_that_fails_goes_to_the_postmaster_and_no_further(house, settings):
    master = house.user()
    settings(postmaster=master.address)
    first = submit(house, "nobody-there@example.test", ["nobody-here@example.test"])
    bounce = house.wait_log("queued", rf"bounced queue={first} .*bounce=(\w+)").group(1)
    (letter,) = told(master)
    assert letter.mail["Subject"] == "Undeliverable bounce" and letter.fields["X-Postern-Queue-Id"] == bounce
    assert letter.actions() == {"nobody-there@example.test": "failed"}
    settings(postmaster="nobody-either@example.test")
    second = submit(house, "", ["nobody-here@example.test"])
    notice = house.wait_log("queued", rf"bounced queue={second} .*bounce=(\w+)").group(1)
    house.wait_log("queued", rf"double-bounce queue={notice}")
    wait_for("the queue to be empty", 20, lambda: not files(house))


# --- RFC 6533 ---------------------------------------------------------------------------------------------------------


def test_a_sender_in_utf8_gets_a_letter_in_utf8(house):
    house.sink.commands.clear()
    count = len(house.sink.messages)
    message = "From: jürgen@fär.test\r\nSubject: grün\r\n\r\nx\r\n".encode()
    submit(house, "jürgen@fär.test", [("nöbody@example.test", "orcpt=utf-8;n\\x{F6}body@x.test"), "näbody@example.test"], "smtputf8=1", "body=8BITMIME",
           message=message)
    raw = house.sink.wait(count + 1)[count].data.replace(b"\r\n", b"\n").decode()
    assert any(c.startswith("MAIL FROM:<> ") and " SMTPUTF8" in c for c in house.sink.commands)
    assert "RCPT TO:<jürgen@fär.test>" in " ".join(house.sink.commands)
    assert "\nTo: <jürgen@fär.test>\n" in raw and "\nContent-Type: message/global-delivery-status\n" in raw
    assert "\nFinal-Recipient: utf-8; näbody@example.test\n" in raw and "\nFinal-Recipient: utf-8; nöbody@example.test\n" in raw
    assert "\nContent-Type: message/global-headers\nContent-Transfer-Encoding: 8bit\n\nFrom: jürgen@fär.test\nSubject: grün\n" in raw
    assert "\nOriginal-Recipient: utf-8; n\\x{F6}body@x.test\n" in raw


@pytest.mark.parametrize("ret, kind", [("HDRS", "message/global-headers"), ("FULL", "message/global")])
def test_who_has_an_old_address_gets_it_in_seven_bits(house, ret, kind):
    user = house.user()
    submit(house, user.address, ["nöbody@example.test"], "smtputf8=1", f"ret={ret}", message="Subject: grün\r\n\r\nblau\r\n".encode())
    (raw,) = user.wait(1)
    letter = raw.replace(b"\r\n", b"\n").decode("ascii")
    assert "\nContent-Type: message/delivery-status\n" in letter and "\nFinal-Recipient: utf-8; n\\x{F6}body@example.test\n" in letter
    assert f"\nContent-Type: {kind}\nContent-Transfer-Encoding: quoted-printable\n\nSubject: gr=C3=BCn\n" in letter
    assert ("\nblau\n" in letter) == (ret == "FULL")


# --- the administrator's words --------------------------------------------------------------------------------------------


def test_a_template_in_another_language(house, answers, settings):
    """The example that comes with the suite."""
    (house.settings / "words").write_text((REPOSITORY / "conf/bounce_template.zh").read_text())
    settings(bounce_template="words", delay_warning="1s")
    answers["RCPT"] = lambda line: "450 4.2.1 later" if "slow" in line else None
    failure, delay, success, there = (house.user() for _ in range(4))
    submit(house, failure.address, ["nobody-here@example.test"])
    waiting = submit(house, delay.address, ["slow@far.test"])
    submit(house, success.address, [(there.address, "notify=SUCCESS")])
    for user, subject in ((failure, "退信"), (delay, "延迟"), (success, "送达")):
        (letter,) = told(user)
        assert subject in letter.mail["Subject"] and letter.raw.isascii() and "mail.example.test" in letter.words
        assert re.search(r"[\u4e00-\u9fff]", letter.words) and not re.search(r"\$|\?\?", letter.words)
    answers.clear()
    wait_gone(house, waiting)
    assert house.tool("queued", "--check").returncode == 0


@pytest.mark.parametrize("text, why", [
    ("Subject: x\n", "comes first"), ("[faliure]\nSubject: x\n\ntext\n", "no such section"), ("[failure]\nSubject: x\n", "has no text"),
    ("[failure]\n\n$nonsense\n", "not known"), ("[failure]\n\nx\n[failure]\n\nx\n", "twice"), ("[delay]\nTo: x\n\nx\n", "no such field"),
    ("[delay]\n\n\x07\n", "control"), (b"[delay]\n\n\xff\n", "no UTF-8"), ("[delay]\n\n" + "x" * 901 + "\n", "longer"), (None, "o such file")])
def test_a_template_that_is_wrong_is_named_and_not_used(house, text, why):
    path = house.settings / "wrong"
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    house.set("bounce_template", "wrong")
    try:
        result = house.tool("queued", "--check", check=False)
        found = house.tool("queued", "--check", check=False, user="postern-queue")
    finally:
        house.set("bounce_template", None)
    assert result.returncode == found.returncode == 100 and why in result.stderr, result.stderr


def test_postern_check_looks_at_the_template(house, settings):
    (house.settings / "wrong").write_text("[failure]\n\n$nonsense\n")
    settings(bounce_template="wrong")
    text = subprocess.run(["sh", house.libexec / "check"], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "POSTERN_SETTINGS": str(house.settings)}).stdout
    assert re.search(r"error: notifications: .*line=3.*not known", text), text
    user = house.user()
    submit(house, user.address, ["nobody-here@example.test"])
    assert "could not be delivered" in told(user)[0].words


# --- a crash ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status, action", [("S", "delivered"), ("R", "relayed"), ("F", "failed")])
def test_a_mark_without_its_letter_is_told_at_the_next_start(house, answers, status, action):
    """As a crash leaves it between the mark and the letter: told, and not delivered again."""
    answers["RCPT"] = "450 4.2.1 later"
    user = house.user()
    queue_id = submit(house, user.address, ["slow@far.test", ("marked@far.test", "notify=SUCCESS,FAILURE")])
    house.wait_log("queued", rf"deferred queue={queue_id} to=marked")
    house.down("queued")
    (path,) = [p for p in files(house) if p.name == queue_id]
    content = path.read_bytes()
    at = content.rindex(b"\nrcpt ", 0, content.index(b"<marked@")) + 6
    assert content[at:at + 1] == b"-"
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(status.encode())
    answers.clear()
    count = len(house.sink.messages)
    house.up("queued")
    (letter,) = told(user)
    assert letter.actions() == {"marked@far.test": action}
    wait_gone(house, queue_id)
    assert [m.recipients for m in house.sink.messages[count:]] == [["slow@far.test"]]
