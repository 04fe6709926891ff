"""IMAP4rev2 (RFC 9051) for a client that has enabled it, beside one that has not; UTF8=ACCEPT (RFC 6855); CREATE-SPECIAL-USE
(RFC 6154); the response codes of RFC 5530 that folders meet."""
import os
import re

import pytest

MESSAGE = "Subject: Gr\u00fc\u00dfe\r\n\r\nbody\r\n".encode()


@pytest.fixture
def user(suite):
    return suite.user()


def login(suite, user, enable=None):
    session = suite.imap("imaps")
    assert session.login(user.address, user.password)[0] == "OK"
    if enable:
        assert session.command(f"ENABLE {enable}") == ("OK", [f"* ENABLED {enable}".encode()])
    return session


@pytest.fixture
def rev2(suite, user):
    with login(suite, user, "IMAP4rev2") as session:
        yield session


@pytest.fixture
def rev1(suite, user):
    with login(suite, user) as session:
        yield session


def ok(session, command):
    status, lines = session.command(command)
    assert status == "OK", (command, session.text)
    return [line.decode() for line in lines]


def append(session, folder="INBOX", flags=""):
    ok(session, [f'APPEND "{folder}" {flags}{{{len(MESSAGE)}}}', MESSAGE + b"\r\n"])


# --- ENABLE: section 6.3.1 --------------------------------------------------------------------------


def test_enable_tells_what_is_new_and_passes_over_what_it_does_not_know(suite, user):
    with login(suite, user) as session:
        before = ok(session, "CAPABILITY")
        assert {"IMAP4rev1", "IMAP4rev2", "UTF8=ACCEPT", "CREATE-SPECIAL-USE"} <= set(before[0].split())
        assert ok(session, "ENABLE X-GOOD-IDEA imap4REV2 utf8=accept IDLE") == ["* ENABLED IMAP4rev2 UTF8=ACCEPT"]
        assert ok(session, "ENABLE IMAP4rev2") == ["* ENABLED"]
        assert ok(session, "CAPABILITY") == before
        assert session.command("ENABLE")[0] == "BAD"
    with suite.imap("imaps") as session:
        assert b" IMAP4rev1 IMAP4rev2 " in session.greeting


# --- what is told in another way: appendix E -----------------------------------------------------------


def test_select_tells_the_folder_and_nothing_of_what_is_recent(rev2, rev1):
    append(rev1)
    ok(rev1, "CREATE Work.Plans")
    lines = ok(rev2, "SELECT inbox")
    assert '* LIST (\\HasNoChildren) "." INBOX' in lines and "* 1 EXISTS" in lines
    assert not [line for line in lines if "RECENT" in line or "UNSEEN" in line], lines
    assert {re.search(r"\[(\w+)", line)[1] for line in lines if "[" in line} >= {"PERMANENTFLAGS", "UIDVALIDITY", "UIDNEXT"}
    ok(rev2, "SUBSCRIBE Work.Plans")
    lines = ok(rev2, "EXAMINE Work.Plans")
    assert lines[0].startswith("* OK [CLOSED] ") and rev2.text.startswith("OK [READ-ONLY] ")
    assert '* LIST (\\Subscribed \\HasNoChildren) "." Work.Plans' in lines
    assert rev2.command("SELECT Nowhere")[0] == "NO" and rev2.command("CHECK")[0] == "BAD"
    # Who has not enabled it gets what RFC 3501 section 6.3.1 has.
    lines = ok(rev1, "SELECT INBOX")
    assert not [line for line in lines if line.startswith("* LIST")]
    assert [line for line in lines if line.endswith(" RECENT")] and [line for line in lines if "[UNSEEN 1]" in line]


def test_recent_is_no_flag(rev2, suite, user):
    suite.tool("deliver", "-d", user.address, input="Subject: x\n\n")
    ok(rev2, "SELECT INBOX")
    assert ok(rev2, "FETCH 1 FLAGS") == ["* 1 FETCH (UID 1 FLAGS ())"]


def test_every_change_is_told_with_its_uid(rev2, rev1):
    for _ in "ab":
        append(rev1)
    ok(rev2, "SELECT INBOX")
    ok(rev1, "SELECT INBOX")
    ok(rev1, "STORE 2 +FLAGS (\\Flagged)")
    assert "* 2 FETCH (UID 2 FLAGS (\\Flagged))" in ok(rev2, "NOOP")
    assert ok(rev2, "STORE 1 +FLAGS (\\Answered)") == ["* 1 FETCH (UID 1 FLAGS (\\Answered))"]
    assert ok(rev2, "FETCH 1 BODY[]<0.3>")[0].startswith("* 1 FETCH (UID 1 BODY[]<0> ")
    append(rev1)
    assert ok(rev2, "NOOP") == ["* 3 EXISTS"]


def test_search_is_answered_with_esearch(rev2, rev1):
    for _ in "abc":
        append(rev1)
    ok(rev2, "SELECT INBOX")
    assert re.fullmatch(r'\* ESEARCH \(TAG "a\d+"\) ALL 1:3', ok(rev2, "SEARCH ALL")[0])
    assert re.fullmatch(r'\* ESEARCH \(TAG "a\d+"\) UID ALL 2:3', ok(rev2, "UID SEARCH 2:3")[0])
    assert re.fullmatch(r'\* ESEARCH \(TAG "a\d+"\)', ok(rev2, "SEARCH DELETED")[0])
    assert re.fullmatch(r'\* ESEARCH \(TAG "a\d+"\) COUNT 3', ok(rev2, "SEARCH RETURN (COUNT) ALL")[0])
    ok(rev1, "SELECT INBOX")
    assert ok(rev1, "SEARCH ALL") == ["* SEARCH 1 2 3"]


# --- names in UTF-8: section 5.1, appendix A.1, RFC 6855 section 3 -----------------------------------------


NAMES = [("Entw\u00fcrfe", "Entw&APw-rfe"), ("A&B", "A&-B"), ("\u53f0\u5317", "&U,BTFw-"), ("\U0001f4ec Post", "&2D3c7A- Post"),
         ("~peter.mail.\u53f0\u5317.\u65e5\u672c\u8a9e", "~peter.mail.&U,BTFw-.&ZeVnLIqe-"), ("&APw-", "&-APw-"), ("plain", "plain")]


@pytest.mark.parametrize("enable", ["IMAP4rev2", "UTF8=ACCEPT"])
def test_names_are_utf8_for_who_has_said_so_and_modified_utf7_for_others(suite, user, rev1, enable):
    with login(suite, user, enable) as session:
        for name, old in NAMES:
            ok(session, f'CREATE "{name}"')
            assert (user.maildir / f".{old}").is_dir()
            listed = ok(session, f'LIST "" "{name}"')
            assert len(listed) == 1 and listed[0].split('"." ')[1].strip('"') == name, listed
            assert ok(rev1, f'LIST "" "{old}"')[0].split('"." ')[1].strip('"') == old
            assert ok(session, f'STATUS "{name}" (MESSAGES)')[0].replace('"', "") == f"* STATUS {name} (MESSAGES 0)"
            append(session, name)
            ok(session, f'SELECT "{name}"')
            ok(session, f'COPY 1 "{name}"')
            ok(session, f'SUBSCRIBE "{name}"')
            assert ok(session, f'LSUB "" "{name}"')[0].split('"." ')[1].strip('"') == name
            assert ok(rev1, f'STATUS "{old}" (MESSAGES)')[0].endswith("(MESSAGES 2)")
            renamed = f"{name} \u00e9".encode()
            ok(session, b'RENAME "%s" "%s"' % (name.encode(), renamed))
            ok(session, [b"DELETE {%d}" % len(renamed), renamed + b"\r\n"])
            ok(session, f'UNSUBSCRIBE "{name}"')
        assert [path for path in user.maildir.glob(".*") if "&" in path.name] == []


def test_patterns_are_utf8_too(rev2):
    for name in ("\u00fcber", "\u00fcber.\u00e4u\u00dferst", "uber"):
        ok(rev2, f'CREATE "{name}"')
    names = lambda arguments: [line.split('"." ')[1].strip('"') for line in ok(rev2, "LIST " + arguments)]
    assert names('"" "\u00fc%"') == ["\u00fcber"]
    assert names('"" "\u00fc*"') == names('"\u00fc" "*"') == ["\u00fcber", "\u00fcber.\u00e4u\u00dferst"]
    assert sorted(names('"" ("%ber" "*rst")')) == ["uber", "\u00fcber", "\u00fcber.\u00e4u\u00dferst"]


def test_names_that_are_no_utf8_are_refused(rev2, rev1, user):
    before = sorted(path.name for path in user.maildir.glob(".*"))
    for name in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"a\x01b", b"a\xc2\x80b"):
        for command in (b'CREATE "%s"', b'RENAME INBOX "%s"', b'SUBSCRIBE "%s"', b'SELECT "%s"', b'STATUS "%s" (MESSAGES)'):
            assert rev2.command(command % name)[0] == "BAD", command % name
    # And who has enabled nothing has no names but in modified UTF-7.
    assert rev1.command('CREATE "\u00fc"')[0] == rev1.command('CREATE "a&b"')[0] == "NO"
    assert sorted(path.name for path in user.maildir.glob(".*")) == before


def test_a_name_that_is_made_is_in_form_c(rev2, rev1, user):
    """Section 5.1: SELECT of one spelling would not find what CREATE of another has made."""
    for name in ("u\u0308ber", "\u212b", "\u1112\u1161\u11ab", "a\u0301\u0323"):
        for command in ("CREATE", "RENAME INBOX"):
            assert rev2.command(f'{command} "{name}"')[0] == "NO" and rev2.text.startswith("NO [CANNOT] "), (command, name)
    for name in ("a\u2028b", "a\u2029b"):
        assert rev2.command(f'CREATE "{name}"')[0] == "NO", "RFC 6855 section 3: no separators of lines or paragraphs"
    for name in ("x\u0301", "\u0915\u093e", "\ud55c", "\u1ea5\u0302"):
        ok(rev2, f'CREATE "{name}"')
    # What another program has made is there all the same.
    ok(rev1, "CREATE u&Awg-ber")
    ok(rev2, 'SELECT "u\u0308ber"')


def test_rfc6855_a_quoted_string_that_is_no_utf8_is_bad(rev2, rev1):
    """Section 3; who has enabled nothing may send what he likes."""
    for imap in (rev2, rev1):
        ok(imap, "SELECT INBOX")
    for text in (b"\xff", b"gr\xfcn", b"a\xc3", b"\xed\xa0\x80"):
        assert rev2.command(b'SEARCH SUBJECT "%s"' % text)[0] == "BAD", text
    ok(rev2, 'SEARCH SUBJECT "gr\u00fcn"')


def test_rfc6855_a_search_has_no_charset(suite, user):
    with login(suite, user, "UTF8=ACCEPT") as session:
        append(session)
        ok(session, "SELECT INBOX")
        assert session.command('SEARCH CHARSET UTF-8 SUBJECT "gr\u00fc"')[0] == "BAD"
        assert ok(session, 'SEARCH SUBJECT "gr\u00fc"') == ["* SEARCH 1"]


# --- CREATE-SPECIAL-USE: RFC 6154 section 3 --------------------------------------------------------------------


def test_rfc6154_a_folder_is_made_for_a_use(suite, user, rev1):
    for line in ok(rev1, 'LIST "" "*"'):
        rev1.command("DELETE " + line.split()[-1])
    ok(rev1, "CREATE Sent")
    ok(rev1, "CREATE MySpecial (USE (\\Drafts \\Sent \\Drafts))")
    # The user's word is more than the setting's: Sent is for nothing now.
    assert ok(rev1, 'LIST (SPECIAL-USE) "" "*"') == ['* LIST (\\Drafts \\Sent) "." MySpecial']
    assert (user.maildir / "postern-special-use").read_text() == "\\Drafts MySpecial\n\\Sent MySpecial\n"
    assert rev1.command("CREATE Everything (USE (\\All))")[0] == "NO" and rev1.text.startswith("NO [USEATTR] ")
    assert rev1.command("CREATE Everything (USE (\\Trash \\Foo))")[0] == "NO"
    assert ok(rev1, 'LIST "" "Everything"') == []
    ok(rev1, "RENAME MySpecial Other.One")
    with login(suite, user) as later:
        assert ok(later, 'LIST (SPECIAL-USE) "" "*"') == ['* LIST (\\Drafts \\Sent) "." Other.One']
        ok(later, "RENAME Other Another")
        ok(later, "DELETE Another.One")
        ok(later, "CREATE Another.One")
        assert ok(later, 'LIST (SPECIAL-USE) "" "*"') == ['* LIST (\\Sent) "." Sent']
        ok(later, "CREATE Plain (USE ())")
        assert ok(later, 'LIST "" "Plain"') == ['* LIST (\\HasNoChildren) "." Plain']
    for broken in ("(USE)", "(USE \\Sent)", "()", "(FOO (\\Sent))", "(USE (\\Sent)", "USE (\\Sent)", "(USE (\\Sent)) x"):
        assert rev1.command("CREATE Broken " + broken)[0] == "BAD", broken


def test_rfc6154_without_the_use_there_is_no_folder(user, rev1):
    """What cannot be written is told, and nothing is left."""
    (user.maildir / "postern-special-use.tmp").mkdir()
    (user.maildir / "postern-special-use.tmp" / "x").mkdir()
    assert rev1.command("CREATE Mine (USE (\\Junk))")[0] == "NO"
    assert not (user.maildir / ".Mine").exists()


# --- response codes: RFC 5530, RFC 9051 section 7.1 --------------------------------------------------------------


def test_a_selected_folder_that_is_deleted_is_closed(rev1):
    ok(rev1, "CREATE Gone")
    ok(rev1, "SELECT Gone")
    assert ok(rev1, "DELETE Gone")[0].startswith("* OK [CLOSED] ")
    assert rev1.command("FETCH 1 FLAGS")[0] == "BAD"


def test_codes_of_folders(rev1):
    ok(rev1, "CREATE Upper.Lower")
    for command, code in (("DELETE Upper", "HASCHILDREN"), ("DELETE Nothing", "NONEXISTENT"), ("CREATE Upper.Lower", "ALREADYEXISTS"),
                          ("CREATE inbox", "ALREADYEXISTS"), ("RENAME Upper.Lower INBOX", "ALREADYEXISTS"), ("RENAME No Yes", "NONEXISTENT"),
                          ("DELETE INBOX", "CANNOT"), ("RENAME Upper Upper.Lower.x", "CANNOT"), ("SELECT No", "NONEXISTENT"),
                          ("STATUS No (MESSAGES)", "NONEXISTENT"), ('CREATE "a/b"', "CANNOT")):
        assert rev1.command(command)[0] == "NO", command
        assert rev1.text.startswith(f"NO [{code}] "), (command, rev1.text)


def test_trouble_that_only_the_administrator_can_end(user, rev1):
    before = user.maildir.stat()
    os.chown(user.maildir, 0, 0)
    os.chmod(user.maildir, 0o755)
    try:
        assert rev1.command("CREATE New")[0] == "NO"
        assert rev1.text.startswith("NO [CONTACTADMIN] "), rev1.text
    finally:
        os.chown(user.maildir, before.st_uid, before.st_gid)
        os.chmod(user.maildir, before.st_mode & 0o7777)
    ok(rev1, "CREATE New")


def test_list_patterns_that_fit_nothing(rev1):
    ok(rev1, "CREATE Fruit")
    assert ok(rev1, 'LIST "Fruit" ("" "")') == ok(rev1, 'LIST () "Fruit" ""') == []
    assert ok(rev1, f'LIST "" "{"x" * 600}"') == ok(rev1, f'LSUB "" "{"x" * 600}"') == []
