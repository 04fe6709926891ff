"""What smtpd does for users who send (RFC 6409): missing fields are put in, and the Received: line says of them what is set."""
import email
import email.utils
import itertools
import re
import time

import pytest

from test_smtp_dialogue import STRANGER, arrived, says, settings

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def session(suite, user, service="submission"):
    smtp = suite.smtp(service)
    smtp.ehlo()
    if service == "submission":
        smtp.starttls()
    says(smtp.login(user.address, user.password), 235)
    return smtp


def by_data(smtp, user, text):
    for line in (f"MAIL FROM:<{user.address}>", f"RCPT TO:<{user.address}>"):
        says(smtp.command(line), 250)
    says(smtp.data(text), 250)


def by_bdat(smtp, user, text, piece=1):
    text = text.replace("\n", "\r\n").encode()
    for line in (f"MAIL FROM:<{user.address}>", f"RCPT TO:<{user.address}>"):
        says(smtp.command(line), 250)
    smtp.send(b"".join(b"BDAT %d\r\n%s" % (len(text[at:at + piece]), text[at:at + piece])
                       for at in range(0, len(text), piece)) + b"BDAT 0 LAST\r\n")
    for _ in range(0, len(text), piece):
        says(smtp.reply(), 250)
    says(smtp.reply(), 250)


def as_sent(suite, user, text, send=by_data):
    """The message as it arrives, from behind Received: on. `text` holds {}, by which it is known."""
    mark = f"mark{next(numbers)}"
    with session(suite, user) as smtp:
        send(smtp, user, text.format(mark))
    message = arrived(user, mark.encode()).decode()
    return re.sub(r"(?s).*?\nReceived: .*?\n(?=\S|\n|$)", "", message, count=1).replace(mark, "{}")


DATE = r"Date: \w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000\n"
ID = r"Message-ID: <[a-z2-7]{13}@mail\.example\.test>\n"


@pytest.mark.parametrize("send", [by_data, by_bdat])
@pytest.mark.parametrize("text, pattern", [
    ("Subject: {}\n\nx\n", rf"Subject: {{}}\n{DATE}{ID}\nx\n"),
    ("Date: a\nSubject: {}\n\nDate: b\n", rf"Date: a\nSubject: {{}}\n{ID}\nDate: b\n"),
    ("Subject: {}\nMESSAGE-ID : <a@b>\n\nx\n", rf"Subject: {{}}\nMESSAGE-ID : <a@b>\n{DATE}\nx\n"),
    ("Subject: {}\nDate:\n now\nmessage-id:<a@b>\n\nx\n", r"Subject: {}\nDate:\n now\nmessage-id:<a@b>\n\nx\n"),
    ("X-Date: {}\nDated: b\nDate\n:\n\nx\n", rf"X-Date: {{}}\nDated: b\nDate\n:\n{DATE}{ID}\nx\n"),
    ("Subject: {}\n Date: folded\n\nx\n", rf"Subject: {{}}\n Date: folded\n{DATE}{ID}\nx\n"),
    ("Subject: {}\n", rf"Subject: {{}}\n{DATE}{ID}"),
    ("\nbody {}\n\nDate: x\n", rf"{DATE}{ID}\nbody {{}}\n\nDate: x\n"),
    ("no header {}\n\nx\n", rf"{DATE}{ID}\nno header {{}}\n\nx\n"),
    ("From a@b Thu Jan  1 1970\nDate: x\nSubject: {}\n\nx\n", rf"From a@b Thu Jan  1 1970\nDate: x\nSubject: {{}}\n{ID}\nx\n"),
])
def test_date_and_message_id_are_put_in_where_they_are_missing(suite, user, send, text, pattern):
    assert re.fullmatch(pattern, as_sent(suite, user, text, send)), as_sent(suite, user, text, send)


def test_the_date_is_now(suite, user):
    message = email.message_from_string(as_sent(suite, user, "Subject: {}\n\nx\n"))
    assert abs(email.utils.parsedate_to_datetime(message["Date"]).timestamp() - time.time()) < 60


def test_a_long_header_is_nothing_special(suite, user):
    text = "Subject: {}\n" + "X-Long: " + "x" * 200000 + "\n" + "".join(f"X-{n}: y\n" for n in range(5000)) + "\nx\n"
    pattern = re.escape(text.split("\n\n")[0]).replace(re.escape("{}"), "{}").replace("{}", r"\{\}")
    assert re.fullmatch(rf"{pattern}\n{DATE}{ID}\nx\n", as_sent(suite, user, text))


def test_strangers_messages_stay_as_they_are(suite, user):
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message(STRANGER, [user.address], "Subject: a stranger's\n\nx\n")
    message = arrived(user, b"Subject: a stranger's")
    assert b"\nDate:" not in message and b"\nMessage-ID:" not in message


# --- Received -------------------------------------------------------------------------------

def received(suite, user, service="submission"):
    mark = f"mark{next(numbers)}"
    with session(suite, user, service) as smtp:
        by_data(smtp, user, f"Subject: {mark}\n\nx\n")
    message = arrived(user, mark.encode()).decode()
    return re.search(r"(?s)\n(Received: .*?)\n(?=\S)", message)[1]


def test_received_names_the_client_and_not_the_user(suite, user):
    line = received(suite, user)
    assert line.startswith("Received: from client.test (") and "[127.0.0.1])\n\t(using TLSv1" in line
    assert "Authenticated" not in line and f"\tfor <{user.address}>;" in line


def test_received_without_the_client_where_set(suite, user):
    with settings(suite, received_client="no"):
        line = received(suite, user, "smtps")
        assert "client.test" not in line and "127.0.0.1" not in line and " from " not in line
        assert re.match(r"Received: \(using TLSv1\S+ with cipher \S+\)\n\tby mail.example.test \(Postern\) with ESMTPSA id ", line)
        with suite.smtp() as stranger:
            stranger.ehlo()
            stranger.message(STRANGER, [user.address], "Subject: still named\n\nx\n")
        assert b"Received: from client.test (" in arrived(user, b"Subject: still named")


def test_received_names_the_user_where_set(suite, user):
    with settings(suite, authenticated_sender="yes"):
        assert f"\n\t(Authenticated sender: {user.address})\n\tby mail.example.test" in received(suite, user)
