"""vacation (RFC 5230) through the suite: who gets an answer, once in so many days, and what it looks like."""
import email
import email.policy
import os

import pytest

from harness import wait_for
from test_sieve import HEAD, give, house, mail, sink, user  # noqa: F401 - fixtures

SCRIPT = 'require "vacation"; vacation :days 3 "I am away.";'


def answers(sink, address):
    return [m for m in sink.messages if m.recipients == [address]]


def answer_to(sink, address, count=1):
    found = wait_for(lambda: f"an answer to {address}", 20, lambda: len(answers(sink, address)) >= count and answers(sink, address))
    return found[-1], email.message_from_bytes(bytes(found[-1].data), policy=email.policy.default)


def test_the_answer(user, sink):
    """Null sender, to the envelope's sender, in the thread, marked as automatic (sections 5.1 to 5.7)."""
    give(user, SCRIPT)
    head = "References: <zero@elsewhere.test>\n" + HEAD
    mail(user, "question", sender="asker@elsewhere.test", head=head)
    envelope, answer = answer_to(sink, "asker@elsewhere.test")
    assert len(user.messages()) == 1 and envelope.sender == ""
    assert answer["To"] == "asker@elsewhere.test" and answer["From"] == user.address
    assert answer["Subject"] == "Auto: question" and answer["Auto-Submitted"].startswith("auto-replied")
    assert answer["In-Reply-To"] == "<question@elsewhere.test>"
    assert answer["References"].split() == ["<zero@elsewhere.test>", "<question@elsewhere.test>"]
    assert answer.get_content().replace("\r\n", "\n") == "I am away.\n"


def test_words_beyond_ascii(user, sink):
    give(user, 'require "vacation"; vacation :subject "Überall" :from "Jürgen <j@away.test>" text:\nGrüße\n.\n;')
    mail(user, sender="beyond@elsewhere.test")
    envelope, answer = answer_to(sink, "beyond@elsewhere.test")
    assert answer["Subject"] == "Überall" and answer["From"].addresses[0].display_name == "Jürgen"
    assert answer["From"].addresses[0].addr_spec == "j@away.test" and answer.get_content().strip() == "Grüße"
    assert all(byte < 128 for byte in bytes(envelope.data))


def test_several_authors(user, sink):
    """Section 4.3: :from is a list of mailboxes; who sends is told then (RFC 5322 section 3.6.2)."""
    give(user, 'require "vacation"; vacation :from "Jürgen <j@away.test>, k@away.test" "x";')
    mail(user, sender="several@elsewhere.test")
    answer = answer_to(sink, "several@elsewhere.test")[1]
    assert [(a.display_name, a.addr_spec) for a in answer["From"].addresses] == [("Jürgen", "j@away.test"), ("", "k@away.test")]
    assert answer["Sender"] == user.address


def test_a_mime_entity(user, sink):
    give(user, 'require "vacation"; vacation :mime text:\nContent-Type: text/html\n\n<p>away</p>\n.\n;')
    mail(user, sender="mime@elsewhere.test")
    envelope, answer = answer_to(sink, "mime@elsewhere.test")
    assert answer.get_content_type() == "text/html" and answer["MIME-Version"] == "1.0" and "<p>away</p>" in answer.get_content()


def test_one_answer_in_so_many_days(user, sink):
    """And another one when the answer is another, or the days are over (section 4.2)."""
    give(user, SCRIPT)
    mail(user, "a", sender="often@elsewhere.test")
    answer_to(sink, "often@elsewhere.test")
    assert "answered" not in mail(user, "b", sender="often@elsewhere.test").stderr
    give(user, SCRIPT.replace("away", "gone"))
    assert "answered" in mail(user, "c", sender="often@elsewhere.test").stderr
    give(user, SCRIPT)
    path = user.maildir / "postern-vacation"
    lines = path.read_text().splitlines()
    assert len(lines) == 2
    path.write_text("".join(f"{int(line.split()[0]) - 3 * 86400 - 1} {line.split()[1]}\n" for line in lines))
    assert "answered" in mail(user, "d", sender="often@elsewhere.test").stderr
    assert len(user.messages()) == 4


@pytest.mark.parametrize("sender,fields", [
    ("", ""), ("owner-list@elsewhere.test", ""), ("x@elsewhere.test", "List-Id: <a.b>\n"), ("x@elsewhere.test", "Precedence: bulk\n"),
    ("x@elsewhere.test", "Auto-Submitted: auto-generated\n")])
def test_what_is_not_answered(user, sender, fields):
    give(user, SCRIPT)
    result = mail(user, sender=sender, head=fields + HEAD)
    assert len(user.messages()) == 1 and "answered" not in result.stderr and not (user.maildir / "postern-vacation").exists()


def test_what_does_not_name_the_user_is_not_answered(user, sink):
    """But with :addresses it may (section 4.5)."""
    give(user, SCRIPT)
    head = HEAD.replace("{to}", "all@list.test")
    assert "answered" not in mail(user, sender="personal@elsewhere.test", head=head).stderr
    give(user, SCRIPT.replace(":days", ':addresses "all@list.test" :days'))
    assert "answered" in mail(user, sender="personal@elsewhere.test", head=head).stderr


def test_two_who_are_away_do_not_answer_each_other(house, user):
    other = house.user()
    give(user, SCRIPT), give(other, SCRIPT)
    with house.smtp() as smtp:
        smtp.ehlo()
        smtp.message(other.address, [user.address], HEAD.format(to=user.address, subject="x"))
    other.wait(1)
    assert b"\nAuto-Submitted: auto-replied" in other.messages()[0] and not (other.maildir / "postern-vacation").exists()


def test_an_answer_that_cannot_be_sent_holds_no_mail_up(house, user):
    give(user, SCRIPT)
    house.down("queued")
    try:
        result = mail(user, sender="late@elsewhere.test")
    finally:
        house.up("queued")
    assert len(user.messages()) == 1 and "vacation-not-sent" in result.stderr
    assert not os.path.exists(user.maildir / "postern-vacation")
