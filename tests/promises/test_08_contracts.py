"""Promise 8: system calls, users, files and sockets of each program are those of its contract. The suite runs under
strace while mail goes all its ways; then each line is held against what the programs say of themselves (--contract).
A program may do anything before it confines itself but become somebody else or read from the client."""
import collections
import os
import pwd
import re
import smtplib
import subprocess

import pytest

from harness import Sink, Suite, without_sanitizers
from harness.milter import Milter, Policy
from harness.names import MX, Names, mx

pytestmark = without_sanitizers("their run-time makes system calls of its own")

CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?|0x[0-9a-f]+)")
UNFINISHED = re.compile(r"^(\d+) +(\w+)\((.*?) *<unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
WRITING = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")

OPEN = {"open", "openat", "openat2", "creat"}
CHANGE = {"unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink",
          "symlinkat", "chmod", "fchmodat", "chown", "fchownat", "truncate", "mknod", "mknodat"}
BECOME = {"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid"}
FORK = {"fork", "vfork", "clone", "clone3"}
# What a program needs to begin: its settings, the C library's files, where it is.
BEGINNING = re.compile(r"^/(etc/(ld\.so\.|passwd|group|nsswitch|localtime|hosts|resolv|host\.conf|gai|ssl|mysql|my\.cnf)"
                       r"|(usr/)?lib|usr/share|proc|sys|dev/(null|urandom))")


# Where tcpserver may stand: it takes a port as root, becomes the user of what it starts, and reads nothing.
LAUNCHER = "postern-listen"


class Traced(Suite):
    """The suite with strace above its supervisor."""

    def start(self):
        self.trace = self.prefix / "trace"
        self.trace.unlink(missing_ok=True)
        self.wrapper = ["strace", "-f", "-qq", "-y", "-s", "200", "-o", str(self.trace), "-e", "signal=none"]
        super().start()


class Call:
    def __init__(self, pid, name, arguments, result):
        self.pid, self.name, self.arguments = pid, name, arguments
        self.result = 0 if result == "?" else int(result, 16 if result.startswith("0x") else 10)

    def __repr__(self):
        return f"{self.name}({self.arguments}) = {self.result}"

    def path(self):
        """The absolute path that it names: -y writes the directory's path behind its descriptor."""
        names = re.findall(r'"((?:[^"\\]|\\.)*)"', self.arguments)
        directory = re.match(r"(?:AT_FDCWD|\d+)<([^>]*)>", self.arguments)
        name = names[0] if names else ""
        return name if name.startswith("/") or not directory else f"{directory[1]}/{name}"


def calls(path):
    """All system calls of a trace in order, those that were interrupted put together."""
    begun = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        if match := UNFINISHED.match(line):
            begun[match[1]] = match[3]
            continue
        if match := RESUMED.match(line):
            line = f"{match[1]} {match[2]}({begun.pop(match[1], '')}{match[3]}"
        if match := CALL.match(line):
            yield Call(int(match[1]), match[2], match[3], match[4])


class Running:
    """What is known of one process at some point of the trace."""

    def __init__(self, program=None, confined=False):
        self.program, self.confined = program, confined


def after_start(trace, libexec):
    """(process, call) for each call of the suite's programs; `process.confined` from its filter on."""
    processes = collections.defaultdict(Running)
    for call in calls(trace):
        process = processes[call.pid]
        if call.name == "execve" and call.result == 0:
            name = call.path()
            process = processes[call.pid] = Running(name.split("/")[-1] if name.startswith(str(libexec)) else None)
            continue
        if call.name in FORK and call.result > 0:
            # A child's first lines may stand before its parent's return from fork.
            child = processes[call.result]
            child.program = child.program or process.program
            child.confined = child.confined or process.confined
        if process.program:
            yield Running(process.program, process.confined), call  # as it is now
        if (call.name == "prctl" and "PR_SET_SECCOMP" in call.arguments or call.name == "seccomp") and call.result == 0:
            process.confined = True


@pytest.fixture(scope="module")
def traced():
    """A run in which mail goes all its ways."""
    names = Names({("elsewhere.test", MX): [mx(10, "mail.elsewhere.test")]})
    with Sink() as sink, Milter() as milter, Policy() as policy, Traced("traced", {
            "relay_host": f"[127.0.0.1]:{sink.port}", "milters": milter.name, "policy_servers": policy.name,
            "sender_resolvable": "yes", "resolver": names.address, "sieve": "yes"}) as suite:
        sink.certificate = suite.settings / "tls/certificate.pem", suite.settings / "tls/key.pem"
        exercise(suite, sink)
        suite.stop()
        yield suite


def write_script(user, text):
    vmail = pwd.getpwnam("vmail")
    user.maildir.mkdir(parents=True)
    (user.maildir / ".dovecot.sieve").write_text(text)
    for path in (user.maildir.parent, user.maildir, user.maildir / ".dovecot.sieve"):
        os.chown(path, vmail.pw_uid, vmail.pw_gid)


def exercise(suite, sink):
    first, second = suite.user(), suite.user()
    suite.alias("both@example.test", [first.address, second.address])
    write_script(first, 'require "copy"; redirect :copy "third@far.test";')
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("stranger@elsewhere.test", ["both@example.test"], "Subject: one\n\nhello\n")
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        assert smtp.login(first.address, first.password)[0] == 235
        smtp.message(first.address, ["other@far.test", second.address], "Subject: two\n\nhello\n")
    first.wait(1, 60), second.wait(2, 60), sink.wait(2, 60)
    with smtplib.LMTP("127.0.0.1", suite.ports["lmtpd"]) as lmtp:
        assert lmtp.sendmail("stranger@elsewhere.test", [second.address], "Subject: three\n\nhello\n") == {}
    with suite.imap("imaps") as imap:
        assert imap.login(second.address, second.password)[0] == "OK"
        for command in ["SELECT INBOX", "FETCH 1:* (FLAGS BODY[])", "STORE 1 +FLAGS (\\Deleted)", "CREATE Kept",
                        "COPY 1 Kept", "EXPUNGE", "LIST \"\" *", "LOGOUT"]:
            assert imap.command(command)[0] == "OK", (command, imap.text)
    with suite.pop3("pop3s") as pop3:
        assert pop3.login(first.address, first.password).startswith("+OK")
        assert pop3.many("RETR 1")[0].startswith("+OK")
        assert pop3.command("DELE 1").startswith("+OK") and pop3.command("QUIT").startswith("+OK")


@pytest.fixture(scope="module")
def contracts(traced):
    """program -> its contract as a dictionary of texts."""
    found = {}
    for path in traced.libexec.glob("postern-*"):
        text = subprocess.run([path, "--contract"], capture_output=True, text=True, check=True).stdout
        found[path.name] = dict(line.split("\t", 1) for line in text.splitlines())
    return found


@pytest.fixture(scope="module")
def events(traced):
    return list(after_start(traced.trace, traced.libexec))


def test_every_program_was_seen_and_confined_itself(events, contracts):
    confined = {process.program for process, _ in events if process.confined}
    assert confined >= set(contracts) - {LAUNCHER}


def test_nobody_becomes_somebody_else(events):
    wrong = [(process.program, call) for process, call in events
             if call.name in BECOME and call.result == 0 and process.program not in ("postern-deliver", LAUNCHER)]
    assert not wrong


def test_a_front_reads_nothing_from_the_client_before_it_is_confined(events):
    wrong = [(process.program, call) for process, call in events
             if process.program in ("postern-smtpd", "postern-imapd", "postern-pop3d", "postern-lmtpd") and not process.confined
             and call.name in ("read", "readv", "recvfrom", "recvmsg") and call.arguments.startswith("0<")]
    assert not wrong


def test_confined_programs_open_and_change_what_they_may(events, contracts):
    wrong = []
    for process, call in events:
        groups = contracts[process.program]["calls"].split() if process.confined else None
        if groups is None or call.result < 0:
            continue
        if call.name in OPEN and not {"read-files", "write-files"} & set(groups):
            wrong.append((process.program, call))
        if (call.name in CHANGE or call.name in OPEN and WRITING.search(call.arguments)) and "write-files" not in groups:
            wrong.append((process.program, call))
    assert not wrong


def test_confined_programs_start_and_connect_what_they_may(events, contracts):
    needs = {"execve": {"exec"}, "execveat": {"exec"}, **{name: {"fork", "exec", "threads"} for name in FORK},
             "connect": {"connect", "internet"}, "bind": {"internet", "events"}, "inotify_init1": {"watch"}}
    wrong = [(process.program, call) for process, call in events if process.confined and call.result >= 0
             and call.name in needs and not needs[call.name] & set(contracts[process.program]["calls"].split())]
    assert not wrong


def test_sockets_are_those_of_the_contract(events, contracts, traced):
    wrong = []
    for process, call in events:
        if call.name not in ("connect", "bind") or "sun_path" not in call.arguments:
            continue
        path = call.path()
        if path.startswith(f"{traced.run}/"):
            name = path.removeprefix(f"{traced.run}/").split(".")[0]
            if name not in contracts[process.program]["sockets"]:
                wrong.append((process.program, call))
    assert not wrong


def test_internet_sockets_are_remotes_and_those_that_smtpd_has_from_the_start(events):
    """Those of smtpd lead to its filters and the resolver."""
    connects = [(process.program, process.confined, call) for process, call in events
                if call.name == "connect" and "AF_INET" in call.arguments]
    assert not [found for found in connects if found[0] != "postern-remote" and found[:2] != ("postern-smtpd", False)]
    assert {found[0] for found in connects} == {"postern-remote", "postern-smtpd"}, "the filters were not there"


def test_the_way_out_was_encrypted(traced):
    """Else nothing was seen of tlsd's other side."""
    assert re.search(r"info: tls .*version=TLSv1", traced.log_text("remote"))


def test_files_before_confinement_are_settings_and_what_a_program_begins_with(events, contracts, traced):
    own = [traced.settings, traced.run, traced.prefix / "state", traced.prefix / "spool", traced.mail_root, traced.libexec]
    wrong = []
    for process, call in events:
        if process.confined or call.name not in OPEN or call.result < 0:
            continue
        path = call.path()
        if BEGINNING.match(path) or any(path.startswith(str(directory)) for directory in own) or path in ("/", "."):
            continue
        wrong.append((process.program, call))
    assert not wrong


@pytest.mark.parametrize("program,forbidden", [
    ("postern-smtpd", ["vmail", "state", "spool", "settings/tls"]), ("postern-imapd", ["vmail", "state", "spool", "settings/tls"]),
    ("postern-pop3d", ["vmail", "state", "spool", "settings/tls"]), ("postern-authd", ["vmail", "spool", "settings/tls"]),
    ("postern-tlsd", ["vmail", "state", "spool"]), ("postern-queued", ["vmail", "state", "settings/tls"]),
    ("postern-remote", ["vmail", "state", "settings/tls"]), ("postern-deliver", ["state", "settings/tls"]), ("postern-sieve", ["vmail", "state", "spool", "settings/tls"]),
    ("postern-lmtpd", ["vmail", "state", "settings/tls"]), ("postern-lmtp", ["vmail", "state", "spool", "settings/tls"]),
    ("postern-imap", ["state", "spool", "settings/tls"]), ("postern-pop3", ["state", "spool", "settings/tls"])])
def test_nobody_opens_another_programs_files(events, traced, program, forbidden):
    wrong = [call for process, call in events if process.program == program and call.name in OPEN and call.result >= 0
             and any(call.path().startswith(f"{traced.prefix}/{name}/") for name in forbidden)]
    assert not wrong
