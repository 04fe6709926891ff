"""An IMAP client that costs as little as Python can: it counts what comes and looks at the last line alone."""
import socket
import ssl


class Client:
    def __init__(self, port, user, password, encrypted=False):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if encrypted:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.buffer, self.number = bytearray(1 << 18), 0
        self.socket.recv_into(self.buffer)  # the greeting
        if user:
            self.command(f'LOGIN {user} "{password}"')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def command(self, text, literal=b""):
        """Sends it, and a literal behind it as LITERAL+ does; waits for its OK. The number of bytes that came."""
        self.number += 1
        tag = b"a%d " % self.number
        line = tag + text.encode() + (b" {%d+}\r\n" % len(literal) + literal if literal else b"") + b"\r\n"
        self.socket.sendall(line)
        return self.read_to(tag)

    def read_to(self, tag):
        count, last, view = 0, b"", memoryview(self.buffer)
        while True:
            got = self.socket.recv_into(view)
            if got == 0:
                raise ConnectionError("the server has closed the connection")
            count += got
            last = (last + bytes(view[max(0, got - 4096):got]))[-4096:]
            if last.endswith(b"\r\n"):
                end = last.rfind(b"\r\n", 0, -2)
                line = last[end + 2 if end >= 0 else 0:]
                if line.startswith(tag):
                    assert line.startswith(tag + b"OK"), line
                    self.last = last
                    return count

    def send(self, line):
        self.socket.sendall(line)

    def wait_for(self, text):
        """Reads until it is there."""
        seen = b""
        while text not in seen:
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the server has closed the connection")
            seen += got
