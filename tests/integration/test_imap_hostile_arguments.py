"""Folder names, charsets and numbers that no client should send (issue 7, item 9): refused as the RFC says, with nothing done."""
import pytest

from harness.imap import login


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture
def imap(suite, user):
    """A session in an INBOX of one message at least."""
    with login(suite, user) as imap:
        assert imap.command(["APPEND INBOX {16}", "Subject: one\r\n\r\n\r\n"])[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        yield imap
        assert imap.command("NOOP")[0] == "OK", "it goes on"


NAMES = ["..", "../x", "a/../../x", "/etc/passwd", "/", "a/b", ".a", ".a.b", "a..b", "..a", "a...", ".", "INBOX..a", "a\r\nb", "a\rb", "a\nb",
         "a\r\nz CREATE smuggled\r\n", "a\tb", "a\x7fb", "a\x01b", "a\xff", "&AC8-", "&AC4-", "&AAA-", "&AA0ACg-", "&", "a&b", "&2D0-", "&3gA-", "&AGE-",
         "&AOQ-&AOQ-", "&AOR-", "x" * 241, ".".join("x" * 60), ""]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_a_name_that_cannot_be(imap, user, name):
    raw = name.encode("latin-1")
    imap.command("ENABLE")  # nothing is enabled: names are modified UTF-7
    before = sorted(path.name for path in user.maildir.iterdir())
    for command in ("CREATE", "SELECT", "EXAMINE", "DELETE", "RENAME INBOX", "COPY 1", "MOVE 1"):
        status, _ = imap.command([f"{command} {{{len(raw)}}}", raw + b"\r\n"])
        assert status in ("NO", "BAD"), (command, imap.text)
    assert imap.command([f"STATUS {{{len(raw)}}}", raw + b" (MESSAGES)\r\n"])[0] in ("NO", "BAD")
    status, _ = imap.command([f"APPEND {{{len(raw)}}}", raw + b" {3+}\r\na:b\r\n"])
    assert status in ("NO", "BAD"), imap.text
    imap.command("SELECT INBOX")
    after = sorted(path.name for path in user.maildir.iterdir())
    assert [name for name in after if name not in before and not name.startswith(("postern-", "dovecot"))] == []


@pytest.mark.parametrize("command", ["CREATE", "SELECT", "DELETE", "SUBSCRIBE"])
def test_a_nul_in_a_name(imap, command):
    """RFC 9051 section 4.3: a literal of text holds none."""
    assert imap.command([f"{command} {{3}}", b"a\0b\r\n"])[0] in ("NO", "BAD")


@pytest.mark.parametrize("command", ["SEARCH CHARSET x-unknown TEXT x", "SEARCH CHARSET \"\" TEXT x", "SEARCH CHARSET \"utf-8 \" TEXT x", "SORT (DATE) x-unknown ALL", "THREAD REFERENCES x-unknown ALL"])
def test_a_charset_that_is_not_known(imap, command):
    status, _ = imap.command(command)
    assert status == "NO" and imap.text.startswith("NO [BADCHARSET (") and "UTF-8" in imap.text.upper(), imap.text


@pytest.mark.parametrize("name", [b"utf-8\r\n\r\n", b" utf-8", b"utf\t8", b"utf-8\xff", b"utf-\xc3\xbc8"])
def test_a_charset_of_bytes_that_no_charset_has(imap, name):
    for head, tail in (("SEARCH CHARSET", "TEXT x"), ("SORT (DATE)", "ALL"), ("THREAD REFERENCES", "ALL")):
        status, _ = imap.command([f"{head} {{{len(name)}}}", name + f" {tail}\r\n".encode()])
        assert status == "NO" and imap.text.startswith("NO [BADCHARSET ("), (head, imap.text)


BAD = ["FETCH 0 FLAGS", "FETCH 4294967296 FLAGS", "UID FETCH 4294967296 FLAGS", "UID FETCH 1:4294967296 FLAGS", "UID FETCH 18446744073709551617 FLAGS",
       "FETCH 4294967295 FLAGS", "FETCH 1:4294967295 FLAGS", "FETCH 1 BODY[0]", "FETCH 1 BODY[4294967296]", "FETCH 1 BODY[1.4294967297.1]",
       "FETCH 1 BODY[]<4294967296.18446744073709551617>", "FETCH 1 BODY[]<0.0>", "FETCH 1 BODY[]<18446744073709551616.1>", "FETCH 1 BODY[]<-1.1>",
       "SEARCH OLDER 0", "SEARCH OLDER 4294967296", "SEARCH YOUNGER 18446744073709551617", "SEARCH LARGER 18446744073709551617", "SEARCH SMALLER -1",
       "SEARCH MODSEQ 18446744073709551617", "SEARCH MODSEQ 9223372036854775808", "SEARCH UID 4294967296", "SEARCH 4294967296", "SEARCH SINCE 1-Jan-10000",
       "SEARCH ON 0-Jan-2026", "SEARCH RETURN (PARTIAL 0:1) ALL", "SEARCH RETURN (PARTIAL 1:4294967296) ALL", "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
       "STORE 1 (UNCHANGEDSINCE 18446744073709551617) FLAGS (\\Seen)", "SELECT INBOX (QRESYNC (4294967296 1))", "SELECT INBOX (QRESYNC (0 1))",
       "SELECT INBOX (QRESYNC (01 1))", "SELECT INBOX (QRESYNC (1 0))", "SELECT INBOX (QRESYNC (1 1 01))", "FETCH 1 FLAGS (CHANGEDSINCE 0)",
       "STORE 1 (UNCHANGEDSINCE 00) FLAGS ()", "SEARCH MODSEQ 00",
       "APPEND INBOX \"01-Jan-10000 00:00:00 +0000\" {1+}\r\nx", "APPEND INBOX {18446744073709551617+}", "UID EXPUNGE 4294967296",
       "UID EXPUNGE 0"]


@pytest.mark.parametrize("command", BAD, ids=lambda command: command[:40].replace("\r\n", " "))
def test_a_number_that_is_none(suite, user, command):
    """RFC 9051 section 9: number, nz-number and number64 end where 32 and 63 bits end."""
    with login(suite, user) as imap:
        imap.command("ENABLE QRESYNC")
        imap.command("SELECT INBOX")
        imap.send(f"n {command}\r\n")
        answers = []
        while (answer := imap.response()) is not None and not answer.startswith(b"n "):
            answers.append(answer)
        refused = answer is not None and answer.startswith((b"n BAD", b"n NO [TOOBIG]"))
        assert refused or (answer is None and b"* BYE" in b"".join(answers)), (answer, answers)


@pytest.mark.parametrize("numbers,found", [("4294967295:1", True), ("1:4294967295", True), ("4294967295:4294967294", False), ("4294967295", False),
                                           ("*:4294967295", True), ("4294967295:*", True), ("1,4294967295,1:1,4294967295:1", True)])
def test_the_largest_number_and_back(imap, numbers, found):
    lines = imap.command(f"UID FETCH {numbers} (UID)")[1]
    assert bool(lines) == found and ("*" not in numbers or len(lines) == 1), "a star is the last message"
    assert (imap.command(f"SEARCH UID {numbers}")[1] != [b"* SEARCH"]) == found
