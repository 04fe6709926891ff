"""Promise 2: a queue entry goes only when the Maildir or the next server holds the message."""
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))
from harness import Sink, Suite, wait_for  # noqa: E402
from test_queue import MESSAGE, Intake, files, wait_gone  # noqa: E402


@pytest.fixture(scope="module")
def own():
    with Sink() as sink, Suite("remove", {"retry_first": "1s", "retry_most": "1s", "remote_timeout": "3s",
                                          "relay_host": f"[127.0.0.1]:{sink.port}"}) as running:
        running.sink = sink
        running.user("first")
        yield running
        assert not running.findings()


def submit(suite, *recipients):
    with Intake(suite) as client:
        return client.submit("first@example.test", list(recipients), MESSAGE)


def is_there(suite, queue_id):
    return any(path.name == queue_id for path in files(suite))


def test_it_stays_while_the_next_server_has_not_answered(own):
    for verb, answer in (("END", "451 4.3.0 not now"), ("END", ""), ("DATA", "421 closing"), ("RCPT", "450 4.2.0 greylisted")):
        own.sink.answers[verb] = answer
        queue_id = submit(own, "a@far.test")
        own.wait_log("queued", rf"deferred queue={queue_id}")
        assert is_there(own, queue_id)
        del own.sink.answers[verb]
        wait_gone(own, queue_id)
        own.wait_log("queued", rf"delivered queue={queue_id}")


def test_it_stays_while_the_maildir_cannot_be_written(own):
    user = own.user()
    user.maildir.parent.mkdir(exist_ok=True)
    shutil.chown(user.maildir.parent, "vmail", "vmail")
    user.maildir.write_text("a file in the Maildir's place\n")
    queue_id = submit(own, user.address)
    own.wait_log("queued", rf"deferred queue={queue_id}")
    assert is_there(own, queue_id)
    user.maildir.unlink()
    user.wait(1)
    wait_gone(own, queue_id)


def test_one_of_two_recipients_is_not_repeated_while_the_other_waits(own):
    user = own.user()
    own.sink.answers["RCPT"] = "450 4.2.0 later"
    queue_id = submit(own, user.address, "a@far.test")
    user.wait(1)
    wait_for("three attempts", 20, lambda: own.log_text("queued").count(f"deferred queue={queue_id}") >= 3)
    assert len(user.messages()) == 1 and is_there(own, queue_id)
    own.restart("queued")
    wait_for("another attempt", 20, lambda: own.log_text("queued").count(f"deferred queue={queue_id}") >= 4)
    del own.sink.answers["RCPT"]
    wait_gone(own, queue_id)
    assert len(user.messages()) == 1
