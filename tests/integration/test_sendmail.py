"""postern-sendmail, -mailq and -queuectl, as programs and people call them."""
import json
import re


def body_of(message):
    return message.replace(b"\r\n", b"\n")


def send(suite, *arguments, text, check=True):
    return suite.tool("sendmail", *arguments, input=text, check=check)


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
    assert body_of(user.wait(1)[0]).endswith(b"Subject: pipe\n\n.dot\n")


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
