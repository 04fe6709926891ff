"""MTA-STS (RFC 8461): postern-stsd against an HTTPS server and a name server of the test, and what postern-remote makes of its answers."""
import contextlib
import itertools
import os
import socket
import tempfile
import time

import pytest

from harness import Peer, Sink, Suite, wait_for
from harness.authority import Authority, tlsa_data
from harness.https import Https, response
from harness.names import LOOPBACK, MX, TLSA, TXT, A, Names, mx, txt

MESSAGE = b"From: a@example.test\r\nSubject: hello\r\n\r\nThe body.\r\n"
PATH = "/.well-known/mta-sts.txt"
DOMAINS = 90


def policy(*hosts, mode="enforce", age=86400):
    return "".join(f"{line}\r\n" for line in ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), f"max_age: {age}"])


class World:
    def __init__(self, directory):
        ca, stranger = Authority(directory, "root"), Authority(directory, "stranger")
        names = [f"d{i}.test" for i in range(DOMAINS)] + [f"d{i}.signed.test" for i in range(DOMAINS)]

        def pair(by, prefix):
            return by.issue("/CN=x", "subjectAltName=" + ",".join(f"DNS:{prefix}{name}" for name in names))
        self.web_pair, self.stranger_pair, self.mx_pair = pair(ca, "mta-sts."), pair(stranger, "mta-sts."), pair(ca, "mx.")
        self.strange_mx = pair(stranger, "mx.")
        self.numbers = itertools.count()
        self.web = Https(self.web_pair)
        self.sink = Sink()
        self.names = Names({}, authentic=["signed.test"])
        self.suite = Suite("sts", {
            "mta_sts": "yes", "outgoing_tls": "dane", "trusted_resolver": "yes", "resolver": self.names.address, "resolver_timeout": "1s",
            "resolver_attempts": "1", "remote_timeout": "5s", "tls_ca_file": "authorities.pem", "sts_ca_file": "authorities.pem",
            "sts_check": "1s", "sts_timeout": "2s",
            "outgoing_tls_policy": f"d0.test:{self.sink.port} may"})
        (self.suite.settings / "authorities.pem").write_bytes(ca.certificate.read_bytes())
        self.cache = self.suite.prefix / "state/sts"

    def close(self):
        self.web.close()
        self.sink.close()
        self.names.close()

    def domain(self, text=None, id="20260831a", beneath="test"):
        """A fresh domain with a mail host, a record and a policy."""
        name = f"d{next(self.numbers)}.{beneath}"
        self.names.records.update({(name, MX): [mx(10, f"mx.{name}")], (f"mx.{name}", A): [LOOPBACK],
                                   (f"mta-sts.{name}", A): [socket.inet_aton(self.web.address)]})
        if id is not None:
            self.record(name, f"v=STSv1; id={id};")
        self.publish(name, policy(f"mx.{name}") if text is None else text)
        return name

    def record(self, name, *texts):
        self.names.records[f"_mta-sts.{name}", TXT] = [txt(text) for text in texts]

    def publish(self, name, text, **keywords):
        self.web.pages[f"mta-sts.{name}", PATH] = response(text.encode(), **keywords)

    def ask(self, name):
        """What postern-stsd says, without the tag."""
        with Peer(self.suite, "sts/policy", timeout=60) as peer:
            answer = peer.ask("policy", "t7", name)
        assert answer is not None and answer[1] == "t7", answer
        return [answer[0], *answer[2:]]

    def fetched(self, name):
        return self.web.asked.count((f"mta-sts.{name}", PATH))

    def looked_up(self, name):
        return self.names.asked.count((f"_mta-sts.{name}", TXT))

    def no_policy(self, name, *texts):
        answer = self.ask(name)
        assert answer[0] == "no", answer
        for text in texts:
            assert text in answer[1], answer
        assert not (self.cache / name).exists()

    def has_policy(self, name, *expected):
        answer = self.ask(name)
        assert answer[0] == "ok" and [answer[1], answer[2], *answer[4:]] == list(expected), answer
        return int(answer[3])

    def send(self, domain, message=MESSAGE, keys=""):
        count = len(self.sink.messages)
        with tempfile.TemporaryFile() as file, Peer(self.suite, "remote/send", timeout=60) as peer:
            file.write(message)
            file.flush()
            answer = peer.ask("send", "7", f"id{domain}", "a@example.test", f"smtp:{domain}:{self.sink.port}", 0, len(message), keys,
                              f"b@{domain}", "", descriptors=[file.fileno()])
        return answer[2:], self.sink.wait(count + 1)[count] if answer[2] in ("done", "relayed") else None

    def sent(self, domain, tls, **keywords):
        answer, message = self.send(domain, **keywords)
        assert message is not None, answer
        assert (message.tls is not None) == tls

    def not_sent(self, domain, *texts):
        answer, _ = self.send(domain)
        assert answer[:2] == ["deferred", "4.7.5"] or answer[:2] == ["deferred", "4.7.4"], answer
        for text in texts:
            assert text in answer[2], answer

    @contextlib.contextmanager
    def mail_host(self, certificate):
        self.sink.certificate = certificate
        try:
            yield
        finally:
            self.sink.certificate = None

    @contextlib.contextmanager
    def having(self, **settings):
        def change(values):
            self.suite.down("stsd")
            for name, value in values.items():
                self.suite.set(name, value)
            self.suite.up("stsd")
        before = {name: {"sts_check": "1s", "sts_timeout": "2s"}.get(name) for name in settings}
        change(settings)
        try:
            yield
        finally:
            change(before)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("sts"))
    made.domain()  # d0.test: the administrator has a line for it
    with made.suite:
        yield made
        assert not made.suite.findings()
    made.close()


# --- what is a policy, and what is none -------------------------------------------------------------------


def test_a_policy_is_fetched_once_and_kept(world):
    name = world.domain()
    for _ in range(3):
        left = world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
        assert 86390 <= left <= 86400
    assert world.fetched(name) == 1
    text = (world.cache / name).read_text()
    assert text.startswith("id: 20260831a\nfetched: ") and "\n\nversion: STSv1\n" in text, text
    world.suite.wait_log("stsd", rf"policy domain={name} id=20260831a mode=enforce max_age=86400 mx=1")


def test_many_ask_at_once(world):
    name = world.domain()
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(world.suite, "sts/policy", timeout=30)) for _ in range(20)]
        for peer in peers:
            peer.send("policy", "t", name)
        assert all(peer.receive()[:4] == ["ok", "t", "20260831a", "enforce"] for peer in peers)
    assert world.fetched(name) == 1


@pytest.mark.parametrize("texts", [[], ["v=spf1 -all"], ["v=STSv1; id=1;", "v=STSv1; id=2;"], ["v=STSv1;"], ["v=STSv1; id=a-b;"], ["id=1; v=STSv1"],
                                   ["v=STSv2; id=1"]])
def test_without_one_good_record_there_is_no_policy(world, texts):
    name = world.domain(id=None)
    if texts:
        world.record(name, *texts)
    world.no_policy(name, "no record")
    assert world.fetched(name) == 0


@pytest.mark.parametrize("record", ["v=STSv1; id=1", "v=STSv1 ;id=1 ; more=x;", "v=STSv1;id=1;id=2"])
def test_the_record_among_others(world, record):
    name = world.domain(id=None)
    world.record(name, "v=spf1 -all", record)
    world.has_policy(name, "1", "enforce", f"mx.{name}")


@pytest.mark.parametrize("text, why", [
    ("", "missing"), ("version: STSv1\nmode: enforce\nmax_age: 60\n", "no mx"), ("version: STSv2\nmode: none\nmax_age: 60\n", "version"),
    ("version: STSv1\nmode: strict\nmx: a.test\nmax_age: 60\n", "mode"), ("version: STSv1\nmode: none\nmax_age: -1\n", "max_age"),
    ("version: STSv1\nmode: none\nmax_age: 12345678901\n", "max_age"), ("version: STSv1\nmode: enforce\nmx: *.*.test\nmax_age: 60\n", "mx"),
    ("<html>", "colon"), ("version: STSv1\nmode: none\nmax_age: 60\n" + "x: y\n" * 20000, "")])
def test_what_is_no_policy_counts_as_none(world, text, why):
    world.no_policy(world.domain(text), why)


@pytest.mark.parametrize("keywords, why", [
    ({"status": "404 Not Found"}, "status 404"), ({"status": "301 Moved", "header": "Location: https://mta-sts.d1.test/x\r\n"}, "status 301"),
    ({"kind": "text/html"}, "not text/plain"), ({"status": "200 OK", "kind": "application/text/plain"}, "not text/plain")])
def test_only_a_plain_200_is_a_policy(world, keywords, why):
    name = world.domain()
    world.publish(name, policy(f"mx.{name}"), **keywords)
    world.no_policy(name, why)
    assert world.fetched(name) == 1
    world.suite.wait_log("stsd", rf"policy-not-fetched domain={name} reason=.*{why}")


def test_text_plain_may_say_more(world):
    name = world.domain()
    world.publish(name, policy(f"mx.{name}"), kind="Text/Plain; charset=utf-8")
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")


def test_the_certificate_must_be_the_policy_hosts(world):
    name = world.domain()
    world.web.certificate = world.stranger_pair
    try:
        world.no_policy(name, "certificate")
    finally:
        world.web.certificate = world.web_pair
    other = world.domain()
    world.web.certificate = world.mx_pair
    try:
        world.no_policy(other, "subject name")
    finally:
        world.web.certificate = world.web_pair
    assert world.fetched(name) == world.fetched(other) == 0


def test_a_host_that_is_slow_or_endless_is_given_up(world):
    slow, endless = world.domain(), world.domain()

    def drip(stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(40):
            stream.sendall(b"x: y\r\n")
            time.sleep(0.2)

    def flood(stream):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(1000):
            stream.sendall(b"x: y\r\n" * 1000)
    world.web.pages[f"mta-sts.{slow}", PATH], world.web.pages[f"mta-sts.{endless}", PATH] = drip, flood
    world.no_policy(slow, "timed out")
    world.no_policy(endless)


def test_no_proxy_no_compression_nothing_but_the_host(world):
    name = world.domain()
    world.ask(name)
    request = next(r for r in world.web.requests if f"mta-sts.{name}".encode() in r)
    assert request.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n") and b"encoding" not in request.lower() and b"ookie" not in request


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", ".new", "A.test", "x..test", "\u00e4.test", "x" * 300, "192.0.2.1:443"])
def test_what_is_no_domain_has_no_policy(world, name):
    before = len(world.names.asked)
    assert world.ask(name)[0] == "no"
    assert world.names.asked[before:] == []


def test_a_resolver_in_trouble_is_no_policy_for_now(world):
    name = world.domain()
    world.names.records[f"_mta-sts.{name}", TXT] = "servfail"
    world.no_policy(name, "could not be looked up")
    world.record(name, "v=STSv1; id=3;")
    wait_for("the policy", 10, lambda: world.ask(name)[0] == "ok")


# --- the cache -------------------------------------------------------------------------------------------------


def test_a_record_is_looked_at_again_and_a_new_id_fetched(world):
    name = world.domain()
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
    looked = world.looked_up(name)
    wait_for("another look", 10, lambda: world.ask(name) and world.looked_up(name) > looked)
    assert world.fetched(name) == 1, "the id was the same"
    world.publish(name, policy("*.other.test", mode="testing"))
    world.record(name, "v=STSv1; id=new;")
    wait_for("the new policy", 10, lambda: world.ask(name)[1:3] == ["new", "testing"])


@pytest.mark.parametrize("trouble", ["host", "record", "dns", "text"])
def test_what_is_known_counts_until_its_end(world, trouble):
    name = world.domain()
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
    if trouble in ("host", "text"):
        world.record(name, "v=STSv1; id=new;")
        world.publish(name, "nonsense", status="503 Away" if trouble == "host" else "200 OK")
    elif trouble == "record":
        del world.names.records[f"_mta-sts.{name}", TXT]
    else:
        world.names.records[f"_mta-sts.{name}", TXT] = "servfail"
    looked = world.looked_up(name)
    wait_for("another look", 10, lambda: world.ask(name) and world.looked_up(name) > looked)
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")


def test_it_ends_with_max_age(world):
    name = world.domain()
    world.publish(name, policy(f"mx.{name}", age=2))
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
    del world.names.records[f"_mta-sts.{name}", TXT]
    wait_for("its end", 10, lambda: world.ask(name)[0] == "no")
    wait_for("the end of its file", 20, lambda: not (world.cache / name).exists())


def test_it_survives_a_restart(world):
    name = world.domain()
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
    world.publish(name, "", status="503 Away")
    world.suite.restart("stsd")
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")


def test_an_old_one_is_fetched_anew_though_nobody_asks(world):
    name = world.domain()
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
    world.publish(name, policy(f"mx.{name}", age=100000))
    with world.having(sts_refresh="2s"):
        wait_for("the second fetch", 15, lambda: world.fetched(name) >= 2)
        wait_for("the new policy", 10, lambda: "max_age: 100000" in (world.cache / name).read_text())


@pytest.mark.parametrize("text", ["", "id: x\n", "nonsense\n\n\n", "id: x\nfetched: 99\n\nversion: STSv1\nmode: none\nmax_age: 60\n",
                                  "id: x\nfetched: -5\n\nversion: STSv1\nmode: none\nmax_age: 60\n"])
def test_a_file_that_is_not_fit_counts_as_absent(world, text):
    name = world.domain()
    (world.cache / name).write_text(text)
    world.has_policy(name, "20260831a", "enforce", f"mx.{name}")


def test_the_number_is_bounded_and_nobody_is_driven_out(world):
    for entry in world.cache.iterdir():
        entry.unlink()
    with world.having(sts_policies="2"):
        names = [world.domain() for _ in range(4)]
        for name in names:
            world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
        assert sorted(entry.name for entry in world.cache.iterdir()) == sorted(names[:2])
        world.suite.wait_log("stsd", rf"cache-full domain={names[2]} hint=.*sts_policies")
        for name in names:
            world.has_policy(name, "20260831a", "enforce", f"mx.{name}")
        assert world.fetched(names[0]) == 1


# --- who asks, and how --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packet", [["policy"], ["policy", "t"], ["other", "t", "x.test"], ["policy", "t" * 65, "x.test"], ["policy", "t", "x.test", "more"]])
def test_a_malformed_question_ends_the_conversation(world, packet):
    with Peer(world.suite, "sts/policy") as peer:
        peer.send(*packet)
        assert peer.receive() is None
    assert world.ask("x..test")[0] == "no"


def test_a_second_question_before_the_answer_ends_the_conversation(world):
    name = world.domain()
    world.web.pages[f"mta-sts.{name}", PATH] = lambda stream: time.sleep(1)
    with Peer(world.suite, "sts/policy") as peer:
        peer.send("policy", "1", name)
        peer.send("policy", "2", name)
        assert peer.receive() is None
    world.no_policy(world.domain(id=None))


def test_a_worker_that_dies_is_replaced(world):
    name = world.domain()
    world.web.pages[f"mta-sts.{name}", PATH] = lambda stream: time.sleep(1.5)
    with Peer(world.suite, "sts/policy", timeout=30) as peer:
        peer.send("policy", "1", name)
        wait_for("the fetch", 10, lambda: world.fetched(name))
        main, *workers = world.suite.pids("stsd")
        for pid in workers:
            os.kill(pid, 9)
        assert peer.receive()[:2] == ["later", "1"]
    other = world.domain()
    wait_for("a worker that was started anew", 10, lambda: world.ask(other)[0] == "ok")
    world.has_policy(other, "20260831a", "enforce", f"mx.{other}")


# --- mail -------------------------------------------------------------------------------------------------------------


def test_enforce_wants_a_verified_certificate(world):
    name = world.domain()
    with world.mail_host(world.mx_pair):
        world.sent(name, tls=True)
    world.suite.wait_log("remote", rf"tls queue=id{name} server=mx.{name}\S+ policy=verify .*verified=verified sts=enforce")
    with world.mail_host(world.strange_mx):
        world.not_sent(name, "stranger")
    with world.mail_host(None):
        world.not_sent(name, "does not offer it")


def test_enforce_wants_a_listed_host(world):
    name = world.domain()
    world.publish(name, policy("*.elsewhere.test", f"*.mx.{name}", f"*.{name.split('.', 1)[1]}"))
    with world.mail_host(world.mx_pair):
        world.not_sent(name, f"the MTA-STS policy of {name} does not list its mail host mx.{name}")
        world.suite.wait_log("remote", rf"sts-not-listed queue=id{name} destination={name} host=mx.{name} mode=enforce")
        assert not [c for c in world.sink.commands if name in c]


def test_enforce_goes_on_to_the_host_that_is_listed(world):
    name = world.domain()
    world.names.records[name, MX] = [mx(5, "evil.test"), mx(10, f"mx.{name}")]
    world.names.records["evil.test", A] = [LOOPBACK]
    world.publish(name, policy(f"*.{name}"))
    with world.mail_host(world.mx_pair):
        world.sent(name, tls=True)


@pytest.mark.parametrize("mode", ["testing", "none"])
def test_other_modes_only_tell(world, mode):
    name = world.domain()
    world.publish(name, policy("elsewhere.test", mode=mode))
    with world.mail_host(world.strange_mx):
        world.sent(name, tls=True)
    world.sent(name, tls=False)
    log = world.suite.log_text("remote")
    for event in (f"sts-not-listed queue=id{name} ", f"sts-in-clear queue=id{name} "):
        assert (event in log) == (mode == "testing"), event


def test_dane_goes_before_it(world):
    name = world.domain(beneath="signed.test")
    world.publish(name, policy("elsewhere.test"))
    world.names.records[f"_{world.sink.port}._tcp.mx.{name}", TLSA] = [bytes([3, 1, 1]) + tlsa_data(1, 1, world.strange_mx[0])]
    with world.mail_host(world.strange_mx):
        world.sent(name, tls=True)
    with world.mail_host(world.mx_pair):
        world.not_sent(name, "no TLSA record matches")


def test_what_the_administrator_wrote_stands(world):
    with world.mail_host(world.strange_mx):
        world.sent("d0.test", tls=True)
    assert world.looked_up("d0.test") == 0


def test_a_sender_may_do_without(world):
    """RFC 8689 section 4.1."""
    name = world.domain()
    world.sent(name, tls=False, message=b"TLS-Required: No\r\n" + MESSAGE)


def test_a_required_tls_counts_a_policy_as_proof(world):
    """RFC 8689 section 4.2.1: the host is the destination's, as its policy says."""
    name = world.domain()
    before = world.sink.extensions_within
    world.sink.extensions_within = ("REQUIRETLS",)
    try:
        with world.mail_host(world.mx_pair):
            world.sent(name, tls=True, keys="requiretls=1")
    finally:
        world.sink.extensions_within = before


def test_without_stsd_mail_waits(world):
    name = world.domain()
    world.suite.down("stsd")
    try:
        world.not_sent(name, f"the MTA-STS policy of {name} is not known now")
        world.suite.wait_log("remote", rf"sts-away queue=id{name} .*hint=.*mta_sts")
    finally:
        world.suite.up("stsd")
    with world.mail_host(world.mx_pair):
        world.sent(name, tls=True)
