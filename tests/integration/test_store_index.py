"""The index of a folder (postern-index) as clients and other programs meet it: it is never seen but by its speed, and whatever
happens to its file, IMAP and POP3 say what the message files, their names and dovecot-uidlist say."""
import contextlib
import os
import random
import re
import shutil
import stat
import threading

import pytest

from harness import wait_for

ALL = "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (From Subject References)])"

PLAIN = """From: "Anna, the first" <anna@example.test>
To: bert@example.test, undisclosed: c@x.test, d@x.test;
Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?= {n}
Date: Sat, 21 Nov 2026 10:00:0{n} +0100
Message-ID: <{n}@example.test>
References: <a@example.test>
 <b@example.test>
X-Other: not kept

text {n}
"""

PARTS = """From: anna@example.test
Subject: parts {n}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b

first
--b
Content-Type: message/rfc822

Subject: inner "quoted"

inner
--b
Content-Type: application/pdf; name="x.pdf"
Content-Disposition: attachment; filename="x.pdf"
Content-Transfer-Encoding: base64

AAEC
--b--
"""


class Mailbox:
    """A user with a few messages, put there as another program would: LF ends, no sizes in the names."""

    def __init__(self, suite):
        self.suite, self.user = suite, suite.user()
        with self.session():
            pass  # the first login makes the Maildir
        self.path = self.user.maildir
        self.index = self.path / "postern-index"
        self.count = 0
        for text in (PLAIN, PARTS, PLAIN):
            self.put(text)

    def put(self, text, part="new", info=""):
        self.count += 1
        path = self.path / part / f"{1700000000 + self.count}.M1P1.host{info}"
        temporary = self.path / "tmp" / path.name
        temporary.write_text(text.format(n=self.count))
        owner = self.path.stat()
        os.chown(temporary, owner.st_uid, owner.st_gid)
        os.utime(temporary, (1600000000 + self.count,) * 2)
        temporary.rename(path)
        return path

    def files(self):
        return sorted((path for part in ("new", "cur") for path in (self.path / part).iterdir()), key=lambda path: path.name)

    @contextlib.contextmanager
    def session(self, folder=None):
        with self.suite.imap("imaps") as imap:
            assert imap.login(self.user.address, self.user.password)[0] == "OK"
            if folder:
                imap.first = imap.command(f"SELECT {folder}")[1]
                assert imap.text.startswith("OK"), imap.text
            yield imap

    def listing(self):
        with self.session("INBOX") as imap:
            status, lines = imap.command(ALL)
            assert status == "OK", imap.text
            return [line.replace(b" \\Recent", b"").replace(b"\\Recent", b"") for line in lines]

    def numbers(self):
        """UIDVALIDITY and the UIDs."""
        with self.session("INBOX") as imap:
            validity = next(int(m[1]) for m in (re.search(rb"UIDVALIDITY (\d+)", line) for line in imap.first) if m)
            return validity, [int(uid) for uid in imap.command("UID SEARCH ALL")[1][0].split()[2:]]


@pytest.fixture
def mailbox(suite):
    return Mailbox(suite)


def test_the_answers_are_the_same_with_and_without(mailbox):
    first = mailbox.listing()
    assert len(first) == 3 and b'ENVELOPE ("Sat, 21 Nov 2026 10:00:01 +0100"' in first[0]
    assert b"References: <a@example.test>\r\n <b@example.test>\r\n\r\n" in first[0] and b"X-Other" not in first[0]
    assert b'"message" "rfc822"' in first[1].lower() and b'"x.pdf"' in first[1]
    mode = mailbox.index.stat()
    assert stat.S_IMODE(mode.st_mode) == 0o600 and mode.st_uid == mailbox.path.stat().st_uid
    assert mailbox.listing() == first
    mailbox.index.unlink()
    assert mailbox.listing() == first


def test_a_listing_reads_no_message(mailbox):
    first = mailbox.listing()
    with mailbox.suite.pop3("pop3s") as pop3:
        pop3.login(mailbox.user.address, mailbox.user.password)
        sizes = pop3.many("LIST")
    files = mailbox.files()
    for path in files:
        path.chmod(0)
    try:
        assert mailbox.listing() == first
        with mailbox.suite.pop3("pop3s") as pop3:
            pop3.login(mailbox.user.address, mailbox.user.password)
            assert pop3.many("LIST") == sizes
            assert pop3.command("STAT") == f"+OK 3 {sum(int(line.split()[1]) for line in sizes[1])}"
    finally:
        for path in files:
            path.chmod(0o600)


def test_noise_and_pieces(mailbox):
    first = mailbox.listing()
    content = mailbox.index.read_bytes()
    source = random.Random(3)
    pieces = [b"", content[:1], content[:200], content[:len(content) // 2], content[:-1], content + content, source.randbytes(4000)]
    for _ in range(5):
        flipped = bytearray(content)
        flipped[source.randrange(len(flipped))] ^= 1 << source.randrange(8)
        pieces.append(bytes(flipped))
    for piece in pieces:
        mailbox.index.write_bytes(piece)
        assert mailbox.listing() == first


def test_a_planted_link_is_not_followed(mailbox, tmp_path):
    first = mailbox.listing()
    victim = mailbox.path.parent / f"{mailbox.path.name}-victim"
    victim.write_bytes(b"mine")
    os.chown(victim, mailbox.path.stat().st_uid, -1)
    try:
        mailbox.index.unlink()
        mailbox.index.symlink_to(victim)
        assert mailbox.listing() == first
        assert victim.read_bytes() == b"mine" and not mailbox.index.is_symlink()
    finally:
        victim.unlink()


def test_truncated_under_a_session(mailbox):
    """One who cuts the file short while it is open ends nobody: it is read, not mapped."""
    with mailbox.session("INBOX") as imap:
        first = imap.command(ALL)[1]
        os.truncate(mailbox.index, 300)
        assert imap.command(ALL)[1] == first
        assert imap.command("NOOP")[0] == "OK"
        os.truncate(mailbox.index, 0)
        assert imap.command(ALL)[1] == first
        assert imap.command("STORE 1 +FLAGS.SILENT (\\Flagged)")[0] == "OK"
    assert b"\\Flagged" in mailbox.listing()[0]


def noop(imap, wanted):
    def look():
        status, lines = imap.command("NOOP")
        assert status == "OK"
        return wanted in b"\n".join(lines)
    wait_for(lambda: f"{wanted} was not told", 10, look)


def test_other_programs_are_noticed(mailbox):
    mailbox.listing()
    with mailbox.session("INBOX") as imap:
        one, two, three = mailbox.files()
        three.rename(three.with_name(three.name.split(":")[0] + ":2,F"))
        noop(imap, b"* 3 FETCH (FLAGS (\\Flagged")
        two.unlink()
        noop(imap, b"* 2 EXPUNGE")
        mailbox.put(PLAIN, "cur", ":2,S")
        noop(imap, b"* 3 EXISTS")
        lines = imap.command("FETCH 3 (FLAGS ENVELOPE)")[1]
        assert b"\\Seen" in lines[0] and b"<4@example.test>" in lines[0]
    assert len(mailbox.listing()) == 3


def test_an_older_index_is_put_back(mailbox):
    """As a restored backup, or a disk that forgot its last seconds, would have it."""
    mailbox.listing()
    older = mailbox.index.read_bytes()
    with mailbox.session("INBOX") as imap:
        assert imap.command("STORE 1 +FLAGS (\\Deleted)")[0] == "OK"
        assert imap.command("EXPUNGE")[0] == "OK"
        assert imap.command("STORE 1 +FLAGS (\\Answered $Work)")[0] == "OK"
    mailbox.put(PLAIN)
    now = mailbox.listing()
    mailbox.index.write_bytes(older)
    assert mailbox.listing() == now
    assert b"\\Answered" in now[0] and b"$Work" in now[0] and len(now) == 3


def test_a_new_uidvalidity(mailbox):
    first = mailbox.listing()
    validity, uids = mailbox.numbers()
    assert uids == [1, 2, 3]
    mailbox.files()[0].unlink()
    (mailbox.path / "dovecot-uidlist").unlink()
    again, uids = mailbox.numbers()
    assert again > validity and uids == [1, 2]
    now = mailbox.listing()
    assert [line.split(b"UID", 1)[1].split(b" ", 2)[2] for line in now] == [
        line.split(b"UID", 1)[1].split(b" ", 2)[2] for line in first[1:]]


def test_the_folder_goes_under_a_session(mailbox):
    with mailbox.session() as imap:
        assert imap.command("CREATE Work")[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        assert imap.command("COPY 1:* Work")[0] == "OK"
        assert imap.command("SELECT Work")[0] == "OK"
        assert len(imap.command(ALL)[1]) == 3
        shutil.rmtree(mailbox.path / ".Work")
        with contextlib.suppress(EOFError):
            imap.command("NOOP")
            imap.command("STORE 1 +FLAGS (\\Flagged)")
            imap.command("FETCH 1:* (FLAGS ENVELOPE BODY.PEEK[])")
    with mailbox.session() as imap:
        assert imap.command("SELECT Work")[0] == "NO"
        assert imap.command("CREATE Work")[0] == "OK"
        assert imap.command("SELECT Work")[0] == "OK"
    assert len(mailbox.listing()) == 3


def test_sessions_and_deliveries_at_once(mailbox):
    """Two sessions change flags while mail arrives; at the end all that any of them says is what the files say."""
    rounds = 25

    def change(seed):
        source = random.Random(seed)
        with mailbox.session("INBOX") as imap:
            for _ in range(rounds):
                imap.command("NOOP")
                sign = source.choice("+-")
                assert imap.command(f"UID STORE {source.randrange(1, 6)} {sign}FLAGS (\\Flagged \\Seen)")[0] == "OK"

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for n in range(10):
        text = PLAIN.format(n=n).replace("\n", "\r\n")
        with mailbox.session() as imap:
            assert imap.command([f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])[0] == "OK"
    for thread in threads:
        thread.join()
    with_index = mailbox.listing()
    mailbox.index.unlink()
    assert mailbox.listing() == with_index and len(with_index) == 13
    flags = {path.name.split(":2,")[1] for path in mailbox.files()[:5]}
    told = {"".join(letter for word, letter in ((b"\\Flagged", "F"), (b"\\Seen", "S")) if word in line.split(b"ENVELOPE")[0])
            for line in with_index[:5]}
    assert flags == told
