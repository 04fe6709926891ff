"""The search of a process's memory for a secret (promise 7)."""
import pathlib
import re
import subprocess

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


def found(pid, needles, least=1 << 20):
    """Which of the numbers are there: as in DER and as OpenSSL's words lie in memory (the lowest byte first)."""
    areas = list(memory(pid))
    assert sum(map(len, areas)) > least, "the search saw too little"
    return sorted(name for name, number in needles.items()
                  if any(number in area or number[::-1] in area for area in areas))
