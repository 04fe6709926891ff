"""What tests of IMAP do again and again."""


def login(suite, user):
    """A session of that user, within TLS: a context, which ends it."""
    session = suite.imap("imaps")
    assert session.login(user.address, user.password)[0] == "OK", session.text
    return session


def ok(imap, command):
    """The untagged responses of a command, which must be answered with OK."""
    status, lines = imap.command(command)
    assert status == "OK", (command, imap.text)
    return lines


def append_text(imap, text, folder="INBOX", rest=""):
    """Appends a message; `rest`: flags and date, as they stand in the command. The untagged responses."""
    return ok(imap, [f"APPEND {folder} {rest}{{{len(text)}}}", text + "\r\n"])
