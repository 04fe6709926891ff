"""PREVIEW, RFC 8970: the first words of a message, as a person would read them."""
import base64
import re

import pytest

from harness.imap import login

TEXTS = {
    "plain": ("Subject: a\r\n\r\nHello,\r\n\r\n  all   is\twell.\r\n", "Hello, all is well."),
    "empty": ("Subject: a\r\n\r\n\r\n\r\n", ""),
    "no text": ("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naGFsbG8=\r\n", ""),
    "base64": ("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n"
               + base64.b64encode("Grüße aus Köln".encode("latin-1")).decode() + "\r\n", "Grüße aus Köln"),
    "quoted-printable": ("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                         "caf=C3=A9 =E2=82=AC=\r\n5\r\n", "café €5"),
    "quotation first": ("Subject: Re: a\r\n\r\n> Shall we?\r\n> Or not?\r\nYes, we shall.\r\n", "Yes, we shall."),
    "quotation alone": ("Subject: Re: a\r\n\r\n> Shall we?\r\n", "> Shall we?"),
    "html": ("Content-Type: text/html\r\n\r\n<!DOCTYPE html><html><head><title>no</title><style>p { color: red }</style></head>"
             "<body><!-- hidden > too --><p title='a>b'>One<b>two</b></p><p>three &amp; &#8364;&#x41;&nbsp;&unknown; a < b</p>"
             "<script>if (a < b) x('</p>');</script>end</body></html>\r\n", "Onetwo three & €A &unknown; a < b end"),
    "hidden filling": ("Content-Type: text/html\r\n\r\n<div>Sale!&zwnj;&nbsp;&zwnj;&nbsp;&shy;&#847;</div><div>now</div>\r\n", "Sale! now"),
    "alternative": ("Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>HTML</p>\r\n"
                    "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n", "plain"),
    "attachment first": ("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n"
                         "Content-Disposition: attachment; filename=a.txt\r\n\r\nthe file\r\n"
                         "--b\r\nContent-Type: text/html\r\n\r\n<p>the letter</p>\r\n--b--\r\n", "the letter"),
    "broken bytes": (b"Content-Type: text/plain; charset=utf-8\r\n\r\nbad \xff\xfe end\r\n", "bad \ufffd\ufffd end"),
}


@pytest.fixture(scope="module")
def imap(suite):
    user = suite.user()
    with login(suite, user) as imap:
        assert imap.command("SELECT INBOX")[0] == "OK"
        yield imap


def append(imap, text):
    text = text if isinstance(text, bytes) else text.encode()
    assert imap.command([f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])[0] == "OK"


def fetch(imap, items="PREVIEW"):
    status, lines = imap.command(f"FETCH * {items}")
    assert status == "OK", imap.text
    return lines[0]


def preview(line):
    literal = re.search(rb'PREVIEW \{\d+\}\r\n(.*)\)$', line, re.S)
    quoted = re.search(rb'PREVIEW "(.*)"\)$', line)
    assert literal or quoted, line
    return (literal[1] if literal else re.sub(rb"\\(.)", rb"\1", quoted[1])).decode()


@pytest.mark.parametrize("kind", TEXTS)
def test_the_first_words(imap, kind):
    text, expected = TEXTS[kind]
    append(imap, text)
    assert preview(fetch(imap)) == expected


def test_the_capability_and_that_nothing_is_marked_seen(imap):
    assert b"PREVIEW" in imap.command("CAPABILITY")[1][0].split()
    append(imap, "Subject: a\r\n\r\nunread\r\n")
    fetch(imap)
    assert b"\\Seen" not in fetch(imap, "FLAGS")


def test_at_most_256_characters_and_whole_ones(imap):
    """Section 3.1: characters, not bytes."""
    append(imap, "Content-Type: text/plain; charset=utf-8\r\n\r\n" + "äöü€ 😀 " * 2000 + "\r\n")
    text = preview(fetch(imap))
    assert 100 <= len(text) <= 256 and set(text) <= set("äöü€ 😀")


def test_lazy(imap):
    """Section 4.1, alone and among others; another modifier is none."""
    append(imap, "Subject: a\r\n\r\nlazy\r\n")
    assert preview(fetch(imap, "PREVIEW (LAZY)")) == "lazy"
    assert b'PREVIEW "lazy"' in fetch(imap, "(PREVIEW (LAZY) UID)")
    assert imap.command("FETCH * (PREVIEW (EAGER))")[0] == "BAD"
