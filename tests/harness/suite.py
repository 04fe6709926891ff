"""The whole suite, installed by conf/install into a private directory, running under a private s6-svscan."""
import contextlib
import fcntl
import functools
import itertools
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess

from .build import HOME, REPOSITORY, build_directory, build_lock, build_name, make_environment
from .dialogue import Imap, Pop3, Smtp
from .accounts import Embedded
from .wait import wait_for

# The sockets that each daemon offers; it is up when all of them take a connection.
SOCKETS = {
    "authd": ["authd/lookup", "authd/login", "authd/ticket"],
    "authproxy": [],  # none unless a setting names one, and then of streams: tests/integration/test_authproxy.py
    "tlsd": ["tlsd/server", "tlsd/client"],
    "queued": ["queue/intake", "queue/submit", "queue/show", "queue/control"],
    "remote": ["remote/send"],
    "stsd": ["sts/policy"],
    "imap": ["imap/session"],
    "pop3": ["pop3/session"],
    "lmtp": ["lmtp/deliver"],
}
CONNECTIONS = ["smtpd", "submission", "smtps", "imapd", "imaps", "pop3d", "pop3s", "lmtpd"]
# Loopback is not trusted in the tests: a client of 127.0.0.1 is a stranger.
DEFAULTS = {"hostname": "mail.example.test", "permitted_networks": "192.0.2.0/24"}
SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|SUMMARY: UndefinedBehaviorSanitizer")


PORTS = range(10000, 32768)  # below those that the kernel gives to whoever connects


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def free_ports(count):
    """Ports that nobody else gets, here or in another lane, until all have had their turn."""
    HOME.mkdir(mode=0o755, exist_ok=True)
    ports = []
    with open(HOME / "ports", "a+") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        turn.seek(0)
        at = int(turn.read() or 0)
        while len(ports) < count:
            port = PORTS[at % len(PORTS)]
            at += 1
            if is_free(port):
                ports.append(port)
        turn.truncate(0)
        turn.write(str(at))
    return ports


def listening_ports():
    """Local TCP ports that somebody listens on, without connecting to them."""
    ports = set()
    for line in open("/proc/net/tcp").readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            ports.add(int(fields[1].split(":")[1], 16))
    return ports


def take_place(name):
    """A directory for an installation of a build, and the lock that keeps it ours."""
    HOME.mkdir(mode=0o755, exist_ok=True)
    for number in itertools.count(1):
        prefix = HOME / f"{name}-{number}"
        lock = open(f"{prefix}.lock", "w")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return prefix, lock
        lock.close()


@functools.cache
def newest_source():
    """When something that is built or installed was changed last."""
    folders = [path for path in REPOSITORY.iterdir() if path.is_dir() and path.name not in ("build", "tests", ".git")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return max(path.stat().st_mtime for path in [*files, REPOSITORY / "Makefile"])


def begun(pid):
    """When a process began, in clock ticks, and its id: ids begin anew after 32768."""
    with contextlib.suppress(OSError):
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]), pid
    return 0, pid


def connectable(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        try:
            s.connect(str(path))
            return True
        except OSError:
            return False


def empty(directory):
    for entry in directory.iterdir() if directory.is_dir() else []:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class Account:
    """A user that the harness made; `maildir` is his directory."""

    def __init__(self, suite, address, password):
        self.suite, self.address, self.password = suite, address, password
        local, domain = address.rsplit("@", 1)
        self.maildir = suite.mail_root / domain / local

    def messages(self, folder=""):
        """The messages of a folder ("" is the inbox) as bytes, oldest name first."""
        where = self.maildir / ("." + folder if folder else "")
        paths = [path for part in ("new", "cur") for path in (where / part).glob("*")]
        return [path.read_bytes() for path in sorted(paths, key=lambda path: path.name)]

    def wait(self, count, seconds=20, folder=""):
        """Waits until `count` messages are there."""
        return wait_for(lambda: f"{count} messages of {self.address}, there are {len(self.messages(folder))}", seconds,
                        lambda: self.messages(folder) if len(self.messages(folder)) >= count else None)


class Suite:
    """
    `kind` says what it is for; `settings` are files in the settings directory. Nothing is started before start();
    `with Suite(...)` starts and stops.

    Linking all programs for a path takes long, so installations are used again: a suite takes the first place that no
    other holds. Its programs stay when no source is newer, all else is made anew.
    """
    domain = "example.test"
    password = "secret words"
    repository = REPOSITORY
    wrapper = []  # a program to run the supervisor under

    def __init__(self, kind="embedded", settings=None):
        assert os.getuid() == 0, "the suite is tested as root, with all its users"
        self.build, self.kind = build_directory(), kind
        self.prefix, self.lock = take_place(build_name())
        self.libexec, self.bin = self.prefix / "libexec/postern", self.prefix / "bin"
        self.settings, self.run = self.prefix / "settings", self.prefix / "run"
        self.mail_root, self.queue = self.prefix / "vmail", self.prefix / "spool/queue"
        self.services, self.log = self.prefix / "services", self.prefix / "log"
        self.ports = dict(zip(CONNECTIONS, free_ports(len(CONNECTIONS))))
        self.numbers = itertools.count(1)
        self.scan = None
        self.accounts = Embedded(self)
        self.prepare(settings or {})

    # --- installing -----------------------------------------------------------

    def prepare(self, settings):
        self.end_processes(signal.SIGKILL)  # what a run that was killed has left
        for directory in (self.settings, self.run, self.mail_root, self.prefix / "spool", self.prefix / "state",
                          self.services, self.log):
            empty(directory)
        self.settings.mkdir(parents=True, exist_ok=True)
        self.services.mkdir(exist_ok=True)
        for name, value in {**DEFAULTS, **settings}.items():
            self.set(name, value)
        (self.settings / "listen").mkdir(exist_ok=True)
        for name, port in self.ports.items():
            (self.settings / "listen" / name).write_text(f"127.0.0.1 {port} 1000\n")
        self.install()

    def install(self):
        """Relinks the build for this prefix, unless that was done."""
        complete, kept, build = self.prefix / "complete", self.prefix / "kept", str(REPOSITORY / self.build)
        keeps = complete.exists() and complete.stat().st_mtime > newest_source() and complete.read_text().startswith(f"{build}\n")
        if not keeps:
            complete.unlink(missing_ok=True)
        elif complete.read_text() != f"{build}\n{self.programs_there()}":
            self.copy_programs(kept, self.prefix)
        with contextlib.nullcontext() if keeps else build_lock():
            result = subprocess.run(["sh", "conf/install", "--quiet", "--root", self.prefix, "--build", self.build,
                                     "--supervisor", "s6", *(["--keep-programs"] if keeps else [])],
                                    cwd=REPOSITORY, capture_output=True, text=True, env=make_environment())
        assert result.returncode == 0, result.stdout + result.stderr
        if not keeps:
            self.copy_programs(self.prefix, kept)
            complete.write_text(f"{build}\n{self.programs_there()}")

    @staticmethod
    def copy_programs(source, target):
        target.mkdir(exist_ok=True)
        for name in ("libexec", "bin"):
            shutil.rmtree(target / name, ignore_errors=True)
            subprocess.run(["cp", "-a", source / name, target / name], check=True)

    def programs_there(self):
        """The state of each: a test may have put another in the place of one."""
        files = [(path, path.stat()) for folder in (self.libexec, self.bin) for path in sorted(folder.glob("*"))]
        return "\n".join(f"{path} {s.st_mode:o} {s.st_uid} {s.st_gid} {s.st_size} {s.st_mtime_ns}" for path, s in files)

    def set(self, name, value):
        """Writes a setting (or removes it: None). A program reads it when it starts."""
        path = self.settings / name
        if value is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")

    # --- running --------------------------------------------------------------

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        assert set(self.present()) == set(SOCKETS) | set(CONNECTIONS), "conf/install left services out"
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C",
                       "POSTERN_SETTINGS": str(self.settings),
                       "ASAN_OPTIONS": "detect_leaks=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"}
        with open(self.prefix / "svscan.log", "ab") as log:
            self.scan = subprocess.Popen([*self.wrapper, "s6-svscan", "-t", "0", str(self.services)], env=environment, cwd="/",
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.wait_up()

    def present(self):
        return sorted(path.parent.name for path in self.services.glob("*/run"))

    def wait_up(self, names=None, seconds=20):
        for name in names or self.present():
            wait_for(lambda: f"{name} to be up; its log:\n{self.log_text(name)[-3000:]}", seconds, lambda: self.is_up(name))

    def is_up(self, name):
        if name in SOCKETS:
            return all(connectable(self.run / path) for path in SOCKETS[name])
        return self.ports[name] in listening_ports()

    def restart(self, name, wait=True):
        """Ends a service's program with SIGTERM, its supervisor starts it anew."""
        before = self.service_pid(name)
        subprocess.run(["s6-svc", "-t", str(self.services / name)], check=True)
        wait_for(f"{name} to be started anew", 20, lambda: self.service_pid(name) not in (None, before))
        if wait:
            self.wait_up([name])

    def down(self, name):
        """Ends a service; when this returns nothing of it is at work."""
        subprocess.run(["s6-svc", "-wd", "-d", str(self.services / name)], check=True, timeout=60)
        wait_for(f"the sockets of {name} to be served no more", 10,
                 lambda: not any(connectable(self.run / path) for path in SOCKETS.get(name, [])))

    def up(self, name):
        subprocess.run(["s6-svc", "-u", str(self.services / name)], check=True)
        self.wait_up([name])

    def service_pid(self, name):
        result = subprocess.run(["s6-svstat", "-o", "pid", str(self.services / name)], capture_output=True, text=True)
        pid = int(result.stdout) if result.returncode == 0 and result.stdout.strip() else -1
        return pid if pid > 0 else None

    def stop(self):
        if self.scan is not None:
            subprocess.run(["s6-svscanctl", "-t", str(self.services)], stderr=subprocess.DEVNULL)
            # Conversations outlive their listener and keep its logger waiting: they get a moment, then they are ended.
            for patience, number in ((1, signal.SIGTERM), (5, signal.SIGKILL)):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.scan.wait(patience)
                    break
                self.end_processes(number)
            self.scan.kill()
            self.scan.wait()
            self.scan = None
        self.end_processes(signal.SIGKILL)
        self.lock.close()

    def processes(self):
        """pid -> path of the program, for every process whose program is of this installation or its supervisor."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                program = os.readlink(entry / "exe").removesuffix(" (deleted)")
                if program.startswith(f"{self.prefix}/") or self.supervises(entry):
                    found[int(entry.name)] = program
        return found

    def supervises(self, entry):
        """A supervisor, logger or listener of ours names the installation in its arguments or stands in its directory."""
        where = os.readlink(entry / "cwd")
        arguments = (entry / "cmdline").read_bytes()
        ours = f"{self.prefix}/".encode()
        return where.startswith(f"{self.services}") or (b"s6-" in arguments[:40] and ours in arguments)

    def end_processes(self, number):
        for pid in self.processes():
            if pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        if number == signal.SIGKILL:
            wait_for("the suite's processes to end", 20, lambda: not self.processes())

    def pids(self, program):
        """Processes of a program, "postern-imap" or "imap", oldest first."""
        path = str(self.libexec / ("postern-" + program.removeprefix("postern-")))
        ages = sorted(begun(pid) for pid, exe in self.processes().items() if exe == path)
        return [pid for start, pid in ages if start]  # without those that have just ended

    def kill(self, program, number=signal.SIGKILL):
        """Returns when those that were killed are gone."""
        pids = self.pids(program)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL:
            wait_for(f"the end of {program}", 10, lambda: not set(pids) & set(self.processes()))

    # --- logs -----------------------------------------------------------------

    def log_text(self, name):
        """The log of a service without its time stamps. A log that is not there yet is empty."""
        text = ""
        for path in sorted((self.log / name).glob("@*")) + [self.log / name / "current"]:
            with contextlib.suppress(FileNotFoundError):
                text += path.read_text("utf-8", "replace")
        return re.sub(r"^@[0-9a-f]{24} ", "", text, flags=re.M)

    def logs(self):
        return "".join(self.log_text(name) for name in self.present())

    def wait_log(self, name, pattern, seconds=10):
        """Waits for a line of a service's log that matches, and returns the match."""
        return wait_for(lambda: f"{pattern} in the log of {name}:\n{self.log_text(name)[-3000:]}", seconds,
                        lambda: re.search(pattern, self.log_text(name), re.M))

    def findings(self):
        """What the sanitizers have reported in any log."""
        return [line for line in self.logs().splitlines() if SANITIZER.search(line)]

    # --- accounts -------------------------------------------------------------

    def user(self, name=None, password=None, domain=None):
        """Makes a fresh account."""
        if name is password is domain is None:
            return Account(self, self.accounts.next_user(), self.password)
        name = name or f"user{next(self.numbers)}"
        address = name if "@" in name else f"{name}@{domain or self.domain}"
        self.accounts.add_user(address, password or self.password)
        return Account(self, address, password or self.password)

    def alias(self, address, targets):
        self.accounts.add_alias(address, targets)

    def tool(self, name, *arguments, input="", check=True, user=None):
        """Runs a tool or program of the installation; the result has .stdout, .stderr, .returncode (texts)."""
        path = self.bin / f"postern-{name}"
        path = path if path.exists() else self.libexec / f"postern-{name}"
        text = isinstance(input, str)
        result = subprocess.run([str(path), *map(str, arguments)], input=input, capture_output=True, text=text, timeout=60,
                                user=user, group=pwd.getpwnam(user).pw_gid if user else None,
                                extra_groups=[] if user else None,
                                env={"PATH": "/usr/bin:/bin", "POSTERN_SETTINGS": str(self.settings),
                                     "ASAN_OPTIONS": "detect_leaks=0"})
        assert not check or result.returncode == 0, f"{name} {arguments}: {result.stdout}{result.stderr}"
        return result

    # --- dialogues ------------------------------------------------------------

    def smtp(self, service="smtpd", **keywords):
        """A dialogue with smtpd, or "submission" or "smtps"."""
        return Smtp(self.ports[service], tls=service == "smtps", **keywords)

    def imap(self, service="imapd", **keywords):
        return Imap(self.ports[service], tls=service == "imaps", **keywords)

    def pop3(self, service="pop3d", **keywords):
        return Pop3(self.ports[service], tls=service == "pop3s", **keywords)
