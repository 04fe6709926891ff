"""Promise 7: no process of postern-tlsd that reads the network holds the private key. The memory of each is searched for
the numbers that make the key; they are found in the key process, so the search can find them."""
import pytest

from harness import wait_for, without_sanitizers
from harness.authority import Authority, openssl
from harness.memory import SECRET, found, secret_numbers
from harness.tls import TLS12, TLS13, Tlsd, der, shown, version_context


@without_sanitizers("their shadow memory takes minutes to read")
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
        host, outgoing, _ = tlsd.reach_out()
        children = tlsd.children()
        assert len(children) == 4
        for pid in [tlsd.process.pid, *children]:
            assert found(pid, text) == [], f"process {pid}"
        assert set(SECRET[kind][:1]) <= set(found(tlsd.key_process(), numbers))
        waiting.close(), question.peer.socket.close(), host.close(), outgoing.peer.socket.close()
        for secure, plain, _ in sessions:
            secure.close(), plain.close()


@without_sanitizers("their shadow memory takes minutes to read")
def test_of_many_keys_none_is_where_the_network_is():
    """Several pairs of both kinds, before and after a renewal: neither the numbers, nor the files as PEM or DER, nor a part of
    them are in the acceptor or in a child of any of the names, during its handshake or after."""
    tlsd = Tlsd("rsa")
    authority = Authority(tlsd.directory, "authority")
    keys = {"default": (tlsd.key, "rsa")}
    for number in range(4):
        kind = ("rsa", "ecdsa")[number % 2]
        certificate, key = authority.issue("/CN=x", f"subjectAltName=DNS:n{number}.test", kind={"ecdsa": "ec"}.get(kind, kind))
        tlsd.add(f"n{number}", certificate, key)
        keys[f"n{number}"] = (key, kind)
    needles = {f"{name} {what}": number for name, (key, kind) in keys.items() for what, number in traces(key, kind).items()}
    with tlsd:
        certificate, key = authority.issue("/CN=x", "subjectAltName=DNS:n0.test", kind="rsa")
        tlsd.add("n0", certificate, key)
        wait_for("the renewal", 10, lambda: shown(tlsd, "n0.test") == der(certificate))
        tlsd.wait_children(0)  # those that showed it
        needles |= {f"renewed {what}": number for what, number in traces(key, "rsa").items()}
        waiting, question = tlsd.hand_over()
        sessions = [tlsd.session(version_context(TLS12), name=f"n{number}.test") for number in range(4)]
        tlsd.wait_children(5)
        for pid in [tlsd.process.pid, *tlsd.children()]:
            assert found(pid, needles) == [], f"process {pid}"
        in_keys = found(tlsd.key_process(), needles)
        assert {"default privateExponent", "n0 privateExponent", "n1 priv", "n2 privateExponent", "n3 priv",
                "renewed privateExponent"} <= set(in_keys)
        waiting.close(), question.peer.socket.close()
        for secure, plain, _ in sessions:
            secure.close(), plain.close()


def traces(key, kind):
    """The numbers, and the file: the middle of its DER, which holds nothing of the public half, and a line of its PEM."""
    numbers = secret_numbers(key, kind)
    private = numbers[SECRET[kind][0]]
    encoded = openssl("pkey", "-in", key, "-outform", "DER")
    at = encoded.index(private)
    return {**numbers, "DER": encoded[at - 4:at + len(private)], "PEM": key.read_bytes().splitlines()[2 if kind == "rsa" else 1]}


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

