"""Promise 7: no process of postern-tlsd that reads the network holds the private key. The memory of each is searched for
the numbers that make the key; they are found in the key process, so the search can find them."""
import pathlib
import re
import subprocess

import pytest

from harness.tls import TLS12, TLS13, Tlsd, version_context

LARGEST = 1 << 30  # AddressSanitizer maps terabytes of shadow; nothing else is as large (RLIMIT_AS)
SECRET = {"rsa": ["privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"], "ecdsa": ["priv"]}


def secret_numbers(key, kind):
    """The numbers of the private half as big-endian bytes, read by openssl from the file."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], check=True, capture_output=True, text=True).stdout
    numbers = {}
    for name in SECRET[kind]:
        digits = re.search(rf"^{name}:\s*((?:[0-9a-f]{{2}}:?\s*)+)", text, re.M).group(1)
        numbers[name] = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits)).lstrip(b"\0")
        assert len(numbers[name]) >= 30
    return numbers


def memory(pid):
    """All that can be read of a process's memory."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            first, last = (int(x, 16) for x in line.split()[0].split("-"))
            if not line.split()[1].startswith("r") or last - first > LARGEST:
                continue
            try:
                mem.seek(first)
                yield mem.read(last - first)
            except (OSError, OverflowError, ValueError):  # [vvar], [vsyscall]
                continue


def found(pid, needles):
    """Which of the numbers are there: as in DER and as OpenSSL's words lie in memory (the lowest byte first)."""
    areas = list(memory(pid))
    assert sum(map(len, areas)) > 1 << 20
    return sorted(name for name, number in needles.items()
                  if any(number in area or number[::-1] in area for area in areas))


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

