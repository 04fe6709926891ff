"""Files that change: taken by themselves and by SIGHUP, half a change breaks nothing, and no session is dropped."""
import os
import shutil
import signal
import time

import pytest

from harness import wait_for
from harness.dialogue import client_context
from harness.authority import Authority, valid
from harness.tls import Tlsd, der, place, s_client, shown


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("workshop"), "workshop")


@pytest.fixture
def tlsd():
    with Tlsd("ecdsa") as running:
        yield running


def put(tlsd, pair, order=("certificate", "key")):
    for which in order:
        source, target = (pair[0], tlsd.certificate) if which == "certificate" else (pair[1], tlsd.key)
        place(tlsd, target, source.read_bytes())


def wait_shown(tlsd, certificate, name="mail.example.test"):
    wait_for(lambda: f"the new certificate: {tlsd.log()}", 10, lambda: shown(tlsd, name) == der(certificate))


def wait_looks(tlsd, count=2):
    """Each look reads the directory of the default pair's files: their access is not recorded, so time it is."""
    time.sleep(count * 1.1)


def test_a_renewal_is_taken_without_a_signal(tlsd, workshop):
    old, old_plain, _ = tlsd.session()
    pair = workshop.issue("/CN=mail.example.test")
    put(tlsd, pair)
    wait_shown(tlsd, pair[0])
    tlsd.wait_log("certificate-renewed")
    old_plain.sendall(b"still here")
    assert old.recv(100) == b"still here"
    old.close(), old_plain.close()


def test_what_has_expired_replaces_nothing(tlsd, workshop):
    """Somebody has put back the files of last year."""
    before = der(tlsd.certificate)
    put(tlsd, workshop.issue("/CN=mail.example.test", change=valid("200101000000Z", "210203000000Z")))
    tlsd.wait_log('reason="it has expired" hint="put the renewed')
    assert shown(tlsd, "mail.example.test") == before


@pytest.mark.parametrize("order", [("certificate", "key"), ("key", "certificate")])
def test_half_a_renewal_breaks_nothing(tlsd, workshop, order):
    """Between the two files the old pair goes on, with one line in the log."""
    before = der(tlsd.certificate)
    pair = workshop.issue("/CN=mail.example.test")
    put(tlsd, pair, order[:1])
    tlsd.wait_log("certificate-refused")
    wait_looks(tlsd, 4)
    assert shown(tlsd, "mail.example.test") == before
    assert tlsd.log().count("certificate-refused") == 1 and "the one from before goes on" in tlsd.log()
    put(tlsd, pair, order[1:])
    wait_shown(tlsd, pair[0])


def test_a_file_that_is_written_slowly(tlsd, workshop):
    """In place, in pieces: nothing of it counts before it is whole."""
    before, pair = der(tlsd.certificate), workshop.issue("/CN=mail.example.test")
    place(tlsd, tlsd.key, pair[1].read_bytes())
    text = pair[0].read_bytes()
    with tlsd.certificate.open("wb", buffering=0) as file:
        for at in range(0, len(text), len(text) // 3):
            file.write(text[at:at + len(text) // 3])
            time.sleep(0.7)
            assert shown(tlsd, "mail.example.test") in (before, der(pair[0]))
    wait_shown(tlsd, pair[0])


def test_a_pair_that_comes_and_goes(tlsd, workshop):
    """The setting is read again at SIGHUP; what is in the directory is seen without."""
    one, two = (workshop.issue(f"/CN={n}", f"subjectAltName=DNS:{n}.test") for n in ("one", "two"))
    directory = tlsd.add("one", *one)
    tlsd.reload()
    assert shown(tlsd, "one.test") == der(one[0])
    tlsd.add("two", *two)
    wait_shown(tlsd, two[0], "two.test")
    shutil.rmtree(directory)
    wait_for("the default", 10, lambda: shown(tlsd, "one.test") == der(tlsd.certificate))
    assert shown(tlsd, "two.test") == der(two[0])


def test_client_ca_changes_without_a_restart(tlsd, workshop):
    asked = "Acceptable client certificate CA names"
    assert asked not in s_client(tlsd)
    place(tlsd, tlsd.directory / "settings" / "ca.pem", workshop.certificate.read_bytes())
    tlsd.set("client_ca", "ca.pem")
    tlsd.reload()
    assert f"{asked}\nCN = workshop" in s_client(tlsd)
    other = Authority(tlsd.directory, "other")
    place(tlsd, tlsd.directory / "settings" / "ca.pem", other.certificate.read_bytes())
    wait_for("the other authority", 10, lambda: f"{asked}\nCN = other" in s_client(tlsd))
    (tlsd.settings / "client_ca").unlink()
    tlsd.reload()
    assert asked not in s_client(tlsd)


def test_a_wrong_setting_at_a_reload_changes_nothing(tlsd):
    tlsd.set("tls_profile", "ancient")
    tlsd.reload()
    tlsd.wait_log("reload-failed")
    assert "modern, intermediate or old" in tlsd.log() and tlsd.session()[2][0] == "ok"


def test_a_wrong_profile_at_the_start_is_refused():
    tlsd = Tlsd("ecdsa", tls_profile="ancient")
    assert tlsd.spawn().wait(20) == 100
    assert "modern, intermediate or old" in tlsd.log()
    tlsd.stop()


def test_a_renewal_that_is_not_valid_yet_waits(tlsd, workshop):
    before = der(tlsd.certificate)
    begin = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 10))
    pair = workshop.issue("/CN=mail.example.test", change=valid(begin, "400101000000Z"))
    put(tlsd, pair, ("key", "certificate"))
    tlsd.wait_log("it is not valid yet")
    assert shown(tlsd, "mail.example.test") == before
    wait_for("its time", 15, lambda: shown(tlsd, "mail.example.test") == der(pair[0]))


def test_sessions_and_handshakes_outlive_many_reloads(tlsd, workshop):
    """A handshake that begins with a pair which was replaced several times is still signed with its key."""
    late, question = tlsd.hand_over()
    old, old_plain, _ = tlsd.session()
    begun_with = der(tlsd.certificate)
    for _ in range(4):
        put(tlsd, workshop.issue("/CN=mail.example.test"))
        tlsd.reload()
    secure = client_context().wrap_socket(late, server_hostname="mail.example.test")
    assert secure.getpeercert(True) == begun_with and question.answer()[0][0] == "ok"
    old_plain.sendall(b"x")
    assert old.recv(1) == b"x"


def test_a_storm_of_signals(tlsd):
    for _ in range(1000):
        os.kill(tlsd.process.pid, signal.SIGHUP)
    tlsd.reload()
    assert tlsd.session()[2][0] == "ok" and "Deadlock" not in tlsd.log()
