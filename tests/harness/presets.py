"""The five deployments as they are shipped (conf/presets): their tables in a MariaDB with some people in them, their
query files with nothing but host, user, password and database changed, their settings."""
import re
import subprocess

from .build import REPOSITORY

PRESETS = REPOSITORY / "conf/presets"
PASSWORD = "secret words"


def openssl_hash(kind, password=PASSWORD):
    return subprocess.run(["openssl", "passwd", kind, "-stdin"], input=password, capture_output=True, text=True, check=True).stdout.strip()


# The people of each deployment, as its programs make them. Everybody's password is PASSWORD.
PEOPLE = {
    "A": lambda: f"""
        INSERT INTO domain (domain) VALUES ('example.test'), ('alias.test');
        INSERT INTO domain (domain, backupmx, transport) VALUES ('backup.test', 1, 'smtp:[192.0.2.9]:25');
        INSERT INTO mailbox (username, password, maildir, quota, domain) VALUES
            ('ann@example.test', '{openssl_hash("-1")}', 'example.test/ann/', 10240000, 'example.test'),
            ('bob@example.test', '{openssl_hash("-6")}', 'example.test/bob/', 0, 'example.test');
        INSERT INTO alias (address, goto, domain) VALUES ('ann@example.test', 'ann@example.test', 'example.test'),
            ('sales@example.test', 'ann@example.test,bob@example.test', 'example.test'),
            ('@example.test', 'bob@example.test', 'example.test');
        INSERT INTO alias_domain (alias_domain, target_domain) VALUES ('alias.test', 'example.test');""",
    "B": lambda: f"""
        INSERT INTO domains VALUES ('example.test'), ('plain.test');
        INSERT INTO users (email, password, quota) VALUES ('ann@example.test', ENCRYPT('{PASSWORD}'), 10485760),
            ('bob@example.test', ENCRYPT('{PASSWORD}'), 0), ('cat@plain.test', ENCRYPT('{PASSWORD}'), 0);
        INSERT INTO forwardings VALUES ('sales@example.test', 'ann@example.test, bob@example.test'), ('@example.test', 'bob@example.test');
        INSERT INTO transport VALUES ('far.test', 'smtp:[mx.far.test]:2525'), ('shut.test', 'error:no mail here');""",
    "C": lambda: f"""
        INSERT INTO domain (domain, transport) VALUES ('example.test', 'maildrop:'), ('far.test', 'smtp:[192.0.2.9]');
        INSERT INTO domain (domain, active) VALUES ('off.test', 0);
        INSERT INTO mailbox (username, uid, password, maildir, homedir, quota, domain, disableimap) VALUES
            ('ann@example.test', 'ann', '{openssl_hash("-1")}', 'example.test/ann/Maildir/', 'example.test/ann', '5242880S,1000C', 'example.test', 0),
            ('bob@example.test', 'bob', '{openssl_hash("-1")}', 'example.test/bob/Maildir/', 'example.test/bob', '0', 'example.test', 1);
        INSERT INTO mailbox (username, password, maildir, domain, active) VALUES
            ('off@example.test', '{openssl_hash("-1")}', 'example.test/off/Maildir/', 'example.test', 0);
        INSERT INTO alias (address, goto, domain) VALUES ('sales@example.test', 'ann@example.test,bob@example.test', 'example.test');""",
    "D": lambda: f"""
        INSERT INTO virtual_domains (id, name) VALUES (1, 'example.test'), (2, 'plain.test');
        INSERT INTO virtual_users (domain_id, password, email) VALUES
            (1, ENCRYPT('{PASSWORD}', CONCAT('$6$', SUBSTRING(SHA(RAND()), -16))), 'ann@example.test'),
            (1, ENCRYPT('{PASSWORD}', CONCAT('$6$', SUBSTRING(SHA(RAND()), -16))), 'bob@example.test');
        INSERT INTO virtual_aliases (domain_id, source, destination) VALUES (1, 'sales@example.test', 'ann@example.test'),
            (1, 'sales@example.test', 'bob@example.test'), (1, 'sales@example.test', 'cat@far.test'), (1, '@example.test', 'bob@example.test');""",
    "E": lambda: f"""
        INSERT INTO email_user VALUES ('ann', 'ann@example.test', '{PASSWORD}', 'example.test', 'example.test/ann/'),
            ('bob', 'bob@example.test', '{PASSWORD}', 'example.test', 'example.test/bob/');
        INSERT INTO email_aliase VALUES ('sales@example.test', 'ann@example.test,bob@example.test');""",
}


def fill_preset(letter, db, database):
    """The deployment's tables, empty but for its people; an existing database goes."""
    db.sql(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")
    db.sql((PRESETS / letter / "schema.sql").read_text(), database)
    db.sql(PEOPLE[letter](), database)


def for_server(text, db, database):
    """A query file for this server: both forms' words for where it is and who asks."""
    for name, value in {"hosts": f"unix:{db.socket}", "user": db.user, "password": db.password, "dbname": database}.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
    for name, value in {"host": db.socket, "user": db.user, "password": db.password, "dbname": database}.items():
        text = re.sub(rf"(^connect = .*?\b{name}=)\S+", rf"\g<1>{value}", text, flags=re.M)
    return text


def use_preset(authd, letter, db, database):
    """Gives an Authd the deployment's settings and query files."""
    (authd.settings / "mysql").mkdir()
    for path in [*(PRESETS / letter).glob("*.cf"), *(PRESETS / letter).glob("*.ext")]:
        (authd.settings / "mysql" / path.name).write_text(for_server(path.read_text(), db, database))
    for path in (PRESETS / letter / "settings").iterdir():
        authd.set(path.name, path.read_text().rstrip("\n"))
