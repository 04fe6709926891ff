"""A name server of the tests, with DNSSEC's verdict as a trusted resolver gives it."""
import socket
import struct
import threading

A, CNAME, MX, AAAA, TLSA = 1, 5, 15, 28, 52
LOOPBACK = socket.inet_aton("127.0.0.1")


class Names:
    """
    `records`: (name, type) -> list of values, or "servfail"; a missing name does not exist. Names in `authentic` (and all
    beneath them) are answered with AD. An alias (CNAME) is followed as a resolver does.
    """

    def __init__(self, records, authentic=()):
        self.records, self.authentic = records, set(authentic)
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(1500)
            except OSError:
                return
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, kind = ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0]
            self.asked.append((name, kind))
            self.socket.sendto(self.answer(query[:at + 5], name, kind), peer)

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


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def mx(preference, host):
    return struct.pack("!H", preference) + encode(host)
