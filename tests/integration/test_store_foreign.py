"""Issue 6, item 8: programs that know nothing of Postern (a delivery agent by rename, Dovecot's LDA, mutt's flags, rm) work on a Maildir
while IMAP and POP3 sessions and deliver do: no message is lost, doubled or numbered anew."""
import os
import pwd
import random
import re
import subprocess
import threading
import time

import pytest

from harness.dovecot import Dovecot, missing

SECONDS = 4
LDA = "/usr/lib/dovecot/dovecot-lda"


class Worker(threading.Thread):
    """Does something again and again until the time is over; its trouble is the test's."""

    def __init__(self, name, act, pause=0.0):
        super().__init__()
        self.name, self.act, self.pause, self.trouble = name, act, pause, None

    def run(self):
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                self.act()
                time.sleep(self.pause)
        except Exception as error:  # told at the end, with the worker's name
            self.trouble = f"{self.name}: {error!r}"


class Mailbox:
    def __init__(self, suite):
        self.suite, self.user, self.lock = suite, suite.user(), threading.Lock()
        self.count, self.put, self.removed, self.uids, self.uidls = 0, set(), set(), {}, {}
        self.imap("SELECT INBOX").close()
        self.path, self.vmail = self.user.maildir, pwd.getpwnam("vmail")

    def subject(self):
        with self.lock:
            self.count += 1
            return f"m{self.count}"

    def arrived(self, subject):
        with self.lock:
            self.put.add(subject)

    def imap(self, command):
        session = self.suite.imap("imaps", timeout=30)
        assert session.login(self.user.address, self.user.password)[0] == "OK"
        assert session.command(command)[0] == "OK", session.text
        return session

    # --- foreign programs

    def foreign_delivery(self):
        subject = self.subject()
        name = f"{int(time.time())}.{subject}P{os.getpid()}.elsewhere"
        temporary = self.path / "tmp" / name
        temporary.write_text(f"Subject: {subject}\n\nbody\n")
        os.chown(temporary, self.vmail.pw_uid, self.vmail.pw_gid)
        temporary.rename(self.path / "new" / name)
        self.arrived(subject)

    def lda(self, dovecot):
        subject = self.subject()
        subprocess.run([LDA, "-c", dovecot.directory / "conf"], input=f"Subject: {subject}\n\nbody\n".encode(), check=True, user="vmail",
                       group=dovecot.gid, extra_groups=[], cwd="/",
                       env={"PATH": "/usr/bin:/bin", "USER": "anna", "HOME": str(dovecot.directory)})
        self.arrived(subject)

    def choose(self):
        files = [entry for part in ("new", "cur") for entry in os.scandir(self.path / part)]
        return random.choice(files) if files else None

    def rm(self):
        entry = self.choose()
        if entry is None:
            return
        try:
            with open(entry.path) as message:
                subject = re.search(r"^Subject: (\S+)", message.read(), re.M)[1]
            os.unlink(entry.path)
        except FileNotFoundError:
            return  # somebody renamed or removed it
        with self.lock:
            self.removed.add(subject)

    def mutt(self):
        entry = self.choose()
        if entry is None:
            return
        base, _, info = entry.name.partition(":2,")
        flags = "".join(sorted(set(info) ^ {random.choice("FS")}))
        try:
            os.rename(entry.path, self.path / "cur" / f"{base}:2,{flags}")
        except FileNotFoundError:
            pass

    # --- ours

    def deliver(self):
        subject = self.subject()
        self.suite.tool("deliver", "-d", self.user.address, input=f"Subject: {subject}\n\nbody\n")
        self.arrived(subject)

    def append(self, session):
        subject = self.subject()
        text = f"Subject: {subject}\r\n\r\nbody\r\n"
        assert session.command([f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])[0] == "OK", session.text
        self.arrived(subject)
        code = re.search(r"APPENDUID \d+ (\d+)", session.text)
        if code:
            self.learn(self.uids, int(code[1]), subject)

    def learn(self, known, key, subject):
        """A number stands for the same message for ever, and each message has one number."""
        with self.lock:
            assert known.setdefault(key, subject) == subject, f"{key} was {known[key]} and is {subject}"
            others = [k for k, v in known.items() if v == subject]
            assert others == [key], f"{subject} is {others}"

    def look(self, session):
        status, lines = session.command("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        assert status == "OK", session.text
        last = 0
        for uid, subject in re.findall(rb"UID (\d+) .*?Subject: (\S+)", b"\n".join(lines), re.S):
            assert int(uid) > last, "UIDs rise"
            last = int(uid)
            self.learn(self.uids, last, subject.decode())
        assert session.command("NOOP")[0] == "OK", session.text

    def flag(self, session):
        status, _ = session.command(f"STORE 1:* {random.choice('+-')}FLAGS (\\Flagged Mine)")
        assert status == "OK" or "EXPUNGEISSUED" in session.text, session.text

    def pop3(self):
        with self.suite.pop3("pop3s", timeout=30) as pop3:
            assert pop3.login(self.user.address, self.user.password).startswith("+OK")
            ids = dict(line.split() for line in pop3.many("UIDL")[1])
            for number in random.sample(sorted(ids), min(5, len(ids))):
                status, lines = pop3.many(f"TOP {number} 0")
                if status.startswith("+OK"):
                    [subject] = [line.split()[1] for line in lines if line.startswith("Subject:")]
                    self.learn(self.uidls, ids[number], subject)


@pytest.mark.skipif(missing() or not os.path.exists(LDA), reason="Debian's dovecot-core is not installed")
def test_foreign_programs_and_ours_at_once(suite):
    mailbox = Mailbox(suite)
    with Dovecot(mailbox.path) as dovecot:
        readers = [mailbox.imap("SELECT INBOX") for _ in range(2)]
        appender, flagger = mailbox.imap("NOOP"), mailbox.imap("SELECT INBOX")
        workers = [Worker("a delivery by rename", mailbox.foreign_delivery, 0.005), Worker("Dovecot's LDA", lambda: mailbox.lda(dovecot)),
                   Worker("rm", mailbox.rm, 0.03), Worker("mutt", mailbox.mutt, 0.01), Worker("deliver", mailbox.deliver),
                   Worker("APPEND", lambda: mailbox.append(appender)), Worker("STORE", lambda: mailbox.flag(flagger), 0.05),
                   Worker("POP3", mailbox.pop3)]
        workers += [Worker("IMAP", lambda session=session: mailbox.look(session), 0.02) for session in readers]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        log = dovecot.log()
    assert [worker.trouble for worker in workers if worker.trouble] == [], log
    assert "rror" not in log and "corrupted" not in log, log
    for session in (*readers, appender, flagger):
        session.close()
    with mailbox.imap("SELECT INBOX") as session:
        status, lines = session.command("UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        shown = re.findall(rb"UID (\d+) .*?Subject: (\S+)", b"\n".join(lines), re.S)
    for uid, subject in shown:
        mailbox.learn(mailbox.uids, int(uid), subject.decode())
    subjects = sorted(subject.decode() for _, subject in shown)
    assert subjects == sorted(mailbox.put - mailbox.removed), "each message that was put there and not removed, once"
    assert len(mailbox.put) > 50 and mailbox.removed
