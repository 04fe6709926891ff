"""postern-mailq and postern-queuectl: what waits is shown whole, and what an administrator orders is done, once, and lasts."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

from harness import Peer, Suite, strace, wait_for
from harness.process import Process
from test_queue import MESSAGE, Intake, alias, files, wait_gone

ADMIN = "games"  # a user that every Debian has
ACCEPTS = "00010000"  # of a socket in /proc/net/unix


@pytest.fixture(scope="module")
def own():
    """postern-remote is down: what goes to others waits."""
    with Suite("tools", {"queue_admins": ADMIN}) as running:
        running.user()
        running.down("remote")
        yield running
        assert not running.findings()


@pytest.fixture
def empty(own):
    """Begins and ends with an empty queue."""
    def clear():
        queuectl(own, "delete", "all")
        wait_for("an empty queue", 20, lambda: queuectl(own, "delete", "all").returncode == 0 and not files(own))
    clear()
    yield own
    clear()


def queuectl(suite, *words, user=None):
    return suite.tool("queuectl", *words, check=False, user=user)


def done(suite, *words):
    """How many it was done to."""
    result = queuectl(suite, *words)
    assert result.returncode == 0, result.stdout + result.stderr
    return int(result.stdout.splitlines()[-1].split()[0])


def mailq(suite, *words, user=None):
    return [json.loads(line) for line in suite.tool("mailq", "--json", *words, user=user).stdout.splitlines()]


def ids(suite, *words):
    return [entry["queue_id"] for entry in mailq(suite, *words)]


def deferred(suite, sender, recipients, *keys, message=MESSAGE):
    """A message that has been tried once."""
    with Intake(suite) as client:
        queue_id = client.submit(sender, recipients, message, *keys)
    suite.wait_log("queued", rf"deferred queue={queue_id} ")
    wait_for("the end of the attempt", 10, lambda: [e["queue_name"] for e in mailq(suite, queue_id)] == ["deferred"])
    return queue_id


def aged(suite, queue_id, seconds):
    """As if it had come so long ago: its arrival is under the header's sum, so the clock of the file is set with it."""
    path = next(path for path in files(suite) if path.name == queue_id)
    data = path.read_bytes()
    arrival = int(re.search(rb"\narrival (\d+)\n", data)[1])
    path.write_bytes(with_sum(data.replace(b"%d\n" % arrival, b"%d\n" % (arrival - seconds * 1000000), 1)))


def crc32c_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc32c_table()
MARK, TRIES, FIELDS = 56, 27, 5 + 1 + 1 + 9 + 1 + 320


def crc32c(data):
    total = 0xffffffff
    for byte in data:
        total = total >> 8 ^ TABLE[(total ^ byte) & 255]
    return total ^ 0xffffffff


def with_sum(data):
    """A queue file whose header was changed, with its sum made right (queue/STATES.md)."""
    size = int(data[16:24])
    lines = data[MARK + TRIES:size].split(b"\n")[:-1]
    summed = b"".join((line[FIELDS:] if line.startswith(b"rcpt ") else line) + b"\n" for line in lines)
    return data[:MARK - 18] + b"%08x" % crc32c(data[:MARK - 18] + summed) + data[MARK - 10:]


# --- mailq ---------------------------------------------------------------------------------------------------------


def test_mailq_as_people_and_scripts_know_it(empty):
    assert empty.tool("mailq").stdout == "Mail queue is empty\n"
    one = deferred(empty, "a@example.test", ["x@elsewhere.test", "y@elsewhere.test"], message=MESSAGE * 30)
    two = deferred(empty, "", ["z@other.test"])
    assert done(empty, "hold", two) == 1
    text = empty.tool("mailq", user="nobody").stdout
    stamp = r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d"
    assert re.search(rf"^{one}  +{len(MESSAGE) * 30} {stamp}  a@example\.test\n +\(4\.3\.0 .*\)\n +x@elsewhere\.test\n +y@elsewhere\.test\n\n", text, re.M)
    assert re.search(rf"^{two}! +{len(MESSAGE)} {stamp}  MAILER-DAEMON\n +\(by the administrator\)\n +z@other\.test\n\n", text, re.M)
    assert text.splitlines()[-1] == "-- 3 Kbytes in 2 Requests."
    assert empty.tool("mailq", one).stdout.splitlines()[-1] == "-- 3 Kbytes in 1 Request."


def test_mailq_json(empty):
    one = deferred(empty, "a@example.test", ["x@elsewhere.test"])
    (entry,) = mailq(empty)
    (recipient,) = entry["recipients"]
    assert entry["queue_name"] == "deferred" and entry["queue_id"] == one and entry["sender"] == "a@example.test"
    assert entry["message_size"] == len(MESSAGE) and abs(entry["arrival_time"] - time.time()) < 60
    assert recipient["address"] == "x@elsewhere.test" and recipient["state"] == "deferred" and recipient["tries"] == 1
    assert recipient["delay_reason"].startswith("4.3.0 ") and recipient["next_try"] > entry["arrival_time"]


def test_what_is_not_text_does_not_reach_the_terminal_and_json_stays_json(empty):
    odd = 'evil"\\\u009b2J\u0001@elsewhere.test'.replace("\u0001", "")
    with Intake(empty) as client:
        answer = client.envelope("a@example.test", [odd])
        client.data(MESSAGE)
        client.ask("commit", "4")
    (entry,) = wait_for("the message", 10, lambda: mailq(empty, answer[2]))
    assert entry["recipients"][0]["address"] == odd
    assert "\u009b" not in empty.tool("mailq").stdout


def test_what_is_at_work_is_marked(empty):
    """authd is stopped, so that the question what the recipient is stays under way."""
    pids = empty.pids("authd")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with Intake(empty) as client:
            one = client.submit("a@example.test", ["x@elsewhere.test"], MESSAGE)
        wait_for("the mark", 10, lambda: f"{one}*" in empty.tool("mailq").stdout)
        assert [entry["queue_name"] for entry in mailq(empty)] == ["active"]
        result = queuectl(empty, "requeue", one)
        assert result.returncode == 100 and "at work" in result.stderr
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_filters_choose(empty):
    one = deferred(empty, "Ann@Example.test", ["x@elsewhere.test", "y@other.test"])
    two = deferred(empty, "", ["x@elsewhere.test"])
    three = deferred(empty, "bob@sub.example.test", ["z@deep.other.test"])
    aged(empty, three, 7200)
    done(empty, "hold", two)
    for words, expected in [
        (["--sender", "ann@example.test"], [one]), (["--sender", "*example.test"], [one, three]), (["--sender", "<>"], [two]), (["--sender", ""], [two]),
        (["--recipient", "X@elsewhere.*"], [one, two]), (["--domain", "other.test"], [one]), (["--domain", "*other.test"], [one, three]),
        (["--older-than", "1h"], [three]), (["--older-than", "3h"], []), (["--held"], [two]), (["--held", "--sender", "ann*"], []),
        (["--domain", "elsewhere.test", two, three], [two]), ([three, one], [three, one]), (["--sender", "a*n*@*.t*t"], [one]),
    ]:
        assert ids(empty, *words) == expected, words
    (entry,) = mailq(empty, "--domain", "other.test")
    assert [r["address"] for r in entry["recipients"]] == ["y@other.test"], "only the recipients that are meant are shown"


@pytest.mark.parametrize("words", [["--older-than", "soon"], ["--sender"], ["--nonsense"], ["not-an-id"], ["--older-than"]], ids=" ".join)
def test_mailq_is_called_wrongly(own, words):
    assert own.tool("mailq", *words, check=False).returncode == 100


# --- orders ----------------------------------------------------------------------------------------------------------


def test_orders_by_selection_and_the_dry_run_does_nothing(empty):
    mine = [deferred(empty, "a@example.test", ["x@elsewhere.test"]) for _ in range(3)]
    other = deferred(empty, "b@example.test", ["y@elsewhere.test"])
    for verb, words in (("hold", "held"), ("delete", "deleted"), ("fail", "returned"), ("requeue", "requeued"), ("flush", "tried now")):
        result = queuectl(empty, "-n", verb, "--sender", "a@example.test")
        assert result.stdout == "".join(f"{i} a@example.test\n" for i in mine) + f"3 messages would be {words}.\n"
    assert [entry["queue_name"] for entry in mailq(empty)] == ["deferred"] * 4
    assert done(empty, "hold", "--sender", "a@example.test") == 3
    assert done(empty, "hold", "all") == 1 and done(empty, "hold", "all") == 0
    assert ids(empty, "--held") == mine + [other]
    assert done(empty, "-n", "release", "all") == 4 and done(empty, "release", "--domain", "elsewhere.test", "--sender", "b*") == 1
    assert done(empty, "delete", "--sender", "a@example.test") == 3
    assert ids(empty) == [other]
    assert queuectl(empty, "delete", mine[0]).returncode == 100


def test_more_than_one_packet_of_ids(empty):
    with Intake(empty) as client:
        all_ids = [client.submit("many@example.test", ["x@elsewhere.test"], MESSAGE) for _ in range(300)]
    wait_for("all to wait", 30, lambda: [e["queue_name"] for e in mailq(empty)].count("deferred") == 300)
    assert ids(empty) == all_ids
    assert done(empty, "hold", "all") == 300 and ids(empty, "--held") == all_ids
    assert done(empty, "delete", "--sender", "many*") == 300


def test_a_message_with_more_recipients_than_a_page_holds(empty):
    recipients = [f"r{n}@elsewhere.test" for n in range(2000)]
    with Intake(empty) as client:
        one = client.submit("a@example.test", recipients, MESSAGE, "hold=too many")
    two = deferred(empty, "b@example.test", ["x@elsewhere.test"])
    entries = mailq(empty)
    assert [entry["queue_id"] for entry in entries] == [one, two]
    assert [r["address"] for r in entries[0]["recipients"]] == recipients


def test_flush_one_a_domain_a_next_hop_and_all(empty):
    one = deferred(empty, "a@example.test", ["x@elsewhere.test"])
    deferred(empty, "a@example.test", ["x@other.test"])
    assert done(empty, "flush", one) == 1 and done(empty, "flush", "--domain", "other.test") == 1
    assert done(empty, "flush", "--next-hop", "other.test") == 1 and done(empty, "flush", "--next-hop", "nowhere.test") == 0
    empty.set("relay_host", "[relay.test]:2525")
    try:
        assert done(empty, "flush", "--next-hop", "relay.test") == 2
    finally:
        empty.set("relay_host", None)
    assert done(empty, "flush") == 2
    wait_for("both to wait again", 10, lambda: done(empty, "flush", "all") == 2)
    wait_for("the second attempt", 10, lambda: len(re.findall(rf"deferred queue={one} ", empty.log_text("queued"))) >= 2)
    done(empty, "hold", "all")
    assert queuectl(empty, "flush", one).returncode == 100 and done(empty, "flush") == 0


def test_a_senders_relay_host_is_a_next_hop(empty):
    deferred(empty, "a@example.test", ["x@elsewhere.test"])
    deferred(empty, "b@example.test", ["x@other.test"])
    relays = empty.prefix / "sender-relays"
    relays.write_text("a@example.test [own.test]:587\n")
    empty.set("sender_relay_hosts", relays)
    empty.restart("authd")
    try:
        assert "1 message would be" in queuectl(empty, "flush", "-n", "--next-hop", "own.test").stdout
        assert "0 messages would be" in queuectl(empty, "flush", "-n", "--next-hop", "elsewhere.test").stdout
    finally:
        empty.set("sender_relay_hosts", None)
        empty.restart("authd")


def test_fail_returns_now_with_the_text(empty):
    sender = empty.user()
    one = deferred(empty, sender.address, ["x@elsewhere.test", "y@elsewhere.test"])
    assert done(empty, "fail", "--text", "5.1.10 that host is gone", one) == 1
    (bounce,) = sender.wait(1)
    assert bounce.count(b"Status: 5.1.10") == 2 and b"that host is gone" in bounce
    wait_gone(empty, one)
    assert len(re.findall(rf"failed queue={one} .*by=\"the administrator\"", empty.log_text("queued"))) == 2
    held = deferred(empty, sender.address, ["z@elsewhere.test"])
    done(empty, "hold", held)
    assert done(empty, "fail", "--held") == 1
    bounce = sender.wait(2)[1]
    assert b"Status: 5.0.0" in bounce and b"returned by the administrator" in bounce
    wait_gone(empty, held)


def test_expire_returns_what_is_older(empty):
    sender = empty.user()
    old, young = (deferred(empty, sender.address, ["x@elsewhere.test"]) for _ in range(2))
    aged(empty, old, 3 * 86400)
    assert done(empty, "-n", "expire", "2d") == 1 and done(empty, "expire", "2d") == 1
    (bounce,) = sender.wait(1)
    assert b"Status: 5.4.7" in bounce and b"within 2d" in bounce
    wait_gone(empty, old)
    assert ids(empty) == [young]
    for words in (["expire"], ["expire", "soon"], ["fail", young, "--text", "two\nlines"], ["show"], ["show", "all"], ["ages", "-n"], ["hold", young, "--json"]):
        assert queuectl(empty, *words).returncode == 100, words


def test_requeue_looks_everything_up_anew_and_repeats_nothing(empty):
    """The alias led to one mailbox, and to an address that waits; then to that mailbox and two others. Twice."""
    done_before, new, other = empty.user(), empty.user(), empty.user()
    alias(empty, "list@example.test", done_before.address, "gone@elsewhere.test", "gone2@elsewhere.test")
    wait_for("the alias", 10, lambda: "gone2" in empty.tool("lookup", "--short", "alias", "list@example.test", check=False).stdout)
    queue_id = deferred(empty, "a@example.test", ["list@example.test", "plain@elsewhere.test"])
    done_before.wait(1)
    alias(empty, "list@example.test", done_before.address, new.address, "gone@elsewhere.test")
    wait_for("the alias", 10, lambda: new.address in empty.tool("lookup", "--short", "alias", "list@example.test").stdout)
    assert done(empty, "requeue", queue_id) == 1
    new.wait(1)
    wait_for("the attempt's end", 10, lambda: [e["queue_name"] for e in mailq(empty)] == ["deferred"])
    waiting = [(r["address"], r.get("original")) for r in mailq(empty)[0]["recipients"] if r["state"] == "deferred"]
    assert sorted(waiting, key=str) == [("gone@elsewhere.test", "list@example.test"), ("plain@elsewhere.test", None)]
    alias(empty, "list@example.test", done_before.address, new.address, other.address)
    wait_for("the alias", 10, lambda: other.address in empty.tool("lookup", "--short", "alias", "list@example.test").stdout)
    done(empty, "hold", queue_id)
    assert done(empty, "requeue", queue_id) == 1
    empty.restart("queued")
    wait_for("it to be held still", 10, lambda: ids(empty, "--held") == [queue_id])
    assert not other.messages(), "what is held stays held"
    done(empty, "release", queue_id)
    other.wait(1)
    wait_for("the attempt's end", 10, lambda: [e["queue_name"] for e in mailq(empty)] == ["deferred"])
    assert [r["address"] for r in mailq(empty)[0]["recipients"] if r["state"] == "deferred"] == ["plain@elsewhere.test"]
    assert [len(user.messages()) for user in (done_before, new, other)] == [1, 1, 1]


def test_show(empty):
    one = deferred(empty, "a@example.test", ["x@elsewhere.test"], "client=192.0.2.7", "login=ann@example.test", "helo=two words")
    table = queuectl(empty, "show", one).stdout
    for words in (rf"queue id +{one}\n", r"sender +a@example\.test\n", r"client +192\.0\.2\.7\n", r"helo +two words\n", r"tries +1, the next",
                  r"recipients\n  deferred +x@elsewhere\.test\n +4\.3\.0 "):
        assert re.search(words, table), table
    entry = json.loads(queuectl(empty, "show", "--json", one).stdout)
    assert "login=ann@example.test" in entry["keys"] and entry["recipients"][0]["address"] == "x@elsewhere.test"
    path = empty.bin / "postern-queuectl"
    text = subprocess.run([path, "show", "--message", one], capture_output=True, env={"POSTERN_SETTINGS": str(empty.settings)})
    assert text.returncode == 0 and text.stdout.endswith(MESSAGE)
    assert queuectl(empty, "show", "aaaaaaaaaaaaa").returncode == 100


def test_ages_as_qshape_prints_them(empty):
    for seconds, sender, recipients in ((0, "a@one.test", ["x@elsewhere.test", "y@elsewhere.test"]), (11 * 60, "a@two.test", ["x@other.test"]),
                                        (1280 * 60, "", ["z@elsewhere.test"])):
        queue_id = deferred(empty, sender, recipients)
        aged(empty, queue_id, seconds)
    rows = {line.split()[0]: line.split()[1:] for line in queuectl(empty, "ages").stdout.splitlines()}
    assert rows["T"] == "5 10 20 40 80 160 320 640 1280 1280+".split()
    assert rows["TOTAL"] == "4 2 0 1 0 0 0 0 0 0 1".split()
    assert rows["elsewhere.test"] == "3 2 0 0 0 0 0 0 0 0 1".split() and rows["other.test"] == "1 0 0 1 0 0 0 0 0 0 0".split()
    rows = [line.split()[:2] for line in queuectl(empty, "ages", "--by-sender").stdout.splitlines()]
    assert rows[1:] == [["TOTAL", "3"], ["MAILER-DAEMON", "1"], ["one.test", "1"], ["two.test", "1"]]
    assert [json.loads(line)["domain"] for line in queuectl(empty, "ages", "--json", "--domain", "other*").stdout.splitlines()] == ["other.test"]


def test_what_is_at_work_is_held_first_and_then_deleted(empty):
    pids = empty.pids("authd")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with Intake(empty) as client:
            one = client.submit("a@example.test", ["x@elsewhere.test"], MESSAGE)
        wait_for("the work", 10, lambda: f"{one}*" in empty.tool("mailq").stdout)
        process = subprocess.Popen([empty.bin / "postern-queuectl", "delete", one], stdout=subprocess.PIPE, text=True,
                                   env={"POSTERN_SETTINGS": str(empty.settings), "ASAN_OPTIONS": "detect_leaks=0"})
        empty.wait_log("queued", rf"held queue={one} ")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert process.communicate(timeout=30)[0] == "1 message is deleted.\n" and process.returncode == 0
    wait_gone(empty, one)


# --- who may ------------------------------------------------------------------------------------------------------------


def test_everybody_looks_and_the_named_steer(empty):
    one = deferred(empty, "a@example.test", ["x@elsewhere.test"])
    assert ids(empty) == [one] and [e["queue_id"] for e in mailq(empty, user="nobody")] == [one]
    for words in (["show", one], ["show", "--message", one], ["hold", "all"], ["hold", "--sender", "nobody"], ["flush"], ["delete", one]):
        result = queuectl(empty, *words, user="nobody")
        assert result.returncode == 100 and "queue_admins" in result.stderr, words
    assert queuectl(empty, "hold", one, user=ADMIN).returncode == 0
    assert "sender" in queuectl(empty, "show", one, user=ADMIN).stdout
    assert queuectl(empty, "delete", one, user=ADMIN).returncode == 0


def test_looking_may_be_for_root_only(own):
    own.set("queue_list", "root")
    try:
        own.restart("queued")
        result = own.tool("mailq", user="nobody", check=False)
        assert result.returncode == 100 and "refuses" in result.stderr
        assert own.tool("mailq", user=ADMIN).stdout and own.tool("mailq").stdout
    finally:
        own.set("queue_list", None)
        own.restart("queued")


@pytest.mark.parametrize("name, value", [("queue_list", "nobody"), ("queue_admins", "nobody-of-that-name")])
def test_a_wrong_setting_is_told(own, name, value):
    own.set(name, value)
    try:
        result = subprocess.run([own.libexec / "postern-queued"], capture_output=True, text=True, user="postern-queue",
                                env={"POSTERN_SETTINGS": str(own.settings), "ASAN_OPTIONS": "detect_leaks=0"})
        assert result.returncode == 100 and name in result.stderr
    finally:
        own.set(name, None if name == "queue_list" else ADMIN)


# --- it lasts, and disturbs nobody -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def traced(suite, calls, path):
    """What the processes of queued do meanwhile, with the paths of descriptors."""
    process = strace.attach(suite.pids("queued"), "-f", "-y", "-s", "200", "-o", path, "-e", f"trace={calls}", "-e", "signal=none")
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


@pytest.mark.parametrize("verb, change", [("hold", "pwrite64"), ("release", "pwrite64"), ("requeue", "pwrite64"), ("fail", "pwrite64"), ("delete", "unlinkat")])
def test_an_order_is_on_the_disk_before_it_is_said_to_be_done(empty, tmp_path, verb, change):
    one = deferred(empty, "", ["x@elsewhere.test"])
    if verb == "release":
        done(empty, "hold", one)
    with traced(empty, "pwrite64,unlinkat,fsync", str(tmp_path / "trace")):
        assert done(empty, verb, one) == 1
        trace = (tmp_path / "trace").read_text()
    lines = [line for line in trace.splitlines() if re.search(rf"(pwrite64|unlinkat).*{one}|fsync\(\d+<{empty.queue}/", line)]
    changed = next(i for i, line in enumerate(lines) if f"{change}(" in line)
    # The file, or, where it is gone, the directory that held it.
    assert any(re.search(r"fsync\(\d+<.*/\w(/\w{13})?( \(deleted\))?>", line) for line in lines[changed + 1:]), trace


def test_what_is_not_synced_is_not_said_to_be_done(empty):
    """The viewer is killed when it comes to the fsync; the order itself was given."""
    one = deferred(empty, "a@example.test", ["x@elsewhere.test"])
    viewer = viewer_of(empty)
    process = strace.attach([viewer], "-o", "/dev/null", "-e", "inject=fsync:signal=KILL")
    result = queuectl(empty, "hold", one)
    assert result.returncode == 111 and "was lost" in result.stderr and not result.stdout
    process.wait(20)
    wait_for("another viewer", 20, lambda: empty.tool("mailq", check=False).returncode == 0)
    wait_for("it to be held", 20, lambda: ids(empty, "--held") == [one])


def viewer_of(suite):
    """The process that listens at queue/show (connections that it took have that path too)."""
    sockets = [line.split() for line in open("/proc/net/unix") if line.rstrip().endswith(f"{suite.run}/queue/show")]
    inode = next(words[6] for words in sockets if words[3] == ACCEPTS)
    for pid in suite.pids("queued"):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{name}") == f"socket:[{inode}]":
                    return pid
    raise AssertionError("no viewer")


def write_backlog(suite, count):
    """So many messages that are held, as files: copies of one with other ids."""
    with Intake(suite) as client:
        first = client.submit("backlog@example.test", ["x@elsewhere.test"], MESSAGE, "hold=for a test")
    path = next(path for path in files(suite) if path.name == first)
    wait_for("the word", 10, lambda: b" held " in path.read_bytes()[:100])
    suite.down("queued")
    data, letters, owner = path.read_bytes(), "234567abcdefghijklmnopqrstuvwxyz", path.stat()
    for n in range(1, count):
        name = first[:5] + "".join(letters[n >> shift & 31] for shift in (15, 10, 5, 0)) + first[9:]
        if name == first:
            continue
        target = suite.queue / name[8] / name
        target.write_bytes(with_sum(data.replace(first.encode(), name.encode(), 1)))
        os.chown(target, owner.st_uid, owner.st_gid)
    suite.up("queued")


@pytest.mark.long
def test_a_large_queue_is_listed_by_the_page_and_the_manager_is_not_asked(empty, tmp_path):
    """Each file is read once, the directory once, and neither side's memory grows with it but by the ids."""
    count = 10000
    write_backlog(empty, count)
    there = len(files(empty))
    assert there >= count - 1
    wait_for("the scan", 60, lambda: len(re.findall("held queue=", empty.log_text("queued"))) >= 1)
    manager, viewer = empty.service_pid("queued"), viewer_of(empty)
    with traced(empty, "openat,getdents64", str(tmp_path / "trace")):
        script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=open(sys.argv[-1], 'w'), check=True);"
                  "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        peak = subprocess.run(["/usr/bin/python3", "-c", script.replace("sys.argv[1:]", "sys.argv[1:-1]"), empty.bin / "postern-mailq", "--json",
                               tmp_path / "list"], capture_output=True, text=True, env={"POSTERN_SETTINGS": str(empty.settings),
                                                                                       "ASAN_OPTIONS": "detect_leaks=0"})
    assert peak.returncode == 0, peak.stderr
    listed = [json.loads(line)["queue_id"] for line in open(tmp_path / "list")]
    assert len(listed) == there and listed == sorted(listed)
    trace = (tmp_path / "trace").read_text().splitlines()
    opened = [line for line in trace if line.startswith(f"{viewer} openat")]
    assert len(opened) <= there + 32, "a page costs what it shows"
    assert not [line for line in trace if re.match(rf"{manager} openat.*/\w/?>", line) and "postern-" not in line][:5]
    if "san" not in str(empty.build):
        assert int(peak.stdout) < 20000, "the tool holds a packet"
        assert int(Process(viewer).status()["VmHWM"].split()[0]) < 20000


def test_pages_go_on_where_they_ended_though_messages_go(empty):
    all_ids = [deferred(empty, "a@example.test", ["x@elsewhere.test"]) for _ in range(3)]
    with Peer(empty, "queue/show") as peer:
        assert peer.ask("list", "t", "")[:4] == ["ok", "t", "", "0"]
        done(empty, "delete", all_ids[1])
        answer = peer.ask("list", "t", all_ids[1], "0")
        assert answer[:4] == ["ok", "t", "", "0"] and answer[4] == all_ids[2]
        answer = peer.ask("list", "t", all_ids[2], "1")
        assert answer == ["ok", "t", "", "0"]
