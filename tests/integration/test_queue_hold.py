"""Mail that is held: it waits for an administrator through everything, the postmaster is told, and it ends once."""
import json
import os
import re
import signal
import time

import pytest

from harness import Peer, Suite, strace, wait_for
from test_queue import MESSAGE, Intake, files, wait_gone

WHY = "301 recipients within an hour, the limit is 300"
LOGIN = "busy@example.test"
POSTMASTER = "postmaster@example.test"


@pytest.fixture(scope="module")
def own():
    """A suite with a postmaster, whose queue may be killed."""
    with Suite("hold", {"postmaster": POSTMASTER, "retry_first": "1s", "retry_most": "4s", "queue_life": "2s",
                        "outgoing_hour": "3"}) as running:
        running.postmaster = running.user(POSTMASTER)
        yield running
        assert not running.findings()


def hold(suite, recipients, *keys, message=MESSAGE, login=LOGIN):
    """A message as smtpd hands it in when its login is over a limit."""
    with Intake(suite) as client:
        return client.submit(LOGIN, recipients, message, f"login={login}", "client=192.0.2.7", f"hold={WHY}", *keys)


def path_of(suite, queue_id):
    return next(path for path in files(suite) if path.name == queue_id)


def turn(suite, queue_id):
    """The word in the line `tries`."""
    line = re.match(rb"tries \d{4} (\w{4}) ", path_of(suite, queue_id).read_bytes().split(b"\n")[1])
    return line and line[1].decode()


def wait_turn(suite, queue_id, word):
    wait_for(lambda: f"{word} in {path_of(suite, queue_id).read_bytes()[:100]}", 10, lambda: turn(suite, queue_id) == word)


def held_in_the_log(suite, queue_id):
    return len(re.findall(rf"warning: held queue={queue_id} ", suite.log_text("queued")))


def shown(suite, queue_id):
    """What mailq says of a message: a list of recipients."""
    lines = [json.loads(line) for line in suite.tool("mailq", "--json", user="nobody").stdout.splitlines()]
    return [recipient for line in lines if line["queue_id"] == queue_id for recipient in line["recipients"]]


def queuectl(suite, *words):
    return suite.tool("queuectl", *words, check=False)


def notices(suite, queue_id):
    return [text for text in suite.postmaster.messages() if queue_id.encode() in text]


def test_held_mail_is_shown_with_its_reason_and_goes_when_it_is_released(own):
    user, other = own.user(), own.user()
    queue_id = hold(own, [user.address, other.address])
    line = own.wait_log("queued", rf"held queue={queue_id} .*").group(0)
    assert f"login={LOGIN}" in line and f'reason="{WHY}"' in line and f"postern-queuectl release {queue_id}" in line
    assert [(r["address"], r["state"], r["delay_reason"], r["next_try"]) for r in shown(own, queue_id)] == [
        (user.address, "held", WHY, 0), (other.address, "held", WHY, 0)]
    assert re.search(rf"{queue_id}!.*\n +\({WHY}\)\n +{user.address}\n +{other.address}\n", own.tool("mailq").stdout)
    own.tool("queuectl", "flush")
    assert queuectl(own, "flush", queue_id).returncode == 100
    later = own.user()
    with Intake(own) as client:
        client.submit("a@example.test", [later.address], MESSAGE)
    later.wait(1)
    assert not user.messages() and not other.messages()
    result = queuectl(own, "release", queue_id)
    assert result.returncode == 0 and result.stdout.startswith("1 ")
    user.wait(1), other.wait(1)
    wait_gone(own, queue_id)
    assert len(user.messages()) == len(other.messages()) == 1
    own.wait_log("queued", rf"released queue={queue_id} ")
    assert queuectl(own, "release", queue_id).returncode == 100


def test_the_postmaster_is_told_once(own):
    user = own.user()
    queue_id = hold(own, [user.address] * 3, f"hold-notice={LOGIN}")
    again = hold(own, [user.address])
    wait_turn(own, queue_id, "held")
    (notice,) = wait_for("the notice", 10, lambda: notices(own, queue_id))
    for words in (f"Login:      {LOGIN}", f"Reason:     {WHY}", "Client:     192.0.2.7", "Recipients: 3", f"Sender:     <{LOGIN}>",
                  f"postern-queuectl release {queue_id}", f"postern-queuectl delete {queue_id}", "Auto-Submitted: auto-generated",
                  "Return-Path: <>"):
        assert words.encode() in notice, notice
    assert not notices(own, again)
    assert queuectl(own, "release", queue_id, again).stdout.startswith("2 ")
    user.wait(2)


def test_the_postmaster_is_told_though_the_first_message_was_never_completed(own):
    user = own.user()
    with Intake(own) as client:
        assert client.envelope(LOGIN, [user.address], "login=quitter@example.test", f"hold={WHY}",
                               "hold-notice=quitter@example.test")[0] == "ok"
    first, second = (hold(own, [user.address], login="quitter@example.test") for _ in range(2))
    wait_turn(own, second, "held")
    wait_for("the notice", 10, lambda: notices(own, first))
    own.restart("queued")
    third = hold(own, [user.address], login="quitter@example.test")
    wait_turn(own, third, "held")
    assert not notices(own, second) and not notices(own, third)
    assert queuectl(own, "delete", first, second, third).stdout.startswith("3 ")


def test_without_a_postmaster_the_log_says_what_to_do(suite):
    user = suite.user()
    queue_id = hold(suite, [user.address], f"hold-notice={LOGIN}")
    line = suite.wait_log("queued", rf"postmaster-not-told queue={queue_id} .*").group(0)
    assert "hint=" in line and "setting postmaster" in line
    wait_turn(suite, queue_id, "held")
    assert queuectl(suite, "delete", queue_id).returncode == 0


def test_held_mail_outlives_restarts_and_kills(own):
    user = own.user()
    queue_id = hold(own, [user.address], f"hold-notice={LOGIN}")
    own.kill("queued")
    own.wait_up(["queued"])
    wait_for("the notice", 10, lambda: notices(own, queue_id))
    wait_turn(own, queue_id, "held")
    told = held_in_the_log(own, queue_id)
    own.restart("queued")
    own.kill("queued")
    own.wait_up(["queued"])
    wait_for("mailq to show it", 10, lambda: [r["state"] for r in shown(own, queue_id)] == ["held"])
    assert held_in_the_log(own, queue_id) == told, "what was told is not told again"
    assert not user.messages()
    queuectl(own, "release", queue_id)
    user.wait(1)
    wait_gone(own, queue_id)


@pytest.mark.parametrize("line", [b"tries 0000 next 0000000000", b"tries 0000 held 0000000000", b"tries 0001 next 1795226861",
                                  b"tries 0000 frld 0000000000", b"tries 0000 ne\0\0 0000000000", b"\0" * 26])
def test_whatever_a_crash_left_of_the_line_it_stays_held(own, line):
    """Only the whole word `free` lets a message go that came to be held."""
    user = own.user()
    queue_id = hold(own, [user.address])
    wait_turn(own, queue_id, "held")
    own.down("queued")
    try:
        path = path_of(own, queue_id)
        text = path.read_bytes().split(b"\n", 2)
        path.write_bytes(b"\n".join([text[0], line, text[2]]))
    finally:
        own.up("queued")
    wait_for("mailq to show it", 10, lambda: [r["state"] for r in shown(own, queue_id)] == ["held"])
    wait_turn(own, queue_id, "held")
    assert not user.messages()
    queuectl(own, "release", queue_id)
    user.wait(1)
    wait_gone(own, queue_id)


def alone(suite, queue_id):
    """The postmaster's letter has come, and the manager has nothing else to do."""
    wait_turn(suite, queue_id, "held")
    wait_for("all else to be gone", 20, lambda: [path.name for path in files(suite)] == [queue_id])


def stop_at(suite, call):
    """strace on the manager, which kills it when it comes to this system call: the call is not done."""
    return strace.attach([suite.service_pid("queued")], "-o", "/dev/null", "-e", f"inject={call}:signal=KILL")


def killed(suite, process):
    process.wait(20)
    suite.wait_up(["queued"])


def test_killed_before_it_is_noted_that_all_were_told(own):
    user = own.user()
    process = stop_at(own, "pwrite64")
    queue_id = hold(own, [user.address], f"hold-notice={LOGIN}")
    killed(own, process)
    wait_turn(own, queue_id, "held")
    assert held_in_the_log(own, queue_id) == 2, "told again, since nobody knows"
    wait_for("the notices", 10, lambda: len(notices(own, queue_id)) == 2)
    assert not user.messages()
    queuectl(own, "release", queue_id)
    user.wait(1)
    wait_gone(own, queue_id)


@pytest.mark.parametrize("call, goes", [("pwrite64", False), ("sendmsg", True)])
def test_killed_before_and_after_the_release(own, call, goes):
    user = own.user()
    queue_id = hold(own, [user.address])
    alone(own, queue_id)
    process = stop_at(own, call)
    assert queuectl(own, "release", queue_id).returncode == 111
    killed(own, process)
    if not goes:
        wait_for("mailq to show it", 10, lambda: [r["state"] for r in shown(own, queue_id)] == ["held"])
        assert not user.messages()
        queuectl(own, "release", queue_id)
    user.wait(1)
    wait_gone(own, queue_id)
    assert len(user.messages()) == 1


@pytest.mark.parametrize("call, gone", [("unlinkat", False), ("sendmsg", True)])
def test_killed_before_and_after_the_end_by_delete(own, call, gone):
    user = own.user()
    queue_id = hold(own, [user.address])
    alone(own, queue_id)
    process = stop_at(own, call)
    assert queuectl(own, "delete", queue_id).returncode == 111
    killed(own, process)
    if not gone:
        wait_for("mailq to show it", 10, lambda: [r["state"] for r in shown(own, queue_id)] == ["held"])
        assert queuectl(own, "delete", queue_id).returncode == 0
    wait_gone(own, queue_id)
    assert not user.messages()


def test_what_was_held_for_long_is_not_too_old_when_it_is_released(own):
    """queue_life is 2 s here, and begins with the release."""
    sender = own.user()
    queue_id = hold(own, ["x@elsewhere.test"])
    with Intake(own) as client:
        mine = client.submit(sender.address, ["x@elsewhere.test"], MESSAGE, f"hold={WHY}")
    wait_turn(own, mine, "held")
    time.sleep(2.5)
    own.restart("queued")
    wait_for("mailq to show it", 10, lambda: [r["state"] for r in shown(own, mine)] == ["held"])
    own.down("remote")
    try:
        assert queuectl(own, "release", mine).returncode == 0
        (bounce,) = sender.wait(1, 20)
    finally:
        own.up("remote")
    assert b"could not be delivered in time" in bounce
    assert len(re.findall(rf"deferred queue={mine} ", own.log_text("queued"))) >= 2
    assert [r["state"] for r in shown(own, queue_id)] == ["held"]
    assert queuectl(own, "delete", queue_id).returncode == 0


def test_an_administrator_holds_and_deletes(own):
    user = own.user()
    own.down("authd")
    try:
        with Intake(own) as client:
            one, two = (client.submit("a@example.test", [user.address], MESSAGE) for _ in range(2))
        wait_for("both to be deferred", 10, lambda: all(f"deferred queue={i}" in own.log_text("queued") for i in (one, two)))
        wait_for("both to be held", 10, lambda: [queuectl(own, "hold", i) for i in (one, two)] and
                 all(r["state"] == "held" and r["delay_reason"] == "by the administrator" for i in (one, two) for r in shown(own, i)))
        own.restart("queued")
        result = queuectl(own, "delete", one)
        assert result.returncode == 0 and result.stdout.startswith("1 ")
    finally:
        own.up("authd")
    own.wait_log("queued", rf"deleted queue={one} from=a@example.test .*recipients=1 by=\"the administrator\"")
    assert queuectl(own, "delete", one).returncode == 100
    assert not user.messages() and one not in [path.name for path in files(own)]
    assert int(queuectl(own, "release", "all").stdout.split()[0]) >= 1
    user.wait(1)
    wait_gone(own, two)
    assert len(user.messages()) == 1


def test_a_message_at_work_is_held_when_what_is_under_way_has_ended(own):
    """authd is stopped, so the question what the recipient is stays under way."""
    user = own.user()
    pids = own.pids("authd")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with Intake(own) as client:
            queue_id = client.submit("a@example.test", [user.address] + [f"{n}@example.test" for n in range(70)], MESSAGE)
        wait_for("the hold", 10, lambda: queuectl(own, "hold", queue_id).returncode == 0)
        with Peer(own, "queue/control") as peer:
            assert peer.ask("delete", "t", queue_id) == ["ok", "t", "0", queue_id], "what is at work is not deleted"
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    user.wait(1)
    wait_for("the rest to be held", 10, lambda: "held" in [r["state"] for r in shown(own, queue_id)])
    states = [r["state"] for r in shown(own, queue_id)]
    assert states.count("held") >= 5 and turn(own, queue_id) == "held"
    assert queuectl(own, "delete", queue_id).returncode == 0


def test_only_root_may_steer_and_only_smtpd_may_hold(own):
    user = own.user()
    queue_id = hold(own, [user.address])
    wait_turn(own, queue_id, "held")
    for words in (["release", queue_id], ["release", "all"], ["hold", "all"], ["delete", queue_id]):
        assert own.tool("queuectl", *words, user="nobody", check=False).returncode == 100
    for words in ([], ["release"], ["hold"], ["delete"], ["nonsense", "all"], ["flush", "--nonsense"], ["release", "../../x"]):
        assert queuectl(own, *words).returncode == 100
    assert [r["state"] for r in shown(own, queue_id)] == ["held"]
    with Intake(own, "submit") as client:
        client.submit("a@example.test", [user.address], MESSAGE, f"hold={WHY}", f"hold-notice={LOGIN}")
    user.wait(1)
    assert queuectl(own, "delete", queue_id).returncode == 0


# --- from the user to the queue: a login may send to 3 recipients in an hour here ---------------------------------------


def log_in(suite, user):
    smtp = suite.smtp("submission")
    smtp.ehlo()
    smtp.starttls()
    assert smtp.login(user.address, user.password)[0] == 235
    return smtp


def test_a_login_past_its_limit_is_answered_as_ever_and_its_mail_is_held(own):
    sender, one, two = own.user(), own.user(), own.user()
    with log_in(own, sender) as smtp:
        passed, first, again = [re.search(r"\b[2-7a-z]{13}\b", smtp.message(sender.address, [one.address, two.address], MESSAGE)).group(0)
                                for _ in range(3)]
    one.wait(1), two.wait(1)
    own.wait_log("submission", rf"accepted .*queue={first} .*login={sender.address} .*hold=\"4 recipients within an hour")
    own.wait_log("authd", rf"outgoing-limit login={sender.address} .*hint=")
    own.wait_log("queued", rf"held queue={first} .*login={sender.address} .*reason=\"4 recipients within an hour, the limit is 3\"")
    own.wait_log("queued", rf"held queue={again} ")
    (notice,) = wait_for("the notice", 10, lambda: notices(own, first))
    assert f"Login:      {sender.address}".encode() in notice and b"Client:     127.0.0.1" in notice
    wait_turn(own, again, "held")
    assert not notices(own, again) and not own.log_text("queued").count(f"held queue={passed} ")
    assert queuectl(own, "release", first, again).returncode == 0
    one.wait(3), two.wait(3)
    with own.smtp() as smtp:
        smtp.ehlo()
        for _ in range(5):
            smtp.message("stranger@elsewhere.test", [one.address], MESSAGE)
    one.wait(8)


def test_when_nobody_can_count_the_client_comes_again(own):
    sender = own.user()
    with log_in(own, sender) as smtp:
        assert smtp.command(f"MAIL FROM:<{sender.address}>")[0] == 250
        assert smtp.command(f"RCPT TO:<{sender.address}>")[0] == 250
        own.kill("authd")
        code, texts = smtp.command("DATA")
        assert code == 451 and texts[0].startswith("4.3.0")
    own.wait_up(["authd"])
