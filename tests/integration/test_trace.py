"""postern-trace: one id or address tells the story of a message from the logs of all programs, however they are kept."""
import json
import os
import re
import subprocess

import pytest

from harness import Suite, built, without_sanitizers
from harness.suite import free_ports

PROGRAM = built("postern-trace")


@pytest.fixture(scope="module")
def suite():
    [closed] = free_ports(1)
    with Suite("trace", {"relay_host": f"[127.0.0.1]:{closed}"}) as running:
        yield running


@pytest.fixture(scope="module")
def story(suite):
    """A message to a mailbox, an alias with a target that does not exist, and a host that does not answer."""
    sender, reader, other = suite.user(), suite.user(), suite.user()
    suite.alias("team@example.test", [other.address, "gone@example.test"])
    with suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        assert smtp.login(sender.address, sender.password)[0] == 235
        answer = smtp.message(sender.address, [reader.address, "team@example.test", "far@away.test"], "Subject: x\n\nhello\n")
        queue = answer.split()[-1]
        smtp.command("QUIT")
    reader.wait(1), other.wait(1), sender.wait(1)
    suite.wait_log("queued", rf"deferred queue={queue} to=far@away.test")
    session = suite.wait_log("submission", rf"accepted session=(\w+) queue={queue}").group(1)
    bounce = suite.wait_log("queued", rf"bounced queue={queue} .*bounce=(\w+)").group(1)
    suite.wait_log("queued", rf"delivered queue={bounce}")
    suite.wait_log("submission", rf"disconnect session={session}")
    return {"queue": queue, "session": session, "bounce": bounce, "sender": sender.address, "reader": reader.address,
            "other": other.address}


def trace(*arguments, input=b"", code=0):
    """What it prints."""
    result = subprocess.run([PROGRAM, *map(str, arguments)], input=input, capture_output=True, timeout=60,
                            env={"TZ": "UTC", "ASAN_OPTIONS": "detect_leaks=0"})
    assert result.returncode == code, result.stderr
    return result.stdout.decode("ascii")


def events(suite, wanted):
    return [json.loads(line) for line in trace("--json", wanted, suite.log).splitlines()]


@pytest.mark.parametrize("by", ["queue", "session", "bounce", "reader"])
def test_the_whole_story(suite, story, by):
    told = events(suite, story[by])
    seen = [(e["event"], *e["fields"].get("to", [])) for e in told if e["fields"].get("queue") == story["queue"]]
    for event in [("delivered", story["reader"]), ("delivered", story["other"]), ("failed", "gone@example.test"),
                  ("deferred", "far@away.test"), ("bounced", story["sender"]),
                  ("accepted", story["reader"], "team@example.test", "far@away.test"),
                  ("expanded", story["other"], "gone@example.test")]:
        assert event in seen, seen
    assert ("delivered", story["sender"]) in [(e["event"], *e["fields"].get("to", [])) for e in told
                                              if e["fields"].get("queue") == story["bounce"]]
    assert {"connect", "tls", "login", "disconnect"} <= {e["event"] for e in told if e["fields"].get("session") == story["session"]}


def test_events_are_told_in_the_order_of_their_time(suite, story):
    times = [e["time"] for e in events(suite, story["queue"])]
    assert times == sorted(times) and None not in times


def test_the_story_in_words(suite, story):
    text = trace(story["queue"], suite.log)
    for words in [r"client 127\.0\.0\.1 connected", r"TLSv1\.3 with TLS_", rf"{story['sender']} logged in by PLAIN",
                  rf"accepted \d+ bytes from <{story['sender']}> for 3 recipients: {story['reader']}, team@example\.test, far@away\.test;",
                  rf"alias team@example\.test stands for 2: {story['other']}, gone@example\.test",
                  rf"DELIVERED to {story['other']} \(for team@example\.test\)", r"deferred far@away\.test, it will be tried again",
                  rf"returned to <{story['sender']}> with the message {story['bounce']}"]:
        assert re.search(words, text), (words, text)
    end = text.split(f"message {story['queue']}:")[1]
    assert re.search(r"deferred +far@away\.test", end) and re.search(r"failed +gone@example\.test", end)


def test_an_address_finds_its_messages_and_no_others(suite, story):
    stranger = suite.user()
    with suite.smtp() as smtp:
        smtp.ehlo()
        smtp.message("somebody@elsewhere.test", [stranger.address], "Subject: y\n\nhello\n")
    stranger.wait(1)
    suite.wait_log("queued", rf"delivered queue=\w+ to={stranger.address}")
    ids = {e["fields"].get("queue") for e in events(suite, stranger.address)} - {None}
    assert len(ids) == 1 and story["queue"] not in ids


# --- logs as loggers keep them ----------------------------------------------------------

LINE = 'postern-queued: info: queued queue=abcdefgh23456 from=a@b.test size=12 recipients=1 client=192.0.2.1'
AT = "2026-11-25T22:38:14.500000Z"


@pytest.mark.parametrize("prefix,time", [
    ("@400000006926331a1dcd6500 ", "2025-11-25T22:51:33.500000Z"),
    ("2026-11-25_22:38:14.50000 ", AT),
    ("2026-11-25T22:38:14.500000 ", AT),
    ("2026-11-25T23:38:14.500000+01:00 mail postern-queued[12]: ", AT),
    ("2026-11-25T17:38:14.5-0500 mail postern-queued[12]: ", AT),
    ("Nov 25 22:38:14.5 mail postern-queued[12]: ", None),
    ("mail postern-queued[12]: ", None),
    ("", None),
])
def test_stamps_of_loggers(prefix, time):
    [line] = trace("--json", "abcdefgh23456", "-", input=(prefix + LINE + "\n").encode()).splitlines()
    event = json.loads(line)
    assert event["event"] == "queued" and event["program"] == "queued"
    assert event["fields"]["client"] == "192.0.2.1"
    if time:
        assert event["time"] == time
    elif prefix.startswith("Nov"):
        assert event["time"].endswith("-11-25T22:38:14.500000Z")
    else:
        assert event["time"] is None


@pytest.mark.parametrize("ahead", [10, 37])
def test_the_two_ways_to_count_tai_seconds(tmp_path, ahead):
    """s6-log counts leap seconds, multilog and svlogd do not: when the file changed last tells which it was."""
    now = 1795646000
    log = tmp_path / "current"
    log.write_text(f"@{2 ** 62 + now + ahead:016x}00000000 {LINE}\n")
    os.utime(log, (now, now))
    assert json.loads(trace("--json", "abcdefgh23456", log))["time"] == "2026-11-25T22:33:20.000000Z"


@pytest.mark.parametrize("line", [
    f"Nov 25 22:38:14 mail sshd[12]: Invalid user {LINE}",
    f"sshd[12]: Invalid user {LINE}",
    f'postern-smtpd: info: x about="{LINE}"',
    "postern-queued: info:", "postern-queued:", "@", "@4", "2026-", "Nov 25", "postern-queued: info: x =", "\0" * 40,
    "x" * 100000, "postern-queued: info: x queue=\"abcdefgh23456", "postern-queued: info: x " + "a=b " * 5000,
])
def test_lines_that_are_not_ours_or_broken(line):
    text = line.encode() + b"\n" + LINE.encode() + b"\n"
    told = [json.loads(each) for each in trace("--json", "abcdefgh23456", "-", input=text).splitlines()]
    assert [e["event"] for e in told if e["event"] != "x"] == ["queued"]


def test_no_control_characters_reach_the_terminal():
    line = LINE + ' text="\x1b[2J\x07\xff"\n'
    assert "\x1b" not in trace("abcdefgh23456", "-", input=line.encode("latin-1"))


def test_files_and_directories(tmp_path):
    for name, program in [("smtpd", "smtpd"), ("queued", "queued")]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "current").write_text(LINE.replace("postern-queued", f"postern-{program}") + "\n")
    assert len(trace("--json", "abcdefgh23456", tmp_path).splitlines()) == 2
    assert len(trace("--json", "abcdefgh23456", tmp_path / "smtpd/current").splitlines()) == 1


def test_exit_codes(tmp_path):
    trace("abcdefgh23456", tmp_path, code=1)
    trace("abcdefgh23456", tmp_path / "missing", code=1)
    trace("no;id", tmp_path, code=100)
    trace(code=100)


@without_sanitizers("their run-time opens files of its own")
def test_it_can_open_nothing_while_it_reads():
    """The parser of strangers' lines is confined like the others."""
    result = subprocess.run(["strace", "-f", "-e", "trace=openat,open,seccomp,prctl", PROGRAM, "abcdefgh23456", "-"],
                               input=LINE.encode(), capture_output=True)
    text = result.stderr.decode()
    assert "PR_SET_SECCOMP" in text or "SECCOMP_SET_MODE_FILTER" in text
    assert not re.search(r"open(at)?\(", text.split("SECCOMP")[-1])
