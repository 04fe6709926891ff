"""Postfix's policy delegation protocol at smtpd: what servers are told, what their actions do, and servers that fail."""
import pytest

from harness.milter import ACCEPT, CONTINUE, Milter, Policy, field
from test_milter import deliver, message, own, send, split
from test_smtp_dialogue import arrived, says, settings

SENDER = "stranger@elsewhere.test"


@pytest.fixture(scope="module")
def user(suite):
    return suite.user()


def rcpt(suite, user, policies, **values):
    """The answer to RCPT."""
    names = " ".join(p if isinstance(p, str) else p.name for p in policies)
    with settings(suite, policy_servers=names, **values), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{SENDER}> SIZE=1234"), 250)
        answer = smtp.command(f"RCPT TO:<{user.address}>")
        if not answer[1][-1].startswith("4.7.0"):
            says(smtp.command("NOOP"), 250)
        return answer


def accept(suite, user, policies, subject, **values):
    """What arrives, header and body."""
    with settings(suite, policy_servers=" ".join(p if isinstance(p, str) else p.name for p in policies), **values), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message(subject)), 250)
    return split(arrived(user, f"Subject: {subject}\n".encode()))


def test_attributes_at_rcpt(suite, user):
    with Policy() as policy:
        says(rcpt(suite, user, [policy]), 250)
    said = policy.requests[0]
    assert said.items() >= {
        "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "client_address": "127.0.0.1",
        "helo_name": "client.test", "sender": SENDER, "recipient": user.address, "recipient_count": "0", "queue_id": "",
        "size": "1234", "sasl_username": "", "sasl_method": "", "encryption_protocol": "", "ccert_subject": ""}.items()
    assert said["client_name"] and said["client_port"] and said["instance"]


def test_a_proxy_tells_both_addresses(suite, user):
    with Policy() as policy, settings(suite, policy_servers=policy.name, xclient_networks="127.0.0.0/8"), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command("XCLIENT ADDR=203.0.113.5 DESTADDR=198.51.100.2"), 220)
        smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{SENDER}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
    assert (policy.requests[0]["client_address"], policy.requests[0]["server_address"]) == ("203.0.113.5", "198.51.100.2")


def test_attributes_at_data_and_end(suite, user):
    with Policy() as policy:
        accept(suite, user, [policy.name + ",at=data", policy.name + ",at=end"], "attributes at the end")
    data, end = policy.requests
    assert (data["protocol_state"], end["protocol_state"]) == ("DATA", "END-OF-MESSAGE")
    assert data["recipient_count"] == end["recipient_count"] == "1" and data["recipient"] == user.address
    assert int(end["size"]) == len(message("attributes at the end")) and end["queue_id"]
    assert data["instance"] == end["instance"]


@pytest.mark.parametrize("more", [b"\n", b"action=REJECT\n\n"])
def test_what_stands_behind_an_answer_is_not_the_next_one(suite, user, more):
    with Policy(b"action=DUNNO\n\n" + more) as policy, settings(suite, policy_servers=policy.name), suite.smtp() as smtp:
        smtp.ehlo()
        says(smtp.command(f"MAIL FROM:<{SENDER}>"), 250)
        for _ in range(3):
            says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
    assert len(policy.requests) == 3


def test_each_message_has_its_own_instance(suite, user):
    """Servers do some things once an instance: the next message is another one, whatever became of the first."""
    with Policy() as policy, settings(suite, policy_servers=policy.name), suite.smtp() as smtp:
        smtp.ehlo()
        for reset in ("RSET", "NOOP"):
            says(smtp.command(f"MAIL FROM:<{SENDER}>"), 250)
            says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
            says(smtp.command(reset), 250)
    first, second = policy.requests
    assert first["instance"] != second["instance"]


@pytest.mark.parametrize("action, code, status, reason", [
    ("REJECT", 554, "5.7.1", "Access denied"), ("reject no thanks", 554, "5.7.1", "no thanks"),
    ("REJECT 5.1.8 no such", 554, "5.1.8", "no such"), ("550 not you", 550, "5.7.1", "not you"),
    ("550 4.1.1 other class", 550, "5.7.1", "other class"), ("450 4.2.0 Greylisted", 450, "4.2.0", "Greylisted"),
    ("DEFER", 450, "4.7.1", ""), ("DEFER wait", 450, "4.7.1", "wait"), ("DEFER_IF_PERMIT 4.3.0 wait", 450, "4.3.0", "wait")])
def test_refusals(suite, user, action, code, status, reason):
    with Policy(action) as policy:
        answer = rcpt(suite, user, [policy])
    says(answer, code, status)
    assert reason in answer[1][0]


@pytest.mark.parametrize("action", ["DUNNO", "OK", "permit", "dunno with text", "WARN look", "INFO look", "DEFER_IF_REJECT wait"])
def test_what_lets_pass(suite, user, action):
    with Policy(action) as policy:
        says(rcpt(suite, user, [policy]), 250, "2.1.5")


def test_ok_ends_the_asking(suite, user):
    with Policy("OK") as first, Policy("REJECT") as second:
        says(rcpt(suite, user, [first, second]), 250)
    assert not second.requests


def test_defer_waits_for_the_others(suite, user):
    with Policy("DEFER_IF_PERMIT wait") as first, Policy("REJECT") as second:
        says(rcpt(suite, user, [first, second]), 554)
    with Policy("DEFER_IF_REJECT wait") as first, Policy("REJECT") as second:
        says(rcpt(suite, user, [first, second]), 450)


def test_no_relay_by_a_policy(suite):
    """OK says nothing of who may relay: an address elsewhere is refused before anybody is asked."""
    with Policy("OK") as policy, settings(suite, policy_servers=policy.name), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command(f"MAIL FROM:<{SENDER}>")
        says(smtp.command("RCPT TO:<somebody@far.test>"), 550, "5.7.1")
    assert not policy.requests


def test_421_closes(suite, user):
    with Policy("421 4.7.0 go away") as policy, settings(suite, policy_servers=policy.name), suite.smtp() as smtp:
        smtp.ehlo()
        smtp.command(f"MAIL FROM:<{SENDER}>")
        says(smtp.command(f"RCPT TO:<{user.address}>"), 421, "4.7.0")
        assert smtp.rest() == b""


@pytest.mark.parametrize("when", ["rcpt", "data", "end"])
def test_hold(suite, user, when):
    with Policy("HOLD look at it") as policy, settings(suite, policy_servers=f"{policy.name},at={when}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message(f"held at {when}")), 250)
    queue = suite.wait_log("smtpd", rf'accepted .*queue=(\w+) .*hold="{policy.name}: look at it"').group(1)
    suite.tool("queuectl", "release", queue)
    arrived(user, f"Subject: held at {when}\n".encode())


@pytest.mark.parametrize("when", ["rcpt", "data", "end"])
def test_discard(suite, user, when):
    with Policy("DISCARD not wanted") as policy, settings(suite, policy_servers=f"{policy.name},at={when}"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, message("discarded by policy")), 250, "2.0.0")
    suite.wait_log("smtpd", f'discarded .*filter={policy.name} reason="not wanted" ')
    assert not [data for data in user.messages() if b"discarded by policy" in data]


@pytest.mark.parametrize("when", ["rcpt", "data", "end"])
def test_prepend(suite, user, when):
    with Policy("PREPEND X-First: 1") as first, Policy("PREPEND X-Second: 2") as second:
        header, _ = accept(suite, user, [f"{p.name},at={when}" for p in (first, second)], f"prepended at {when}")
    names = [line.split(":")[0] for line in header]
    at = names.index("X-First")
    assert names[at:at + 3] == ["X-First", "X-Second", "Received"] and own(header)[1] == f"Subject: prepended at {when}"


def test_a_field_that_the_header_has_no_room_for_stands_before_it(suite, user):
    """No trouble of ours that comes again with each try: the message is taken as one whose header is beyond the bound."""
    filler = "".join(f"X-{n:04}: {'x' * 990}\r\n" for n in range(523)) + f"X-More: {'x' * 900}\r\n"
    with Policy("PREPEND X-Policy: " + "y" * 1000) as policy, \
            settings(suite, policy_servers=f"{policy.name},at=end {policy.name},at=rcpt"), suite.smtp() as smtp:
        smtp.ehlo()
        says(send(smtp, user, "Subject: no room\r\n" + filler + "\r\nbody\r\n"), 250)
    data = arrived(user, b"Subject: no room\n")
    assert data.index(b"X-Policy: y") < data.index(b"Received: ")
    assert [said["protocol_state"] for said in policy.requests] == ["RCPT", "END-OF-MESSAGE"] and data.count(b"X-Policy: y") == 2


def test_milters_see_prepended_fields(suite, user):
    with Policy("PREPEND Received-SPF: pass") as policy, Milter(answers={"E": [field("m", "Received-SPF", "seen", 1), CONTINUE]}) as milter:
        with settings(suite, policy_servers=policy.name):
            header, _ = deliver(suite, user, [milter], "prepended and seen")
    assert milter.header()[0] == (b"Received-SPF", b"pass") and "Received-SPF: seen" in header


def test_milters_that_have_accepted_leave_prepended_fields(suite, user):
    with Policy("PREPEND X-First: 1") as policy, Milter(answers={"M": ACCEPT}) as milter, settings(suite, policy_servers=policy.name):
        header, _ = deliver(suite, user, [milter], "prepended and accepted")
    assert "X-First: 1" in header


@pytest.mark.parametrize("action", ["REDIRECT somebody@example.test", "FILTER smtp:[127.0.0.1]", "BCC x@y.test", "greylist", "PREPEND nofield"])
def test_unsupported_actions_are_temporary(suite, user, action):
    with Policy(action) as policy:
        says(rcpt(suite, user, [policy]), 451, "4.3.5")
    suite.wait_log("smtpd", f"policy-unsupported .*filter={policy.name} ")


FAILURES = {"dies": None, "hangs": True, "no action": b"foo=bar\n\n", "empty": b"\n", "endless line": b"x" * 5000,
            "endless answer": b"x=y\n" * 200}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_server(suite, user, failure):
    with Policy(FAILURES[failure]) as policy:
        says(rcpt(suite, user, [policy.name], policy_timeout="1"), 451, "4.7.1")
        says(rcpt(suite, user, [policy.name + ",default=accept"], policy_timeout="1"), 250)
    suite.wait_log("smtpd", f"filter-failed .*filter={policy.name} ")


def test_a_server_that_is_away(suite, user, tmp_path):
    away = f"unix:{tmp_path}/nobody"
    says(rcpt(suite, user, [away]), 451, "4.7.1")
    says(rcpt(suite, user, [away + ",default=reject"]), 550, "5.7.1")
    says(rcpt(suite, user, [away + ",default=accept"]), 250)


def test_our_own_are_not_asked_about(suite, user):
    with Policy("REJECT") as policy:
        says(rcpt(suite, user, [policy], permitted_networks="127.0.0.0/8"), 250)
        suite.set("permitted_networks", "192.0.2.0/24")
    assert not policy.requests


def test_submission_has_its_own(suite):
    user = suite.user()
    with Policy("REJECT") as outside, Policy() as inside, \
            settings(suite, policy_servers=outside.name, submission_policy_servers=inside.name), suite.smtp("submission") as smtp:
        smtp.ehlo()
        smtp.starttls()
        says(smtp.login(user.address, user.password), 235)
        says(smtp.command(f"MAIL FROM:<{user.address}>"), 250)
        says(smtp.command(f"RCPT TO:<{user.address}>"), 250)
    said = inside.requests[0]
    assert said["sasl_username"] == user.address and said["sasl_method"] == "PLAIN" and said["encryption_protocol"].startswith("TLSv1")
