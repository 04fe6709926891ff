"""Promise 7: no process of postern-tlsd that reads the network holds the private key. The memory of each is searched for
the numbers that make the key; they are found in the key process, so the search can find them."""
import pytest

from harness.memory import SECRET, found, secret_numbers
from harness.tls import TLS12, TLS13, Tlsd, version_context

@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_only_the_key_process_holds_the_key(kind):
    with Tlsd(kind) as tlsd:
        numbers = secret_numbers(tlsd.key, kind)
        pem = tlsd.key.read_bytes().splitlines()[2]
        text = {"a line of the file": pem, **numbers}
        waiting, question = tlsd.hand_over()
        sessions = [tlsd.session(version_context(version)) for version in (TLS12, TLS13)]
        for secure, plain, _ in sessions:
            secure.sendall(b"x")
            assert plain.recv(1) == b"x"
        children = tlsd.children()
        assert len(children) == 3
        for pid in [tlsd.process.pid, *children]:
            assert found(pid, text) == [], f"process {pid}"
        assert set(SECRET[kind][:1]) <= set(found(tlsd.key_process(), numbers))
        waiting.close(), question.peer.socket.close()
        for secure, plain, _ in sessions:
            secure.close(), plain.close()


def test_the_search_finds_what_is_there():
    """A secret of a session is in its child and not in another's."""
    with Tlsd("ecdsa") as tlsd:
        canary = {"canary": b"canary-of-session-one-0123456789"}
        one, one_plain, _ = tlsd.session()
        two, two_plain, _ = tlsd.session()
        one.sendall(canary["canary"])
        assert one_plain.recv(100) == canary["canary"]
        assert [bool(found(pid, canary)) for pid in tlsd.children()] == [True, False]
        assert not found(tlsd.process.pid, canary) and not found(tlsd.key_process(), canary)
        for s in (one, one_plain, two, two_plain):
            s.close()

