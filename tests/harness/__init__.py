"""What the integration and promise tests share: the suite installed in a private directory and running as root
with all its users, dialogues by socket, an SMTP sink, a private MariaDB. Standard library only.

    def test_greeting(suite):                        # fixtures: tests/conftest.py; mariadb_suite: the same with SQL
        user = suite.user()                          # a fresh account: .address .password .maildir
        with suite.smtp() as smtp:                   # postern-smtpd on its own port, greeting read
            assert smtp.command("EHLO me.test")[0] == 250
"""
from .build import REPOSITORY, build_directory, built, made, without_sanitizers
from .wait import Timeout, wait_for, wait_until
from .dialogue import Dialogue, Imap, Pop3, Smtp, client_context
from .sink import Sink
from .accounts import PostfixAdmin
from .mariadb import MariaDB
from .suite import Account, Suite
from .packets import Peer, as_user
from .process import Process

__all__ = ["Account", "Dialogue", "Imap", "MariaDB", "Peer", "Pop3", "PostfixAdmin", "Process", "REPOSITORY", "Sink", "Smtp", "Suite",
           "Timeout", "as_user", "build_directory", "built", "client_context", "made", "wait_for", "wait_until", "without_sanitizers"]
