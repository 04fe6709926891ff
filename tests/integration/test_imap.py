"""IMAP as clients use it: Python's imaplib through the whole suite, and what the disk holds afterwards."""
import email.utils
import imaplib
import re
import time

import pytest

from harness import wait_for
from harness.dialogue import client_context

MESSAGE = b"From: Anna <anna@example.test>\r\nTo: bert@example.test\r\nSubject: %s\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n" \
    b"Message-ID: <%s@example.test>\r\n\r\nbody of %s\r\nsecond line\r\n"

PARTS = b"""From: Anna <anna@example.test>
To: "Bert, the" <bert@example.test>, undisclosed: c@x.test, d@x.test;
Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=
Date: Sat, 21 Nov 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

preamble
--b1
Content-Type: text/plain; charset=utf-8

first part
--b1
Content-Type: message/rfc822

Subject: inner
Content-Type: multipart/alternative; boundary=b2

--b2
Content-Type: text/plain

inner plain
--b2
Content-Type: text/html

<b>inner html</b>
--b2--
--b1
Content-Type: application/octet-stream; name="x.bin"
Content-Disposition: attachment; filename="x.bin"
Content-Transfer-Encoding: base64

AAEC
--b1--
"""


def message(name):
    name = name.encode()
    return MESSAGE % (name, name, name)


def login(suite, user):
    client = imaplib.IMAP4("127.0.0.1", suite.ports["imapd"], timeout=20)
    client.starttls(client_context())
    client.login(user.address, user.password)
    return client


@pytest.fixture
def user(suite):
    return suite.user()


@pytest.fixture
def client(suite, user):
    with login(suite, user) as client:
        yield client


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def append(client, folder, *names, flags=None):
    for name in names:
        ok(client.append(folder, flags, None, message(name)))


def uids(client):
    return [int(uid) for uid in ok(client.uid("SEARCH", None, "ALL"))[0].split()]


def test_the_whole_round(client, user):
    ok(client.create("Work"))
    ok(client.create("Work.Plans"))
    assert b'(\\HasChildren) "." Work' in ok(client.list())
    append(client, "INBOX", "one", "two", "three")
    assert ok(client.select("INBOX")) == [b"3"]
    assert ok(client.search(None, "ALL")) == [b"1 2 3"]
    ok(client.store("2", "+FLAGS", "(\\Flagged $Label1)"))
    assert ok(client.search(None, "FLAGGED")) == [b"2"]
    assert ok(client.search(None, "KEYWORD", "$Label1")) == [b"2"]
    ok(client.copy("1:2", "Work"))
    ok(client.store("1", "+FLAGS.SILENT", "(\\Deleted)"))
    assert ok(client.expunge()) == [b"1"]
    assert ok(client.search(None, "SUBJECT", "TWO")) == [b"1"]
    assert ok(client.select("Work")) == [b"2"]
    assert b"\\Flagged" in ok(client.fetch("2", "(FLAGS)"))[0] and b"$Label1" in ok(client.fetch("2", "(FLAGS)"))[0]
    ok(client.close())
    ok(client.rename("Work", "Play"))
    assert sorted(re.sub(rb'^.*" ', b"", line) for line in ok(client.list())) == [b"INBOX", b"Play", b"Play.Plans"]
    ok(client.delete("Play.Plans"))
    ok(client.delete("Play"))
    assert ok(client.list()) == [b'(\\HasNoChildren) "." INBOX']
    assert sorted(re.search(rb"Subject: (\w+)", m)[1] for m in user.messages()) == [b"three", b"two"]


def test_a_message_comes_back_as_it_was_sent(client):
    sent = message("exact") + b"dots\r\n\r\n.\r\n8-bit \xff\xfe\r\n"
    ok(client.append("INBOX", None, None, sent))
    ok(client.select("INBOX"))
    data = ok(client.fetch("1", "(RFC822.SIZE BODY.PEEK[])"))
    assert data[0][1] == sent
    assert b"RFC822.SIZE %d " % len(sent) in data[0][0]
    assert ok(client.fetch("1", "BODY.PEEK[]<10.7>"))[0][1] == sent[10:17]
    assert ok(client.fetch("1", "BODY.PEEK[]<%d.100>" % (len(sent) - 3)))[0][1] == sent[-3:]
    assert ok(client.fetch("1", "BODY.PEEK[]<100000.10>"))[0][1] == b""
    assert ok(client.fetch("1", "RFC822.HEADER"))[0][1] == sent[:sent.index(b"\r\n\r\n") + 4]
    assert ok(client.fetch("1", "BODY.PEEK[HEADER.FIELDS (Subject X-None)]"))[0][1] == b"Subject: exact\r\n\r\n"
    rest = ok(client.fetch("1", "BODY.PEEK[HEADER.FIELDS.NOT (Subject From To Date)]"))[0][1]
    assert rest == b"Message-ID: <exact@example.test>\r\n\r\n"
    assert b"\\Seen" not in ok(client.fetch("1", "FLAGS"))[0]
    assert b"\\Seen" in ok(client.fetch("1", "BODY[TEXT]"))[-1]


def test_parts(client):
    ok(client.append("INBOX", None, None, PARTS.replace(b"\n", b"\r\n")))
    ok(client.select("INBOX"))

    def section(name):
        return ok(client.fetch("1", f"BODY.PEEK[{name}]"))[0]

    assert section("1")[1] == b"first part"
    assert section("2.HEADER")[1].startswith(b"Subject: inner\r\n")
    assert section("2.1")[1] == b"inner plain"
    assert section("2.2.MIME")[1] == b"Content-Type: text/html\r\n\r\n"
    assert section("3")[1] == b"AAEC"
    assert section("4") == b"1 (BODY[4] NIL)"
    structure = ok(client.fetch("1", "BODYSTRUCTURE"))[0]
    assert structure == (
        b'1 (BODYSTRUCTURE (("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 10 0 NIL NIL NIL NIL)'
        b'("message" "rfc822" NIL NIL NIL "7bit" %d (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'(("text" "plain" NIL NIL NIL "7bit" 11 0 NIL NIL NIL NIL)'
        b'("text" "html" NIL NIL NIL "7bit" 17 0 NIL NIL NIL NIL) "alternative" ("boundary" "b2") NIL NIL NIL) 11 NIL NIL NIL NIL)'
        b'("application" "octet-stream" ("name" "x.bin") NIL NIL "base64" 4 NIL ("attachment" ("filename" "x.bin")) NIL NIL) '
        b'"mixed" ("boundary" "b1") NIL NIL NIL))') % len(section("2")[1])
    envelope = ok(client.fetch("1", "ENVELOPE"))[0]
    anna = b'(("Anna" NIL "anna" "example.test"))'
    assert envelope == (
        b'1 (ENVELOPE ("Sat, 21 Nov 2026 10:00:00 +0100" "=?utf-8?q?gr=C3=BC=C3=9Fe?=" ' + b" ".join([anna] * 3) +
        b' (("Bert, the" NIL "bert" "example.test")(NIL NIL "undisclosed" NIL)(NIL NIL "c" "x.test")(NIL NIL "d" "x.test")'
        b'(NIL NIL NIL NIL)) NIL NIL NIL NIL))')


def test_search(client):
    append(client, "INBOX", "alpha", "beta", "gamma", flags="(\\Seen)")
    ok(client.append("INBOX", None, '" 3-Feb-2020 12:00:00 +0000"', message("old")))
    ok(client.select("INBOX"))

    def search(*keys):
        return [int(n) for n in ok(client.search(None, *keys))[0].split()]

    assert search("UNSEEN") == [4]
    assert search("SEEN", "SUBJECT", "ALPHA") == [1]
    assert search("OR", "SUBJECT", "alpha", "BODY", '"body of gamma"') == [1, 3]
    assert search("NOT", "(SUBJECT alpha)") == [2, 3, 4]
    assert search("BEFORE", "1-Jan-2021") == [4]
    assert search("ON", "3-Feb-2020") == [4]
    assert search("SINCE", "1-Jan-2021") == [1, 2, 3]
    assert search("SENTON", "21-Nov-2026") == [1, 2, 3, 4]
    assert search("LARGER", "10", "2:3") == [2, 3]
    assert search("SMALLER", "10") == []
    assert search("HEADER", "message-id", "<beta@") == [2]
    assert search("HEADER", "X-None", '""') == []
    assert search("FROM", "anna", "TO", "bert", "UID", "3:*") == [3, 4]
    assert search("*") == [4]
    assert search("CHARSET", "UTF-8", "TEXT", "second") == [1, 2, 3, 4]
    assert search("CHARSET", "KOI8-R", "TEXT", "second") == [1, 2, 3, 4]
    assert client.search("X-NONE", "TEXT", "x")[0] == "NO"


def test_uids_survive_restarts_of_all_daemons(suite, user):
    with login(suite, user) as client:
        append(client, "INBOX", *"abcdef")
        ok(client.select("INBOX"))
        ok(client.store("2", "+FLAGS", "\\Deleted"))
        ok(client.expunge())
        before, validity = uids(client), client.response("UIDVALIDITY")
    for name in ("imap", "authd", "tlsd"):
        suite.restart(name)
    with login(suite, user) as client:
        ok(client.select("INBOX"))
        assert (uids(client), client.response("UIDVALIDITY")) == (before, validity)
        append(client, "INBOX", "g")
        assert uids(client) == before + [7]


def test_uidplus_and_move(client):
    ok(client.create("Target"))
    append(client, "INBOX", "one", "two", "three")
    assert re.match(rb"\[APPENDUID \d+ 4\]", ok(client.append("INBOX", None, None, message("four")))[0])
    ok(client.select("INBOX"))
    ok(client.uid("COPY", "1,3", "Target"))
    assert re.match(rb"\d+ 1,3 1:2", client.response("COPYUID")[1][0])
    status, data = client.uid("MOVE", "2,4", "Target")
    assert status == "OK"
    assert re.match(rb"\d+ 2,4 3:4", client.response("COPYUID")[1][0])
    assert uids(client) == [1, 3]
    ok(client.uid("STORE", "1:3", "+FLAGS", "\\Deleted"))
    ok(client.uid("EXPUNGE", "3"))
    assert uids(client) == [1]
    assert ok(client.select("Target")) == [b"4"]
    assert uids(client) == [1, 2, 3, 4]


def test_append_with_flags_and_date(client):
    ok(client.create("Other"))
    ok(client.append("Other", "(\\Answered $Label1 other)", '" 3-Feb-2020 12:00:00 +0100"', message("one")))
    ok(client.select("Other"))
    line = ok(client.fetch("1", "(FLAGS INTERNALDATE)"))[0]
    assert all(flag in line for flag in (b"\\Answered", b"$Label1", b"other"))
    assert b'INTERNALDATE " 3-Feb-2020 11:00:00 +0000"' in line
    with pytest.raises(imaplib.IMAP4.error, match="unknown system flag"):
        client.append("Other", "(\\Nonsense)", None, message("two"))
    assert ok(client.fetch("1:*", "UID")) == [b"1 (UID 1)"]


def test_trycreate_and_other_refusals(client):
    append(client, "INBOX", "one")
    ok(client.select("INBOX"))
    assert client.copy("1", "Nowhere") == ("NO", [b"[TRYCREATE] there is no such folder"])
    assert client.append("Nowhere", None, None, message("x")) == ("NO", [b"[TRYCREATE] there is no such folder"])
    assert client.create("INBOX")[0] == "NO" and client.delete("INBOX")[0] == "NO"
    assert client.delete("Nowhere") == ("NO", [b"[NONEXISTENT] there is no such folder"])
    for name in ("../x", "a/b", "a..b", ".a", "&bad"):
        assert client.create(f'"{name}"')[0] == "NO", name
    assert client.select("Nowhere")[0] == "NO"
    with pytest.raises(imaplib.IMAP4.error):
        client.fetch("7", "FLAGS")


def test_examine_changes_nothing(client, user):
    append(client, "INBOX", "one")
    ok(client.select("INBOX", readonly=True))
    ok(client.fetch("1", "BODY[]"))
    assert client.store("1", "+FLAGS", "\\Seen")[0] == "NO"
    assert b"\\Seen" not in ok(client.fetch("1", "FLAGS"))[0]


def test_subscriptions(client, user):
    for name in ("One", "One.Two", "Three"):
        ok(client.create(name))
        ok(client.subscribe(name))
    ok(client.unsubscribe("Three"))
    assert ok(client.lsub()) == [b'() "." One', b'() "." One.Two']
    ok(client.delete("One"))
    assert b'(\\Noselect \\HasChildren) "." One' in ok(client.list('""', "%"))
    assert ok(client.list('""', '""')) == [b'(\\Noselect) "." ""']
    assert ok(client.namespace()) == [b'(("" ".")) NIL NIL']


def test_status(client):
    append(client, "INBOX", "one", "two")
    ok(client.create("Other"))
    append(client, "Other", "three", flags="(\\Seen)")
    ok(client.select("INBOX"))
    line = ok(client.status("Other", "(MESSAGES UIDNEXT UNSEEN RECENT UIDVALIDITY)"))[0]
    assert re.match(rb"Other \(MESSAGES 1 RECENT 0 UIDNEXT 2 UIDVALIDITY \d+ UNSEEN 0\)", line)


def test_two_sessions_on_one_folder(suite, user):
    with login(suite, user) as one, login(suite, user) as two:
        append(one, "INBOX", *"abcde")
        ok(one.select("INBOX"))
        ok(two.select("INBOX"))
        ok(one.store("2,4", "+FLAGS", "\\Deleted"))
        ok(one.expunge())
        # Numbers hold until the client is told: FETCH may not tell of an expunge.
        status, data = two.fetch("1:5", "(UID)")
        assert [int(re.search(rb"UID (\d+)", line)[1]) for line in data] in ([1, 2, 3, 4, 5], [1, 3, 5])
        assert [line.split()[0] for line in data if b"UID 5" in line] == [b"5"]
        two.untagged_responses.clear()
        ok(two.noop())
        assert two.response("EXPUNGE")[1] == [b"2", b"3"]
        assert uids(two) == [1, 3, 5]
        ok(one.store("1", "+FLAGS", "\\Answered"))
        append(one, "INBOX", "f")
        two.untagged_responses.clear()
        ok(two.noop())
        assert two.response("EXISTS")[1] == [b"4"]
        assert any(b"\\Answered" in line for line in two.response("FETCH")[1])


def test_idle_tells_of_a_delivery(suite, user):
    with suite.imap("imaps") as idler:
        idler.login(user.address, user.password)
        assert idler.command("SELECT INBOX")[0] == "OK"
        idler.send("i IDLE\r\n")
        assert idler.response().startswith(b"+")
        with suite.smtp() as smtp:
            smtp.ehlo()
            smtp.message("stranger@elsewhere.test", [user.address], "Subject: news\n\nhello\n")
        assert idler.response() == b"* 1 EXISTS"
        assert idler.response() == b"* 1 RECENT"
        idler.send("DONE\r\n")
        assert idler.response().startswith(b"i OK")
        status, lines = idler.command("FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert b"Subject: news\r\n" in lines[0]


def test_idle_tells_of_flags_and_expunges(suite, user):
    with login(suite, user) as other, suite.imap("imaps") as idler:
        append(other, "INBOX", "one", "two")
        ok(other.select("INBOX"))
        idler.login(user.address, user.password)
        idler.command("SELECT INBOX")
        idler.send("i IDLE\r\n")
        idler.response()
        ok(other.store("2", "+FLAGS", "\\Flagged"))
        assert b"* 2 FETCH (FLAGS (\\Flagged))" in idler.response()
        ok(other.store("1", "+FLAGS.SILENT", "\\Deleted"))
        assert b"\\Deleted" in idler.response()
        ok(other.expunge())
        assert idler.response() == b"* 1 EXPUNGE"
        idler.send("DONE\r\n")
        assert idler.response().startswith(b"i OK")


def test_sigterm_says_bye(suite, user):
    with suite.imap("imaps") as session:
        session.login(user.address, user.password)
        assert session.command("NOOP")[0] == "OK"
        suite.restart("imap")
        assert session.response().startswith(b"* BYE ")
        assert session.response() is None


def test_a_large_message(client):
    body = b"".join(b"line %07d of a large message, with some more text in it\r\n" % i for i in range(200000))
    sent = message("large") + body
    ok(client.append("INBOX", None, None, sent))
    ok(client.select("INBOX"))
    assert ok(client.fetch("1", "BODY.PEEK[]"))[0][1] == sent
    assert ok(client.fetch("1", "BODY.PEEK[TEXT]<5000000.1000>"))[0][1] == \
        sent[sent.index(b"\r\n\r\n") + 4:][5000000:5001000]
    assert ok(client.search(None, "BODY", '"line 0199999 of"')) == [b"1"]
    assert b'"text" "plain" NIL NIL NIL "7bit"' in ok(client.fetch("1", "BODYSTRUCTURE"))[0]
