"""The five deployments (conf/presets A to E) with their tables in a real MariaDB and their query files as they are: what
postern-authd says of their people."""
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

from harness import MariaDB, built
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


# What a column of quotas may hold in an installation that is there: bytes and messages, 0 for none.
FORMS = {
    "52428800": (52428800, 0), "0": (0, 0), "": (0, 0), None: (0, 0), "-1": (0, 0), "NOQUOTA": (0, 0),  # Postfix, PostfixAdmin, Courier
    "10485760.00": (10485760, 0),  # a DECIMAL
    "5242880S,1000C": (5242880, 1000), "5242880S": (5242880, 0), "1000C": (0, 1000), "0S": (0, 0), "10S,1000C": (10, 1000),  # Maildir++
    "50M": (52428800, 0), "50MB": (52428800, 0), "50MiB": (52428800, 0), "1G,1000": (1 << 30, 1000),
    "*:storage=50M": (52428800, 0), "*:storage=51200": (52428800, 0), "*:bytes=52428800": (52428800, 0),  # Dovecot's
    "*:storage=1G:messages=1000": (1 << 30, 1000), "*:messages=1000": (0, 1000),
}


@pytest.fixture(scope="module")
def forms(db):
    """A table with a row of each form, asked in Postfix's words and in Dovecot's."""
    rows = ", ".join(f"('u{number}@example.test', 'example.test/u{number}/', {'NULL' if text is None else repr(text)})" for number, text in enumerate(FORMS))
    db.sql("DROP DATABASE IF EXISTS forms; CREATE DATABASE forms")
    db.sql(f"CREATE TABLE users (email VARCHAR(99), maildir VARCHAR(99), quota VARCHAR(99) NULL); INSERT INTO users VALUES {rows}", "forms")
    head = f"hosts = unix:{db.socket}\nuser = {db.user}\npassword = {db.password}\ndbname = forms\n"
    made = {}
    for name in ("postfix", "dovecot"):
        authd = Authd(sql_domains="domains.cf", sql_mailboxes="mailboxes.cf", sql_quotas="quotas.cf" if name == "postfix" else "users.conf.ext")
        for file, query in {"domains": "SELECT 1 FROM users WHERE email LIKE '%%@%s' LIMIT 1", "mailboxes": "SELECT maildir FROM users WHERE email='%s'",
                            "quotas": "SELECT quota FROM users WHERE email='%s'"}.items():
            (authd.settings / f"{file}.cf").write_text(f"{head}query = {query}\n")
        (authd.settings / "users.conf.ext").write_text(
            f"driver = mysql\nconnect = host={db.socket} dbname=forms user={db.user} password={db.password}\n"
            "user_query = SELECT '/var/vmail/x' AS home, 666 AS uid, quota AS quota_rule, quota FROM users WHERE email='%u'\n")
        made[name] = authd
    with made["postfix"], made["dovecot"]:
        yield made


@pytest.mark.parametrize("asked", ["postfix", "dovecot"])
def test_every_form_of_a_quota(forms, asked):
    authd = forms[asked]
    found = {}
    for number, text in enumerate(FORMS):
        answer = authd.lookup("mailbox", f"u{number}@example.test")
        assert answer[0] == "ok", (text, answer)
        found[text] = tuple(map(int, answer[3:5]))
    assert found == FORMS
    assert "quota-wrong" not in authd.log()


@deployments("B")
def test_a_quota_column_that_is_null(preset, db):
    db.sql("INSERT INTO users (email, password, quota) VALUES ('dan@example.test', 'x', NULL)", "preset_b")
    assert preset.lookup("mailbox", "dan@example.test")[3:5] == ("0", "0")


# What becomes of a full mailbox's mail where the deployment comes from: all of them return it.
FULL = {"A": "Sorry, the user's maildir has exceeded the quota.", "B": "The user you are trying to reach is over quota.", "C": "maildir over quota",
        "D": "Quota exceeded (mailbox for user is full)", "E": "Quota exceeded (mailbox for user is full)"}


@pytest.mark.parametrize("letter", FULL)
def test_a_full_mailboxs_mail_comes_back_as_before(letter):
    settings = {path.name: path.read_text().strip() for path in (PRESETS / letter / "settings").iterdir()}
    assert (settings["over_quota_code"], settings["over_quota_text"]) == ("552", FULL[letter])
    text = (PRESETS / letter / "README.md").read_text()
    rows = [name for row in re.findall(r"^\| (`.*?) \|", text, re.M) for name in re.findall("`(.*?)`", row)]
    assert [name for name in settings if "quota" in name and name not in rows] == []
    assert "Trash uncounted" == settings.get("quota_folders") or letter not in "BC"
    # deliver understands them all.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chmod(directory, 0o755)
        for name in settings:
            pathlib.Path(directory, name).write_text(settings[name] + "\n")
        result = subprocess.run([built("postern-deliver"), "--check"], env={**os.environ, "POSTERN_SETTINGS": directory},
                                user="vmail", group="vmail", extra_groups=[], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr


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
