"""LIST: RFC 3501 section 6.3.8, RFC 5258 (LIST-EXTENDED), RFC 5819 (LIST-STATUS), RFC 3348 (CHILDREN), RFC 6154 (SPECIAL-USE)."""
import re

import pytest

from harness.imap import login

# The folders of RFC 5258 section 5, with '.' between levels; Foo is no folder, nor is Vegetable.Broccoli, which is subscribed.
FOLDERS = ["Fruit", "Fruit.Apple", "Fruit.Banana", "Tofu", "Vegetable", "Vegetable.Corn", "Foo.Bar.Baz", "Sent"]
SUBSCRIBED = ["INBOX", "Fruit.Banana", "Vegetable", "Vegetable.Broccoli"]


@pytest.fixture(scope="module")
def session(suite):
    user = suite.user()
    with login(suite, user) as session:
        # So that nothing is there but these.
        for line in session.command('LIST "" "*"')[1]:
            session.command("DELETE " + line.split()[-1].decode())
        for name in FOLDERS:
            assert session.command(f"CREATE {name}")[0] == "OK", session.text
        session.command("CREATE Vegetable.Broccoli")
        for name in SUBSCRIBED:
            assert session.command(f"SUBSCRIBE {name}")[0] == "OK", session.text
        session.command("DELETE Vegetable.Broccoli")
        session.command("SUBSCRIBE Vegetable.Broccoli")
        for text in ("a", "b"):
            assert session.command(["APPEND Tofu {14}", f"Subject: {text}\r\n\r\n\r\n"])[0] == "OK", session.text
        yield session


def listed(session, arguments):
    """{name: attributes and what follows the name}, in the order of the answer."""
    status, lines = session.command("LIST " + arguments)
    assert status == "OK", session.text
    names = {}
    for line in lines:
        if line.startswith(b"* LIST"):
            attributes, name, more = re.fullmatch(rb'\* LIST \(([^)]*)\) "\." ("[^"]*"|\S+)( .*)?', line).groups()
            assert name not in names, lines
            names[name.decode()] = attributes.decode() + (more or b"").decode()
    return names


def test_rfc3501_and_rfc3348_what_a_plain_list_tells(session):
    assert listed(session, '"" "%"') == {"INBOX": "\\HasNoChildren", "Foo": "\\Noselect \\HasChildren", "Fruit": "\\HasChildren",
                                         "Sent": "\\HasNoChildren \\Sent", "Tofu": "\\HasNoChildren", "Vegetable": "\\HasChildren"}
    assert list(listed(session, '"" "*"')) == ["INBOX", "Foo", "Foo.Bar", "Foo.Bar.Baz", "Fruit", "Fruit.Apple", "Fruit.Banana", "Sent",
                                               "Tofu", "Vegetable", "Vegetable.Corn"]
    assert list(listed(session, '"Fruit." "%"')) == ["Fruit.Apple", "Fruit.Banana"]
    assert session.command('LIST "" ""')[1] == [b'* LIST (\\Noselect) "." ""']
    assert session.command('LSUB "" "%"')[1] == [b'* LSUB (\\Noselect) "." Fruit', b'* LSUB () "." INBOX', b'* LSUB () "." Vegetable']
    assert session.command('LSUB "" "Fruit*"')[1] == [b'* LSUB () "." Fruit.Banana']


def test_rfc5258_subscribed(session):
    assert listed(session, '(SUBSCRIBED) "" "*"') == {"INBOX": "\\Subscribed", "Fruit.Banana": "\\Subscribed", "Vegetable": "\\Subscribed",
                                                      "Vegetable.Broccoli": "\\NonExistent \\Subscribed"}
    assert listed(session, '"" "Vegetable*" RETURN (SUBSCRIBED)') == {"Vegetable": "\\Subscribed", "Vegetable.Corn": ""}


def test_rfc5258_children(session):
    assert listed(session, '() "" "%" RETURN (CHILDREN)') == {"INBOX": "\\HasNoChildren", "Foo": "\\NonExistent \\HasChildren",
        "Fruit": "\\HasChildren", "Sent": "\\HasNoChildren", "Tofu": "\\HasNoChildren", "Vegetable": "\\HasChildren"}
    assert listed(session, '(SUBSCRIBED) "" "V%" RETURN (CHILDREN)') == {"Vegetable": "\\Subscribed \\HasChildren"}


def test_rfc5258_many_patterns(session):
    assert list(listed(session, '"" ("INBOX" "Fruit.%" "T*")')) == ["INBOX", "Fruit.Apple", "Fruit.Banana", "Tofu"]
    assert list(listed(session, '(REMOTE) "Fruit." ("A%" "B%")')) == ["Fruit.Apple", "Fruit.Banana"]


def test_rfc5258_recursivematch(session):
    assert listed(session, '(SUBSCRIBED RECURSIVEMATCH) "" "%"') == {
        "INBOX": "\\Subscribed", "Fruit": ' ("CHILDINFO" ("SUBSCRIBED"))',
        "Vegetable": '\\Subscribed ("CHILDINFO" ("SUBSCRIBED"))'}
    # What a pattern tells of anyway is not told of by its parent.
    assert list(listed(session, '(SUBSCRIBED RECURSIVEMATCH) "" "*"')) == ["INBOX", "Fruit.Banana", "Vegetable", "Vegetable.Broccoli"]
    assert session.command('LIST (RECURSIVEMATCH) "" "*"')[0] == "BAD"
    assert session.command('LIST (RECURSIVEMATCH REMOTE) "" "*"')[0] == "BAD"


def test_rfc6154_special_use(session):
    assert listed(session, '(SPECIAL-USE) "" "*"') == {"Sent": "\\Sent"}
    assert listed(session, '"" "S%" RETURN (SPECIAL-USE)') == {"Sent": "\\Sent"}
    assert listed(session, '"" "S%" RETURN (CHILDREN)') == {"Sent": "\\HasNoChildren"}


def test_rfc5819_status(session):
    status, lines = session.command('LIST "" "%" RETURN (CHILDREN STATUS (MESSAGES UNSEEN))')
    assert status == "OK"
    told = {line.split()[2].decode(): line.decode().split(" ", 3)[3] for line in lines if line.startswith(b"* STATUS")}
    assert told == {"INBOX": "(MESSAGES 0 UNSEEN 0)", "Fruit": "(MESSAGES 0 UNSEEN 0)", "Sent": "(MESSAGES 0 UNSEEN 0)",
                    "Tofu": "(MESSAGES 2 UNSEEN 2)", "Vegetable": "(MESSAGES 0 UNSEEN 0)"}
    # Each behind its folder's line; none for what is no folder, or does not fit the selection by itself.
    assert lines.index(b'* STATUS Tofu (MESSAGES 2 UNSEEN 2)') == lines.index(b'* LIST (\\HasNoChildren) "." Tofu') + 1
    lines = session.command('LIST (SUBSCRIBED RECURSIVEMATCH) "" ("%" "*Broccoli") RETURN (STATUS (MESSAGES))')[1]
    assert [line.split()[2] for line in lines if line.startswith(b"* STATUS")] == [b"INBOX", b"Vegetable"]


def test_what_is_broken(session):
    for broken in ('(FOO) "" "*"', '"" "*" RETURN (FOO)', '"" "*" RETURN', '"" "*" (CHILDREN)', '(SUBSCRIBED "" "*"', '"" ()', '"" ("a"',
                   '"" "*" RETURN (STATUS)', '"" "*" RETURN (STATUS (FOO))', '"" (' + " ".join(["a"] * 101) + ")"):
        assert session.command("LIST " + broken)[0] == "BAD", broken
