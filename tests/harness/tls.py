"""postern-tlsd by itself: its own settings, run directory and certificate, as its own user. And what a front does with it."""
import array
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from .dialogue import client_context
from .packets import Peer
from .build import built
from .wait import wait_for

KINDS = {"rsa": ["-newkey", "rsa:2048"], "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}


def make_certificate(directory, kind, name="mail.example.test", user="postern-tlsd"):
    """A self-signed pair; returns the paths of certificate and key."""
    certificate, key = directory / f"{kind}.pem", directory / f"{kind}.key"
    subprocess.run(["openssl", "req", "-x509", *KINDS[kind], "-nodes", "-days", "300", "-subj", f"/CN={name}",
                    "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    key.chmod(0o600)
    shutil.chown(key, user)
    return certificate, key


def tcp_pair():
    """(the client's end, the server's end) of a connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname(), 20)
        accepted, _ = server.accept()
        accepted.settimeout(20)
        return client, accepted


class Question:
    """A front's request `accept`: made at once, answered when the handshake is done."""

    def __init__(self, tlsd, connection, tag="t1"):
        self.tag = tag
        self.peer = Peer(tlsd, "tlsd/server", timeout=20)
        self.peer.send("accept", tag, descriptors=[connection.fileno()])

    def answer(self):
        """The fields behind the tag with the status first, and the plain socket or None. (None, None): no answer."""
        try:
            data, control, _, _ = self.peer.socket.recvmsg(65536, socket.CMSG_SPACE(16))
        except ConnectionResetError:
            data, control = b"", []
        plain = None
        for _, _, descriptors in control:
            plain = socket.socket(fileno=array.array("i", descriptors)[0])
            plain.settimeout(20)
        if not data:
            return None, None
        fields = data.decode("utf-8", "surrogateescape").split("\0")[:-1]
        assert fields[1] == self.tag
        return [fields[0], *fields[2:]], plain


def place(tlsd, path, content):
    """Writes a file as a whole: beside it, then by rename, closed to others."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.chmod(0o600)
    shutil.chown(new, "postern-tlsd")
    new.rename(path)


class Tlsd:
    """Make it, start it, `with` stops it. `run` is its run directory, so that Peer() takes it for a suite."""

    def __init__(self, kind="rsa", **settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-tlsd-", dir="/var/tmp"))
        self.directory.chmod(0o755)
        self.settings, self.run, self.log_path = (self.directory / n for n in ("settings", "run", "log"))
        (self.run / "tlsd").mkdir(parents=True)
        shutil.chown(self.run / "tlsd", "postern-tlsd")
        self.settings.mkdir()
        self.certificate, self.key = make_certificate(self.directory, kind)
        self.set("certificate_interval", "1s")
        self.set("run_directory", self.run)
        self.use(self.certificate, self.key)
        for name, value in settings.items():
            self.set(name, value)
        self.process = None

    def set(self, name, value):
        (self.settings / name).write_text(f"{value}\n")

    def use(self, certificate, key):
        self.set("certificate", certificate)
        self.set("private_key", key)

    def add(self, name, certificate, key, chain=()):
        """A pair in the directory of the setting `certificates`, written anew each time as an administrator's copy does."""
        directory = self.directory / "pairs"
        self.set("certificates", directory)
        (directory / name).mkdir(parents=True, exist_ok=True)
        place(self, directory / name / "certificate.pem", b"".join(pathlib.Path(p).read_bytes() for p in (certificate, *chain)))
        place(self, directory / name / "key.pem", pathlib.Path(key).read_bytes())
        return directory / name

    def reload(self):
        """SIGHUP, and its result in the log."""
        before = self.log().count("certificate-loaded")
        os.kill(self.process.pid, signal.SIGHUP)
        wait_for(lambda: f"the reload: {self.log()}", 10, lambda: self.log().count("certificate-loaded") > before)

    def check(self, *arguments):
        """postern-tlsd --check."""
        program = self.program()
        return subprocess.run([program, "--check", *arguments], capture_output=True, text=True, cwd="/", env=self.environment())

    def environment(self):
        return {"POSTERN_SETTINGS": str(self.settings), "ASAN_OPTIONS": "detect_leaks=0:exitcode=99"}

    def program(self):
        program = self.directory / "postern-tlsd"
        if not program.exists():
            shutil.copy(built("postern-tlsd"), program)
        return program

    def spawn(self):
        """Starts the program and does not wait for it."""
        program = self.program()
        user = pwd.getpwnam("postern-tlsd")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                            user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                                            env=self.environment())
        return self.process

    def start(self):
        self.spawn()
        wait_for(lambda: f"tlsd to start: {self.log()}", 20, lambda: "info: started" in self.log())
        return self

    def stop(self):
        if self.process is not None:
            for pid in [*self.children(), self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            self.process.wait(20)
        log = self.log()
        shutil.rmtree(self.directory)
        assert "Sanitizer" not in log and "runtime error" not in log, log

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        self.stop()

    def log(self):
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def wait_log(self, text):
        wait_for(lambda: f"{text!r} in the log: {self.log()}", 10, lambda: text in self.log())

    # --- its processes ---------------------------------------------------------

    def offspring(self):
        pid = self.process.pid
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def key_process(self):
        return self.offspring()[0]

    def children(self):
        """The processes of sessions."""
        return self.offspring()[1:] if self.process.poll() is None else []

    def wait_children(self, count):
        wait_for(lambda: f"{count} children, there are {self.children()}", 10, lambda: len(self.children()) == count)

    # --- sessions ----------------------------------------------------------------

    def hand_over(self):
        """A client's connection that was handed to tlsd: (client's socket, question)."""
        client, accepted = tcp_pair()
        with accepted:
            return client, Question(self, accepted)

    def reach_out(self):
        """postern-remote's side of a session whose other host says nothing yet: (that host's socket, question, child)."""
        before = set(self.children())
        ours, theirs = tcp_pair()
        with ours:
            question = Question.__new__(Question)
            question.peer = Peer(self, "tlsd/client", timeout=20)
            question.peer.send("connect", "t1", "encrypt", "mx.example.org", descriptors=[ours.fileno()])
        [child] = wait_for("the child", 10, lambda: set(self.children()) - before)
        theirs.settimeout(10)
        assert theirs.recv(1) == b"\x16", "it has begun the handshake: it is confined"
        return theirs, question, child

    def session(self, context=None, session=None, name="mail.example.test"):
        """A whole handshake: (client's TLS socket, plain socket, answer)."""
        client, question = self.hand_over()
        secure = (context or client_context()).wrap_socket(client, server_hostname=name, session=session)
        answer, plain = question.answer()
        assert answer is not None and plain is not None, (answer, self.log())
        return secure, plain, answer


def shown(tlsd, name, context=None):
    """The certificate that a client is shown who asks for that name, in DER."""
    secure, plain, _ = tlsd.session(context, name=name)
    with secure, plain:
        return secure.getpeercert(True)


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(pathlib.Path(certificate).read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n")


def s_client(tlsd, *arguments, input=b""):
    """What openssl s_client prints."""
    return s_client_answer(tlsd, *arguments, input=input)[0]


def s_client_answer(tlsd, *arguments, input=b""):
    """openssl s_client against a listener of the test that hands its one connection over: what it prints, tlsd's answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = subprocess.Popen(["openssl", "s_client", "-ign_eof", "-connect", "127.0.0.1:%d" % server.getsockname()[1],
                                   *arguments],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        connection, _ = server.accept()
        with connection:
            question = Question(tlsd, connection)
        answer, plain = question.answer()
        if plain:
            plain.sendall(b"greeting of the front\n")
            plain.close()
        return client.communicate(input, timeout=20)[0].decode("utf-8", "replace"), answer


def version_context(version):
    context = client_context()
    context.minimum_version = context.maximum_version = version
    return context


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
