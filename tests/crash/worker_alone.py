"""A postern-deliver worker by itself: authd is a suite's, the mail root and the settings are its own, in memory, where a sync costs
nothing. It gets a few requests at once, as a group, and then the end of its socket."""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

MEMORY = "/dev/shm"


class Request:
    """A message to one recipient. `text` bears a subject of its own."""
    count = 0

    def __init__(self, address, size=300, text=None, folder=""):
        Request.count += 1
        self.mark = f"<{Request.count}.test>"
        self.address, self.folder = address, folder
        self.text = text or f"Message-ID: {self.mark}\nSubject: x\n\n".encode() + b"0123456789abcdef\n" * (size // 17)

    def copy(self, address, folder=""):
        """The same message to another."""
        other = Request(address, text=self.text, folder=folder)
        return other

    def fields(self, tag):
        return [b"deliver", tag, b"QUEUE", b"s@x.test", self.address.encode(), self.address.encode(), b"0"]


class Answer:
    def __init__(self, packet):
        _, self.tag, self.word, self.code, self.text = packet.decode().split("\0")[:5]

    def __repr__(self):
        return f"<{self.tag} {self.word} {self.code} {self.text}>"


class WorkerAlone:
    def __init__(self, suite, **settings):
        self.suite = suite
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-deliver-", dir=MEMORY))
        self.directory.chmod(0o755)
        self.mail_root, self.settings, self.log = (self.directory / name for name in ("vmail", "settings", "log"))
        self.mail_root.mkdir(mode=0o700)
        self.settings.mkdir()
        self.own(self.mail_root)
        for name, value in {"run_directory": suite.run, "mail_root": self.mail_root, "hostname": "mail.example.test", **settings}.items():
            (self.settings / name).write_text(f"{value}\n")

    @staticmethod
    def own(path):
        vmail = pwd.getpwnam("vmail")
        os.chown(path, vmail.pw_uid, vmail.pw_gid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def run(self, requests, before=("setpriv", "--reuid=vmail", "--regid=vmail", "--clear-groups")):
        """Its answers by tag, and its exit status. `before`: what starts it as vmail."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, open(self.log, "ab") as log:
            for number, request in enumerate(requests):
                with tempfile.TemporaryFile(dir=MEMORY) as file:
                    file.write(request.text)
                    file.flush()
                    socket.send_fds(ours, [b"\0".join(request.fields(b"%d" % number)) + b"\0"], [file.fileno()])
            ours.shutdown(socket.SHUT_WR)
            process = subprocess.Popen([*before, str(self.suite.libexec / "postern-deliver"), "--worker"], stdin=its, stdout=log, stderr=log,
                                       env={"PATH": "/usr/bin:/bin:/usr/sbin", "POSTERN_SETTINGS": str(self.settings)})
            its.close()
            ours.settimeout(60)
            answers = {}
            while packet := receive(ours):
                answer = Answer(packet)
                answers[int(answer.tag)] = answer
            return answers, process.wait(60)

    def visible(self):
        """(path beneath the mail root, content) of all that a program which reads Maildirs sees."""
        found = []
        for directory, _, names in os.walk(self.mail_root):
            if os.path.basename(directory) in ("new", "cur"):
                found += [(os.path.relpath(os.path.join(directory, name), self.mail_root), os.path.join(directory, name)) for name in names]
        return [(path, pathlib.Path(place).read_bytes()) for path, place in found]

    def left(self):
        """Files in any tmp/."""
        return [os.path.join(d, name) for d, _, names in os.walk(self.mail_root) if os.path.basename(d) == "tmp" for name in names]

    def forget(self, directories=True):
        """Removes all mail, and the Maildirs if that is wanted."""
        if directories:
            for path in self.mail_root.iterdir():
                shutil.rmtree(path)
            return
        for directory, _, names in os.walk(self.mail_root):
            for name in names if os.path.basename(directory) in ("new", "cur", "tmp") else []:
                os.unlink(os.path.join(directory, name))


def receive(connection):
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def place_of(request):
    """The directory of its mailbox's folder beneath the mail root."""
    local, domain = request.address.split("@")
    return f"{domain}/{local.split('+')[0]}/" + (f".{request.folder}/" if request.folder else "")


def whole(path, content):
    """The message as it was delivered, without what was put in front; half of it is a failure."""
    size = int(path.split(",S=")[1].split(",")[0])
    assert len(content) == size, f"half a message is visible: {path} has {len(content)} bytes"
    assert content.startswith(b"Return-Path: <s@x.test>\n"), path
    return content[content.index(b"Message-ID:"):]


def copies(request, seen):
    """How many of it are visible where it belongs; `seen`: of visible(), taken apart by whole()."""
    return sum(text == request.text and path.startswith((place_of(request) + "new/", place_of(request) + "cur/")) for path, text in seen)
