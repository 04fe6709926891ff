"""Promise 4: only CRLF.CRLF ends DATA, and no bare CR or LF comes in from the network. All line enders around a dot,
whole and cut at every point. (All texts at all cuts: tests/unit/test_dotreader.c. What goes out: issue 5.)"""
import itertools

import pytest

ENDERS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\n", b"\r\n\r", b"\n\r", b"\r\r", b"\0\n", b"\r\0\n"]
STRANGER = "stranger@elsewhere.test"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture(scope="module")
def smtp(suite):
    """One session for all: it must never get out of step."""
    suite.set("error_limit", "100000")
    suite.set("commands_limit", "100000")
    with suite.smtp() as dialogue:
        dialogue.ehlo()
        yield dialogue
    suite.set("error_limit", None)
    suite.set("commands_limit", None)


def begin(smtp, user):
    for line in (f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{user.address}>"):
        assert smtp.command(line)[0] == 250
    assert smtp.command("DATA")[0] == 354


def is_bare(text):
    rest = text.replace(b"\r\n", b"")
    return b"\r" in rest or b"\n" in rest


def check(smtp, user, pieces, text):
    """Exactly one answer to the text; what follows the first CRLF.CRLF is read as commands and answered 500."""
    end = text.index(b"\r\n.\r\n")
    begin(smtp, user)
    for piece in pieces:
        smtp.send(piece)
    code, texts = smtp.reply()
    if is_bare(text[:end + 2]):
        assert code == 554 and texts[0].startswith("5.6.0 "), (text, code, texts)
    else:
        assert code == 250, (text, code, texts)
    smtp.send(b"VRFY in-step\r\n")
    while (code := smtp.reply()[0]) != 252:
        assert code == 500, text


@pytest.mark.parametrize("before, after", itertools.product(ENDERS, ENDERS))
def test_line_enders_around_a_dot(smtp, user, before, after):
    text = b"Subject: smuggled\r\n\r\none" + before + b"." + after + b"two\r\n.\r\n"
    check(smtp, user, [text], text)


@pytest.mark.parametrize("before, after", [(b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\r", b"\r\n"), (b"\n", b"\n"),
                                           (b"\r\r\n", b"\r\n"), (b"\r\n", b"\r\r\n"), (b"\r\n.", b"\r\n")])
def test_every_split_point(smtp, user, before, after):
    text = b"a: b\r\n\r\n1" + before + b"." + after + b"2\r\n.\r\n"
    for cut in range(1, len(text)):
        check(smtp, user, [text[:cut], text[cut:]], text)


def test_nothing_smuggled_arrives(suite, smtp):
    """The known attack: a second message behind an end that only some servers see."""
    user = suite.user()
    for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\r\n.\r\r\n", b"\n\n.\r\n"):
        begin(smtp, user)
        smtp.send(b"Subject: first\r\n\r\nx" + end + b"MAIL FROM:<forged@example.test>\r\nRCPT TO:<" + user.address.encode() +
                  b">\r\nDATA\r\nSubject: smuggled\r\n\r\ny\r\n.\r\n")
        code, _ = smtp.reply()
        assert code == (554 if is_bare(end) else 250), end
        assert smtp.command("NOOP")[0] == 250
    begin(smtp, user)
    smtp.send(b"Subject: last\r\n\r\nx\r\n.\r\n")
    assert smtp.reply()[0] == 250
    user.wait(2)
    for message in user.messages():
        assert b"\r" not in message and not message.count(b"Subject: smuggled") > message.count(b"MAIL FROM:<forged")
    assert len(user.messages()) == 2  # the last one, and the one whose "end" was a NUL and a dot
