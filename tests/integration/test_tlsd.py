"""postern-tlsd by itself, with Python's ssl and openssl s_client as clients, the test as the front."""
import contextlib
import hashlib
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness import Peer, Process, as_user, wait_for
from harness.authority import Authority
from harness.tls import TLS12, TLS13, Question, Tlsd, make_certificate, s_client, tcp_pair, version_context

VERSIONS = {"TLSv1.2": TLS12, "TLSv1.3": TLS13}
LARGE = 10 << 20


@pytest.fixture(scope="module", params=["rsa", "ecdsa"])
def either(request):
    with Tlsd(request.param, handshake_timeout="2s") as running:
        running.kind = request.param
        yield running


@pytest.fixture(scope="module")
def tlsd():
    with Tlsd("ecdsa", handshake_timeout="2s") as running:
        yield running


# --- the handshake ----------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_both_versions_with_both_kinds_of_key(either, version):
    secure, plain, answer = either.session(version_context(VERSIONS[version]))
    with secure, plain:
        assert answer[:-1] == ["ok", version, secure.cipher()[0], "mail.example.test", ""]  # then test_tlsd_binding.py
        if version == "TLSv1.2":
            assert answer[2].startswith(f"ECDHE-{either.kind.upper()}-")
        secure.sendall(b"hello")
        assert plain.recv(100) == b"hello"
        plain.sendall(b"good day")
        assert secure.recv(100) == b"good day"
    either.wait_children(0)


@pytest.mark.parametrize("signature", ["rsa_pss_rsae_sha256", "rsa_pss_rsae_sha512", "RSA+SHA256", "RSA+SHA384"])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_rsa_signatures(either, version, signature):
    """PKCS #1 is for TLS 1.2 alone (RFC 8446 section 4.2.3)."""
    if either.kind != "rsa" or (version == "-tls1_3" and signature.startswith("RSA+")):
        pytest.skip("not of this key and version")
    output = s_client(either, version, "-sigalgs", signature)
    assert "Cipher is TLS_" in output or "Cipher is ECDHE-" in output, output
    assert ("RSA-PSS" in output) == ("pss" in signature)


def test_openssl_client_gets_the_greeting(either):
    assert "greeting of the front" in s_client(either, "-servername", "other.example.test")
    either.wait_log("name=other.example.test")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_resumed_by_another_child(either, version):
    context = version_context(VERSIONS[version])
    secure, plain, _ = either.session(context)
    plain.sendall(b"x")
    assert secure.recv(1) == b"x"  # the ticket came before
    ticket = secure.session
    secure.close(), plain.close()
    secure, plain, answer = either.session(context, ticket)
    assert secure.session_reused and answer[0] == "ok"
    plain.sendall(b"y")
    assert secure.recv(1) == b"y"
    secure.close(), plain.close()
    either.wait_log("resumed=yes")


def test_the_chain_is_sent_whole():
    """Two certificates in the file: the server's own and one above."""
    with Tlsd("ecdsa") as fresh:
        above = Authority(fresh.directory, "above")
        certificate, key = above.issue("/CN=mail.example.test")
        fresh.certificate.write_bytes(certificate.read_bytes() + above.certificate.read_bytes())
        fresh.key.write_bytes(key.read_bytes())
        fresh.reload()
        assert s_client(fresh, "-showcerts").count("BEGIN CERTIFICATE") == 2


# --- clients that do not shake hands -----------------------------------------------


@pytest.mark.parametrize("garbage,reason", [
    (b"EHLO client.test\r\n" * 20, "does not speak TLS"), (b"\0" * 100, ""), (b"GET / HTTP/1.0\r\n\r\n", "HTTP"),
    (b"\x16\x03\x01\xff\xff" + b"\x41" * 70000, ""), (bytes(range(256)) * 4, "")])
def test_garbage_instead_of_a_hello(tlsd, garbage, reason):
    client, question = tlsd.hand_over()
    with client:
        client.sendall(garbage)
        answer, plain = question.answer()
        assert answer[0] == "no" and plain is None
        assert reason in answer[1] and len(answer[1]) > 5
    tlsd.wait_log("tls-failed")
    tlsd.wait_children(0)


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(tlsd, version):
    output = s_client(tlsd, version, "-cipher", "DEFAULT@SECLEVEL=0")
    assert "Cipher is (NONE)" in output
    tlsd.wait_log("no version of TLS that we accept")


def test_a_client_that_never_finishes(tlsd):
    client, question = tlsd.hand_over()
    with client:
        client.sendall(b"\x16\x03\x01")
        answer, plain = question.answer()
        assert answer == ["no", "the handshake took too long"] and plain is None
    tlsd.wait_children(0)


def test_a_client_that_vanishes(tlsd):
    client, question = tlsd.hand_over()
    client.sendall(b"\x16\x03\x01")
    client.close()
    answer, _ = question.answer()
    assert answer == ["no", "the client closed the connection"]
    tlsd.wait_children(0)


def test_a_requester_that_vanishes(tlsd):
    client, question = tlsd.hand_over()
    with client:
        wait_for("the child", 5, tlsd.children)
        question.peer.socket.close()
        tlsd.wait_children(0)
    tlsd.wait_log("the requester left")


def test_many_that_never_finish_starve_nobody(tlsd):
    waiting = [tlsd.hand_over() for _ in range(60)]
    secure, plain, _ = tlsd.session()
    plain.sendall(b"still here")
    assert secure.recv(100) == b"still here"
    for client, question in waiting:
        client.close(), question.peer.socket.close()
    secure.close(), plain.close()
    tlsd.wait_children(0)


def test_a_client_that_refuses_the_certificate(tlsd):
    client, question = tlsd.hand_over()
    context = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(client, server_hostname="mail.example.test")
    client.close()
    answer, plain = question.answer()
    if answer[0] == "ok":  # TLS 1.3: the server is done before the client says so
        assert plain.recv(1) == b""


# --- bytes --------------------------------------------------------------------------


def checksum_of(receive, size):
    digest, left = hashlib.sha256(), size
    while left > 0:
        data = receive(min(left, 65536))
        assert data, f"{left} bytes are missing"
        digest.update(data)
        left -= len(data)
    return digest.hexdigest()


def sender(socket_, data):
    thread = threading.Thread(target=socket_.sendall, args=(data,))
    thread.start()
    return thread


@pytest.mark.parametrize("version", VERSIONS)
def test_large_transfers_each_way(either, version):
    secure, plain, _ = either.session(version_context(VERSIONS[version]))
    data = os.urandom(LARGE)
    for source, target in ((secure, plain), (plain, secure)):
        thread = sender(source, data)
        assert checksum_of(target.recv, LARGE) == hashlib.sha256(data).hexdigest()
        thread.join()
    secure.close(), plain.close()


def test_large_transfers_both_ways_at_once(tlsd):
    """The client is openssl, which reads and writes at once (Python's ssl does not)."""
    data = os.urandom(LARGE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = subprocess.Popen(["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:%d" % server.getsockname()[1]],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        connection, _ = server.accept()
        with connection:
            question = Question(tlsd, connection)
        _, plain = question.answer()
    upward = threading.Thread(target=lambda: client.stdin.write(data))
    upward.start()
    downward = sender(plain, data)
    got = []
    reader = threading.Thread(target=lambda: got.append(checksum_of(client.stdout.read, LARGE)))
    reader.start()
    assert checksum_of(plain.recv, LARGE) == hashlib.sha256(data).hexdigest()
    for thread in (upward, downward, reader):
        thread.join(20)
    assert got == [hashlib.sha256(data).hexdigest()]
    plain.close()
    client.kill()
    client.communicate()


def test_a_slow_reader_bounds_the_memory(tlsd):
    """The front writes 10 MiB to a client that reads nothing: it is stopped, and the child stays small."""
    secure, plain, _ = tlsd.session()
    plain.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 64 * LARGE:
            sent += plain.send(b"x" * 65536)
    child = tlsd.children()[-1]
    memory = {line.split(":")[0]: int(line.split()[1]) for line in
              pathlib.Path(f"/proc/{child}/smaps_rollup").read_text().splitlines() if " kB" in line}
    if "san" not in os.environ.get("POSTERN_BUILD", ""):
        assert memory["Private_Dirty"] < 1024
    assert checksum_of(secure.recv, sent) == hashlib.sha256(b"x" * sent).hexdigest()
    secure.close(), plain.close()


def test_waiting_costs_nothing(tlsd):
    """The front has said much and is gone; the client does not read: the child waits without turning in circles."""
    secure, plain, _ = tlsd.session()
    plain.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            plain.send(b"x" * 65536)
    plain.close()
    child = tlsd.children()[-1]
    before = cpu_seconds(child)
    time.sleep(1)
    assert cpu_seconds(child) - before < 0.1
    secure.close()
    tlsd.wait_children(0)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def test_one_byte_at_a_time(tlsd):
    secure, plain, _ = tlsd.session()
    text = bytes(range(256)) * 4
    thread = threading.Thread(target=lambda: [secure.send(bytes([byte])) for byte in text])
    thread.start()
    assert checksum_of(lambda _: plain.recv(1), len(text)) == hashlib.sha256(text).hexdigest()
    thread.join()
    secure.close(), plain.close()


# --- ends -----------------------------------------------------------------------------


def test_the_front_ends(tlsd):
    secure, plain, _ = tlsd.session()
    plain.sendall(b"221 bye\r\n")
    plain.close()
    assert secure.recv(100) == b"221 bye\r\n"
    assert secure.recv(100) == b""  # close_notify; a plain FIN would be an SSLEOFError
    secure.close()
    tlsd.wait_children(0)


def test_the_front_leaves_while_the_client_still_writes(tlsd):
    """What the front said last arrives though bytes of the client are on their way."""
    secure, plain, _ = tlsd.session()
    plain.sendall(b"421 enough\r\n")
    plain.close()
    for _ in range(50):
        secure.sendall(b"x" * 1000)
    assert secure.recv(100) == b"421 enough\r\n"
    assert secure.recv(100) == b""
    secure.close()
    tlsd.wait_children(0)


def test_the_client_says_close_notify(tlsd):
    """The front sees the end, and what it says after it is still carried (half close)."""
    secure, plain, _ = tlsd.session(version_context(TLS13))
    secure.sendall(b"QUIT\r\n")
    thread = threading.Thread(target=secure.unwrap)  # waits for the other close_notify
    thread.start()
    assert plain.recv(100) == b"QUIT\r\n"
    assert plain.recv(100) == b""
    plain.sendall(b"")
    plain.close()
    thread.join(20)
    assert not thread.is_alive()
    tlsd.wait_children(0)


def test_the_front_half_closes(tlsd):
    """No more from the front; the client goes on to speak."""
    secure, plain, _ = tlsd.session(version_context(TLS13))
    plain.sendall(b"last words")
    plain.shutdown(socket.SHUT_WR)
    assert secure.recv(100) == b"last words"
    assert secure.recv(100) == b""
    secure.sendall(b"and mine")
    assert plain.recv(100) == b"and mine"
    secure.close()
    assert plain.recv(100) == b""
    tlsd.wait_children(0)


def test_an_end_in_the_middle(tlsd):
    """The connection is cut without close_notify: the front gets all that came, then the end."""
    secure, plain, _ = tlsd.session()
    secure.sendall(b"MAIL FROM:<a@b.test>\r\nRCPT")
    secure.close()
    got = b""
    while data := plain.recv(100):
        got += data
    assert got == b"MAIL FROM:<a@b.test>\r\nRCPT"
    plain.close()
    tlsd.wait_children(0)


def test_a_record_cut_in_two(tlsd):
    """Half a record and then the end: nothing of it arrives."""
    client, question = tlsd.hand_over()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = version_context(TLS13)
    session = context.wrap_bio(incoming, outgoing, server_hostname="mail.example.test")
    while True:
        try:
            session.do_handshake()
            break
        except ssl.SSLWantReadError:
            client.sendall(outgoing.read())
            incoming.write(client.recv(65536))
    client.sendall(outgoing.read())
    _, plain = question.answer()
    session.write(b"a whole record")
    client.sendall(outgoing.read())
    session.write(b"the record that is cut")
    client.sendall(outgoing.read()[:-3])
    client.close()
    assert plain.recv(100) == b"a whole record"
    assert plain.recv(100) == b""
    plain.close()
    tlsd.wait_children(0)


@pytest.mark.parametrize("end", ["client", "front"])
def test_a_reset_ends_the_child(tlsd, end):
    secure, plain, _ = tlsd.session()
    if end == "client":
        secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        secure.close()
        with plain:
            try:
                assert plain.recv(1) == b""
            except ConnectionResetError:
                pass
    else:
        secure.sendall(b"unread by the front")
        wait_for("bytes", 5, lambda: plain.recv(1, socket.MSG_PEEK))
        plain.close()
        secure.close()
    tlsd.wait_children(0)


def test_a_reset_behind_a_close_notify_ends_the_child(tlsd):
    """What the front still says cannot be written, and OpenSSL calls that the end of the client's text once more."""
    secure, plain, _ = tlsd.session(version_context(TLS13))
    secure.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        secure.unwrap()
    assert plain.recv(1) == b""
    secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    secure.close()
    with plain, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        plain.sendall(b"221 Bye\r\n")
        plain.sendall(b"221 Bye\r\n")
        tlsd.wait_children(0)
    tlsd.wait_children(0)


# --- requests, processes, keys -----------------------------------------------------------


@pytest.mark.parametrize("packet", [b"accept\0", b"accept\0t\0", b"nonsense\0t\0", b"\xff" * 60000, b"accept", b"accept\0" + b"t" * 60 + b"\0"])
def test_malformed_requests_end_that_conversation_only(tlsd, packet):
    secure, plain, _ = tlsd.session()
    with Peer(tlsd, "tlsd/server") as peer:
        peer.send(raw=packet)
        assert peer.receive() is None
    plain.sendall(b"x")
    assert secure.recv(1) == b"x"
    secure.close(), plain.close()


def test_what_is_not_a_stream_socket_is_refused(tlsd):
    for what in (open("/dev/null", "rb+", buffering=0), open(tlsd.certificate, "rb"), socket.socket(type=socket.SOCK_DGRAM)):
        with what:
            answer, plain = Question(tlsd, what).answer()
            assert answer[0] == "no" and plain is None


def test_a_wrong_peer_is_refused(tlsd):
    def ask():
        client, accepted = tcp_pair()
        try:
            return Question(tlsd, accepted).answer()[0]
        except BrokenPipeError:
            return None
    assert as_user("nobody", ask) == "None"
    assert as_user("postern-queue", ask) == "None"
    tlsd.wait_log("peer-refused socket=tlsd/server")


def test_each_process_is_confined(tlsd):
    secure, plain, _ = tlsd.session()
    child = tlsd.children()[-1]
    for pid in (tlsd.process.pid, tlsd.key_process(), child):
        status = Process(pid).status()
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        assert int(status["CapEff"], 16) == 0
    wait_for("the client and the front alone", 5, lambda: len(
        [d for d in Process(child).descriptors().values() if d.startswith("socket:")]) == 2)
    assert all(d.startswith(("socket:", "/dev/null", "pipe:")) or d.endswith("/log") for d in Process(child).descriptors().values())
    secure.close(), plain.close()


@pytest.mark.parametrize("call", [("openat", "/etc/passwd"), ("socket",), ("execve", "/bin/true")])
def test_a_child_may_do_nothing_else(tlsd, call):
    if "san" in os.environ.get("POSTERN_BUILD", ""):
        pytest.skip("the sanitizers' run-time keeps some calls")
    secure, plain, _ = tlsd.session()
    result = Process(tlsd.children()[-1]).inject(*call)
    assert result == -13 if call[0] == "openat" else str(result).startswith("killed"), result
    secure.close(), plain.close()


def test_a_child_that_dies_is_logged_and_others_go_on(tlsd):
    secure, plain, _ = tlsd.session()
    other, other_plain, _ = tlsd.session()
    os.kill(tlsd.children()[-2], signal.SIGKILL)
    tlsd.wait_log("child-died")
    assert plain.recv(1) == b""
    other_plain.sendall(b"x")
    assert other.recv(1) == b"x"
    for s in (secure, plain, other, other_plain):
        s.close()


def refused_start(kind, change):
    tlsd = Tlsd(kind)
    try:
        change(tlsd)
        assert tlsd.spawn().wait(20) == 100
        return tlsd.log()
    finally:
        tlsd.stop()


def test_a_key_that_others_may_read_is_refused():
    assert "others than its owner may read" in refused_start("rsa", lambda t: t.key.chmod(0o604))


def test_a_key_that_does_not_fit_is_refused():
    def mix(tlsd):
        _, key = make_certificate(tlsd.directory, "ecdsa")
        tlsd.use(tlsd.certificate, key)
    assert "does not belong to the first certificate" in refused_start("rsa", mix)


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_a_missing_file_is_named(missing):
    log = refused_start("rsa", lambda t: getattr(t, missing).unlink())
    assert "No such file" in log and "hint=" in log and "/rsa." in log


def test_a_key_with_a_passphrase_is_refused():
    def encrypt(tlsd):
        subprocess.run(["openssl", "pkey", "-in", tlsd.key, "-out", f"{tlsd.key}.new", "-aes256", "-passout", "pass:x"], check=True)
        tlsd.key.write_bytes(pathlib.Path(f"{tlsd.key}.new").read_bytes())
    assert "without a passphrase" in refused_start("rsa", encrypt)


def test_reload_takes_the_new_certificate_and_drops_no_session():
    with Tlsd("rsa") as tlsd:
        old, old_plain, _ = tlsd.session(version_context(TLS12))
        waiting, question = tlsd.hand_over()  # begins with the old pair, asks for its signature after the reload
        wait_for("both children", 5, lambda: len(tlsd.children()) == 2)
        certificate, key = make_certificate(tlsd.directory, "ecdsa", "new.example.test")
        tlsd.certificate.write_bytes(certificate.read_bytes())
        tlsd.key.write_bytes(key.read_bytes())
        for pid in [*tlsd.offspring(), tlsd.process.pid]:  # as pkill(1) does
            os.kill(pid, signal.SIGHUP)
        wait_for("the reload", 10, lambda: tlsd.log().count("certificate-loaded") == 2)
        new, new_plain, answer = tlsd.session(version_context(TLS12))
        assert "ECDSA" in answer[2]
        late = version_context(TLS12).wrap_socket(waiting, server_hostname="mail.example.test")
        answer, late_plain = question.answer()
        assert "RSA" in answer[2]
        old_plain.sendall(b"x")
        assert old.recv(1) == b"x"
        for s in (old, old_plain, new, new_plain, late, late_plain):
            s.close()


def test_a_bad_reload_changes_nothing():
    with Tlsd("rsa") as tlsd:
        tlsd.key.write_text("no key")
        os.kill(tlsd.process.pid, signal.SIGHUP)
        tlsd.wait_log("reload-failed")
        secure, plain, answer = tlsd.session()
        assert answer[0] == "ok"
        secure.close(), plain.close()


def test_it_ends_with_its_key_process():
    """Without keys there is nothing to do: the supervisor starts it anew."""
    with Tlsd("rsa") as tlsd:
        os.kill(tlsd.key_process(), signal.SIGKILL)
        assert tlsd.process.wait(10) == 111


def test_a_client_that_takes_nothing_does_not_outlive_its_front(tlsd):
    secure, plain, _ = tlsd.session()
    with secure:
        plain.settimeout(1)
        with plain, pytest.raises(TimeoutError):
            while True:
                plain.send(b"x" * 65536)
        tlsd.wait_children(0)  # handshake_timeout, two seconds here
