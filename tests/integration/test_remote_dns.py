"""Where mail for a domain goes (RFC 5321 section 5, RFC 7505), and what a name server may do to postern-remote.

The test asks postern-remote as queued does; its names come from a server of the test, its hosts are sinks on loopback addresses.
"""
import contextlib
import itertools
import socket
import struct
import tempfile

import pytest

from harness import Peer, Sink, Suite, wait_for
from harness.names import AAAA, CNAME, MX, A, Names, encode, mx

MESSAGE = b"From: a@example.test\r\nSubject: hello\r\n\r\nThe body.\r\n"
SETTINGS = {"remote_timeout": "5s", "connect_timeout": "1s", "resolver_timeout": "1s", "resolver_attempts": "2", "outgoing_tls": "none"}


def a(text):
    return socket.inet_aton(text)


def aaaa(text):
    return socket.inet_pton(socket.AF_INET6, text)


class World:
    """
    Sinks at 127.0.0.2 to 127.0.0.4 and ::1, all at one port; 127.0.0.9 refuses. Where port 25 is meant, hosts that are not this one have
    multicast addresses: the kernel knows no way there, so that nothing leaves this machine.
    """

    def __init__(self):
        self.names = Names({})
        self.sinks = {"127.0.0.2": Sink("127.0.0.2")}
        self.port = self.sinks["127.0.0.2"].port
        for host in ("127.0.0.3", "127.0.0.4", "::1"):
            self.sinks[host] = Sink(host, self.port)
        self.suite = Suite("remote-dns", {"resolver": self.names.address, **SETTINGS})
        self.numbers = itertools.count(1)

    def close(self):
        self.names.close()
        for sink in self.sinks.values():
            sink.close()

    def domain(self, *hosts, **records):
        """A fresh domain; hosts are (preference, address...). The hosts' names are its mx1, mx2 ..."""
        name = f"d{next(self.numbers)}.test"
        for number, (preference, *addresses) in enumerate(hosts, 1):
            self.names.records.setdefault((name, MX), []).append(mx(preference, f"mx{number}.{name}"))
            self.host(f"mx{number}.{name}", *addresses)
        return name

    def host(self, name, *addresses):
        for address in addresses:
            kind, value = (AAAA, aaaa(address)) if ":" in address else (A, a(address))
            self.names.records.setdefault((name, kind), []).append(value)
        return name

    def send(self, domain, transport=None):
        """[word, code, text]"""
        transport = f"smtp:{domain}:{self.port}" if transport is None else transport
        self.id = f"id{next(self.numbers)}"
        with tempfile.TemporaryFile() as file, Peer(self.suite, "remote/send", timeout=90) as peer:
            file.write(MESSAGE)
            file.flush()
            answer = peer.ask("send", "7", self.id, "a@example.test", transport, 0, len(MESSAGE), "", f"b@{domain}", "",
                              descriptors=[file.fileno()])
        assert answer is not None and answer[:2] == ["result", "7"], answer
        return answer[2:]

    def arrived(self, domain):
        """The address of the sink that has the one message to this domain."""
        def look():
            return [host for host, sink in self.sinks.items() for m in sink.messages if m.recipients == [f"b@{domain}"]]
        wait_for(f"the message to {domain}", 10, look)
        host, = look()
        return host

    def sent(self, domain, transport=None):
        answer = self.send(domain, transport)
        assert answer[0] in ("done", "relayed"), answer
        return self.arrived(domain)

    def not_sent(self, domain, word, code, *texts, transport=None):
        answer = self.send(domain, transport)
        assert answer[:2] == [word, code], answer
        for text in texts:
            assert text in answer[2], answer

    def log(self, pattern):
        """A line about the last message."""
        return self.suite.wait_log("remote", rf"{pattern.split(' ', 1)[0]} queue={self.id} {(pattern + ' ').split(' ', 1)[1].strip()}")

    @contextlib.contextmanager
    def having(self, **settings):
        """postern-remote with other settings for a while."""
        def change(values):
            self.suite.down("remote")
            for name, value in values.items():
                self.suite.set(name, value)
            self.suite.up("remote")
        before = {name: {"resolver": self.names.address, **SETTINGS}.get(name) for name in settings}
        change(settings)
        try:
            yield
        finally:
            change(before)


@pytest.fixture(scope="module")
def world():
    made = World()
    with made.suite:
        yield made
        assert not made.suite.findings()
    made.close()


# --- which hosts, in which order -----------------------------------------------------------------------


def test_by_preference(world):
    name = world.domain((20, "127.0.0.3"), (5, "127.0.0.9"), (10, "127.0.0.2"))
    assert world.sent(name) == "127.0.0.2"
    world.log(rf'hosts destination={name} by=mx order="5 mx2.{name}, 10 mx3.{name}, 20 mx1.{name}"')
    world.log(rf'host-failed server=mx2.{name}\[127.0.0.9\]:\d+ code=4.4.1 reason=".*refused')


def test_a_first_host_that_takes_it_says_nothing_in_the_log(world):
    assert world.sent(world.domain((10, "127.0.0.2"), (20, "127.0.0.3"))) == "127.0.0.2"
    assert f"hosts queue={world.id}" not in world.suite.log_text("remote")


def test_equal_ones_in_random_order(world):
    """By chance alone one in 50,000 runs would leave one of them out."""
    name = world.domain((10, "127.0.0.2"), (10, "127.0.0.3"), (10, "127.0.0.4"))
    before = {host: len(sink.messages) for host, sink in world.sinks.items()}
    for _ in range(30):
        assert world.send(name)[0] in ("done", "relayed")
    wait_for("30 messages", 10, lambda: sum(len(s.messages) - before[h] for h, s in world.sinks.items()) == 30)
    assert all(len(world.sinks[host].messages) > before[host] for host in ("127.0.0.2", "127.0.0.3", "127.0.0.4"))


def test_all_addresses_of_a_host(world):
    assert world.sent(world.domain((10, "127.0.0.9", "127.0.0.8", "127.0.0.4"))) == "127.0.0.4"


def test_without_mx_the_domain_itself(world):
    name = world.host("implicit.test", "127.0.0.3")
    assert world.sent(name) == "127.0.0.3"


def test_an_mx_that_fails_is_no_reason_for_the_domain_itself(world):
    name = world.host(world.domain((10, "127.0.0.9")), "127.0.0.3")
    world.not_sent(name, "deferred", "4.4.1", f"mx1.{name}[127.0.0.9]")


@pytest.mark.parametrize("roots", [1, 2])
def test_null_mx(world, roots):
    name = world.host(f"null{roots}.test", "127.0.0.2")
    world.names.records[name, MX] = [mx(0, "")] * roots
    world.not_sent(name, "failed", "5.1.10", "takes no mail", transport="")


def test_a_root_among_others_is_passed_over(world):
    name = world.domain((10, "127.0.0.2"))
    world.names.records[name, MX].append(mx(0, ""))
    assert world.sent(name) == "127.0.0.2"


def test_a_domain_that_is_an_alias(world):
    target = world.domain((10, "127.0.0.3"))
    world.names.records["alias.test", CNAME] = [target]
    assert world.sent("alias.test") == "127.0.0.3"


def test_an_mx_that_is_an_alias(world):
    """RFC 5321 section 5.1 forbids it; all follow it."""
    name = world.domain((10,))
    world.names.records[f"mx1.{name}", CNAME] = [world.host(f"real.{name}", "127.0.0.4")]
    assert world.sent(name) == "127.0.0.4"


def test_a_host_without_an_address_does_not_end_it(world):
    assert world.sent(world.domain((10,), (20, "127.0.0.2"))) == "127.0.0.2"
    world.not_sent(world.domain((10,), (20,)), "failed", "5.4.4", "has no address", transport="")
    # What may heal is told, not what will not.
    world.not_sent(world.domain((10, "127.0.0.9"), (20,)), "deferred", "4.4.1", "refused")
    world.not_sent(world.domain((10,), (20, "127.0.0.9")), "deferred", "4.4.1", "refused")


def test_what_does_not_exist(world):
    world.not_sent("nothing.test", "failed", "5.1.2", "there is no domain nothing.test", transport="")
    world.not_sent("x..test", "failed", "5.1.2", transport="")


def test_hosts_and_connections_of_one_errand_are_bounded(world):
    name = world.domain(*((10 * i, "127.0.0.9") for i in range(1, 6)), (60, "127.0.0.2"))
    with world.having(remote_hosts="3"):
        world.not_sent(name, "deferred", "4.4.1", f"mx3.{name}")
        assert (f"mx3.{name}", A) in world.names.asked and (f"mx4.{name}", A) not in world.names.asked
    with world.having(remote_connections="2"):
        world.not_sent(name, "deferred", "4.4.1", f"mx2.{name}")
    assert world.sent(name) == "127.0.0.2"


# --- families, source addresses, literals ----------------------------------------------------------------


def test_ipv6_before_ipv4(world):
    assert world.sent(world.domain((10, "127.0.0.2", "::1"))) == "::1"
    assert world.sent(world.domain((10, "127.0.0.2", "::ffff:127.0.0.9"))) == "127.0.0.2"


@pytest.mark.parametrize("families, host", [("any", "::1"), ("ipv4 ipv6", "127.0.0.2"), ("ipv4", "127.0.0.2"), ("ipv6", "::1")])
def test_address_family(world, families, host):
    with world.having(address_family=families):
        name = world.domain((10, "127.0.0.2", "::1"))
        assert world.sent(name) == host
        asked = {kind for asked, kind in world.names.asked if asked == f"mx1.{name}"}
        assert asked == ({A} if families == "ipv4" else {AAAA} if families == "ipv6" else {A, AAAA})
        if families == "ipv4":
            world.not_sent(world.domain((10, "::1")), "deferred", "4.4.4", "address_family")


def test_many_ipv6_addresses_do_not_drive_out_ipv4(world):
    addresses = [f"::ffff:127.0.0.{i}" for i in range(9, 39)]
    with world.having(remote_connections="20"):
        assert world.sent(world.domain((10, *addresses, "127.0.0.3"))) == "127.0.0.3"


def test_one_denied_family_does_not_deny_the_other(world):
    """RFC 4074 section 4.2: name servers that say NXDOMAIN where there is only no AAAA."""
    name = world.domain((10, "127.0.0.2"))
    world.names.twist = lambda answer, asked, kind, tcp: [answer[:3] + b"\x83" + answer[4:]] if kind == AAAA else None
    try:
        assert world.sent(name) == "127.0.0.2"
    finally:
        world.names.twist = None


def test_source_address_and_name(world):
    with world.having(outgoing_address4="127.0.0.5", outgoing_address6="::1", outgoing_name="out.example.test"):
        for host in ("127.0.0.2", "::1"):
            name = world.domain((10, host))
            world.sinks[host].commands.clear()
            assert world.sent(name) == host
            assert world.sinks[host].messages[-1].peer == ("127.0.0.5" if host == "127.0.0.2" else "::1")
            assert world.sinks[host].commands[0] == "EHLO out.example.test"


def test_a_source_address_that_is_not_ours_defers(world):
    with world.having(outgoing_address4="192.0.2.77"):
        world.not_sent(world.domain((10, "127.0.0.2")), "deferred", "4.4.1")
        world.suite.wait_log("remote", r"source-address-wrong .*address=192.0.2.77 .*outgoing_address4")
        assert world.sent(world.domain((10, "127.0.0.2", "::1"))) == "::1"


def test_address_literals(world):
    world.not_sent("[224.0.0.1]", "deferred", "4.4.1", "224.0.0.1[224.0.0.1]:25", transport="")
    world.not_sent("[IPv6:ff02::1]", "deferred", "4.4.1", "ff02::1[ff02::1]:25", transport="")
    assert not [asked for asked in world.names.asked if "224" in asked[0]]
    # No address: nobody looks a name up that stands in brackets.
    world.not_sent("[localhost]", "failed", "5.1.2", transport="")
    assert world.sent("x.test", transport=f"[127.0.0.2]:{world.port}") == "127.0.0.2"
    world.sinks["127.0.0.2"].messages.clear()


# --- loops ------------------------------------------------------------------------------------------------


def interface_address():
    """The address from which this machine would send to the world, or loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        with contextlib.suppress(OSError):
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
    return "127.0.0.1"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.77", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", interface_address()])
def test_our_own_address_is_a_loop(world, address):
    name = world.domain((10, address))
    world.not_sent(name, "failed", "5.4.6", f"mail for {name} loops back to this host", transport="")
    world.log(rf"mail-loops-back domain={name} host=mx1.{name} hint=.*relay_host.*own_addresses")


def test_our_own_name_is_a_loop(world):
    world.names.records["circle.test", MX] = [mx(10, "mail.example.test")]
    world.not_sent("circle.test", "failed", "5.4.6", transport="")


def test_a_literal_of_ours_is_a_loop(world):
    world.not_sent("[127.0.0.1]", "failed", "5.4.6", transport="")
    world.not_sent("[IPv6:::1]", "failed", "5.4.6", transport="")


def test_only_hosts_before_ourselves_are_tried(world):
    """RFC 5321 section 5.1: not those of our own preference, whatever chance says, and none behind us."""
    name = world.domain((10, "224.0.0.1"), (20, "224.0.0.2"), (20, "127.0.0.1"), (30, "224.0.0.3"))
    world.not_sent(name, "deferred", "4.4.1", f"mx1.{name}[224.0.0.1]", transport="")
    assert (f"mx4.{name}", A) not in world.names.asked
    text = [line for line in world.suite.log_text("remote").splitlines() if f"queue={world.id} " in line]
    assert not [line for line in text if "224.0.0.2" in line or "224.0.0.3" in line], text


def test_addresses_that_the_administrator_says_are_ours(world):
    name = world.domain((10, "198.51.100.7"))
    with world.having(own_addresses="198.51.100.0/24"):
        world.not_sent(name, "failed", "5.4.6", transport="")


def test_a_port_that_was_named_is_meant(world):
    """Another program of this host may listen there, a content filter say."""
    world.not_sent("x.test", "deferred", "4.4.1", "refused", transport="[127.0.0.9]:25")


def test_a_relay_host_that_is_ourselves_is_a_mistake_of_ours(world):
    world.not_sent("x.test", "deferred", "4.4.4", "loops back", transport="smtp:[127.0.0.1]")
    world.log("next-hop-wrong .*relay_host")


# --- what the name server does ------------------------------------------------------------------------------


@contextlib.contextmanager
def twisted(world, twist):
    world.names.twist = twist
    try:
        yield
    finally:
        world.names.twist = None


def test_a_cut_answer_is_asked_for_by_tcp(world):
    name = world.domain(*((10 + i, "127.0.0.9") for i in range(24)), (5, "127.0.0.3"))
    assert world.sent(name) == "127.0.0.3"
    assert (name, MX) in world.names.asked_by_tcp


@pytest.mark.parametrize("packets", [[], [b""], [b"\0" * 11]])
def test_a_cut_answer_without_a_whole_one_defers(world, packets):
    name = world.domain(*((10 + i, "127.0.0.2") for i in range(24)))
    with twisted(world, lambda answer, asked, kind, tcp: packets if tcp else None):
        world.not_sent(name, "deferred", "4.4.3", "could not be looked up")


def other_question(answer):
    return answer[:13] + b"z" + answer[14:]


LIES = {
    "another id": lambda answer: bytes([answer[0] ^ 1]) + answer[1:],
    "another question": other_question,
    "another type": lambda answer: answer[:12] + answer[12:].replace(b"\0\x0f\0\1", b"\0\x10\0\1", 1),
    "no answer": lambda answer: answer[:2] + bytes([answer[2] & 0x7f]) + answer[3:],
    "cut short": lambda answer: answer[:11],
    "empty": lambda answer: b"",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_answers_another_question_is_passed_over(world, lie):
    """A forger must guess id, port and question; what he sends before the answer does not count."""
    name, evil = world.domain((10, "127.0.0.2")), mx(1, "evil.test")
    world.host("evil.test", "127.0.0.3")

    def twist(answer, asked, kind, tcp):
        if kind != MX:
            return None
        forged = answer[:7] + b"\1" + answer[8:12] + answer[12:].split(b"\0\x0f\0\1", 1)[0] + b"\0\x0f\0\1"
        forged += b"\xc0\x0c" + struct.pack("!HHIH", MX, 1, 60, len(evil)) + evil
        return [lie(forged), answer]
    with twisted(world, twist):
        assert world.sent(name) == "127.0.0.2"


def records(answer, *pairs):
    """The answer with these (owner, type, data) instead of its records."""
    end = answer.index(b"\0", 12) + 5
    body = b"".join(owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for owner, kind, data in pairs)
    return [answer[:6] + struct.pack("!H", len(pairs)) + answer[8:end] + body]


def test_records_of_other_names_do_not_count(world):
    name = world.domain((10, "127.0.0.2"))
    world.host("evil.test", "127.0.0.3")
    with twisted(world, lambda answer, asked, kind, tcp: records(
            answer, (encode("other.test"), MX, mx(1, "evil.test")), (b"\xc0\x0c", MX, mx(10, f"mx1.{name}"))) if kind == MX else None):
        assert world.sent(name) == "127.0.0.2"


def test_an_answer_may_name_aliases_in_any_order(world):
    world.host("end.test", "127.0.0.4")
    world.names.records["first.test", 99] = []
    with twisted(world, lambda answer, asked, kind, tcp: records(
            answer, (encode("second.test"), CNAME, encode("third.test")), (encode("third.test"), MX, mx(1, "end.test")),
            (b"\xc0\x0c", CNAME, encode("second.test"))) if kind == MX else None):
        assert world.sent("first.test") == "127.0.0.4"


BROKEN = {
    "a name that points at itself": lambda answer: records(answer, (b"\xc0\x0c", MX, b"\0\1\xc0" + bytes([len(answer.split(b"\0\x0f\0\1")[0]) + 5 + 14]))),
    "an owner that points at itself": lambda answer: records(answer, (bytes([0xc0, answer.index(b"\0", 12) + 5]), MX, mx(1, "x.test"))),
    "aliases in a circle": lambda answer: records(answer, (b"\xc0\x0c", CNAME, encode("y.test")), (encode("y.test"), CNAME, answer[12:answer.index(b"\0", 12) + 1])),
    "a record that ends before its data": lambda answer: [answer[:-1]],
    "more records than there are": lambda answer: [answer[:6] + b"\xff\xff" + answer[8:]],
    "a host that is no name": lambda answer: records(answer, (b"\xc0\x0c", MX, b"\0\1\3a b\0")),
    "refused": lambda answer: [answer[:3] + b"\x85" + answer[4:]],
}


@pytest.mark.parametrize("broken", [name for name in BROKEN if name != "an owner that points at itself"])
def test_a_broken_answer_defers(world, broken):
    name = world.domain((10, "127.0.0.2"))
    with twisted(world, lambda answer, asked, kind, tcp: BROKEN[broken](answer) if kind == MX else None):
        world.not_sent(name, "deferred", "4.4.3", "could not be looked up")
    world.log(rf"names-unknown name={name} wanted=MX hint=.*resolver")


def test_an_owner_that_points_at_itself_is_nobody(world):
    name = world.host(world.domain(), "127.0.0.3")
    with twisted(world, lambda answer, asked, kind, tcp: BROKEN["an owner that points at itself"](answer) if kind == MX else None):
        assert world.sent(name) == "127.0.0.3"


@pytest.mark.parametrize("kind", [MX, A, AAAA])
def test_servfail_defers(world, kind):
    name = world.domain((10,))
    where = name if kind == MX else f"mx1.{name}"
    world.names.records[f"mx1.{name}", 99] = []
    world.names.records[where, kind] = "servfail"
    world.not_sent(name, "deferred", "4.4.3", "could not be looked up")


def test_a_resolver_that_is_away_defers(world):
    with world.having(resolver="127.0.0.9:53"):
        world.not_sent("nothing.test", "deferred", "4.4.3", "nothing.test", transport="")
        world.not_sent("null1.test", "deferred", "4.4.3", transport="")


def test_a_resolver_that_is_silent_defers(world):
    name = world.domain((10, "127.0.0.2"))
    before = len(world.names.asked)
    with twisted(world, lambda *_: []):
        world.not_sent(name, "deferred", "4.4.3", "could not be looked up")
    assert [asked for asked in world.names.asked[before:] if asked == (name, MX)] == [(name, MX)] * 2, "resolver_attempts"


def test_several_resolvers(world):
    with world.having(resolver=f"127.0.0.9:53 [::1]:1, {world.names.address}"):
        assert world.sent(world.domain((10, "127.0.0.2"))) == "127.0.0.2"


@pytest.mark.parametrize("name, value", [("resolver", "localhost"), ("resolver", "127.0.0.1:0"), ("address_family", "ipv5"), ("address_family", "ipv4 ipv4"),
                                         ("outgoing_address4", "::1"), ("outgoing_address6", "x"), ("own_addresses", "10.0.0.1/8")])
def test_a_wrong_setting_is_told(world, name, value):
    world.suite.set(name, value)
    try:
        result = world.suite.tool("remote", check=False)
    finally:
        world.suite.set(name, world.names.address if name == "resolver" else None)
    assert result.returncode == 100 and f"setting-wrong setting={name}" in result.stderr and "hint=" in result.stderr
