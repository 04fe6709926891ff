"""What a mailbox holds and may hold, as IMAP tells it: RFC 9208."""
import pytest

from harness.imap import append_text, login, ok
from test_quota import Users, held, files


@pytest.fixture(scope="module")
def limited(suite):
    """Users who may hold 10,000 bytes or 20 messages."""
    return Users(suite).ready


@pytest.fixture
def user(limited):
    return limited.pop(0)


@pytest.fixture
def imap(suite, user):
    with login(suite, user) as session:
        yield session


def append(imap, size, flags=""):
    text = "Subject: x\r\n\r\n" + "x" * size + "\r\n"
    append_text(imap, text, rest=flags)


def test_capability_names_the_resources(imap):
    words = ok(imap, "CAPABILITY")[0].split()
    assert {b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE"} <= set(words)
    assert b"QUOTASET" not in words


def test_getquotaroot_and_getquota_section_4_1(imap, user):
    assert ok(imap, "GETQUOTAROOT INBOX") == [b'* QUOTAROOT INBOX "User quota"', b'* QUOTA "User quota" (STORAGE 0 10 MESSAGE 0 20)']
    append(imap, 3000)
    append(imap, 50)
    bytes_held, messages = held(*files(user))
    expected = b'* QUOTA "User quota" (STORAGE %d 10 MESSAGE %d 20)' % (-(-bytes_held // 1024), messages)
    assert ok(imap, 'GETQUOTA "User quota"') == [expected]
    ok(imap, "CREATE Work")
    assert ok(imap, "GETQUOTAROOT Work") == [b'* QUOTAROOT Work "User quota"', expected]


def test_a_root_or_folder_that_is_not_there(imap):
    for command in ("GETQUOTA Domain", 'GETQUOTA "Domain quota"', 'GETQUOTA ""', "GETQUOTAROOT Nothing"):
        assert imap.command(command)[0] == "NO" and "[NONEXISTENT]" in imap.text, command
    assert imap.command("GETQUOTAROOT ../../x")[0] == "NO"


def test_nobody_sets_limits_section_4_1_3(imap):
    assert imap.command('SETQUOTA "User quota" (STORAGE 512 MESSAGE 1)')[0] == "NO" and "[NOPERM]" in imap.text
    assert imap.command('SETQUOTA "User quota" (STORAGE)')[0] == "BAD"


def test_without_a_limit_there_is_no_root(suite):
    account = suite.user()
    with login(suite, account) as imap:
        assert ok(imap, "GETQUOTAROOT INBOX") == [b"* QUOTAROOT INBOX"]
        assert imap.command('GETQUOTA "User quota"')[0] == "NO"


def test_deleted_and_deleted_storage_section_4_1_4(imap, user):
    append(imap, 1000, r"(\Deleted) ")
    append(imap, 2000)
    append(imap, 500, r"(\Deleted) ")
    deleted = sum(path.stat().st_size for path in files(user) if "T" in path.name.rsplit(",", 1)[1])
    assert ok(imap, "STATUS INBOX (DELETED DELETED-STORAGE)") == [b"* STATUS INBOX (DELETED 2 DELETED-STORAGE %d)" % deleted]
    ok(imap, "SELECT INBOX")
    ok(imap, "EXPUNGE")
    assert ok(imap, "STATUS INBOX (DELETED-STORAGE)") == [b"* STATUS INBOX (DELETED-STORAGE 0)"]
    assert held(*files(user))[1] == 1
