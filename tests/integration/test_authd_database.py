"""authd's database workers, asked directly: rows of several columns, Dovecot's query files, explanations, hosts that come and
go, TLS to the database, and how a database user may authenticate. All against a real MariaDB."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from harness import MariaDB
from harness.database import Worker, rows
from harness.mysql8 import Mysql8
from harness.suite import free_ports
from harness.wait import wait_for

SHA512 = "$6$saltsaltsaltsalt$" + "x" * 86


def certificate(directory, name, *options):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "300", "-subj", "/CN=db.test", *options,
                    "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem"], check=True, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def keys():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="postern-db-keys-", dir="/var/tmp"))
    os.chmod(directory, 0o755)
    certificate(directory, "server", "-addext", "subjectAltName=IP:127.0.0.1")
    certificate(directory, "other")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def db(keys):
    options = [f"--ssl-cert={keys}/server.pem", f"--ssl-key={keys}/server.key", "--plugin-load-add=auth_ed25519"]
    with MariaDB(port=free_ports(1)[0], options=options) as server:
        server.port = int(server.options[0].split("=")[1])
        server.sql("CREATE DATABASE mail")
        server.sql(f"""
            CREATE TABLE users (email varchar(100) PRIMARY KEY, password varchar(106), home varchar(100), quota_rule varchar(100),
                disableimap tinyint NOT NULL DEFAULT 0, enabled tinyint NOT NULL DEFAULT 1);
            INSERT INTO users VALUES ('ann@example.test', '{SHA512}', '/home/ann', '*:storage=5G:messages=1000', 1, 1),
                ('bob@example.test', '{{PLAIN}}bob', NULL, NULL, 0, 1), ('off@example.test', 'x', NULL, NULL, 0, 0),
                ('null@example.test', NULL, NULL, NULL, 0, 1);
            CREATE TABLE secrets (user varchar(100), secret varchar(100));
            INSERT INTO secrets VALUES ('ann@example.test', '{{PLAIN}}one'), ('ann@example.test', '{{PLAIN}}two'),
                ('odd@example.test', 'a\x1fb'), ('odd2@example.test', 'a\x1eb');
            INSERT INTO secrets SELECT 'many@example.test', seq FROM seq_1_to_17;
            INSERT INTO secrets SELECT 'enough@example.test', seq FROM seq_1_to_16;
            CREATE TABLE latin (name varchar(100), value varchar(100)) CHARACTER SET latin1;
            INSERT INTO latin VALUES ('käthe@example.test', 'grün');
            CREATE TABLE wide (name varchar(100), value varchar(100)) CHARACTER SET utf8mb4;
            INSERT INTO wide VALUES ('\U0001f600@example.test', 'grün\U0001f600');
            """, "mail")
        yield server


def postfix(db, query, **other):
    names = {"hosts": f"unix:{db.socket}", "user": db.user, "password": db.password, "dbname": "mail", "query": query, **other}
    return "".join(f"{name} = {value}\n" for name, value in names.items())


def dovecot(db, *lines, connect=None):
    where = connect or f"host={db.socket} dbname=mail user={db.user} password={db.password}"
    return "\n".join(["driver = mysql", f"connect = {where}", *lines]) + "\n"


PASSWORD_QUERY = "password_query = SELECT email AS user, password, disableimap \\\n  FROM users WHERE email = '%Lu' AND enabled = 1"


# --- values ------------------------------------------------------------------------------------

def test_a_password_query_of_dovecot_yields_named_columns(db):
    with Worker([("passwords", dovecot(db, "default_pass_scheme = SHA512-CRYPT", PASSWORD_QUERY))]) as worker:
        status, value = worker.ask("passwords", "ANN@example.test", "imap", "192.0.2.1")
        assert status == "found"
        assert rows(value) == [{"user": "ann@example.test", "password": "{SHA512-CRYPT}" + SHA512, "disableimap": "1"}]
        # A scheme of its own stays, and NULL is no column at all.
        assert rows(worker.ask("passwords", "bob@example.test")[1])[0]["password"] == "{PLAIN}bob"
        assert rows(worker.ask("passwords", "null@example.test")[1]) == [{"user": "null@example.test", "disableimap": "0"}]
        assert worker.ask("passwords", "off@example.test") == worker.ask("passwords", "nobody@example.test") == ["none"]


def test_without_a_default_scheme_crypt_is_meant(db):
    with Worker([("passwords", dovecot(db, PASSWORD_QUERY))]) as worker:
        assert rows(worker.ask("passwords", "ann@example.test")[1])[0]["password"] == "{CRYPT}" + SHA512


def test_service_and_address_are_parameters(db):
    query = "password_query = SELECT password, '%s' AS service, '%r' AS host, '%d' AS domain FROM users WHERE email = CONCAT('%Ln', '@example.test')"
    with Worker([("passwords", dovecot(db, query))]) as worker:
        row, = rows(worker.ask("passwords", "Bob", "pop3", "2001:db8::1")[1])
        assert (row["service"], row["host"], row["domain"]) == ("pop3", "2001:db8::1", "")


def test_a_user_query_yields_home_and_quota(db):
    text = dovecot(db, "user_query = SELECT home, 'maildir:~/Maildir' AS mail, 5000 AS uid, quota_rule FROM users WHERE email = '%u'")
    with Worker([("mailboxes", text), ("quotas", text)]) as worker:
        row, = rows(worker.ask("mailboxes", "ann@example.test")[1])
        assert row == {"home": "/home/ann", "mail": "maildir:~/Maildir", "uid": "5000", "quota_rule": "*:storage=5G:messages=1000"}
        assert worker.ask("quotas", "ann@example.test") == ["found", "5368709120,1000"]
        assert worker.ask("quotas", "bob@example.test") == ["none"]


def test_postfix_form_of_one_column_yields_bare_values(db):
    files = [("passwords", postfix(db, "SELECT secret FROM secrets WHERE user = '%s' ORDER BY secret"))]
    with Worker(files) as worker:
        assert worker.ask("passwords", "ann@example.test") == ["found", "{PLAIN}one\x1e{PLAIN}two"]


def test_postfix_form_of_several_columns_yields_named_ones(db):
    files = [("passwords", postfix(db, "SELECT secret AS password, user AS `userName` FROM secrets WHERE user = '%s' ORDER BY secret"))]
    with Worker(files) as worker:
        assert rows(worker.ask("passwords", "ann@example.test")[1]) == [
            {"password": "{PLAIN}one", "userName": "ann@example.test"}, {"password": "{PLAIN}two", "userName": "ann@example.test"}]


@pytest.mark.parametrize("user, reason", [("many", "more than 16 rows"), ("odd", "separator"), ("odd2", "separator")])
def test_what_cannot_stand_in_rows_is_trouble(db, user, reason):
    with Worker([("passwords", postfix(db, "SELECT secret FROM secrets WHERE user = '%s'"))]) as worker:
        assert worker.ask("passwords", f"{user}@example.test") == ["later", "the query failed", "query"]
        assert "query-failed" in worker.log() and reason in worker.log()
        assert len(rows(worker.ask("passwords", "enough@example.test")[1])) == 16


def test_other_maps_join_with_commas(db):
    with Worker([("aliases", postfix(db, "SELECT secret, user FROM secrets WHERE user = '%s' ORDER BY secret"))]) as worker:
        assert worker.ask("aliases", "ann@example.test") == ["found", "{PLAIN}one,ann@example.test,{PLAIN}two,ann@example.test"]


@pytest.mark.parametrize("table, key, value", [("latin", "käthe@example.test", "grün"), ("wide", "\U0001f600@example.test", "grün\U0001f600")])
def test_tables_of_both_character_sets(db, table, key, value):
    with Worker([("mailboxes", postfix(db, f"SELECT value FROM {table} WHERE name = '%s'"))]) as worker:
        assert worker.ask("mailboxes", key) == ["found", value]
        assert worker.ask("mailboxes", "\U0001f600\U0001f600@example.test") == ["none"]


@pytest.mark.parametrize("name, lines, reason", [
    ("aliases", ["user_query = SELECT '%u'"], "sql_passwords, sql_mailboxes and sql_quotas"),
    ("passwords", ["user_query = SELECT '%u'"], "there is no password_query"),
    ("passwords", ["# why", "password_query = SELECT \\", "  '%w'"], "line 4: a %"),
    ("passwords", ["password_query = SELECT a FROM users_%d"], "line 3: a placeholder that is a part of a name"),
])
def test_a_file_of_dovecot_that_cannot_serve_is_refused_at_the_start(db, name, lines, reason):
    with Worker([(name, dovecot(db, *lines))]) as worker:
        assert worker.process.wait(20) == 100
        assert f"file={worker.directory}/0-{name}" in worker.log() and reason in worker.log()


# --- explanations ------------------------------------------------------------------------------

def test_an_explanation_names_file_query_values_and_rows(db):
    with Worker([("aliases", postfix(db, "SELECT secret FROM secrets WHERE user = '%s' AND '%d' <> ''"))]) as worker:
        status, value, *lines = worker.ask("aliases", "ann@example.test", explain=True)
        assert (status, value) == ("found", "{PLAIN}one,{PLAIN}two")
        assert lines[0] == f"file {worker.directory}/0-aliases"
        assert lines[1] == "query: SELECT secret FROM secrets WHERE user = ? AND ? <> ''"
        assert lines[2] == "with: 'ann@example.test', 'example.test'"
        assert lines[3].startswith("2 rows in ") and lines[3].endswith(" ms")
        # Not asked, nothing said.
        assert worker.ask("aliases", "ann@example.test") == ["found", "{PLAIN}one,{PLAIN}two"]
        status, *lines = worker.ask("aliases", "ann", explain=True)
        assert status == "none" and "lacks a part" in lines[1]


def test_an_explanation_of_a_password_shows_no_password(db):
    with Worker([("passwords", dovecot(db, PASSWORD_QUERY))]) as worker:
        _, _, *lines = worker.ask("passwords", "ann@example.test", explain=True)
        assert "password: SHA512-CRYPT, 106 characters; the column holds at most 106" in lines
        assert "columns: user, password, disableimap" in lines
        assert not any("saltsalt" in line or "cut" in line for line in lines)
        _, _, *lines = worker.ask("passwords", "bob@example.test", explain=True)
        assert any(line.startswith("password: {PLAIN}, 10 characters") for line in lines)


def test_an_explanation_tells_a_hash_that_its_column_cut(db):
    db.sql("CREATE OR REPLACE TABLE short (email varchar(100), password varchar(64) CHARACTER SET latin1); "
           f"INSERT INTO short VALUES ('ann@example.test', LEFT('{SHA512}', 64))", "mail")
    with Worker([("passwords", postfix(db, "SELECT password FROM short WHERE email = '%s'"))]) as worker:
        _, _, *lines = worker.ask("passwords", "ann@example.test", explain=True)
        assert "password: SHA512-CRYPT, 64 characters; the column holds at most 64" in lines
        assert any("looks cut" in line and "column is too short" in line for line in lines)


def test_an_explanation_of_no_row_names_the_conditions(db):
    with Worker([("passwords", dovecot(db, PASSWORD_QUERY))]) as worker:
        status, *lines = worker.ask("passwords", "off@example.test", explain=True)
        assert status == "none"
        assert "no row: is it there, and does it fulfil: enabled = 1?" in lines


def test_an_explanation_has_the_servers_own_words(db):
    with Worker([("aliases", postfix(db, "SELECT nonsense FROM secrets WHERE user = '%s'"))]) as worker:
        status, why, kind, *lines = worker.ask("aliases", "ann@example.test", explain=True)
        assert (status, why, kind) == ("later", "the query failed", "query")
        assert any("Unknown column 'nonsense'" in line for line in lines)


# --- away and back --------------------------------------------------------------------------------

def test_ping_and_the_two_kinds_of_later(db):
    with Worker([("aliases", postfix(db, "SELECT secret FROM secrets WHERE user = '%s'")),
                 ("domains", postfix(db, "SELECT 1 FROM gone WHERE name = '%s'"))], timeout=1) as worker:
        assert worker.ping() == ["pong"]
        assert worker.ask("domains", "example.test") == ["later", "the query failed", "query"]
        db.freeze()
        try:
            assert worker.ask("aliases", "ann@example.test") == ["later", "the database does not answer", "away"]
            assert worker.ping() == ["later", "the database is not reachable", "away"]
        finally:
            db.thaw()
        wait_for("the database to answer a ping", 10, lambda: worker.ping() == ["pong"])
        assert worker.ask("aliases", "ann@example.test")[0] == "found"


def test_a_connection_that_the_server_closed_while_idle_is_not_noticed(db):
    with Worker([("aliases", postfix(db, "SELECT secret FROM secrets WHERE user = '%s'"))]) as worker:
        for question in (lambda: worker.ask("aliases", "ann@example.test")[0] == "found", lambda: worker.ping() == ["pong"]):
            assert question()
            for number, in db.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{db.user}'"):
                db.sql(f"KILL {number}")
            assert question()


def test_one_connection_a_worker_however_many_files(db):
    text = dovecot(db, PASSWORD_QUERY, "user_query = SELECT home FROM users WHERE email = '%u'")
    with Worker([("passwords", text), ("mailboxes", text), ("aliases", postfix(db, "SELECT 1 FROM users WHERE email = '%s'")),
                 ("domains", postfix(db, "SELECT 2 FROM users WHERE email = '%s'"))]) as worker:
        for name in ("passwords", "mailboxes", "aliases", "domains"):
            worker.ask(name, "ann@example.test")
        # Dovecot's words for where it is and Postfix's mean the same.
        assert db.sql(f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{db.user}'") == [["1"]]


def test_the_first_host_is_returned_to():
    one, other = free_ports(2)
    with MariaDB(port=one) as first, MariaDB(port=other) as second:
        for number, server in enumerate((first, second)):
            server.sql(f"CREATE DATABASE mail; CREATE TABLE mail.t (v int); INSERT INTO mail.t VALUES ({number + 1})")
        text = postfix(first, "SELECT v FROM t WHERE '%s' <> ''", hosts=f"127.0.0.1:{one} inet:127.0.0.1:{other}")
        with Worker([("domains", text)], timeout=1) as worker:
            assert worker.ask("domains", "example.test") == ["found", "1"]
            first.freeze()
            # The question that met the frozen one is not answered; the next one has a host again.
            assert worker.ask("domains", "example.test")[2] == "away"
            assert worker.ask("domains", "example.test") == ["found", "2"]
            first.thaw()
            wait_for("the first host to serve again", 15, lambda: (time.sleep(0.2), worker.ask("domains", "example.test"))[1] == ["found", "1"])
            assert "database-next-host" in worker.log() and "database-back" in worker.log()


# --- TLS, and how a user authenticates ----------------------------------------------------------------

@pytest.fixture(scope="module")
def secure_user(db):
    db.sql("CREATE USER 'secure'@'%' IDENTIFIED BY 'secret' REQUIRE SSL; GRANT ALL ON mail.* TO 'secure'@'%'")
    return "secure"


def tls_worker(db, keys, user, host="127.0.0.1", **other):
    return Worker([("aliases", postfix(db, "SELECT VARIABLE_VALUE FROM information_schema.session_status WHERE '%s' <> '' AND VARIABLE_NAME = 'Ssl_cipher'",
                                       hosts=f"inet:{host}:{db.port}", user=user, **other))], timeout=2)


def assert_encrypted(worker):
    status, value = worker.ask("aliases", "a")[:2]
    assert status == "found" and "_" in value or "-" in value, (status, value, worker.log())


def test_a_user_that_must_use_tls(db, keys, secure_user):
    with tls_worker(db, keys, secure_user, tls_CAfile=f"{keys}/server.pem", tls_verify_cert="yes") as worker:
        assert_encrypted(worker)
    with tls_worker(db, keys, secure_user) as worker:
        assert worker.ask("aliases", "a") == ["later", "the database is not reachable", "away"]


@pytest.mark.parametrize("host, ca", [("127.0.0.1", "other"), ("localhost", "server")])
def test_a_certificate_of_another_authority_or_for_another_name_is_refused(db, keys, secure_user, host, ca):
    with tls_worker(db, keys, secure_user, host, tls_CAfile=f"{keys}/{ca}.pem", tls_verify_cert="yes") as worker:
        assert worker.ask("aliases", "a")[2] == "away"
        assert "look at the certificates" in worker.log()


def test_tls_by_a_file_of_dovecot(db, keys, secure_user):
    connect = f"host=127.0.0.1 port={db.port} dbname=mail user={secure_user} password=secret ssl_ca={keys}/%s.pem ssl_verify_server_cert=yes"
    query = "password_query = SELECT password FROM users WHERE email = '%u'"
    with Worker([("passwords", dovecot(db, query, connect=connect % "server"))]) as worker:
        assert worker.ask("passwords", "bob@example.test")[0] == "found"
    with Worker([("passwords", dovecot(db, query, connect=connect % "other"))]) as worker:
        assert worker.ask("passwords", "bob@example.test")[0] == "later"


def test_tls_that_the_server_does_not_offer_is_missed(keys):
    port, = free_ports(1)
    with MariaDB(port=port, options=["--skip-ssl"]) as plain:
        plain.sql("CREATE DATABASE mail; CREATE TABLE mail.t (v int); INSERT INTO mail.t VALUES (1)")
        for options in ({"tls_CAfile": f"{keys}/server.pem"}, {"tls_ciphers": "HIGH"}):
            with Worker([("domains", postfix(plain, "SELECT v FROM t WHERE '%s' <> ''", hosts=f"127.0.0.1:{port}", **options))]) as worker:
                assert worker.ask("domains", "a")[2] == "away", options


def test_options_may_come_from_a_file(db, keys):
    (keys / "my.cnf").write_text(f"[mail]\nuser={db.user}\npassword={db.password}\nsocket={db.socket}\n")
    text = f"option_file = {keys}/my.cnf\noption_group = mail\ndbname = mail\nquery = SELECT home FROM users WHERE email = '%s'\n"
    with Worker([("mailboxes", text)]) as worker:
        assert worker.ask("mailboxes", "ann@example.test") == ["found", "/home/ann"]


@pytest.mark.parametrize("how", ["VIA ed25519 USING PASSWORD('secret')", "VIA mysql_native_password USING PASSWORD('secret')"])
def test_plugins_of_authentication(db, how):
    db.sql(f"CREATE OR REPLACE USER 'how'@'localhost' IDENTIFIED {how}; GRANT ALL ON mail.* TO 'how'@'localhost'")
    with Worker([("mailboxes", postfix(db, "SELECT home FROM users WHERE email = '%s'", user="how", password="secret"))]) as worker:
        assert worker.ask("mailboxes", "ann@example.test") == ["found", "/home/ann"], worker.log()


@pytest.mark.parametrize("cached, password, login, pong", [(True, "secret", "fast", "pong"), (False, "secret", "full", "pong"),
                                                           (False, "wrong", "denied", "later")])
def test_the_way_of_mysql_8(db, keys, cached, password, login, pong):
    """The plugin is loaded before the worker may load nothing more."""
    with Mysql8("secret", cached, keys) as server:
        text = postfix(db, "SELECT v FROM t WHERE x = '%s'", hosts=f"127.0.0.1:{server.port}", password=password)
        with Worker([("domains", text)]) as worker:
            assert worker.ping()[0] == pong, worker.log()
            assert server.logins == [login]
            assert worker.ask("domains", "example.test")[2] == ("query" if pong == "pong" else "away")


def test_a_server_that_wants_the_password_in_clear_does_not_get_it(db):
    """pam asks for it by the plugin "dialog", which link.c does not allow."""
    db.sql("INSTALL SONAME 'auth_pam_v1'; CREATE OR REPLACE USER 'clear'@'localhost' IDENTIFIED VIA pam USING 'other'")
    with Worker([("mailboxes", postfix(db, "SELECT home FROM users WHERE email = '%s'", user="clear", password="secret"))]) as worker:
        assert worker.ask("mailboxes", "ann@example.test")[2] == "away"
        assert "authentication plugin" in worker.log().lower()
