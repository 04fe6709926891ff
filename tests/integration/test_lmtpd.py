"""postern-lmtpd: RFC 2033 from outside; postern-lmtp and its workers behind it."""
import contextlib
import os
import pathlib
import pwd
import select
import signal
import smtplib
import socket
import subprocess
import threading

import pytest

from harness import Peer, Process, Smtp, as_user, wait_for
from harness.dialogue import stuffed
from test_smtp_dialogue import settings

TEXT = "Subject: hello\n\nA line.\n.A line with a dot.\n..\nThe end.\n"


class Lmtp(Smtp):
    def lhlo(self, name="client.test"):
        code, texts = self.command("LHLO " + name)
        assert code == 250, texts
        return texts[1:]

    def envelope(self, sender, *recipients):
        code, texts = self.command(f"MAIL FROM:<{sender}>")
        assert code == 250, texts
        return [self.command(f"RCPT TO:<{recipient}>")[0] for recipient in recipients]

    def text(self, text, count):
        """DATA with `count` answers, as (code, first line)."""
        assert self.command("DATA")[0] == 354
        self.send(stuffed(text))
        return [(code, lines[0]) for code, lines in (self.reply() for _ in range(count))]


def newest(suite):
    """The lmtpd that was started last."""
    return Process(suite.pids("lmtpd")[-1])


def workers(suite):
    """The deliver workers of postern-lmtp; queued has others."""
    spawners = suite.pids("lmtp")
    return [pid for pid in suite.pids("deliver") if Process(pid).parent() in spawners]


@contextlib.contextmanager
def delivering(suite, **values):
    """Other settings for what is delivered within: a worker reads them when it starts."""
    with settings(suite, **values):
        suite.restart("lmtp")
        try:
            yield
        finally:
            suite.restart("lmtp")


@pytest.fixture
def lmtp(suite):
    with Lmtp(suite.ports["lmtpd"]) as dialogue:
        dialogue.lhlo()
        yield dialogue


def test_greeting_and_extensions(suite):
    with Lmtp(suite.ports["lmtpd"]) as lmtp:
        assert lmtp.greeting[0] == 220 and "LMTP" in lmtp.greeting[1][0]
        offered = lmtp.lhlo()
        assert {"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES"} <= set(offered)
        assert any(line.startswith("SIZE ") for line in offered)
        assert lmtp.command("QUIT")[0] == 221
        assert lmtp.line() is None


def test_a_message_to_two_and_a_stranger(suite, lmtp):
    one, two = suite.user(), suite.user()
    assert lmtp.envelope("sender@elsewhere.test", one.address, "nobody@example.test", two.address) == [250, 550, 250]
    answers = lmtp.text(TEXT, 2)
    assert [code for code, _ in answers] == [250, 250]
    assert one.address in answers[0][1] and two.address in answers[1][1]
    for user in (one, two):
        message, = user.wait(1)
        head, body = message.split(b"\n\n", 1)
        assert body == TEXT.split("\n\n", 1)[1].encode()
        assert b"Return-Path: <sender@elsewhere.test>\n" in head
        assert f"Delivered-To: {user.address}\n".encode() in head
        assert b"with LMTP id " in head and b"from client.test" in head


def test_messages_one_after_the_other_keep_apart(suite, lmtp):
    """The file is used again: a short one after a long one has nothing of it."""
    user = suite.user()
    for number, text in enumerate(["Subject: long\n\n" + "x" * 70 * 1000 + "\n", "Subject: short\n\nshort\n", "Subject: 3\n\n\n"]):
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert lmtp.text(text, 1)[0][0] == 250
        assert len(user.messages()) == number + 1
    found = {message.split(b"Subject: ")[1] for message in user.messages()}
    assert found == {b"long\n\n" + b"x" * 70000 + b"\n", b"short\n\nshort\n", b"3\n\n\n"}


def test_pipelining(suite):
    user = suite.user()
    with Lmtp(suite.ports["lmtpd"]) as lmtp:
        lmtp.send(f"LHLO me.test\r\nMAIL FROM:<>\r\nRCPT TO:<{user.address}>\r\nRCPT TO:<nobody@example.test>\r\nDATA\r\n"
                  "Subject: x\r\n\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n")
        assert [lmtp.reply()[0] for _ in range(8)] == [250, 250, 250, 550, 354, 250, 250, 221]
    message, = user.wait(1)
    assert message.startswith(b"Return-Path: <>\n")


def test_smtplib_delivers(suite):
    user = suite.user()
    with smtplib.LMTP("127.0.0.1", suite.ports["lmtpd"]) as client:
        assert client.sendmail("a@elsewhere.test", [user.address, "nobody@example.test"], "Subject: x\n\nx\n").keys() == {
            "nobody@example.test"}
    user.wait(1)


@pytest.mark.parametrize("lines,code", [
    (["EHLO me.test"], 500), (["HELO me.test"], 500), (["NONSENSE"], 500), ([""], 500), (["LHLO"], 501), (["LHLO a b"], 501),
    (["MAIL FROM:<a@b.test>", "MAIL FROM:<a@b.test>"], 503), (["RCPT TO:<a@b.test>"], 503), (["DATA"], 503),
    (["MAIL FROM:<a@b.test>", "DATA"], 503), (["MAIL FROM:<a b>"], 501), (["MAIL FROM:<a@b.test> SIZE=x"], 501),
    (["MAIL FROM:<a@b.test> SIZE=99999999999"], 552), (["MAIL FROM:<a@b.test> BODY=8BITMIME SIZE=100"], 250),
    (["MAIL FROM:<a@b.test> BODY=9BIT"], 501), (["MAIL FROM:<a@b.test> FOO=1"], 555), (["MAIL FROM:<a@b.test> RET=HDRS"], 555),
    (["MAIL FROM:<\u00e4@b.test> SMTPUTF8"], 250), (["BDAT 0 LAST"], 503), (["MAIL FROM:<a@b.test>", "BDAT 0 LAST"], 503), (["VRFY x"], 252), (["NOOP x"], 250),
    (["RSET"], 250), (["MAIL FROM:<\u00e4@b.test>"], 553), (["NOOP\0"], 500), (["NOOP " + "x" * 3000], 500)])
def test_answers(lmtp, lines, code):
    answers = [lmtp.command(line)[0] for line in lines]
    assert answers[-1] == code
    assert lmtp.command("NOOP")[0] == 250


def test_a_bare_line_feed_ends_no_command(lmtp):
    lmtp.send("NOOP\n")
    assert lmtp.reply()[0] == 500


@pytest.mark.parametrize("ending", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n"])
def test_no_other_line_ends_end_the_text(suite, lmtp, ending):
    user = suite.user()
    assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
    assert lmtp.command("DATA")[0] == 354
    lmtp.send(b"Subject: x\r\n\r\nfirst" + ending + b"MAIL FROM:<smuggled@elsewhere.test>\r\n.\r\n")
    assert lmtp.reply()[0] == 554
    assert lmtp.command("NOOP")[0] == 250
    assert user.messages() == []


def test_too_large(suite):
    with Lmtp(suite.ports["lmtpd"]) as lmtp:
        size = int([line for line in lmtp.lhlo() if line.startswith("SIZE")][0].split()[1])
        user = suite.user()
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert lmtp.text("Subject: x\n\n" + ("y" * 998 + "\n") * (size // 999 + 10), 1)[0][0] == 552
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert lmtp.text(TEXT, 1)[0][0] == 250
        assert len(user.messages()) == 1


def test_a_large_message_whole(suite, lmtp):
    user = suite.user()
    body = "".join(f"{number} {'z' * (number % 900)}\n" for number in range(10000))
    assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
    assert lmtp.text("Subject: x\n\n" + body, 1)[0][0] == 250
    message, = user.messages()
    assert message.split(b"\n\n", 1)[1] == body.encode()


@pytest.mark.parametrize("sent", ["", "MAIL FROM:<a@b.test>\r\n", "MAIL FROM:<a@b.test>\r\nRCPT TO:<{0}>\r\nDATA\r\nSubject: x\r\n\r\nhalf"])
def test_a_client_that_vanishes_leaves_nothing(suite, sent):
    user = suite.user()
    before = set(suite.pids("lmtpd"))
    with Lmtp(suite.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        lmtp.send(sent.format(user.address))
        if "DATA" in sent:
            assert [lmtp.reply()[0] for _ in range(3)] == [250, 250, 354]
    wait_for("its lmtpd to end", 10, lambda: set(suite.pids("lmtpd")) <= before)
    assert user.messages() == []


def test_many_errors_end_the_session(lmtp):
    for _ in range(100):
        code, _ = lmtp.command("NONSENSE")
        if code == 421:
            return
        assert code == 500
    pytest.fail("100 errors and it goes on")


def send_text(lmtp):
    """DATA; the answers are still to be read."""
    assert lmtp.command("DATA")[0] == 354
    lmtp.send(stuffed(TEXT))


@contextlib.contextmanager
def one_held(suite):
    """
    Two sessions, each with a message for one user twice: one came through though the only worker there was is stopped, the other
    is held by that. (session through, session held, user of that, the worker)
    """
    suite.restart("lmtp")
    with Lmtp(suite.ports["lmtpd"]) as one, Lmtp(suite.ports["lmtpd"]) as other:
        users = {lmtp: suite.user() for lmtp in (one, other)}
        for lmtp in (one, other):
            lmtp.lhlo()
        one.envelope("a@elsewhere.test", users[other].address)
        assert one.text(TEXT, 1)[0][0] == 250
        [worker] = workers(suite)
        os.kill(worker, signal.SIGSTOP)
        for lmtp, user in users.items():
            assert lmtp.envelope("a@elsewhere.test", user.address, user.address) == [250, 250]
            send_text(lmtp)
        ready = select.select([one.socket, other.socket], [], [], 20)[0]
        assert len(ready) == 1, "not one of the two came through"
        through, held = (one, other) if ready[0] is one.socket else (other, one)
        assert [through.reply()[0] for _ in range(2)] == [250, 250]
        yield through, held, users[held], worker


def test_a_worker_that_hangs_holds_only_what_it_has_and_a_dead_one_defers(suite):
    """The other message gets a new worker; that of the dead one gets 4xx for each recipient, and its session goes on."""
    with one_held(suite) as (_, held, user, worker):
        before = len(user.messages())
        os.kill(worker, signal.SIGKILL)
        assert [held.reply()[0] for _ in range(2)] == [451, 451]
        assert len(user.messages()) == before
        assert held.envelope("a@elsewhere.test", user.address) == [250]
        assert held.text(TEXT, 1)[0][0] == 250


def test_told_to_end_the_service_answers_what_is_under_way(suite):
    """SIGTERM while a worker has a message: 250 and in the Maildir, so that the client sends no second copy."""
    with one_held(suite) as (through, held, user, worker):
        before, service = len(user.messages()), suite.service_pid("lmtp")
        os.kill(service, signal.SIGTERM)
        os.kill(worker, signal.SIGCONT)
        assert [held.reply()[0] for _ in range(2)] == [250, 250]
        assert len(user.messages()) == before + 2
        wait_for("the service to be started anew", 20, lambda: suite.service_pid("lmtp") not in (None, service))
        suite.wait_up(["lmtp"])
        assert through.command("MAIL FROM:<a@elsewhere.test>")[0] == 421


def test_the_service_starts_anew(suite, lmtp):
    """A session from before is told to come again, when it begins a message; a new one is served."""
    user = suite.user()
    suite.restart("lmtp")
    assert lmtp.command("MAIL FROM:<a@elsewhere.test>")[0] == 421
    with Lmtp(suite.ports["lmtpd"]) as late:
        late.lhlo()
        assert late.envelope("a@elsewhere.test", user.address) == [250]
        assert late.text(TEXT, 1)[0][0] == 250


def test_the_service_away_turns_away(suite):
    suite.down("lmtp")
    try:
        with Lmtp(suite.ports["lmtpd"]) as lmtp:
            assert lmtp.greeting[0] == 421
    finally:
        suite.up("lmtp")


@pytest.mark.parametrize("words", [("deliver",), ("deliver", "1", "id", "a@b.test", "c@d.test", "c@d.test", "0", "10"),
                                   ("spawn",), ("deliver", "1", "id", "a@b.test", "c@d.test", "c@d.test", "-1")])
def test_what_is_no_request_ends_that_conversation_alone(suite, lmtp, words):
    """None of these has a descriptor. The other conversation has its workers as before."""
    def malformed():
        with Peer(suite, "lmtp/deliver") as peer:
            peer.send(*words)
            return "closed" if peer.receive() is None else "answered"
    assert as_user("postern-lmtpd", malformed) == "closed"
    user = suite.user()
    assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
    assert lmtp.text(TEXT, 1)[0][0] == 250


def test_authd_away_defers(suite):
    with Lmtp(suite.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        user = suite.user()
        suite.down("authd")
        try:
            assert lmtp.envelope("a@elsewhere.test", user.address) == [451]
            with Lmtp(suite.ports["lmtpd"]) as late:
                assert late.greeting[0] == 421
        finally:
            suite.up("authd")


def test_its_process_is_confined(suite, lmtp):
    process = newest(suite)
    status = process.status()
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert set(process.ids("Uid")) == {pwd.getpwnam("postern-lmtpd").pw_uid}
    files = [name for name in process.descriptors().values() if not name.startswith(("socket:", "pipe:", "/dev/null"))]
    assert len(files) == 2 and all(str(suite.prefix / "spool/lmtp") in name and "(deleted)" in name for name in files), files


def test_the_message_is_in_no_directory(suite, lmtp):
    user = suite.user()
    lmtp.envelope("a@elsewhere.test", user.address)
    assert lmtp.command("DATA")[0] == 354
    lmtp.send("Subject: x\r\n\r\n" + "text\r\n" * 20000)
    assert os.listdir(suite.prefix / "spool/lmtp") == []
    lmtp.send(".\r\n")
    assert lmtp.reply()[0] == 250


def test_ten_at_once(suite):
    users = [suite.user() for _ in range(5)]
    problems = []

    def client():
        try:
            with Lmtp(suite.ports["lmtpd"]) as lmtp:
                lmtp.lhlo()
                for _ in range(5):
                    assert lmtp.envelope("a@elsewhere.test", *[u.address for u in users]) == [250] * 5
                    assert [code for code, _ in lmtp.text(TEXT, 5)] == [250] * 5
        except BaseException as trouble:  # pylint: disable=broad-except
            problems.append(trouble)
    threads = [threading.Thread(target=client) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not problems
    assert [len(user.messages()) for user in users] == [50] * 5


def test_on_a_unix_socket(suite, tmp_path):
    """As another MTA reaches it: s6-ipcserver."""
    path = f"/var/tmp/postern-lmtp-{os.getpid()}"
    server = subprocess.Popen(["s6-ipcserver", path, "s6-setuidgid", "postern-lmtpd", str(suite.libexec / "postern-lmtpd")],
                              env={"PATH": os.environ["PATH"], "POSTERN_SETTINGS": str(suite.settings)})
    try:
        wait_for("the socket", 10, lambda: os.path.exists(path))
        user = suite.user()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(path)
            stream = client.makefile("rwb")
            stream.write(f"LHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<{user.address}>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n".encode())
            stream.flush()
            assert stream.read().count(b"\r\n250 2.0.0 <") == 1
        assert len(user.messages()) == 1
    finally:
        server.terminate()
        server.wait(10)
        os.path.exists(path) and os.unlink(path)


# --- BDAT (RFC 3030) ----------------------------------------------------------------------


def chunk(lmtp, text, last=False, count=1):
    """`count` answers, as (code, first line)."""
    data = text.replace("\n", "\r\n") if isinstance(text, str) else text
    lmtp.send(f"BDAT {len(data)}{' LAST' if last else ''}\r\n".encode() + (data.encode() if isinstance(data, str) else data))
    return [(code, lines[0]) for code, lines in (lmtp.reply() for _ in range(count))]


def test_chunks_and_an_answer_for_each_recipient(suite, lmtp):
    one, two = suite.user(), suite.user()
    assert lmtp.envelope("a@elsewhere.test", one.address, two.address) == [250, 250]
    assert chunk(lmtp, "Subject: chunks\n\nA line.\n.\nhal")[0][0] == 250
    assert lmtp.command("DATA")[0] == 503 and lmtp.command(f"RCPT TO:<{one.address}>")[0] == 503
    assert chunk(lmtp, "")[0][0] == 250
    answers = chunk(lmtp, "f a line\n..\n" + "x" * 70000 + "\nno end", True, 2)
    assert [code for code, _ in answers] == [250, 250] and one.address in answers[0][1] and two.address in answers[1][1]
    for user in (one, two):
        [message] = user.messages()
        assert message.endswith(b"\n\nA line.\n.\nhalf a line\n..\n" + b"x" * 70000 + b"\nno end\n")
    assert lmtp.envelope("a@elsewhere.test", one.address) == [250]
    assert lmtp.text(TEXT, 1)[0][0] == 250


def test_chunks_given_up(suite, lmtp):
    user = suite.user()
    assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
    assert chunk(lmtp, "Subject: half\n\n")[0][0] == 250
    assert lmtp.command("RSET")[0] == 250
    assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
    assert chunk(lmtp, "Subject: whole\n\n", True)[0][0] == 250
    [message] = user.messages()
    assert b"whole" in message and b"half" not in message


def test_bdat_without_recipients_reads_its_chunk(lmtp):
    assert chunk(lmtp, "NOOP\nQUIT\n", True)[0][0] == 503
    assert lmtp.envelope("a@elsewhere.test", "nobody@example.test") == [550]
    assert chunk(lmtp, "NOOP\nQUIT\n", True)[0][0] == 503
    assert lmtp.command("NOOP")[0] == 250


@pytest.mark.parametrize("line", ["BDAT", "BDAT x", "BDAT 1 FIRST", "BDAT -1", "BDAT 99999999999999999999999"])
def test_a_chunk_without_its_size_ends_the_session(lmtp, line):
    assert lmtp.command(line)[0] == 501 and lmtp.line() is None


def test_chunks_that_are_too_much(suite):
    with Lmtp(suite.ports["lmtpd"]) as lmtp:
        size = int([line for line in lmtp.lhlo() if line.startswith("SIZE")][0].split()[1])
        user = suite.user()
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert chunk(lmtp, b"y" * size)[0][0] == 552
        assert chunk(lmtp, b"y", True)[0][0] == 552
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert chunk(lmtp, TEXT, True)[0][0] == 250
        assert len(user.messages()) == 1


# --- line ends, as the setting says --------------------------------------------------------

BARE = b"Subject: x\r\n\r\none\ntwo\rthree\r\n"


def test_bare_line_ends_are_refused_in_chunks_too(suite, lmtp):
    user = suite.user()
    assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
    assert chunk(lmtp, BARE, True)[0][0] == 554
    assert user.messages() == []


def test_bare_line_ends_are_made_right(suite):
    user = suite.user()
    with settings(suite, bare_newline="normalize"), Lmtp(suite.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert chunk(lmtp, BARE, True)[0][0] == 250
        assert lmtp.envelope("a@elsewhere.test", user.address) == [250]
        assert lmtp.command("DATA")[0] == 354
        lmtp.send(BARE + b"\n.\nMAIL FROM:<smuggled@elsewhere.test>\r\n.\r\n")
        assert lmtp.reply()[0] == 250
    assert sorted(message.split(b"\n\n", 1)[1] for message in user.messages()) == [
        b"one\ntwo\nthree\n", b"one\ntwo\nthree\n\n.\nMAIL FROM:<smuggled@elsewhere.test>\n"]


def test_smtputf8(suite, lmtp):
    """RFC 6531: an address that is not ASCII goes with SMTPUTF8, and without it not."""
    user = suite.user()
    assert lmtp.command("MAIL FROM:<k\u00e4the@elsewhere.test> SMTPUTF8")[0] == 250
    assert lmtp.command("RCPT TO:<nieman\u00e4d@example.test>")[0] == 550
    assert lmtp.command(f"RCPT TO:<{user.address}>")[0] == 250
    assert lmtp.text(TEXT, 1)[0][0] == 250
    [message] = user.messages()
    assert "Return-Path: <k\u00e4the@elsewhere.test>".encode() in message and b"with UTF8LMTP id" in message
    assert lmtp.command("MAIL FROM:<a@elsewhere.test>")[0] == 250
    assert lmtp.command("RCPT TO:<nieman\u00e4d@example.test>")[0] == 553


def test_a_hundred_recipients(suite, lmtp):
    """More than are under way at a time; the answers come in the order of the recipients."""
    users = [suite.user() for _ in range(5)] * 20
    assert set(lmtp.envelope("a@elsewhere.test", *[user.address for user in users])) == {250}
    answers = lmtp.text(TEXT, 100)
    assert all(code == 250 and f"<{user.address}>" in line for user, (code, line) in zip(users, answers))
    assert [len(user.messages()) for user in users[:5]] == [20] * 5


def test_recipients_share_a_file_where_that_is_set(suite):
    """Nothing in it tells whose it is."""
    users = [suite.user() for _ in range(3)]
    with delivering(suite, share_files="yes"), Lmtp(suite.ports["lmtpd"]) as lmtp:
        lmtp.lhlo()
        for _ in range(2):
            lmtp.envelope("a@elsewhere.test", *[user.address for user in users])
            assert [code for code, _ in lmtp.text(TEXT, 3)] == [250] * 3
    paths = [path for user in users for path in (user.maildir / "new").iterdir()]
    assert len(paths) == 6 and len({path.stat().st_ino for path in paths}) <= 4
    assert len({path.name for path in paths}) == 6
    assert all(b"Delivered-To" not in path.read_bytes() and path.stat().st_size == int(path.name.split(",S=")[1].split(",")[0]) for path in paths)
