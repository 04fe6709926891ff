"""What no client should send: an answer by the protocol, never a crash, and the daemons go on."""
import base64
import os
import pwd
import time

import pytest

from harness import wait_for


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def session(suite, user):
    dialogue = suite.imap("imaps")
    assert dialogue.login(user.address, user.password)[0] == "OK"
    return dialogue


def alive(suite, user):
    with session(suite, user) as dialogue:
        assert dialogue.command("NOOP")[0] == "OK"


BAD = [
    b"a", b"a ", b" ", b"", b"\0", b"a \0", b"a NOOP\0", b"a NOOP x", b"a UNKNOWN", b"a UID", b"a UID NOOP", b"\xff\xfe NOOP",
    b"* NOOP", b"+ NOOP", b"a LOGIN", b"a LOGIN x", b'a LOGIN "x', b'a LOGIN "x" "\\y"', b"a LOGIN {", b"a LOGIN {x}",
    b"a LOGIN {-1}", b"a LOGIN {99999999999999999999}", b"a AUTHENTICATE", b"a AUTHENTICATE PLAIN =\xff",
    b"a NOOP " + b"x" * 1000, b"a " + b"(" * 5000,
]

BAD_AFTER = BAD + [
    b"a SELECT", b"a SELECT {3+}\r\n\0\0\0", b"a FETCH", b"a FETCH 0 FLAGS", b"a FETCH 1:0 FLAGS", b"a FETCH 4294967296 FLAGS",
    b"a FETCH -1 FLAGS", b"a FETCH 1 (FLAGS", b"a FETCH 1 BODY[", b"a FETCH 1 BODY[1.0]", b"a FETCH 1 BODY[1.]<",
    b"a FETCH 1 BODY[HEADER.FIELDS ()]", b"a FETCH 1 BODY[]<1>", b"a FETCH 1 BODY[]<1.0>", b"a FETCH 1,, FLAGS",
    b"a SEARCH", b"a SEARCH " + b"NOT " * 3000 + b"ALL", b"a SEARCH " + b"(" * 3000 + b"ALL" + b")" * 3000,
    b"a SEARCH OR ALL", b"a SEARCH SINCE 32-Jan-2020", b"a SEARCH SINCE 1-Foo-2020", b"a SEARCH LARGER 99999999999999999999",
    b"a STORE 1 FLAGS", b"a STORE 1 FLAGS (\\Foo)", b"a STORE 1 FLAGS (\\*)", b"a STATUS INBOX ()", b"a STATUS INBOX (FOO)",
    b"a LIST", b'a LIST ""', b"a APPEND INBOX", b"a APPEND INBOX (", b'a APPEND INBOX "1-Jan-2020" {3+}\r\nabc', b"a ENABLE", b"a ID x",
    b"a ID (x)", b"a COPY 1", b"a IDLE x", b"a UID EXPUNGE",
]


def tagged(dialogue):
    """Sends a NOOP behind and reads until its answer or the end."""
    dialogue.send(b"\r\nz NOOP\r\n")
    answers = []
    while True:
        response = dialogue.response()
        if response is None or response.startswith(b"z OK"):
            return answers
        answers.append(response)


@pytest.mark.parametrize("line", BAD, ids=lambda line: repr(line[:30]))
def test_bad_lines_before_login(suite, line):
    with suite.imap("imaps") as dialogue:
        dialogue.send(line)
        answers = tagged(dialogue)
        assert answers and all(b" BAD " in a or b" NO " in a or a.startswith(b"* BYE") for a in answers), answers


def test_bad_lines_after_login(suite, user):
    before = suite.pids("imap")[0]
    with session(suite, user) as dialogue:
        dialogue.command("SELECT INBOX")
        for line in BAD_AFTER:
            dialogue.send(line)
            answers = tagged(dialogue)
            wrong = [a for a in answers if b" BAD " not in a and b" NO " not in a]
            assert answers and not wrong, (line[:60], answers)
    assert suite.pids("imap")[0] == before
    assert "session-died" not in suite.log_text("imap")


def test_an_endless_line_is_cut(suite, user):
    with suite.imap("imaps") as dialogue:
        with_end(dialogue, b"x" * 4096, 100)
    with session(suite, user) as dialogue:
        with_end(dialogue, b"x" * 4096, 100)
    alive(suite, user)


def with_end(dialogue, piece, count):
    try:
        for _ in range(count):
            dialogue.send(piece)
    except OSError:
        pass
    rest = dialogue.rest()
    assert b"* BYE" in rest or rest == b""


@pytest.mark.parametrize("size", [4097, 100000, 4294967295])
def test_a_literal_that_is_too_large_is_refused_before_it_is_sent(suite, user, size):
    with suite.imap("imaps") as dialogue:
        dialogue.send(f"a LOGIN {{{size}}}\r\n")
        assert dialogue.response().startswith(b"a BAD [TOOBIG]")
        assert dialogue.command("NOOP")[0] == "OK"
    if size < 65536:
        return
    with session(suite, user) as dialogue:
        dialogue.send(f"a SELECT {{{size}}}\r\n")
        assert dialogue.response().startswith(b"a BAD [TOOBIG]")
        dialogue.send("b APPEND INBOX {4294967295}\r\n")
        assert dialogue.response().startswith(b"b NO [TOOBIG]")
        dialogue.send(f"c SELECT {{{size}+}}\r\n")
        assert b"* BYE" in dialogue.rest()


@pytest.mark.parametrize("size", [4294967296, 9223372036854775807, 99999999999999999999999])
def test_what_comes_in_a_literal_beyond_all_bounds_is_no_command(suite, user, size):
    with session(suite, user) as dialogue:
        dialogue.send(f"a SELECT {{{size}}}\r\n")
        assert dialogue.response().startswith(b"a BAD [TOOBIG]")
        dialogue.send(f"b APPEND INBOX {{{size}+}}\r\nc CREATE hidden\r\n")
        assert b"c OK" not in dialogue.rest()
    assert not (user.maildir / ".hidden").exists()


def test_closing_at_any_point(suite, user):
    text = b"a SELECT INBOX\r\nb APPEND INBOX {20+}\r\nSubject: x\r\n\r\nhello\r\nc FETCH 1 (BODY[])\r\nd IDLE\r\nDONE\r\n"
    count = len(user.messages())
    for end in range(0, len(text), 3):
        with session(suite, user) as dialogue:
            dialogue.send(text[:end])
    alive(suite, user)
    assert not suite.log_text("imap").count("session-died")
    assert not list((user.maildir / "tmp").iterdir())
    wait_for("sessions to end", 10, lambda: len(suite.pids("imap")) == 1)
    for kept in user.messages()[count:]:
        assert kept == b"Subject: x\n\nhello"[:len(kept)] or kept.startswith(b"Subject: x\n\n")


def test_commands_in_flight(suite, user):
    with suite.imap("imaps") as dialogue:
        blob = base64.b64encode(f"\0{user.address}\0{user.password}".encode()).decode()
        dialogue.send(f"a AUTHENTICATE PLAIN {blob}\r\nb NOOP\r\nc SELECT INBOX\r\nd LOGOUT\r\n")
        answers = dialogue.rest()
        for tag in (b"a OK", b"b OK", b"c OK", b"d OK"):
            assert b"\r\n" + tag in b"\r\n" + answers, answers


def test_bytes_behind_starttls_never_act(suite):
    with suite.imap() as dialogue:
        dialogue.send("a STARTTLS\r\nb NOOP\r\n")
        rest = dialogue.rest()
        assert b"* BYE" in rest and b"b OK" not in rest and b"a OK" not in rest


def test_passwords_only_with_tls(suite, user):
    with suite.imap() as dialogue:
        assert b"LOGINDISABLED" in dialogue.greeting and b"AUTH=" not in dialogue.greeting
        assert dialogue.login(user.address, user.password)[0] == "NO"
        assert "PRIVACYREQUIRED" in dialogue.text
        dialogue.starttls()
        status, lines = dialogue.command("CAPABILITY")
        assert b"AUTH=PLAIN" in lines[0] and b"STARTTLS" not in lines[0] and b"LOGINDISABLED" not in lines[0]
        assert dialogue.login(user.address, user.password)[0] == "OK"


def test_wrong_passwords_are_counted(suite, user):
    with suite.imap("imaps") as dialogue:
        for _ in range(2):
            assert dialogue.login(user.address, "wrong")[0] == "NO"
            assert dialogue.text.startswith("NO [AUTHENTICATIONFAILED]")
        dialogue.login(user.address, "wrong")
        assert b"BYE" in dialogue.rest()
    alive(suite, user)


def test_mechanisms(suite, user):
    encode = lambda text: base64.b64encode(text.encode()).decode()
    with suite.imap("imaps") as dialogue:
        dialogue.send("a AUTHENTICATE LOGIN\r\n")
        assert dialogue.response().startswith(b"+ ")
        dialogue.send(encode(user.address) + "\r\n")
        assert dialogue.response().startswith(b"+ ")
        dialogue.send("*\r\n")
        assert dialogue.response().startswith(b"a BAD")
        dialogue.send("b AUTHENTICATE PLAIN\r\n")
        assert dialogue.response() == b"+ "
        dialogue.send(encode(f"\0{user.address}\0{user.password}") + "\r\n")
        assert dialogue.response().startswith(b"b OK [CAPABILITY IMAP4rev1 ")
    with suite.imap("imaps") as dialogue:
        assert dialogue.command("AUTHENTICATE CRAM-MD5")[0] == "NO"


def test_a_wrong_ticket_opens_nothing(suite, user):
    """A front that lies to postern-imap gets nothing."""
    from harness import Peer
    import socket
    a, b = socket.socketpair()
    with Peer(suite, "imap/session") as peer:
        assert peer.ask("session", "t", "nonsense", "a1", "127.0.0.1", "tls", "", descriptors=[b.fileno()]) == ["ok", "t"]
    b.close()
    a.settimeout(10)
    assert a.recv(1000).startswith(b"a1 NO [UNAVAILABLE]")


@pytest.mark.parametrize("name", ["..", "../../x", "/etc", "a/b", "a\\b", ".", "a.", pytest.param("x" * 300, id="long"), "a\x7fb", "&AC8-", "&-x", "%", "*"])
def test_hostile_folder_names(suite, user, name):
    before = {entry.name for entry in user.maildir.parent.iterdir()}
    with session(suite, user) as dialogue:
        for command in ("CREATE", "SELECT", "DELETE", "SUBSCRIBE"):
            dialogue.command([f"{command} {{{len(name)}}}", name + "\r\n"])
        status, _ = dialogue.command([f"RENAME INBOX {{{len(name)}}}", name + "\r\n"])
        if status == "OK":
            dialogue.command([f"DELETE {{{len(name)}}}", name + "\r\n"])
    assert {entry.name for entry in user.maildir.parent.iterdir()} == before


def test_a_daemon_that_is_down_is_temporary_trouble(suite, user):
    suite.down("imap")
    try:
        with suite.imap("imaps") as dialogue:
            assert dialogue.login(user.address, user.password)[0] == "NO"
            assert dialogue.text.startswith("NO [UNAVAILABLE]")
    finally:
        suite.up("imap")
    suite.down("authd")
    try:
        with suite.imap() as dialogue:
            assert dialogue.greeting.startswith(b"* BYE [UNAVAILABLE]")
    finally:
        suite.up("authd")
    alive(suite, user)


def test_a_nested_search_costs_no_more_than_its_length(suite, user):
    with session(suite, user) as dialogue:
        dialogue.command("SELECT INBOX")
        for text in ("NOT " * 46 + "BODY x", "(" * 46 + "BODY x" + ")" * 46, "OR ALL " * 46 + "BODY x"):
            began = time.monotonic()
            assert dialogue.command("SEARCH " + text)[0] == "OK"
            assert time.monotonic() - began < 5


def test_the_largest_number_is_not_the_last_message(suite):
    """4294967295 is a UID that nobody has, and no star."""
    account = suite.user()
    with session(suite, account) as dialogue:
        text = b"Subject: one\r\n\r\n"
        assert dialogue.command(["APPEND INBOX {%d}" % len(text), text + b"\r\n"])[0] == "OK"
        dialogue.command("SELECT INBOX")
        assert dialogue.command("UID STORE 4294967295 +FLAGS (\\Deleted)") == ("OK", [])
        assert dialogue.command("FETCH 4294967295 FLAGS") == ("BAD", [])
        assert dialogue.command("UID FETCH 1:4294967295 UID") == ("OK", [b"* 1 FETCH (UID 1)"])
        assert dialogue.command("UID FETCH *:4294967295 UID") == ("OK", [b"* 1 FETCH (UID 1)"])


def test_folders_beneath_inbox_do_not_hide_it(suite):
    account = suite.user()
    with session(suite, account) as dialogue:
        assert dialogue.command("CREATE INBOX.Sent")[0] == "OK"
        listed = dialogue.command('LIST "" *')[1]
        assert [line for line in listed if line.endswith(b" INBOX")] == [b'* LIST (\\HasChildren) "." INBOX']


def test_no_nul_in_literals(suite):
    """RFC 3501's CHAR8; SMTP and APPEND let it in."""
    account = suite.user()
    with session(suite, account) as dialogue:
        text = b"Subject: a\0b\r\n\r\n\0\0c\0\r\n"
        assert dialogue.command(["APPEND INBOX {%d}" % len(text), text + b"\r\n"])[0] == "OK"
        dialogue.command("SELECT INBOX")
        lines = dialogue.command("FETCH 1 (BODY[] BODY[HEADER.FIELDS (SUBJECT)] BODY[TEXT]<1.3> ENVELOPE RFC822.SIZE)")[1]
        assert len(lines) == 1 and b"\0" not in lines[0]
        assert b"BODY[] {%d}\r\n" % len(text) + text.replace(b"\0", b"\x80") in lines[0]
        assert b"BODY[TEXT]<1> {3}\r\n\x80c\x80" in lines[0] and b"RFC822.SIZE %d" % len(text) in lines[0]


@pytest.mark.long
def test_copy_of_a_large_folder(suite):
    """Within the session's memory."""
    account, vmail = suite.user(), pwd.getpwnam("vmail")
    with session(suite, account) as dialogue:
        dialogue.socket.settimeout(60)
        dialogue.command("SELECT INBOX")
        dialogue.command("CREATE copy")
        for i in range(120000):
            with open(account.maildir / f"cur/{1700000000 + i}.M{i}P1.x,S=3:2,S", "wb") as file:
                file.write(b"a:\n")
                os.fchown(file.fileno(), vmail.pw_uid, vmail.pw_gid)
        assert dialogue.command("SELECT INBOX")[0] == "OK"
        status = dialogue.command("COPY 1:* copy")[0]
        assert status == "OK", dialogue.text
        assert dialogue.command("STATUS copy (MESSAGES)")[1] == [b"* STATUS copy (MESSAGES 120000)"]
