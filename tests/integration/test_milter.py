"""Milters at smtpd: the protocol's steps, verdicts and changes, several filters, and filters that fail."""
import struct

import pytest

from harness import Process, wait_for, without_sanitizers
from harness.milter import (ACCEPT, CAN_SKIP, CONTINUE, DISCARD, LEADING_SPACE, NO_BODY, NO_CONNECT, NO_DATA, NO_EOH, NO_HEADER,
                            NO_HELO, NO_MAIL, NO_RCPT, NO_UNKNOWN, PROGRESS, REJECT, SILENT, SKIP, TEMPFAIL, Milter, field,
                            reply_code, text)
from test_smtp_dialogue import arrived, says, settings

SENDER = "stranger@elsewhere.test"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def message(subject, body="hello\r\n"):
    return f"From: <{SENDER}>\r\nSubject: {subject}\r\nX-Fold: one\r\n  two\r\nX-Twice: 1\r\nX-Twice: 2\r\n\r\n{body}"


def send(smtp, user, data, parameters=""):
    """A whole transaction; the answer to the text."""
    says(smtp.command(f"MAIL FROM:<{SENDER}>{parameters}"), 250)
    says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
    says(smtp.command("DATA"), 354)
    smtp.send(data if isinstance(data, bytes) else data.encode())
    return smtp.command(".")


def deliver(suite, user, milters, subject, body="hello\r\n", **values):
    """Sends through these milters, and waits for what arrives: header lines (unfolded lists) and body."""
    with settings(suite, milters=" ".join(m if isinstance(m, str) else m.name for m in milters), **values), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message(subject, body)), 250, "2.0.0")
        smtp.command("QUIT")
    return split(arrived(user, f"Subject: {subject}\n".encode()))


def split(data):
    header, _, body = data.partition(b"\n\n")
    return header.decode().replace("\n ", " ").replace("\n\t", " ").split("\n"), body


def own(header):
    """The fields below our trace line."""
    at = next(i for i, line in enumerate(header) if line.startswith("Received:"))
    return header[at + 1:]


# --- steps ----------------------------------------------------------------------


def test_each_step_is_told(suite, user):
    with Milter() as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo("client.test")
        says(smtp.command("XNONSENSE one"), 500)
        says(send(smtp, user, message("each step", "body\r\n..dot\r\n"), " SIZE=100 BODY=8BITMIME"), 250)
        says(smtp.command("QUIT"), 221)
        wait_for("the milter's leave", 10, lambda: milter.seen("Q"))
    assert milter.commands() == "OCHUMRTLNBEQ"
    host, rest = milter.seen("C")[0].data.split(b"\0", 1)
    assert rest[:1] == b"4" and rest[3:] == b"127.0.0.1\0" and host
    assert milter.seen("H")[0].data == b"client.test\0"
    assert milter.seen("U")[0].data == b"XNONSENSE one\0"
    assert milter.seen("M")[0].data == f"<{SENDER}>\0SIZE=100\0BODY=8BITMIME\0".encode()
    assert milter.seen("R")[0].data == f"<{user.address}>\0".encode()
    assert milter.header() == [(b"From", f"<{SENDER}>".encode()), (b"Subject", b"each step"), (b"X-Fold", b"one\n  two"),
                               (b"X-Twice", b"1"), (b"X-Twice", b"2")]
    assert milter.body() == b"body\r\n.dot\r\n"


def test_macros_are_postfixs(suite, user):
    with Milter() as milter:
        deliver(suite, user, [milter], "macros")
    macros = {event.command: event.macros for event in milter.events}
    assert macros["C"]["j"] == macros["C"]["{daemon_name}"] == "mail.example.test"
    assert macros["C"]["{daemon_addr}"] == macros["C"]["{client_addr}"] == "127.0.0.1"
    assert macros["C"]["_"].endswith(" [127.0.0.1]") and macros["C"]["v"].startswith("Postern")
    assert int(macros["C"]["{client_port}"]) > 1024
    assert macros["M"]["{mail_addr}"] == SENDER and macros["M"]["{mail_host}"] == "elsewhere.test"
    assert macros["R"]["{rcpt_addr}"] == user.address
    queue = macros["E"]["i"]
    assert macros["T"]["i"] == macros["N"]["i"] == queue
    suite.wait_log("smtpd", f"accepted .*queue={queue} ")


def test_macros_of_tls_and_login(suite):
    user = suite.user()
    with Milter() as milter, settings(suite, milters=milter.name), suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        says(smtp.login(user.address, user.password), 235)
        says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)
    tls = milter.seen("H")[-1].macros
    assert tls["{tls_version}"].startswith("TLSv1") and tls["{cipher}"] and tls["{cipher_bits}"] in ("128", "256")
    assert milter.seen("M")[0].macros["{auth_type}"] == "PLAIN"
    assert milter.seen("M")[0].macros["{auth_authen}"] == user.address


def test_macros_that_the_filter_lists(suite, user):
    lists = struct.pack("!I", 0) + b"j {daemon_name}\0" + struct.pack("!I", 3) + b"{rcpt_addr},i\0" + struct.pack("!I", 5) + b"\0"
    with Milter(lists=lists) as milter:
        deliver(suite, user, [milter], "lists of macros")
    assert set(milter.seen("C")[0].macros) == {"j", "{daemon_name}"}
    assert set(milter.seen("R")[0].macros) == {"{rcpt_addr}"}
    assert milter.seen("E")[0].macros == {}


@pytest.mark.parametrize("version, steps", [(2, "OCHMRLNBEQ"), (3, "OCHUMRLNBEQ"), (4, "OCHUMRTLNBEQ"), (6, "OCHUMRTLNBEQ")])
def test_versions(suite, user, version, steps):
    with Milter(version=version, may=0x1f) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("XNONSENSE"), 500)
        says(send(smtp, user, message(f"version {version}")), 250)
        smtp.command("QUIT")
        wait_for("the milter's leave", 10, lambda: milter.seen("Q"))
    assert milter.commands() == steps


def test_steps_that_are_not_wanted(suite, user):
    unwanted = NO_CONNECT | NO_HELO | NO_MAIL | NO_RCPT | NO_BODY | NO_HEADER | NO_EOH | NO_UNKNOWN | NO_DATA
    with Milter(protocol=unwanted, answers={"E": [field("h", "X-Seen", "yes"), CONTINUE]}) as milter:
        header, _ = deliver(suite, user, [milter], "nothing wanted")
    assert milter.commands().rstrip("Q") == "OE" and header[-1] == "X-Seen: yes"


def test_steps_that_are_not_answered(suite, user):
    with Milter(protocol=SILENT, answers={"E": [PROGRESS, field("h", "X-Seen", "yes"), CONTINUE]}) as milter:
        header, _ = deliver(suite, user, [milter], "nothing answered")
    assert milter.commands().startswith("OCHMRTLNBE") and header[-1] == "X-Seen: yes"


def test_leading_space(suite, user):
    with Milter(protocol=LEADING_SPACE, answers={"E": [field("h", "X-Tight", "yes"), CONTINUE]}) as milter:
        header, _ = deliver(suite, user, [milter], "leading space")
    assert (b"Subject", b" leading space") in milter.header() and header[-1] == "X-Tight:yes"


def test_body_comes_in_pieces_and_may_be_skipped(suite, user):
    body = ("x" * 998 + "\r\n") * 200
    with Milter(protocol=CAN_SKIP, answers={"B": SKIP}) as skipping, Milter() as whole:
        _, got = deliver(suite, user, [skipping, whole], "pieces", body)
    assert [len(event.data) for event in skipping.seen("B")] == [65535]
    assert whole.body() == body.encode() and max(len(event.data) for event in whole.seen("B")) == 65535
    assert got == body.replace("\r\n", "\n").encode()


# --- verdicts ---------------------------------------------------------------------

LINES = {"M": f"MAIL FROM:<{SENDER}>", "R": "RCPT TO:<{user}>", "T": "DATA", "U": "XNONSENSE"}
VERDICTS = [(REJECT, 550, "5.7.1"), (TEMPFAIL, 451, "4.7.1"), (reply_code("553 5.3.5 not so"), 553, "5.3.5"),
            (reply_code("450 4.2.1-no: later"), 450, "4.7.1")]


@pytest.mark.parametrize("verdict, code, status", VERDICTS)
@pytest.mark.parametrize("step", ["H", "M", "R", "U"])
def test_a_command_is_refused(suite, user, step, verdict, code, status):
    with Milter(answers={step: verdict}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        if step == "H":
            says(smtp.command("EHLO client.test"), code, status)
            says(smtp.command("MAIL FROM:<>"), 503)
            return
        smtp.ehlo()
        if step == "R":
            says(smtp.command(LINES["M"]), 250)
        says(smtp.command(LINES[step].format(user=user.address)), code, status)
        # The session goes on.
        says(smtp.command("NOOP"), 250)


@pytest.mark.parametrize("verdict, code, status", VERDICTS)
@pytest.mark.parametrize("step", ["L", "N", "B", "E"])
def test_a_message_is_refused(suite, user, step, verdict, code, status):
    with Milter(answers={step: verdict}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("refused")), code, status)
        milter.answers = {}
        says(send(smtp, user, message(f"after {step} {code} {status}")), 250)
    arrived(user, f"Subject: after {step} {code} {status}\n".encode())
    assert not [data for data in user.messages() if b"Subject: refused" in data]


def test_data_is_refused(suite, user):
    with Milter(answers={"T": reply_code("451 4.7.1 not now")}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command(LINES["M"])
        smtp.command(f"RCPT TO:<{user.address}>")
        says(smtp.command("DATA"), 451, "4.7.1")


def test_a_refused_client_hears_it_at_mail(suite):
    with Milter(answers={"C": reply_code("554 5.7.1 not you")}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("MAIL FROM:<>") == (554, ["5.7.1 not you"])


def test_a_client_refused_at_helo_hears_it_at_mail_where_helo_is_not_required(suite):
    with Milter(answers={"H": reply_code("554 5.7.1 not you")}) as milter, \
            settings(suite, milters=milter.name, helo_required="no"), suite.smtp() as smtp:
        says(smtp.command("EHLO client.test"), 554, "5.7.1")
        assert smtp.command("MAIL FROM:<>") == (554, ["5.7.1 not you"])


def test_a_client_turned_away_at_connect_is_not_kept(suite):
    """421 says that the session ends (RFC 5321 section 4.2.2)."""
    with Milter(answers={"C": b"4"}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 421, "4.7.0")
        assert smtp.rest() == b""


def test_a_reply_of_several_lines(suite):
    answer = reply_code("550-5.7.1 first\r\n550-5.7.1 second\r\n550 5.7.1 third")
    with Milter(answers={"M": answer}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        assert smtp.command("MAIL FROM:<>") == (550, ["5.7.1 first", "5.7.1 second", "5.7.1 third"])


@pytest.mark.parametrize("verdict", [reply_code("421 4.7.0 go away"), b"4"])
def test_a_filter_closes_the_session(suite, verdict):
    with Milter(answers={"M": verdict}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 421, "4.7.0")
        assert smtp.rest() == b""


@pytest.mark.parametrize("step", ["C", "M", "R", "T", "L", "N", "B", "E"])
def test_a_discarded_message_is_accepted_and_gone(suite, user, step):
    with Milter(answers={step: DISCARD}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("discarded")), 250, "2.0.0")
    suite.wait_log("smtpd", f'discarded .*filter={milter.name} .*from={SENDER} to={user.address}')
    assert not [data for data in user.messages() if b"Subject: discarded" in data]


@pytest.mark.parametrize("step, later", [("C", ""), ("M", "OCHM"), ("R", "OCHMR"), ("N", "OCHMRTLN")])
def test_an_accepted_message_is_not_asked_about_again(suite, user, step, later):
    with Milter(answers={step: ACCEPT, "E": REJECT}) as milter:
        deliver(suite, user, [milter], f"accepted at {step}")
    assert milter.commands().rstrip("QA") == (later or "OC")


# --- changes ------------------------------------------------------------------------


def changed(suite, user, subject, *changes, **keywords):
    with Milter(answers={"E": [*changes, CONTINUE]}, **keywords) as milter:
        return deliver(suite, user, [milter], subject)


BEFORE = [f"From: <{SENDER}>", "Subject: {}", "X-Fold: one  two", "X-Twice: 1", "X-Twice: 2"]


def before(subject):
    return [line.format(subject) for line in BEFORE]


def test_nothing_changed(suite, user):
    header, body = changed(suite, user, "nothing changed")
    assert own(header) == before("nothing changed") and body == b"hello\n"


@pytest.mark.parametrize("subject, change, expected", [
    ("added", field("h", "X-New", "value"), lambda h: h + ["X-New: value"]),
    ("added in a fold", field("h", "X-New", "one\n two\nthree"), lambda h: h + ["X-New: one two three"]),
    ("inserted first", field("i", "X-New", "value", 1), lambda h: ["X-New: value"] + h),
    ("inserted third", field("i", "X-New", "value", 3), lambda h: h[:2] + ["X-New: value"] + h[2:]),
    ("inserted far", field("i", "X-New", "value", 99), lambda h: h + ["X-New: value"]),
    ("changed first", field("m", "x-twice", "new", 1), lambda h: h[:3] + ["x-twice: new"] + h[4:]),
    ("changed second", field("m", "X-Twice", "new", 2), lambda h: h[:4] + ["X-Twice: new"]),
    ("changed a third", field("m", "X-Twice", "new", 3), lambda h: h + ["X-Twice: new"]),
    ("deleted", field("m", "X-Twice", "", 2), lambda h: h[:4]),
    ("deleted what is not there", field("m", "X-None", "", 1), lambda h: h),
])
def test_fields(suite, user, subject, change, expected):
    header, body = changed(suite, user, subject, change)
    assert own(header) == expected(before(subject)) and body == b"hello\n"


def test_a_field_above_our_trace_line(suite, user):
    header, _ = changed(suite, user, "above", field("i", "X-Top", "value", 0))
    top = [line.split(":")[0] for line in header]
    assert top.index("X-Top") + 1 == top.index("Received") and own(header) == before("above")


def test_a_new_body(suite, user):
    _, body = changed(suite, user, "new body", b"bfirst\r\nsecond\r", b"b\nbare\nlone\rend")
    assert body == b"first\nsecond\nbare\nlone\nend"


def test_a_large_new_body(suite, user):
    piece = ("y" * 78 + "\r\n") * 800
    _, body = changed(suite, user, "large body", *[b"b" + piece.encode()] * 20)
    assert body == piece.replace("\r\n", "\n").encode() * 20


def test_sender(suite, user):
    header, _ = changed(suite, user, "sender", text("e", "<other@elsewhere.test>", "RET=HDRS"))
    assert header[0] == "Return-Path: <other@elsewhere.test>"


def test_recipients(suite):
    first, second, third = suite.user(), suite.user(), suite.user()
    changes = [text("-", f"<{first.address}>"), text("+", f"<{second.address}>"), text("2", third.address, "NOTIFY=NEVER"), CONTINUE]
    with Milter(answers={"E": changes}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, first, message("recipients")), 250)
    arrived(second, b"Subject: recipients")
    arrived(third, b"Subject: recipients")
    assert first.messages() == []


def test_a_recipient_elsewhere_is_the_filters_to_add(suite, user):
    """No stranger could: the filter is the administrator's."""
    with Milter(answers={"E": [text("+", "<archive@far.test>"), text("q", "look"), CONTINUE]}) as milter, \
            settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("elsewhere")), 250)
    queue = suite.wait_log("smtpd", r"accepted .*queue=(\w+) .*recipients=2 .*hold=").group(1)
    assert "archive@far.test" in suite.tool("mailq").stdout
    suite.tool("queuectl", "delete", queue)


def test_no_recipient_left(suite, user):
    with Milter(answers={"E": [text("-", f"<{user.address}>"), CONTINUE]}) as milter, settings(suite, milters=milter.name), \
            suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("nobody left")), 250)
    suite.wait_log("smtpd", 'discarded .*reason="no recipient is left"')


def test_a_recipient_said_twice_is_dropped_twice(suite, user):
    """Else the one who is to be kept from a message gets it by being named again."""
    with Milter(answers={"E": [text("-", f"<{user.address}>"), CONTINUE]}) as milter, settings(suite, milters=milter.name), \
            suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command(f"MAIL FROM:<{SENDER}>")
        for _ in range(3):
            says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        says(smtp.command("DATA"), 354)
        smtp.send(message("said twice"))
        assert "queued" not in smtp.command(".")[1][0]
    assert not [data for data in user.messages() if b"Subject: said twice" in data]


def test_quarantine_holds(suite, user):
    with Milter(answers={"E": [text("q", "looks odd"), CONTINUE]}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("quarantine")), 250)
    queue = suite.wait_log("smtpd", r'accepted .*queue=(\w+) .*hold=".*looks odd"').group(1)
    suite.tool("queuectl", "release", queue)
    arrived(user, b"Subject: quarantine")


def test_the_second_filter_sees_what_the_first_has_made(suite, user):
    changes = [field("m", "Subject", "changed by the first", 1), b"bnew body\r\n", CONTINUE]
    with Milter(answers={"E": changes}) as first, Milter(answers={"E": [field("h", "X-Second", "2"), CONTINUE]}) as second, \
            settings(suite, milters=f"{first.name}\n{second.name}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("for the first")), 250)
    header, body = split(arrived(user, b"Subject: changed by the first"))
    assert (b"Subject", b"changed by the first") in second.header() and second.body() == b"new body\r\n"
    assert header[-1] == "X-Second: 2" and body == b"new body\n"


def test_two_messages_in_one_session(suite, user):
    with Milter(answers={"E": [field("h", "X-Seen", "yes"), CONTINUE]}) as milter, settings(suite, milters=milter.name), \
            suite.smtp() as smtp:
        smtp.ehlo()
        for subject, body in (("a longer one", "long\r\n" * 1000), ("a shorter one", "short\r\n")):
            says(send(smtp, user, message(subject, body)), 250)
            header, got = split(arrived(user, f"Subject: {subject}\n".encode()))
            assert own(header) == before(subject) + ["X-Seen: yes"] and got == body.replace("\r\n", "\n").encode()


def test_chunks(suite, user):
    """BDAT (RFC 3030): the filter sees the message when the last chunk is there."""
    with Milter(answers={"E": [field("h", "X-Seen", "yes"), CONTINUE]}) as milter, settings(suite, milters=milter.name), \
            suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{SENDER}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        first, last = message("in chunks").encode()[:20], message("in chunks").encode()[20:]
        smtp.send(f"BDAT {len(first)}\r\n".encode() + first)
        says(smtp.reply(), 250)
        says(smtp.command("NOOP"), 250)
        smtp.send(f"BDAT {len(last)} LAST\r\n".encode() + last)
        says(smtp.reply(), 250)
    header, body = split(arrived(user, b"Subject: in chunks\n"))
    assert own(header) == before("in chunks") + ["X-Seen: yes"] and body == b"hello\n"


def test_a_message_without_a_header(suite, user):
    with Milter(answers={"E": [field("h", "X-Seen", "yes"), CONTINUE]}) as milter, settings(suite, milters=milter.name), \
            suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, "\r\nbody without a header\r\n"), 250)
    header, _ = split(arrived(user, b"body without a header"))
    assert own(header) == ["X-Seen: yes"]


# --- filters that fail ------------------------------------------------------------------

GARBAGE = (b"\xff\xff\xff\xffgarbage",)
FAILURES = {
    "dies at connect": {"C": None}, "hangs at HELO": {"H": True}, "garbage at MAIL": {"M": GARBAGE}, "unknown answer": {"R": b"z"},
    "empty packet": {"M": (b"\0\0\0\0",)}, "dies in the body": {"B": None}, "hangs at the end": {"E": True},
    "dies in its changes": {"E": [field("h", "X-Half", "1"), None]}, "a change at RCPT": {"R": field("h", "X-Early", "1")},
    "a name that is none": {"E": [field("h", "X Bad:", "1"), CONTINUE]}, "a cut change": {"E": [b"h" + b"X-Cut\0value", CONTINUE]},
    "an address that is none": {"E": [text("+", "<a b@c>"), CONTINUE]}, "no reply code": {"M": reply_code("250 fine")},
    "a reply code without an end": {"M": b"y550 5.7.1 x"}, "skips unasked": {"B": SKIP}, "gives up": {"M": b"f"},
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_filter_does_not_stop_mail_where_it_may_not(suite, user, failure):
    subject = f"in spite: {failure}"
    with Milter(answers=FAILURES[failure]) as milter:
        header, body = deliver(suite, user, [milter.name + ",default=accept"], subject, milter_command_timeout="1",
                               milter_content_timeout="1")
    assert own(header) == before(subject) and body == b"hello\n"
    suite.wait_log("smtpd", f"filter-failed .*filter={milter.name} ")


@pytest.mark.parametrize("mode, code, status", [("", 451, "4.7.1"), (",default=tempfail", 451, "4.7.1"), (",default=reject", 550, "5.7.1")])
@pytest.mark.parametrize("failure", ["dies at connect", "garbage at MAIL", "dies in the body"])
def test_a_failing_filter_refuses(suite, user, failure, mode, code, status):
    with Milter(answers=FAILURES[failure]) as milter, settings(suite, milters=milter.name + mode), suite.smtp() as smtp:
        smtp.ehlo()
        answers = [smtp.command(f"MAIL FROM:<{SENDER}>"), smtp.command(f"RCPT TO:<{user.address}>")]
        if answers[0][0] == 250:
            says(smtp.command("DATA"), 354)
            smtp.send(message("never"))
            answers = [smtp.command(".")]
        says(answers[0], code, status)
        # And the next message of the session.
        says(smtp.command("MAIL FROM:<>"), code, status)


def test_a_failing_filter_quarantines(suite, user):
    with Milter(answers={"E": None}) as milter, settings(suite, milters=milter.name + ",default=quarantine"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("held for a broken filter")), 250)
    queue = suite.wait_log("smtpd", r'accepted .*queue=(\w+) .*hold=".*it did not answer"').group(1)
    suite.tool("queuectl", "release", queue)
    arrived(user, b"held for a broken filter")


@pytest.mark.parametrize("options", [
    b"O\0\0", b"O" + struct.pack("!III", 9, 0, 0), b"O" + struct.pack("!III", 6, 0x8000, 0), b"O" + struct.pack("!III", 6, 0, 0x800),
    b"O" + struct.pack("!III", 6, 0x1ff, 0) + struct.pack("!I", 77) + b"j\0", b"c"])
def test_options_that_do_not_fit(suite, options):
    with Milter(options=options) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 451, "4.7.1")


def test_changes_that_were_not_agreed_on(suite, user):
    with Milter(may=1, answers={"E": [b"bnew body", CONTINUE]}) as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("not agreed")), 451, "4.7.1")


def test_a_filter_that_is_away(suite, user, tmp_path):
    away = f"unix:{tmp_path}/nobody"
    deliver(suite, user, [away + ",default=accept"], "filter away")
    suite.wait_log("smtpd", f'filter-away .*filter={away} setting=milters .*hint=".*postern-smtpd')
    with settings(suite, milters=away), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("MAIL FROM:<>"), 451, "4.7.1")


@pytest.mark.parametrize("value", ["unix:relative", "inet:filter.example:1234", "inet:127.0.0.1", "/run/x", "unix:/run/x,default=never"])
def test_wrong_lists(suite, value):
    with settings(suite, milters=value), suite.smtp(greet=False) as smtp:
        assert smtp.rest().startswith(b"421 4.3.5 ")
    suite.wait_log("smtpd", "setting-wrong .*setting=milters ")


# --- which filters, and the client ---------------------------------------------------------


def test_a_unix_socket(suite, user):
    with Milter(unix=suite.run / "milter-test") as milter:
        deliver(suite, user, [milter], "over a Unix socket")
    assert milter.seen("E")
    (suite.run / "milter-test").unlink()


def test_submission_may_have_its_own(suite):
    with Milter() as outside, Milter() as inside, settings(suite, milters=outside.name, submission_milters=inside.name):
        with suite.smtp("submission") as smtp:
            smtp.ehlo()
        assert inside.seen("H") and not outside.events
        suite.set("submission_milters", "")
        with suite.smtp("submission") as smtp:
            smtp.ehlo()
        assert len(inside.seen("H")) == 1 and not outside.events
        suite.set("submission_milters", "same")
        with suite.smtp("submission") as smtp:
            smtp.ehlo()
        assert outside.seen("H")


def test_the_client_goes_in_the_middle(suite, user):
    with Milter() as milter, settings(suite, milters=milter.name):
        with suite.smtp() as smtp:
            smtp.ehlo()
            smtp.command(f"MAIL FROM:<{SENDER}>")
            smtp.command(f"RCPT TO:<{user.address}>")
            smtp.command("DATA")
            smtp.send("Subject: gone\r\n")
        wait_for("the milter to be told", 10, lambda: milter.seen("end"))
    assert milter.commands() == "OCHMRTAQ"


def test_xclient_brings_another_client(suite):
    with Milter() as milter, settings(suite, milters=milter.name, xclient_networks="127.0.0.0/8"), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("XCLIENT ADDR=192.0.2.9 NAME=other.test PORT=4711"), 220)
        smtp.ehlo("other.test")
        says(smtp.command("MAIL FROM:<>"), 250)
    assert milter.commands().startswith("OCHKCHM")
    assert milter.seen("C")[1].data == b"other.test\0" + b"4" + struct.pack("!H", 4711) + b"192.0.2.9\0"


def test_reset_is_told(suite):
    with Milter() as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<>")
        smtp.command("RSET")
        smtp.command("MAIL FROM:<>")
    assert milter.commands().startswith("OCHMAM")


@pytest.mark.parametrize("mode, code", [("accept", 250), ("tempfail", 451)])
def test_a_header_beyond_the_bound(suite, user, mode, code):
    header = "Subject: beyond\r\n" + "".join(f"X-{n}: {'x' * 990}\r\n" for n in range(600))
    with Milter(answers={"E": REJECT}) as milter, settings(suite, milters=f"{milter.name},default={mode}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, header + "\r\nbody\r\n"), code)
    suite.wait_log("smtpd", "filter-passed-over ")


def test_a_header_beyond_the_bound_is_held_for_a_filter_that_broke_before(suite, user):
    header = "Subject: beyond and broken\r\n" + "".join(f"X-{n}: {'x' * 990}\r\n" for n in range(600))
    with Milter(answers={"C": None}) as broken, Milter() as well, \
            settings(suite, milters=f"{broken.name},default=quarantine {well.name},default=accept"), suite.smtp() as smtp:
        smtp.ehlo()
        answer = send(smtp, user, header + "\r\nbody\r\n")
        says(answer, 250)
    queue = answer[1][0].split()[-1]
    assert " hold=" in suite.wait_log("smtpd", rf"accepted .*queue={queue} .*").group(0)
    suite.tool("queuectl", "delete", queue)


@without_sanitizers("they map terabytes of shadow memory; no limit is set")
def test_all_that_filters_make_grow_stays_within_16_mib(suite):
    """A large header, many recipients, as many changes as there may be and a new body (promise 10)."""
    user = suite.user()
    changes = [field("h", f"X-Add-{n}", "v" * 60000) for n in range(8)] + [b"b" + b"n" * 60000] * 100 + [text("q", "held"), CONTINUE]
    lines = "".join(f"X-{n}: {'x' * 990}\r\n" for n in range(40))
    before = set(suite.pids("smtpd"))
    with Milter(answers={"E": changes}) as milter, settings(suite, milters=milter.name), suite.smtp(timeout=60) as smtp:
        process = Process((set(suite.pids("smtpd")) - before).pop())
        smtp.ehlo()
        smtp.command(f"MAIL FROM:<{SENDER}>")
        for _ in range(500):
            says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
        says(smtp.command("DATA"), 354)
        smtp.send(f"Subject: grown\r\n{lines}\r\n" + ("y" * 998 + "\r\n") * 9000)
        code, texts = smtp.command(".")
        assert int(process.status()["VmPeak"].split()[0]) * 1024 < 16 << 20
    assert code == 250, texts
    suite.tool("queuectl", "delete", texts[0].split()[-1])


def test_a_filter_that_grows_a_message_beyond_the_bound_is_broken(suite, user):
    changes = [field("h", f"X-Add-{n}", "v" * 60000) for n in range(20)] + [CONTINUE]
    with Milter(answers={"E": changes}) as milter:
        header, _ = deliver(suite, user, [milter.name + ",default=accept"], "too much added")
    assert own(header) == before("too much added")


def test_the_queue_is_lost_while_filters_look(suite, user):
    """queued goes while the filter works: temporary, and the client comes again."""
    with Milter() as milter, settings(suite, milters=milter.name), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command(f"MAIL FROM:<{SENDER}>")
        smtp.command(f"RCPT TO:<{user.address}>")
        says(smtp.command("DATA"), 354)
        suite.restart("queued")
        smtp.send(message("queue lost"))
        says(smtp.command("."), 451)
