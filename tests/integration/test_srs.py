"""Forwarding to strangers under a sender of ours (SRS), and the way back of bounces: what is not ours to carry is refused."""
import base64
import hashlib
import hmac
import pwd
import re
import shutil
import time

import pytest

from harness import Sink, Suite, wait_for
from test_queue import Intake

FAR = "far.test"
SECRETS = ["the first secret", "an older secret"]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def signed(secret, *parts):
    """As the published scheme has it: HMAC-SHA1 over the parts in lower case, the first letters of its base64."""
    digest = hmac.new(secret.encode(), "".join(parts).lower().encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()[:4]


def stamp(age=0):
    day = (int(time.time() // 86400) - age) % 1024
    return ALPHABET[day >> 5] + ALPHABET[day & 31]


def srs0(local, domain, secret=SECRETS[0], age=0):
    when = stamp(age)
    return f"SRS0={signed(secret, when, domain, local)}={when}={domain}={local}@srs.example.test"


def srs1(forwarder, rest, secret=SECRETS[0]):
    return f"SRS1={signed(secret, forwarder, rest)}={forwarder}={rest}@srs.example.test"


@pytest.fixture(scope="module")
def house():
    with Sink() as sink, Suite("srs", {"relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1s", "postmaster": "boss@example.test"}) as suite:
        secrets = suite.prefix / "srs"
        shutil.rmtree(secrets, ignore_errors=True)
        secrets.mkdir()
        (secrets / "secret").write_text("# the first signs\n" + "\n".join(SECRETS) + "\n")
        owner = pwd.getpwnam("postern-authd")
        for path in (secrets, secrets / "secret"):
            shutil.chown(path, owner.pw_uid, owner.pw_gid)
        (secrets / "secret").chmod(0o600)
        suite.set("srs_domain", "srs.example.test")
        suite.set("srs_secret", secrets / "secret")
        suite.restart("authd")
        suite.sink = sink
        suite.user("boss")
        suite.alias("out@example.test", [f"friend@{FAR}"])
        suite.alias("both@example.test", ["boss@example.test", f"friend@{FAR}"])
        yield suite
        assert not suite.findings()


def pass_through(house, sender, recipient, needle, *keys):
    """What the next host got."""
    with Intake(house) as client:
        client.submit(sender, [recipient], f"Subject: {needle}\r\n\r\n{needle}\r\n".encode(), *keys)
    return wait_for(lambda: f"{needle} in {house.sink.messages}\n{house.log_text('queued')[-2000:]}", 20,
                    lambda: next((m for m in house.sink.messages if needle.encode() in m.data), None))


# --- forwarding -----------------------------------------------------------------------------------

def test_a_strangers_mail_goes_on_under_an_address_of_ours(house):
    message = pass_through(house, "Al.Bo@stranger.test", "out@example.test", "needle-forward")
    assert message.recipients == [f"friend@{FAR}"]
    assert message.sender == srs0("Al.Bo", "stranger.test")


def test_one_that_was_rewritten_before_keeps_its_first_forwarder(house):
    message = pass_through(house, "SRS0=abcd=XY=origin.test=ann@hop.test", "out@example.test", "needle-second")
    assert message.sender == srs1("hop.test", "=abcd=XY=origin.test=ann")
    message = pass_through(house, "SRS1=wxyz=hop.test==abcd=XY=origin.test=ann@later.test", "out@example.test", "needle-third")
    assert message.sender == srs1("hop.test", "=abcd=XY=origin.test=ann")


def test_a_quoted_sender_is_carried_whole(house):
    message = pass_through(house, '"a b"@stranger.test', "out@example.test", "needle-quoted")
    address = srs0("a b", "stranger.test")
    assert message.sender == f'"{address.rpartition("@")[0]}"@srs.example.test'


@pytest.mark.parametrize("sender, recipient, keys", [
    ("", "out@example.test", ()),                                      # nobody to be told
    ("boss@example.test", "out@example.test", ()),                     # one of our own domains
    ("boss@srs.example.test", "out@example.test", ()),
    ("al@stranger.test", "out@example.test", ("login=boss@example.test",)),  # from inside
    ("al@stranger.test", f"direct@{FAR}", ()),                         # no alias gave it
], ids=["null", "own", "srs-domain", "login", "no-alias"])
def test_other_senders_stay_as_they_are(house, sender, recipient, keys):
    needle = f"needle-stay-{sender}-{recipient}-{len(keys)}"
    assert pass_through(house, sender, recipient, needle, *keys).sender == sender


def test_a_mailbox_here_sees_the_sender_himself(house):
    boss = len(house_messages(house))
    pass_through(house, "al@stranger.test", "both@example.test", "needle-both")
    wait_for("boss's copy", 20, lambda: len(house_messages(house)) > boss)
    [copy] = [m for m in house_messages(house) if b"needle-both" in m]
    assert b"Return-Path: <al@stranger.test>" in copy


def house_messages(house):
    return [p.read_bytes() for p in (house.mail_root / "example.test/boss").glob("*/*") if p.parent.name in ("new", "cur")]


# --- the way back ---------------------------------------------------------------------------------

def rcpt(house, sender, recipient):
    with house.smtp() as client:
        client.ehlo()
        assert client.command(f"MAIL FROM:<{sender}>")[0] == 250
        code, *text = client.command(f"RCPT TO:<{recipient}>")
        return code, str(text)


def ours():
    """Made when they are asked for: what is 21 days old when the tests begin may be 22 when midnight is over."""
    plain = srs0("al", "stranger.test")
    return {
        "fresh": plain, "lower": plain.lower(), "upper": plain.upper(), "older-secret": srs0("al", "stranger.test", secret=SECRETS[1]),
        "21-days": srs0("al", "stranger.test", age=21), "equals": srs0("al=x=y", "stranger.test"),
        "plus": plain.replace("SRS0=", "SRS0+"), "minus": plain.replace("SRS0=", "srs0-"),
        "srs1": srs1("hop.test", "=abcd=XY=origin.test=ann"),
    }


@pytest.mark.parametrize("name", ours())
def test_a_bounce_is_taken_for_an_address_of_ours(house, name):
    assert rcpt(house, "", ours()[name])[0] == 250


@pytest.mark.parametrize("sender", ["al@stranger.test", "boss@example.test"])
def test_nothing_but_bounces_is(house, sender):
    code, text = rcpt(house, sender, srs0("al", "stranger.test"))
    assert code == 550 and "bounces only" in text


def forged():
    return {
        "other-user": srs0("al", "stranger.test").replace("=al@", "=victim@"),
        "other-domain": srs0("al", "stranger.test").replace("stranger.test", "victim.test"),
        "other-secret": srs0("al", "stranger.test", secret="guessed it"),
        "22-days": srs0("al", "stranger.test", age=22), "from-next-year": srs0("al", "stranger.test", age=-2),
        "no-hash": f"SRS0=={stamp()}=stranger.test=al@srs.example.test",
        "short-hash": re.sub("=(...).=", r"=\1=", srs0("al", "stranger.test"), count=1),
        "no-user": f"SRS0={signed(SECRETS[0], stamp(), 'stranger.test', '')}={stamp()}=stranger.test=@srs.example.test",
        "no-parts": "SRS0=abcd@srs.example.test", "nothing": "SRS0=@srs.example.test", "srs1-nothing": "SRS1=@srs.example.test",
        "srs1-other": srs1("hop.test", "=abcd=XY=origin.test=ann").replace("hop.test", "victim.test"),
        "two-at": f"\"SRS0={signed(SECRETS[0], stamp(), 'victim.test', 'a@b')}={stamp()}=victim.test=x@y\"@srs.example.test",
    }


@pytest.mark.parametrize("name", forged())
@pytest.mark.parametrize("sender", ["", "al@stranger.test"])
def test_what_we_did_not_make_or_is_old_is_refused(house, name, sender):
    code, _ = rcpt(house, sender, forged()[name])
    assert code == 550


def test_elsewhere_it_is_an_address_like_any_other(house):
    assert rcpt(house, "", srs0("al", "stranger.test").replace("srs.example.test", FAR))[0] == 550
    assert rcpt(house, "", srs0("al", "stranger.test").replace("srs.example.test", "example.test"))[0] == 550


def test_a_bounce_reaches_the_first_sender(house):
    with house.smtp() as client:
        client.ehlo()
        client.message("", [srs0("Al.Bo", "stranger.test")], b"Subject: bounce\r\n\r\nneedle-back\r\n")
    message = wait_for(lambda: f"the bounce in {house.sink.messages}", 20,
                       lambda: next((m for m in house.sink.messages if b"needle-back" in m.data), None))
    assert (message.sender, message.recipients) == ("", ["Al.Bo@stranger.test"])


def test_a_bounce_goes_back_to_the_first_forwarder(house):
    with house.smtp() as client:
        client.ehlo()
        client.message("", [srs1("hop.test", "=abcd=XY=origin.test=ann")], b"Subject: bounce\r\n\r\nneedle-hop\r\n")
    message = wait_for(lambda: f"the bounce in {house.sink.messages}", 20,
                       lambda: next((m for m in house.sink.messages if b"needle-hop" in m.data), None))
    assert message.recipients == ["SRS0=abcd=XY=origin.test=ann@hop.test"]


def test_a_failed_forward_is_told_to_the_sender_himself(house):
    house.sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody here" if "friend@" in line else None
    try:
        with Intake(house) as client:
            client.submit("al@stranger.test", ["out@example.test"], b"Subject: x\r\n\r\nneedle-told\r\n")
        bounce = wait_for("the bounce", 20, lambda: next((m for m in house.sink.messages if m.sender == "" and b"nobody here" in m.data), None))
    finally:
        del house.sink.answers["RCPT"]
    assert bounce.recipients == ["al@stranger.test"]


def test_lookup_shows_it(house):
    assert srs0("al", "stranger.test") in house.tool("lookup", "forward", "al@stranger.test").stdout
    said = house.tool("lookup", "rcpt", srs0("al", "stranger.test")).stdout
    assert "class     return" in said and "al@stranger.test" in said
    assert "rewritten sender, expired" in house.tool("lookup", "rcpt", srs0("al", "stranger.test", age=30)).stdout


def test_without_a_secret_that_is_ours_alone_it_waits(house):
    path = house.prefix / "srs/secret"
    house.down("authd")
    path.chmod(0o644)
    try:
        house.up("authd")
        assert "later" in house.tool("lookup", "forward", "al@stranger.test", check=False).stdout
        house.wait_log("authd", "srs-secret-unreadable.*mode 0600")
    finally:
        path.chmod(0o600)
    wait_for("the secret to be read", 10, lambda: "answer    ok" in house.tool("lookup", "forward", "al@stranger.test", check=False).stdout)
