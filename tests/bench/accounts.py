"""The accounts that all sides serve: deployment A's tables in a private MariaDB."""
import subprocess

from harness import MariaDB

DOMAIN = "example.test"
PASSWORD = "secret-words"

TABLES = """
CREATE DATABASE postfix CHARACTER SET utf8mb4;
USE postfix;
CREATE TABLE domain (domain varchar(255) NOT NULL PRIMARY KEY, description varchar(255) NOT NULL DEFAULT '',
  aliases int NOT NULL DEFAULT 0, mailboxes int NOT NULL DEFAULT 0, maxquota bigint NOT NULL DEFAULT 0,
  quota bigint NOT NULL DEFAULT 0, transport varchar(255) NOT NULL DEFAULT 'virtual', backupmx tinyint NOT NULL DEFAULT 0,
  active tinyint NOT NULL DEFAULT 1);
CREATE TABLE mailbox (username varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL,
  name varchar(255) NOT NULL DEFAULT '', maildir varchar(255) NOT NULL, quota bigint NOT NULL DEFAULT 0,
  local_part varchar(255) NOT NULL, domain varchar(255) NOT NULL, active tinyint NOT NULL DEFAULT 1, KEY (domain));
CREATE TABLE alias (address varchar(255) NOT NULL PRIMARY KEY, goto text NOT NULL, domain varchar(255) NOT NULL,
  active tinyint NOT NULL DEFAULT 1, KEY (domain));
CREATE TABLE alias_domain (alias_domain varchar(255) NOT NULL PRIMARY KEY, target_domain varchar(255) NOT NULL,
  active tinyint NOT NULL DEFAULT 1);
"""


def make(users, scheme="-1"):
    """A MariaDB with that many users, userN@example.test. `scheme`: an option of openssl passwd; default MD5-crypt."""
    database = MariaDB()
    database.sql(TABLES)
    hashed = subprocess.run(["openssl", "passwd", scheme, PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
    rows = ",".join(f"('user{n}@{DOMAIN}','{hashed}','{DOMAIN}/user{n}/','user{n}','{DOMAIN}')" for n in range(users))
    aliases = ",".join(f"('user{n}@{DOMAIN}','user{n}@{DOMAIN}','{DOMAIN}')" for n in range(users))
    database.sql(f"INSERT INTO domain (domain) VALUES ('{DOMAIN}');"
                 f"INSERT INTO mailbox (username,password,maildir,local_part,domain) VALUES {rows};"
                 f"INSERT INTO alias (address,goto,domain) VALUES {aliases}", "postfix")
    return database
