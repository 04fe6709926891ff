"""Raw dialogues: bytes as they are on the wire, so that a test can say what no client would."""
import base64
import socket
import ssl

TIMEOUT = 20


def client_context():
    """TLS that checks no certificate: the tests' certificates are self-signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def to_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


class Dialogue:
    """A connection with line-wise reading. Closed by `with` or close()."""

    def __init__(self, port, host="127.0.0.1", tls=False, timeout=TIMEOUT, source=None):
        self.socket = socket.create_connection((host, port), timeout, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if tls:
            self.begin_tls()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def begin_tls(self, context=None, name="mail.example.test"):
        self.socket = (context or client_context()).wrap_socket(self.socket, server_hostname=name)

    def send(self, data):
        """Sends exactly these bytes: no line end is added."""
        self.socket.sendall(to_bytes(data))

    def receive(self):
        """What comes next, at least a byte; b"" at the end. A reset counts as the end."""
        try:
            return self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            return b""

    def line(self):
        """The next line without its line end; None when the other side has closed."""
        while b"\n" not in self.buffer:
            data = self.receive()
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def bytes(self, count):
        """So many; pieces are joined once, as a literal may be of megabytes."""
        pieces, here = [self.buffer], len(self.buffer)
        while here < count:
            data = self.receive()
            if not data:
                raise EOFError("closed in the middle of a literal")
            pieces.append(data)
            here += len(data)
        whole = b"".join(pieces)
        self.buffer = whole[count:]
        return whole[:count]

    def rest(self):
        """Everything until the other side closes."""
        while True:
            data = self.receive()
            if not data:
                rest, self.buffer = self.buffer, b""
                return rest
            self.buffer += data


class Smtp(Dialogue):
    """SMTP. A reply is (code, [text of each line])."""

    def __init__(self, port, greet=True, **keywords):
        super().__init__(port, **keywords)
        self.greeting = self.reply() if greet else None

    def reply(self):
        texts = []
        while True:
            line = self.line()
            if line is None:
                raise EOFError(f"closed instead of a reply, after {texts}")
            assert len(line) >= 3 and line[:3].isdigit() and line[3:4] in ("", " ", "-"), f"not an SMTP reply: {line!r}"
            texts.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), texts

    def command(self, line):
        self.send(to_bytes(line) + b"\r\n")
        return self.reply()

    def ehlo(self, name="client.test"):
        code, texts = self.command("EHLO " + name)
        assert code == 250, texts
        return texts[1:]

    def starttls(self):
        code, texts = self.command("STARTTLS")
        assert code == 220, (code, texts)
        self.begin_tls()
        return self.ehlo()

    def login(self, user, password):
        blob = base64.b64encode(b"\0" + to_bytes(user) + b"\0" + to_bytes(password)).decode()
        return self.command("AUTH PLAIN " + blob)

    def message(self, sender, recipients, text):
        """One transaction with dot-stuffing; all must be accepted. Returns the text of the final 250."""
        code, texts = self.command(f"MAIL FROM:<{sender}>")
        assert code == 250, (code, texts)
        for recipient in recipients:
            code, texts = self.command(f"RCPT TO:<{recipient}>")
            assert code == 250, (recipient, code, texts)
        code, texts = self.data(text)
        assert code == 250, (code, texts)
        return texts[0]

    def data(self, text):
        code, texts = self.command("DATA")
        if code != 354:
            return code, texts
        self.send(stuffed(text))
        return self.reply()


def stuffed(text):
    """A message as DATA takes it: CRLF line ends, dots doubled, the final dot."""
    lines = to_bytes(text).replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


class Imap(Dialogue):
    """IMAP. command() returns (status, [untagged lines]); a literal stands in its line as {count}CRLF and bytes."""

    def __init__(self, port, greet=True, **keywords):
        super().__init__(port, **keywords)
        self.count = 0
        self.greeting = self.response() if greet else None

    def response(self):
        """One response: a line with its literals, as bytes; None at the end."""
        whole = b""
        while True:
            line = self.line()
            if line is None:
                return None
            raw = to_bytes(line)
            whole += raw
            start = raw.rfind(b"{")
            if not raw.endswith(b"}") or start < 0 or not raw[start + 1:-1].isdigit():
                return whole
            whole += b"\r\n" + self.bytes(int(raw[start + 1:-1]))

    def command(self, text):
        """Sends one command; {count} literals are sent after the server's +."""
        self.count += 1
        tag = b"a%d" % self.count
        pieces = text if isinstance(text, (list, tuple)) else [text]
        self.send(tag + b" " + to_bytes(pieces[0]) + b"\r\n")
        for piece in pieces[1:]:
            answer = self.response()
            if answer is None or not answer.startswith(b"+"):
                return self.finish(tag, answer, [])
            self.send(to_bytes(piece))
        return self.finish(tag, self.response(), [])

    def finish(self, tag, response, untagged):
        while response is not None:
            if response.startswith(tag + b" "):
                self.text = response[len(tag) + 1:].decode("utf-8", "surrogateescape")
                return self.text.split(" ", 1)[0], untagged
            untagged.append(response)
            response = self.response()
        raise EOFError(f"closed instead of an answer, after {untagged}")

    def login(self, user, password):
        return self.command([f"LOGIN {{{len(to_bytes(user))}}}", to_bytes(user) + b' "' + to_bytes(password) + b'"\r\n'])

    def starttls(self):
        status, _ = self.command("STARTTLS")
        assert status == "OK", self.text
        self.begin_tls()


class Pop3(Dialogue):
    """POP3. command() returns the first line; many() that and the lines up to the dot."""

    def __init__(self, port, greet=True, **keywords):
        super().__init__(port, **keywords)
        self.greeting = self.line() if greet else None

    def command(self, text):
        self.send(to_bytes(text) + b"\r\n")
        line = self.line()
        if line is None:
            raise EOFError("closed instead of an answer")
        return line

    def many(self, text):
        first = self.command(text)
        lines = []
        while first.startswith("+OK"):
            line = self.line()
            if line is None:
                raise EOFError("closed before the dot")
            if line == ".":
                break
            lines.append(line[1:] if line.startswith(".") else line)
        return first, lines

    def login(self, user, password):
        answer = self.command(f"USER {user}")
        return self.command(f"PASS {password}") if answer.startswith("+OK") else answer

    def starttls(self):
        answer = self.command("STLS")
        assert answer.startswith("+OK"), answer
        self.begin_tls()
