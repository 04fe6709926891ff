"""An SMTP server of the tests: takes messages, remembers them, answers as it is told."""
import base64
import contextlib
import os
import pathlib
import socket
import ssl

from .listener import Accepting
from .wait import wait_for


class Message:
    def __init__(self, sender, recipients, data, peer, tls=None, session=0, user=None):
        self.sender, self.recipients, self.data, self.peer = sender, recipients, data, peer
        self.tls = tls  # "TLSv1.3", or None
        self.session, self.user = session, user  # the number of the connection, and who has logged in on it

    def __repr__(self):
        return f"<from {self.sender} to {self.recipients}, {len(self.data)} bytes>"


class Sink:
    """
    `answers` maps a verb ("MAIL", "RCPT", "DATA", "END" after the message, "GREETING", "EHLO") to a reply without
    line end, or to a function of the line that gives one (None: the usual). A reply of "" closes the connection.
    With `certificate` (paths of certificate and key) it offers STARTTLS, with `implicit` it speaks TLS at once;
    `extensions_within` are what it offers then, and `names` collects the SNI. `logins` collects what AUTH said, each
    (mechanism, user, password). With `lmtp` it speaks that, and "END" is asked once for each recipient; `path` is then
    a Unix socket. `sessions` counts connections, `raw` collects the bytes of each message as they came.
    """

    def __init__(self, host="127.0.0.1", port=0, answers=None, extensions=("PIPELINING", "8BITMIME", "SIZE 50000000"), lmtp=False,
                 path=None):
        self.answers = dict(answers or {})
        self.extensions = extensions
        self.certificate, self.implicit, self.extensions_within = None, False, None
        self.names = []
        self.messages = []
        self.commands = []
        self.raw = []
        self.logins = []
        self.sessions = 0
        self.open = []
        self.lmtp = lmtp
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, port), family=family, backlog=128) if path is None else unix_server(path)
        self.host, self.port = (path, 0) if path is not None else self.socket.getsockname()[:2]
        self.accepting = Accepting(self.socket, self.serve)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.accepting.end()

    def end_sessions(self):
        """All connections that are open: closed."""
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def say_to_all(self, text):
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.sendall(text)

    def wait(self, count, seconds=20):
        return wait_for(lambda: f"{count} messages in the sink, it has {self.messages}", seconds,
                        lambda: self.messages if len(self.messages) >= count else None)

    def serve(self, connection, peer):
        connection.settimeout(60)
        self.open.append(connection)
        try:
            with connection:
                Session(self, connection, peer[0] if peer else "").run()
        except (OSError, ValueError, EOFError):
            pass


class Session:
    def __init__(self, sink, connection, peer):
        self.sink, self.connection, self.peer = sink, connection, peer
        self.stream = connection.makefile("rwb")
        self.certificate = sink.certificate
        self.tls = None
        self.sender, self.recipients, self.pieces = None, [], b""
        self.user = None
        sink.sessions += 1
        self.number = sink.sessions

    def secure(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        context.sni_callback = lambda _, name, __: self.sink.names.append(name)
        self.connection = context.wrap_socket(self.connection.dup(), server_side=True)
        self.connection.settimeout(60)
        self.stream = self.connection.makefile("rwb")
        self.tls = self.connection.version()

    def decide(self, verb, line, usual):
        answer = self.sink.answers.get(verb)
        if callable(answer):
            answer = answer(line)
        if answer is None:
            answer = usual
        if answer == "":
            raise EOFError
        return answer

    def write(self, answer):
        self.stream.write(answer.encode() + b"\r\n")
        self.stream.flush()
        return answer.startswith(("2", "3"))

    def say(self, verb, line, usual):
        return self.write(self.decide(verb, line, usual))

    def run(self):
        if self.sink.implicit:
            self.secure()
        if not self.say("GREETING", "", "220 sink.test ESMTP"):
            return
        while True:
            raw = self.stream.readline()
            if not raw:
                return
            line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.sink.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            if verb == "QUIT":
                self.say(verb, line, "221 bye")
                return
            self.command(verb, line)

    def extensions(self):
        if self.tls:
            within = self.sink.extensions_within
            return self.sink.extensions if within is None else within
        return [*self.sink.extensions, "STARTTLS"] if self.certificate else self.sink.extensions

    def starttls(self, line):
        if self.say("STARTTLS", line, "220 go on"):
            self.secure()

    def ask(self, question):
        self.stream.write(b"334 " + base64.b64encode(question) + b"\r\n")
        self.stream.flush()
        return base64.b64decode(self.stream.readline())

    def auth(self, line):
        _, mechanism, *initial = line.split(" ")
        if mechanism == "PLAIN":
            _, user, password = (base64.b64decode(initial[0]) if initial else self.ask(b"")).split(b"\0")
        else:
            user, password = self.ask(b"Username:"), self.ask(b"Password:")
        self.sink.logins.append((mechanism, user.decode(), password.decode()))
        if self.say("AUTH", line, "235 2.7.0 welcome"):
            self.user = user.decode()

    def bdat(self, line):
        words = line.split()
        self.pieces += self.stream.read(int(words[1]))
        if words[-1].upper() == "LAST":
            self.end(line, self.pieces)
        else:
            self.say("BDAT", line, "250 more")

    def command(self, verb, line):
        if verb in ("EHLO", "LHLO"):
            words = ["sink.test", *self.extensions()]
            usual = "\r\n".join(f"250{'-' if i + 1 < len(words) else ' '}{word}" for i, word in enumerate(words))
            self.say("EHLO", line, usual)
        elif verb == "MAIL":
            if self.say(verb, line, "250 ok"):
                self.sender, self.recipients = address(line), []
        elif verb == "RCPT":
            if self.say(verb, line, "250 ok"):
                self.recipients.append(address(line))
        elif verb == "DATA":
            self.data(line)
        elif verb == "BDAT":
            self.bdat(line)
        elif verb == "STARTTLS" and self.certificate and not self.tls:
            self.starttls(line)
        elif verb == "AUTH":
            self.auth(line)
        elif verb == "RSET":
            self.sender, self.recipients, self.pieces = None, [], b""
            self.say(verb, line, "250 ok")
        elif verb in ("HELO", "NOOP"):
            self.say(verb, line, "250 ok")
        else:
            self.say(verb, line, "502 not here")

    def data(self, line):
        if not self.recipients:
            self.say("DATA", line, "503 no recipients")
            return
        if not self.say("DATA", line, "354 go on"):
            return
        lines, whole = [], []
        while True:
            raw = self.stream.readline()
            if not raw:
                return
            if raw == b".\r\n":
                break
            whole.append(raw)
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        self.sink.raw.append(b"".join(whole))
        self.end(line, b"".join(lines))

    def end(self, line, data):
        message = Message(self.sender, self.recipients, data, self.peer, self.tls, self.number, self.user)
        self.sender, self.recipients, self.pieces = None, [], b""
        if self.sink.lmtp:
            message.recipients = [r for r in message.recipients if self.say("END", r, "250 taken")]
            if message.recipients:
                self.sink.messages.append(message)
            return
        answer = self.decide("END", line, "250 taken" if message.recipients else "503 no recipients")
        # Before the client hears of it, and removes it from its queue, and a test looks whether it is here.
        if answer.startswith("2") and message.recipients:
            self.sink.messages.append(message)
        self.write(answer)


def address(line):
    return line[line.index("<") + 1:line.rindex(">")]


def unix_server(path):
    """Where anybody may connect."""
    pathlib.Path(path).unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    os.chmod(path, 0o666)
    server.listen(128)
    return server
