"""Ids that do not change: OBJECTID, RFC 8474."""
import re
import subprocess

import pytest

from harness.imap import append_text, login, ok


@pytest.fixture
def user(suite):
    return suite.user()


@pytest.fixture
def imap(suite, user):
    with login(suite, user) as session:
        yield session


def append(imap, header, folder="INBOX"):
    text = header + "\r\n\r\nbody\r\n"
    append_text(imap, text, folder)


def mailboxid(imap, folder):
    [line] = ok(imap, f"STATUS {folder} (MAILBOXID)")
    return re.fullmatch(rb"\* STATUS \S+ \(MAILBOXID \(([A-Za-z0-9_-]{1,255})\)\)", line)[1].decode()


def ids(imap, item, numbers="1:*"):
    found = [re.search(rf"{item} (?:\(([A-Za-z0-9_-]{{1,255}})\)|NIL)".encode(), line)[1] for line in ok(imap, f"FETCH {numbers} {item}")]
    return [one.decode() for one in found]


def test_capability_section_3(imap):
    assert b"OBJECTID" in ok(imap, "CAPABILITY")[0].split()


def test_mailboxid_is_told_by_create_select_and_status_sections_4_1_to_4_3(imap):
    assert imap.command("CREATE Work")[0] == "OK"
    created = re.search(r"\[MAILBOXID \(([A-Za-z0-9_-]+)\)\]", imap.text)[1]
    for command in ("SELECT Work", "EXAMINE Work"):
        assert f"* OK [MAILBOXID ({created})]" in b"\n".join(ok(imap, command)).decode()
    assert mailboxid(imap, "Work") == created != mailboxid(imap, "INBOX")
    assert created.encode() in b"".join(ok(imap, 'LIST "" Work RETURN (STATUS (MAILBOXID))'))


def test_mailboxid_stays_with_a_rename_and_ends_with_the_folder_section_4(imap):
    ok(imap, "CREATE Work")
    first = mailboxid(imap, "Work")
    ok(imap, "RENAME Work Play")
    assert mailboxid(imap, "Play") == first
    ok(imap, "CREATE Work")
    ok(imap, "DELETE Play")
    ok(imap, "CREATE Play")
    assert len({first, mailboxid(imap, "Work"), mailboxid(imap, "Play")}) == 3
    # INBOX stays when its messages go.
    inbox = mailboxid(imap, "INBOX")
    ok(imap, "RENAME INBOX Old")
    assert mailboxid(imap, "INBOX") == inbox != mailboxid(imap, "Old")


@pytest.mark.parametrize("header", ["1 {validity} 9\n5 {name}\n", "3 V{validity} N9\n5 :{name}\n", "3 V{validity} N9 G\x01bad Hx\n5 :{name}\n"],
                         ids=["version 1", "without a GUID", "with what is none"])
def test_a_list_of_old_gets_an_id_that_stays(suite, user, imap, header):
    append(imap, "Subject: x")
    imap.close()
    [path] = (user.maildir / "cur").iterdir()
    (user.maildir / "postern-index").unlink(missing_ok=True)
    (user.maildir / "dovecot-uidlist").write_text(header.format(validity=1234567, name=path.name.split(":")[0]))
    with login(suite, user) as session:
        lines = b"\n".join(ok(session, "SELECT INBOX"))
        assert b"[UIDVALIDITY 1234567]" in lines
        assert ok(session, "FETCH 1 UID") == [b"* 1 FETCH (UID 5)"]
        told = re.search(rb"\[MAILBOXID \((\w+)\)\]", lines)[1].decode()
        assert mailboxid(session, "INBOX") == told
        append(session, "Subject: y")
        assert mailboxid(session, "INBOX") == told
    assert "G" + told[1:] in (user.maildir / "dovecot-uidlist").read_text().split("\n")[0]


def test_emailid_is_a_messages_own_section_5_1(imap):
    for number in range(3):
        append(imap, f"Subject: {number}")
    ok(imap, "SELECT INBOX")
    first = ids(imap, "EMAILID")
    assert len(set(first)) == 3
    ok(imap, r"STORE 1 +FLAGS (\Seen $Label)")
    ok(imap, "UNSELECT")
    ok(imap, "SELECT INBOX")
    assert ids(imap, "EMAILID") == first


def test_emailid_goes_along_with_copy_and_move_section_5_1(imap):
    ok(imap, "CREATE Work")
    for number in range(2):
        append(imap, f"Subject: {number}")
    ok(imap, "SELECT INBOX")
    first = ids(imap, "EMAILID")
    ok(imap, "COPY 1:2 Work")
    ok(imap, "COPY 1 Work")
    ok(imap, "MOVE 2 Work")
    ok(imap, "SELECT Work")
    assert ids(imap, "EMAILID") == [first[0], first[1], first[0], first[1]]
    # And back, as often as one likes.
    ok(imap, "MOVE 3 INBOX")
    ok(imap, "SELECT INBOX")
    assert ids(imap, "EMAILID") == [first[0], first[0]]


def test_other_programs_names_have_ids_too(imap, user):
    append(imap, "Subject: x")
    [ours] = (user.maildir / "cur").iterdir()
    for name in ("1700000000.V801I1M2.other:2,S", "1700000000.4242_1.host,U=5,FMD5=ab:2,", "1700000001.M1P2Q3.host,S=9,W=10:2,", "strange:2,"):
        (user.maildir / "cur" / name).write_bytes(ours.read_bytes())
    ok(imap, "SELECT INBOX")
    first = ids(imap, "EMAILID")
    assert len(set(first)) == 5
    ok(imap, "CREATE Work")
    ok(imap, "COPY 1:* Work")
    ok(imap, "SELECT Work")
    assert ids(imap, "EMAILID") == first


def test_threadid_is_the_conversations_section_5_2(imap):
    append(imap, "Message-ID: <a@x.test>\r\nSubject: the first")
    append(imap, "Message-ID: <b@x.test>\r\nIn-Reply-To: <a@x.test>\r\nSubject: Re: the first")
    append(imap, "Message-ID: <c@x.test>\r\nReferences: <a@x.test>\r\n <b@x.test>\r\nIn-Reply-To: <b@x.test>\r\nSubject: Re: the first")
    append(imap, "Message-ID: <d@x.test>\r\nSubject: the first")
    append(imap, "Subject: no id")
    append(imap, "Subject: no id")
    ok(imap, "SELECT INBOX")
    threads = ids(imap, "THREADID")
    assert threads[0] == threads[1] == threads[2] and len(set(threads)) == 4
    # One id is never of both kinds.
    assert not set(threads) & set(ids(imap, "EMAILID"))
    # The same in another folder, of another copy, and in one response with the other.
    ok(imap, "CREATE Work")
    ok(imap, "COPY 2,5 Work")
    ok(imap, "SELECT Work")
    assert ids(imap, "THREADID") == [threads[1], threads[4]]
    [line, _] = ok(imap, "FETCH 1:* (UID EMAILID THREADID FLAGS)")
    assert re.fullmatch(rb"\* 1 FETCH \(UID 1 EMAILID \(M\w+\) THREADID \(T\w+\) FLAGS \([^)]*\)\)", line)


def test_threadid_without_an_index_is_the_same(imap, user, suite):
    append(imap, "Message-ID: <a@x.test>\r\nSubject: x")
    ok(imap, "SELECT INBOX")
    first = ids(imap, "THREADID")
    (user.maildir / "postern-index").unlink()
    with login(suite, user) as session:
        ok(session, "SELECT INBOX")
        assert ids(session, "THREADID") == first


def test_search_by_ids_section_6(imap):
    for header in ("Message-ID: <a@x.test>", "Message-ID: <b@x.test>\r\nReferences: <a@x.test>", "Message-ID: <c@x.test>"):
        append(imap, header)
    ok(imap, "SELECT INBOX")
    emails, threads = ids(imap, "EMAILID"), ids(imap, "THREADID")
    assert ok(imap, f"SEARCH EMAILID {emails[1]}") == [b"* SEARCH 2"]
    assert ok(imap, f"SEARCH THREADID {threads[0]}") == [b"* SEARCH 1 2"]
    assert ok(imap, f"SEARCH OR EMAILID {emails[2]} EMAILID {emails[0]}") == [b"* SEARCH 1 3"]
    assert ok(imap, f"SEARCH NOT THREADID {threads[0]}") == [b"* SEARCH 3"]
    assert ok(imap, f"SEARCH EMAILID {emails[1].swapcase()}") == [b"* SEARCH"]
    assert ok(imap, f"SEARCH THREADID {emails[1]}") == [b"* SEARCH"]
    assert imap.command("SEARCH EMAILID")[0] == "BAD"


def test_a_folder_copied_on_the_disk_gets_its_own_id_when_its_list_is_removed(imap, user):
    """As postern-imap(8) says it."""
    ok(imap, "CREATE one")
    append(imap, "Subject: a", "one")
    first = mailboxid(imap, "one")
    subprocess.run(["cp", "-a", user.maildir / ".one", user.maildir / ".two"], check=True)
    for name in ("dovecot-uidlist", "postern-index"):
        (user.maildir / ".two" / name).unlink(missing_ok=True)
    lines = ok(imap, "SELECT two")
    assert any(b"* 1 EXISTS" in line for line in lines) and mailboxid(imap, "two") != first == mailboxid(imap, "one")
