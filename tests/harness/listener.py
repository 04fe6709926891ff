"""The accept loop of the servers that tests run themselves."""
import contextlib
import socket
import threading


class Accepting:
    """
    In a thread of its own, serve(connection, address) in another for each connection, until end(). A listener that was only closed
    would leave its accept(2) waiting, which the kernel begins anew behind a signal, by the descriptor's number: that is the next
    listener's then, whose connection nobody would serve.
    """

    def __init__(self, listener, serve):
        self.listener, self.serve = listener, serve
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection, address), daemon=True).start()

    def end(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.listener.close()
