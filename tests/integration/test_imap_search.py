"""SEARCH: RFC 9051 section 6.4.4 (RFC 3501), and what extends it: ESEARCH (RFC 4731), SEARCHRES (RFC 5182), WITHIN (RFC 5032),
PARTIAL as a result option (RFC 9394), save dates (RFC 8514), MODSEQ (RFC 7162), i;unicode-casemap (RFC 5051, RFC 5255)."""
import base64
import itertools
import os
import quopri
import re
import time

import pytest

from harness.imap import login

numbers = itertools.count(1)

PLAIN = b"From: anna@example.test\r\nSubject: %s\r\n\r\n%s\r\n"


def append(session, text, folder="INBOX", date=""):
    text = text.encode() if isinstance(text, str) else text
    assert session.command([f"APPEND {folder} {date}{{{len(text)}}}", text + b"\r\n"])[0] == "OK", session.text


def mime(charset, text, encoding="8bit", subject="x", kind="text/plain"):
    body = text.encode(charset)
    if encoding == "base64":
        body = base64.encodebytes(body).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        body = quopri.encodestring(body).replace(b"\n", b"\r\n")
    return (f"From: a@example.test\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: {kind}; charset={charset}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode() + body + b"\r\n"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


@pytest.fixture(scope="module")
def session(suite, user):
    with login(suite, user) as session:
        yield session


@pytest.fixture
def folder(session, request):
    """An empty folder, selected."""
    name = request.node.name.split("[")[0] + f"_{next(numbers)}"
    assert session.command(f'CREATE "{name}"')[0] == "OK", session.text
    yield name
    session.command("UNSELECT")
    session.command(f'DELETE "{name}"')


def fill(session, folder, *messages):
    for message in messages:
        append(session, message, f'"{folder}"')
    assert session.command(f'SELECT "{folder}"')[0] == "OK"


def search(session, keys, *literals, verb="SEARCH"):
    status, lines = session.command([f"{verb} {keys}", *literals] if literals else f"{verb} {keys}")
    assert status == "OK", session.text
    found = [line for line in lines if line.startswith(b"* SEARCH")]
    assert len(found) == 1, lines
    return [int(n) for n in found[0].split()[2:]]


def literal(text, charset="utf-8", key="TEXT", prefix="CHARSET {} "):
    raw = text.encode(charset) if isinstance(text, str) else text
    return prefix.format(charset) + f"{key} {{{len(raw)}}}", raw + b"\r\n"


# --- charsets -----------------------------------------------------------------------------------------------------------

CHARSETS = [("gb18030", "你好世界"), ("gb2312", "你好世界"), ("gbk", "你好世界"), ("big5", "繁體中文"), ("shift_jis", "日本語テスト"),
            ("iso-2022-jp", "日本語テスト"), ("euc-jp", "日本語テスト"), ("euc-kr", "한국어 시험"), ("koi8-r", "Привет мир"),
            ("windows-1250", "žluťoučký"), ("windows-1251", "Привет мир"), ("windows-1252", "Grüße €"), ("windows-1253", "Καλημέρα"),
            ("windows-1254", "İstanbul ğ"), ("windows-1255", "שלום"), ("windows-1256", "مرحبا"), ("windows-1257", "ąčęė"),
            ("windows-1258", "ơư"), ("iso-8859-2", "žluťoučký"), ("iso-8859-15", "Grüße €"), ("utf-16", "Grüße 你好")]


def test_stored_charsets_are_read_in_headers_and_bodies(session, folder):
    messages = []
    for charset, text in CHARSETS:
        word = base64.b64encode(text.encode(charset)).decode()
        messages.append(mime(charset, text, "base64", f"=?{charset}?B?{word}?="))
    fill(session, folder, *messages)
    for number, (charset, text) in enumerate(CHARSETS, 1):
        assert number in search(session, *literal(text, key="SUBJECT")), charset
        assert number in search(session, *literal(text, key="BODY")), charset


@pytest.mark.parametrize("charset,text", CHARSETS[:16], ids=[charset for charset, _ in CHARSETS[:16]])
def test_the_clients_charset(session, folder, charset, text):
    fill(session, folder, mime("utf-8", text, "quoted-printable"), mime("utf-8", "other", "quoted-printable"))
    assert search(session, *literal(text, charset, "BODY")) == [1]


def test_gb18030_beyond_the_first_plane(session, folder):
    fill(session, folder, mime("gb18030", "before \U00020000\U0001f600 after", "base64"))
    assert search(session, *literal("\U00020000\U0001f600 AFTER", key="BODY")) == [1]
    assert search(session, *literal("\U0001f600 after", "gb18030", "BODY")) == [1]


def test_badcharset_names_the_known_ones(session, folder):
    fill(session, folder)
    assert session.command("SEARCH CHARSET X-NONE TEXT a")[0] == "NO"
    listed = re.search(r"\[BADCHARSET \(([^)]*)\)\]", session.text)[1].split()
    assert {"US-ASCII", "UTF-8", "GB18030", "Big5", "Shift_JIS", "EUC-KR", "KOI8-R", "windows-1252"} <= set(listed)
    for name in listed:
        assert search(session, f"CHARSET {name} ALL") == []


# --- what is compared ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stored,asked", [("Grüße aus KÖLN", "köln"), ("ΣΊΣΥΦΟΣ σίσυφος", "Σίσυφοσ"), ("ПРИВЕТ", "привет"),
                                          ("café", "CAFE\u0301"), ("ﬁne", "FINE"), ("ＡＢＣ", "abc"), ("Ångström", "\u212bngstr"),
                                          ("한국", "\u1112\u1161\u11ab")])
def test_rfc5051_unicode_casemap(session, folder, stored, asked):
    fill(session, folder, mime("utf-8", stored), mime("utf-8", "nothing of it"))
    assert search(session, *literal(asked, key="BODY")) == [1]


def test_a_text_is_found_at_every_place_of_the_pieces_in_which_a_message_is_read(session, folder):
    for size in (8190, 8191, 8192, 16382, 16383):
        append(session, mime("utf-8", "ü" * (size // 2) + "x" * (size % 2) + "näDLE", "base64"), f'"{folder}"')
        append(session, mime("utf-8", "y" * size + "näDLE", "8bit"), f'"{folder}"')
    fill(session, folder)
    assert search(session, *literal("Nädle", key="BODY")) == list(range(1, 11))


def test_encoded_words_and_folds(session, folder):
    fill(session, folder,
         "Subject: =?utf-8?Q?Gr=C3=BC=C3=9F_?=\r\n =?utf-8?Q?Gott?= and\r\n\tmore\r\n\r\nbody\r\n",
         "Subject: =?utf-8?B?ww==?= =?utf-8?B?vHg=?=\r\n\r\nbody\r\n",
         "Subject: =?x-none?Q?raw?=\r\n\r\nbody\r\n", "Subject: a=_b =?us-ascii?Q?c=5Fd_e?=\r\n\r\nbody\r\n")
    assert search(session, *literal("Grüß Gott and\tmore", key="SUBJECT")) == [1]
    # A character that was cut over two words.
    assert search(session, *literal("üx", key="SUBJECT")) == [2]
    assert search(session, 'SUBJECT "=?x-none?Q?raw?="') == [3]
    assert search(session, 'SUBJECT "a=_b c_d e"') == [4]


def test_parts(session, folder):
    inner = base64.encodebytes("geheim Wörter".encode()).decode().strip()
    fill(session, folder,
         "Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n"
         "Content-Type: text/html; charset=utf-8; name=fieldonly\r\nContent-Transfer-Encoding: base64\r\n\r\n" + inner + "\r\n--b\r\n"
         "Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?Q?inn=65r?=\r\n\r\nwithin\r\n--b\r\n"
         "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nZ2VoZWlt\r\n--b--\r\n")
    assert search(session, *literal("GEHEIM WÖRTER", key="BODY")) == [1]
    assert search(session, "BODY within") == search(session, "BODY inner") == [1]
    assert search(session, "BODY fieldonly") == [] and search(session, "TEXT fieldonly") == [1]
    assert search(session, "BODY outer") == [] and search(session, "TEXT outer") == [1]
    assert search(session, "BODY Z2VoZWlt") == []
    assert search(session, 'TEXT "subject: outer"') == [1]


def test_rfc9051_every_key(session, folder):
    fill(session, folder,
         "From: Smith <s@a.test>\r\nTo: t@b.test\r\nCc: c@c.test\r\nBcc: d@d.test\r\nDate: Sun, 1 Feb 1994 23:30:00 -0800\r\n"
         "X-Empty:\r\nSubject: one\r\n\r\nbody\r\n",
         "From: jones@a.test\r\nDate: Mon, 2 Feb 1994 00:30:00 +0800\r\nSubject: two\r\n\r\n" + "long " * 300 + "\r\n")
    session.command("STORE 1 FLAGS (\\Answered \\Deleted \\Draft \\Flagged \\Seen $Forwarded)")
    for key in ("ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN", "KEYWORD $Forwarded"):
        assert search(session, key) == [1], key
        assert search(session, "UN" + key) == search(session, "NOT " + key) == [2], key
    assert search(session, 'FROM "Smith"') == search(session, "TO t@b") == search(session, "CC c@") == search(session, "BCC d@") == [1]
    assert search(session, 'HEADER X-Empty ""') == [1] and search(session, 'HEADER Subject ""') == [1, 2]
    assert search(session, "LARGER 1000") == [2] and search(session, "SMALLER 1000") == [1]
    # RFC 3501: time and zone do not matter.
    assert search(session, "SENTON 1-Feb-1994") == [1] and search(session, "SENTSINCE 2-Feb-1994") == [2]
    assert search(session, "SENTBEFORE 2-Feb-1994") == [1]
    assert search(session, "OR SUBJECT one SUBJECT two") == [1, 2] and search(session, "(SUBJECT one) (NOT SUBJECT two)") == [1]
    assert search(session, 'FLAGGED SINCE 1-Feb-1994 NOT FROM "Jones"') == [1]
    assert search(session, "ALL", verb="UID SEARCH") == [1, 2]
    for broken in ("", "FOO", "OR ALL", "(ALL", "NOT", "SINCE 1-Foo-1994", "LARGER x", "ALL)", "UID 0"):
        assert session.command("SEARCH " + broken)[0] == "BAD", broken


def test_rfc3501_recent_new_and_old(suite):
    user = suite.user()
    for _ in range(2):
        suite.tool("deliver", "-d", user.address, input="Subject: x\n\n")
    with suite.imap("imaps") as session:
        assert session.login(user.address, user.password)[0] == session.command("SELECT INBOX")[0] == "OK"
        session.command("STORE 1 +FLAGS.SILENT (\\Seen)")
        assert search(session, "RECENT") == [1, 2] and search(session, "NEW") == [2] and search(session, "OLD") == []
        session.command("SELECT INBOX")
        assert search(session, "OLD") == [1, 2] and search(session, "NEW") == []


# --- extensions ----------------------------------------------------------------------------------------------------------------

@pytest.fixture
def ten(session, folder):
    fill(session, folder, *(f"Subject: n{n}\r\n\r\nx\r\n" for n in range(1, 11)))
    session.command("STORE 2,3,5,10 +FLAGS.SILENT (\\Flagged)")
    return session


def extended(session, command):
    """What ESEARCH says behind its tag; None: nothing."""
    status, lines = session.command(command)
    assert status == "OK", session.text
    lines = [line.decode() for line in lines if line.startswith((b"* ESEARCH", b"* SEARCH"))]
    if not lines:
        return None
    prefix = f'* ESEARCH (TAG "a{session.count}")'
    assert len(lines) == 1 and lines[0].startswith(prefix), lines
    return lines[0][len(prefix):].strip()


def test_rfc4731_esearch(ten):
    assert extended(ten, "SEARCH RETURN (MIN COUNT) FLAGGED") == "MIN 2 COUNT 4"
    assert extended(ten, "SEARCH RETURN () FLAGGED") == extended(ten, "SEARCH RETURN (ALL) FLAGGED") == "ALL 2:3,5,10"
    assert extended(ten, "UID SEARCH RETURN (MIN MAX) FLAGGED") == "UID MIN 2 MAX 10"
    assert extended(ten, "SEARCH RETURN (MIN MAX ALL COUNT) FROM nobody") == "COUNT 0"
    assert extended(ten, "SEARCH RETURN (ALL) FROM nobody") == ""
    assert extended(ten, "SEARCH RETURN (COUNT) CHARSET UTF-8 FLAGGED") == "COUNT 4"
    for broken in ("RETURN (FOO) ALL", "RETURN ALL", "RETURN (MIN", "RETURN (MIN )", "RETURN (MIN)"):
        assert ten.command("SEARCH " + broken)[0] == "BAD", broken


def test_rfc5182_searchres(ten):
    assert extended(ten, "SEARCH RETURN (SAVE) FLAGGED") is None
    assert [line.split()[1] for line in ten.command("FETCH $ (UID)")[1]] == [b"2", b"3", b"5", b"10"]
    assert extended(ten, "SEARCH RETURN (ALL) NOT $") == "ALL 1,4,6:9"
    assert extended(ten, "SEARCH RETURN (ALL) UID $ SUBJECT n1") == "ALL 10"
    # What is expunged leaves it; numbers move with the messages.
    ten.command("STORE 3 +FLAGS.SILENT (\\Deleted)")
    ten.command("EXPUNGE")
    assert extended(ten, "SEARCH RETURN (ALL) $") == "ALL 2,4,9"
    # A failed search with SAVE empties it, one that was not understood leaves it.
    ten.command("SEARCH RETURN (SAVE) FOO")
    assert extended(ten, "SEARCH RETURN (COUNT) $") == "COUNT 3"
    assert ten.command("SEARCH RETURN (SAVE) CHARSET X-NONE TEXT a")[0] == "NO"
    assert extended(ten, "SEARCH RETURN (COUNT) $") == "COUNT 0"
    for options, saved in (("SAVE MIN", "2"), ("SAVE MAX", "9"), ("SAVE MIN MAX", "2,9"), ("SAVE MIN COUNT", "2,4,9"),
                           ("SAVE ALL MIN", "2,4,9"), ("SAVE PARTIAL 1:2", "2,4")):
        extended(ten, f"SEARCH RETURN ({options}) FLAGGED")
        assert extended(ten, "SEARCH RETURN (ALL) $") == "ALL " + saved, options
    ten.command("UID STORE $ +FLAGS.SILENT (\\Answered)")
    assert extended(ten, "SEARCH RETURN (ALL) ANSWERED") == "ALL 2,4"
    ten.command("SORT RETURN (SAVE) (SUBJECT) UTF-8 FLAGGED")
    assert ten.command("MOVE $ INBOX")[0] == "OK" and extended(ten, "SEARCH RETURN (COUNT) ALL") == "COUNT 6"
    # Another folder begins with nothing.
    ten.command("EXAMINE INBOX")
    assert extended(ten, "SEARCH RETURN (COUNT) $") == "COUNT 0"
    ten.command("STORE 1:* +FLAGS (\\Deleted)")


def test_rfc9394_partial(ten):
    assert extended(ten, "SEARCH RETURN (PARTIAL 1:3) ALL") == "PARTIAL (1:3 1:3)"
    assert extended(ten, "SEARCH RETURN (PARTIAL -1:-3) ALL") == "PARTIAL (-1:-3 8:10)"
    assert extended(ten, "UID SEARCH RETURN (COUNT PARTIAL 3:100) FLAGGED") == "UID COUNT 4 PARTIAL (3:100 5,10)"
    assert extended(ten, "SEARCH RETURN (PARTIAL 100:200) ALL") == "PARTIAL (100:200 NIL)"
    for broken in ("0:1", "1", "1:-1", "x", "4294967296:1"):
        assert ten.command(f"SEARCH RETURN (PARTIAL {broken}) ALL")[0] == "BAD", broken
    assert ten.command("SEARCH RETURN (ALL PARTIAL 1:2) ALL")[0] == "BAD"


def test_rfc5032_within(session, folder):
    now = time.time()
    for age in (10, 7200, 90000):
        when = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(now - age))
        append(session, "Subject: x\r\n\r\nx\r\n", f'"{folder}"', f'"{when}" ')
    fill(session, folder)
    assert search(session, "YOUNGER 3600") == [1] and search(session, "OLDER 3600") == [2, 3]
    assert search(session, "YOUNGER 86400 OLDER 3600") == [2]
    assert session.command("SEARCH YOUNGER 0")[0] == session.command("SEARCH OLDER -1")[0] == "BAD"


def test_rfc8514_save_dates(session, folder):
    append(session, "Subject: x\r\n\r\nx\r\n", f'"{folder}"', '"01-Feb-2010 10:00:00 +0000" ')
    fill(session, folder)
    today = time.strftime("%d-%b-%Y", time.gmtime())
    yesterday = time.strftime("%d-%b-%Y", time.gmtime(time.time() - 86400))
    assert search(session, "BEFORE 1-Jan-2011") == search(session, f"SAVEDSINCE {yesterday}") == [1]
    assert search(session, "SAVEDBEFORE 1-Jan-2011") == [] and search(session, "SAVEDATESUPPORTED") == [1]
    assert 1 in search(session, f"OR SAVEDON {today} SAVEDON {yesterday}")


def test_rfc7162_modseq(ten):
    line = [line for line in ten.command("SEARCH MODSEQ 1")[1] if line.startswith(b"* SEARCH")][0].decode()
    highest = int(re.fullmatch(r"\* SEARCH 1 2 3 4 5 6 7 8 9 10 \(MODSEQ (\d+)\)", line)[1])
    assert ten.command(f"SEARCH MODSEQ {highest + 1}")[1] == [b"* SEARCH"]
    assert search(ten, "ALL") == list(range(1, 11))
    assert re.fullmatch(r"COUNT \d+ MODSEQ %d" % highest, extended(ten, f'SEARCH RETURN (COUNT) MODSEQ "/flags/\\\\seen" all {highest}'))


def test_header_fields_of_the_index_are_searched_without_the_files(session, folder, user):
    fill(session, folder, PLAIN % (b"alpha", b"one"), PLAIN % (b"beta", b"two"))
    assert search(session, "SUBJECT beta") == [2]
    for path in (user.maildir / f".{folder}" / "cur").iterdir():
        os.chmod(path, 0)
    assert search(session, "FROM anna SUBJECT alpha") == [1]
    assert session.command("SORT (SUBJECT FROM DATE) UTF-8 ALL")[1] == [b"* SORT 1 2"]
    assert session.command("THREAD REFERENCES UTF-8 ALL")[1] == [b"* THREAD (1)(2)"]
