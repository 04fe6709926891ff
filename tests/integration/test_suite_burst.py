"""Many clients at the same instant: all of them are served. (Descriptors on their way to tlsd and to the sessions are
counted for a user over all his processes; a burst once went beyond that and lost clients.)"""
import base64
import contextlib

CLIENTS = 60


def test_many_log_in_at_once(suite):
    users = [suite.user(), suite.user()]  # one may not have so many sessions (imap_user_sessions)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(suite.imap("imaps")) for _ in range(CLIENTS)]
        for number, imap in enumerate(clients):
            user = users[number % 2]
            imap.send(f'a LOGIN {user.address} "{user.password}"\r\n')
        for imap in clients:
            assert imap.finish(b"a", imap.response(), [])[0] == "OK", imap.text


def test_many_start_tls_and_log_in_at_once(suite):
    user = suite.user()
    blob = base64.b64encode(f"\0{user.address}\0{user.password}".encode()).decode()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(suite.smtp("submission")) for _ in range(CLIENTS)]
        for smtp in clients:
            smtp.ehlo()
        for smtp in clients:
            smtp.send("STARTTLS\r\n")
        for smtp in clients:
            assert smtp.reply()[0] == 220
        for smtp in clients:
            smtp.begin_tls()
            smtp.ehlo()
        for smtp in clients:
            smtp.send(f"AUTH PLAIN {blob}\r\n")
        for smtp in clients:
            assert smtp.reply()[0] == 235
