"""Promise 13: no SQL text is made from data. The server's general log during a run with hostile names: it prepares
the same statements as with harmless ones, and no other text reaches it."""
import re

from harness import MariaDB
from harness.authd import Authd, blob, fill

NAMES = ["x' OR '1'='1", "'; DROP TABLE mailbox; -- ", "\\", "\\'", "'", "''", '"', "`", "?", "%s", "%%", "%d%u%1", "a%", "_", "*/", "/*", "#",
         "\x01", "\x1a", "\udcbf'", "\udce5\\", "a;b", "@@version", "0x61", "{d '1'}", "\u02bc", "\uff07",
         "union select password from mailbox", "A" * 500]


def ask_all(authd, names):
    for name in names:
        for address in (f"{name}@example.test", f"ann@{name}", name, f"{name}+{name}@example.test"):
            for kind in ("rcpt", "alias", "mailbox", "transport"):
                assert authd.lookup(kind, address)[0] in ("ok", "no")
            assert authd.lookup("sender", address, address)[0] in ("ok", "no")
            assert authd.login(address, name) in ("no", "later")
            with authd.greeted() as peer:
                assert peer.ask("auth", "1", "PLAIN", blob("", address.encode("utf-8", "surrogateescape"), "x"))[0] in ("no", "later")


def statements(db, kinds):
    """Texts of such entries in the general log, with several lines of one entry joined."""
    text = open(db.log_file, encoding="utf-8", errors="replace").read()
    entries = re.split(r"^(?:\d{6} [\d:]{8}|\t)?\t +\d+ (\w+)\t", text, flags=re.M)[1:]
    return [body.strip() for kind, body in zip(entries[::2], entries[1::2]) if kind in kinds]


def test_hostile_names_change_no_statement():
    with MariaDB(general_log=True) as db:
        fill(db)
        made = Authd(sessions_per_address=0)
        made.preset(db)
        # Placeholders within quotes, functions and LIKE, and bare ones.
        made.set("odd.cf", (made.settings / "virtual_alias_maps.cf").read_text().split("query")[0] +
                 "query = SELECT goto FROM alias WHERE address LIKE 'no-%u-%%' OR address = LOWER(CONCAT(\"%s\", '.none')) OR address = %s")
        made.set("sql_aliases", (made.settings / "sql_aliases").read_text() + "odd.cf")
        # And in Dovecot's form, with parts of the key and who asks.
        made.set("odd.ext", f"""driver = mysql
            connect = host={db.socket} dbname=mail user={db.user} password={db.password}
            password_query = SELECT password FROM mailbox WHERE username LIKE 'no-%1.3Un%%' OR username = CONCAT('%Ld', \\
              "%{{user}}", '.none') OR username = '%s-%r-%n'""")
        made.set("sql_passwords", (made.settings / "sql_passwords").read_text() + "odd.ext")
        with made as authd:
            ask_all(authd, ["harmless"])
            db.sql("SELECT 'the hostile run begins'")
            usual = set(statements(db, {"Prepare"}))
            queries = len(statements(db, {"Query"}))
            ask_all(authd, NAMES)
            assert set(statements(db, {"Prepare"})) <= usual
            assert statements(db, {"Query"})[queries:] == []
            assert sum("LIKE ?" in text and "CONCAT(?" in text for text in usual) == 2
            assert db.sql("SELECT COUNT(*) FROM mailbox", "mail") == [["3"]]
            assert authd.login("ann@example.test", "secret words") == "ok"
            assert authd.lookup("rcpt", "nobody@example.test") == ("ok", "unknown")
