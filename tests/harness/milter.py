"""A milter and a policy server that do what a test says, byte by byte: what no library would do too."""
import collections
import os
import socket
import struct
import time

from .listener import Accepting

CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SKIP, PROGRESS = b"c", b"a", b"r", b"t", b"d", b"s", b"p"
# Steps of the protocol that a milter does not want (NO) or does not answer (SILENT).
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADER, NO_EOH, NO_UNKNOWN, NO_DATA = 1, 2, 4, 8, 16, 32, 64, 256, 512
CAN_SKIP, LEADING_SPACE = 0x400, 0x100000
SILENT = 0x80 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000 | 0x40000 | 0x80000
SILENT_BY = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "N": 0x40000, "B": 0x80000}

Event = collections.namedtuple("Event", "command data macros")


def reply_code(text):
    return b"y" + text.encode() + b"\0"


def field(kind, name, value, index=None):
    """addheader (h), insheader (i), chgheader (m)."""
    number = b"" if index is None else struct.pack("!I", index)
    return kind.encode() + number + name.encode() + b"\0" + value.encode() + b"\0"


def text(kind, *texts):
    return kind.encode() + b"".join(t.encode() + b"\0" for t in texts)


class Server:
    """Accepts connections, each served by serve() in a thread of its own."""

    def __init__(self, unix=None):
        if unix is None:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.name = f"inet:127.0.0.1:{self.listener.getsockname()[1]}"
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(unix))
            os.chmod(unix, 0o666)
            self.listener.listen(10)
            self.name = f"unix:{unix}"
        self.connections = []
        self.accepting = Accepting(self.listener, self.guard)

    def guard(self, connection, _):
        self.connections.append(connection)
        try:
            self.serve(connection)
        except (OSError, EOFError):
            pass
        finally:
            connection.close()

    def close(self):
        self.accepting.end()
        for connection in self.connections:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Milter(Server):
    """
    `answers` maps a command's letter to packets to send: bytes, or a list of them; True after it hangs, None closes.
    What is not there is answered "continue".
    """

    def __init__(self, answers=None, may=0x1ff, protocol=0, version=6, lists=b"", options=None, **keywords):
        self.answers, self.protocol, self.events = answers or {}, protocol, []
        self.options = options or b"O" + struct.pack("!III", version, may, protocol) + lists
        super().__init__(**keywords)

    def serve(self, connection):
        stream = connection.makefile("rb")
        macros = {}
        while True:
            head = stream.read(4)
            if len(head) < 4:
                self.events.append(Event("end", b"", {}))
                return
            packet = stream.read(struct.unpack("!I", head)[0])
            command, data = chr(packet[0]), packet[1:]
            if command == "D":
                parts = data[1:].split(b"\0")
                macros = {k.decode(): v.decode() for k, v in zip(parts[0::2], parts[1::2])}
                continue
            self.events.append(Event(command, data, macros))
            macros = {}
            if not self.answer(connection, command):
                return

    def answer(self, connection, command):
        if command == "O":
            return self.send(connection, self.options)
        if command in "AQK" or (self.protocol & SILENT_BY.get(command, 0) and command not in self.answers):
            return True
        answer = self.answers.get(command, CONTINUE)
        for packet in answer if isinstance(answer, list) else [answer]:
            if not self.send(connection, packet):
                return False
        return True

    @staticmethod
    def send(connection, packet):
        if packet is None:
            return False
        if packet is True:
            time.sleep(60)
            return False
        if isinstance(packet, tuple):  # raw bytes, without a length of ours
            connection.sendall(packet[0])
        else:
            connection.sendall(struct.pack("!I", len(packet)) + packet)
        return True

    def commands(self):
        """Letters of what came, without repetitions of one letter."""
        letters = [event.command for event in self.events if event.command != "end"]
        return "".join(a for i, a in enumerate(letters) if i == 0 or letters[i - 1] != a)

    def seen(self, command):
        return [event for event in self.events if event.command == command]

    def header(self):
        return [tuple(event.data.split(b"\0")[:2]) for event in self.seen("L")]

    def body(self):
        return b"".join(event.data for event in self.seen("B"))


class Policy(Server):
    """`answer` is the action, or a function of the attributes; bytes are sent as they are, None closes, True hangs."""

    def __init__(self, answer="DUNNO", **keywords):
        self.answer, self.requests = answer, []
        super().__init__(**keywords)

    def serve(self, connection):
        stream = connection.makefile("rb")
        attributes = {}
        for line in stream:
            line = line.rstrip(b"\n").decode()
            if line:
                key, _, value = line.partition("=")
                attributes[key] = value
                continue
            self.requests.append(attributes)
            answer = self.answer(attributes) if callable(self.answer) else self.answer
            attributes = {}
            if answer is None:
                return
            if answer is True:
                time.sleep(60)
                return
            connection.sendall(answer if isinstance(answer, bytes) else f"action={answer}\n\n".encode())
