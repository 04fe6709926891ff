"""Many sessions on one folder: numbers never break, and all end with one view."""
import random
import re
import threading

import pytest

TEXT = "Subject: {0}\r\n\r\nbody of {0}\r\n"


class Mirror:
    """A client that keeps its own list of UIDs by what the server tells, and checks it against UID FETCH."""

    def __init__(self, suite, user, seed):
        self.imap = suite.imap("imaps")
        assert self.imap.login(user.address, user.password)[0] == "OK"
        self.random = random.Random(seed)
        self.uids = []
        self.follow(self.imap.command("SELECT INBOX")[1])
        self.learn()

    def follow(self, lines):
        """EXISTS and EXPUNGE in the order in which they come; a FETCH with a UID must name the right number."""
        for line in lines:
            if match := re.fullmatch(rb"\* (\d+) EXPUNGE", line):
                assert 1 <= int(match[1]) <= len(self.uids), (line, len(self.uids))
                del self.uids[int(match[1]) - 1]
            elif match := re.fullmatch(rb"\* (\d+) EXISTS", line):
                assert int(match[1]) >= len(self.uids), (line, len(self.uids))
                self.uids += [None] * (int(match[1]) - len(self.uids))
            elif match := re.match(rb"\* (\d+) FETCH .*UID (\d+)", line):
                number, uid = int(match[1]), int(match[2])
                assert self.uids[number - 1] in (None, uid), (line, self.uids[number - 1])
                self.uids[number - 1] = uid

    def command(self, text):
        status, lines = self.imap.command(text)
        self.follow(lines)
        return status, lines

    def learn(self):
        if None in self.uids:
            self.command(f"FETCH {self.uids.index(None) + 1}:* (UID)")

    def step(self):
        self.learn()
        known = [uid for uid in self.uids if uid is not None]
        act = self.random.randrange(7)
        if act == 0 or len(known) < 5:
            text = TEXT.format(self.random.random())
            assert self.command([f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])[0] == "OK"
        elif act == 1:
            self.command(f"UID STORE {self.random.choice(known)} +FLAGS.SILENT (\\Deleted)")
        elif act == 2:
            assert self.command("EXPUNGE")[0] == "OK"
        elif act == 3:
            self.command(f"UID MOVE {self.random.choice(known)} Other")
        elif act == 4:
            self.command(f"UID COPY {self.random.choice(known)} INBOX")
        elif act == 5:
            self.command(f"STORE {self.random.randrange(len(known)) + 1} FLAGS (\\Seen $k{self.random.randrange(3)})")
        else:
            self.command("FETCH 1:* (UID FLAGS)")


@pytest.mark.parametrize("clients,steps", [(4, 60), pytest.param(8, 400, marks=pytest.mark.long)])
def test_many_sessions_end_with_one_view(suite, clients, steps):
    user = suite.user()
    troubles = []
    with suite.imap("imaps") as imap:
        imap.login(user.address, user.password)
        assert imap.command("CREATE Other")[0] == "OK"
    mirrors = [Mirror(suite, user, seed) for seed in range(clients)]

    def work(mirror):
        try:
            for _ in range(steps):
                mirror.step()
        except Exception as trouble:  # pylint: disable=broad-except
            troubles.append(trouble)

    threads = [threading.Thread(target=work, args=(mirror,)) for mirror in mirrors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(900)
    assert not troubles, troubles
    views = []
    for mirror in mirrors:
        assert mirror.command("NOOP")[0] == "OK"
        mirror.learn()
        lines = mirror.command("FETCH 1:* (UID FLAGS)")[1]
        views.append([re.sub(rb" ?\\Recent", b"", line) for line in lines if b" FETCH " in line])
        mirror.imap.close()
    assert all(view == views[0] for view in views)
    assert len(views[0]) == len(user.messages()) == len(mirrors[0].uids)
    assert len(set(mirrors[0].uids)) == len(mirrors[0].uids)
