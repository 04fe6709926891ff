"""What sessions cost while nothing happens, how many a user may have, and how they end."""
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import re
import resource

import pytest

from harness import Process, as_user, wait_for, without_sanitizers
from harness.strace import attach

TEXT = "Subject: {0}\r\nFrom: anna@example.test\r\n\r\n" + "body of {0}\r\n" * 200


def kibibytes(pid, what):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"^{what}: +(\d+) kB", text, re.M)[1])


def mean(pids, what):
    return sum(kibibytes(pid, what) for pid in pids) / len(pids)


@contextlib.contextmanager
def settings(suite, program, **wanted):
    for name, value in wanted.items():
        suite.set(name, value)
    suite.restart(program)
    try:
        yield
    finally:
        for name in wanted:
            suite.set(name, None)
        suite.restart(program)


def connect(suite, stack, count, act=lambda number, client: None):
    """So many clients, from addresses enough; each does `act` at once, before the time for a login is over."""
    for number in range(count):
        client = stack.enter_context(suite.imap("imaps", source=f"127.0.0.{2 + number // 40}"))
        act(number, client)


def costs(suite, count, what):
    """KiB of a connection: the front before the login, a session in IDLE in INBOX, and its process in tlsd."""
    users = [suite.user() for _ in range(-(-count // 40))]

    def enter(number, client):
        user = users[number % len(users)]
        assert client.login(user.address, user.password)[0] == "OK"
        assert client.command("SELECT INBOX")[0] == "OK"
        client.send("i IDLE\r\n")
        assert client.response().startswith(b"+")

    before = {name: set(suite.pids(name)) for name in ("imapd", "imap", "tlsd")}
    with contextlib.ExitStack() as stack:
        connect(suite, stack, 10)
        front = mean(set(suite.pids("imapd")) - before["imapd"], what)
    wait_for("the fronts to end", 20, lambda: set(suite.pids("tlsd")) == before["tlsd"])
    with contextlib.ExitStack() as stack:
        connect(suite, stack, count, enter)
        session = mean(set(suite.pids("imap")) - before["imap"], what)
        children = set(suite.pids("tlsd")) - before["tlsd"]
        # After five seconds of silence they give back what they do not need.
        wait_for(lambda: f"less than {TLS_CHILD} KiB a child of tlsd, there are {mean(children, what):.0f}", 20,
                 lambda: mean(children, what) < TLS_CHILD)
        return front, session, mean(children, what)


TLS_CHILD = 270  # KiB; what is shared with the acceptor until OpenSSL counts a reference in it is 100 of them


@without_sanitizers("they map terabytes of shadow memory")
def test_an_idle_session_costs_little(suite):
    """What is private: the rest is shared among all."""
    front, session, _ = costs(suite, 10, "Private_Dirty")
    assert front < 100 and session < 130, (front, session)


@pytest.mark.long
@without_sanitizers("they map terabytes of shadow memory")
def test_500_idle_sessions(suite):
    """By PSS, which counts a part of what is shared."""
    front, session, child = costs(suite, 500, "Pss")
    print(f"KiB of 500: {front:.0f} before login, {session:.0f} of a session, {child:.0f} of its TLS")
    assert front < 100 and session < 130, (front, session)


@without_sanitizers("they map terabytes of shadow memory")
def test_what_a_session_needed_is_given_back(suite):
    user = suite.user()
    with suite.imap("imaps", timeout=60) as imap:
        before = set(suite.pids("imap"))
        assert imap.login(user.address, user.password)[0] == "OK"
        [pid] = set(suite.pids("imap")) - before
        for number in range(30):
            text = TEXT.format(number) * (20 if number < 3 else 1)
            assert imap.command([f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        for text in ("FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])", "SEARCH BODY nothing", "SORT (SUBJECT) UTF-8 ALL",
                     "THREAD REFERENCES UTF-8 ALL", "STORE 1:* +FLAGS (\\Seen)", "COPY 1:* INBOX", "SEARCH " + "OR ALL " * 40 + "ALL",
                     "FETCH " + "1," * 20000 + "1 FLAGS"):
            assert imap.command(text)[0] == "OK", text[:60]
        imap.send("i IDLE\r\n")
        assert imap.response().startswith(b"+")
        # The last command alone took 480: its text and 20,000 ranges. Buffers, tables of messages and the allocator's own stay.
        assert kibibytes(pid, "Private_Dirty") < 320


# --- news without inotify -----------------------------------------------------------------------


def descriptors_most(pid, most):
    """Sets how many it may have; what it was before comes back."""
    def change():
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, before[1]))
        return before[0]
    return int(as_user("vmail", change))


@contextlib.contextmanager
def no_further_descriptor(pid):
    """As where vmail has all the inotify instances that it may have: the call fails with EMFILE."""
    used = Process(pid).descriptors()
    before = descriptors_most(pid, next(number for number in itertools.count() if number not in used))
    yield
    descriptors_most(pid, before)


def test_idle_tells_of_a_delivery_where_no_inotify_is_to_be_had(suite):
    user = suite.user()
    before = set(suite.pids("imap"))
    with suite.imap("imaps") as imap, suite.smtp() as smtp:
        assert imap.login(user.address, user.password)[0] == "OK"
        assert imap.command("SELECT INBOX")[0] == "OK"
        [pid] = set(suite.pids("imap")) - before
        with no_further_descriptor(pid):
            imap.send("i IDLE\r\n")
            assert imap.response().startswith(b"+")
            suite.wait_log("imap", "not-watched.* hint=.*max_user_instances")
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [user.address], "Subject: news\n\nhello\n")
        assert imap.response() == b"* 1 EXISTS", "the client waits 20 s, less than the 30 after which it is looked in any case"


@without_sanitizers("their allocator is not to be traced")
def test_no_instance_of_inotify_is_left(suite):
    """vmail has 128 by default: IDLE is told all the same, long before the 30 seconds after which it looks by itself."""
    user, text = suite.user(), TEXT.format(1)
    with suite.imap("imaps", timeout=20) as imap, suite.imap("imaps") as other:
        assert other.login(user.address, user.password)[0] == "OK"
        before = set(suite.pids("imap"))
        assert imap.login(user.address, user.password)[0] == "OK"
        # getpid in its place: a confined program that makes a call which is none is killed.
        tracer = attach(set(suite.pids("imap")) - before, "-e", "inject=inotify_init1:error=EMFILE:syscall=getpid")
        try:
            assert imap.command("SELECT INBOX")[0] == "OK"
            for count in (1, 2, 3):
                imap.send("i IDLE\r\n")
                assert imap.response().startswith(b"+")
                for number in (2 * count - 1, 2 * count):
                    assert other.command([f"APPEND INBOX {{{len(text)}}}", text + "\r\n"])[0] == "OK"
                    while imap.response() != b"* %d EXISTS" % number:
                        continue
                imap.send("DONE\r\n")
                assert imap.finish(b"i", imap.response(), [])[0] == "OK"
        finally:
            tracer.terminate()
            tracer.wait(10)


# --- one instance, and nothing watched between two IDLEs ------------------------------------------


def inotify(pid):
    """Its instances: descriptor -> how many watches it has."""
    found = {}
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        if "inotify" in os.readlink(f"/proc/{pid}/fd/{path.name}"):
            found[path.name] = path.read_text().count("inotify wd:")
    return found


def test_one_instance_serves_every_idle_and_watches_nothing_between_them(suite):
    """Closing one takes milliseconds; one that watched on would tell of a folder that the client has left."""
    user, text = suite.user(), TEXT.format(1)
    with suite.imap("imaps", timeout=20) as imap, suite.imap("imaps") as other:
        assert other.login(user.address, user.password)[0] == "OK"
        assert other.command("CREATE Other")[0] == "OK"
        before = set(suite.pids("imap"))
        assert imap.login(user.address, user.password)[0] == "OK"
        [pid] = set(suite.pids("imap")) - before
        seen = []
        for folder in ("INBOX", "Other", "INBOX"):
            assert imap.command(f"SELECT {folder}")[0] == "OK"
            imap.send("i IDLE\r\n")
            assert imap.response().startswith(b"+")
            seen.append(inotify(pid))
            assert other.command([f"APPEND {folder} {{{len(text)}}}", text + "\r\n"])[0] == "OK"
            while not imap.response().endswith(b" EXISTS"):
                continue
            imap.send("DONE\r\n")
            assert imap.finish(b"i", imap.response(), [])[0] == "OK"
            assert [*inotify(pid).values()] == [0]
        [descriptor] = seen[0]
        assert seen == [{descriptor: 2}] * 3


# --- how many ---------------------------------------------------------------------------------


def ended(client):
    """Whether it was told and left."""
    client.socket.settimeout(0.2)
    try:
        return b"* BYE" in client.rest()
    except TimeoutError:
        return False


def test_a_user_has_so_many_sessions_and_no_more(suite):
    user, other = suite.user(), suite.user()
    with settings(suite, "imap", imap_user_sessions="3"), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(suite.imap("imaps")) for _ in range(3)]
        for client in clients:
            assert client.login(user.address, user.password)[0] == "OK"
        with suite.imap("imaps") as surplus:
            assert surplus.login(user.address, user.password)[0] == "NO"
            assert surplus.text.startswith("NO [LIMIT]")
            assert surplus.rest().startswith(b"* BYE")
        suite.wait_log("imap", f"user-sessions-full.* user={user.address}.* setting=imap_user_sessions")
        with suite.imap("imaps") as imap:
            assert imap.login(other.address, other.password)[0] == "OK"
        assert all(client.command("NOOP")[0] == "OK" for client in clients)
        sessions = len(suite.pids("imap"))
        clients[0].close()
        wait_for("a session to end", 10, lambda: len(suite.pids("imap")) < sessions)
        with suite.imap("imaps") as imap:
            assert imap.login(user.address, user.password)[0] == "OK"


def test_logins_at_once_do_not_get_past_the_limit(suite):
    user = suite.user()
    with settings(suite, "imap", imap_user_sessions="3"), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(suite.imap("imaps")) for _ in range(16)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            said = list(pool.map(lambda client: client.login(user.address, user.password)[0], clients))
        assert said.count("OK") >= 3 and set(said) <= {"OK", "NO"}
        wait_for("the surplus to end", 10, lambda: len(suite.pids("imap")) == 1 + 3)
        assert sum(not ended(client) for client in clients) == 3


# --- the end ----------------------------------------------------------------------------------


def test_sigterm_ends_every_session_with_a_bye(suite):
    """Idle, in IDLE, amid a literal and amid a line: each client is told, nothing half is stored."""
    user = suite.user()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(suite.imap("imaps")) for _ in range(4)]
        for client in clients:
            assert client.login(user.address, user.password)[0] == "OK"
            assert client.command("SELECT INBOX")[0] == "OK"
        clients[1].send("i IDLE\r\n")
        clients[2].send("i APPEND INBOX {1000}\r\n")
        for client in clients[1:3]:
            assert client.response().startswith(b"+")
        clients[2].send("Subject: half\r\n\r\n")
        clients[3].send("i SEL")
        suite.restart("imap")
        for client in clients:
            assert client.rest().startswith(b"* BYE ")
    assert len(suite.pids("imap")) == 1
    assert user.messages() == [] and list((user.maildir / "tmp").iterdir()) == []
