"""Where mail goes: the transport map, relay hosts of senders, and logins for relay hosts (postern-authd(8))."""
import re

import pytest

from harness import MariaDB, Sink, Suite, wait_for
from harness.authd import Authd
from harness.packets import Peer, as_user
from test_queue import Intake

FAR = "far.test"


class House(Suite):
    """A suite with three next hops: `usual` for all mail to others, `chosen` by transports, `own` of some senders."""

    def __init__(self, kind, settings, usual):
        self.maps = None
        super().__init__(kind, {"relay_host": f"[127.0.0.1]:{usual.port}", "retry_first": "1s", **settings})
        self.usual = usual

    def send(self, sender, recipient, needle):
        with Intake(self) as client:
            return client.submit(sender, [recipient], f"Subject: {needle}\r\n\r\n{needle}\r\n".encode())

    def ended(self, recipient, event, **fields):
        """The log line of a recipient's fate."""
        pattern = "".join(f".*{key}=\"?{value}" for key, value in {"to": recipient, **fields}.items())
        return self.wait_log("queued", f"^.*{event}.*{pattern}", 20)


def arrived(sink, needle):
    return wait_for(lambda: f"{needle} in {sink.messages}", 20,
                    lambda: next((m for m in sink.messages if needle.encode() in m.data), None))


@pytest.fixture(scope="module")
def house():
    with Sink() as usual, Sink() as chosen, Sink() as own:
        there = f"[127.0.0.1]:{chosen.port}"
        with House("transports", {}, usual) as suite:
            suite.chosen, suite.own = chosen, own
            for name in ("first", "moved", "stays", "wait", "left"):
                setattr(suite, name, suite.user(name))
            suite.alias("old@example.test", ["left@example.test"])
            suite.maps = suite.prefix / "maps"
            suite.maps.mkdir(exist_ok=True)
            suite.maps.chmod(0o755)
            (suite.maps / "transports").write_text(f"""
# by address, by domain, by what is above it
x@one.test        smtp:{there}
x+tag@two.test    smtp:{there}
x@two.test        error:5.1.3 not without the tag
three.test        relay:{there}
.four.test        :{there}
five.test         {there}
six.test          :
moved@example.test smtp:{there}
left@example.test  error:5.1.6 left for another house
stays@example.test virtual:
gone@{FAR}        error:5.1.6 gone to
                  another host
bare@{FAR}        error:no mail here
busy@{FAR}        error:4.3.2 come again later
void@{FAR}        discard:
wait@{FAR}        hold:
wait@example.test hold:
wrong@{FAR}       smtp:[127.0.0.1
strange@{FAR}     carrier-pigeon:
""")
            (suite.maps / "senders").write_text(
                f"ann@example.test [127.0.0.1]:{own.port}\n@club.test smtp-is-no-name\n"
                f"@house.test [127.0.0.1]:{own.port}\nguest@house.test DUNNO\n<> [127.0.0.1]:{own.port}\n")
            suite.set("transports", suite.maps / "transports")
            suite.set("sender_relay_hosts", suite.maps / "senders")
            suite.restart("authd")
            yield suite
            assert not suite.findings()


# --- the map -----------------------------------------------------------------------------------

@pytest.mark.parametrize("recipient", ["x@one.test", "x+any@one.test", "x+tag@two.test", "any@three.test", "any@below.four.test",
                                       "any@deep.below.four.test", "any@five.test", "X@ONE.test"])
def test_the_first_key_that_is_there_decides(house, recipient):
    house.send("first@example.test", recipient.replace("ONE", "one"), f"needle-{recipient}")
    assert arrived(house.chosen, f"needle-{recipient}").recipients == [recipient.replace("ONE", "one")]


@pytest.mark.parametrize("recipient", ["y@one.test", "any@four.test", "any@six.test", "any@below.three.test"])
def test_what_no_key_fits_goes_the_usual_way(house, recipient):
    house.send("first@example.test", recipient, f"needle-{recipient}")
    assert arrived(house.usual, f"needle-{recipient}").recipients == [recipient]


def test_a_user_of_ours_may_live_elsewhere(house):
    house.send("first@example.test", "moved@example.test", "needle-moved")
    assert arrived(house.chosen, "needle-moved").recipients == ["moved@example.test"]
    assert house.moved.messages() == []


def test_virtual_is_the_mailbox_here(house):
    house.send("first@example.test", "stays@example.test", "needle-stays")
    assert b"needle-stays" in house.stays.wait(1)[0]


def test_error_returns_the_mail_with_its_own_words(house):
    house.send("first@example.test", f"gone@{FAR}", "needle-gone")
    house.ended(f"gone@{FAR}", "failed", code="5.1.6", text="gone to +another host")
    house.send("first@example.test", f"bare@{FAR}", "needle-bare")
    house.ended(f"bare@{FAR}", "failed", code="5.0.0", text="no mail here")
    letters = house.first.wait(2)
    assert any(b"Status: 5.1.6" in letter and b"another host" in letter for letter in letters)


def test_an_error_for_ever_is_refused_at_once(house):
    with house.smtp() as client:
        client.ehlo()
        client.command("MAIL FROM:<al@stranger.test>")
        assert client.command("RCPT TO:<left@example.test>")[0] == 550
    house.send("first@example.test", "old@example.test", "needle-left")
    house.ended("left@example.test", "failed", code="5.1.6", text="left for another house")


def test_an_error_of_class_4_defers(house):
    house.send("first@example.test", f"busy@{FAR}", "needle-busy")
    house.ended(f"busy@{FAR}", "deferred", code="4.3.2", text="come again later")


def test_discard_ends_it_as_delivered(house):
    queue_id = house.send("first@example.test", f"void@{FAR}", "needle-void")
    house.ended(f"void@{FAR}", "delivered", code="2.0.0")
    wait_for("the queue file to go", 10, lambda: not list(house.queue.glob(f"*/{queue_id}")))
    assert not [m for sink in (house.usual, house.chosen) for m in sink.messages if b"needle-void" in m.data]


@pytest.mark.parametrize("recipient", [f"wait@{FAR}", "wait@example.test"])
def test_hold_waits_for_a_person(house, recipient):
    with Intake(house) as client:
        queue_id = client.submit("first@example.test", [recipient, "y@one.test"], f"Subject: x\r\n\r\nheld-{recipient}\r\n".encode())
    assert arrived(house.usual, f"held-{recipient}").recipients == ["y@one.test"]
    wait_for(lambda: house.tool("mailq").stdout, 20, lambda: f"{queue_id}!" in house.tool("mailq").stdout)
    house.tool("queuectl", "release", queue_id)
    if recipient.endswith(FAR):
        wait_for(lambda: house.usual.messages, 20, lambda: any(m.recipients == [recipient] for m in house.usual.messages))
    else:
        assert b"held-wait@example.test" in house.wait.wait(1)[0]


def test_hold_does_not_stop_the_retries_of_others(house):
    with Intake(house) as client:
        queue_id = client.submit("first@example.test", [f"wait@{FAR}", f"busy@{FAR}"], b"Subject: x\r\n\r\nx\r\n")
    wait_for("two attempts", 30, lambda: len(re.findall(f"deferred queue={queue_id} to=busy@", house.log_text("queued"))) >= 2)
    house.tool("queuectl", "delete", queue_id)


@pytest.mark.parametrize("recipient", [f"wrong@{FAR}", f"strange@{FAR}"])
def test_a_wrong_one_is_logged_and_the_mail_waits(house, recipient):
    house.send("first@example.test", recipient, "needle-wrong")
    house.ended(recipient, "deferred")
    what = "smtp:.127.0.0.1" if recipient.startswith("wrong") else "carrier-pigeon:"
    wait_for(f"{what} in a log", 10, lambda: re.search(f"transport-wrong.*transport=\"?{what}", house.log_text("authd") + house.log_text("queued")))


# --- relay hosts of senders -----------------------------------------------------------------------

@pytest.mark.parametrize("sender", ["ann@example.test", "ann+lists@example.test", "any@house.test", ""])
def test_a_sender_has_a_relay_host_of_his_own(house, sender):
    house.send(sender, "y@one.test", f"needle-own-<{sender}>")
    assert arrived(house.own, f"needle-own-<{sender}>").sender == sender


@pytest.mark.parametrize("sender", ["bob@example.test", "guest@house.test"])
def test_other_senders_and_dunno_take_the_usual_one(house, sender):
    house.send(sender, "y@one.test", f"needle-usual-<{sender}>")
    assert arrived(house.usual, f"needle-usual-<{sender}>").sender == sender


def test_the_transport_wins_over_the_senders_host(house):
    house.send("ann@example.test", "x@one.test", "needle-wins")
    assert arrived(house.chosen, "needle-wins").sender == "ann@example.test"


# --- what a person sees; changes ---------------------------------------------------------------------

def test_lookup_shows_each_step(house):
    said = house.tool("lookup", "transport", "any@below.four.test").stdout
    for key in ("any@below.four.test: not there", "below.four.test: not there", ".four.test: found"):
        assert key in said
    assert f"transport [127.0.0.1]:{house.chosen.port}".replace("[", ":[") in said
    said = house.tool("lookup", "transport", "any@else.test", "ann@example.test").stdout
    assert f"ann@example.test: found: [127.0.0.1]:{house.own.port}" in said


def test_a_change_counts_without_a_restart(house):
    text = (house.maps / "transports").read_text()
    assert "answer    no" in house.tool("lookup", "transport", "new@seven.test", check=False).stdout
    (house.maps / "transports").write_text(text + "seven.test discard:\n")
    wait_for("the new line", 10, lambda: "discard:" in house.tool("lookup", "transport", "new@seven.test", check=False).stdout)
    (house.maps / "transports").write_text(text + "  \nno-value\n")
    house.wait_log("authd", "map-unreadable.*line .*key value")
    assert "discard:" in house.tool("lookup", "transport", "new@seven.test").stdout, "what was read before serves on"
    (house.maps / "transports").write_text(text)


# --- logins for relay hosts -----------------------------------------------------------------------------

PASSWORDS = """\
[relay.test]:587   user:secret
mail.test          other:a:b
# of a sender, for the host that takes his mail
ann@example.test   ann:hers
broken.test        nocolon
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """authd by itself, with its files, as one user."""
    directory = tmp_path_factory.mktemp("relay")
    directory.chmod(0o755)
    (directory / "passwords").write_text(PASSWORDS)
    (directory / "passwords").chmod(0o600)
    (directory / "senders").write_text("ann@example.test [ann.test]:587\n")
    authd = Authd(relay_passwords=directory / "passwords", sender_relay_hosts=directory / "senders", relay_host="[relay.test]:587")
    authd.maps = directory
    with authd:
        yield authd


@pytest.mark.parametrize("hop, sender, login", [
    ("[relay.test]:587", "", ("user", "secret")),
    ("smtp:[relay.test]:587", "bob@example.test", ("user", "secret")),
    ("relay.test:587", "", ("user", "secret")),
    ("[RELAY.test]:587", "", ("user", "secret")),
    ("[mail.test]:25", "", ("other", "a:b")),
    ("mail.test", "", ("other", "a:b")),
    ("[relay.test]:25", "", None),
    ("[else.test]", "", None),
    ("[ann.test]:587", "ann@example.test", ("ann", "hers")),
    ("[ann.test]:587", "ann+x@example.test", ("ann", "hers")),
])
def test_a_login_for_the_next_hop(alone, hop, sender, login):
    assert alone.lookup("relay_login", hop, sender) == (("ok", *login) if login else ("no",))


@pytest.mark.parametrize("hop", ["[else.test]:587", "mx.stranger.test", "[mail.test]:25"])
def test_a_senders_own_login_goes_to_his_own_host_alone(alone, hop):
    assert "hers" not in alone.lookup("relay_login", hop, "ann@example.test")


def test_a_line_without_a_password_is_trouble(alone):
    status, why = alone.lookup("relay_login", "broken.test", "")
    assert status == "later" and "USER:PASSWORD" in why


def test_its_story_has_no_password(alone):
    with Peer(alone, "authd/lookup") as peer:
        story = peer.ask("explain", "t", "relay_login", "", "[relay.test]:587")
        assert story[0] == "story" and peer.receive() == ["ok", "t", "user"] and "secret" not in " ".join(story)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path, mode):
    (tmp_path / "passwords").write_text(PASSWORDS)
    (tmp_path / "passwords").chmod(mode)
    with Authd(relay_passwords=tmp_path / "passwords") as authd:
        assert authd.lookup("relay_login", "mail.test", "")[0] == "later"
        assert "mode 0600" in authd.log()
        (tmp_path / "passwords").chmod(0o600)
        wait_for("the file to be read", 10, lambda: authd.lookup("relay_login", "mail.test", "")[0] == "ok")


@pytest.mark.parametrize("user", ["postern-smtpd", "postern-queue", "vmail", "postern-lmtpd", "postern-imapd"])
def test_nobody_but_remote_asks_for_logins(house, user):
    assert asked_as(house, user, "relay_login", "mail.test", "") in ("None", "ConnectionResetError")


def test_remote_asks_for_nothing_else(house):
    assert asked_as(house, "postern-remote", "relay_login", "mail.test", "") == "['no', 't']"
    for question in (("rcpt", "first@example.test"), ("alias", "first@example.test"), ("client", "smtp", "192.0.2.1")):
        assert asked_as(house, "postern-remote", *question) in ("None", "ConnectionResetError")


def asked_as(house, user, *question):
    """The answer as a text; "None" when authd ends the conversation."""
    def ask():
        with Peer(house, "authd/lookup") as peer:
            return peer.ask(question[0], "t", *question[1:])
    return as_user(user, ask).split(":")[0]


# --- the same from tables -----------------------------------------------------------------------------------

ROWS = """
CREATE DATABASE house; USE house; CREATE TABLE map (name varchar(20), address varchar(100), value varchar(200));
INSERT INTO map VALUES ('transports', 'both.test', 'smtp:[table]'), ('transports', 'table.test', 'smtp:[table]'),
    ('relays', 'ann@example.test', '[table]:587'), ('relays', '@club.test', 'DUNNO'),
    ('senders', 'ann@example.test', 'one@example.test'), ('senders', 'ann@example.test', 'two@example.test'),
    ('recipients', '@far.test', 'one@example.test, two@example.test');
"""
QUERY = "hosts = unix:{socket}\nuser = {user}\npassword = {password}\ndbname = house\nquery = SELECT value FROM map WHERE name = '{name}' AND address = '%s' ORDER BY value\n"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tables")
    (directory / "transports").write_text("both.test smtp:[file]\n")
    with MariaDB() as db:
        db.sql(ROWS)
        settings = {"sql_transports": "transports", "sql_sender_relay_hosts": "relays", "sql_sender_bcc": "senders", "sql_recipient_bcc": "recipients"}
        authd = Authd(transports=directory / "transports", **{setting: f"{name}.cf" for setting, name in settings.items()})
        for name in settings.values():
            (authd.settings / f"{name}.cf").write_text(QUERY.format(socket=db.socket, user=db.user, password=db.password, name=name))
        with authd:
            yield authd


@pytest.mark.parametrize("question, answer", [
    (("transport", "x@table.test"), ("ok", "smtp:[table]")),
    (("transport", "x@both.test"), ("ok", "smtp:[file]")),  # the file comes first
    (("transport", "x@else.test", "ann@example.test"), ("ok", "smtp:[table]:587")),
    (("transport", "x@table.test", "ann@example.test"), ("ok", "smtp:[table]")),
    (("transport", "x@else.test", "any@club.test"), ("no",)),
    (("sender_bcc", "ann+x@example.test"), ("ok", "one@example.test", "two@example.test")),
    (("recipient_bcc", "any@far.test"), ("ok", "one@example.test", "two@example.test")),
    (("recipient_bcc", "any@near.test"), ("no",)),
], ids=lambda part: "-".join(part))
def test_tables_say_the_same_as_files(tables, question, answer):
    assert tables.lookup(*question) == answer
