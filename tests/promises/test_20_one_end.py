"""Promise 20: every accepted message ends in exactly one way for each recipient, and one id tells its story."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from test_queue import MESSAGE, Intake, wait_gone  # noqa: E402


def test_the_id_tells_the_story(suite):
    there, sender = suite.user(), suite.user()
    with Intake(suite) as client:
        queue_id = client.submit(sender.address, [there.address, "not-here@example.test"], MESSAGE)
    there.wait(1)
    (bounce,) = sender.wait(1)
    wait_gone(suite, queue_id)
    lines = [line for line in suite.log_text("queued").splitlines() if line.startswith("postern-queued:") and f"queue={queue_id}" in line]
    events = [re.match(r"\S+ \w+: ([\w-]+)", line).group(1) for line in lines]
    # One that had to wait says so each time; it ends once.
    assert sorted(event for event in events if event != "deferred") == ["bounced", "delivered", "failed", "queued"], lines
    assert queue_id.encode() in bounce
    bounce_id = re.search(rf"bounced queue={queue_id} .*bounce=(\S+)", suite.log_text("queued")).group(1)
    suite.wait_log("queued", rf"delivered queue={bounce_id} to={sender.address}")


def test_smtp_says_the_same_id(suite):
    user = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        answer = smtp.message("stranger@elsewhere.test", [user.address], "Subject: x\n\nhello\n")
    user.wait(1)
    queue_id = re.search(r"\b[2-7a-z]{13}\b", str(answer)).group(0)
    suite.wait_log("queued", rf"delivered queue={queue_id} to={user.address}")


def test_who_names_a_sender_or_a_recipient_names_the_message(suite):
    """In every log; smtpd's refusals of a command come before there is a message."""
    lines = [line for name in suite.present() for line in suite.log_text(name).splitlines() if re.match(r"postern-\w+: ", line)]
    about = [line for line in lines if re.search(r" (to|from|bounce)=", line) and not re.search(r": refused .*command=(MAIL|RCPT)", line)]
    assert about, "the tests before this one have sent messages"
    assert not [line for line in about if not re.search(r" (queue|message)=\S", line)]


def lines_of(suite, queue_id):
    """(event, recipient) of the manager's lines about a message."""
    found = re.findall(rf"^postern-queued: \w+: ([\w-]+) queue={queue_id}(?: to=(\S*))?", suite.log_text("queued"), re.M)
    return [(event, to) for event, to in found if event != "queued"]


def test_each_recipient_ends_once_and_is_told_of_once(suite):
    """Whatever was asked for: one end in the log for each, and one letter that tells of those of whom there is something to tell."""
    sender, wants, silent, one, two = (suite.user() for _ in range(5))
    suite.alias("both@example.test", [one.address, two.address])
    with Intake(suite) as client:
        client.send("mail", "1", sender.address)
        for address, notify in ((wants.address, "SUCCESS"), (silent.address, "NEVER"), ("both@example.test", "SUCCESS,FAILURE"),
                                ("gone1@example.test", "FAILURE"), ("gone2@example.test", "NEVER"), ("gone3@example.test", "SUCCESS")):
            client.send("rcpt", "2", address, f"notify={notify}")
        queue_id = client.ask("open", "3")[2]
        client.data(MESSAGE)
        assert client.ask("commit", "4")[0] == "ok"
    (letter,) = sender.wait(1)
    wait_gone(suite, queue_id)
    lines = lines_of(suite, queue_id)
    assert sorted(lines) == sorted(
        [("delivered", user.address) for user in (wants, silent, one, two)] + [("failed", f"gone{i}@example.test") for i in (1, 2, 3)] +
        [("expanded", ""), ("bounced", sender.address)]), lines
    told = re.findall(r"^Final-Recipient: rfc822; (\S+)\r?\nAction: (\w+)\r?$", letter.decode(), re.M)
    assert sorted(told) == sorted([(wants.address, "delivered"), ("both@example.test", "expanded"), ("gone1@example.test", "failed")])
    bounce_id = re.search(rf"bounced queue={queue_id} .*bounce=(\S+)", suite.log_text("queued")).group(1)
    wait_gone(suite, bounce_id)
    assert lines_of(suite, bounce_id) == [("delivered", sender.address)]
    assert [len(user.messages()) for user in (sender, wants, silent, one, two)] == [1] * 5


def test_a_letter_that_fails_is_told_of_to_nobody_for_ever(suite):
    """No loop: sender and recipient are unknown; the letter fails, and that ends in the log."""
    with Intake(suite) as client:
        queue_id = client.submit("nobody-a@example.test", ["nobody-b@example.test"], MESSAGE)
    bounce_id = suite.wait_log("queued", rf"bounced queue={queue_id} .*bounce=(\S+)").group(1)
    suite.wait_log("queued", rf"double-bounce queue={bounce_id}")
    wait_gone(suite, queue_id), wait_gone(suite, bounce_id)
    assert lines_of(suite, queue_id) == [("failed", "nobody-b@example.test"), ("bounced", "nobody-a@example.test")]
    assert lines_of(suite, bounce_id) == [("failed", "nobody-a@example.test"), ("double-bounce", "")]
