"""A queue file damaged by hand, in each of its sections: what cannot be trusted is set aside and named in the log, what only says
when and to whom it was tried is read as "now", and all others go on."""
import os
import re
import shutil

import pytest

from harness import Suite, wait_for
from test_queue import MESSAGE, Intake, files

TEXT = MESSAGE + b"a line of the message\r\n" * 50


def put(text, at, new):
    return text[:at] + new + text[at + len(new):]


def change(needle, new):
    return lambda text: put(text, text.index(needle), new)


def before(needle, new):
    """The bytes before a needle."""
    return lambda text: put(text, text.index(needle) - len(new), new)


# Section -> what is done to the bytes of the file. The mark agrees with none of these.
DAMAGED = {
    "the mark's version": lambda text: put(text, 14, b"2"),
    "the mark's word": lambda text: put(text, 0, b"postern-quiche 1"),
    "the mark's size of the header": lambda text: put(text, 16, b"00000001"),
    "the mark's size of the header, huge": lambda text: put(text, 16, b"99999999"),
    "the mark's size of the message": lambda text: put(text, 25, b"999999999999"),
    "the mark's sum of the header": lambda text: put(text, 38, b"zzzzzzzz"),
    "the mark's sum of the message": lambda text: put(text, 47, b"00000000"),
    "the id": change(b"\nid ", b"\nid 2222222222222"),
    "the id's word": change(b"\nid ", b"\nhe "),
    "the arrival": change(b"\narrival 1", b"\narrival x"),
    "the sender": change(b"\nsender <a", b"\nsender <b"),
    "a key": change(b"\nwith ", b"\nwish "),
    "a recipient": before(b"@example.test>\n", b"x"),
    "a recipient's word": change(b"\nrcpt ", b"\nrapt "),
    "the empty line": change(b">\n\n", b">\nx"),
    "the message": change(b"The body", b"The bady"),
    "the message's end": lambda text: text[:-1],
    "all but the mark": lambda text: text[:56],
    "the header's end": lambda text: text[:120],
    "a byte more in the header": lambda text: text[:100] + b"x" + text[100:],
}
# These are written over at work, without a sum: whatever they say, the message is tried.
TRIED = {
    "the tries": change(b"\ntries ", b"\ntrees xxxx"),
    "the time": change(b" next ", b" next \xff\xff\xff\xff"),
    "a recipient's letter": change(b"\nrcpt ", b"\nrcpt ?"),
    "a recipient's text": lambda text: put(text, text.index(b"\nrcpt ") + 20, b"\xff\x00\x01" * 20),
    "something behind the message": lambda text: text + b"expand 0 1 00000009 00000000\nrcpt - x\n",
    "zeros behind the message": lambda text: text + bytes(5000),
}


@pytest.fixture(scope="module")
def own():
    with Suite("damaged", {"retry_first": "1s"}) as running:
        running.user()
        yield running
        assert not running.findings()


class Message:
    def __init__(self, suite, what, act):
        self.what, self.act, self.user = what, act, suite.user()  # one of those that the fixture has made ahead
        with Intake(suite) as client:
            self.id = client.submit("a@example.test", [self.user.address], TEXT, "helo=client.test")

    def path(self, suite):
        return suite.queue / self.id[8] / self.id


def stop(suite):
    """To its very end: then the journal is blank, which would make good what is damaged here."""
    suite.down("queued")
    wait_for("the intake to be gone", 20, lambda: not suite.pids("queued"))


@pytest.fixture(scope="module")
def opened(own):
    """Every kind of damage at once, and sound messages between; queued has begun on them."""
    own.down("authd")
    damages = [(what, act) for table in (DAMAGED, TRIED) for what, act in table.items()]
    made = []
    for number, (what, act) in enumerate(damages):
        made.append(Message(own, what, act))
        if number % 5 == 0:
            made.append(Message(own, f"nothing {number}", None))
    special = {what: Message(own, what, None) for what in ("a link", "a directory", "a pipe")}
    for message in [*made, *special.values()]:
        own.wait_log("queued", f"deferred queue={message.id}")
    stop(own)
    try:
        for message in made:
            if message.act is not None:
                path = message.path(own)
                changed = message.act(path.read_bytes())
                assert changed != path.read_bytes(), message.what
                path.write_bytes(changed)
        for what, message in special.items():
            path = message.path(own)
            path.unlink()
            {"a link": lambda: path.symlink_to("/etc/passwd"), "a directory": path.mkdir, "a pipe": lambda: os.mkfifo(path)}[what]()
    finally:
        own.up("authd")
        own.up("queued")
    own.tool("queuectl", "flush")
    strange = {message.id for message in special.values()}
    wait_for(lambda: f"the queue to be empty, there are {files(own)}", 20, lambda: {path.name for path in files(own)} == strange)
    own.tool("queuectl", "flush")
    return {**{message.what: message for message in made}, **special}


def test_others_go_on(own, opened):
    sound = [message for what, message in opened.items() if what.startswith("nothing")]
    assert len(sound) > 4
    for message in sound:
        assert len(message.user.wait(1)) == 1, message.what


@pytest.mark.parametrize("what", DAMAGED)
def test_what_cannot_be_trusted_is_set_aside_and_named(own, opened, what):
    message = opened[what]
    lines = [line for line in own.log_text("queued").splitlines() if f"queue={message.id}" in line]
    assert [line for line in lines if re.search(r" queue-file-damaged .*moved=damaged/ hint=", line)], lines
    assert os.path.lexists(own.queue / "damaged" / message.id)
    assert not message.user.messages() and not [line for line in lines if re.search(r" (delivered|failed|swept) ", line)]


@pytest.mark.parametrize("what", ["a link", "a directory", "a pipe"])
def test_what_is_no_file_is_named_and_let_alone(own, opened, what):
    """Our confinement can make none of these, so it moves none. It is said once, and nobody's mail waits for it."""
    message = opened[what]
    lines = [line for line in own.log_text("queued").splitlines() if f"queue={message.id}" in line]
    assert len([line for line in lines if re.search(r" queue-file-damaged .*move it away", line)]) == 1, lines
    assert os.path.lexists(message.path(own)) and not [line for line in lines if re.search(r" (delivered|failed|swept) ", line)]


def test_what_is_set_aside_is_as_it_was(own, opened):
    message = opened["the message"]
    assert b"The bady" in (own.queue / "damaged" / message.id).read_bytes()


@pytest.mark.parametrize("what", TRIED)
def test_what_is_changed_in_place_is_read_as_now(own, opened, what):
    """Not set aside, and delivered once, as it was."""
    message = opened[what]
    [text] = message.user.wait(1)
    assert text.replace(b"\r\n", b"\n").endswith(TEXT.replace(b"\r\n", b"\n"))
    assert f"queue-file-damaged queue={message.id}" not in own.log_text("queued")


def test_nobody_is_told_that_his_mail_failed(own, opened):
    assert not re.search(r" (failed|bounced|double-bounce) queue=", own.log_text("queued"))


def test_a_block_that_is_damaged_is_looked_up_anew(own):
    """What an alias gave stands in the file with a sum: damaged, the alias is expanded again, and both have the message."""
    users = [own.user() for _ in range(2)]
    own.alias("both@example.test", [user.address for user in users])
    for user in users:
        user.maildir.parent.mkdir(exist_ok=True)
        shutil.chown(user.maildir.parent, "vmail", "vmail")
        user.maildir.write_text("a file in the Maildir's place\n")
    with Intake(own) as client:
        queue_id = client.submit("a@example.test", ["both@example.test"], TEXT)
    wait_for("two to be deferred", 15, lambda: own.log_text("queued").count(f"deferred queue={queue_id}") >= 2)
    stop(own)
    try:
        [path] = [path for path in files(own) if path.name == queue_id]
        text = path.read_bytes()
        path.write_bytes(put(text, text.rindex(b"@example.test>"), b"!"))
        for user in users:
            user.maildir.unlink()
    finally:
        own.up("queued")
    own.tool("queuectl", "flush")
    assert [len(user.wait(1)) for user in users] == [1, 1]
    assert own.log_text("queued").count(f"expanded queue={queue_id}") == 2

