"""A certificate authority of the test's own, and what it would never sign: a certificate may be changed before the signature."""
import hashlib
import re
import subprocess

KEYS = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "ed25519": ["-newkey", "ed25519"]}

GENERATE = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}


def openssl(*arguments, **keywords):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **keywords).stdout


def tlsa_data(selector, matching, certificate):
    """What a TLSA record says of this certificate (RFC 6698 section 2.1)."""
    whole = openssl("x509", "-in", certificate, "-outform", "DER")
    if selector:
        public = openssl("x509", "-in", certificate, "-noout", "-pubkey")
        whole = openssl("pkey", "-pubin", "-outform", "DER", input=public)
    return {0: whole, 1: hashlib.sha256(whole).digest(), 2: hashlib.sha512(whole).digest()}[matching]


class Authority:
    """`certificate` and `key` are the paths of its files in `directory`. With `above` that authority signs its certificate."""

    def __init__(self, directory, name, above=None, kind="ec"):
        self.directory, self.name = directory, name
        self.certificate, self.key = directory / f"{name}.ca.pem", directory / f"{name}.ca.key"
        self.issued = 0
        openssl("req", "-x509", *KEYS[kind], "-nodes", "-days", "300", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)
        if above:
            above.sign(self.key, self.certificate, f"/CN={name}", ["basicConstraints=critical,CA:TRUE"])

    def sign(self, key, certificate, subject, extensions, change=None):
        """A certificate for this key. change(bytes) -> bytes of the same length is what is signed instead."""
        request, settings = certificate.with_suffix(".req"), certificate.with_suffix(".cnf")
        openssl("req", "-new", "-utf8", "-key", key, "-subj", subject, "-multivalue-rdn", "-out", request)
        settings.write_text("\n".join(extensions))
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "300",
                "-extfile", settings, "-out", certificate)
        if change:
            self.sign_again(certificate, change)

    def sign_again(self, certificate, change):
        """SEQUENCE { what is signed, algorithm, BIT STRING }: RFC 5280 section 4.1."""
        whole = openssl("x509", "-in", certificate, "-outform", "DER")
        content = whole[len(head(whole)):]
        signed = content[:element_length(content)]
        algorithm = content[len(signed):][:element_length(content[len(signed):])]
        changed = change(signed)
        assert changed != signed and len(changed) == len(signed)
        signature = openssl("dgst", "-sha256", "-sign", self.key, input=changed)
        whole = element(0x30, changed + algorithm + element(0x03, b"\0" + signature))
        certificate.write_bytes(openssl("x509", "-inform", "DER", input=whole))

    def issue(self, subject="/CN=somebody", *extensions, change=None, kind="ec"):
        """The paths of a new pair; the extensions are lines such as "subjectAltName=email:a@b.test"."""
        self.issued += 1
        certificate = self.directory / f"{self.name}.{self.issued}.pem"
        key = self.directory / f"{self.name}.{self.issued}.key"
        openssl("genpkey", *GENERATE[kind], "-out", key)
        self.sign(key, certificate, subject, list(extensions), change)
        return certificate, key

    def revocations(self, *certificates):
        """A list of revocations (CRL) in PEM with these on it."""
        index, settings = self.directory / f"{self.name}.index", self.directory / f"{self.name}.crl.cnf"
        index.write_text("")
        settings.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={index}\ndefault_md=sha256\ndefault_crl_days=30\n")
        by = ["-config", settings, "-keyfile", self.key, "-cert", self.certificate]
        for certificate in certificates:
            openssl("ca", *by, "-revoke", certificate)
        return openssl("ca", *by, "-gencrl").decode()


def head(data):
    """Tag and length of the element that begins here."""
    return data[:2 + (data[1] & 0x7f if data[1] & 0x80 else 0)]


def element_length(data):
    start = head(data)
    return len(start) + (int.from_bytes(start[2:], "big") if len(start) > 2 else start[1])


def element(tag, content):
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def valid(begin, end):
    """A change of the time in which a certificate is valid: two texts such as "200101000000Z"."""
    def change(signed):
        times = iter((begin, end))
        return re.sub(rb"\x17\x0d\d{12}Z", lambda _: b"\x17\x0d" + next(times).encode(), signed)
    return change


def replace(what, by):
    return lambda signed: signed.replace(what, by)
