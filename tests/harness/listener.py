"""The accept loop of the servers that tests run themselves."""
import threading


def accept_each(listener, serve):
    """In a thread of its own, serve(connection, address) in another for each connection, until the listener is closed."""
    def accept():
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection, address), daemon=True).start()
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    return thread
