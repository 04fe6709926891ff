"""Annotations: METADATA (RFC 5464), in LIST (RFC 9590), kept in Dovecot's dovecot-attributes."""
import re
import threading

import pytest

from harness import wait_for
from harness.dovecot import Dovecot, missing
from harness.imap import login, ok


@pytest.fixture
def user(suite):
    return suite.user()


@pytest.fixture
def imap(suite, user):
    with login(suite, user) as session:
        yield session


def refused(imap, command, status, code=""):
    answer, _ = imap.command(command)
    assert answer == status and code in imap.text, (command, imap.text)


def test_capability(imap):
    words = ok(imap, "CAPABILITY")[0].split()
    assert b"METADATA" in words and b"LIST-METADATA" in words


def test_set_get_replace_and_remove_rfc_5464_4_2_and_4_3(imap):
    assert ok(imap, 'SETMETADATA INBOX (/private/comment "My comment")') == []
    assert ok(imap, 'SETMETADATA INBOX (/shared/comment {17+}\r\nIts sunny\r\noutsid)') == []
    assert ok(imap, "GETMETADATA INBOX /private/comment") == [b'* METADATA INBOX ("/private/comment" "My comment")']
    assert ok(imap, "GETMETADATA INBOX (/private/comment /shared/comment)") == [
        b'* METADATA INBOX ("/private/comment" "My comment" "/shared/comment" {17}\r\nIts sunny\r\noutsid)']
    ok(imap, 'SETMETADATA INBOX (/private/comment "another" /shared/comment NIL)')
    assert ok(imap, "GETMETADATA INBOX (/private/comment /shared/comment)") == [
        b'* METADATA INBOX ("/private/comment" "another" "/shared/comment" NIL)']
    ok(imap, 'SETMETADATA INBOX (/private/comment "")')
    assert ok(imap, "GETMETADATA INBOX /private/comment") == [b'* METADATA INBOX ("/private/comment" "")']


def test_names_are_the_same_in_any_case_section_3_2(imap):
    ok(imap, 'SETMETADATA INBOX (/Private/Comment "x")')
    assert ok(imap, "GETMETADATA INBOX /PRIVATE/COMMENT") == [b'* METADATA INBOX ("/PRIVATE/COMMENT" "x")']
    ok(imap, "SETMETADATA INBOX (/private/COMMENT NIL)")
    assert ok(imap, "GETMETADATA (DEPTH infinity) INBOX /private") == []


@pytest.mark.parametrize("entry", ["/private//x", "/private/x/", "/private/*", '"/private/%"', "comment", "/other/comment", "/privatex/y",
                                   '"/private/a\tb"', "/private/vendor/vendor.dovecot/pvt/server/comment", "/private/" + "x" * 300])
def test_a_name_that_cannot_be_is_bad_section_3_2(imap, entry):
    refused(imap, f"GETMETADATA INBOX {entry}", "BAD")
    refused(imap, f'SETMETADATA INBOX ({entry} "x")', "BAD")


def test_values_hold_any_bytes(imap, suite, user):
    value = bytes(range(256)) * 2
    assert imap.command([f"SETMETADATA INBOX (/private/bytes ~{{{len(value)}}}", value + b' /private/after "x")\r\n'])[0] == "OK"
    [line] = [imap.finish(b"-", None, []) if False else line for line in ok_raw(imap, "GETMETADATA INBOX /private/bytes", len(value))]
    assert line == b'* METADATA INBOX ("/private/bytes" ~{512}\r\n' + value + b")"
    # In the file each entry is two lines all the same.
    text = (user.maildir / "dovecot-attributes").read_bytes()
    assert text.count(b"\n") == 4 and b"\0" not in text


def ok_raw(imap, command, size):
    """The one response with a literal8 of that size, which the harness does not read by itself."""
    imap.count += 1
    tag = b"a%d" % imap.count
    imap.send(tag + b" " + command.encode() + b"\r\n")
    first = imap.line()
    assert first.endswith("~{%d}" % size), first
    whole = first.encode() + b"\r\n" + imap.bytes(size) + imap.line().encode()
    assert imap.finish(tag, imap.response(), [])[0] == "OK"
    return [whole]


def test_depth_section_4_2_2(imap):
    ok(imap, 'SETMETADATA INBOX (/private/filters "0" /private/filters/one "1" /private/filters/one/deep "2" /private/filtersets "no")')

    def found(depth, entry="/private/filters"):
        return re.findall(rb'"(/[^"]*)"', b"".join(ok(imap, f"GETMETADATA ({depth}) INBOX {entry}")))
    assert found("DEPTH 0") == [b"/private/filters"]
    assert found("DEPTH 1") == [b"/private/filters", b"/private/filters/one"]
    assert found("DEPTH infinity") == [b"/private/filters", b"/private/filters/one", b"/private/filters/one/deep"]
    assert found("DEPTH 1", "/private") == [b"/private/filters", b"/private/filtersets"]
    assert found("DEPTH 1", "/private/nothing") == []
    # The options stand before the mailbox (section 5), or behind it, as in the section's examples (errata 2785).
    assert len(ok(imap, "GETMETADATA INBOX (DEPTH 1) /private/filters")) == 1
    refused(imap, "GETMETADATA (DEPTH 2) INBOX /private/filters", "BAD")


def test_maxsize_section_4_2_1(imap):
    ok(imap, f'SETMETADATA INBOX (/private/short "abc" /private/long "{"x" * 100}" /private/longer "{"x" * 2199}")')
    lines = ok(imap, "GETMETADATA (MAXSIZE 3) INBOX (/private/short /private/long /private/longer)")
    assert lines == [b'* METADATA INBOX ("/private/short" "abc")'] and "[METADATA LONGENTRIES 2199]" in imap.text
    assert ok(imap, "GETMETADATA (MAXSIZE 1 DEPTH infinity) INBOX /private") == [] and "LONGENTRIES 2199" in imap.text
    ok(imap, "GETMETADATA (MAXSIZE 2199) INBOX /private/longer")
    assert "LONGENTRIES" not in imap.text


def test_the_bounds_are_told_section_4_3(imap):
    """At least 1024 bytes and 10 entries are taken (section 4.1)."""
    for size in (32768, 32769, 70000):
        status, _ = imap.command([f"SETMETADATA INBOX (/private/large {{{size}}}", "x" * size + ")\r\n"])
        assert (status == "OK") == (size == 32768), imap.text
        assert size == 32768 or "[METADATA MAXSIZE 32768]" in imap.text
    for first in range(0, 1000, 100):
        status, _ = imap.command("SETMETADATA INBOX (" + " ".join(f'/private/n{first + i} "x"' for i in range(100)) + ")")
        assert (status == "OK") == (first < 900), imap.text
    assert "[METADATA TOOMANY]" in imap.text
    # Nothing of a refused change is there.
    assert b"n950" not in b"".join(ok(imap, "GETMETADATA (DEPTH 1) INBOX /private"))
    ok(imap, 'SETMETADATA INBOX (/private/n1 "still changed" /private/n2 NIL)')


def test_a_folder_that_is_not_there(imap):
    refused(imap, "GETMETADATA Nothing /private/comment", "NO", "[NONEXISTENT]")
    refused(imap, 'SETMETADATA Nothing (/private/comment "x")', "NO", "[NONEXISTENT]")
    refused(imap, 'SETMETADATA "../INBOX" (/private/comment "x")', "NO")


def test_they_go_along_with_a_rename_and_end_with_the_folder_section_4_1(imap, user):
    ok(imap, "CREATE Work")
    ok(imap, 'SETMETADATA Work (/private/comment "of work")')
    ok(imap, "RENAME Work Play")
    assert ok(imap, "GETMETADATA Play /private/comment") == [b'* METADATA Play ("/private/comment" "of work")']
    ok(imap, "DELETE Play")
    assert (user.maildir / "dovecot-attributes").read_bytes() == b""
    ok(imap, "CREATE Play")
    assert ok(imap, "GETMETADATA Play /private/comment") == [b'* METADATA Play ("/private/comment" NIL)']


def test_the_account_has_private_ones_and_the_administrators(suite, imap):
    ok(imap, 'SETMETADATA "" (/private/comment "of me")')
    ok(imap, 'SETMETADATA INBOX (/private/comment "of INBOX")')
    assert ok(imap, 'GETMETADATA "" /private/comment') == [b'* METADATA "" ("/private/comment" "of me")']
    refused(imap, 'SETMETADATA "" (/shared/comment "of all")', "NO", "[NOPERM]")
    assert ok(imap, 'GETMETADATA "" (/shared/comment /shared/admin)') == [b'* METADATA "" ("/shared/comment" NIL "/shared/admin" NIL)']


def test_shared_admin_is_a_setting_section_6_2_1(suite, user):
    suite.set("imap_admin", "mailto:postmaster@example.test")
    suite.restart("imap")
    try:
        with login(suite, user) as imap:
            expected = b'* METADATA "" ("/shared/admin" "mailto:postmaster@example.test")'
            assert ok(imap, 'GETMETADATA "" /shared/admin') == [expected]
            assert ok(imap, 'GETMETADATA (DEPTH 1) "" /shared') == [expected]
    finally:
        suite.set("imap_admin", None)
        suite.restart("imap")


def test_specialuse_is_what_the_folder_is_for_rfc_6154_4(imap):
    ok(imap, "CREATE Drafts")
    assert ok(imap, "GETMETADATA Drafts /private/specialuse") == [rb'* METADATA Drafts ("/private/specialuse" "\\Drafts")']
    assert ok(imap, "GETMETADATA INBOX /private/specialuse") == [b'* METADATA INBOX ("/private/specialuse" NIL)']


def test_list_tells_them_rfc_9590(imap):
    for name in ("Blue", "Plain"):
        ok(imap, f"CREATE {name}")
    ok(imap, 'SETMETADATA Blue (/private/color "#00f" /shared/comment "c")')
    lines = ok(imap, 'LIST "" % RETURN (METADATA (/private/color /shared/comment))')
    assert lines == [b'* LIST () "." INBOX', b'* METADATA INBOX ("/private/color" NIL "/shared/comment" NIL)',
                     b'* LIST () "." Blue', b'* METADATA Blue ("/private/color" "#00f" "/shared/comment" "c")',
                     b'* LIST () "." Plain', b'* METADATA Plain ("/private/color" NIL "/shared/comment" NIL)']
    assert len(ok(imap, 'LIST "" Bl* RETURN (METADATA ("/private/color") STATUS (MESSAGES))')) == 3
    refused(imap, 'LIST "" * RETURN (METADATA (color))', "BAD")


def test_changes_of_others_are_told_to_who_asked_section_4_4_2(suite, user, imap):
    with login(suite, user) as other:
        ok(imap, "CREATE Work")
        assert ok(imap, "ENABLE METADATA") == [b"* ENABLED METADATA"]
        ok(other, 'SETMETADATA Work (/private/comment "a" /shared/comment "b")')
        ok(other, 'SETMETADATA "" (/private/comment "a")')
        lines = ok(imap, "NOOP")
        assert sorted(lines) == [b'* METADATA "" "/private/comment"', b'* METADATA Work "/private/comment" "/shared/comment"']
        assert ok(imap, "NOOP") == []
        # Its own are not, and hide no other's.
        ok(other, "SETMETADATA Work (/shared/comment NIL)")
        assert ok(imap, 'SETMETADATA Work (/private/comment "mine")') == [b'* METADATA Work "/shared/comment"']
        assert ok(imap, "NOOP") == []
        # Who did not ask hears nothing.
        assert ok(other, "NOOP") == []


def test_changes_are_told_in_idle(suite, user, imap):
    ok(imap, "ENABLE METADATA")
    with login(suite, user) as other:
        imap.send("i IDLE\r\n")
        assert imap.line().startswith("+")
        ok(other, 'SETMETADATA INBOX (/private/comment "news")')
        assert imap.line() == '* METADATA INBOX "/private/comment"'
        imap.send("DONE\r\n")
        assert imap.line().startswith("i OK")


def test_many_sessions_lose_nothing(suite, user):
    def work(number):
        with login(suite, user) as session:
            for i in range(10):
                ok(session, f'SETMETADATA INBOX (/private/s{number}/n{i} "{i}")')
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with login(suite, user) as session:
        assert b"".join(ok(session, "GETMETADATA (DEPTH infinity) INBOX /private")).count(b"/n") == 40


NOISE = [b"\n", b"\n\n\n", b"priv//comment\nx\n", b"priv\n", b"\0\0\n\1\n", b"priv/aa\nx\nshared/../etc\ny\n", b"x" * 100000, b"\n".join([b"priv/" + b"a" * 32 + b"/x"] * 999)]


@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
def test_whatever_is_in_the_file(imap, user, noise):
    ok(imap, 'SETMETADATA INBOX (/private/comment "kept")')
    path = user.maildir / "dovecot-attributes"
    path.write_bytes(path.read_bytes() + noise)
    assert ok(imap, "GETMETADATA INBOX /private/comment") == [b'* METADATA INBOX ("/private/comment" "kept")']
    ok(imap, 'SETMETADATA INBOX (/private/comment "new")')
    assert ok(imap, "GETMETADATA INBOX /private/comment") == [b'* METADATA INBOX ("/private/comment" "new")']


def test_a_link_in_its_place_leads_nowhere(imap, user, tmp_path):
    secret = user.maildir.parent / "secret"
    secret.write_text("priv/x/comment\nsecret\n")
    (user.maildir / "dovecot-attributes").symlink_to(secret)
    status, lines = imap.command("GETMETADATA INBOX /private/comment")
    assert status == "NO" and lines == []
    assert secret.read_text() == "priv/x/comment\nsecret\n"


@pytest.mark.skipif(missing(), reason="no Dovecot here")
def test_dovecot_and_postern_read_each_others(suite, user, imap):
    ok(imap, "CREATE Work")
    ok(imap, "SETMETADATA Work (/private/comment {11+}\r\nour\r\n\ttabs\x01 /shared/vendor/x \"y\")")
    ok(imap, 'SETMETADATA "" (/private/comment "of the account")')
    settings = f"imap_metadata = yes\nmail_attribute_dict = file:{user.maildir}/dovecot-attributes\n"
    with Dovecot(user.maildir, settings=settings) as dovecot:
        def metadata(*arguments):
            return dovecot.doveadm("mailbox", "metadata", *arguments)
        assert metadata("get", "Work", "/private/comment") == "our\r\n\ttabs\x01\n"
        assert metadata("get", "Work", "/shared/vendor/x") == "y\n"
        assert metadata("get", "-s", "", "/private/comment") == "of the account\n"
        metadata("set", "Work", "/private/comment", "Dovecot's\nown")
        metadata("set", "INBOX", "/private/new", "one")
    assert ok(imap, "GETMETADATA Work (/private/comment /shared/vendor/x)") == [
        b'* METADATA Work ("/private/comment" {13}\r\nDovecot\'s\nown "/shared/vendor/x" "y")']
    assert ok(imap, "GETMETADATA INBOX /private/new") == [b'* METADATA INBOX ("/private/new" "one")']
    ok(imap, "DELETE Work")
    assert b"Work" not in b"".join(ok(imap, 'LIST "" *'))
