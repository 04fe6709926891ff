"""NOTIFY, RFC 5465: what was asked for is told at any time, and nothing else."""
import contextlib
import re

import pytest

from harness.imap import append_text, login, ok

TEXT = "From: a@example.org\r\nSubject: {0}\r\n\r\nbody\r\n"
MESSAGES = "(MessageNew MessageExpunge)"


@pytest.fixture
def user(suite):
    return suite.user()


@contextlib.contextmanager
def session(suite, user, select=None):
    with login(suite, user) as imap:
        if select:
            ok(imap, f"SELECT {select}")
        yield imap


@pytest.fixture
def other(suite, user):
    """Another session of the same user, that changes things."""
    with session(suite, user) as imap:
        yield imap


def append(imap, folder="INBOX", name="a"):
    text = TEXT.format(name)
    append_text(imap, text, folder)


def nothing(imap):
    """What was told without being asked for would stand before this answer, and what a NOOP finds behind it."""
    lines = ok(imap, "NOOP")
    assert lines == [], lines


def test_the_capability(other):
    assert b"NOTIFY" in ok(other, "CAPABILITY")[0].split()


@pytest.mark.parametrize("arguments", [
    "", " SET", " SET ()", " SET (SELECTED)", " SET (SELECTED (MessageNew))", " SET (SELECTED (MessageExpunge))",
    " SET (PERSONAL (FlagChange))", " SET (SELECTED (MailboxName))", " SET (SELECTED (MailboxMetadataChange))", " SET (SELECTED NONE) (SELECTED-DELAYED NONE)",
    " SET (PERSONAL (MessageNew (UID) MessageExpunge))", " SET (MAILBOXES NONE)", " SET (SOMEWHERE NONE)", " NONE NONE",
    " SET (SUBTREE () NONE)", " SET (SELECTED (MessageNew (NOSUCH) MessageExpunge))"])
def test_what_makes_no_sense_is_bad(other, arguments):
    """Sections 5, 6.1 and 8."""
    assert other.command("NOTIFY" + arguments)[0] == "BAD"


@pytest.mark.parametrize("event", ["AnnotationChange MessageNew MessageExpunge", "X-Unheard-Of"])
def test_an_event_that_is_not_ours_is_refused_with_those_that_are(other, event):
    """Section 3.1: NO, not BAD."""
    assert other.command(f"NOTIFY SET (PERSONAL ({event}))")[0] == "NO"
    events = re.match(r"NO \[BADEVENT \((.*)\)\]", other.text)[1].split()
    assert {"MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange",
            "MailboxMetadataChange", "ServerMetadataChange"} == set(events)


def test_annotations_of_folders_and_of_the_account(suite, user, other):
    """Sections 5.6 and 5.7: METADATA with the entries' names, of the folders that were asked for, though no command runs."""
    ok(other, "CREATE Work")
    ok(other, "CREATE Else")
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (MAILBOXES Work (MailboxMetadataChange))")
        ok(other, 'SETMETADATA Else (/private/comment "a")')
        ok(other, 'SETMETADATA "" (/private/comment "a")')
        ok(other, 'SETMETADATA Work (/private/comment "a")')
        assert imap.line() == '* METADATA Work "/private/comment"'
        nothing(imap)
        ok(imap, "NOTIFY SET (MAILBOXES Else (ServerMetadataChange))")
        ok(other, 'SETMETADATA Else (/private/comment "b")')
        ok(other, 'SETMETADATA "" (/private/comment "b")')
        assert imap.line() == '* METADATA "" "/private/comment"'
        ok(imap, "NOTIFY NONE")
        ok(other, 'SETMETADATA "" (/private/comment "c")')
        nothing(imap)


def test_annotations_in_idle(suite, user, other):
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (PERSONAL (MailboxMetadataChange))")
        imap.send("i IDLE\r\n")
        assert imap.line().startswith("+")
        ok(other, 'SETMETADATA INBOX (/private/comment "news")')
        assert imap.line() == '* METADATA INBOX "/private/comment"'
        imap.send("DONE\r\n")
        assert imap.line().startswith("i OK")


def test_new_mail_in_another_folder(suite, user, other):
    """Section 5.2: STATUS with UIDNEXT and MESSAGES, though no command runs."""
    ok(other, "CREATE Lists")
    with session(suite, user) as imap:
        ok(imap, f"NOTIFY SET (MAILBOXES Lists {MESSAGES})")
        append(other, "Lists")
        line = imap.response()
        assert line.startswith(b"* STATUS Lists (") and b"MESSAGES 1" in line and b"UIDNEXT 2" in line
        append(other, "INBOX")
        nothing(imap)


def test_a_delivery_is_told(suite, user):
    with session(suite, user) as imap:
        ok(imap, f"NOTIFY SET (INBOXES {MESSAGES})")
        with suite.smtp() as smtp:
            smtp.ehlo()
            smtp.message("a@example.org", [user.address], TEXT.format("b"))
        assert b"MESSAGES 1" in imap.response()


def test_expunges_and_flags_of_another_folder(suite, user, other):
    """Sections 5.1 and 5.3; flags only where they were asked for."""
    append(other)
    append(other)
    ok(other, "SELECT INBOX")
    with session(suite, user) as flags, session(suite, user) as messages:
        ok(flags, "NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange))")
        ok(messages, f"NOTIFY SET (PERSONAL {MESSAGES})")
        ok(other, "STORE 1 +FLAGS (\\Seen \\Deleted)")
        line = flags.response()
        assert all(item in line for item in (b"UNSEEN 1", b"UIDVALIDITY ", b"HIGHESTMODSEQ ", b"MESSAGES 2"))
        ok(other, "EXPUNGE")
        assert b"MESSAGES 1" in flags.response()
        assert b"MESSAGES 1" in messages.response()
        nothing(messages)


def test_status_of_all_that_is_watched(suite, user, other):
    """Section 3.1: the STATUS parameter; not of the selected folder."""
    ok(other, "CREATE Work.Plans")
    ok(other, "CREATE Play")
    append(other, "Work.Plans")
    with session(suite, user, "INBOX") as imap:
        lines = ok(imap, f"NOTIFY SET STATUS (SUBTREE Work {MESSAGES}) (MAILBOXES (INBOX Play) {MESSAGES})")
        assert [line.split()[2] for line in lines] == [b"Play", b"Work.Plans"]
        assert re.search(rb"MESSAGES 1 UIDNEXT 2 UIDVALIDITY \d+", lines[1])


def test_the_selected_folder_at_any_time(suite, user, other):
    """Sections 5.1 to 5.3 and 6.1: EXISTS with what was asked for, FETCH with UID, EXPUNGE without a command."""
    with session(suite, user, "INBOX") as imap:
        ok(imap, "NOTIFY SET (SELECTED (MessageNew (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))")
        append(other, name="new one")
        assert imap.response() == b"* 1 EXISTS"
        assert re.fullmatch(rb"\* \d RECENT", imap.response())
        line = imap.response()
        assert line.startswith(b"* 1 FETCH (UID 1 FLAGS (") and b"Subject: new one" in line
        ok(other, "SELECT INBOX")
        ok(other, "STORE 1 +FLAGS (\\Flagged \\Deleted)")
        line = imap.response()
        assert line.startswith(b"* 1 FETCH (UID 1 FLAGS (") and b"\\Flagged" in line
        ok(other, "EXPUNGE")
        assert imap.response() == b"* 1 EXPUNGE"


def test_own_messages_are_not_fetched(suite, user):
    """Section 5.2: no FETCH for what this connection has appended."""
    with session(suite, user, "INBOX") as imap:
        ok(imap, "NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))")
        text = TEXT.format("own")
        lines = append_text(imap, text)
        assert b"* 1 EXISTS" in lines and not any(b"FETCH" in line for line in lines)
        nothing(imap)


def test_delayed_expunges_wait_for_a_command(suite, user, other):
    """Section 6.1.2."""
    append(other)
    append(other)
    ok(other, "SELECT INBOX")
    with session(suite, user, "INBOX") as imap:
        ok(imap, f"NOTIFY SET (SELECTED-DELAYED {MESSAGES})")
        ok(other, "STORE 1 +FLAGS (\\Deleted)")
        ok(other, "EXPUNGE")
        append(other)
        assert imap.response() == b"* 3 EXISTS"
        assert re.fullmatch(rb"\* \d RECENT", imap.response())
        assert not any(b"EXPUNGE" in line for line in ok(imap, "FETCH 3 UID"))
        assert ok(imap, "NOOP") == [b"* 1 EXPUNGE"]


@pytest.mark.parametrize("command", ["NOTIFY NONE", "NOTIFY SET (SELECTED NONE)", "NOTIFY SET (SUBTREE Nowhere NONE)"])
def test_none_is_a_snapshot(suite, user, other, command):
    """Section 5: the selected folder stays as it is for the client, until it asks otherwise; its own EXPUNGE is told."""
    append(other)
    append(other)
    ok(other, "SELECT INBOX")
    with session(suite, user, "INBOX") as imap:
        ok(imap, command)
        append(other)
        ok(other, "STORE 2 +FLAGS (\\Deleted)")
        ok(other, "EXPUNGE")
        nothing(imap)
        ok(imap, "STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert b"* 1 EXPUNGE" in ok(imap, "EXPUNGE")
        lines = ok(imap, "NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))")
        assert b"* 1 EXISTS" in lines, "section 3.1: what has gathered is told before the answer"


def test_what_had_gathered_is_told_first(suite, user, other):
    """Section 3.1: NOTIFY SET implies a NOOP."""
    with session(suite, user, "INBOX") as imap:
        append(other)
        assert b"* 1 EXISTS" in ok(imap, "NOTIFY SET (SELECTED NONE)")


def test_names_come_go_and_change(suite, user, other):
    """Section 5.4: LIST with \\NonExistent, with OLDNAME."""
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (PERSONAL (MailboxName))")
        ok(other, "CREATE Work")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Work'
        ok(other, "RENAME Work Play")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Play ("OLDNAME" (Work))'
        ok(other, "DELETE Play")
        assert imap.response() == b'* LIST (\\NonExistent \\HasNoChildren) "." Play'
        nothing(imap)


def test_names_beneath_and_others(suite, user, other):
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (SUBTREE Work (MailboxName))")
        ok(other, "CREATE Workshop")
        ok(other, "CREATE Work.Plans")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Work.Plans'
        assert imap.response() == b'* LIST (\\NonExistent \\HasChildren) "." Work'
        nothing(imap)


def test_the_folder_above_one_that_comes_or_goes_is_told_too(suite, user, other):
    """Section 5.4: the direct parent is affected, if it was asked for."""
    ok(other, "CREATE Work")
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (MAILBOXES Work (MailboxName))")
        ok(other, "CREATE Work.Plans.Old")
        ok(other, "CREATE Work.Plans")
        assert imap.response() == b'* LIST (\\HasChildren) "." Work'
        ok(other, "DELETE Work.Plans.Old")
        nothing(imap)
        ok(other, "DELETE Work.Plans")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Work'
        nothing(imap)


def test_a_rename_is_told_once_for_all_beneath(suite, user, other):
    """Section 5.4: no events for the children, where the folder itself is told of."""
    for name in ("Work", "Work.Plans", "Work.Plans.Old"):
        ok(other, "CREATE " + name)
    with session(suite, user) as imap, session(suite, user) as narrow:
        ok(imap, "NOTIFY SET (PERSONAL (MailboxName))")
        ok(narrow, "NOTIFY SET (MAILBOXES (Work.Plans Play.Plans) (MailboxName))")
        ok(other, "RENAME Work Play")
        assert imap.response() == b'* LIST (\\HasChildren) "." Play ("OLDNAME" (Work))'
        nothing(imap)
        assert narrow.response() == b'* LIST (\\HasChildren) "." Play.Plans ("OLDNAME" (Work.Plans))'
        nothing(narrow)


def test_what_the_session_did_itself_is_not_told(suite, user, other):
    """Section 5: not to the client that causes it; another one's change of the same is."""
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))")
        for command in ("CREATE Work", "CREATE Work.Plans", "SUBSCRIBE Work", "RENAME Work Play", "DELETE Play.Plans", "UNSUBSCRIBE Work",
                        "SUBSCRIBE Play", "SUBSCRIBE Play"):
            ok(imap, command)
            nothing(imap)
        ok(other, "UNSUBSCRIBE Play")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Play'
        ok(other, "DELETE Play")
        assert imap.response() == b'* LIST (\\NonExistent \\HasNoChildren) "." Play'


def test_what_a_folder_is_for_is_told(suite, user, other):
    """Section 5.5: all attributes are right, those of RFC 6154 too."""
    ok(other, "CREATE Drafts")
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (PERSONAL (SubscriptionChange))")
        ok(other, "SUBSCRIBE Drafts")
        assert imap.response() == b'* LIST (\\HasNoChildren \\Subscribed \\Drafts) "." Drafts'


def test_a_folder_that_leaves_the_subscribed_ones_is_told(suite, user, other):
    """Section 6.4: it was one of them."""
    ok(other, "CREATE Work")
    ok(other, "SUBSCRIBE Work")
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (SUBSCRIBED (SubscriptionChange))")
        ok(other, "UNSUBSCRIBE Work")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Work'


def test_subscriptions(suite, user, other):
    """Section 5.5: \\Subscribed if and only if it is; a folder that is subscribed now is watched now."""
    ok(other, "CREATE Work")
    with session(suite, user) as imap:
        ok(imap, "NOTIFY SET (PERSONAL (SubscriptionChange)) (SUBSCRIBED (MessageNew MessageExpunge))")
        ok(other, "SUBSCRIBE Work")
        assert imap.response() == b'* LIST (\\HasNoChildren \\Subscribed) "." Work'
        append(other, "Work")
        assert imap.response().startswith(b"* STATUS Work (MESSAGES 1 ")
        ok(other, "UNSUBSCRIBE Work")
        assert imap.response() == b'* LIST (\\HasNoChildren) "." Work'
        append(other, "Work")
        nothing(imap)


def test_a_new_folder_is_watched(suite, user, other):
    with session(suite, user) as imap:
        ok(imap, f"NOTIFY SET (PERSONAL {MESSAGES})")
        ok(other, "CREATE Fresh")
        append(other, "Fresh")
        line = imap.response()
        assert b"* STATUS Fresh (MESSAGES 1 " in line, suite.log_text("imap")[-1500:]
        ok(other, "RENAME Fresh Stale")
        append(other, "Stale")
        line = imap.response()
        while b"MESSAGES 2" not in line:
            assert line.startswith(b"* STATUS Stale (MESSAGES 1 "), line
            line = imap.response()


def test_idle_and_notify_together(suite, user, other):
    """Section 4: IDLE tells what NOTIFY says, and what is delayed as well."""
    append(other)
    ok(other, "CREATE Lists")
    ok(other, "SELECT INBOX")
    with session(suite, user, "INBOX") as imap:
        ok(imap, f"NOTIFY SET (SELECTED-DELAYED {MESSAGES}) (MAILBOXES Lists {MESSAGES})")
        imap.send("i IDLE\r\n")
        assert imap.response().startswith(b"+")
        ok(other, "STORE 1 +FLAGS (\\Deleted)")
        ok(other, "EXPUNGE")
        assert imap.response() == b"* 1 EXPUNGE"
        append(other, "Lists")
        assert imap.response().startswith(b"* STATUS Lists (MESSAGES 1 ")
        imap.send("DONE\r\n")
        assert imap.response().startswith(b"i OK")


def test_it_goes_on_when_another_folder_is_selected(suite, user, other):
    ok(other, "CREATE Lists")
    with session(suite, user, "INBOX") as imap:
        ok(imap, f"NOTIFY SET (SELECTED {MESSAGES}) (PERSONAL {MESSAGES})")
        ok(imap, "SELECT Lists")
        append(other, "INBOX")
        assert imap.response().startswith(b"* STATUS INBOX (MESSAGES 1 ")
        append(other, "Lists")
        assert imap.response() == b"* 1 EXISTS"


def test_too_many_folders_are_refused(suite, user, other):
    """Section 3.1: NO with NOTIFICATIONOVERFLOW, and what was in force stays."""
    for i in range(1001):
        (user.maildir / f".f{i}").mkdir()
    with session(suite, user) as imap:
        assert imap.command(f"NOTIFY SET (PERSONAL {MESSAGES})")[0] == "NO"
        assert "[NOTIFICATIONOVERFLOW]" in imap.text
        ok(imap, f"NOTIFY SET (MAILBOXES INBOX {MESSAGES})")
