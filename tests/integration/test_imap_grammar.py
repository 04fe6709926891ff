"""Each production of RFC 9051 section 9 (and RFC 3501's that it has dropped): what a client may say is understood, what it may not
is BAD, and every response that comes is one."""
import pytest

from harness.imap import login
from harness.imap_grammar import check, check_text

PLAIN = b"From: a@b.test\r\nTo: b@b.test\r\nSubject: plain\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n\r\ntext\r\n"
DEEP = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(60)) + b"\r\nx\r\n"
MESSAGES = [
    PLAIN,
    b"\r\n", b"no header at all", b"Subject: only a header", b"Subject:\r\n\r\n", b": \r\n\r\n", b"\xff\xfe: \xff\r\n\r\n\xff\r\n", b"a\0b: c\0d\r\n\r\n\0\r\n",
    # Addresses that are none, groups, routes, comments, quotes.
    b'From: \r\nTo: undisclosed-recipients:;\r\nCc: "a \\" b" <x@y.test>, (comment) <@r1.test,@r2.test:z@y.test>, group: m@y.test, n@y.test;\r\n'
    b"Bcc: <>, @, a@, @b, \"unterminated <x@y.test>\r\nReply-To: J\xc3\xb6rg <j@y.test>\r\nSender: =?utf-8?q?=22=5C?= <s@y.test>\r\n"
    b"In-Reply-To: <a>\r\n <b>\r\nMessage-ID: \"<c>\\\"\r\nSubject: a \"quoted\" \\ one\r\n\tfolded\r\nDate: never\r\n\r\nx\r\n",
    # Structures with everything that BODYSTRUCTURE tells.
    b'Content-Type: multipart/mixed; boundary="x"; other*0="a"; other*1*=%20b; charset*=utf-8\'de\'%C3%BC\r\nContent-Language: de, en-GB\r\n'
    b'Content-Location: http://x.test/"y"\r\nContent-Disposition: inline; filename="a\\"b"\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n'
    b"Subject: inner\r\nContent-Type: text/plain\r\n\r\ninner\r\n--x\r\nContent-Type: message/global\r\n\r\nSubject: \xc3\xbc\r\n\r\nx\r\n--x\r\n"
    b"Content-Type: text/plain; charset=\xff; =; ;;x\r\nContent-ID: <i@x>\r\nContent-Description: d\xc3\xbc\r\nContent-MD5: Q2hlY2s=\r\n"
    b"Content-Transfer-Encoding: BASE64\r\n\r\neA==\r\n--x\r\nContent-Type: message/external-body; access-type=x\r\n\r\nContent-Type: a/b\r\n\r\n"
    b"--x\r\nContent-Type: nonsense\r\nContent-Disposition: ;\r\nContent-Language: ,\r\n\r\n--x--\r\n",
    b"Content-Type: multipart/mixed\r\n\r\nno boundary\r\n", b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno part\r\n",
    b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: digest\r\n\r\nx\r\n--x--", b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: text/plain; x=\"" + b"y" * 3000 + b"\"\r\nSubject: " + b"z" * 3000 + b"\r\n\r\n", DEEP,
]
FOLDERS = ["plain", "with space", 'with "quotes"', "NIL", "par(en", "star*", "percent%", "{3}", "Entw&APw-rfe.&U,BTFw-", "A&-B", "a]b"]


def string(text):
    return b'"' + text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


@pytest.fixture(scope="module")
def user(suite):
    user = suite.user()
    with login(suite, user) as session:
        for message in MESSAGES:
            assert session.command([b'APPEND INBOX ($Forwarded \\Draft) {%d}' % len(message), message + b"\r\n"])[0] == "OK", session.text
        for folder in FOLDERS:
            assert session.command(b"CREATE " + string(folder))[0] == "OK", (folder, session.text)
            assert session.command(b"SUBSCRIBE " + string(folder))[0] == "OK", folder
    return user


@pytest.fixture(scope="module", params=["", "ENABLE IMAP4rev2", "ENABLE IMAP4rev2 UTF8=ACCEPT CONDSTORE QRESYNC"], ids=["rev1", "rev2", "all"])
def session(suite, user, request):
    with login(suite, user) as session:
        session.utf8 = bool(request.param)
        if request.param:
            assert session.command(request.param)[0] == "OK"
        assert session.command("SELECT INBOX")[0] == "OK"
        yield session


def ask(session, command):
    """The status; every response on the way is looked at."""
    status, lines = session.command(command)
    for line in lines:
        check(line, session.utf8)
    check_text(session.text, session.utf8)
    return status


# --- what comes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", ["ALL", "FULL", "FAST", "ENVELOPE", "BODY", "BODYSTRUCTURE", "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ SAVEDATE)",
                                   "(BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1] BODY.PEEK[1.1] BODY.PEEK[1.MIME] BODY.PEEK[9.9.HEADER])",
                                   '(BODY.PEEK[HEADER.FIELDS (Subject "X \\" Y" "")] BODY.PEEK[1.HEADER.FIELDS.NOT (Subject)]<1.20>)',
                                   "(RFC822 RFC822.HEADER RFC822.TEXT)"])
def test_what_fetch_answers_is_of_the_grammar(session, items):
    assert ask(session, f"FETCH 1:* {items}") == "OK"
    assert ask(session, f"UID FETCH 1:* {items}") == "OK"


def test_what_folders_are_answered_with_is_of_the_grammar(session):
    for command in ('LIST "" *', 'LIST "" %', 'LIST "" ""', 'LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (CHILDREN STATUS (MESSAGES SIZE DELETED))',
                    'LSUB "" *', "NAMESPACE", "CAPABILITY", 'ID ("name" "x")', "ID NIL", "NOOP", "CHECK", "SELECT INBOX", "EXAMINE INBOX",
                    "STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE HIGHESTMODSEQ APPENDLIMIT)", "ENABLE CONDSTORE",
                    "SEARCH ALL", "UID SEARCH RETURN (MIN MAX COUNT ALL) ALL", "SEARCH MODSEQ 1"):
        assert ask(session, command) == "OK", command
    for command in ("SELECT none", "STATUS none (MESSAGES)", "CREATE plain", "DELETE INBOX", "COPY 1 none", "STORE 1 FLAGS ()", "SEARCH CHARSET X-NONE TEXT x"):
        assert ask(session, command) in ("NO", "BAD"), command
    assert ask(session, "SELECT INBOX") == "OK"


def test_a_name_that_came_can_be_sent_back(session):
    names = [line.split(b'"." ', 1)[1] for line in session.command('LIST "" *')[1] if b"\\Noselect" not in line]
    assert len(names) > len(FOLDERS)
    for name in names:
        assert ask(session, b"STATUS " + name + b" (MESSAGES)") == "OK", name


# --- what may be said ---------------------------------------------------------------------------------------------


GOOD = [
    # sequence-set, seq-last-command
    "FETCH 1 UID", "FETCH 1:2 UID", "FETCH 2:1 UID", "FETCH * UID", "FETCH 1 BODY.PEEK[4294967295]", "FETCH 1 BODY.PEEK[]<00.1>", "FETCH *:1 UID", "FETCH 1,2,1:2,* UID", "SEARCH RETURN (SAVE) 1:2",
    "FETCH $ UID", "UID FETCH 999999 UID", "UID FETCH 4294967295 UID",
    # fetch-att, section, partial; in any case
    "fetch 1 (uid flags)", "FETCH 1 BODY.PEEK[]<0.1>", "FETCH 1 BODY.PEEK[]<4294967295.4294967295>", "FETCH 1 body.peek[header.fields (from)]",
    "FETCH 1 (FLAGS FLAGS)", "FETCH 1 BODY.PEEK[1.2.3.4.5.6.7.8.9.TEXT]", "FETCH 1 BODY.PEEK[HEADER.FIELDS ({4}\r\nFrom)]",
    # search-key
    *("SEARCH " + key for key in (
        "ALL", "ANSWERED", "BCC x", "BEFORE 1-Feb-2020", 'BEFORE "01-Feb-2020"', "BODY x", "CC x", "DELETED", "DRAFT", "FLAGGED", "FROM x",
        "HEADER X-Y z", 'HEADER "Subject" ""', "KEYWORD $Forwarded", "KEYWORD x", "LARGER 0", "LARGER 00", "OLDER 10", "LARGER 9223372036854775807", "NEW", "NOT SEEN", "OLD",
        "ON 1-Feb-2020", "OR SEEN DRAFT", "OR (SEEN DRAFT) NOT (1 2)", "RECENT", "SEEN", "SENTBEFORE 1-Feb-2020", "SENTON 29-Feb-2020",
        "SENTSINCE 1-Feb-2020", "SINCE 1-Feb-2020", "SMALLER 100", "SUBJECT x", 'SUBJECT "a \\" b"', "SUBJECT a]b", "TEXT x", "TO x", "UID 1:*",
        "UNANSWERED", "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNKEYWORD x", "UNSEEN", "((1))", "1:* 2 *", "$", "NOT NOT 1")),
    "SEARCH RETURN () 1", "SEARCH RETURN (MIN MAX ALL COUNT SAVE) 1", "search return (min) all",
    # store-att-flags
    "STORE 1 FLAGS ($Forwarded)", "STORE 1 FLAGS \\Draft $Forwarded", "STORE 1 +FLAGS ()", "STORE 1 -FLAGS.SILENT (\\Seen)", "store 1 +flags.silent \\seen",
    "STORE 1 +FLAGS ($MDNSent $Junk $NotJunk $Phishing)", "UID STORE 1:* -FLAGS ($MDNSent $Junk $NotJunk $Phishing \\Seen)",
    # mailbox, astring, list-mailbox, patterns
    "STATUS inbox (MESSAGES)", 'STATUS "InBox" (messages)', "STATUS plain (MESSAGES MESSAGES)", "STATUS a]b (UIDNEXT)", "STATUS NIL (UIDNEXT)", "LIST \"\" *%*",
    "LIST inbox %", "LIST \"\" (INBOX \"*\")", "LIST () \"\" *", "LIST (REMOTE) \"\" * RETURN ()", "LIST (SUBSCRIBED SUBSCRIBED) \"\" * RETURN (SUBSCRIBED CHILDREN)",
    "LIST \"\" a]b", "SUBSCRIBE plain", "SUBSCRIBE nowhere", "UNSUBSCRIBE nowhere", "UNSUBSCRIBE nowhere",
    # the others
    "NOOP", "noop", "CAPABILITY", "NAMESPACE", "ID NIL", "ID (\"name\" NIL)", "ID ()", "ENABLE X", "COPY 1 plain", "UID COPY 999999 plain", "UID EXPUNGE 999999",
]
BAD = [
    "FETCH", "FETCH 1", "FETCH 1 ()", "FETCH 1  UID", "FETCH 1 UID ", "FETCH 1: UID", "FETCH :1 UID", "FETCH , UID", "FETCH 1,$ UID", "FETCH 0 UID", "FETCH 1:0 UID", "FETCH 01 UID", "FETCH 1:02 UID", "UID FETCH 1,01 UID", "FETCH 1 BODY[01]", "FETCH 1 BODY[1.02]",
    "FETCH 1 BODY[]<0.01>", "SEARCH 01", "SEARCH UID 01", "SEARCH OLDER 01", "SEARCH YOUNGER 00", "SEARCH RETURN (PARTIAL 01:2) ALL", "UID EXPUNGE 01",
    "FETCH x UID", "FETCH 1 (UID", "FETCH 1 UID FLAGS", "FETCH 1 (ALL)", "FETCH 1 BODY.PEEK", "FETCH 1 BODY[0]", "FETCH 1 BODY[1..1]", "FETCH 1 BODY[MIME]",
    "FETCH 1 BODY[1.]", "FETCH 1 BODY[.1]", "FETCH 1 BODY[HEADER.FIELDS]", "FETCH 1 BODY[]<>", "FETCH 1 BODY[]<1.>", "FETCH 1 BODY[]<0.0>", "FETCH 1 BODY[]<-1.1>",
    "FETCH 999999 UID", "UID FETCH 0 UID", "UID", "UID NOOP", "UID SELECT INBOX",
    "SEARCH", "SEARCH ", "SEARCH ()", "SEARCH FOO", "SEARCH BCC", "SEARCH OR SEEN", "SEARCH NOT", "SEARCH ON 2020-02-01", "SEARCH ON 30-Feb-2020", "SEARCH ON \"1-Feb-2020",
    "SEARCH LARGER x", "SEARCH LARGER -1", "SEARCH UID", "SEARCH UID 0", "SEARCH KEYWORD (x)", "SEARCH KEYWORD \\Seen", "SEARCH (ALL", "SEARCH ALL)", "SEARCH RETURN ALL 1",
    "SEARCH RETURN (FOO) 1", "SEARCH CHARSET UTF-8", "SEARCH 999999",
    "STORE 1", "STORE 1 FLAGS", "STORE 1 FLAG (\\Seen)", "STORE 1 FLAGS (\\Recent)", "STORE 1 FLAGS (\\)", "STORE 1 FLAGS (a(b)", "STORE 1 FLAGS (\\Seen",
    "STORE 1 *FLAGS (\\Seen)", "STORE 1 FLAGS.LOUD (\\Seen)", "STORE 1 FLAGS \\Seen,\\Draft", "STORE 1 FLAGS (\u00fc)", "SEARCH KEYWORD \u00fc",
    "SELECT", "SELECT (x)", "SELECT \"x", "SELECT x y", "EXAMINE", "CREATE", "DELETE", "RENAME x", "SUBSCRIBE", "UNSUBSCRIBE", "STATUS INBOX", "STATUS INBOX MESSAGES",
    "STATUS INBOX ()", "STATUS INBOX (FOO)", "LIST", "LIST x", "LIST \"\"", "LIST (FOO) \"\" *", "LIST \"\" * RETURN", "LIST (RECURSIVEMATCH) \"\" *", "LIST \"\" (",
    "NOOP x", "CAPABILITY x", "NAMESPACE x", "LOGOUT x", "ID", "ID x", "ENABLE", "COPY", "COPY 1", "COPY x INBOX", "MOVE 1", "EXPUNGE x", "UID EXPUNGE", "CLOSE x", "UNSELECT x",
    "APPEND", "APPEND INBOX", "APPEND INBOX x", "IDLE x", "STARTTLS", "LOGIN a b", "AUTHENTICATE PLAIN", "FOO", "",
]


def test_what_a_client_may_say_is_understood(session):
    for command in GOOD:
        if isinstance(command, str) and "{4}" in command:
            head, tail = command.split("\r\n")
            assert ask(session, [head, tail + "\r\n"]) == "OK", (command, session.text)
        else:
            assert ask(session, command) == "OK", (command, session.text)


def test_what_a_client_may_not_say_is_bad_and_told_what_was_wrong(session):
    for begin in range(0, len(BAD), 40):
        for command in BAD[begin:begin + 40]:
            assert ask(session, command) == "BAD", (command, session.text)
            assert len(session.text) > len("BAD ") + 5, command
        assert ask(session, "NOOP") == "OK" # fifty in a row would be the end


def test_tags_and_line_ends(session):
    for tag in (b"1", b"A.b-c_d:e", b"~!@#$&'`/?<>=|^;,[", b"a]b", b"x" * 200):
        session.send(tag + b" NOOP\r\n")
        assert session.finish(tag, session.response(), [])[0] == "OK"
    session.send(b"t1 NOOP\nt2 NOOP\r\n")
    assert session.finish(b"t1", session.response(), [])[0] == session.finish(b"t2", session.response(), [])[0] == "OK"


def test_literals(session):
    """Section 4.3: in place of any string, of no bytes too; without waiting with a plus (RFC 7888)."""
    assert ask(session, ["STATUS {5}", b"inbox (MESSAGES)\r\n"]) == "OK"
    assert ask(session, ["SEARCH SUBJECT {5}", b"plain FROM {0}\r\n", b"\r\n"]) == "OK"
    assert ask(session, ["LIST {0}", b" {1}\r\n", b"*\r\n"]) == "OK"
    session.send(b"l STATUS {5+}\r\nINBOX (MESSAGES)\r\n")
    assert session.finish(b"l", session.response(), [])[0] == "OK"
