"""Promise 4: only CRLF.CRLF ends DATA, and no bare CR or LF comes in from the network. All line enders around a dot,
whole and cut at every point. (All texts at all cuts: tests/unit/test_dotreader.c.) And whatever the queue holds, from wherever it
came, goes out with CRLF alone and ends once."""
import itertools
import pathlib
import sys

import pytest

from harness import Sink, Suite

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

from test_queue import Intake  # noqa: E402

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


# --- what goes out --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def away():
    with Sink(extensions=("PIPELINING", "8BITMIME")) as sink, Suite("lines", {
            "relay_host": f"[127.0.0.1]:{sink.port}", "remote_timeout": "10s"}) as away:
        away.sink = sink
        away.user("ann")
        yield away
        assert not away.findings()


def wanted(text):
    """Each CRLF, and each CR or LF alone, is one line end."""
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("extensions", [("PIPELINING", "8BITMIME"), ("8BITMIME",), ("PIPELINING", "8BITMIME", "CHUNKING"), ("PIPELINING",)])
def test_whatever_the_queue_holds_goes_out_with_crlf_and_ends_once(away, extensions):
    """By DATA, by BDAT, converted: no bare CR or LF is sent, and nothing after the dot is a command of ours."""
    away.sink.end_sessions()
    away.sink.extensions = extensions
    before, count = len(away.sink.messages), 0
    texts = [b"Subject: %d\r\n\r\nx" % i + one + b"." + other + b"MAIL FROM:<evil@x.test>\r\nend"
             for i, (one, other) in enumerate(itertools.product(ENDERS, ENDERS))]
    if extensions == ("PIPELINING",):
        texts = [text.replace(b"end", b"\xff\r\nend") for text in texts]
    away.sink.raw.clear()
    away.sink.commands.clear()
    with Intake(away) as client:
        for text in texts:
            client.submit("ann@example.test", ["b@far.test"], text)
            count += 1
    got = away.sink.wait(before + count, 120)[before:]
    assert len(got) == count and not any("evil" in c for c in away.sink.commands)
    assert not [raw for raw in away.sink.raw if is_bare(raw)]
    if extensions != ("PIPELINING",):
        assert sorted(m.data for m in got) == sorted(wanted(text) + b"\r\n" for text in texts)
    else:
        assert not [m for m in got if is_bare(m.data) or not m.data.isascii()]


def test_a_message_of_the_command_line_has_lines_of_lf_and_goes_out_with_crlf(away):
    away.sink.extensions = ("PIPELINING", "8BITMIME")
    before = len(away.sink.messages)
    away.tool("sendmail", "-i", "b@far.test", input="Subject: x\n\na\n.\n..\nb\n")
    (message,) = away.sink.wait(before + 1)[before:]
    assert message.data.endswith(b"\r\n\r\na\r\n.\r\n..\r\nb\r\n") and not is_bare(message.data)
