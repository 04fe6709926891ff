"""Fixtures for all tests that drive the suite from outside. One suite of a kind runs for the whole session; tests keep
apart by making fresh users."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import MariaDB, PostfixAdmin, Suite  # noqa: E402


def pytest_configure(config):
    """Without root no test could say anything true."""
    config.addinivalue_line("markers", "long: takes a minute; runs with the first build only")
    if os.getuid() != 0:
        pytest.exit("these tests start the suite with all its users: run them as root", 2)


def pytest_runtest_logreport(report):
    """Names what failed, for a second run (tests/run)."""
    path = os.environ.get("POSTERN_FAILED")
    if path and report.failed:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{report.nodeid}\n")


def no_findings(suite):
    """A report of a sanitizer in any log is a failure, whatever the tests said."""
    findings = suite.findings()
    suite.stop()
    assert not findings, "\n".join(findings)


@pytest.fixture(scope="session")
def suite():
    """The suite with embedded users."""
    with Suite("embedded") as running:
        running.user("first")  # so that the domain is ours
        yield running
        no_findings(running)


@pytest.fixture
def smtp(suite):
    """A conversation on port 25, EHLO said."""
    with suite.smtp() as dialogue:
        dialogue.ehlo()
        yield dialogue


@pytest.fixture(scope="session")
def mariadb():
    """A MariaDB of the session, with its general log."""
    with MariaDB(general_log=True) as database:
        yield database


@pytest.fixture(scope="session")
def mariadb_suite(mariadb):
    """The suite with PostfixAdmin's tables (deployment A) in a MariaDB: `mariadb_suite.accounts` changes them."""
    running = Suite("mariadb")
    running.accounts = PostfixAdmin(running, mariadb)
    with running:
        running.user("first")
        yield running
        no_findings(running)
