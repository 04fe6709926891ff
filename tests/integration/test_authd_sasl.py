"""SASL through authd's login socket: each mechanism, with each kind of stored password that it works with."""
import base64
import os
import statistics
import time

import pytest

from harness.authd import Authd
from harness.packets import Peer
from harness.sasl import Cram, Digest, External, Plain, Scram, b64, digest_response, run, unb64

SECRET = "Secret w\u00f6rds"
PEOPLE = {"hash": "YESCRYPT", "clear": "PLAIN", "one": "SCRAM-SHA-1", "two": "SCRAM-SHA-256", "argon": "ARGON2ID", "six": "SHA512-CRYPT"}
# What other programs made of the same password (doveadm pw).
OTHERS = {"cram": "{CRAM-MD5}e0fc54020091abfcdc44542e94fe832d83a86b88a9af15ca3ffcdffb0b7200a2",
          "dove1": "{SCRAM-SHA-1}4096,dzIOL6/0n9dOkgg1ms4gqA==,CaJzTXaC5gl0WZNblmQnvNQoq2c=,pCNwLzfryMwPWVk6LObII5cs5rw=",
          "dove2": "{SCRAM-SHA-256}4096,1O74w1e1Zy0/nM/7Gw+U7g==,bGPfaTohsEYwG14MRhwCQqmoER0o0uO3TYEbvDHCQ+w=,"
                   "zYUkRpt3txKDQyPp1NErw3hGtZJuhy4vCt6OgkvNDnw=",
          "lanes": "{ARGON2ID}$argon2id$v=19$m=1024,t=2,p=4$c29tZXNhbHRzb21lc2FsdA$",
          "weak": "{PLAIN-MD5}2b5aec5586a4fd60d2531e06ce652efd", "short": "$6$BFLt5kntMDHlNw.E$RXwyiqtxresOr0.xOF99", "lock": "!"}
EXPORTER, UNIQUE = os.urandom(32), os.urandom(12)
BINDING = f"tls-exporter={b64(EXPORTER)} tls-unique={b64(UNIQUE)}"


def address(name):
    return f"{name}@example.test"


@pytest.fixture(scope="module")
def authd():
    # The passwords are of all kinds on purpose, so the mechanisms are insisted on.
    made = Authd(hash_workers="1", weak_schemes="CRAM-MD5", sasl_mechanisms=" ".join(
        f"{name}!" for name in ("EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5",
                                "CRAM-MD5", "PLAIN", "LOGIN")))
    for name, scheme in PEOPLE.items():
        made.tool("users", "add", address(name), "--stdin", "--scheme", scheme, input=SECRET + "\n")
    path = made.settings / "users"
    path.write_text(path.read_text() + "".join(f"user {address(name)} {text}\n" for name, text in OTHERS.items()))
    made.tool("users", "compile")
    with made as running:
        yield running


def hello(authd, certificate=None, binding=None):
    peer = Peer(authd, "authd/login", timeout=30)
    fields = [field for field in (certificate if certificate is not None or binding is None else "", binding) if field is not None]
    assert peer.ask("hello", "t", "imap", "127.0.0.1", "tls", *fields)[0] == "ok"
    return peer


def login(authd, mechanism, client, initial=True, **line):
    with hello(authd, **line) as peer:
        return run(peer, mechanism, client, initial)


def last_reason(authd):
    return [line for line in authd.log().splitlines() if " login" in line][-1]


# --- a password in clear -----------------------------------------------------------------

@pytest.mark.parametrize("name", [*PEOPLE, "cram", "dove1", "dove2"])
def test_plain_with_every_kind_of_stored_password(authd, name):
    assert login(authd, "PLAIN", Plain(address(name), SECRET))[:3] == ["ok", "t", address(name)]
    assert login(authd, "PLAIN", Plain(address(name), "secret words"))[0] == "no"
    assert "wrong password" in last_reason(authd)
    assert login(authd, "PLAIN", Plain(address(name), ""))[0] == "no"


def test_saslprep_makes_one_of_two_ways_to_write_it(authd):
    """The o and its dots apart; what a phone may send. The bytes as they came are tried as well."""
    assert login(authd, "PLAIN", Plain(address("hash"), "Secret wo\u0308rds"))[0] == "ok"
    assert login(authd, "PLAIN", Plain(address("hash"), "Secret\u00a0w\u00f6rds"))[0] == "ok"
    made = Authd(hash_workers="1")
    made.tool("users", "add", address("raw"), "--stdin", input="wo\u0308rds\n")
    with made as running:
        assert login(running, "PLAIN", Plain(address("raw"), "wo\u0308rds"))[0] == "ok"


def test_a_row_that_cannot_be_used_is_not_a_wrong_password(authd):
    for name, reason in {"weak": "weak_schemes", "short": "column is too short for its hash", "lanes": "cut by its column"}.items():
        assert login(authd, "PLAIN", Plain(address(name), SECRET))[0] == "later"
        assert reason in last_reason(authd), last_reason(authd)
    assert login(authd, "PLAIN", Plain(address("lock"), "!"))[0] == "no"


def test_argon2_with_lanes_needs_no_threads(authd):
    """A confined worker cannot start any: it would be killed."""
    text = OTHERS["lanes"] + base64.b64encode(bytes(32)).decode().rstrip("=")
    path = authd.settings / "users"
    before = path.read_text()
    path.write_text(before + f"user {address('four')} {text}\n")
    authd.tool("users", "compile")
    time.sleep(1)
    assert login(authd, "PLAIN", Plain(address("four"), SECRET))[0] == "no"
    assert "worker-lost" not in authd.log()


def test_bytes_that_are_no_utf8(authd):
    """Latin-1 of an old client: as Dovecot does it, the bytes count. SCRAM's texts are UTF-8 by definition."""
    made = Authd(hash_workers="1")
    (made.settings / "users").write_text(f"user {address('old')} {{PLAIN.hex}}77f6726473\n")
    made.tool("users", "compile")
    with made as running:
        for word, password in (("ok", "w\udcf6rds"), ("no", "w\udcf6rdz"), ("no", "w\u00f6rds")):
            assert login(running, "PLAIN", Plain(address("old"), password))[0] == word
            assert running.login(address("old"), password) == word
        assert login(running, "PLAIN", Plain(address("o\udcffd"), "x"))[0] == "no"
        assert login(running, "PLAIN", Plain("", "\udcff"))[0] == "no"


# --- SCRAM ------------------------------------------------------------------------------------

SCRAMS = [("SCRAM-SHA-1", "sha1", "clear"), ("SCRAM-SHA-1", "sha1", "one"), ("SCRAM-SHA-1", "sha1", "dove1"),
          ("SCRAM-SHA-256", "sha256", "clear"), ("SCRAM-SHA-256", "sha256", "two"), ("SCRAM-SHA-256", "sha256", "dove2")]


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism, digest, name", SCRAMS)
def test_scram(authd, mechanism, digest, name, initial):
    assert login(authd, mechanism, Scram(digest, address(name), SECRET), initial)[:3] == ["ok", "t", address(name)]
    assert login(authd, mechanism, Scram(digest, address(name), "secret words"), initial)[0] == "no"
    assert "wrong password" in last_reason(authd)


@pytest.mark.parametrize("header, data", [("p=tls-exporter,,", EXPORTER), ("p=tls-unique,,", UNIQUE)])
@pytest.mark.parametrize("mechanism, digest, name", SCRAMS)
def test_scram_is_bound_to_its_channel(authd, mechanism, digest, name, header, data):
    mechanism += "-PLUS"
    assert login(authd, mechanism, Scram(digest, address(name), SECRET, header, data), binding=BINDING)[0] == "ok"
    other = bytes([data[0] ^ 1]) + data[1:]
    assert login(authd, mechanism, Scram(digest, address(name), SECRET, header, other), binding=BINDING)[0] == "no"
    assert login(authd, mechanism, Scram(digest, address(name), SECRET, header, data[:-1]), binding=BINDING)[0] == "no"


def test_a_binding_that_is_not_there_binds_nothing(authd):
    client = Scram("sha256", address("two"), SECRET, "p=tls-exporter,,", b"")
    assert login(authd, "SCRAM-SHA-256-PLUS", client)[0] == "no"
    assert login(authd, "SCRAM-SHA-256-PLUS", client, binding=f"tls-unique={b64(UNIQUE)}")[0] == "no"
    assert login(authd, "SCRAM-SHA-256-PLUS", Scram("sha256", address("two"), SECRET), binding=BINDING)[0] == "no"
    # RFC 5802 section 6: who takes away the offer of -PLUS is found out.
    assert login(authd, "SCRAM-SHA-256", Scram("sha256", address("two"), SECRET, "y,,"), binding=BINDING)[0] == "no"
    assert login(authd, "SCRAM-SHA-256", Scram("sha256", address("two"), SECRET, "y,,"))[0] == "ok"


def first_answer(authd, mechanism, digest, user):
    with hello(authd) as peer:
        client = Scram(digest, user, SECRET)
        status, _, challenge, *_ = peer.ask("auth", "t", mechanism, b64(client.first()))
        assert status == "more"
        final = client.answer(unb64(challenge))
        assert peer.ask("more", "t", b64(final))[0] == "no"
        return client.salt, client.rounds


def test_who_does_not_exist_looks_like_anybody(authd):
    """And so does one whose hash SCRAM cannot use: salt and rounds as others have, the same each time, then a no."""
    seen = set()
    for mechanism, digest in (("SCRAM-SHA-1", "sha1"), ("SCRAM-SHA-256", "sha256")):
        for name in ("nobody", "hash", "lock"):
            salt, rounds = first_answer(authd, mechanism, digest, address(name))
            assert (salt, rounds) == first_answer(authd, mechanism, digest, address(name))
            assert (salt, rounds) == first_answer(authd, mechanism, digest, address(name).upper())
            assert rounds == 4096 and len(unb64(salt)) == 16
            seen.add(salt)
    assert len(seen) == 6
    login(authd, "SCRAM-SHA-1", Scram("sha1", address("hash"), SECRET))
    assert "this mechanism cannot work with a hashed password" in last_reason(authd)
    login(authd, "SCRAM-SHA-1", Scram("sha1", address("nobody"), SECRET))
    assert "no such user" in last_reason(authd)


def test_scram_takes_the_same_time_for_all(authd):
    times = {name: [] for name in ("nobody", "hash", "clear", "one")}
    for _ in range(60):
        for name, taken in times.items():
            with hello(authd) as peer:
                client = Scram("sha1", address(name), "wrong")
                began = time.perf_counter()
                challenge = peer.ask("auth", "t", "SCRAM-SHA-1", b64(client.first()))[2]
                taken.append(time.perf_counter() - began)
                final = client.answer(unb64(challenge))
                began = time.perf_counter()
                assert peer.ask("more", "t", b64(final))[0] == "no"
                taken[-1] += time.perf_counter() - began
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    assert min(medians.values()) > 0.5 * max(medians.values()), medians


# --- CRAM-MD5, DIGEST-MD5 -----------------------------------------------------------------------

@pytest.mark.parametrize("name", ["clear", "cram"])
def test_cram_md5(authd, name):
    assert login(authd, "CRAM-MD5", Cram(address(name), SECRET))[:3] == ["ok", "t", address(name)]
    assert login(authd, "CRAM-MD5", Cram(address(name), "wrong"))[0] == "no"


def test_old_mechanisms_cannot_work_with_hashes(authd):
    for mechanism, client in (("CRAM-MD5", Cram), ("DIGEST-MD5", Digest)):
        for name, reason in {"hash": "hashed password", "two": "hashed password", "nobody": "no such user", "lock": "wrong password"}.items():
            assert login(authd, mechanism, client(address(name), SECRET))[0] == "no"
            assert reason in last_reason(authd)


def test_the_digest_of_this_test_is_that_of_the_rfc():
    """RFC 2831 section 4."""
    assert digest_response("chris", "elwood.innosoft.com", "secret", "OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk",
                           "imap/elwood.innosoft.com") == "d388dad90d4bbd760a152321f2143af7"


def test_digest_md5(authd):
    assert login(authd, "DIGEST-MD5", Digest(address("clear"), "x"))[0] == "no"
    made = Authd(hash_workers="1", sasl_mechanisms="DIGEST-MD5 PLAIN")
    made.tool("users", "add", address("clear"), "--stdin", "--scheme", "PLAIN", input="secret words\n")
    with made as running:
        assert login(running, "DIGEST-MD5", Digest(address("clear"), "secret words"))[:3] == ["ok", "t", address("clear")]
        assert login(running, "DIGEST-MD5", Digest("clear", "secret words", realm="example.test"))[:3] == ["ok", "t", address("clear")]
        assert login(running, "DIGEST-MD5", Digest(address("clear"), "secret words", realm="example.test"))[0] == "ok"
        assert login(running, "DIGEST-MD5", Digest("clear", "secret words", realm="far.test"))[0] == "no"
        assert login(running, "DIGEST-MD5", Digest("clear", "secret words"))[0] == "no"
        assert login(running, "DIGEST-MD5", Digest(address("clear"), "secret wordS"))[0] == "no"
        for change in ({"nonce": "other"}, {"qop": "auth-conf"}, {"qop": "auth-int"}):
            assert login(running, "DIGEST-MD5", Digest(address("clear"), "secret words", **change))[0] == "no", change


def test_a_mechanism_that_was_withdrawn_since_the_greeting_is_no_wrong_password():
    made = Authd(sasl_mechanisms="SCRAM-SHA-256 PLAIN")
    made.user(address("hash"), SECRET)
    made.tool("users", "add", address("clear"), "--stdin", "--scheme", "PLAIN", input=SECRET + "\n")
    with made as authd, hello(authd) as early:
        assert run(early, "SCRAM-SHA-256", Scram("sha256", address("clear"), SECRET))[0] == "ok"
        assert authd.login(address("hash"), SECRET) == "ok"
        assert run(early, "SCRAM-SHA-256", Scram("sha256", address("clear"), SECRET))[0] == "later"
        assert run(early, "CRAM-MD5", Cram(address("clear"), SECRET))[0] == "no", "it never was offered"
        assert run(early, "PLAIN", Plain(address("clear"), SECRET))[0] == "ok"


# --- EXTERNAL, acting for another ------------------------------------------------------------------

def test_external(authd):
    for initial in (True, False):
        assert login(authd, "EXTERNAL", External(), initial, certificate=address("hash"))[:3] == ["ok", "t", address("hash")]
    assert login(authd, "EXTERNAL", External(address("hash")), certificate=address("hash"))[0] == "ok"
    assert login(authd, "EXTERNAL", External(address("clear")), certificate=address("hash"))[0] == "no"
    assert login(authd, "EXTERNAL", External(), certificate=address("nobody"))[0] == "no"
    assert login(authd, "EXTERNAL", External(), certificate="")[0] == "no"
    assert "not offered" in authd.log().splitlines()[-1]


def test_nobody_acts_for_another(authd):
    assert login(authd, "PLAIN", Plain(address("hash"), SECRET, address("clear")))[0] == "no"
    assert login(authd, "PLAIN", Plain(address("hash"), SECRET, address("hash")))[0] == "ok"
    assert login(authd, "SCRAM-SHA-256", Scram("sha256", address("two"), SECRET, f"n,a={address('one')},"))[0] == "no"
    assert login(authd, "SCRAM-SHA-256", Scram("sha256", address("two"), SECRET, f"n,a={address('two')},"))[0] == "ok"


# --- hostile clients ------------------------------------------------------------------------------------

MECHANISMS = ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL", "CRAM-MD5", "DIGEST-MD5"]
JUNK = [b"", b"\0", b"\0" * 100, b"\xff" * 50, b"n,,n=,r=", b"n,,n=a", b"n,,n=a\0b,r=x", b"p=tls-exporter,,n=a,r=b", b"=" * 100, b"," * 4000,
        b"n,,n=" + b"a" * 9000 + b",r=x", b"n,,n=clear@example.test,r=" + b"x" * 9000, b'username="' + b"a" * 8000, b'username="a",response=x',
        b"clear@example.test ", b" ", b" " + b"0" * 32, b"clear@example.test\0 " + b"0" * 32, b"hash@example.test\0", b"a\nb", b"x" * 12288,
        bytes(range(256)), b'realm="a",realm="b",username="x",nonce="x",nc=00000001,cnonce="x",digest-uri="x/y",response=' + b"0" * 32]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_junk_is_a_no_and_the_worker_goes_on(authd, mechanism):
    workers = authd.children()
    for junk in JUNK:
        for second in (junk, b"", b"c=biws,r=x,p=AAAA"):
            with hello(authd, certificate=address("hash"), binding=BINDING) as peer:
                answer = peer.ask("auth", "t", mechanism, *([] if mechanism in ("CRAM-MD5", "DIGEST-MD5", "LOGIN") else [b64(junk) or "="]))
                for message in (junk, second, second):
                    if answer[0] != "more":
                        break
                    answer = peer.ask("more", "t", b64(message))
                assert answer[0] == "no" or (mechanism == "EXTERNAL" and junk == b""), (junk, answer)
    assert authd.children() == workers
    assert login(authd, "PLAIN", Plain(address("clear"), SECRET))[0] == "ok"


def test_64_kib_of_anything(authd):
    for mechanism in MECHANISMS:
        with hello(authd, certificate=address("hash"), binding=BINDING) as peer:
            assert peer.ask("auth", "t", mechanism, "A" * 64000)[0] in ("no", "later")
    with hello(authd) as peer:
        assert peer.ask("auth", "t", "X" * 64000)[0] in ("no", "later")


def test_a_client_that_goes_on_after_the_end_is_not_let_in(authd):
    with hello(authd) as peer:
        client = Scram("sha1", address("one"), SECRET)
        challenge = peer.ask("auth", "t", "SCRAM-SHA-1", b64(client.first()))[2]
        status, _, last = peer.ask("more", "t", b64(client.answer(unb64(challenge))))
        assert status == "more" and client.answer(unb64(last)) == ""
        assert peer.ask("more", "t", b64("more"))[0] == "no"


def test_an_initial_response_where_the_server_speaks_first(authd):
    with hello(authd) as peer:
        assert peer.ask("auth", "t", "CRAM-MD5", b64("x y"))[0] == "no"
        assert peer.ask("auth", "t", "DIGEST-MD5", b64("x y"))[0] == "no"


@pytest.mark.parametrize("fields", [("x" * 321,), ("", "x" * 1025)])
def test_a_certificate_name_or_binding_without_measure_ends_the_conversation(authd, fields):
    with Peer(authd, "authd/login") as peer:
        assert peer.ask("hello", "t", "imap", "127.0.0.1", "tls", *fields) is None


# --- settings ----------------------------------------------------------------------------------------------

def test_password_scheme_and_weak_schemes():
    made = Authd(password_scheme="plain-md5", weak_schemes="PLAIN-MD5", hash_workers="1")
    (made.settings / "users").write_text(f"user {address('old')} 2b5aec5586a4fd60d2531e06ce652efd\nuser {address('new')} {{PLAIN}}abc\n")
    made.tool("users", "compile")
    with made as running:
        assert running.login(address("old"), SECRET) == "ok"
        assert running.login(address("new"), "abc") == "ok"
        assert running.login(address("old"), "x") == "no"


@pytest.mark.parametrize("settings", [{"password_scheme": "NTLM"}, {"weak_schemes": "MD5-CRYPT PLAIN-MD6"}])
def test_an_unknown_scheme_in_a_setting_is_told_at_the_start(settings):
    made = Authd(**settings)
    made.process = made.start().process
    try:
        assert made.process.wait(10) == 100
        assert "no such scheme" in made.log()
    finally:
        made.process.kill()


def test_users_takes_schemes(authd):
    text = (authd.settings / "users").read_text()
    for name, mark in {"hash": "$y$", "clear": "{PLAIN.b64}", "two": "{SCRAM-SHA-256}4096,", "argon": "{ARGON2ID}$argon2id$", "six": "$6$"}.items():
        assert f"user {address(name)} {mark}" in text
    for scheme in ("PLAIN-MD5", "nonsense"):
        result = authd.tool("users", "add", address("x"), "--stdin", "--scheme", scheme, input="abc\n", check=False)
        assert result.returncode == 100 and "YESCRYPT" in result.stderr
    result = authd.tool("users", "add", address("x"), "--stdin", "--scheme", "BLF-CRYPT", input="x" * 100 + "\n", check=False)
    assert result.returncode == 100 and "too long" in result.stderr
