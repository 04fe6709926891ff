"""From the front, where a client logs in, to its session: one of the two speaks at any time."""
import os
import signal

import pytest


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def test_a_daemon_that_is_slow_answers_alone(suite, user):
    """The front gives up waiting for it, but the session may still come: only one of them may speak."""
    daemon = suite.pids("imap")[0]
    with suite.imap("imaps", timeout=40) as dialogue:
        os.kill(daemon, signal.SIGSTOP)
        try:
            dialogue.send(f"a LOGIN {user.address} \"{user.password}\"\r\n")
            suite.wait_log("imaps", "session-unreachable .*reason=\"no answer in time\"", 20)
        finally:
            os.kill(daemon, signal.SIGCONT)
        dialogue.send("b NOOP\r\n")
        first = dialogue.response()
        assert first.startswith((b"a OK", b"a NO [UNAVAILABLE]")), first
        second = dialogue.response()
        assert second.startswith((b"b OK", b"* BYE")), second
