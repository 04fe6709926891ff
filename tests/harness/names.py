"""A name server of the tests, with DNSSEC's verdict as a trusted resolver gives it."""
import contextlib
import socket
import struct
import threading

from .listener import Accepting

A, CNAME, MX, TXT, AAAA, TLSA = 1, 5, 15, 16, 28, 52
LOOPBACK = socket.inet_aton("127.0.0.1")


class Names:
    """
    `records`: (name, type) -> list of values, or "servfail"; a missing name does not exist. Names in `authentic` (and all
    beneath them) are answered with AD. An alias (CNAME) is followed as a resolver does. An answer of more than 512 bytes is cut over
    UDP and whole over TCP. `twist(answer, name, kind, tcp)`, if set, gives the packets that are sent instead of the answer.
    """

    def __init__(self, records, authentic=(), at=("127.0.0.1", 0)):
        self.records, self.authentic = records, set(authentic)
        self.asked, self.asked_by_tcp = [], []
        self.twist = None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(at)
        host, self.port = self.socket.getsockname()
        self.address = f"{host}:{self.port}"
        self.stream = socket.create_server((host, self.port))
        self.accepting = Accepting(self.stream, self.serve_stream)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        """Nobody answers any more."""
        self.accepting.end()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(1500)
            except OSError:
                return
            if not query:
                return
            name, kind, query = question(query)
            self.asked.append((name, kind))
            answer = self.answer(query, name, kind)
            packets = self.twist(answer, name, kind, False) if self.twist else None
            if packets is None:
                packets = [answer if len(answer) <= 512 else answer[:2] + bytes([answer[2] | 2]) + answer[3:6] + bytes(6) + query[12:]]
            for packet in packets:
                self.socket.sendto(packet, peer)

    def serve_stream(self, connection, _):
        with connection, contextlib.suppress(OSError, struct.error, IndexError):
            connection.settimeout(30)
            stream = connection.makefile("rwb")
            length, = struct.unpack("!H", stream.read(2))
            name, kind, query = question(stream.read(length))
            self.asked_by_tcp.append((name, kind))
            answer = self.answer(query, name, kind)
            packets = self.twist(answer, name, kind, True) if self.twist else None
            for packet in [answer] if packets is None else packets:
                stream.write(struct.pack("!H", len(packet)) + packet)
            stream.flush()

    def is_authentic(self, name):
        labels = name.split(".")
        return any(".".join(labels[i:]) in self.authentic for i in range(len(labels)))

    def answer(self, query, name, kind):
        found, authentic = [], self.is_authentic(name)
        values = self.records.get((name, kind), [])
        while kind != CNAME and not values and (name, CNAME) in self.records:
            target = self.records[name, CNAME][0]
            found.append((name, CNAME, encode(target)))
            name = target
            authentic = authentic and self.is_authentic(name)
            values = self.records.get((name, kind), [])
        known = any(key[0] == name for key in self.records)
        if values == "servfail":
            return query[:2] + b"\x81\x82" + query[4:]
        found += [(name, kind, encode(value) if kind == CNAME else value) for value in values]
        flags = (0x80 if known else 0x83) | (0x20 if authentic else 0)
        head = query[:2] + b"\x81" + bytes([flags]) + b"\0\1" + struct.pack("!H", len(found)) + b"\0\0\0\0"
        return head + query[12:] + b"".join(
            encode(owner) + struct.pack("!HHIH", of, 1, 60, len(value)) + value for owner, of, value in found)


def question(query):
    """(name, type, the query without what stands behind the question)"""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0], query[:at + 5]


def txt(*strings):
    return b"".join(bytes([len(s)]) + s.encode() for s in strings)


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def mx(preference, host):
    return struct.pack("!H", preference) + encode(host)
