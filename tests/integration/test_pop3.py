"""POP3 through the real programs: front, login, session."""
import base64
import os
import socket

from harness.pop3 import account, logged_in, put


def test_plain_is_refused_without_tls(suite):
    user = suite.user()
    with suite.pop3() as pop3:
        assert pop3.greeting.startswith("+OK")
        _, capabilities = pop3.many("CAPA")
        assert "STLS" in capabilities and "USER" not in capabilities
        assert not any(line.startswith("SASL") for line in capabilities)
        assert pop3.command(f"USER {user.address}").startswith("-ERR")
        assert pop3.command("AUTH PLAIN").startswith("-ERR")
        pop3.starttls()
        _, capabilities = pop3.many("CAPA")
        assert "STLS" not in capabilities and "USER" in capabilities
        assert any(line.split()[:2] == ["SASL", "PLAIN"] or "PLAIN" in line for line in capabilities)
        assert pop3.login(user.address, user.password).startswith("+OK")


def test_nothing_from_before_tls_acts_after_it(suite):
    user = suite.user()
    with suite.pop3() as pop3:
        pop3.send(f"STLS\r\nUSER {user.address}\r\n")
        assert pop3.line().startswith("+OK")
        pop3.begin_tls()
        assert pop3.command(f"PASS {user.password}").startswith("-ERR")


def test_auth(suite, account):
    secret = base64.b64encode(f"\0{account.address}\0{account.password}".encode()).decode()
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH PLAIN " + secret).startswith("+OK")
        assert pop3.command("STAT") == "+OK 0 0"
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH PLAIN").startswith("+ ")
        assert pop3.command("*").startswith("-ERR")
        assert pop3.command("AUTH PLAIN").startswith("+ ")
        assert pop3.command(secret).startswith("+OK")
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH LOGIN").startswith("+ ")
        assert pop3.command(base64.b64encode(account.address.encode()).decode()).startswith("+ ")
        assert pop3.command(base64.b64encode(account.password.encode()).decode()).startswith("+OK")
    with suite.pop3("pop3s") as pop3:
        assert pop3.command("AUTH NONSENSE").startswith("-ERR")
        first, names = pop3.many("AUTH")
        assert "PLAIN" in names


def test_wrong_password(suite, account):
    with suite.pop3("pop3s") as pop3:
        for _ in range(3):
            assert pop3.login(account.address, "wrong").startswith("-ERR [AUTH]")
        assert pop3.line() is None


def test_session(suite, account):
    texts = [b"Subject: one\n\n.dot\n..two\nend", b"Subject: two\n\nline 1\nline 2\nline 3\n",
             b"Subject: crlf\r\n\r\n.\r\n"]
    for text in texts:
        put(account, text)
    sizes = [len(text.replace(b"\r", b"").replace(b"\n", b"\r\n")) for text in texts]
    with logged_in(suite, account) as pop3:
        assert pop3.command("STAT") == f"+OK 3 {sum(sizes)}"
        _, lines = pop3.many("LIST")
        assert [int(line.split()[1]) for line in lines] == sizes
        assert pop3.many("RETR 1")[1] == ["Subject: one", "", ".dot", "..two", "end"]
        assert pop3.many("RETR 3")[1] == ["Subject: crlf", "", "."]
        assert pop3.many("TOP 2 0")[1] == ["Subject: two", ""]
        assert pop3.many("TOP 2 2")[1] == ["Subject: two", "", "line 1", "line 2"]
        assert pop3.many("TOP 2 99")[1] == ["Subject: two", "", "line 1", "line 2", "line 3"]
        for wrong in ("RETR 0", "RETR 4", "RETR x", "RETR -1", "RETR 99999999999999999999999", "TOP 1", "TOP 1 x", "DELE",
                      "NONSENSE", "LIST 9", "UIDL 9", "RETR", ""):
            assert pop3.command(wrong).startswith("-ERR"), wrong
        assert pop3.command("dele 2").startswith("+OK")
        assert pop3.command("RETR 2").startswith("-ERR")
        assert pop3.command("STAT") == f"+OK 2 {sizes[0] + sizes[2]}"
        assert pop3.command("RSET").startswith("+OK")
        assert pop3.command("STAT") == f"+OK 3 {sum(sizes)}"
        assert pop3.command("DELE 1").startswith("+OK")
        assert pop3.command("NOOP").startswith("+OK")
        # deletions only at QUIT
        assert len(list((account.maildir / "new").iterdir())) == 3
        assert pop3.command("QUIT").startswith("+OK")
        assert pop3.line() is None
    files = [path.name for part in ("new", "cur") for path in (account.maildir / part).iterdir()]
    assert len(files) == 2
    assert sum(name.endswith(":2,S") for name in files) == 1  # number 3 was read


SIZES = {
    "LF": b"Subject: one\n\nbody\n\n.dot\n",
    "CRLF": b"Subject: one\r\n\r\nbody\r\n\r\n.dot\r\n",
    "both": b"Subject: one\r\n\nbody\n\r\n..\n",
    "bare CR": b"Subject: one\n\nbo\rdy\r\r\n",
    "eight bits": "Subject: one\nContent-Type: text/plain; charset=utf-8\n\n\u4f60\n".encode(),
    "large": b"Subject: one\n\n" + b"line\n" * 50000,
    "empty": b"",
}


def octets(pop3, number):
    """RFC 1939 section 11: what comes between +OK and the dot, without the dots that are there for the wire alone."""
    pop3.send(f"RETR {number}\r\n")
    assert pop3.line().startswith("+OK")
    count = 0
    while (line := pop3.line()) != ".":
        count += len(line.encode("utf-8", "surrogateescape")) + 2 - line.startswith(".")
    return count


def test_sizes_are_the_octets_that_are_sent(suite, account):
    for text in SIZES.values():
        put(account, text)
    with logged_in(suite, account) as pop3:
        listed = dict(zip(SIZES, (int(line.split()[1]) for line in pop3.many("LIST")[1])))
        sent = {kind: octets(pop3, number) for number, kind in enumerate(SIZES, 1)}
        assert listed == sent
        assert pop3.command("STAT") == f"+OK {len(SIZES)} {sum(sent.values())}"
        assert [pop3.command(f"LIST {number}") for number in (1, 2)] == [f"+OK 1 {sent['LF']}", f"+OK 2 {sent['CRLF']}"]


def test_sizes_come_from_the_index_or_the_name(suite, account):
    """STAT, LIST and UIDL read no message whose size is known: these could not be read."""
    text = SIZES["LF"]
    known, named = put(account, text), put(account, text, "1700000099.M1P1.host,S=25,W=30")
    named.chmod(0)
    with logged_in(suite, account) as pop3:
        before = pop3.many("LIST")[1]
        pop3.command("QUIT")
    known.chmod(0)
    with logged_in(suite, account) as pop3:
        assert pop3.many("LIST")[1] == before == ["1 30", "2 30"]
        assert pop3.command("STAT") == "+OK 2 60" and len(pop3.many("UIDL")[1]) == 2
        for number in (1, 2):
            assert pop3.command(f"RETR {number}").startswith("-ERR [SYS/"), "it was read in spite of its mode"


def test_closed_without_quit_deletes_nothing(suite, account):
    put(account, b"Subject: x\n\n")
    with logged_in(suite, account) as pop3:
        pop3.command("DELE 1")
    with logged_in(suite, account) as pop3:
        assert pop3.command("STAT").split()[1] == "1"


def test_uidl_stays(suite, account):
    for _ in range(3):
        put(account, b"Subject: x\n\n")
    with logged_in(suite, account) as pop3:
        before = [line.split()[1] for line in pop3.many("UIDL")[1]]
        assert pop3.command("UIDL 2").split()[2] == before[1]
        pop3.command("DELE 1")
        pop3.command("QUIT")
    put(account, b"Subject: y\n\n")
    with logged_in(suite, account) as pop3:
        after = [line.split()[1] for line in pop3.many("UIDL")[1]]
    assert len(set(before)) == 3 and after[:2] == before[1:] and after[2] not in before
    assert all(len(text) == 16 for text in before)


def test_lock(suite, account):
    with logged_in(suite, account) as first:
        with suite.pop3("pop3s") as second:
            assert second.login(account.address, account.password).startswith("-ERR [IN-USE]")
        assert first.command("NOOP").startswith("+OK")
    suite.kill("pop3")  # a session that was killed leaves no lock
    suite.wait_up(["pop3"])
    with logged_in(suite, account) as third:
        assert third.command("STAT").startswith("+OK")


def test_pipelined_behind_the_password(suite, account):
    put(account, b"Subject: x\n\nbody\n")
    with suite.pop3("pop3s") as pop3:
        pop3.send(f"USER {account.address}\r\nPASS {account.password}\r\nSTAT\r\nRETR 1\r\nQUIT\r\n")
        text = pop3.rest().decode()
    assert text.count("+OK") == 5 and "body\r\n.\r\n+OK" in text


def test_hostile_lines(suite, account):
    for line in (b"\0\0\0\r\n", b"USER \0x\r\n", b"USER " + b"x" * 5000 + b"\r\n", b"\xff\xfe\r\n", b"PASS x\r\n", b" \r\n",
                 b"AUTH PLAIN " + b"A" * 9000 + b"\r\n", b"AUTH PLAIN ====\r\n"):
        with suite.pop3("pop3s") as pop3:
            pop3.send(line)
            assert pop3.line().startswith("-ERR"), line
    with suite.pop3("pop3s") as pop3:
        pop3.send(b"x" * 100000)
        assert pop3.line().startswith("-ERR")
    with logged_in(suite, account) as pop3:
        pop3.send(b"x" * 100000)
        assert pop3.line().startswith("-ERR")
    for _ in range(3):  # closed in every state
        with suite.pop3("pop3s") as pop3:
            pop3.send(b"USER x\r\nPA")
    assert "session-died" not in suite.log_text("pop3")


def test_message_removed_by_another_program(suite, account):
    path = put(account, b"Subject: x\n\n")
    put(account, b"Subject: y\n\n")
    with logged_in(suite, account) as pop3:
        path.unlink()
        assert pop3.command("RETR 1").startswith("-ERR")
        assert pop3.many("RETR 2")[0].startswith("+OK")
        assert pop3.command("DELE 1").startswith("+OK")
        assert pop3.command("QUIT").startswith("+OK")


def test_wrong_peer_is_refused(suite):
    path = str(suite.run / "pop3/session")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        child = os.fork()
        if child == 0:
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
            try:
                s.connect(path)
                s.settimeout(5)
                s.send(b"session\0t\0x\0y\0tls\0\0")
                os._exit(0 if s.recv(100) == b"" else 1)
            except (ConnectionError, PermissionError):
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
