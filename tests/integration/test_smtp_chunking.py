"""CHUNKING and BINARYMIME (RFC 3030): a message in counted chunks; what is refused is read and dropped, and the session
stays in step."""
import itertools
import random
import re

import pytest

from harness import wait_for
from test_queue import files
from test_smtp_dialogue import STRANGER, arrived, says, settings
from test_smtp_extensions import own  # noqa: F401

TEXT = b"Subject: chunks %d\r\n\r\n.one\r\n..\r\n.\r\ntwo\r\n"
numbers = itertools.count(1)


@pytest.fixture
def smtp(own):
    with own.smtp() as dialogue:
        assert "CHUNKING" in dialogue.ehlo()
        yield dialogue


def begin(smtp, recipient, parameters=""):
    says(smtp.command(f"MAIL FROM:<{STRANGER}> {parameters}"), 250)
    says(smtp.command(f"RCPT TO:<{recipient}>"), 250)


def bdat(smtp, chunk, last=False):
    smtp.send(b"BDAT %d%s\r\n" % (len(chunk), b" LAST" if last else b"") + chunk)
    return smtp.reply()


def queued(suite, queue_id):
    """The message in the queue file, without our Received: line."""
    path = wait_for("the queue file", 10, lambda: next((p for p in files(suite) if p.name == queue_id), None))
    return path.read_bytes().split(b"\n\n", 1)[1].split(b"+0000\r\n", 1)[1]


def in_queue(suite, smtp, chunks, parameters=""):
    begin(smtp, "a@far.test", parameters)
    for chunk in chunks[:-1]:
        says(bdat(smtp, chunk), 250, "2.0.0")
    code, texts = bdat(smtp, chunks[-1], last=True)
    assert code == 250, texts
    return queued(suite, texts[0].split()[-1])


def new_file(suite, before):
    """The file of a message that is coming in."""
    return wait_for("the file", 10, lambda: next(iter(set(files(suite)) - before), None))


# --- what is right -----------------------------------------------------------------------

def test_one_chunk(own, smtp):
    text = TEXT % next(numbers)
    begin(smtp, own.one.address)
    code, texts = bdat(smtp, text, last=True)
    assert code == 250 and texts[0].startswith("2.0.0 Ok: queued as ")
    own.wait_log("smtpd", rf"accepted .*queue={texts[0].split()[-1]} .*size={len(text)} ")
    assert arrived(own.one, text[:-4].replace(b"\r\n", b"\n").split(b"\n")[0]).endswith(b"\n\n.one\n..\n.\ntwo\n")


@pytest.mark.parametrize("cut", [0, 1, 18, 19, 20, 21, 26, 27, 28, 40])
def test_chunks_cut_anywhere_are_one_text(own, smtp, cut):
    text = TEXT % 1
    assert in_queue(own, smtp, [text[:cut], text[cut:]]) == text
    assert in_queue(own, smtp, [text[:cut], b"", text[cut:], b""]) == text


def test_a_large_message_in_many_chunks_pipelined(own, smtp):
    rest = b"".join(b"%076d\r\n" % n for n in range(20000))
    chunks = [b"Subject: large\r\n\r\n"]
    source = random.Random(1)
    at = 0
    while at < len(rest):
        length = source.choice([0, 1, 2, 77, 4096, 16384, 70000])
        chunks.append(rest[at:at + length])
        at += length
    smtp.send(f"MAIL FROM:<{STRANGER}>\r\nRCPT TO:<a@far.test>\r\n".encode() +
              b"".join(b"BDAT %d\r\n%s" % (len(chunk), chunk) for chunk in chunks) + b"BDAT 0 LAST\r\nNOOP\r\n")
    for _ in range(2 + len(chunks)):
        says(smtp.reply(), 250)
    code, texts = smtp.reply()
    assert code == 250
    says(smtp.reply(), 250, "2.0.0")
    assert queued(own, texts[0].split()[-1]) == b"".join(chunks)


def test_the_last_line_gets_its_end(own, smtp):
    assert in_queue(own, smtp, [b"Subject: x\r\n\r\nno end"]) == b"Subject: x\r\n\r\nno end\r\n"
    assert in_queue(own, smtp, [b"Subject: x\r\n\r\nno end\r", b"\n"]) == b"Subject: x\r\n\r\nno end\r\n"


def test_small_letters_and_spaces(own, smtp):
    begin(smtp, own.one.address)
    smtp.send(b"bdat 14  last\r\nSubject: x\r\n\r\n")
    says(smtp.reply(), 250, "2.0.0")


def test_two_messages_one_by_each_way(own, smtp):
    begin(smtp, own.one.address)
    says(bdat(smtp, TEXT % next(numbers), last=True), 250)
    begin(smtp, own.one.address)
    says(smtp.data("Subject: x\n\nx\n"), 250)
    begin(smtp, own.one.address)
    says(bdat(smtp, TEXT % next(numbers), last=True), 250)


# --- what is not --------------------------------------------------------------------------

def in_step(smtp):
    says(smtp.command("VRFY in-step"), 252)


def test_chunks_out_of_turn_are_read_and_dropped(own, smtp):
    attack = b"MAIL FROM:<>\r\nRCPT TO:<a@far.test>\r\nDATA\r\n"
    with own.smtp() as new:
        says(bdat(new, attack), 503, "5.5.1")
        in_step(new)
    says(bdat(smtp, attack, last=True), 503, "5.5.1")
    in_step(smtp)
    smtp.command(f"MAIL FROM:<{STRANGER}>")
    says(bdat(smtp, attack), 554, "5.5.1")
    says(smtp.command("RCPT TO:<none@example.test>"), 550)
    says(bdat(smtp, attack * 10000, last=True), 554, "5.5.1")
    in_step(smtp)
    with own.smtp("submission") as user:
        user.ehlo()
        says(bdat(user, attack), 530, "5.7.0")
        in_step(user)


@pytest.mark.parametrize("line", ["BDAT", "BDAT LAST", "BDAT x", "BDAT -1", "BDAT 5 FIRST", "BDAT 5 LAST LAST", "BDAT 5LAST",
                                  "BDAT 99999999999999999999", "BDAT 123456789012345678901", "BDAT 0x10", "BDAT 5" + " " * 3000, "BDAT 5" + " " * 20000, "BDAT\t5", "BDAT\t5 LAST"])
def test_a_line_that_does_not_tell_how_many_bytes_ends_the_session(own, smtp, line):
    begin(smtp, own.one.address)
    smtp.send(line.encode() + b"\r\nQUIT\r\nNOOP\r\n")
    code, _ = smtp.reply()
    assert code in (500, 501)
    assert smtp.rest() == b""


@pytest.mark.parametrize("line", [b"BDAT 5\n", b"BDAT 5\r\r\n", b"BDAT 5\0\r\n"])
def test_a_broken_line_too(own, smtp, line):
    begin(smtp, own.one.address)
    smtp.send(line + b"NOOP\r\n")
    says(smtp.reply(), 500, "5.5.2")
    assert smtp.rest() == b""


def test_between_the_chunks(own, smtp):
    begin(smtp, own.one.address)
    says(bdat(smtp, b"Subject: x\r\n"), 250)
    for line in (f"RCPT TO:<{own.one.address}>", "DATA", "MAIL FROM:<>", "STARTTLS", "ETRN example.test"):
        says(smtp.command(line), 503, "5.5.1")
    says(smtp.command("NOOP"), 250)
    says(smtp.command("VRFY a"), 252)
    says(bdat(smtp, b"\r\nx\r\n", last=True), 250)
    says(smtp.command("DATA"), 503, "5.5.1")


@pytest.mark.parametrize("forget", ["RSET", "EHLO again", "HELO again"])
def test_a_message_given_up(own, smtp, forget):
    before = set(files(own))
    begin(smtp, "a@far.test")
    says(bdat(smtp, b"Subject: given up\r\n" * 10000), 250)
    path = new_file(own, before)
    says(smtp.command(forget), 250)
    wait_for("nothing to be queued", 10, lambda: not path.exists())
    own.wait_log("smtpd", "message-lost .*reason=given-up")
    says(bdat(smtp, b"\r\nx\r\n", last=True), 503, "5.5.1")
    begin(smtp, own.one.address)
    says(bdat(smtp, TEXT % next(numbers), last=True), 250)


@pytest.mark.parametrize("tls", [False, True])
def test_the_end_in_the_middle_is_the_end(own, tls):
    before = set(files(own))
    with own.smtp() as smtp:
        smtp.ehlo()
        if tls:
            smtp.starttls()
        begin(smtp, "a@far.test")
        says(bdat(smtp, b"Subject: the end\r\n\r\n"), 250)
        smtp.send(b"BDAT 100 LAST\r\nnot all of it\r\n.\r\nQUIT\r\n")
        path = new_file(own, before)
    own.wait_log("smtpd", rf"message-lost .*from={STRANGER} .*size=\d+ reason=(client-closed|lost)")
    wait_for("nothing to be queued", 10, lambda: not path.exists())


def test_quit_between_the_chunks(own, smtp):
    before = set(files(own))
    begin(smtp, "a@far.test")
    says(bdat(smtp, b"Subject: the end\r\n\r\n"), 250)
    path = new_file(own, before)
    says(smtp.command("QUIT"), 221)
    wait_for("nothing to be queued", 10, lambda: not path.exists())


def test_size_limit(own):
    with settings(own, message_size="65536"), own.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, own.one.address)
        says(bdat(smtp, b"Subject: x\r\n\r\n" + b"y" * 40000), 250)
        says(bdat(smtp, b"y" * 40000), 552, "5.3.4")
        says(bdat(smtp, b"y" * 10), 552, "5.3.4")
        says(bdat(smtp, b"y\r\n", last=True), 552, "5.3.4")
        begin(smtp, own.one.address)
        says(bdat(smtp, b"y" * 70000, last=True), 552, "5.3.4")
        begin(smtp, own.one.address)
        says(bdat(smtp, TEXT % next(numbers), last=True), 250)


def test_idle_chunks_end(own):
    with settings(own, commands_limit="5"), own.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, own.one.address)
        for _ in range(4):
            says(bdat(smtp, b""), 250)
        says(smtp.reply(), 421, "4.7.0")


def test_timeout_in_a_chunk(own):
    with settings(own, timeout="1"), own.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, own.one.address)
        smtp.send(b"BDAT 10\r\nfive\r")
        says(smtp.reply(), 421, "4.4.2")
        assert smtp.rest() == b""


# --- line ends ------------------------------------------------------------------------------

BARE = [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\nb\r\n", b"a\n\r\n", b"\n.\n", b"a\r"]


@pytest.mark.parametrize("text", BARE)
def test_bare_line_ends_are_refused_whole_and_cut(own, smtp, text):
    for cut in range(len(text) + 1):
        begin(smtp, own.one.address)
        bdat(smtp, b"Subject: x\r\n\r\n" + text[:cut])
        says(bdat(smtp, text[cut:], last=True), 554, "5.6.0")
    in_step(smtp)


def normalized(text):
    return re.sub(rb"\r\n|\r|\n", b"\r\n", text)


@pytest.mark.parametrize("text", BARE)
def test_bare_line_ends_are_made_right_where_set(own, text):
    with settings(own, bare_newline="normalize"), own.smtp() as smtp:
        smtp.ehlo()
        for cut in (0, 1, 2, len(text)):
            whole = b"Subject: x\r\n\r\n" + text
            at = len(whole) - len(text) + cut
            assert in_queue(own, smtp, [whole[:at], whole[at:]]) == normalized(whole)


ENDERS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\n", b"\r\n\r", b"\n\r"]


def test_data_with_normalized_line_ends_ends_in_crlf_dot_crlf_alone(own):
    with settings(own, bare_newline="normalize"), own.smtp() as smtp:
        smtp.ehlo()
        for before, after in itertools.product(ENDERS, ENDERS):
            text = b"Subject: x\r\n\r\none" + before + b"." + after + b"two\r\n"
            end = (text + b".\r\n").index(b"\r\n.\r\n")
            begin(smtp, "a@far.test")
            says(smtp.command("DATA"), 354)
            smtp.send(text + b".\r\nVRFY in-step\r\n")
            code, texts = smtp.reply()
            assert code == 250, (text, texts)
            while (code := smtp.reply()[0]) != 252:
                assert code == 500, text
            body = re.sub(rb"\r\n\.", b"\r\n", text[:end + 2])  # dots behind a right line end are for transparency
            assert queued(own, texts[0].split()[-1]) == normalized(body), text


def test_a_wrong_value_is_told_as_temporary(own):
    with settings(own, bare_newline="perhaps"), own.smtp(greet=False) as smtp:
        says(smtp.reply(), 421, "4.3.5")
    own.wait_log("smtpd", "setting-wrong setting=bare_newline value=perhaps")


# --- BINARYMIME -------------------------------------------------------------------------------

def test_binarymime_is_exact(own):
    with settings(own, binarymime="yes"), own.smtp() as smtp:
        smtp.ehlo()
        head = b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        for body in (b"no end", b"\n", b"\r", bytes(range(256)) * 300, b"\r\n.\r\nQUIT\r\n.", b""):
            assert in_queue(own, smtp, [head + body[:7], body[7:]], "BODY=BINARYMIME") == head + body


def test_binarymime_needs_bdat(own):
    with settings(own, binarymime="yes"), own.smtp() as smtp:
        smtp.ehlo()
        begin(smtp, own.one.address, "BODY=BINARYMIME")
        says(smtp.command("DATA"), 503, "5.5.1")
        says(bdat(smtp, TEXT % next(numbers), last=True), 250)
