"""The LMTP client (RFC 2033): over a Unix socket and TCP, to a server of the tests, to our own postern-lmtpd and to Dovecot's."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import pytest

from harness import Sink, Suite, wait_for
from test_queue import Intake

MESSAGE = b"Subject: x\r\n\r\n.A line with a dot.\r\nThe end.\r\n"


@pytest.fixture(scope="module")
def house():
    suite = Suite("lmtp", {"retry_first": "1s", "remote_timeout": "5s"})
    suite.directory = suite.prefix / "sockets"
    shutil.rmtree(suite.directory, ignore_errors=True)
    suite.directory.mkdir()
    with Sink(lmtp=True, path=str(suite.directory / "lmtp")) as sink, Sink(lmtp=True) as far:
        suite.set("transports", suite.settings / "transports.txt")
        (suite.settings / "transports.txt").write_text(
            f"unix.test lmtp:unix:{sink.host}\ntcp.test lmtp:[127.0.0.1]:{far.port}\ngone.test lmtp:unix:{suite.directory}/nobody\n"
            f"dovecot.test lmtp:unix:{suite.directory}/dovecot/lmtp\n")
        suite.sink, suite.far = sink, far
        with suite:
            suite.user("ann")
            yield suite
            assert not suite.findings()


@pytest.fixture(autouse=True)
def usual(house):
    for sink in (house.sink, house.far):
        sink.answers.clear()
        sink.commands.clear()
        sink.extensions = ("PIPELINING", "8BITMIME")


def submit(suite, *recipients, sender="ann@example.test", message=MESSAGE):
    with Intake(suite) as client:
        return client.submit(sender, list(recipients), message)


@pytest.mark.parametrize("domain, name", [("unix.test", "sink"), ("tcp.test", "far")])
def test_it_greets_with_lhlo_and_delivers(house, domain, name):
    sink = getattr(house, name)
    count = len(sink.messages)
    submit(house, f"a@{domain}", f"b@{domain}")
    (message,) = sink.wait(count + 1)[count:]
    assert sorted(message.recipients) == [f"a@{domain}", f"b@{domain}"] and message.data == MESSAGE
    assert sink.commands[0] == "LHLO mail.example.test" and not any(c.startswith("EHLO") for c in sink.commands)


@pytest.mark.parametrize("extensions", [("PIPELINING", "8BITMIME"), ("8BITMIME",), ("PIPELINING", "CHUNKING")])
def test_each_recipient_has_an_answer_of_its_own(house, extensions):
    """RFC 2033 section 4.2: after the text, one for each that was taken, in their order."""
    user = house.user()
    house.sink.extensions = extensions
    house.sink.answers["RCPT"] = lambda line: "550 5.1.1 nobody" if "gone@" in line else None
    house.sink.answers["END"] = lambda recipient: {"full@unix.test": "452 4.2.2 full", "over@unix.test": "552 5.2.2 over quota"}.get(recipient)
    queue_id = submit(house, *(f"{name}@unix.test" for name in ("good", "full", "gone", "over", "fine")), sender=user.address)
    for pattern in (r"delivered queue={} to=good@.*250 taken", r"deferred queue={} to=full@.*code=4.2.2", r"failed queue={} to=gone@.*code=5.1.1",
                    r"failed queue={} to=over@.*code=5.2.2", r"delivered queue={} to=fine@"):
        house.wait_log("queued", pattern.format(queue_id))
    house.sink.answers.clear()
    house.wait_log("queued", rf"delivered queue={queue_id} to=full@", 20)
    (bounce,) = user.wait(1)
    assert b"gone@unix.test" in bounce and b"over@unix.test" in bounce and b"full@unix.test" not in bounce


def test_a_server_that_ends_between_its_answers_defers_those_that_have_none(house):
    asked = []
    house.sink.answers["END"] = lambda recipient: "" if not asked.append(recipient) and len(asked) == 2 else None
    queue_id = submit(house, "one@unix.test", "two@unix.test", "three@unix.test")
    wait_for("the second answer", 20, lambda: len(asked) > 1)
    order = [c[c.index("<") + 1:c.index(">")] for c in house.sink.commands if c.startswith("RCPT")][:3]
    house.wait_log("queued", rf"delivered queue={queue_id} to={order[0]}")
    for address in order[1:]:
        house.wait_log("queued", rf"deferred queue={queue_id} to={address} .*code=4.4.2")
        house.wait_log("queued", rf"delivered queue={queue_id} to={address}", 20)
    assert house.log_text("queued").count(f"delivered queue={queue_id} to={order[0]}") == 1


def test_a_socket_where_nobody_listens_defers(house):
    queue_id = submit(house, "a@gone.test")
    house.wait_log("queued", rf"deferred queue={queue_id} .*code=4\.")
    house.tool("queuectl", "delete", queue_id)


def test_to_our_own_lmtpd(house):
    """As queued asks for it: out through postern-remote, in through postern-lmtpd, each recipient with his own answer."""
    user = house.user()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as remote, tempfile.TemporaryFile() as file:
        remote.settimeout(30)
        remote.connect(str(house.run / "remote/send"))
        file.write(b"before" + MESSAGE + b"behind")
        file.flush()
        fields = ["send", "7", "queue-id", "ann@example.test", f"lmtp:[127.0.0.1]:{house.ports['lmtpd']}", "6", str(len(MESSAGE)), "",
                  user.address, "", "stranger@example.test", ""]
        socket.send_fds(remote, ["".join(f"{field}\0" for field in fields).encode()], [file.fileno()])
        answer = remote.recv(65536).decode().split("\0")
    assert answer[:2] == ["result", "7"]
    assert answer[2] in ("done", "relayed") and answer[5:7] == ["failed", "5.1.1"], answer
    (message,) = user.wait(1)
    assert message.replace(b"\r\n", b"\n").endswith(b"\n\n.A line with a dot.\nThe end.\n")


@pytest.fixture
def dovecot(house):
    """Debian's, with one user of its own, and its socket where postern-remote can reach it."""
    directory = house.directory / "dovecot"
    directory.mkdir()
    os.chmod(directory, 0o755)
    mail = house.directory / "mail"
    mail.mkdir()
    shutil.chown(mail, "vmail", "vmail")
    (directory / "users").write_text("kept@dovecot.test:{PLAIN}x::::::\n")
    (house.directory / "dovecot.conf").write_text(f"""
base_dir = {directory}
state_dir = {directory}
log_path = {directory}/log
protocols = lmtp
ssl = no
mail_uid = vmail
mail_gid = vmail
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{mail}/%u
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = home={mail}/%u allow_all_users=no
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
""")
    process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(house.directory / "dovecot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: f"Dovecot; {(directory / 'log').read_text() if (directory / 'log').exists() else ''}", 20, (directory / "lmtp").exists)
    yield mail
    process.terminate()
    process.wait(20)


@pytest.mark.skipif(not pathlib.Path("/usr/lib/dovecot/lmtp").exists(), reason="dovecot-lmtpd is not installed")
def test_to_dovecot(house, dovecot):
    queue_id = submit(house, "kept@dovecot.test", "stranger@dovecot.test")
    house.wait_log("queued", rf"delivered queue={queue_id} to=kept@dovecot.test .*Saved", 20)
    house.wait_log("queued", rf"failed queue={queue_id} to=stranger@dovecot.test .*code=5.1.1", 20)
    (path,) = (dovecot / "kept@dovecot.test" / "new").iterdir()
    assert path.read_bytes().replace(b"\r\n", b"\n").endswith(b"\n\n.A line with a dot.\nThe end.\n")
