"""Copies: always_bcc, sender_bcc, recipient_bcc. Once for each message, and nobody hears of their failure."""
import signal

import pytest

from harness import Sink, Suite, wait_for
from test_queue import Intake

MESSAGE = b"Subject: %s\r\n\r\n%s\r\n"


@pytest.fixture(scope="module")
def house():
    with Sink() as sink, Suite("bcc", {"relay_host": f"[127.0.0.1]:{sink.port}", "retry_first": "1s"}) as suite:
        maps = suite.prefix / "maps"
        maps.mkdir(exist_ok=True)
        maps.chmod(0o755)
        suite.sink = sink
        for name in ("ann", "bob", "always", "watch", "third"):
            setattr(suite, name, suite.user(name))
        suite.alias("list@example.test", ["ann@example.test", "bob@example.test"])
        (maps / "sender_bcc").write_text("ann@example.test watch@example.test\n@club.test watch@example.test, third@example.test\n"
                                         "broken@example.test nobody@example.test\n")
        (maps / "recipient_bcc").write_text("bob@example.test watch@example.test\n@far.test third@example.test\n")
        for name, value in {"always_bcc": "always@example.test", "sender_bcc": maps / "sender_bcc", "recipient_bcc": maps / "recipient_bcc"}.items():
            suite.set(name, value)
        suite.restart("authd")
        suite.restart("queued")
        yield suite
        assert not suite.findings()


def submit(house, sender, recipients, needle, *keys):
    with Intake(house) as client:
        queue_id = client.submit(sender, recipients, MESSAGE % (needle.encode(), needle.encode()), *keys)
    return queue_id


def ended(house, queue_id):
    wait_for(lambda: f"{queue_id} to be done:\n{house.log_text('queued')[-2000:]}", 20, lambda: not list(house.queue.glob(f"*/{queue_id}")))


def copies(account, needle):
    return sum(needle.encode() in message for message in account.messages())


def counts(house, needle):
    return {name: copies(getattr(house, name), needle) for name in ("ann", "bob", "always", "watch", "third")}


@pytest.mark.parametrize("sender, recipients, wanted", [
    ("x@stranger.test", ["ann@example.test"], {"ann": 1, "always": 1}),
    ("ann@example.test", ["third@example.test"], {"third": 1, "always": 1, "watch": 1}),
    ("ann+tag@example.test", ["third@example.test"], {"third": 1, "always": 1, "watch": 1}),
    ("any@club.test", ["ann@example.test"], {"ann": 1, "always": 1, "watch": 1, "third": 1}),
    ("x@stranger.test", ["bob@example.test"], {"bob": 1, "always": 1, "watch": 1}),
    ("x@stranger.test", ["any@far.test"], {"always": 1, "third": 1}),
    ("ann@example.test", ["bob@example.test"], {"bob": 1, "always": 1, "watch": 1}),  # by two maps, one copy
    ("x@stranger.test", ["always@example.test"], {"always": 1}),  # who gets it anyway
    ("", ["ann@example.test"], {"ann": 1, "always": 1}),  # a stranger's bounce is a message like others
], ids=["always", "sender", "extension", "sender-domain", "recipient", "recipient-domain", "both", "twice", "null"])
def test_who_gets_a_copy(house, sender, recipients, wanted):
    needle = f"needle-{sender}-{recipients[0]}"
    ended(house, submit(house, sender, recipients, needle))
    assert {name: count for name, count in counts(house, needle).items() if count} == wanted


def test_recipients_are_those_that_the_sender_named(house):
    """recipient_bcc is asked for what was written, before aliases, as Postfix does it."""
    ended(house, submit(house, "x@stranger.test", ["list@example.test"], "needle-list"))
    assert counts(house, "needle-list") == {"ann": 1, "bob": 1, "always": 1, "watch": 0, "third": 0}


def test_nobody_hears_of_a_copy_that_fails(house):
    before = len(house.ann.messages())
    house.user("broken")
    broken = house.mail_root / "example.test/broken"
    ended(house, submit(house, "broken@example.test", ["ann@example.test"], "needle-fails"))
    house.wait_log("queued", "failed.*to=nobody@example.test")
    assert copies(house.ann, "needle-fails") == 1 and len(house.ann.messages()) == before + 1
    assert not [p for p in broken.glob("new/*")], "a bounce"


def test_a_bounce_of_ours_gets_none(house):
    ended(house, submit(house, "ann@example.test", ["nobody@example.test"], "needle-bounced"))
    wait_for("ann's bounce", 20, lambda: any(b"needle-bounced" in m and b"delivery-status" in m for m in house.ann.messages()))
    ours = [m for m in house.always.messages() if b"needle-bounced" in m and b"delivery-status" in m]
    assert ours == [] and copies(house.always, "needle-bounced") == 1


def held_back(house, needle):
    """A message whose only recipient is elsewhere and is deferred; its copies are delivered."""
    house.sink.answers["RCPT"] = lambda line: "450 4.2.0 not now"
    queue_id = submit(house, "ann@example.test", ["slow@far.test"], needle)
    house.wait_log("queued", f"deferred.*queue={queue_id}", 20)
    wait_for("the copies", 20, lambda: counts(house, needle) == {"ann": 0, "bob": 0, "always": 1, "watch": 1, "third": 1})
    return queue_id


def test_it_stands_in_the_file_and_is_not_added_again(house):
    try:
        queue_id = held_back(house, "needle-file")
        [path] = house.queue.glob(f"*/{queue_id}")
        text = path.read_bytes()
        assert text.count(b"\nbcc 0 3 ") == 1 and text.count(b"notify=NEVER") == 3
        assert "always@example.test" in house.tool("mailq").stdout or "slow@far.test" in house.tool("mailq").stdout
        house.kill("queued", signal.SIGKILL)
        house.wait_up(["queued"])
        wait_for("another attempt", 20, lambda: house.log_text("queued").count(f"queue={queue_id} to=slow@far.test") >= 2)
    finally:
        house.sink.answers.pop("RCPT", None)
    ended(house, queue_id)
    assert counts(house, "needle-file") == {"ann": 0, "bob": 0, "always": 1, "watch": 1, "third": 1}


def test_while_authd_is_away_the_message_waits(house):
    house.down("authd")
    try:
        queue_id = submit(house, "x@stranger.test", ["ann@example.test"], "needle-away")
        house.wait_log("queued", f"copies-not-added.*queue={queue_id}", 40)
        assert list(house.queue.glob(f"*/{queue_id}"))
    finally:
        house.up("authd")
    house.restart("queued")
    ended(house, queue_id)
    assert counts(house, "needle-away") == {"ann": 1, "bob": 0, "always": 1, "watch": 0, "third": 0}


def test_lookup_shows_it(house):
    said = house.tool("lookup", "sender_bcc", "any@club.test").stdout
    assert "@club.test: found" in said and "watch@example.test" in said and "third@example.test" in said
    assert house.tool("lookup", "recipient_bcc", "x@else.test", check=False).returncode == 1
