"""The five deployments (conf/presets A to E) with their tables in a real MariaDB and their query files as they are: what
postern-authd says of their people."""
import re

import pytest

from harness import MariaDB
from harness.authd import Authd
from harness.presets import PASSWORD, PRESETS, fill_preset, use_preset


@pytest.fixture(scope="module")
def db():
    with MariaDB() as server:
        yield server


def deployments(letters):
    """The deployments that a test is about."""
    return pytest.mark.parametrize("preset", list(letters), indirect=True)


@pytest.fixture(scope="module")
def preset(request, db):
    """A running authd; .letter says whose."""
    letter = request.param
    fill_preset(letter, db, f"preset_{letter.lower()}")
    made = Authd(postmaster="ann@example.test")
    use_preset(made, letter, db, f"preset_{letter.lower()}")
    if letter == "C":
        made.set("default_domain", "example.test")
    made.letter = letter
    with made as running:
        yield running


CATCH_ALL = "ABD"

CLASSES = {
    "ann@example.test": {"*": "mailbox"},
    "ANN@Example.Test": {"*": "mailbox"},
    "sales@example.test": {"*": "alias"},
    "nobody@example.test": {"*": "unknown", **{letter: "alias" for letter in CATCH_ALL}},
    "x@far.test": {"*": "foreign", "C": "unknown"},
    "postmaster@example.test": {"*": "alias"},
    "nobody@plain.test": {"BD": "unknown"},
    "x@backup.test": {"A": "relay"},
    "x@off.test": {"C": "foreign"},
    "off@example.test": {"C": "unknown"},
}


def expected(table, letter):
    for letters, value in table.items():
        if letter in letters:
            return value
    return table.get("*")


@deployments("ABCDE")
def test_what_addresses_are(preset):
    for address, table in CLASSES.items():
        name = expected(table, preset.letter)
        if name is not None:
            assert preset.lookup("rcpt", address)[:2] == ("ok", name), address


@deployments("ABCDE")
def test_aliases(preset):
    targets = ("ann@example.test", "bob@example.test") + (("cat@far.test",) if preset.letter == "D" else ())
    assert preset.lookup("alias", "sales@example.test") == ("ok", *targets)
    assert preset.lookup("alias", "postmaster@example.test") == ("ok", "ann@example.test")


@deployments(CATCH_ALL)
def test_a_catch_all_takes_what_nobody_else_does(preset):
    assert preset.lookup("alias", "nobody@example.test") == ("ok", "bob@example.test")
    assert preset.lookup("alias", "ann@example.test") == ("no",)


PATHS = {"A": "example.test/ann/", "B": "example.test/ann/", "C": "example.test/ann/Maildir/", "D": "example.test/ann/", "E": "example.test/ann/"}
QUOTAS = {"A": ("10240000", "0"), "B": ("10485760", "0"), "C": ("5242880", "1000"), "D": ("0", "0"), "E": ("0", "0")}


@deployments("ABCDE")
def test_mailboxes_and_quotas(preset):
    assert preset.lookup("mailbox", "ann@example.test") == ("ok", "ann@example.test", PATHS[preset.letter], *QUOTAS[preset.letter], "")
    assert preset.lookup("mailbox", "bob@example.test")[3:5] == ("0", "0")
    assert preset.lookup("mailbox", "nobody@example.test") == ("no",)


@deployments("AD")
def test_an_extension_is_the_users(preset):
    assert preset.lookup("mailbox", "ann+lists@example.test")[1:3] == ("ann@example.test", PATHS[preset.letter])


@deployments("ABC")
def test_transports(preset):
    table = {"A": ("x@backup.test", "smtp:[192.0.2.9]:25"), "B": ("x@far.test", "smtp:[mx.far.test]:2525"), "C": ("x@far.test", "smtp:[192.0.2.9]")}
    address, transport = table[preset.letter]
    assert preset.lookup("transport", address) == ("ok", transport)
    assert preset.lookup("transport", "ann@example.test") == ("no",)
    if preset.letter == "B":
        assert preset.lookup("transport", "x@shut.test") == ("ok", "error:no mail here")


@deployments("ABCDE")
def test_logins(preset):
    for user in ("ann@example.test", "ANN@example.test"):
        assert preset.login(user, PASSWORD, "pop3") == "ok", preset.log()
    assert preset.login("ann@example.test", "wrong") == "no"
    assert preset.login("nobody@example.test", PASSWORD) == "no"
    assert preset.login("off@example.test", PASSWORD) == "no"


@deployments("ABDE")
def test_a_login_without_a_domain_finds_nobody_and_the_log_says_why(preset):
    assert preset.login("ann", PASSWORD) == "no"
    assert "the client must log in with the full address" in preset.log()


@deployments("C")
def test_a_default_domain_is_put_behind_a_login(preset):
    assert preset.login("ann", PASSWORD) == "ok"


@deployments("C")
def test_a_service_that_is_switched_off_for_a_user(preset):
    assert preset.login("bob@example.test", PASSWORD, "imap") == "no"
    assert preset.login("bob@example.test", PASSWORD, "pop3") == "ok"


@deployments("A")
def test_alias_domains_and_the_other_spelling_of_a_login(preset):
    assert preset.lookup("alias", "sales@alias.test") == ("ok", "ann@example.test", "bob@example.test")
    assert preset.login("ann/example.test", PASSWORD) == "ok"


@pytest.mark.parametrize("letter", "ABCDE")
def test_readme_names_the_settings_that_are_there(letter):
    text = (PRESETS / letter / "README.md").read_text()
    for path in (PRESETS / letter / "settings").glob("sql_*"):
        row = re.search(rf"^\| `{path.name}` \|.*$", text, re.M)
        assert row, path.name
        for name in path.read_text().split():
            assert f"`{name.removeprefix('mysql/')}`" in row[0] and (PRESETS / letter / name.removeprefix("mysql/")).exists(), name
