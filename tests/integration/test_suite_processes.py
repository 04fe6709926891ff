"""Each process of the running suite, looked at from outside: who it is, what it links, what it may still do, what it
has open, and who may talk to it."""
import contextlib
import pathlib
import pwd
import smtplib
import subprocess

import pytest

from harness import Peer, Process, as_user, build_directory, wait_for

USERS = {
    "postern-smtpd": "postern-smtpd", "postern-queued": "postern-queue", "postern-remote": "postern-remote",
    "postern-lmtpd": "postern-lmtpd", "postern-imapd": "postern-imapd", "postern-pop3d": "postern-pop3d",
    "postern-authd": "postern-authd", "postern-authproxy": "postern-authproxy", "postern-tlsd": "postern-tlsd", "postern-stsd": "postern-stsd", "postern-imap": "vmail", "postern-pop3": "vmail",
    "postern-lmtp": "postern-lmtpd", "postern-deliver": "vmail",
}
# It stands where any launcher of the administrator's may stand, has the user of what it starts, and no filter: a program
# inherits its launcher's, and could not begin.
LAUNCHER = "postern-listen"
# Who may use each socket (ARCHITECTURE.md), and a well-formed question.
PEERS = {
    "authd/lookup": ({"postern-smtpd", "postern-queue", "vmail", "postern-lmtpd", "postern-authproxy"}, ["rcpt", "t1", "a@example.test"]),
    "authd/login": ({"postern-smtpd", "postern-imapd", "postern-pop3d", "postern-authproxy"},
                    ["hello", "t1", "imap", "127.0.0.1", "tls"]),
    "authd/ticket": ({"vmail"}, ["redeem", "t1", "a" * 32, "imap"]),
    "tlsd/server": ({"postern-smtpd", "postern-imapd", "postern-pop3d", "postern-lmtpd"}, None),
    "tlsd/client": ({"postern-remote"}, None),
    "queue/intake": ({"postern-smtpd"}, None),
    "remote/send": ({"postern-queue"}, None),
    "sts/policy": ({"postern-remote"}, ["policy", "t1", "no..domain"]),
    "imap/session": ({"postern-imapd"}, None),
    "pop3/session": ({"postern-pop3d"}, None),
    "lmtp/deliver": ({"postern-lmtpd"}, None),
}
EVERYBODY = sorted(set(USERS.values())) + ["nobody"]


@pytest.fixture(scope="module")
def busy(suite):
    """Every program is running: conversations are greeted, sessions logged in, a message has been delivered."""
    user = suite.user("processes")
    with suite.smtp() as smtp, suite.imap("imaps") as front, suite.imap() as plain_front, suite.pop3() as pop_front, \
            suite.imap("imaps") as imap, suite.pop3("pop3s") as pop3:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [user.address], "Subject: x\n\nhello\n")
        user.wait(1)
        with smtplib.LMTP("127.0.0.1", suite.ports["lmtpd"]) as lmtp:
            assert lmtp.sendmail("stranger@elsewhere.test", [user.address], "Subject: x\n\nhello\n") == {}
        assert imap.login(user.address, user.password)[0] == "OK", imap.text
        assert imap.command("SELECT INBOX")[0] == "OK"
        assert pop3.login(user.address, user.password).startswith("+OK")
        assert front.greeting and plain_front.greeting and pop_front.greeting
        yield suite


def all_processes(suite):
    return [Process(pid) for pid, path in suite.processes().items() if path.startswith(str(suite.libexec))]


def test_every_program_runs(busy):
    running = {process.program() for process in all_processes(busy)}
    assert running >= set(USERS) - {"postern-lmtpd"}


def test_each_process_is_its_own_user(busy):
    for process in all_processes(busy):
        started = process.program() if process.program() != LAUNCHER else process.starts()
        entry = pwd.getpwnam(USERS[started])
        user_ids, groups = process.ids("Uid"), process.ids("Groups")
        assert set(process.ids("Gid")) == {entry.pw_gid}, process
        # A setuid program cannot drop the groups of the user who started it: queued has one, its own, and so has lmtp.
        starter = {pwd.getpwnam(name).pw_gid for name in ("postern-queue", "postern-lmtpd")} if process.program() == "postern-deliver" else set()
        assert set(groups) <= {entry.pw_gid} | starter, process
        assert set(user_ids) == {entry.pw_uid}, process
        assert 0 not in process.ids("Uid") + process.ids("Gid") + groups, process


def test_no_process_has_a_capability(busy):
    for process in all_processes(busy):
        status = process.status()
        assert int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0, process


def spawners(suite):
    """The one child of queued, and of lmtp, that starts deliver: a setuid program cannot be started under no_new_privs."""
    return {process.parent() for process in all_processes(suite) if process.program() == "postern-deliver"}


def test_each_process_is_confined(busy):
    for process in all_processes(busy):
        status = process.status()
        if process.pid in spawners(busy) or process.program() == LAUNCHER:
            continue
        assert status["Seccomp"] == "2", process
        assert status["NoNewPrivs"] == "1", process


def test_queued_and_lmtp_have_one_spawner_each(busy):
    programs = [(Process(pid).program(), Process(Process(pid).parent()).program()) for pid in spawners(busy)]
    assert sorted(programs) == [("postern-lmtp",) * 2, ("postern-queued",) * 2]


def needed(path):
    text = subprocess.run(["readelf", "-d", str(path)], capture_output=True, text=True, check=True).stdout
    return {line.split("[")[1].split("]")[0] for line in text.splitlines() if "(NEEDED)" in line}


@pytest.mark.parametrize("program", ["smtpd", "imapd", "pop3d", "deliver", "lmtpd", "lmtp", "queued", "imap", "pop3", "sendmail"])
def test_links_nothing_but_libc(suite, program):
    path = suite.libexec / f"postern-{program}"
    libraries = needed(path if path.exists() else suite.bin / f"postern-{program}")
    sanitizers = {"libasan.so.8", "libubsan.so.1", "libgcc_s.so.1", "libm.so.6", "libresolv.so.2", "libz.so.1"}
    allowed = sanitizers if "san" in build_directory() else set()
    assert libraries - allowed <= {"libc.so.6", "ld-linux-x86-64.so.2"}


def test_only_authd_links_sql_and_only_tlsd_tls(suite):
    for path in suite.libexec.glob("postern-*"):
        libraries = " ".join(needed(path))
        if path.name != "postern-authd":
            assert "libmariadb" not in libraries and "libgsasl" not in libraries, path
        if path.name != "postern-tlsd":
            assert "libssl" not in libraries.split("libmariadb")[0], path
    assert "libssl" not in " ".join(needed(suite.libexec / "postern-authd"))


@contextlib.contextmanager
def greeted(suite, service):
    """The process of a conversation that has been greeted."""
    before = set(suite.pids(service))
    with getattr(suite, {"smtpd": "smtp", "imapd": "imap", "pop3d": "pop3"}[service])() as dialogue:
        assert dialogue.greeting
        yield Process((set(suite.pids(service)) - before).pop())


@pytest.mark.parametrize("service", ["smtpd", "imapd", "pop3d"])
def test_a_greeted_front_has_only_sockets_and_pipes(suite, service):
    with greeted(suite, service) as process:
        wait_for("confinement", 5, lambda: process.status()["Seccomp"] == "2")
        other = {fd: name for fd, name in process.descriptors().items() if not name.startswith(("socket:", "pipe:"))}
        assert not other


def refusal(suite, name, question):
    """What a peer sees: "refused", or the answer; a peer that may speak and has nothing to say sees "open"."""
    def action():
        with Peer(suite, name, timeout=1 if question is None else 10) as peer:
            try:
                if question is not None:
                    peer.send(*question)
                answer = peer.receive()
            except BrokenPipeError:
                return "refused"
            except TimeoutError:
                return "open"
            return "refused" if answer is None else answer[0]
    return action


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_wrong_peer_is_refused(suite, name):
    peers, question = PEERS[name]
    for user in EVERYBODY:
        answer = as_user(user, refusal(suite, name, question))
        if user in peers:
            assert answer in ("ok", "no", "later", "open"), (user, answer)
        else:
            assert answer == "refused", (user, answer)


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_refusal_is_logged(suite, name):
    daemon = {"queue": "queued", "sts": "stsd"}.get(name.split("/")[0], name.split("/")[0])
    as_user("nobody", refusal(suite, name, PEERS[name][1]))
    suite.wait_log(daemon, r"uid=%d\b" % pwd.getpwnam("nobody").pw_uid)


def session_of(suite, dialogue, program, login):
    """The session child that serves this dialogue: the process that came with it."""
    before = set(suite.pids(program))
    login(dialogue)
    return Process(wait_for("a session", 5, lambda: set(suite.pids(program)) - before).pop())


@pytest.mark.parametrize("service,program", [("imap", "imap"), ("pop3", "pop3")])
def test_a_session_reaches_its_own_maildir_only(suite, service, program):
    """Both Maildirs belong to vmail: it is Landlock that keeps them apart."""
    mine, other = suite.user(), suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [mine.address, other.address], "Subject: secret\n\nhello\n")
    mine.wait(1), other.wait(1)
    with getattr(suite, service)(service + "s") as dialogue:
        session = session_of(suite, dialogue, program, lambda d: d.login(mine.address, mine.password))
        assert process_opens(session, next(mine.maildir.glob("new/*"), None) or next(mine.maildir.glob("cur/*")))
        for path in [next(other.maildir.glob("new/*")), other.maildir, suite.mail_root, suite.settings, "/etc/passwd",
                     mine.maildir / ".." / other.address.split("@")[0] / "new"]:
            assert not process_opens(session, path), path
        assert not process_opens(session, other.maildir / "new/planted", write=True)
        assert not (other.maildir / "new/planted").exists()


def process_opens(process, path, write=False):
    result = process.inject("openat", path, *(["write"] if write else []))
    assert not isinstance(result, str), f"opening {path}: {result}"
    assert result >= 0 or result in (-13, -2, -1), result
    return result >= 0


def test_a_hostile_folder_name_reaches_nothing(suite):
    """The same question by the protocol: a symbolic link that somebody planted, names that climb."""
    mine, other = suite.user(), suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", [mine.address, other.address], "Subject: secret\n\nhello\n")
    mine.wait(1), other.wait(1)
    (mine.maildir / ".planted").symlink_to(other.maildir)
    with suite.imap("imaps") as imap:
        assert imap.login(mine.address, mine.password)[0] == "OK"
        for name in ["planted", "..", "../" + other.address.split("@")[0], "/", other.maildir, "a/../../b"]:
            status, _ = imap.command(f'SELECT "{name}"')
            assert status == "NO", (name, imap.text)


@pytest.mark.parametrize("call", [["execve", "/bin/sh"], ["openat", "/etc/passwd"], ["openat", "/tmp/postern-planted", "write"],
                                  ["socket"], ["kill", "1"]])
@pytest.mark.parametrize("service", ["smtpd", "imapd", "pop3d"])
def test_a_front_is_ended_for_a_forbidden_call(suite, service, call):
    with greeted(suite, service) as process:
        result = process.inject(*call)
        assert result == "killed SYS" or (isinstance(result, int) and result < 0), result
    assert not pathlib.Path("/tmp/postern-planted").exists()
