"""postern-sendmail, -mailq and -queuectl, as programs and people call them."""
import email
import email.header
import json
import re
import subprocess

import pytest

from test_queue import files


def body_of(message):
    return message.replace(b"\r\n", b"\n")


def send(suite, *arguments, text, check=True, user=None):
    return suite.tool("sendmail", *arguments, input=text, check=check, user=user)


def test_recipients_as_arguments(suite):
    user = suite.user()
    send(suite, "-f", "sender@example.test", user.address, text="Subject: hi\n\nhello\n.\nnot this\n")
    message = body_of(user.wait(1)[0])
    assert message.endswith(b"\n\nhello\n")
    for field in (b"Return-Path: <sender@example.test>", b"\nReceived: by ", b"\nSubject: hi\n", b"\nDate: ", b"\nFrom: ", b"\nMessage-ID: <"):
        assert field in message, message


def test_t_takes_recipients_from_the_header_and_bcc_out(suite):
    to, copy, blind = suite.user(), suite.user(), suite.user()
    text = f"From: Me <me@example.test>\nTo: \"A, B\" <{to.address}>,\n  (c) {copy.address}\nBcc: {blind.address}\nSubject: x\n\nbody\n"
    send(suite, "-t", "-i", text=text)
    for user in (to, copy, blind):
        message = body_of(user.wait(1)[0])
        assert b"Bcc" not in message and b"\nFrom: Me <me@example.test>\n" in message


def test_i_keeps_a_line_with_a_dot(suite):
    user = suite.user()
    send(suite, "-oi", user.address, text="Subject: x\n\none\n.\ntwo\n..\n.three\n")
    assert body_of(user.wait(1)[0]).endswith(b"one\n.\ntwo\n..\n.three\n")


def test_a_message_without_a_header(suite):
    user = suite.user()
    send(suite, user.address, text="just text\nand more\n")
    message = body_of(user.wait(1)[0])
    assert message.endswith(b"\n\njust text\nand more\n") and b"\nFrom: " in message


def test_null_sender(suite):
    user = suite.user()
    send(suite, "-f", "<>", user.address, text="Subject: x\n\nb\n")
    assert b"Return-Path: <>" in user.wait(1)[0]


def test_exit_codes(suite):
    assert send(suite, text="x\n", check=False).returncode == 64
    assert send(suite, "-Z", "a@example.test", text="x\n", check=False).returncode == 64
    assert send(suite, "-t", text="To: not an address at all\n\nx\n", check=False).returncode == 65


def test_smtp_on_a_pipe(suite):
    user = suite.user()
    result = send(suite, "-bs", text=f"EHLO x\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n"
                                     "Subject: pipe\r\n\r\n..dot\r\n.\r\nNOOP\r\nQUIT\r\n")
    assert "queued as" in result.stdout and result.stdout.rstrip().endswith("Bye")
    message = body_of(user.wait(1)[0])
    assert b"\nSubject: pipe\n" in message and message.endswith(b"\n\n.dot\n")


def test_any_user_may_send(suite):
    user = suite.user()
    suite.tool("sendmail", user.address, input="Subject: x\n\nb\n", user="nobody")
    assert b"From: " in user.wait(1)[0]


def test_the_queue_is_shown_and_flushed(suite):
    suite.down("remote")
    try:
        result = send(suite, "-f", "shown@example.test", "x@elsewhere.test", "y@elsewhere.test", text="Subject: x\n\nb\n")
        assert result.returncode == 0
        suite.wait_log("queued", r"deferred .*to=y@elsewhere.test")
        lines = [json.loads(line) for line in suite.tool("mailq", "--json", user="nobody").stdout.splitlines()]
        entry = next(line for line in lines if line["sender"] == "shown@example.test")
        assert [r["address"] for r in entry["recipients"]] == ["x@elsewhere.test", "y@elsewhere.test"]
        assert all(r["state"] == "deferred" and r["delay_reason"].startswith("4.3.0") for r in entry["recipients"])
        text = suite.tool("mailq").stdout
        assert entry["queue_id"] in text and "x@elsewhere.test" in text
        assert suite.tool("sendmail", "-bp").stdout.splitlines()[0] == text.splitlines()[0]
        assert suite.tool("queuectl", "flush", user="nobody", check=False).returncode == 100
        assert re.match(r"1 message is tried now", suite.tool("queuectl", "flush", entry["queue_id"]).stdout)
    finally:
        suite.up("remote")


# --- what programs say on the command line ---------------------------------------------------------------------------


def kept(suite, *arguments, text="Subject: x\n\nb\n", **keywords):
    """Sends with these arguments, and returns the queue file's header of what waits then, as lines."""
    result = send(suite, "-v", *arguments, text=text, **keywords)
    assert result.returncode == 0, result.stderr
    queue_id = re.search(r"queued as (\w+)", result.stdout).group(1)
    suite.wait_log("queued", rf"deferred queue={queue_id} ")
    return next(path for path in files(suite) if path.name == queue_id).read_bytes().split(b"\n\n")[0].decode().splitlines()


@pytest.fixture
def waiting(suite):
    """What is sent to others stays in the queue."""
    suite.down("remote")
    yield suite
    suite.tool("queuectl", "delete", "--domain", "elsewhere.test")
    suite.up("remote")


@pytest.mark.parametrize("arguments", [
    ["-FCronDaemon", "-i", "-B8BITMIME", "-oem"],               # cron
    ["-oem", "-oi"], ["-oem", "-oi", "-f", "me@example.test", "--"],  # mutt
    ["-i"], ["-odi", "-oem", "-oee"], ["-O", "DeliveryMode=b", "-om"], ["-bm", "-n", "-em"], ["-U", "-L", "tag", "-Am"],
    ["-fme@example.test"], ["-r", "me@example.test"], ["-f", "Me <me@example.test> (me)"], ["-imf", "me@example.test"], ["-o7"], ["-hi", "-v"],
], ids=" ".join)
def test_calls_of_other_programs(suite, arguments):
    user = suite.user()
    send(suite, *arguments, user.address, text="Subject: x\n\nb\n")
    assert body_of(user.wait(1)[0]).endswith(b"\n\nb\n")


def test_recipients_as_arguments_are_lists(suite):
    one, two, three = suite.user(), suite.user(), suite.user()
    send(suite, f"One <{one.address}>, {two.address} (the second)", f"friends: {three.address};", text="Subject: x\n\nb\n")
    for user in (one, two, three):
        user.wait(1)


def test_bcc_never_goes_out(suite):
    user = suite.user()
    send(suite, user.address, text="To: a@example.test\nBcc: secret@example.test,\n more@example.test\nResent-Bcc: x@example.test\n\nb\n")
    message = user.wait(1)[0]
    assert b"secret" not in message and b"more@" not in message and b"Bcc" not in message


def test_t_of_a_message_that_is_resent_means_the_resent_fields(suite):
    """RFC 5322 section 3.6.6: the block of Resent- fields is whole, and before the others."""
    first, again = suite.user(), suite.user()
    send(suite, "-t", text=f"Resent-To: {again.address}\nFrom: a@example.test\nTo: {first.address}\nDate: Thu, 26 Nov 2026 02:00:00 +0000\n"
                           "Message-ID: <1@example.test>\n\nb\n")
    message = body_of(again.wait(1)[0])
    block, original = message.split(b"\nFrom: a@example.test\n")
    for field in (b"\nResent-From: ", b"\nResent-Date: ", b"\nResent-Message-ID: <", b"\nResent-To: "):
        assert field in block
    assert original.count(b"Date: ") == 1 and not first.messages()


def test_no_field_is_added_by_a_gateway(suite):
    user = suite.user()
    send(suite, "-G", "-f", "a@example.test", user.address, text="Subject: x\n\nb\n")
    message = body_of(user.wait(1)[0])
    assert b"\nReceived: " in message and not re.search(rb"\n(From|Date|Message-ID):", message)


def test_a_name_beyond_ascii_becomes_encoded_words(suite):
    user = suite.user()
    name = "Jörg " + "Ä" * 60
    send(suite, "-F", name, "-f", "me@example.test", user.address, text="Subject: x\n\nb\n")
    message = email.message_from_bytes(user.wait(1)[0])
    (text, charset), *_ = email.header.decode_header(message["From"])
    assert text.decode(charset) == name and message["From"].endswith("<me@example.test>")
    assert all(len(line) <= 78 for line in message.as_string().splitlines() if "=?" in line)


def test_notifications_are_kept_as_asked(waiting):
    lines = kept(waiting, "-N", "delay,success", "-R", "hdrs", "-V", "an id=1+é", "x@elsewhere.test", "y@elsewhere.test")
    assert "with ret=HDRS" in lines and "with envid=an+20id+3D1+2B+C3+A9" in lines
    recipients = [line for line in lines if line.startswith("rcpt ")]
    assert len(recipients) == 2 and all(line.endswith(" notify=SUCCESS,DELAY") for line in recipients)
    assert any(line.endswith("notify=NEVER") for line in kept(waiting, "-Nnever", "x@elsewhere.test"))


def test_what_the_text_needs_of_the_next_host(waiting):
    plain = kept(waiting, "x@elsewhere.test")
    assert not [line for line in plain if "body=" in line or "smtputf8=" in line]
    assert "with body=8BITMIME" in kept(waiting, "x@elsewhere.test", text="Subject: x\n\ncafé\n")
    assert "with body=8BITMIME" in kept(waiting, "-B8BITMIME", "x@elsewhere.test")
    assert "with smtputf8=1" in kept(waiting, "grüße@elsewhere.test")
    for header, wide in ("Subject: café\nX-Y: z", True), ("Subject: caf=E9", False):
        assert ("with smtputf8=1" in kept(waiting, "x@elsewhere.test", text=header + "\n\nbody é\n")) == wide, "RFC 6532"
    large = b"Subject: x\n\n" + b"x" * 76 * 50000 + "é\n".encode()
    assert b"with body=8BITMIME" in "\n".join(kept_bytes(waiting, large)).encode()


def kept_bytes(suite, text):
    """The same as kept() for a message of bytes, past what is held in memory."""
    result = suite.tool("sendmail", "-v", "x@elsewhere.test", input=text)
    queue_id = re.search(rb"queued as (\w+)", result.stdout).group(1).decode()
    path = next(path for path in files(suite) if path.name == queue_id)
    data = path.read_bytes()
    assert data.endswith("x\u00e9\r\n".encode()) and len(data) > len(text)
    return data.split(b"\n\n")[0].decode().splitlines()


@pytest.mark.parametrize("text, end", [(b"Subject: x\n\nno end", b"\n\nno end\n"), (b"Subject: x\r\n\r\nb\r\n", b"\n\nb\n"),
                                       (b"Subject: x\n\na\0b\n", b"\n\na\0b\n"), (b"Subject: x\n", b"\n\n"), (b"", b"\n\n"),
                                       (b"\n\nonly a body\n", b"\n\n\nonly a body\n"), (b"Subject: x\n\n..\n.a\n", b"\n\n..\n.a\n"),
                                       (b"From me Thu Nov 26\nSubject: x\n\nb\n", b"\n\nb\n")], ids=range(8))
def test_whatever_is_piped_in(suite, text, end):
    user = suite.user()
    send(suite, "-i", user.address, text=text)
    message = body_of(user.wait(1)[0])
    assert message.endswith(end) and b"\nMessage-ID: <" in message, message


def test_the_limit_holds_before_the_queue_hears_of_it(suite):
    before = suite.log_text("queued").count("queued part=intake")
    result = send(suite, "a@example.test", text="x" * 76 + "\n" + ("y" * 76 + "\n") * 140000, check=False)
    assert result.returncode == 69 and "5.3.4" in result.stderr
    assert suite.log_text("queued").count("queued part=intake") == before


@pytest.mark.parametrize("code, arguments, text", [
    (64, ["-bd"], ""), (64, ["-bx"], ""), (64, ["-f"], ""), (64, ["-N", "sometimes", "a@example.test"], ""), (64, ["-R", "all", "a@example.test"], ""),
    (64, ["-V", "x" * 101, "a@example.test"], ""), (64, ["-B", "9BIT", "a@example.test"], ""), (64, ["-f", "not an address", "a@example.test"], ""),
    (64, ["-t"], "Subject: x\n\nb\n"), (65, ["a@@example.test"], "x\n"), (65, ["-t"], "To: <broken\n\nx\n"), (0, ["-q30m"], ""),
], ids=str)
def test_exit_codes_of_sysexits(suite, code, arguments, text):
    result = send(suite, *arguments, text=text, check=False)
    assert result.returncode == code and (code == 0 or result.stderr.startswith("postern-sendmail: ")), result.stderr


def test_without_a_queue_it_is_temporary(suite):
    suite.down("queued")
    try:
        assert send(suite, "a@example.test", text="x\n", check=False).returncode == 75
    finally:
        suite.up("queued")


def test_bv_asks_authd(suite):
    user = suite.user()
    result = send(suite, "-bv", user.address, "x@elsewhere.test", text="", check=False)
    assert result.returncode == 0 and f"{user.address}... deliverable: a mailbox" in result.stdout
    result = send(suite, "-bv", user.address, "nobody-of-that-name@example.test", text="", check=False)
    assert result.returncode == 67 and "user unknown" in result.stdout
    result = send(suite, "-bv", user.address, text="", check=False, user="nobody")
    assert result.returncode == 77 and "only root may ask" in result.stderr
    assert not user.messages()


def test_q_is_a_flush(suite):
    result = send(suite, "-q", text="", check=False)
    assert result.returncode == 0 and re.match(r"\d+ messages? (is|are) tried now", result.stdout)
    assert send(suite, "-q", text="", check=False, user="nobody").returncode == 100
    assert send(suite, "-qIaaaaaaaaaaaaa", text="", check=False).returncode == 100
    assert send(suite, "-qRelsewhere.test", text="", check=False).returncode == 0


# --- names by links -------------------------------------------------------------------------------------------------


def called(suite, path, *arguments):
    return subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0"})


def test_the_names_that_programs_know(suite, tmp_path):
    """conf/install --sendmail makes them; by itself it makes none, and it takes nobody else's away."""
    root = tmp_path / "root"
    options = ["sh", "conf/sendmail-links", str(suite.bin), str(root)]
    subprocess.run(options, cwd=suite.repository, check=True, capture_output=True)
    subprocess.run(options, cwd=suite.repository, check=True, capture_output=True)
    assert "Mail queue is empty" in called(suite, root / "usr/bin/mailq").stdout or "Request" in called(suite, root / "usr/bin/mailq").stdout
    assert called(suite, root / "usr/sbin/sendmail", "-bp").returncode == 0
    result = called(suite, root / "usr/bin/newaliases")
    assert result.returncode == 0 and "local_aliases" in result.stdout
    assert (root / "usr/lib/sendmail").resolve() == (suite.bin / "postern-sendmail").resolve()
    (root / "usr/sbin/sendmail").unlink()
    (root / "usr/sbin/sendmail").write_text("another's\n")
    result = subprocess.run(options, cwd=suite.repository, capture_output=True, text=True)
    assert result.returncode == 111 and "dpkg-divert" in result.stderr
    assert (root / "usr/sbin/sendmail").read_text() == "another's\n"


def test_newaliases_looks_at_the_file(suite, tmp_path):
    aliases = suite.prefix / "aliases"
    aliases.write_text("postmaster: root\n")
    suite.set("local_aliases", aliases)
    try:
        result = suite.tool("sendmail", "-bi")
        assert f"{aliases}: nothing to do" in result.stdout
        aliases.unlink()
        result = suite.tool("sendmail", "-I", check=False)
        assert result.returncode == 66 and str(aliases) in result.stderr
    finally:
        suite.set("local_aliases", None)


# --- SMTP on a pipe ---------------------------------------------------------------------------------------------------


def test_bs_is_an_esmtp_server(waiting):
    result = send(waiting, "-bs", text=(
        "EHLO x\r\nMAIL FROM:<a@example.test> SIZE=99999999999\r\nMAIL FROM:<a@example.test> SIZE=100 BODY=8BITMIME RET=FULL ENVID=e1\r\n"
        "RCPT TO:<x@elsewhere.test> NOTIFY=FAILURE ORCPT=rfc822;y@elsewhere.test\r\nRCPT TO:<x@elsewhere.test> NOTIFY=WHEN\r\nVRFY x\r\n"
        "DATA\r\nSubject: pipe\r\nBcc: secret@example.test\r\n\r\nb\r\n.\r\nEXPN x\r\nQUIT\r\n"))
    replies = [line for line in result.stdout.splitlines() if line[3] == " "]
    assert [reply[:3] for reply in replies] == ["220", "250", "552", "250", "250", "501", "252", "354", "250", "500", "221"], replies
    queue_id = re.search(r"queued as (\w+)", result.stdout).group(1)
    text = next(path for path in files(waiting) if path.name == queue_id).read_bytes().decode()
    for line in ("with body=8BITMIME\n", "with ret=FULL\n", "with envid=e1\n", "notify=FAILURE orcpt=rfc822;y@elsewhere.test\n", "with ESMTP\r\n",
                 "\r\nDate: ", "\r\nMessage-ID: "):
        assert line in text, text
    assert "secret" not in text


def test_bs_refuses_what_is_too_large_and_goes_on(suite):
    user = suite.user()
    lines = ("y" * 76 + "\r\n") * 140000
    result = send(suite, "-bs", text=f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n{lines}.\r\n"
                                     f"MAIL FROM:<>\r\nRCPT TO:<{user.address}>\r\nDATA\r\nSubject: small\r\n\r\nb\r\n.\r\nQUIT\r\n")
    assert "552 5.3.4" in result.stdout and result.stdout.count("queued as") == 1
    assert b"Subject: small" in user.wait(1)[0]


# --- programs that people have ------------------------------------------------------------------------------------------


def program(suite, words, input="", **environment):
    result = subprocess.run(words, input=input, capture_output=True, text=True, timeout=60, cwd=suite.prefix,
                            env={"PATH": "/usr/bin:/bin", "HOME": str(suite.prefix), "POSTERN_SETTINGS": str(suite.settings),
                                 "ASAN_OPTIONS": "detect_leaks=0", **environment})
    assert result.returncode == 0, result.stdout + result.stderr


def test_mutt_sends(suite):
    user = suite.user()
    program(suite, ["mutt", "-n", "-F", "/dev/null", "-e", f"set sendmail='{suite.bin}/postern-sendmail -oem -oi'", "-e", "set copy=no",
                    "-e", "set use_8bitmime=yes", "-e", "set dsn_notify='failure,delay'", "-e", "set dsn_return=hdrs",
                    "-e", "set use_envelope_from=yes", "-e", "set from=me@example.test", "-s", "by mutt", "-b", user.address, "--", user.address],
            input="café\n.\nend\n")
    message = body_of(user.wait(1)[0])
    assert b"Subject: by mutt" in message and message.rstrip().endswith(b".\nend") and b"\nBcc:" not in message


def test_bsd_mailx_sends(suite):
    user, copy = suite.user(), suite.user()
    (suite.prefix / "mailrc").write_text(f"set sendmail={suite.bin}/postern-sendmail\n")
    program(suite, ["bsd-mailx", "-n", "-s", "by mailx", "-c", copy.address, user.address], input="one\n\ntwo\n",
            MAILRC=str(suite.prefix / "mailrc"))
    for account in (user, copy):
        message = body_of(account.wait(1)[0])
        assert b"Subject: by mailx" in message and message.endswith(b"\n\none\n\ntwo\n")
