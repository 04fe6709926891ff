"""Debian's own filters at smtpd: opendkim signs and verifies, opendmarc and postgrey say what they think."""
import base64
import re
import socket
import subprocess
import time

import dkim
import pytest

from harness import wait_for
from harness.suite import free_ports
from test_milter import message, send, split
from test_smtp_dialogue import arrived, says, settings

pytestmark = pytest.mark.long
DOMAIN = "example.test"


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def run():
    """Starts programs in the foreground that listen on a port, and ends them."""
    started = []

    def start(port, *arguments):
        program = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL)
        started.append(program)
        wait_for(f"{arguments[0]} to listen", 30, lambda: program.poll() is not None or listens(port))
        assert program.poll() is None, f"{arguments[0]} ended with {program.returncode}"

    yield start
    for program in started:
        program.terminate()
    for program in started:
        program.wait(20)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A key for signing; its file, and its public half as DNS would hold it."""
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, stderr=subprocess.DEVNULL)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    return path, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


@pytest.fixture(scope="module")
def opendkim(run, key, tmp_path_factory):
    """Milters that sign and that verify, as a setting lists them."""
    directory = tmp_path_factory.mktemp("opendkim")
    (directory / "public").write_text(f"test._domainkey.{DOMAIN} {key[1]}\n")
    names = []
    for mode, port in zip("sv", free_ports(2)):
        (directory / f"{mode}.conf").write_text(
            f"Mode {mode}\nDomain {DOMAIN}\nSelector test\nKeyFile {key[0]}\nRequireSafeKeys no\nSocket inet:{port}@127.0.0.1\n"
            f"Background no\nSyslog no\nCanonicalization relaxed/simple\nAuthservID mail.example.test\n"
            # An opendkim signs for hosts that are its own, and verifies what comes from others.
            f"InternalHosts {'127.0.0.1' if mode == 's' else '192.0.2.1'}\n"
            + (f"TestPublicKeys {directory}/public\nAlwaysAddARHeader yes\n" if mode == "v" else ""))
        run(port, "/usr/sbin/opendkim", "-f", "-x", directory / f"{mode}.conf")
        names.append(f"inet:127.0.0.1:{port}")
    return names


def test_opendkim_signs(suite, opendkim, key):
    """The signature is good for python-dkim when the message lies in the Maildir."""
    user = suite.user()
    with settings(suite, milters=opendkim[0]), suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        says(smtp.login(user.address, user.password), 235)
        smtp.message(user.address, [user.address], f"From: <{user.address}>\nTo: x@y.test\nSubject: signed\n\n" + "line\n" * 5000 + "\n\n")
    data = arrived(user, b"Subject: signed\n")
    assert b"\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=" in data
    assert dkim.verify(data.replace(b"\n", b"\r\n"), dnsfunc=lambda name, timeout=5: key[1].encode())


def test_opendkim_verifies_what_another_has_signed(suite, opendkim):
    user = suite.user()
    with settings(suite, milters=" ".join(opendkim)), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, f"From: <a@{DOMAIN}>\r\nSubject: signed and verified\r\n\r\n" + "line\r\n" * 5000), 250)
    header, _ = split(arrived(user, b"signed and verified"))
    assert any(re.search(r"^Authentication-Results:.*dkim=pass", line) for line in header), header


def test_opendkim_sees_what_was_changed(suite, opendkim):
    """A signature that does not fit fails, so the text that filters see is the one that came."""
    user = suite.user()
    with settings(suite, milters=opendkim[0]), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, f"From: <a@{DOMAIN}>\r\nSubject: to be forged\r\n\r\ntrue\r\n"), 250)
    signed = arrived(user, b"Subject: to be forged")
    forged = signed[signed.index(b"DKIM-Signature"):].replace(b"\ntrue", b"\nfalse").replace(b"\n", b"\r\n")
    with settings(suite, milters=opendkim[1]), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, forged), 250)
    header, _ = split(arrived(user, b"\nfalse"))
    assert any(re.search(r"^Authentication-Results:.*dkim=fail", line) for line in header), header


def test_opendmarc(suite, run, tmp_path):
    """Without DNS it finds no policy; its field says so, and the message goes on."""
    (port,) = free_ports(1)
    (tmp_path / "hosts").write_text("192.0.2.1\n")  # by default it looks away from 127.0.0.1
    (tmp_path / "conf").write_text(f"IgnoreHosts {tmp_path}/hosts\nSocket inet:{port}@127.0.0.1\nSyslog false\nBackground false\nAuthservID mail.example.test\n"
                                   f"PidFile {tmp_path}/pid\nSPFSelfValidate false\nIgnoreAuthenticatedClients false\n")
    run(port, "/usr/sbin/opendmarc", "-f", "-c", tmp_path / "conf")
    user = suite.user()
    with settings(suite, milters=f"inet:127.0.0.1:{port}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("through opendmarc")), 250)
    header, _ = split(arrived(user, b"through opendmarc"))
    assert any(re.search(r"^Authentication-Results:.*dmarc=(none|temperror)", line) for line in header), header


def test_postgrey(suite, run, tmp_path):
    """The first time 450, when the delay is over accepted, with postgrey's field in the message."""
    (port,) = free_ports(1)
    tmp_path.chmod(0o777)
    run(port, "/usr/sbin/postgrey", f"--inet=127.0.0.1:{port}", "--delay=2", f"--dbdir={tmp_path}", "--user=root", "--group=root")
    user = suite.user()
    with settings(suite, policy_servers=f"inet:127.0.0.1:{port}"), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command("MAIL FROM:<stranger@elsewhere.test>")
        answer = smtp.command(f"RCPT TO:<{user.address}>")
        says(answer, 450, "4.7.1")
        assert "Greylisted" in answer[1][0]
        wait_for("the delay to be over", 20, lambda: time.sleep(1) or smtp.command(f"RCPT TO:<{user.address}>")[0] == 250)
        says(smtp.command("DATA"), 354)
        smtp.send(message("after the greylist"))
        says(smtp.command("."), 250)
    header, _ = split(arrived(user, b"after the greylist"))
    assert any(line.startswith("X-Greylist: delayed ") for line in header), header


def test_spamass_milter(suite, run, tmp_path):
    """What SpamAssassin takes for spam is refused in its words; what it lets pass has its field."""
    spamd, port = free_ports(2)
    run(spamd, "/usr/sbin/spamd", "--local", "--nouser-config", "--max-children=1", "--listen=127.0.0.1", f"--port={spamd}",
        f"--helper-home-dir={tmp_path}", "--syslog=null")
    run(port, "/usr/sbin/spamass-milter", "-p", f"inet:{port}@127.0.0.1", "-r", "15", "--", "-d", "127.0.0.1", "-p", spamd)
    user = suite.user()
    with settings(suite, milters=f"inet:127.0.0.1:{port}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("no spam")), 250)
        spam = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
        answer = send(smtp, user, f"From: <a@{DOMAIN}>\r\nSubject: spam\r\n\r\n{spam}\r\n")
        says(answer, 550, "5.7.1")
        assert "SpamAssassin" in " ".join(answer[1]), answer
    header, _ = split(arrived(user, b"no spam"))
    assert any(line.startswith("X-Spam-Checker-Version: SpamAssassin") for line in header), header


def test_clamav_milter(suite, run, tmp_path):
    """A signature of our own, since its databases are not here: what bears it is refused, all else has its field."""
    clamd, port = free_ports(2)
    text = "This is the text that our only signature knows"
    (tmp_path / "own.ndb").write_text(f"Own.Test:0:*:{text.encode().hex()}\n")
    (tmp_path / "clamd.conf").write_text(f"DatabaseDirectory {tmp_path}\nTCPSocket {clamd}\nTCPAddr 127.0.0.1\nForeground yes\nUser root\n"
                                         f"TemporaryDirectory {tmp_path}\n")
    (tmp_path / "milter.conf").write_text(f"MilterSocket inet:{port}@127.0.0.1\nClamdSocket tcp:127.0.0.1:{clamd}\nForeground yes\n"
                                          f"User root\nOnInfected Reject\nRejectMsg infected with %v\nAddHeader Replace\nTemporaryDirectory {tmp_path}\n")
    run(clamd, "/usr/sbin/clamd", "-c", tmp_path / "clamd.conf")
    run(port, "/usr/sbin/clamav-milter", "-c", tmp_path / "milter.conf")
    user = suite.user()
    with settings(suite, milters=f"inet:127.0.0.1:{port}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("healthy")), 250)
        answer = send(smtp, user, f"From: <a@{DOMAIN}>\r\nSubject: ill\r\n\r\n{text}\r\n")
        says(answer, 550, "5.7.1")
        assert "infected with Own.Test" in " ".join(answer[1]), answer
    header, _ = split(arrived(user, b"healthy"))
    assert any(line.startswith("X-Virus-Status: Clean") for line in header), header
