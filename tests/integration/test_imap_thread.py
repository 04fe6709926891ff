"""THREAD: RFC 5256 section 3, ORDEREDSUBJECT and REFERENCES; REFS: draft-ietf-morg-inthread."""
import pytest

from harness.imap import login


def message(name, parents="", subject="x", minute=0, reply=None):
    head = f"Message-ID: <{name}@x.test>\r\n" if name else ""
    if parents:
        head += "References: " + " ".join(f"<{p}@x.test>" for p in parents.split()) + "\r\n"
    if reply:
        head += f"In-Reply-To: {reply}\r\n"
    return (head + f"From: a@x.test\r\nDate: Sat, 21 Nov 2026 10:{minute:02}:00 +0000\r\nSubject: {subject}\r\n\r\nx\r\n").encode()


@pytest.fixture(scope="module")
def session(suite):
    user = suite.user()
    with login(suite, user) as session:
        yield session


@pytest.fixture
def fill(session, request):
    name = request.node.name[:60]
    assert session.command(f'CREATE "{name}"')[0] == "OK", session.text

    def append(*messages):
        for text in messages:
            date, text = text if isinstance(text, tuple) else ("", text)
            assert session.command([f'APPEND "{name}" {date}{{{len(text)}}}', text + b"\r\n"])[0] == "OK", session.text
        assert session.command(f'SELECT "{name}"')[0] == "OK"
    yield append
    session.command("UNSELECT")


def thread(session, algorithm="REFERENCES", keys="ALL", verb="THREAD"):
    status, lines = session.command(f"{verb} {algorithm} UTF-8 {keys}")
    assert status == "OK" and lines[0].startswith(b"* THREAD"), (session.text, lines)
    return lines[0].decode()[len("* THREAD "):]


def test_rfc5256_orderedsubject(session, fill):
    fill(message("a", subject="one", minute=5), message("b", subject="Re: two", minute=1), message("c", subject="re: One", minute=7),
         message("d", subject="two", minute=9), message("e", subject="[l] Fwd: one", minute=6), message("f", subject="three", minute=2))
    assert thread(session, "ORDEREDSUBJECT") == "(2 4)(6)(1 (5)(3))"


def test_rfc5256_the_shape_of_the_grammar(session, fill):
    # "(2)(3 6 (4 23)(44 7 96))" of section 4
    fill(message("m1"), message("m2", subject="other", minute=1), message("m3", "m1", minute=2), message("m4", "m1 m3", minute=3),
         message("m5", "m1 m3 m4", minute=4), message("m6", "m1 m3", minute=5), message("m7", "m1 m3 m6", minute=6))
    assert thread(session) == "(1 3 (4 5)(6 7))(2)"
    assert thread(session, keys="3:7") == "(3 (4 5)(6 7))"
    assert thread(session, verb="UID THREAD", keys="SUBJECT other") == "(2)"


def test_rfc5256_references_of_messages_that_are_not_there(session, fill):
    fill(message("a", "gone", "q", 1), message("b", "gone", "r", 2), message("c", "far away b", "s", 3), message("d", "lost", "t", 4))
    # b's parent is what was said by itself; "lost" has one child, which stands alone.
    assert thread(session) == "((1)(2 3))(4)"


def test_rfc5256_in_reply_to_when_there_are_no_references(session, fill):
    fill(message("a"), message("b", subject="y", minute=1, reply="message of <a@x.test> from Anna <anna@x.test>"),
         message("c", subject="z", minute=2, reply="nothing of use"))
    assert thread(session) == "(1 2)(3)"


def test_rfc5256_loops_and_equal_ids(session, fill):
    fill(message("a", "b", "p", 1), message("b", "a", "q", 2), message("c", "c", "r", 3), message("c", "", "s", 4), message("", "a", "t", 5))
    shape = thread(session)
    assert sorted(int(n) for n in shape.replace("(", " ").replace(")", " ").split()) == [1, 2, 3, 4, 5], shape
    assert "(3)" in shape and "(4)" in shape


def test_rfc5256_a_quoted_id_is_the_same(session, fill):
    first = message("a").replace(b"<a@x.test>", b'<"01KF8JCEOCBS0045PS"@xxx.yyy.com>')
    second = message("b", subject="y", minute=1, reply="<01KF8JCEOCBS0045PS@xxx.yyy.com>")
    fill(first, second)
    assert thread(session) == "(1 2)"


def test_rfc5256_threads_of_one_subject(session, fill):
    # A reply becomes a child, equals become siblings beneath nobody.
    fill(message("a", subject="one"), message("b", subject="Re: one", minute=1), message("c", subject="two", minute=2),
         message("d", subject="two", minute=3), message("e", subject="Fwd: two", minute=4))
    assert thread(session) == "(1 2)((3)(4)(5))"
    assert thread(session, "REFS") == "(1)(2)(3)(4)(5)"


def test_rfc5256_siblings_are_in_the_order_of_their_dates(session, fill):
    fill(message("a", minute=30), message("b", "a", "p", 20), message("c", "a", "q", 10), message("d", subject="r", minute=5))
    assert thread(session) == "(4)(1 (3)(2))"


def test_refs_has_the_thread_last_that_got_the_newest_message(session, fill):
    fill(('"01-Jan-2020 00:00:00 +0000" ', message("a", subject="p", minute=1)),
         ('"02-Jan-2020 00:00:00 +0000" ', message("b", subject="q", minute=2)),
         ('"03-Jan-2020 00:00:00 +0000" ', message("c", "a", "r", 0)))
    assert thread(session, "REFS") == "(2)(1 3)"
    assert thread(session) == "(1 3)(2)"


def test_a_chain_deeper_than_any_is_answered(session, fill):
    names = [f"n{i}" for i in range(150)]
    fill(message("n149", " ".join(names[:-1])), message("n0"), message("n75", " ".join(names[:75]), minute=1))
    assert thread(session) == "(2 3 1)"
