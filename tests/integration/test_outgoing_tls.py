"""TLS with other hosts: postern-remote and postern-tlsd against a sink with certificates of the test and a name server of its own.

The test asks postern-remote as queued does, so that each verdict is the answer to a question.
"""
import contextlib
import shutil
import tempfile

import pytest

from harness import Peer, Sink, Suite
from harness.authority import Authority, tlsa_data, valid
from harness.postfix import Postfix
from harness.names import AAAA, CNAME, LOOPBACK, MX, TLSA, A, Names, mx

MESSAGE = b"From: a@example.test\r\nSubject: hello\r\n\r\nThe body.\r\n"
POLICIES = ["none", "may", "encrypt", "dane", "verify", "secure"]


class House:
    """One sink for all destinations: their names say which policy they have and what their DNS says."""

    def __init__(self, directory):
        self.ca = Authority(directory, "root")
        self.stranger = Authority(directory, "stranger")
        self.counter = 0
        self.sink = Sink()
        self.port = self.sink.port
        self.names = Names({}, authentic=["signed.test"])
        lines = [f"{policy}.test:{self.port} {policy}" for policy in POLICIES]
        lines += [f"named.test:{self.port} secure other.example.org", ".beneath.test encrypt  # and a comment",
                  f"[127.0.0.1]:{self.port} secure other.example.org"]
        self.suite = Suite("outgoing", {
            "resolver": self.names.address, "trusted_resolver": "yes", "outgoing_tls": "dane", "remote_timeout": "5s", "reuse_idle": "0s",
            "outgoing_tls_policy": "\n".join(lines), "tls_ca_file": "authorities.pem"})
        shutil.copy(self.ca.certificate, self.suite.settings / "authorities.pem")
        for name in [*POLICIES, "named", "plain", "deep.beneath"]:
            self.domain(f"{name}.test")

    def issue(self, *names, by=None, **keywords):
        return (by or self.ca).issue("/CN=somebody", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names), **keywords)

    def domain(self, name, host=None):
        host = host or f"mx.{name}"
        self.names.records.update({(name, MX): [mx(10, host)], (host, A): [LOOPBACK]})
        return name

    def tlsa(self, host, *records):
        self.names.records[f"_{self.port}._tcp.{host}", TLSA] = list(records)

    @contextlib.contextmanager
    def behaves(self, certificate=None, answers=(), **attributes):
        """The sink with this certificate for a while."""
        before = {name: getattr(self.sink, name) for name in attributes}
        self.sink.certificate = certificate
        self.sink.answers.update(answers)
        for name, value in attributes.items():
            setattr(self.sink, name, value)
        self.sink.commands.clear()
        self.sink.names.clear()
        try:
            yield self.sink
        finally:
            self.sink.certificate = None
            self.sink.answers.clear()
            for name, value in before.items():
                setattr(self.sink, name, value)

    def send(self, domain, keys="", recipient=None, recipient_keys="", message=MESSAGE, transport=None, sender="a@example.test", to_sink=True):
        """(word, code, text), and the message that the sink has then, or None."""
        self.counter += 1
        count = len(self.sink.messages)
        transport = f"smtp:{domain}:{self.port}" if transport is None else transport
        with tempfile.TemporaryFile() as file, Peer(self.suite, "remote/send", timeout=60) as peer:
            file.write(message)
            file.flush()
            answer = peer.ask("send", "7", f"id{self.counter}", sender, transport, 0, len(message), keys,
                              recipient or f"b@{domain}", recipient_keys, descriptors=[file.fileno()])
        assert answer is not None and answer[:2] == ["result", "7"], answer
        # The sink says that it has taken a message before it remembers it.
        message = self.sink.wait(count + 1)[count] if answer[2] in ("done", "relayed") and to_sink else None
        return answer[2:], message

    def log(self, pattern):
        return self.suite.wait_log("remote", rf"{pattern}.*|.*{pattern}")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = House(tmp_path_factory.mktemp("house"))
    with made.suite:
        made.good = made.issue(*(f"mx.{name}.test" for name in ("may", "encrypt", "dane", "verify", "plain", "deep.beneath")))
        made.wrong = made.issue("other.example.org")
        yield made
        assert not made.suite.findings()
    made.sink.close()


def sent(result, tls):
    (word, code, text), message = result
    assert word in ("done", "relayed") and message is not None, (word, code, text)
    assert (message.tls is not None) == tls, message.tls
    return message


def not_sent(result, word, code, *words):
    outcome, message = result
    assert outcome[:2] == [word, code] and message is None, outcome
    for text in words:
        assert text in outcome[2], outcome


# --- each policy, good and bad ----------------------------------------------------------------------


def test_may_takes_what_is_offered(house):
    with house.behaves(house.good) as sink:
        sent(house.send("may.test"), tls=True)
        assert sink.names == ["mx.may.test"]
        assert [c.split()[0] for c in sink.commands[:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]
    house.log(r"tls queue=id\d+ server=mx.may.test\[127.0.0.1\]:\d+ policy=may version=TLSv1.3 cipher=\S+ verified=verified")


def test_may_takes_any_certificate_and_says_what_it_lacks(house):
    with house.behaves(house.wrong):
        sent(house.send("may.test"), tls=True)
    house.log('policy=may .*verified=unverified note="the certificate is for other.example.org, not mx.may.test"')


def test_may_goes_in_clear_where_nothing_is_offered(house):
    with house.behaves():
        sent(house.send("may.test"), tls=False)


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "502 what"])
def test_may_goes_on_in_clear_when_it_is_refused(house, answer):
    with house.behaves(house.good, {"STARTTLS": answer}) as sink:
        sent(house.send("may.test"), tls=False)
        assert len([c for c in sink.commands if c.startswith("EHLO")]) == 1


def test_may_goes_in_clear_on_a_new_connection_when_the_handshake_fails(house):
    with house.behaves((house.good[0], house.wrong[1])) as sink:  # they do not fit each other: the sink closes
        sent(house.send("may.test"), tls=False)
        words = [c.split()[0] for c in sink.commands]
        words = words[words.index("EHLO"):]  # before it: the QUIT of the one before, which nobody waited for
        assert [word for word in words if word != "QUIT"] == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA"]
    house.log("sent-in-clear .*server=mx.may.test")


def test_none_does_not_ask(house):
    with house.behaves(house.good) as sink:
        sent(house.send("none.test"), tls=False)
        assert "STARTTLS" not in sink.commands


def test_encrypt_takes_any_certificate(house):
    with house.behaves(house.wrong):
        sent(house.send("encrypt.test"), tls=True)
        sent(house.send("deep.beneath.test", transport=f"smtp:deep.beneath.test:{house.port}"), tls=True)


@pytest.mark.parametrize("policy", ["encrypt", "verify", "secure"])
def test_downgrades_defer(house, policy):
    """Whoever stands in between may take STARTTLS out of the answer, or refuse it: nothing goes in clear."""
    with house.behaves():
        not_sent(house.send(f"{policy}.test"), "deferred", "4.7.4", "does not offer it")
    with house.behaves(house.good, {"STARTTLS": "454 not now"}):
        not_sent(house.send(f"{policy}.test"), "deferred", "4.7.4", "refuses it now")
    with house.behaves((house.good[0], house.wrong[1])) as sink:
        not_sent(house.send(f"{policy}.test"), "deferred", "4.7.5", "TLS failed")
        assert not [c for c in sink.commands if c.startswith("MAIL")]


def test_verify_wants_the_hosts_name(house):
    with house.behaves(house.good):
        sent(house.send("verify.test"), tls=True)
    with house.behaves(house.wrong) as sink:
        not_sent(house.send("verify.test"), "deferred", "4.7.5", "the certificate is for other.example.org, not mx.verify.test")
        assert not [c for c in sink.commands if c.startswith("MAIL")]


@pytest.mark.parametrize("make, why", [
    (lambda h: h.issue("mx.verify.test", change=valid("200101000000Z", "210203000000Z")), "expired on 2021-02-03"),
    (lambda h: h.issue("mx.verify.test", by=h.stranger), "is signed by stranger, which we do not trust"),
    (lambda h: (h.stranger.certificate, h.stranger.key), "the certificate is self-signed")])
def test_verify_says_what_is_wrong(house, make, why):
    with house.behaves(make(house)):
        not_sent(house.send("verify.test"), "deferred", "4.7.5", why)
    house.log(f"tls-failed .*{why}")


def test_secure_wants_the_destinations_name_since_dns_may_lie(house):
    with house.behaves(house.issue("other.test", "mx.verify.test")):
        house.names.records["secure.test", MX] = [mx(10, "mx.verify.test")]
        not_sent(house.send("secure.test"), "deferred", "4.7.5", "not secure.test,.secure.test")
    for name in ("secure.test", "mail.secure.test"):
        with house.behaves(house.issue(name)):
            sent(house.send("secure.test"), tls=True)


def test_names_that_the_administrator_wrote(house):
    with house.behaves(house.wrong):
        sent(house.send("named.test"), tls=True)
        sent(house.send("x", transport=f"[127.0.0.1]:{house.port}"), tls=True)
    with house.behaves(house.issue("named.test", "mx.named.test")):
        not_sent(house.send("named.test"), "deferred", "4.7.5", "not other.example.org")


def test_tls_from_the_first_byte(house):
    with house.behaves(house.good, implicit=True) as sink:
        sent(house.send("plain.test", transport=f"smtps:[mx.plain.test]:{house.port}"), tls=True)
        assert "STARTTLS" not in sink.commands
    with house.behaves():
        result = house.send("plain.test", transport=f"smtps:[mx.plain.test]:{house.port}")
        not_sent(result, "deferred", "4.7.5", "does not speak TLS")


@pytest.mark.parametrize("policy", ["may", "encrypt", "verify"])
def test_what_is_injected_behind_starttls_ends_the_connection(house, policy):
    """Promise 5 on this side: a reply in clear would count as said within TLS."""
    with house.behaves(house.good, {"STARTTLS": "220 go on\r\n250-sink.test\r\n250 SMTPUTF8"}) as sink:
        not_sent(house.send(f"{policy}.test"), "deferred", "4.7.5", "as if somebody stood in between")
        assert not [c for c in sink.commands if c.startswith("MAIL")]


def test_what_was_offered_before_tls_is_forgotten(house):
    with house.behaves(house.good, extensions=("DSN", "SIZE 10"), extensions_within=("8BITMIME",)) as sink:
        sent(house.send("may.test", "body=8BITMIME envid=x"), tls=True)
        assert "MAIL FROM:<a@example.test> BODY=8BITMIME" in sink.commands


def test_without_tlsd_may_goes_in_clear_and_verify_waits(house):
    house.suite.down("tlsd")
    try:
        with house.behaves(house.good):
            not_sent(house.send("verify.test"), "deferred", "4.7.5", "tlsd does not answer")
            sent(house.send("may.test"), tls=False)
    finally:
        house.suite.up("tlsd")


def test_a_name_with_a_dot_at_its_end_is_the_same_name(house):
    with house.behaves(house.good) as sink:
        sent(house.send("verify.test", transport=f"smtp:verify.test.:{house.port}"), tls=True)
        assert sink.names == ["mx.verify.test"]
    with house.behaves(house.wrong):
        not_sent(house.send("verify.test", transport=f"smtp:verify.test.:{house.port}"), "deferred", "4.7.5")


def test_tlsd_names_the_message(house):
    with house.behaves(house.good):
        sent(house.send("may.test"), tls=True)
    house.suite.wait_log("tlsd", rf"tls-client queue=id{house.counter} ")


# --- DANE ---------------------------------------------------------------------------------------------


def record(usage, selector, matching, certificate):
    return bytes([usage, selector, matching]) + tlsa_data(selector, matching, certificate)


@pytest.fixture
def signed(house):
    """A fresh destination whose zone is signed, and its host."""
    house.counter += 1
    name = house.domain(f"d{house.counter}.signed.test")
    return name, f"mx.{name}"


@pytest.mark.parametrize("usage, selector, matching", [(u, s, m) for u in (2, 3) for s in (0, 1) for m in (1, 2)])
def test_dane(house, signed, usage, selector, matching):
    name, host = signed
    pair = house.issue(host, by=house.stranger)
    with open(pair[0], "a") as chain:
        chain.write(house.stranger.certificate.read_text())
    house.tlsa(host, record(usage, selector, matching, pair[0] if usage == 3 else house.stranger.certificate))
    with house.behaves(pair) as sink:
        sent(house.send(name), tls=True)
        assert sink.names == [host]
    house.log(f"server={host}.* policy=dane .*verified=dane")
    with house.behaves(house.good):
        not_sent(house.send(name), "deferred", "4.7.5", "no TLSA record matches the certificate")


def test_dane_forbids_clear_text(house, signed):
    name, host = signed
    house.tlsa(host, record(3, 1, 1, house.good[0]))
    with house.behaves():
        not_sent(house.send(name), "deferred", "4.7.4", "does not offer it")


def test_dane_waits_when_the_records_cannot_be_looked_up(house, signed):
    """RFC 7672 section 2.1: else whoever drops the question could take TLS away."""
    name, host = signed
    house.names.records[f"_{house.port}._tcp.{host}", TLSA] = "servfail"
    with house.behaves(house.good) as sink:
        not_sent(house.send(name), "deferred", "4.7.5", f"the TLSA records of {host} could not be looked up")
        assert not sink.commands


def test_dane_stays_when_half_of_the_addresses_cannot_be_looked_up(house, signed):
    name, host = signed
    house.names.records[host, AAAA] = "servfail"
    house.tlsa(host, record(3, 1, 1, house.good[0]))
    with house.behaves(house.wrong):
        not_sent(house.send(name), "deferred", "4.7.5", "no TLSA record matches")


def test_dane_without_records_is_may(house, signed):
    with house.behaves(house.wrong):
        sent(house.send(signed[0]), tls=True)
    with house.behaves():
        sent(house.send(signed[0]), tls=False)


def test_dane_with_records_that_cannot_be_used_is_encrypt(house, signed):
    name, host = signed
    house.tlsa(host, bytes([1, 1, 1]) + 32 * b"x")
    with house.behaves(house.wrong):
        sent(house.send(name), tls=True)
    with house.behaves():
        not_sent(house.send(name), "deferred", "4.7.4")


@pytest.mark.parametrize("what", ["mx", "host"])
def test_dane_counts_only_where_dns_is_authentic(house, what):
    """The name of the host, or its address, could be a lie: records that match the liar's certificate prove nothing."""
    house.counter += 1
    name, host = (f"n{house.counter}.test", f"mx{house.counter}.signed.test")
    if what == "host":
        name, host = (f"n{house.counter}.signed.test", f"mx{house.counter}.test")
    house.domain(name, host)
    house.tlsa(host, record(3, 1, 1, house.good[0]))
    with house.behaves(house.wrong):
        sent(house.send(name), tls=True)
    assert (f"_{house.port}._tcp.{host}", TLSA) not in house.names.asked


def test_dane_follows_an_alias_and_falls_back_to_the_name_before_it(house, signed):
    name, host = signed
    target = f"real.{name}"
    house.names.records[host, CNAME] = [target]
    house.names.records[target, A] = house.names.records.pop((host, A))
    house.tlsa(target, record(3, 1, 1, house.wrong[0]))
    with house.behaves(house.wrong) as sink:
        sent(house.send(name), tls=True)
        assert sink.names == [target]
    house.tlsa(target)
    house.tlsa(host, record(3, 1, 1, house.good[0]))
    with house.behaves(house.good) as sink:
        sent(house.send(name), tls=True)
        assert sink.names == [host]
    with house.behaves(house.wrong):
        not_sent(house.send(name), "deferred", "4.7.5", "no TLSA record matches")


# --- REQUIRETLS (RFC 8689) ---------------------------------------------------------------------------

WITHIN = ("PIPELINING", "8BITMIME", "REQUIRETLS")


def test_requiretls_goes_on_to_who_keeps_it(house):
    with house.behaves(house.issue("plain.test"), extensions_within=WITHIN) as sink:
        sent(house.send("plain.test", "requiretls=1"), tls=True)
        assert "MAIL FROM:<a@example.test> REQUIRETLS" in sink.commands


def test_requiretls_by_dane(house, signed):
    name, host = signed
    house.tlsa(host, record(3, 1, 1, house.wrong[0]))
    with house.behaves(house.wrong, extensions_within=WITHIN):
        sent(house.send(name, "requiretls=1"), tls=True)


def test_requiretls_is_never_broken(house):
    with house.behaves():
        not_sent(house.send("plain.test", "requiretls=1"), "failed", "5.7.30", "does not offer it")
    with house.behaves(house.issue("plain.test")):
        not_sent(house.send("plain.test", "requiretls=1"), "failed", "5.7.30", "does not promise")
    with house.behaves(house.wrong, extensions_within=WITHIN):
        not_sent(house.send("plain.test", "requiretls=1"), "failed", "5.7.30", "the certificate is for other.example.org")
    # The host's name comes from DNS that nobody signed.
    with house.behaves(house.good, extensions_within=WITHIN):
        house.domain("lied.test", "mx.verify.test")
        not_sent(house.send("lied.test", "requiretls=1"), "failed", "5.7.30", "not lied.test")
    with house.behaves(house.issue("none.test")):
        not_sent(house.send("none.test", "requiretls=1"), "failed", "5.7.30")


def test_requiretls_waits_while_tls_fails_on_the_way(house):
    with house.behaves((house.good[0], house.wrong[1]), extensions_within=WITHIN):
        not_sent(house.send("plain.test", "requiretls=1"), "deferred", "4.7.5")


def test_requiretls_waits_while_the_other_host_has_trouble(house):
    with house.behaves(house.issue("plain.test"), {"STARTTLS": "454 4.7.0 TLS not available"}, extensions_within=WITHIN):
        not_sent(house.send("plain.test", "requiretls=1"), "deferred", "4.7.4", "refuses it now")
    with house.behaves(house.issue("plain.test"), {"STARTTLS": "502 5.5.1 what"}, extensions_within=WITHIN):
        not_sent(house.send("plain.test", "requiretls=1"), "failed", "5.7.30")


def test_a_bounce_has_requiretls_where_it_can(house):
    """RFC 8689 section 5: it asks for it, and is not thrown away where nobody keeps it."""
    with house.behaves(house.issue("plain.test"), extensions_within=WITHIN) as sink:
        sent(house.send("plain.test", "requiretls=1", sender=""), tls=True)
        assert "MAIL FROM:<> REQUIRETLS" in sink.commands
    with house.behaves(house.wrong) as sink:
        sent(house.send("plain.test", "requiretls=1", sender=""), tls=True)
        (mail,) = [c for c in sink.commands if c.startswith("MAIL")]
        assert "REQUIRETLS" not in mail
    house.log("requiretls-given-up")


def test_tls_required_no_asks_for_may(house, signed):
    name, host = signed
    house.tlsa(host, record(3, 1, 1, house.good[0]))
    message = b"TLS-Required: No\r\n" + MESSAGE
    with house.behaves(house.wrong):
        sent(house.send(name, message=message), tls=True)
        not_sent(house.send("verify.test", message=message), "deferred", "4.7.5")  # the administrator's word stands
        not_sent(house.send(name, "requiretls=1", message=message), "failed", "5.7.30")


# --- Debian's Postfix as the other host ---------------------------------------------------------------


def test_postfix_takes_it(house):
    """It asks for a client certificate and offers all that it has; the message is its own then."""
    certificate, key = house.issue("mx.postfix.test")
    services = {"tls": {"smtpd_tls_security_level": "encrypt", "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key,
                        "smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": house.ca.certificate, "mynetworks": "127.0.0.0/8"}}
    house.names.records["mx.postfix.test", A] = [LOOPBACK]
    with Postfix(services, {}, {}) as postfix:
        port = postfix.ports["tls"]
        (word, code, text), _ = house.send("far.test", "body=8BITMIME smtputf8=1 ret=HDRS envid=x+2By", recipient="jürgen@far.test",
                                           recipient_keys="notify=NEVER orcpt=rfc822;old@far.test",
                                           transport=f"smtp:[mx.postfix.test]:{port}", to_sink=False)
        assert (word, code) == ("done", "2.0.0") and "queued as" in text, (word, code, text, postfix.log()[-2000:])
    house.log(rf"server=mx.postfix.test\[127.0.0.1\]:{port} policy=may version=TLSv1.3 .*verified=verified")
