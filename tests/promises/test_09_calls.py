"""Promise 9, call by call: the filters of the running smtpd and of tlsd's processes are taken from the kernel, and
every system call of the architecture is tried beneath them (tests/harness/filter.c). What is not on the list that
`make audit` prints kills; smtpd's list and that of tlsd's child stand here in full, so that nobody widens them unseen."""
import contextlib
import errno
import functools
import re
import socket
import subprocess

import pytest

from harness import REPOSITORY, Process, made, wait_for, without_sanitizers
from harness.milter import Milter, Policy
from harness.names import Names
from harness.process import compile_helper
from harness.tls import Tlsd

pytestmark = without_sanitizers("their run-time makes system calls of its own")

BASIC = """read write readv writev sendto ppoll poll close fstat newfstatat lseek fcntl clock_gettime gettimeofday time clock_nanosleep
nanosleep getrandom brk mmap mprotect munmap mremap madvise futex rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
restart_syscall exit exit_group getpid getppid gettid getuid geteuid getgid getegid uname sched_yield sched_getaffinity
set_robust_list set_tid_address rseq""".split()
MESSAGES = "recvmsg sendmsg recvfrom getsockopt setsockopt getsockname getpeername shutdown".split()
ALLOWED = {"smtpd": {*BASIC, *MESSAGES, "dup", "dup2", "dup3"}, "tlsd child": {*BASIC, *MESSAGES},
           "tlsd outgoing_child": {*BASIC, *MESSAGES}}
# Libraries try them and do without. A real call would fail otherwise with these arguments.
REFUSED = {"ioctl": "ENOTTY", "clone3": "ENOSYS", "openat": "EACCES", "open": "EACCES", "statx": "ENOSYS", "readlinkat": "EACCES",
           "prlimit64": "EPERM", "sysinfo": "EPERM", "stat": "EACCES", "lstat": "EACCES", "access": "EACCES", "readlink": "EACCES"}

# uretprobe and uprobe, which Linux asks no filter about: they end or refuse whoever calls
# them from elsewhere than a probe's trampoline.
PAST_ALL_FILTERS = {335, 336}


@functools.cache
def numbers():
    """name -> number of this machine's system calls."""
    text = subprocess.run(["gcc", "-dM", "-E", "-"], input="#include <sys/syscall.h>", capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)$", text, re.M)}


def name_of(number):
    return {number: name for name, number in numbers().items()}.get(number, f"call {number}")


def verdicts(pid, *call):
    """number -> "killed", "ok", "ended" (by another signal) or the name of the error."""
    result = subprocess.run([compile_helper("filter"), str(pid), *map(str, call)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    return {int(line[0]): errno.errorcode[int(line[2])] if line[1] == "error" else line[1] for line in lines}


@contextlib.contextmanager
def everything(suite):
    """smtpd with filters and a resolver, while its connections are made within."""
    with Milter() as milter, Policy() as policy:
        values = {"milters": milter.name, "policy_servers": policy.name, "sender_resolvable": "yes", "resolver": Names({}).address}
        for name, value in values.items():
            suite.set(name, value)
        try:
            yield milter
        finally:
            for name in values:
                suite.set(name, None)


@pytest.fixture(scope="module")
def processes(suite):
    """
    Those that read the network or hold the key, in the middle of a TLS session: smtpd with all the sockets that its
    settings can give it, and tlsd's child for another host, at the handshake.
    """
    before = set(suite.pids("smtpd")), set(suite.pids("tlsd"))
    with Tlsd("ecdsa", handshake_timeout="1h") as other, everything(suite) as milter, suite.smtp() as smtp:
        host, question, outgoing = other.reach_out()
        smtp.ehlo()
        smtp.starttls()
        [smtpd] = set(suite.pids("smtpd")) - before[0]
        [child] = set(suite.pids("tlsd")) - before[1]
        acceptor = suite.service_pid("tlsd")
        [keys] = [pid for pid in before[1] if Process(pid).parent() == acceptor]
        assert milter.seen("O")
        yield {"smtpd": smtpd, "tlsd": acceptor, "tlsd keys": keys, "tlsd child": child, "tlsd outgoing_child": outgoing}
        host.close(), question.peer.socket.close()


@functools.cache
def tried(pid):
    return verdicts(pid)


def contract_of(name, suite):
    """The groups of a process as the programs and their sources say."""
    if name in ("smtpd", "tlsd"):
        text = subprocess.run([suite.libexec / f"postern-{name}", "--contract"], capture_output=True, text=True, check=True).stdout
        return re.search(r"^calls\t(.*)$", text, re.M).group(1).split()
    text = (REPOSITORY / "tlsd" / f"{name.split()[1]}.c").read_text()
    calls = re.search(r"struct contract contract = \{\s*\.calls = ([^,]*),", text).group(1)
    return [word.lower().replace("_", "-") for word in re.findall(r"CALLS_(\w+)", calls)]


def audited(groups):
    """What `make audit` tells: numbers that are allowed, whenever; numbers that only fail."""
    lines = [line.split("\t") for line in subprocess.run([made("calls"), *groups], capture_output=True, text=True, check=True).stdout.splitlines()]
    allowed = {int(number) for number, verdict, _ in lines if verdict == "allowed"}
    return allowed, {int(number) for number, verdict, _ in lines} - allowed


@pytest.mark.parametrize("name", ["smtpd", "tlsd", "tlsd keys", "tlsd child", "tlsd outgoing_child"])
def test_every_call_that_the_audit_does_not_print_kills(suite, processes, name):
    allowed, refused = audited(contract_of(name, suite))
    allowed -= {numbers()["tgkill"]} if "fork" not in contract_of(name, suite) else set()  # only itself: below
    alive = {number for number, verdict in tried(processes[name]).items() if verdict != "killed"} - PAST_ALL_FILTERS
    expected = {number for number in allowed | refused if number < 512}
    assert {name_of(n) for n in alive ^ expected} == set()
    assert len(tried(processes[name])) == 512


@pytest.mark.parametrize("name", list(ALLOWED))
def test_the_list_in_full(processes, name):
    alive = {name_of(n): verdict for n, verdict in tried(processes[name]).items()
             if verdict != "killed" and n not in PAST_ALL_FILTERS}
    refused = {call: verdict for call, verdict in alive.items() if REFUSED.get(call) == verdict}
    assert refused == REFUSED
    assert set(alive) - set(refused) == ALLOWED[name]


PROT_EXEC, MAP_PRIVATE, CLONE_NEWUSER, AT_FDCWD = 4, 2, 0x10000000, -100
WRONLY, RDWR, CREAT, TRUNC, APPEND = 1, 2, 0o100, 0o1000, 0o2000
# call, arguments, what happens
BOUNDED = [
    *[(call, [0, 4096, protection, MAP_PRIVATE, -1, 0], "killed") for call in ("mmap", "mprotect") for protection in (4, 5, 7)],
    *[("openat", [AT_FDCWD, 0, flags], "killed") for flags in (WRONLY, RDWR, CREAT, TRUNC, APPEND)],
    *[("open", [0, flags], "killed") for flags in (WRONLY, RDWR, CREAT, TRUNC, APPEND)],
    *[("socket", [family, socket.SOCK_STREAM, 0], "killed") for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET)],
    ("fcntl", [0, 8, 1], "EPERM"), ("fcntl", [0, 15, 1], "EPERM"),  # F_SETOWN, F_SETOWN_EX
    ("clone", [CLONE_NEWUSER | 17], "killed"),
    ("newfstatat", [AT_FDCWD, 0, 0, 0], "EACCES"),
    ("execve", [0, 0, 0], "killed"), ("execveat", [AT_FDCWD, 0, 0, 0, 0], "killed"), ("ptrace", [16, 1], "killed"),
]


@pytest.mark.parametrize("name", ["smtpd", "tlsd", "tlsd keys", "tlsd child", "tlsd outgoing_child"])
def test_calls_whose_arguments_count(suite, processes, name):
    files = "read-files" in contract_of(name, suite)
    for call, arguments, expected in BOUNDED:
        if files and call == "newfstatat":
            continue
        [verdict] = verdicts(processes[name], numbers()[call], *arguments).values()
        assert verdict == expected, (call, arguments, verdict)


@pytest.mark.parametrize("name", ["smtpd", "tlsd child", "tlsd outgoing_child"])
def test_no_process_and_no_socket_at_all(processes, name):
    for call, arguments in [("clone", [17]), ("fork", []), ("vfork", []), ("kill", [1, 0]), ("tgkill", [1, 1, 0]),
                            ("socket", [socket.AF_UNIX, socket.SOCK_STREAM, 0]), ("connect", [0]), ("socketpair", [1, 1, 0])]:
        assert list(verdicts(processes[name], numbers()[call], *arguments).values()) == ["killed"], call


@pytest.mark.parametrize("name", ["smtpd", "tlsd", "tlsd keys", "tlsd child", "tlsd outgoing_child"])
@pytest.mark.parametrize("call", [["i386"], [0x40000000 + 39]], ids=["i386", "x32"])
def test_the_other_ways_into_the_kernel_kill(processes, name, call):
    [verdict] = verdicts(processes[name], *call).values()
    assert verdict in ("killed", "ended")  # a kernel without the 32-bit entry ends whoever uses it


@pytest.mark.parametrize("number", sorted(PAST_ALL_FILTERS))
def test_calls_that_no_filter_sees_do_nothing(processes, number):
    if tried(processes["smtpd"])[number] != "killed":
        [verdict] = verdicts(processes["smtpd"], number).values()
        assert verdict in ("ended", "ENXIO")


def test_a_forbidden_call_ends_the_live_process(suite, processes):
    with suite.smtp() as smtp:
        smtp.ehlo()
        pid = suite.pids("smtpd")[-1]
        assert Process(pid).inject("execve", "/bin/true") == "killed SYS"
        assert smtp.rest() == b""
        wait_for("its end", 10, lambda: pid not in suite.pids("smtpd"))
