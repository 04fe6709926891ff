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
    assert sorted(events) == ["bounced", "delivered", "failed", "queued"], lines
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
