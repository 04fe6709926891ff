"""Several certificates: chosen by the name that the client asks for (SNI), RSA and ECDSA side by side, whole chains, many."""
import json
import os
import ssl
import subprocess
import time

import pytest

from harness import Peer, Process, as_user
from harness.authority import Authority, openssl, valid
from harness.tls import TLS12, TLS13, Tlsd, der, place, s_client, shown, version_context


class Many(Tlsd):
    """tlsd with an authority: `pair` makes one that it knows by a directory's name."""

    def __init__(self, **settings):
        super().__init__("ecdsa", **settings)
        self.root = Authority(self.directory, "root")
        self.issuer = Authority(self.directory, "issuer", above=self.root)

    def pair(self, directory, *names, kind="ec", change=None):
        alternatives = ",".join(f"DNS:{name}" for name in names)
        certificate, key = self.issuer.issue(f"/CN={directory}", f"subjectAltName={alternatives}", kind=kind, change=change)
        self.add(directory, certificate, key, chain=[self.issuer.certificate])
        return der(certificate)


@pytest.fixture(scope="module")
def many():
    tlsd = Many()
    tlsd.one = tlsd.pair("one", "one.test", "www.one.test")
    tlsd.wild = tlsd.pair("wild", "*.wild.test", "wild.test")
    tlsd.exact = tlsd.pair("exact", "mail.wild.test")
    tlsd.rsa = tlsd.pair("both-rsa", "both.test", kind="rsa")
    tlsd.ec = tlsd.pair("both-ec", "both.test", kind="ec")
    tlsd.long = tlsd.pair("long", "z" * 60 + ".test", "xn--mnchen-3ya.test")
    with tlsd:
        yield tlsd


NAMES = {
    "one.test": "one", "www.one.test": "one", "WWW.One.Test": "one",
    "wild.test": "wild", "a.wild.test": "wild", "mail.wild.test": "exact",
    "xn--mnchen-3ya.test": "long", "z" * 60 + ".test": "long",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_for_a_name(many, name):
    assert shown(many, name) == getattr(many, NAMES[name])


@pytest.mark.parametrize("name", ["other.test", "a.b.wild.test", "a.one.test", "wild", "x" + "one.test", None, "127.0.0.1"])
def test_the_default_for_all_others(many, name):
    assert shown(many, name) == der(many.certificate)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_ciphers_decide_in_tls12(many, kind):
    context = version_context(TLS12)
    context.set_ciphers({"rsa": "ECDHE-RSA-AES128-GCM-SHA256", "ec": "ECDHE-ECDSA-AES128-GCM-SHA256"}[kind])
    assert shown(many, "both.test", context) == getattr(many, kind)


@pytest.mark.parametrize("signature,word", [("rsa_pss_rsae_sha256", "RSA-PSS"), ("ecdsa_secp256r1_sha256", "ECDSA")])
def test_the_signature_algorithms_decide_in_tls13(many, signature, word):
    output = s_client(many, "-tls1_3", "-servername", "both.test", "-sigalgs", signature)
    assert f"Peer signature type: {word}" in output and "greeting of the front" in output


def test_ecdsa_when_both_will_do(many):
    assert shown(many, "both.test") == many.ec


def test_the_whole_chain_comes_and_verifies(many):
    output = s_client(many, "-servername", "one.test", "-showcerts", "-CAfile", str(many.root.certificate), "-verify_hostname", "one.test")
    assert output.count("BEGIN CERTIFICATE") == 2 and "Verify return code: 0 (ok)" in output


def test_a_client_of_rsa_alone_gets_no_ecdsa_certificate(many):
    """And the other way round: no handshake, with the reason in words."""
    context = version_context(TLS12)
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    client, question = many.hand_over()
    with client, pytest.raises(ssl.SSLError):
        context.wrap_socket(client, server_hostname="one.test")
    answer, _ = question.answer()
    assert answer == ["no", "the client offers no cipher that we accept"]


# --- asking what there is ------------------------------------------------------------


def loaded(tlsd):
    certificates = []
    with Peer(tlsd, "tlsd/server") as peer:
        while True:
            peer.send("certificates", "t", str(len(certificates)))
            status, tag, count, *fields = peer.receive()
            assert (status, tag) == ("ok", "t")
            if not fields:
                assert int(count) == len(certificates)
                return certificates
            certificates.append(fields)


def test_root_learns_what_is_loaded(many):
    default, *others = loaded(many)
    assert default[:3] == [str(many.certificate), "mail.example.test", "EC-P-256"]
    assert abs(int(default[3]) - time.time() - 300 * 86400) < 86400 and default[4] == "0"
    assert sorted(one[1] for one in others if one[1].endswith("wild.test")) == ["*.wild.test wild.test", "mail.wild.test"]
    assert sorted(one[2] for one in others if one[1] == "both.test") == ["EC-P-256", "RSA-2048"]


def test_a_front_does_not(many):
    def ask():
        with Peer(many, "tlsd/server") as peer:
            peer.send("certificates", "t", "0")
            return peer.receive()
    assert as_user("postern-smtpd", ask) == "None"


def test_check_prints_them(many):
    result = many.check("--json")
    assert result.returncode == 0, result.stderr
    certificates = json.loads(result.stdout)
    assert [c["state"] for c in certificates] == ["fit"] * 7
    assert certificates[0]["file"] == str(many.certificate) and certificates[0]["days"] in (299, 300)
    text = many.check()
    assert text.returncode == 0 and "names  *.wild.test wild.test" in text.stdout


# --- pairs that are not fit -------------------------------------------------------------


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("workshop")
    authority = Authority(directory, "workshop")
    return authority, authority.issue("/CN=a.test"), Authority(directory, "stranger")


def chain(*paths):
    return b"".join(path.read_bytes() for path in paths)


def small_key(directory, _):
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=a.test", "-keyout", key, "-out", certificate)


def strange_key(directory, _):
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=a.test", "-keyout", directory / "key.pem",
            "-out", directory / "certificate.pem")


def locked(directory, made):
    openssl("pkey", "-in", made[1][1], "-out", directory / "key.pem", "-aes256", "-passout", "pass:x")


UNFIT = {
    "a key that all may read": (lambda d, _: (d / "key.pem").chmod(0o644), "others than its owner may read"),
    "a key that a foreign group may read": (lambda d, _: (os.chown(d / "key.pem", -1, 65534), (d / "key.pem").chmod(0o640)),
                                            "a group that is not postern-tlsd's may read it"),
    "another user's key": (lambda d, _: os.chown(d / "key.pem", 65534, -1), "it belongs to another user"),
    "a key of another certificate": (lambda d, made: (d / "key.pem").write_bytes(made[2].key.read_bytes()), "does not belong to the first"),
    "a key with a passphrase": (locked, "locked by a passphrase"),
    "no key": (lambda d, _: (d / "key.pem").unlink(), "No such file"),
    "no certificate": (lambda d, _: (d / "certificate.pem").unlink(), "No such file"),
    "an empty certificate": (lambda d, _: (d / "certificate.pem").write_text(""), "no certificate in PEM"),
    "a broken block": (lambda d, made: (d / "certificate.pem").write_text(made[1][0].read_text().replace("M", "!", 1)), "cannot be read"),
    "the issuer first": (lambda d, made: (d / "certificate.pem").write_bytes(chain(made[0].certificate, made[1][0])), "the key belongs to a later one"),
    "a stranger in the chain": (lambda d, made: (d / "certificate.pem").write_bytes(chain(made[1][0], made[2].certificate)), "not signed by the one behind it"),
    "a small RSA key": (small_key, "2048 to 8192 bits"),
    "an Ed25519 key": (strange_key, "neither RSA nor EC"),
}


@pytest.fixture(scope="module")
def unfit(workshop):
    """A tlsd with one such pair of each kind beside the good ones."""
    tlsd = Tlsd("ecdsa")
    for number, (spoil, _) in enumerate(UNFIT.values()):
        directory = tlsd.add(f"unfit-{number}", *workshop[1])
        spoil(directory, workshop)
        for path in directory.iterdir():
            if path.stat().st_uid == 0:
                os.chown(path, *[getattr(tlsd.key.stat(), "st_uid"), -1])
                path.chmod(0o600)
    tlsd.add("zz-good", *workshop[1])
    with tlsd:
        yield tlsd


@pytest.mark.parametrize("number,what", enumerate(UNFIT))
def test_an_unfit_pair_is_named_and_others_go_on(unfit, number, what):
    directory = str(unfit.directory / "pairs" / f"unfit-{number}")
    lines = [line for line in unfit.log().splitlines() if "certificate-refused" in line and f"{directory}/" in line]
    assert len(lines) == 1 and UNFIT[what][1] in lines[0] and "hint=" in lines[0], unfit.log()
    assert unfit.process.poll() is None, unfit.log()
    assert unfit.session()[2][0] == "ok" and len(loaded(unfit)) == 2


def test_check_names_the_unfit(unfit):
    result = unfit.check("--json")
    refused = {c["file"].split("/")[-2]: c["reason"] for c in json.loads(result.stdout) if c["state"] == "refused"}
    assert result.returncode == 100 and len(refused) == len(UNFIT)
    assert UNFIT["an Ed25519 key"][1] in refused[f"unfit-{list(UNFIT).index('an Ed25519 key')}"]


@pytest.mark.parametrize("begin,end,state", [("200101000000Z", "210101000000Z", "it has expired"), ("400101000000Z", "450101000000Z", "it is not valid yet")])
def test_a_default_certificate_out_of_its_time_is_used_with_a_warning(begin, end, state):
    """Nothing is better than it, and the clock may be wrong."""
    tlsd = Many()
    certificate, key = tlsd.issuer.issue("/CN=mail.example.test", change=valid(begin, end))
    place(tlsd, tlsd.certificate, certificate.read_bytes())
    place(tlsd, tlsd.key, key.read_bytes())
    with tlsd:
        assert tlsd.session()[2][0] == "ok"
        line = next(line for line in tlsd.log().splitlines() if "certificate-expires" in line)
        assert state in line and str(tlsd.certificate) in line
        assert tlsd.check().returncode == 100


def test_soon(workshop):
    """A line while it is in its last third, at most thirty days: once, and not at each look."""
    tlsd = Many()
    year = time.gmtime(time.time() - 70 * 86400), time.gmtime(time.time() + 19.5 * 86400)
    tlsd.pair("soon", "soon.test", change=valid(*(time.strftime("%y%m%d%H%M%SZ", t) for t in year)))
    tlsd.pair("later", "later.test")
    with tlsd:
        time.sleep(2.5)  # two looks
        lines = [line for line in tlsd.log().splitlines() if "certificate-expires" in line]
        assert len(lines) == 1 and "names=soon.test" in lines[0] and "days=19" in lines[0] and "info:" in lines[0]


# --- certbot's names, and many -----------------------------------------------------------


def test_certbots_directory_as_it_is(workshop):
    """live/NAME/fullchain.pem and privkey.pem are links into archive/NAME/; a renewal and a new name are taken by themselves."""
    tlsd = Tlsd("ecdsa", certificates="")
    live, archive = tlsd.directory / "live", tlsd.directory / "archive"
    live.mkdir()
    (live / "README").write_text("This directory contains your keys and certificates.\n")
    tlsd.set("certificates", live)

    def issue(name, number):
        certificate, key = workshop[0].issue(f"/CN={name}", f"subjectAltName=DNS:{name}")
        (live / name).mkdir(exist_ok=True)
        (archive / name).mkdir(parents=True, exist_ok=True)
        for link, source in (("privkey", key), ("fullchain", certificate)):
            place(tlsd, archive / name / f"{link}{number}.pem", source.read_bytes())
            (live / name / f"{link}.pem").unlink(missing_ok=True)
            (live / name / f"{link}.pem").symlink_to(f"../../archive/{name}/{link}{number}.pem")
        return der(certificate)

    old = issue("first.test", 1)
    with tlsd:
        assert shown(tlsd, "first.test") == old
        renewed, second = issue("first.test", 2), issue("second.test", 1)
        for name, expected in (("first.test", renewed), ("second.test", second)):
            tlsd.wait_log(f"names={name}")
        deadline = time.monotonic() + 10
        while (shown(tlsd, "first.test"), shown(tlsd, "second.test")) != (renewed, second):
            assert time.monotonic() < deadline, tlsd.log()
        assert "refused" not in tlsd.log()


def test_a_thousand(workshop):
    """A thousand pairs with ten names each load while a supervisor waits, and cost little."""
    count = 100 if "san" in os.environ.get("POSTERN_BUILD", "") else 1000
    tlsd = Tlsd("ecdsa")
    certificate, key = workshop[1]
    directory = tlsd.add("0", certificate, key)
    names = [f"d{number}.test" for number in range(100)]
    made = [workshop[0].issue("/CN=many", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names[at::10])) for at in range(10)]
    for number in range(1, count):
        other = directory.parent / str(number)
        other.mkdir()
        for name, source in (("certificate.pem", made[number % 10][0]), ("key.pem", made[number % 10][1])):
            (other / name).write_bytes(source.read_bytes())
            (other / name).chmod(0o600)
            os.chown(other / name, tlsd.key.stat().st_uid, -1)
    begun = time.monotonic()
    with tlsd:
        took = time.monotonic() - begun
        assert shown(tlsd, "d99.test") == der(made[9][0]) and len(loaded(tlsd)) == count + 1
        sizes = [Process(pid).status()["VmRSS"] for pid in (tlsd.process.pid, tlsd.key_process())]
        print(f"{count} certificates: {took:.1f} s, acceptor {sizes[0]}, keys {sizes[1]}")
        assert took < 20
