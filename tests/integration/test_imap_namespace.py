"""Issue 6, item 1: without the setting there is no prefix, as in Dovecot over Maildir++; with imap_inbox_prefix folders are
INBOX.x, as in Courier, in every command that names one (RFC 2342, RFC 3501 section 5.1). The disk is the same."""
import re

import pytest

from harness.imap import login


@pytest.fixture(scope="module")
def prefixed(suite):
    suite.set("imap_inbox_prefix", "yes")
    suite.restart("imap")
    yield suite
    suite.set("imap_inbox_prefix", None)
    suite.restart("imap")


def names(session, command):
    """[(name, attributes)] of LIST or LSUB, in the order in which they came."""
    return [(re.search(rb'"\." "?([^"]*)"?$', line)[1].decode(), re.search(rb"\(([^)]*)\)", line)[1].decode())
            for line in session.command(command)[1]]


def test_every_command_honours_the_prefix(prefixed):
    user = prefixed.user()
    prefixed.tool("deliver", "-d", user.address, input="Subject: x\n\n")
    with login(prefixed, user) as session:
        assert session.command("NAMESPACE")[1] == [b'* NAMESPACE (("INBOX." ".")) NIL NIL']
        assert session.command("CREATE INBOX.Work.Plans")[0] == "OK"
        assert session.command('CREATE "INBOX.Entw&APw-rfe."')[0] == "OK"
        assert session.command("CREATE inbox.Old")[0] == "OK"
        assert session.command("RENAME INBOX.Old INBOX.New")[0] == "OK"
        assert sorted(path.name for path in user.maildir.glob(".*")) == [".Entw&APw-rfe", ".New", ".Work.Plans"]
        assert session.command("STATUS INBOX.New (MESSAGES)")[1] == [b"* STATUS INBOX.New (MESSAGES 0)"]
        assert session.command("SUBSCRIBE INBOX.New")[0] == session.command("SUBSCRIBE INBOX.Work.Plans")[0] == "OK"
        assert b"\nNew\n" in (user.maildir / "subscriptions").read_bytes()
        assert session.command(["APPEND INBOX.New {6}", "a: b\r\n\r\n"])[0] == "OK"
        assert session.command("SELECT INBOX")[0] == "OK"
        assert session.command("COPY 1 INBOX.New")[0] == "OK"
        assert session.command("SELECT INBOX.New")[1] and session.command("MOVE 1 INBOX.Work.Plans")[0] == "OK"
        assert len(user.messages("New")) == len(user.messages("Work.Plans")) == 1
        assert session.command("UNSUBSCRIBE INBOX.New")[0] == "OK"
        assert names(session, 'LSUB "" "*"') == [("INBOX.Work.Plans", "")]
        assert session.command("EXAMINE INBOX.New")[0] == "OK"
        assert session.command("DELETE INBOX.New")[0] == "OK"
        assert not (user.maildir / ".New").exists()


def test_list_is_of_the_clients_names(prefixed):
    user = prefixed.user()
    with login(prefixed, user) as session:
        assert session.command("CREATE INBOX.a")[0] == session.command("CREATE INBOX.b.c")[0] == "OK"
        everything = [("INBOX", "\\HasChildren"), ("INBOX.a", "\\HasNoChildren"), ("INBOX.b", "\\Noselect \\HasChildren"),
                      ("INBOX.b.c", "\\HasNoChildren")]
        assert names(session, 'LIST "" "*"') == everything
        assert names(session, 'LIST "" "%"') == everything[:1]
        assert names(session, 'LIST "INBOX." "%"') == names(session, 'LIST "" "inbox.%"') == everything[1:3]
        assert names(session, 'LIST "" "a"') == []
        assert session.command("SUBSCRIBE INBOX")[0] == session.command("SUBSCRIBE INBOX.b.c")[0] == "OK"
        assert [name for name, _ in names(session, 'LSUB "" "*"')] == ["INBOX", "INBOX.b.c"]


@pytest.mark.parametrize("name", ["a", "INBOX.", "INBOX.INBOX", "INBOX.inbox", "INBOXa", "INBO", "INBOX..a"])
def test_what_is_outside_is_no_folder(prefixed, name):
    user = prefixed.user()
    prefixed.tool("deliver", "-d", user.address, input="Subject: x\n\n")
    with login(prefixed, user) as session:
        before = sorted(path.name for path in user.maildir.iterdir())
        for command in ("CREATE", "SELECT", "DELETE", "SUBSCRIBE", "RENAME INBOX", f"RENAME {name}"):
            assert session.command(f"{command} {name}")[0] in ("NO", "BAD"), command
        session.command("SELECT INBOX")
        assert session.command(f"COPY 1 {name}")[0] == "NO" and "TRYCREATE" not in session.text
    assert [path for path in before if path.startswith(".")] == [path.name for path in user.maildir.glob(".*")]


def test_without_the_setting_there_is_no_prefix(suite):
    """After the others of this file: the suite is as it was."""
    suite.set("imap_inbox_prefix", None)
    suite.restart("imap")
    user = suite.user()
    with login(suite, user) as session:
        assert session.command("NAMESPACE")[1] == [b'* NAMESPACE (("" ".")) NIL NIL']
        assert session.command("CREATE INBOX.a")[0] == "OK"
        assert (user.maildir / ".INBOX.a").is_dir()
