"""postern-tlsd's outgoing side by itself: the test is postern-remote, and the other host with certificates of an authority of its own."""
import contextlib
import shutil
import ssl
import threading

import pytest

from harness import Peer, as_user
from harness.authority import Authority, tlsa_data, valid
from harness.tls import TLS12, TLS13, Question, Tlsd, tcp_pair

HOST = "mx.example.org"


class Answer(Question):
    def __init__(self, tlsd, connection, policy, names, records):
        self.tag = "t1"
        self.peer = Peer(tlsd, "tlsd/client", timeout=20)
        self.peer.send("connect", self.tag, policy, names, *records, descriptors=[connection.fileno()])


class World:
    """A tlsd that trusts the authority, and certificates."""

    def __init__(self, directory):
        self.ca = Authority(directory, "root")
        self.middle = Authority(directory, "middle", above=self.ca)
        self.stranger = Authority(directory, "stranger")
        self.good = self.ca.issue("/CN=other", f"subjectAltName=DNS:{HOST}")
        self.chained = self.middle.issue("/CN=other", f"subjectAltName=DNS:{HOST}")
        with open(self.chained[0], "a") as chain:
            chain.write(self.middle.certificate.read_text())
        self.wrong_name = self.ca.issue("/CN=x", "subjectAltName=DNS:mail.example.net,DNS:*.example.net")
        self.wildcard = self.ca.issue("/CN=x", "subjectAltName=DNS:*.example.org")
        self.partial = self.ca.issue("/CN=x", "subjectAltName=DNS:m*.example.org")
        self.expired = self.ca.issue("/CN=x", f"subjectAltName=DNS:{HOST}", change=valid("200101000000Z", "210203000000Z"))
        self.early = self.ca.issue("/CN=x", f"subjectAltName=DNS:{HOST}", change=valid("400101000000Z", "410203000000Z"))
        self.unknown = self.stranger.issue("/CN=x", f"subjectAltName=DNS:{HOST}")
        self.own = self.stranger.certificate, self.stranger.key
        self.tlsd = Tlsd("ecdsa", handshake_timeout="2s")
        shutil.copy(self.ca.certificate, self.tlsd.directory / "ca.pem")
        self.tlsd.set("tls_ca_file", self.tlsd.directory / "ca.pem")
        self.tlsd.start()

    def meet(self, pair, policy, names=HOST, records=(), version=None):
        """What tlsd answers, whether a byte goes each way, the SNI that was sent."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        if version:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        asked = []
        context.sni_callback = lambda connection, name, _: asked.append(name)
        ours, theirs = tcp_pair()
        with ours:
            question = Answer(self.tlsd, ours, policy, names, records)
        thread = threading.Thread(target=self.echo, args=(context, theirs), daemon=True)
        thread.start()
        answer, plain = question.answer()
        echoed = None
        if plain:
            with plain:
                plain.sendall(b"hello")
                echoed = plain.recv(10)
        thread.join(20)
        return answer, echoed, asked

    @staticmethod
    def echo(context, connection):
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            while data := secure.recv(100):
                secure.sendall(data)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    with made.tlsd:
        yield made


def tlsa(usage, selector, matching, certificate):
    """A record of this certificate, as the field that goes to tlsd."""
    return f"{usage} {selector} {matching} {tlsa_data(selector, matching, certificate).hex()}"


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_good_certificate_is_verified(world, version):
    answer, echoed, asked = world.meet(world.good, "verify", version=version)
    assert answer[0] == "ok" and answer[3:] == ["verified", ""] and echoed == b"hello" and asked == [HOST]
    assert answer[1] == {TLS12: "TLSv1.2", TLS13: "TLSv1.3"}[version]


@pytest.mark.parametrize("which, names", [("chained", HOST), ("wildcard", HOST), ("wrong_name", f"{HOST},mail.example.net"),
                                          ("wrong_name", "example.net,.example.net"), ("good", "MX.Example.ORG")])
def test_chains_wildcards_and_further_names(world, which, names):
    answer, echoed, _ = world.meet(getattr(world, which), "verify", names)
    assert answer[0] == "ok" and answer[3] == "verified" and echoed == b"hello", answer


BAD = [("wrong_name", HOST, f"the certificate is for mail.example.net, *.example.net, not {HOST}"),
       ("expired", HOST, "the certificate expired on 2021-02-03"),
       ("early", HOST, "the certificate is not valid before 2040-01-01"),
       ("unknown", HOST, "the certificate is signed by stranger, which we do not trust"),
       ("own", "stranger", "the certificate is self-signed"),
       ("wildcard", "example.org", "the certificate is for *.example.org, not example.org"),
       ("wildcard", "a.b.example.org", "the certificate is for *.example.org, not a.b.example.org"),
       ("partial", HOST, f"the certificate is for m*.example.org, not {HOST}"),
       ("good", "192.0.2.1", f"the certificate is for {HOST}, not 192.0.2.1")]


@pytest.mark.parametrize("which, names, why", BAD)
def test_a_bad_certificate_is_refused_in_words(world, which, names, why):
    assert world.meet(getattr(world, which), "verify", names)[:2] == (["no", why, "certificate"], None)


@pytest.mark.parametrize("policy", ["may", "encrypt"])
@pytest.mark.parametrize("which, names, why", BAD[:5])
def test_other_policies_take_it_and_say_what_it_lacks(world, policy, which, names, why):
    answer, echoed, _ = world.meet(getattr(world, which), policy, names)
    assert answer[0] == "ok" and answer[3:] == ["unverified", why] and echoed == b"hello"


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
def test_dane_usage_3_needs_neither_name_nor_date_nor_authority(world, selector, matching):
    for pair in (world.own, world.expired, world.wrong_name):
        answer, echoed, asked = world.meet(pair, "dane", HOST, [tlsa(3, selector, matching, pair[0])])
        assert answer[0] == "ok" and answer[3:] == ["dane", ""] and echoed == b"hello" and asked == [HOST]


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
def test_dane_usage_2(world, selector, matching):
    record = tlsa(2, selector, matching, world.middle.certificate)
    assert world.meet(world.chained, "dane", HOST, [record])[0][3:] == ["dane", ""]
    answer, *_ = world.meet(world.chained, "dane", "mx.example.com", [record])
    assert answer == ["no", f"the certificate is for {HOST}, not mx.example.com", "certificate"]
    assert world.meet(world.good, "dane", HOST, [record])[0] == ["no", "no TLSA record matches the certificate", "certificate"]


def test_dane_one_of_several_is_enough(world):
    records = [tlsa(3, 1, 1, world.own[0]), tlsa(3, 0, 1, world.good[0])]
    assert world.meet(world.good, "dane", HOST, records)[0][3] == "dane"


@pytest.mark.parametrize("usage", [2, 3])
def test_dane_without_a_match(world, usage):
    """A certificate that our CAs vouch for is no better."""
    answer, echoed, _ = world.meet(world.good, "dane", HOST, [tlsa(usage, 1, 1, world.own[0])])
    assert answer == ["no", "no TLSA record matches the certificate", "certificate"] and echoed is None


@pytest.mark.parametrize("records", [["1 1 1 " + 64 * "0"], ["0 0 1 " + 64 * "0", "3 7 1 " + 64 * "0"], ["3 1 9 00"], ["3 1 1 00"]])
def test_dane_records_that_cannot_be_used_ask_for_tls_alone(world, records):
    answer, *_ = world.meet(world.own, "dane", HOST, records)
    assert answer[0] == "ok" and answer[3:] == ["unverified", "no TLSA record can be used"]


def test_dane_unusable_records_weaken_no_usable_one(world):
    records = ["1 1 1 " + 64 * "0", tlsa(3, 1, 1, world.own[0])]
    assert world.meet(world.good, "dane", HOST, records)[0][0] == "no"


def test_a_host_that_speaks_no_tls(world):
    ours, theirs = tcp_pair()
    with ours, theirs:
        question = Answer(world.tlsd, ours, "may", HOST, [])
        theirs.sendall(b"220 hello there, this is no TLS\r\n")
        assert question.answer()[0] == ["no", "it does not speak TLS"]


def test_a_host_that_says_nothing(world):
    ours, theirs = tcp_pair()
    with ours, theirs:
        assert Answer(world.tlsd, ours, "may", HOST, []).answer()[0] == ["no", "the handshake took too long"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_old_version_serves_may_alone(world):
    assert world.meet(world.good, "encrypt", version=ssl.TLSVersion.TLSv1_1)[0][0] == "no"
    assert world.meet(world.good, "may", version=ssl.TLSVersion.TLSv1_1)[0][:2] == ["ok", "TLSv1.1"]


@pytest.mark.parametrize("fields", [("connect", "t"), ("connect", "t", "maybe", HOST), ("connect", "t", "may"), ("accept", "t"),
                                    ("connect", "t", "dane", HOST, *(["3 1 1 00"] * 65)), ("connect", "t" * 40, "may", HOST)])
def test_a_malformed_request_ends_its_conversation(world, fields):
    ours, theirs = tcp_pair()
    with ours, theirs, Peer(world.tlsd, "tlsd/client") as peer:
        assert peer.ask(*fields, descriptors=[ours.fileno()]) is None
    assert world.meet(world.good, "may")[0][0] == "ok"


@pytest.mark.parametrize("record", ["3 1 1", "3 1 1 0", "3 1 1 xx", "x", "", "3 1 256 00", "-1 1 1 00"])
def test_a_malformed_record_is_no_record(world, record):
    ours, theirs = tcp_pair()
    with ours, theirs:
        assert Answer(world.tlsd, ours, "dane", HOST, [record]).answer()[0] == ["no", "a TLSA record is none"]


@pytest.mark.parametrize("user", ["postern-smtpd", "nobody"])
def test_only_remote_may_ask(world, user):
    def ask():
        with Peer(world.tlsd, "tlsd/client") as peer:
            return peer.ask("connect", "t", "may", HOST)
    assert as_user(user, ask) in ("None", "BrokenPipeError: [Errno 32] Broken pipe", "PermissionError: [Errno 13] Permission denied")


def test_children_end_with_their_sessions(world):
    world.tlsd.wait_children(0)


@pytest.mark.parametrize("content, code", [("nothing\n", 100), (None, 100)])
def test_a_ca_file_that_is_none_is_refused_at_the_start(content, code):
    tlsd = Tlsd("ecdsa")
    path = tlsd.directory / "ca.pem"
    if content is not None:
        path.write_text(content)
    tlsd.set("tls_ca_file", path)
    try:
        assert tlsd.spawn().wait(20) == code
        assert "ca-file-refused" in tlsd.log()
    finally:
        tlsd.process = None
        tlsd.stop()
