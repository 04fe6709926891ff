"""Promise 18 for what IMAP sessions do: what APPEND, COPY, MOVE and RENAME say of UIDs is true, and no number comes back."""
import re

import pytest


@pytest.fixture
def imap(suite):
    user = suite.user()
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        imap.user = user
        ask(imap, "CREATE Work")
        yield imap


def ask(imap, command):
    status, lines = imap.command(command)
    assert status == "OK", (command, imap.text)
    return b"\n".join(lines).decode()


def append(imap, folder, subject):
    """(UIDVALIDITY, UID) as the answer says."""
    text = f"Subject: {subject}\r\n\r\n"
    ask(imap, [f"APPEND {folder} {{{len(text)}}}", text + "\r\n"])
    return tuple(int(n) for n in re.search(r"APPENDUID (\d+) (\d+)", imap.text).groups())


def look(imap, folder):
    """(UIDVALIDITY, {UID: subject})."""
    validity = int(re.search(r"UIDVALIDITY (\d+)", ask(imap, f"EXAMINE {folder}"))[1])
    found = re.findall(r"UID (\d+) .*?Subject: (\w+)", ask(imap, "UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), re.S)
    return validity, {int(uid): subject for uid, subject in found}


def remove_all(imap, folder):
    ask(imap, f"SELECT {folder}")
    ask(imap, "STORE 1:* +FLAGS.SILENT (\\Deleted)")
    ask(imap, "CLOSE")


def test_appended(imap):
    validity, first = append(imap, "INBOX", "one")
    assert append(imap, "INBOX", "two") == (validity, first + 1)
    assert look(imap, "INBOX") == (validity, {first: "one", first + 1: "two"})
    remove_all(imap, "INBOX")
    assert append(imap, "INBOX", "three") == (validity, first + 2), "no number of one that is gone"
    assert look(imap, "INBOX") == (validity, {first + 2: "three"})


@pytest.mark.parametrize("command", ["COPY", "MOVE"])
def test_copied_and_moved(imap, command):
    subjects = {append(imap, "INBOX", name)[1]: name for name in ("one", "two", "three")}
    last = 0
    for _ in range(2):  # there and, emptied, there again
        source = look(imap, "INBOX")[1]
        ask(imap, "SELECT INBOX")
        said = ask(imap, f"UID {command} 1:* Work") + imap.text
        validity, old, new = re.search(r"COPYUID (\d+) ([\d:]+) ([\d:]+)", said).groups()
        numbers = [range(int(each.split(":")[0]), int(each.split(":")[-1]) + 1) for each in (old, new)]
        assert look(imap, "Work") == (int(validity), {there: source[here] for here, there in zip(*numbers, strict=True)})
        assert min(numbers[1]) > last and sorted(source.values()) == sorted(subjects.values())
        last = max(numbers[1])
        if command == "MOVE":
            assert look(imap, "INBOX")[1] == {}
            ask(imap, "SELECT Work")
            ask(imap, "MOVE 1:* INBOX")
            assert min(look(imap, "INBOX")[1]) > max(source), "back, but as new ones"
        else:
            remove_all(imap, "Work")


def test_renamed(imap):
    append(imap, "Work", "one")
    before = look(imap, "Work")
    ask(imap, "UNSELECT")
    ask(imap, "RENAME Work Done")
    after = look(imap, "Done")
    assert after == before or after[0] > before[0]
    ask(imap, "CREATE Work")
    append(imap, "Work", "other")
    assert look(imap, "Work")[0] not in (before[0], after[0]), "another folder of that name"
    assert look(imap, "Done") == after


def test_deleted_and_made_again(imap):
    seen = []
    for _ in range(3):
        seen.append(append(imap, "Work", "one"))
        ask(imap, "DELETE Work")
        ask(imap, "CREATE Work")
    assert len(set(seen)) == 3 and [validity for validity, _ in seen] == sorted({validity for validity, _ in seen})
