"""An HTTPS server of the tests at port 443 of a loopback address of its own."""
import os
import socket
import ssl

from .listener import Accepting


class Https:
    """
    `pages`: (host, path) -> what is sent, as bytes with status line and header, or a function of the connection that sends it.
    `asked` collects (host, path), or (None, why) for a handshake that failed; `certificate` is a pair of paths.
    """

    def __init__(self, certificate):
        self.certificate = certificate
        self.pages, self.asked, self.requests = {}, [], []
        pid = os.getpid()
        self.address = f"127.{1 + (pid >> 8) % 250}.{pid % 256}.44"
        self.socket = socket.create_server((self.address, 443), backlog=64)
        self.accepting = Accepting(self.socket, self.serve)

    def close(self):
        self.accepting.end()

    def serve(self, connection, _):
        with connection:
            connection.settimeout(30)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            try:
                self.answer(context.wrap_socket(connection, server_side=True))
            except OSError as error:
                self.asked.append((None, str(error)))

    def answer(self, stream):
        request = b""
        while b"\r\n\r\n" not in request:
            more = stream.recv(4096)
            if not more:
                return
            request += more
        self.requests.append(request)
        path = request.split(b" ")[1].decode()
        host = next(line[5:].strip().decode() for line in request.split(b"\r\n") if line.lower().startswith(b"host:"))
        self.asked.append((host, path))
        page = self.pages.get((host, path), response(b"nothing here", "404 Not Found"))
        if callable(page):
            page(stream)
        else:
            stream.sendall(page)
        stream.unwrap()


def response(body, status="200 OK", kind="text/plain", header=""):
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{header}\r\n".encode() + body
