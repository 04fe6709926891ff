"""A connection carries several messages (RFC 5321 section 3.1: any number of transactions a session), as long as they go the
same way; and many recipients share a transaction, as many as the server takes (RFC 5321 section 4.5.3.1.10, RFC 9422)."""
import contextlib

import pytest

from harness import Sink, Suite, wait_for
from test_queue import Intake

SETTINGS = {"retry_first": "1s", "remote_timeout": "5s", "reuse_idle": "20s", "remote_concurrency": "1"}


@pytest.fixture(scope="module")
def away():
    with Sink() as sink, Sink() as other:
        suite = Suite("reuse", {**SETTINGS, "relay_host": f"[127.0.0.1]:{sink.port}", "reuse_messages": "5"})
        suite.set("transports", suite.settings / "transports.txt")
        (suite.settings / "transports.txt").write_text(f"two.test smtp:[127.0.0.1]:{other.port}\n")
        with suite:
            suite.sink, suite.other = sink, other
            suite.user("ann")
            yield suite
            assert not suite.findings()


@pytest.fixture(autouse=True)
def usual(away):
    """Each test begins without a session."""
    away.sink.end_sessions()
    away.sink.answers.clear()
    away.sink.commands.clear()
    away.sink.extensions = ("PIPELINING", "8BITMIME", "SIZE 50000000")


def submit(suite, *recipients, text=b"x"):
    with Intake(suite) as client:
        return client.submit("ann@example.test", list(recipients or ["b@far.test"]), b"Subject: x\r\n\r\n" + text + b"\r\n")


@contextlib.contextmanager
def remote_with(suite, **settings):
    """postern-remote with other settings: its children end with queued's connections."""
    before = {name: (suite.settings / name).read_text().strip() if (suite.settings / name).exists() else None for name in settings}
    for values in (settings, before):
        suite.down("queued")
        for name, value in values.items():
            suite.set(name, value)
        suite.restart("remote")
        suite.up("queued")
        if values is settings:
            yield


def carry(suite, count):
    """So many messages, one behind the other; the sessions that carried them."""
    before = len(suite.sink.messages)
    for i in range(count):
        submit(suite)
        suite.sink.wait(before + i + 1)
    return [message.session for message in suite.sink.messages[before:]]


def test_messages_behind_each_other_share_a_connection(away):
    assert len(set(carry(away, 4))) == 1
    assert sum(c.startswith("EHLO") for c in away.sink.commands) == 1
    assert "RSET" not in away.sink.commands and "QUIT" not in away.sink.commands


def test_no_more_than_the_setting_says(away):
    first, *_, last = carry(away, 6)
    assert first != last and away.sink.commands.count("QUIT") == 1


def test_no_more_than_the_server_says(away):
    """RFC 9422: MAILMAX."""
    away.sink.extensions = ("PIPELINING", "LIMITS MAILMAX=2")
    sessions = carry(away, 4)
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]


def test_a_refused_transaction_is_reset_before_the_next(away):
    away.sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody" if "gone@" in line else None
    queue_id = submit(away, "gone@far.test")
    away.wait_log("queued", rf"failed queue={queue_id} .*code=5.1.1")
    carry(away, 1)
    commands = [c.split()[0] for c in away.sink.commands]
    assert commands.count("EHLO") == 1
    assert commands.index("RSET") < len(commands) - 1 - commands[::-1].index("MAIL")


@pytest.mark.parametrize("how", ["closed", "421"])
def test_a_session_that_has_ended_meanwhile_is_no_failure(away, how):
    (before,) = carry(away, 1)
    if how == "closed":
        away.sink.end_sessions()
    else:
        away.sink.answers["MAIL"] = lambda line, seen=[]: "421 4.4.2 idle too long" if not seen.append(line) and len(seen) == 1 else None
    queue_id = submit(away)
    (after,) = away.sink.wait(len(away.sink.messages) + (not delivered(away, queue_id)))[-1:]
    assert after.session != before
    assert f"deferred queue={queue_id}" not in away.log_text("queued")


def delivered(suite, queue_id):
    return suite.wait_log("queued", rf"delivered queue={queue_id} ")


def test_what_was_not_asked_for_ends_the_session(away):
    """What a server says behind its last answer is never taken for an answer to the next message."""
    (before,) = carry(away, 1)
    away.sink.say_to_all(b"250 whatever comes, I take it\r\n")
    away.sink.answers["RCPT"] = "450 4.2.0 later"
    queue_id = submit(away)
    away.wait_log("queued", rf"deferred queue={queue_id} .*code=4.2.0")
    away.sink.answers.clear()
    (after,) = away.sink.wait(len(away.sink.messages) + 1, 30)[-1:]
    assert after.session != before


def test_an_idle_session_says_quit(away):
    with remote_with(away, reuse_idle="1s"):
        carry(away, 1)
        wait_for("QUIT", 10, lambda: "QUIT" in away.sink.commands)


def test_another_destination_gets_its_own_connection(away):
    """Twice to each in turn: what goes to one never comes to the other."""
    first, second = len(away.sink.messages), len(away.other.messages)
    for i in range(2):
        submit(away, "a@one.test")
        away.sink.wait(first + i + 1)
        submit(away, "b@two.test")
        away.other.wait(second + i + 1)
    assert [m.recipients for m in away.sink.messages[first:]] == [["a@one.test"]] * 2
    assert [m.recipients for m in away.other.messages[second:]] == [["b@two.test"]] * 2


# --- recipients of one message ------------------------------------------------------------------------

MANY = [f"r{i}@far.test" for i in range(50)]


def test_many_recipients_share_a_transaction(away):
    queue_id = submit(away, *MANY)
    (message,) = away.sink.wait(len(away.sink.messages) + 1)[-1:]
    assert sorted(message.recipients) == sorted(MANY), queue_id


@pytest.mark.parametrize("answer", ["452 4.5.3 too many recipients", "452 no more", "552 too many recipients"])
def test_past_what_the_server_takes_the_rest_comes_in_the_next(away, answer):
    """It is no answer about the recipient: nobody is deferred for it."""
    taken = []

    def rcpt(line):
        taken.append(line)
        return answer if len(taken) > 20 else None

    def end(_):
        taken.clear()
    away.sink.answers.update(RCPT=rcpt, END=end)
    before = len(away.sink.messages)
    queue_id = submit(away, *MANY)
    messages = away.sink.wait(before + 3)[before:]
    assert sorted(len(m.recipients) for m in messages) == [10, 20, 20] and len({m.session for m in messages}) == 1
    assert sorted(r for m in messages for r in m.recipients) == sorted(MANY)
    wait_for("the queue to be empty", 10, lambda: queue_id not in away.tool("mailq").stdout)
    assert f"deferred queue={queue_id}" not in away.log_text("queued")


def test_a_server_that_says_how_many_gets_no_more(away):
    """RFC 9422: RCPTMAX."""
    away.sink.extensions = ("PIPELINING", "LIMITS RCPTMAX=25")
    before = len(away.sink.messages)
    submit(away, *MANY)
    assert [len(m.recipients) for m in away.sink.wait(before + 2)[before:]] == [25, 25]


def test_a_full_mailbox_is_no_full_transaction(away):
    away.sink.answers["RCPT"] = lambda line: "452 4.2.2 mailbox full" if "full@" in line else None
    queue_id = submit(away, "a@far.test", "full@far.test")
    away.wait_log("queued", rf"deferred queue={queue_id} to=full@far.test .*code=4.2.2")
    away.tool("queuectl", "delete", queue_id)


def test_what_was_taken_is_not_sent_again_when_the_rest_meets_trouble(away):
    """The first transaction is done, then the connection breaks: the next host, or the next try, gets the others only."""
    away.sink.extensions = ("PIPELINING", "LIMITS RCPTMAX=1")
    away.sink.answers["RCPT"] = lambda line: "" if "two@" in line and len(broken) < 1 and not broken.append(line) else None
    broken = []
    before = len(away.sink.messages)
    submit(away, "one@far.test", "two@far.test")
    messages = away.sink.wait(before + 2)[before:]
    assert sorted(m.recipients[0] for m in messages) == ["one@far.test", "two@far.test"] and broken


# --- chunks (RFC 3030) ---------------------------------------------------------------------------------


def test_a_small_message_goes_in_one_flight_by_bdat(away):
    away.sink.extensions = ("PIPELINING", "8BITMIME", "CHUNKING")
    text = b"a\r\n.\r\n..b\r\n"
    before = len(away.sink.messages)
    submit(away, "a@far.test", text=text)
    (message,) = away.sink.wait(before + 1)[before:]
    assert message.data == b"Subject: x\r\n\r\n" + text + b"\r\n"
    assert [c for c in away.sink.commands if c.startswith(("BDAT", "DATA"))] == [f"BDAT {len(message.data)} LAST"]


def test_recipients_that_are_refused_have_their_answers_in_a_flight(away):
    away.sink.extensions = ("PIPELINING", "8BITMIME", "CHUNKING")
    away.sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody" if "gone" in line else None
    queue_id = submit(away, "gone@far.test", "gone2@far.test")
    for address in ("gone@far.test", "gone2@far.test"):
        away.wait_log("queued", rf"failed queue={queue_id} to={address} .*code=5.1.1")
    queue_id = submit(away, "there@far.test", "gone@far.test")
    away.wait_log("queued", rf"delivered queue={queue_id} to=there@far.test")
    assert sum(c.startswith("EHLO") for c in away.sink.commands) == 1
