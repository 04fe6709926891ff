"""SORT: RFC 5256 sections 2 and 3; SORT=DISPLAY: RFC 5957; ESORT: RFC 5267 section 3."""
import pytest

from harness.imap import login


def message(subject="x", sender="a@x.test", to="b@x.test", cc="", date="Sat, 21 Nov 2026 10:00:00 +0000", body="x"):
    return (f"From: {sender}\r\nTo: {to}\r\n" + (f"Cc: {cc}\r\n" if cc else "") + (f"Date: {date}\r\n" if date else "")
            + f"Subject: {subject}\r\n\r\n{body}\r\n").encode()


@pytest.fixture(scope="module")
def session(suite):
    user = suite.user()
    with login(suite, user) as session:
        yield session


@pytest.fixture
def fill(session, request):
    name = request.node.name[:60].replace("[", "_").replace("]", "")
    assert session.command(f'CREATE "{name}"')[0] == "OK", session.text

    def append(*messages):
        for text in messages:
            date, text = text if isinstance(text, tuple) else ("", text)
            assert session.command([f'APPEND "{name}" {date}{{{len(text)}}}', text + b"\r\n"])[0] == "OK", session.text
        assert session.command(f'SELECT "{name}"')[0] == "OK"
    yield append
    session.command("UNSELECT")


def sort(session, criteria, keys="ALL", verb="SORT"):
    status, lines = session.command(f"{verb} ({criteria}) UTF-8 {keys}")
    assert status == "OK" and lines[0].startswith(b"* SORT"), (session.text, lines)
    return [int(n) for n in lines[0].split()[2:]]


def test_rfc5256_dates_and_sizes(session, fill):
    fill(('"03-Jan-2020 00:00:00 +0000" ', message(date="Fri, 1 Jan 2021 23:00:00 -0800", body="xxx")),
         ('"01-Jan-2020 00:00:00 +0000" ', message(date="Sat, 2 Jan 2021 05:00:00 +0800", body="xx")),
         ('"02-Jan-2020 00:00:00 +0000" ', message(date=None, body="x" * 90)))
    assert sort(session, "ARRIVAL") == [2, 3, 1] and sort(session, "REVERSE ARRIVAL") == [1, 3, 2]
    # In UTC; without a Date field the internal date counts.
    assert sort(session, "DATE") == [3, 2, 1]
    assert sort(session, "SIZE") == [2, 1, 3] and sort(session, "REVERSE SIZE") == [3, 1, 2]
    assert sort(session, "ARRIVAL", "2:3", "UID SORT") == [2, 3]
    assert session.command("SORT (DATE) UTF-8 FROM nobody")[1] == [b"* SORT"]


def test_rfc5256_texts(session, fill):
    fill(message("Re: beta", "Zed <adam@x.test>", '"Émile" <e@x.test>', "y@x.test"),
         message("=?utf-8?Q?=C3=84pfel?=", "Bert <BERT@x.test>", "zoe@x.test", "x@x.test"),
         message("[list] Alpha (fwd)", "<carl@x.test>", "group: =?utf-8?Q?=C3=89a?= <q@x.test>;"), message("", "", ""))
    assert sort(session, "SUBJECT") == [4, 3, 2, 1]
    assert sort(session, "FROM") == [4, 1, 2, 3]
    assert sort(session, "CC") == [3, 4, 2, 1]
    assert sort(session, "TO") == [4, 1, 3, 2] and sort(session, "REVERSE TO") == [2, 3, 1, 4]


def test_rfc5256_many_criteria_and_ties(session, fill):
    fill(message("b", body="xx"), message("a", body="xx"), message("Re: b", body="x"), message("fwd: a"))
    assert sort(session, "SUBJECT DATE") == [2, 4, 1, 3]
    assert sort(session, "REVERSE SUBJECT SIZE") == [1, 3, 2, 4]
    # What is equal in all stays in the order of the folder, whatever is reversed.
    assert sort(session, "DATE") == sort(session, "REVERSE DATE") == [1, 2, 3, 4]


@pytest.mark.parametrize("subjects", [
    ["Re: x", "x", "RE : x", "Fwd: x", "fw:x", "Re[2]: x", "re [x] : x", "[blob] x", "[a] [b] Re: x", "x (fwd)", "x (FWD) (fwd) ",
     "[fwd: x]", "[Fwd: Re: x (fwd)]", "=?utf-8?Q?Re=3A_x?=", "Re:\tx", "[a]Re: [b] Fwd: x", "Re:   x"]])
def test_rfc5256_base_subjects(session, fill, subjects):
    fill(*(message(subject) for subject in subjects), message("y"))
    threads = session.command("THREAD ORDEREDSUBJECT UTF-8 ALL")[1][0]
    rest = "".join(f"({n})" for n in range(2, len(subjects) + 1))
    assert threads.decode() == f"* THREAD (1 {rest})({len(subjects) + 1})"


def test_rfc5256_what_is_no_prefix_stays(session, fill):
    fill(message("Rex: a"), message("[only]"), message("(fwd)"), message("[fwd: a"), message("re a"), message("[a] [b]"))
    assert len(session.command("THREAD ORDEREDSUBJECT UTF-8 ALL")[1][0].decode().split("(")) == 7


def test_rfc5957_display(session, fill):
    fill(message(sender="Zed <a@x.test>", to='"=?utf-8?Q?=C3=84a?=" <z@x.test>'), message(sender="mike@x.test", to="b@x.test"),
         message(sender='"adam" <z@x.test>', to="=?utf-8?B?w4Ri?= <a@x.test>"))
    assert sort(session, "DISPLAYFROM") == [3, 2, 1] and sort(session, "FROM") == [1, 2, 3]
    assert sort(session, "DISPLAYTO") == [1, 3, 2] and sort(session, "REVERSE DISPLAYTO") == [2, 3, 1]


def test_rfc5267_esort(session, fill):
    fill(message("c"), message("a"), message("d"), message("b"))

    def extended(command):
        line = session.command(command)[1][0].decode()
        prefix = f'* ESEARCH (TAG "a{session.count}")'
        assert line.startswith(prefix), line
        return line[len(prefix):].strip()
    assert extended("SORT RETURN () (SUBJECT) UTF-8 ALL") == "ALL 2,4,1,3"
    assert extended("UID SORT RETURN (MIN MAX COUNT) (REVERSE SUBJECT) UTF-8 ALL") == "UID MIN 3 MAX 2 COUNT 4"
    assert extended("SORT RETURN (PARTIAL 1:2) (SUBJECT) UTF-8 ALL") == "PARTIAL (1:2 2,4)"
    assert extended("SORT RETURN (COUNT) (SUBJECT) UTF-8 FROM nobody") == "COUNT 0"


def test_what_is_broken(session, fill):
    fill()
    for broken in ("() UTF-8 ALL", "(FOO) UTF-8 ALL", "(REVERSE) UTF-8 ALL", "(DATE) ALL", "(DATE) UTF-8", "(DATE UTF-8 ALL", "DATE UTF-8 ALL",
                   "(" + " ".join(["DATE"] * 17) + ") UTF-8 ALL"):
        assert session.command("SORT " + broken)[0] in ("BAD", "NO"), broken
    assert session.command("SORT (DATE) X-NONE ALL")[0] == "NO" and "BADCHARSET" in session.text
    assert session.command("THREAD FOO UTF-8 ALL")[0] == session.command("THREAD REFERENCES UTF-8")[0] == "BAD"
    assert session.command("THREAD REFERENCES UTF-8 ALL")[1] == [b"* THREAD"]
