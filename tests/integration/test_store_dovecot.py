"""Issue 6, item 1: Debian's Dovecot 2.3 works on the same Maildir after, before and while Postern does, and no UID, flag,
keyword or subscription changes but by command. Sessions are real ones of both servers."""
import random
import re
import struct
import threading

import pytest

from harness.dovecot import Dovecot, missing

pytestmark = pytest.mark.skipif(missing(), reason="Debian's dovecot-imapd is not installed")


def do(session, text):
    """A command that must go well; its untagged lines."""
    status, lines = session.command(text)
    assert status == "OK", (text, session.text, lines)
    return lines


def append(session, folder, subject, flags=""):
    text = f"Subject: {subject}\r\n\r\nbody\r\n"
    do(session, [f"APPEND {folder} {flags}{{{len(text)}}}", text + "\r\n"])
    return tuple(map(int, re.search(r"APPENDUID (\d+) (\d+)", session.text).groups()))


def folders(session, prefix=""):
    """Names of all folders as the store knows them."""
    names = [re.search(rb'"\." "?([^"]*)"?$', line)[1].decode() for line in do(session, 'LIST "" "*"')
             if not re.search(rb"\\(Noselect|NonExistent)", line)]
    return sorted(name if name == "INBOX" else name.removeprefix(prefix) for name in names)


def messages(session, folder):
    """uidvalidity and {uid: (subject, flags)}."""
    lines = do(session, f"EXAMINE {folder}")
    validity = int(re.search(rb"UIDVALIDITY (\d+)", b"\n".join(lines))[1])
    found = {}
    for line in do(session, "UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"):
        uid, subject = re.search(rb"UID (\d+)", line), re.search(rb"Subject: (\S+)", line)
        if uid and subject:
            flags = set(re.search(rb"FLAGS \(([^)]*)\)", line)[1].decode().split()) - {"\\Recent"}
            found[int(uid[1])] = (subject[1].decode(), frozenset(flags))
    do(session, "CLOSE")
    return validity, found


def view(session, prefix=""):
    """All that a client can know: every folder's UIDs, subjects, flags and keywords, and the subscriptions."""
    subscribed = [re.search(rb'"\." "?([^"]*)"?$', line)[1].decode() for line in do(session, 'LSUB "" "*"')]
    content = {name: messages(session, name if name == "INBOX" else f'"{prefix}{name}"') for name in folders(session, prefix)}
    return content, sorted(name.removeprefix(prefix) for name in subscribed)


def postern(suite, user):
    session = suite.imap("imaps", timeout=60)
    assert session.login(user.address, user.password)[0] == "OK"
    return session


KINDS = {
    "as it comes": {},
    "INBOX. prefix": {"prefix": "INBOX."},
    "very dirty syncs": {"settings": "maildir_very_dirty_syncs = yes"},
    "index elsewhere": {"location": ":INDEX={directory}/index"},
    "index in memory": {"location": ":INDEX=MEMORY"},
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_after_the_other(suite, kind):
    """Each works where the other has left off, three times, and leaves what it did not touch as it was."""
    user = suite.user()
    suite.tool("deliver", "-d", user.address, input="Subject: first\n\n")
    prefix = KINDS[kind].get("prefix", "")
    with Dovecot(user.maildir, **KINDS[kind]) as dovecot:
        expected = None
        for number in range(6):
            ours = number % 2 == 0
            own = "" if ours else prefix
            with postern(suite, user) if ours else dovecot.session() as session:
                if expected:
                    assert view(session, own) == expected, (number, dovecot.log())
                change_a_little(session, own, number)
            # What a session of the same server sees anew is what it has left.
            with postern(suite, user) if ours else dovecot.session() as session:
                expected = view(session, own)


def change_a_little(session, prefix, number):
    name = f'"{prefix}f{number}.Entw&APw-rfe"'
    do(session, f"CREATE {name}")
    do(session, f"SUBSCRIBE {name}")
    if number > 1:
        before = f'"{prefix}f{number - 2}.Entw&APw-rfe"'
        do(session, f'RENAME {before} "{prefix}was{number}"')
        do(session, f"UNSUBSCRIBE {before}")
    append(session, "INBOX", f"by{number}", f"(\\Draft Key{number} $Junk) ")
    append(session, name, f"in{number}")
    do(session, "SELECT INBOX")
    do(session, f"UID STORE 1 +FLAGS (\\Answered Mark{number})")
    do(session, f"UID COPY 1:* {name}")
    if number == 3:
        do(session, "UID STORE 2 +FLAGS (\\Deleted)")
        do(session, "EXPUNGE")
    do(session, "CLOSE")


class Worker(threading.Thread):
    """
    A client that works at random. Each has a flag and a keyword of its own, so what a message's flags must be at the end
    does not hang on who came first; and expunges only what it appended itself.
    """
    def __init__(self, number, session, steps, seed):
        super().__init__()
        self.number, self.session, self.steps = number, session, steps
        self.random = random.Random(seed)
        self.flags = (["\\Seen", "\\Flagged", "\\Answered", "\\Draft"][number], f"Key{number}")
        self.known = {}     # (folder, uid): subject, of what this one made
        self.own = []       # of those: not expunged yet
        self.expunged = set()
        self.set = {}       # (folder, uid, flag): as this one left it
        self.names = []     # folders that it made
        self.subscribed = set()
        self.made = 0
        self.selected = "INBOX"
        self.trouble = None

    def run(self):
        try:
            with self.session:
                do(self.session, "SELECT INBOX")
                for _ in range(self.steps):
                    self.random.choice([self.append, self.append, self.store, self.store, self.store, self.copy, self.expunge,
                                        self.change_folder, self.folder, self.look])()
                do(self.session, "LOGOUT")
        except Exception as error:
            self.trouble = error

    def append(self):
        self.made += 1
        subject, folder = f"m{self.number}x{self.made}", self.random.choice(["INBOX", "A", "A.b"])
        _, uid = append(self.session, folder, subject)
        self.known[folder, uid] = subject
        self.own.append((folder, uid))

    def change_folder(self):
        self.selected = self.random.choice(["INBOX", "A", "A.b"])
        do(self.session, f"SELECT {self.selected}")

    def uids(self):
        """What is there that somebody made, but not what another may expunge."""
        return [int(uid) for line in do(self.session, "UID SEARCH ALL") if b"SEARCH" in line
                for uid in re.findall(rb"\d+", line.split(b"SEARCH")[1])]

    def store(self):
        uids = self.uids()
        if not uids:
            return
        uid, flag, on = self.random.choice(uids), self.random.choice(self.flags), self.random.random() < 0.7
        # Somebody may have expunged it meanwhile: that is a NO or nothing.
        status, _ = self.session.command(f"UID STORE {uid} {'+' if on else '-'}FLAGS.SILENT ({flag})")
        assert status in ("OK", "NO"), self.session.text
        if status == "OK":
            self.set[self.selected, uid, flag] = on

    def copy(self):
        here = [(folder, uid) for folder, uid in self.own if folder == self.selected]
        if not here:
            return
        target = self.random.choice(["INBOX", "A", "A.b"])
        folder, uid = self.random.choice(here)
        do(self.session, f"UID COPY {uid} {target}")
        copied = re.search(r"COPYUID \d+ \d+ (\d+)", self.session.text)
        assert copied, self.session.text
        self.known[target, int(copied[1])] = self.known[folder, uid]

    def expunge(self):
        here = [(folder, uid) for folder, uid in self.own if folder == self.selected]
        if not here:
            return
        one = self.random.choice(here)
        do(self.session, f"UID STORE {one[1]} +FLAGS.SILENT (\\Deleted)")
        do(self.session, f"UID EXPUNGE {one[1]}")
        self.own.remove(one)
        self.expunged.add(one)

    def folder(self):
        name = f"w{self.number}.{len(self.names)}"
        if self.names and self.random.random() < 0.4:
            at = self.random.randrange(len(self.names))
            do(self.session, f"RENAME {self.names[at]} {self.names[at]}r")
            self.names[at] += "r"
            return
        do(self.session, f"CREATE {name}")
        do(self.session, f"SUBSCRIBE {name}")
        self.names.append(name)
        self.subscribed.add(name)

    def look(self):
        do(self.session, "NOOP")


@pytest.mark.parametrize("kind", ["as it comes", "index elsewhere"])
def test_both_at_once(suite, kind):
    """Two sessions of each server work at random on three folders; then both show the same, and it is what was done."""
    user = suite.user()
    suite.tool("deliver", "-d", user.address, input="Subject: first\n\n")
    with Dovecot(user.maildir, **KINDS[kind]) as dovecot:
        with postern(suite, user) as session:
            for name in ("A", "A.b"):
                do(session, f"CREATE {name}")
            before = view(session)
        seed = random.randrange(1 << 32)
        sessions = [postern(suite, user), dovecot.session(), postern(suite, user), dovecot.session()]
        workers = [Worker(number, session, 60, seed + number) for number, session in enumerate(sessions)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.trouble for worker in workers] == [None] * 4, (seed, dovecot.log())
        with postern(suite, user) as session:
            ours = view(session)
        with dovecot.session() as session:
            theirs = view(session)
        assert ours == theirs, (seed, dovecot.log())
        check_what_was_done(before, ours, workers, seed)
        # Both notice and tell when one of them has given a number that was another's.
        assert not re.search("reappeared|Duplicate|UIDVALIDITY changed|overridden|corrupted", dovecot.log()), (seed, dovecot.log())


def check_what_was_done(before, after, workers, seed):
    content, subscribed = after
    expected = {("INBOX", 1): "first"}
    for worker in workers:
        for key, subject in worker.known.items():
            assert key not in expected, (seed, "a UID was given twice", key)
            expected[key] = subject
    gone = set().union(*(worker.expunged for worker in workers))
    found = {(name, uid): message[0] for name, (_, inside) in content.items() for uid, message in inside.items()}
    assert found == {key: subject for key, subject in expected.items() if key not in gone}, seed
    for name, (validity, _) in before[0].items():
        assert content[name][0] == validity, (seed, name)
    for worker in workers:
        for (name, uid, flag), on in worker.set.items():
            if (name, uid) not in gone:
                assert (flag in content[name][1][uid][1]) == on, (seed, name, uid, flag)
    assert sorted(content) == sorted(["INBOX", "A", "A.b"] + [name for worker in workers for name in worker.names]), seed
    assert subscribed == sorted(name for worker in workers for name in worker.subscribed), seed


# --- mod-sequences (lib/store/index.h): the field M of the list's header ----------------------------


def highest(user):
    """The last mod-sequence that was given, as the index has it (struct index_state)."""
    return struct.unpack_from("<5Q", (user.maildir / "postern-index").read_bytes())[4]


def bound(user):
    """M, and the file that it stands in."""
    path = user.maildir / "dovecot-uidlist"
    found = re.search(r" M(\d+)", path.read_text().split("\n")[0])
    return found and int(found[1]), path.stat().st_ino


def change(suite, user):
    """A session of ours changes a message: this takes a mod-sequence."""
    with postern(suite, user) as session:
        do(session, "SELECT INBOX")
        for sign in "+-":
            do(session, f"UID STORE 1 {sign}FLAGS.SILENT (\\Flagged)")
        do(session, "CLOSE")
    return highest(user)


@pytest.mark.parametrize("lost", ["nothing", "the index"])
def test_mod_sequences_never_go_back_when_dovecot_writes_the_list_anew(suite, lost):
    """The last one was given by a clock that was years ahead, which the bound M says and nothing else: Dovecot keeps the field."""
    user = suite.user()
    for number in range(10):
        suite.tool("deliver", "-d", user.address, input=f"Subject: m{number}\n\n")
    change(suite, user)
    path = user.maildir / "dovecot-uidlist"
    future = bound(user)[0] + 10 ** 15
    path.write_text(re.sub(r" M\d+", f" M{future}", path.read_text(), count=1))
    (user.maildir / "postern-index").unlink()
    before = change(suite, user)
    assert before > future
    # That many expunges, and Dovecot makes the list anew at the next look.
    old = bound(user)
    with Dovecot(user.maildir) as dovecot:
        with dovecot.session() as session:
            do(session, "SELECT INBOX")
            do(session, "UID STORE 3:10 +FLAGS.SILENT (\\Deleted)")
            do(session, "EXPUNGE")
        with dovecot.session() as session:
            append(session, "INBOX", "dove")
            do(session, "SELECT INBOX")
    new = bound(user)
    assert new[1] != old[1], "Dovecot has not written the list anew: this test says nothing"
    assert new[0] is not None and new[0] >= before
    if lost == "the index":
        (user.maildir / "postern-index").unlink()
    assert change(suite, user) > before
