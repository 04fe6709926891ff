"""Promise 15, as far as it goes before the cache (issue 3): with the database gone nobody is told that a user does not
exist. Embedded users go on beside a database that is gone."""
import time

from harness import MariaDB
from harness.authd import Authd, fill


def test_an_outage_is_never_no_such_user():
    with MariaDB() as db:
        fill(db)
        made = Authd()
        made.user("root@embedded.test")
        made.preset(db)
        with made as authd:
            assert authd.lookup("rcpt", "ann@example.test") == ("ok", "mailbox")
            db.kill()
            time.sleep(1)  # what SQL said just before still answers for a second
            for address in ("ann@example.test", "nobody@example.test", "x@far.test", "sales@example.test"):
                for kind in ("rcpt", "alias", "mailbox", "transport"):
                    assert authd.lookup(kind, address)[0] == "later", (kind, address)
            for user in ("ann@example.test", "nobody@example.test"):
                assert authd.login(user, "secret words") == "later"
            assert authd.login("root@embedded.test", "secret words") == "ok"
            assert authd.login("root@embedded.test", "wrong") == "no"
