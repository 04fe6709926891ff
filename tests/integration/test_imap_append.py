"""APPEND of several messages (RFC 3502), of parts of messages that are there (CATENATE, RFC 4469) and of literal8 (RFC 3516, 6855)."""
import re

import pytest

from harness.imap import login, ok

ONE, TWO, THREE = (f"Subject: {name}\r\n\r\nbody of {name}\r\n" for name in ("one", "two", "three"))
PARTS = (b"Subject: source\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n"
         b"Content-Type: text/plain\r\n\r\nfirst part\r\n--b\r\nContent-Type: text/html\r\nX-Part: 2\r\n\r\n<p>second</p>\r\n--b--\r\n")


@pytest.fixture
def user(suite):
    return suite.user()


@pytest.fixture
def imap(suite, user):
    with login(suite, user) as imap:
        yield imap


def subjects(imap, folder="INBOX"):
    ok(imap, f"EXAMINE {folder}")
    lines = ok(imap, "UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    ok(imap, "UNSELECT")
    return [re.search(rb"Subject: (\w+)", line)[1].decode() for line in lines]


def nothing_in_tmp(user):
    return not list((user.maildir / "tmp").iterdir())


# --- RFC 3502 -----------------------------------------------------------------------------

def test_capabilities(imap):
    names = ok(imap, "CAPABILITY")[0].split()
    assert {b"MULTIAPPEND", b"CATENATE", b"BINARY", b"REPLACE"} <= set(names)


def test_several_messages_with_their_flags_and_dates(imap, user):
    ok(imap, [f'APPEND INBOX (\\Seen $One) "01-Feb-2020 10:00:00 +0000" {{{len(ONE)}}}', f"{ONE} (\\Flagged) {{{len(TWO)}}}\r\n",
              f"{TWO} {{{len(THREE)}}}\r\n", THREE + "\r\n"])
    assert re.fullmatch(r"OK \[APPENDUID \d+ 1:3\] appended", imap.text)
    ok(imap, "SELECT INBOX")
    lines = ok(imap, "FETCH 1:3 (UID FLAGS INTERNALDATE BODY.PEEK[])")
    for line, text, flags in zip(lines, (ONE, TWO, THREE), (b"\\Seen \\Recent $One", b"\\Flagged \\Recent", b"\\Recent")):
        assert text.encode() in line
        assert set(re.search(rb"FLAGS \(([^)]*)\)", line)[1].split()) - {b"\\Recent"} == set(flags.split()) - {b"\\Recent"}, line
    assert b'INTERNALDATE " 1-Feb-2020' in lines[0] and b"2020" not in lines[1].split(b"BODY")[0]
    assert nothing_in_tmp(user)


def test_without_waiting(imap):
    """LITERAL+ for all of them, with the next command behind."""
    imap.send(f"a APPEND INBOX {{{len(ONE)}+}}\r\n{ONE} {{{len(TWO)}+}}\r\n{TWO}\r\nb NOOP\r\n")
    assert imap.finish(b"a", imap.response(), [])[0] == "OK"
    assert imap.finish(b"b", imap.response(), [])[0] == "OK"
    assert subjects(imap) == ["one", "two"]


def test_more_than_are_open_at_a_time(imap, user):
    pieces = [f"Subject: n{number}\r\n\r\n{'x' * number}\r\n" for number in range(50)]
    text = "".join(f" {{{len(piece)}+}}\r\n{piece}" for piece in pieces)
    imap.send(f"a APPEND INBOX{text}\r\n")
    assert imap.finish(b"a", imap.response(), [])[0] == "OK"
    assert imap.text.startswith("OK [APPENDUID ") and " 1:50]" in imap.text
    assert subjects(imap) == [f"n{number}" for number in range(50)]
    assert nothing_in_tmp(user)


SECONDS = ["(\\Foo) {5+}\r\n\r\n\r\nx", "{0+}\r\n", "{5+}\r\n\r\n\r\nx (", "{5+}\r\n\r\n\r\nx FOO",
                                    "CATENATE (URL /INBOX/;UID=999)", "CATENATE ()"]


def test_all_or_none(imap, user):
    """What is wrong with the last one, or an empty one as a way to give up: none is there."""
    for second in SECONDS:
        imap.send(f"a APPEND INBOX {{{len(ONE)}+}}\r\n{ONE} {{{len(TWO)}+}}\r\n{TWO} {second}\r\nb NOOP\r\n")
        assert imap.finish(b"a", imap.response(), [])[0] in ("NO", "BAD"), second
        assert imap.finish(b"b", imap.response(), [])[0] == "OK", second
        assert not user.messages() and nothing_in_tmp(user), second


def test_a_refusal_comes_before_the_literal(imap):
    imap.send(f"a APPEND INBOX {{{len(ONE)}}}\r\n")
    assert imap.response().startswith(b"+")
    imap.send(f"{ONE} {{4000000000}}\r\n")
    assert imap.response().startswith(b"a NO [TOOBIG]")
    imap.send("b APPEND nosuch {10}\r\n")
    assert imap.response().startswith(b"b NO [TRYCREATE]")
    ok(imap, "NOOP")
    assert subjects(imap) == []


def test_a_literal_of_a_command_that_is_refused_is_no_command(imap):
    """Neither of one for which no folder is selected, nor of one that is broken."""
    for command in ("REPLACE 1 INBOX {12+}", "APPEND INBOX (\\Seen {12+}", "UID REPLACE x INBOX {12+}", "APPEND nosuch {12+}"):
        imap.send(f"a {command}\r\nx LOGOUT\r\n\r\n\r\nb NOOP\r\n")
        assert imap.finish(b"a", imap.response(), [])[0] in ("BAD", "NO"), command
        assert imap.finish(b"b", imap.response(), []) == ("OK", []), command


def test_into_the_selected_folder(imap):
    ok(imap, "SELECT INBOX")
    lines = ok(imap, [f"APPEND inbox {{{len(ONE)}}}", f"{ONE} {{{len(TWO)}}}\r\n", TWO + "\r\n"])
    assert b"* 2 EXISTS" in lines


# --- RFC 4469 -----------------------------------------------------------------------------

@pytest.fixture
def source(imap):
    """A message in Drafts with two parts: its URL."""
    ok(imap, "CREATE Drafts")
    ok(imap, [f"APPEND Drafts {{{len(PARTS)}}}", PARTS + b"\r\n"])
    validity, uid = re.search(r"APPENDUID (\d+) (\d+)", imap.text).groups()
    return f"/Drafts;UIDVALIDITY={validity}/;UID={uid}"


def content(imap, uid="*"):
    ok(imap, "SELECT INBOX")
    line = ok(imap, f"UID FETCH {uid} (BODY.PEEK[])")[0]
    return line[line.index(b"}\r\n") + 3:-1]


def test_the_example(imap, source):
    """RFC 4469 section 3: header and a part of a draft, texts between them."""
    texts = ["\r\n--b\r\n", "\r\n--b\r\n", "\r\n--b--\r\n"]
    ok(imap, [f'APPEND INBOX (\\Seen \\Draft $MDNSent) CATENATE (URL "{source}/;SECTION=HEADER" TEXT {{{len(texts[0])}}}',
              f'{texts[0]} URL "{source}/;section=1.MIME" URL "{source}/;section=1" TEXT {{{len(texts[1])}}}\r\n',
              f'{texts[1]} URL "{source}/;section=2.MIME" URL "{source}/;section=2" TEXT {{{len(texts[2])}}}\r\n', f"{texts[2]})\r\n"])
    header, _, rest = PARTS.partition(b"\r\n\r\n")
    assert content(imap) == header + b"\r\n\r\n\r\n" + rest.partition(b"\r\n")[2]
    assert b"\\Draft" in ok(imap, "FETCH 1 FLAGS")[0]
    ok(imap, "EXAMINE Drafts")
    assert b"\\Seen" not in ok(imap, "FETCH 1 FLAGS")[0]


URLS = [("", PARTS), ("/;SECTION=2", b"<p>second</p>"), ("/;PARTIAL=9.6", b"source"),
                                         ("/;SECTION=TEXT/;PARTIAL=0.8", b"preamble"), ("/;SECTION=HEADER/;PARTIAL=20", PARTS[20:PARTS.index(b"preamble")]),
                                         ("/;SECTION=HEADER.FIELDS%20(SUBJECT)", b"Subject: source\r\n\r\n")]


def test_what_an_url_names(imap, source):
    for tail, wanted in URLS:
        ok(imap, f'APPEND INBOX CATENATE (URL "{source}{tail}")')
        assert content(imap) == wanted, tail


def test_urls_of_the_selected_folder_and_as_literals(imap, source):
    ok(imap, "SELECT Drafts")
    url = ";UID=1/;SECTION=1"
    ok(imap, [f"APPEND INBOX CATENATE (URL {{{len(url)}}}", f"{url} URL {{{len(url) + 1}}}\r\n", f"/{url})\r\n"])
    ok(imap, f"APPEND INBOX CATENATE (URL {source[1:]}) (\\Flagged) CATENATE (URL {url})")
    assert content(imap, 1) == b"first partfirst part" and content(imap, 2) == PARTS and content(imap, 3) == b"first part"


def test_a_folder_beyond_ascii(imap):
    ok(imap, 'CREATE "Entw&APw-rfe"')
    ok(imap, [f'APPEND "Entw&APw-rfe" {{{len(ONE)}}}', ONE + "\r\n"])
    ok(imap, "APPEND INBOX CATENATE (URL \"/Entw%C3%BCrfe/;UID=1\")")
    assert content(imap) == ONE.encode()


BAD_URLS = ["/Drafts;UIDVALIDITY=1/;UID=1", "/Drafts/;UID=7", "/nosuch/;UID=1", "/Drafts/;UID=1/;SECTION=9", "/Drafts", "",
                                 "imap://elsewhere.test/INBOX/;UID=1", "//elsewhere.test/INBOX/;UID=1", "/Drafts/;UID=4294967296", ";UID=1",
                                 "/../;UID=1", "/%2e%2e%2f/;UID=1", "/Drafts%00/;UID=1", "/Drafts/;UID=1/;SECTION=FOO", "/%C3/;UID=1", "/%/;UID=1",
                                 "/Drafts/;UID=1/;PARTIAL=x", "/Drafts/;UID=1;URLAUTH=anonymous:INTERNAL:00"]


def test_bad_urls(imap, user, source):
    """What is none, names nothing, or is another server's."""
    for url in BAD_URLS:
        assert imap.command(f'APPEND INBOX CATENATE (URL "{url}")')[0] == "NO", url
        assert imap.text.startswith(f"NO [BADURL {url}] " if url else "NO "), url
    assert source and not user.messages() and nothing_in_tmp(user)


def test_what_an_url_says_ends_no_response(imap):
    assert imap.command('APPEND INBOX CATENATE (URL "/x]\\"y z\xe4/;UID=1")'.encode("latin-1"))[0] == "NO"
    assert imap.text.startswith("NO [BADURL /x%5D%22y%20z%E4/;UID=1] ")


def test_too_big_together(imap, user, source):
    """Each part is small enough, the sum is not."""
    text = "x" * 1000000
    imap.send("a APPEND INBOX CATENATE (" + " ".join(["TEXT {9+}\r\nSubject: "] + [f"TEXT {{{len(text)}+}}\r\n{text}"] * 56) + ")\r\nb NOOP\r\n")
    assert imap.finish(b"a", imap.response(), [])[0] == "NO" and imap.text.startswith("NO [TOOBIG]")
    assert imap.finish(b"b", imap.response(), [])[0] == "OK"
    assert source and not user.messages() and nothing_in_tmp(user)


def test_rfc6855_a_part_in_utf8(imap):
    """Section 4: cat-part =/ "UTF8" SP "(" literal8 ")"."""
    header, body = "Subject: gr\u00fcn\r\n".encode(), b"\r\nnaturally\r\n"
    ok(imap, [f"APPEND INBOX CATENATE (UTF8 (~{{{len(header)}}}", header + b") TEXT {%d}\r\n" % len(body), body + b")\r\n"])
    assert content(imap) == header + body


def test_bad_parts(imap):
    for parts in ("()", "(TEXT UTF8 (~{1+}\r\nx))", "(UTF8 ~{1+}\r\nx)", "(UTF8 (x))", "(URL)", "(TEXT)", "(TEXT x)", "(FOO x)", "", "(TEXT {1+}\r\nx", "(TEXT {1+}\r\nx TEXT)"):
        assert imap.command(f"APPEND INBOX CATENATE {parts}")[0] == "BAD", parts


# --- literal8: RFC 3516 section 4.4 ---------------------------------------------------------

BINARY = bytes(range(256)) * 3 + b"\n\r\r\n\0"
MIXED = (b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n"
         b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn\r\n"
         b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + BINARY + b"\r\n--b--\r\n")


def test_no_byte_of_a_binary_part_is_lost(imap):
    ok(imap, [f"APPEND INBOX (\\Seen) ~{{{len(MIXED)}}}", MIXED + b"\r\n"])
    ok(imap, "SELECT INBOX")
    line = ok(imap, "FETCH 1 (BINARY.PEEK[2] BINARY.SIZE[2] BINARY.PEEK[1])")[0]
    assert b"BINARY[2] ~{%d}\r\n" % len(BINARY) + BINARY + b" BINARY.SIZE[2] %d BINARY[1] {5}\r\ngr\xc3\xbcn)" % len(BINARY) in line
    structure = ok(imap, "FETCH 1 BODYSTRUCTURE")[0].lower()
    assert b'"octet-stream" nil nil nil "base64"' in structure and b'"8bit"' in structure and b'"binary"' not in structure
    header = ok(imap, "FETCH 1 BODY.PEEK[HEADER]")[0]
    assert b"Content-Transfer-Encoding: 8bit" in header and b"binary\r\n\r\n" not in header


@pytest.mark.parametrize("form", ["~{%d}", "UTF8 (~{%d}"])
def test_a_literal8_that_needs_no_change_gets_none(imap, form):
    text = "Subject: gr\u00fcn\r\n\r\nnaturally gr\u00fcn\r\n".encode() + b"x" * 2000 + b"\r\n"
    ok(imap, ["APPEND INBOX " + form % len(text), text + (b")" if "(" in form else b"") + b"\r\n"])
    assert content(imap) == text


def test_a_nul_that_has_no_place(imap, user):
    text = b"Subject: x\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\0\r\n"
    assert imap.command([f"APPEND INBOX ~{{{len(text)}}}", text + b"\r\n"])[0] == "NO"
    assert imap.text.startswith("NO [UNKNOWN-CTE]") and not user.messages() and nothing_in_tmp(user)
