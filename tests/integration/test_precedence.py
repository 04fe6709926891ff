"""
What an address is, row by row (the table in postern-authd(8)): the tables of preset A, an address, what authd says of it,
and what Debian's Postfix says with the same tables through the same query files: RCPT TO at its smtpd, `sendmail -bv`,
and `postmap -q` for each table by itself. Where Postern departs from Postfix the row says so, and why.
"""
import dataclasses

import pytest

from harness import MariaDB
from harness.authd import PRESET, QUERIES, Authd
from harness.postfix_tables import Postfix, missing

pytestmark = pytest.mark.long

# Two tables more, beside preset A's: deployment B's transports by any key, deployment D's aliases of several rows.
MORE_TABLES = """
CREATE TABLE transport (domain varchar(255) NOT NULL PRIMARY KEY, transport varchar(255) NOT NULL);
CREATE TABLE virtual_aliases (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, source varchar(255) NOT NULL,
    destination varchar(255) NOT NULL);
"""
MORE_QUERIES = {
    "sql_transports": ("transport_rows", "SELECT transport FROM transport WHERE domain='%s'"),
    "sql_aliases": ("alias_rows", "SELECT destination FROM virtual_aliases WHERE source='%s' ORDER BY id"),
}
POSTMASTER = "keeper@house.test"


@dataclasses.dataclass
class Row:
    """
    `tables` are lines of what tables_of() reads; `rcpt` is the class that authd says; `alias` its targets, `mailbox` user,
    Maildir and extension, `transport` the transport, None where it says no. `departs`: why Postfix says `postfix` instead:
    (code at RCPT, {(final address, what it is there)}); None for the ends: they say nothing.
    """
    name: str
    tables: str
    address: str
    rcpt: str
    alias: list = None
    mailbox: tuple = None
    transport: str = None
    departs: str = ""
    postfix: tuple = None
    world: str = "full"


SWALLOWED = "Postfix asks a catch-all among the aliases before mailboxes; here it comes after them"
REFUSED = "refused at RCPT here; Postfix takes the mail, because an alias exists, and bounces it then"
NEEDED = "RFC 5321 section 4.5.1: postmaster of each own domain works; the setting postmaster names who reads it"

ROWS = [
    # --- mailboxes ------------------------------------------------------------------------
    Row("mailbox", "mailbox ann@m1.test; alias ann@m1.test ann@m1.test", "ann@m1.test", "mailbox",
        mailbox=("ann@m1.test", "m1.test/ann/", "")),
    Row("mailbox without an alias row", "mailbox ann@m2.test", "ann@m2.test", "mailbox",
        mailbox=("ann@m2.test", "m2.test/ann/", "")),
    Row("mailbox in capitals", "mailbox ann@m3.test", "ANN@M3.TEST", "mailbox", mailbox=("ann@m3.test", "m3.test/ann/", "")),
    Row("mailbox whose row has capitals", "mailbox Ann@m4.test", "ann@m4.test", "mailbox",
        mailbox=("ann@m4.test", "m4.test/Ann/", "")),
    Row("mailbox with a name in UTF-8", "mailbox änne@m5.test", "änne@m5.test", "mailbox",
        mailbox=("änne@m5.test", "m5.test/änne/", "")),
    Row("inactive mailbox", "inactive-mailbox ann@m6.test", "ann@m6.test", "unknown"),
    Row("inactive mailbox with its alias row", "inactive-mailbox ann@m7.test; alias ann@m7.test ann@m7.test", "ann@m7.test",
        "unknown", departs=REFUSED, postfix=(250, {("ann@m7.test", "unknown")})),
    Row("alias row without a mailbox", "domain m8.test; alias ann@m8.test ann@m8.test", "ann@m8.test", "unknown",
        departs=REFUSED, postfix=(250, {("ann@m8.test", "unknown")})),
    Row("unknown user", "domain m9.test", "nobody@m9.test", "unknown"),
    # --- aliases --------------------------------------------------------------------------
    Row("alias of one", "mailbox ann@a1.test; alias info@a1.test ann@a1.test", "info@a1.test", "alias", alias=["ann@a1.test"]),
    Row("alias of several, commas and spaces", "mailbox ann@a2.test; alias info@a2.test ann@a2.test , x@far.test,",
        "info@a2.test", "alias", alias=["ann@a2.test", "x@far.test"]),
    Row("alias of several rows", "mailbox ann@a3.test; mailbox bob@a3.test; rows info@a3.test ann@a3.test bob@a3.test",
        "info@a3.test", "alias", alias=["ann@a3.test", "bob@a3.test"]),
    Row("alias in the first file ends the search", "mailbox ann@a4.test; mailbox bob@a4.test; alias info@a4.test ann@a4.test;"
        " rows info@a4.test bob@a4.test", "info@a4.test", "alias", alias=["ann@a4.test"]),
    Row("alias that names itself among others", "mailbox ann@a5.test; alias ann@a5.test ann@a5.test,x@far.test", "ann@a5.test",
        "alias", alias=["ann@a5.test", "x@far.test"], mailbox=("ann@a5.test", "a5.test/ann/", "")),
    Row("alias before mailbox", "mailbox ann@a6.test; mailbox bob@a6.test; alias ann@a6.test bob@a6.test", "ann@a6.test", "alias",
        alias=["bob@a6.test"], mailbox=("ann@a6.test", "a6.test/ann/", "")),
    Row("alias of an alias", "mailbox ann@a7.test; alias one@a7.test two@a7.test; alias two@a7.test ann@a7.test", "one@a7.test",
        "alias", alias=["two@a7.test"]),
    Row("alias to an unknown user", "domain a8.test; alias info@a8.test nobody@a8.test", "info@a8.test", "alias",
        alias=["nobody@a8.test"]),
    Row("alias in capitals", "mailbox ann@a9.test; alias Info@a9.test ann@a9.test", "iNFO@A9.test", "alias", alias=["ann@a9.test"]),
    Row("inactive alias", "mailbox ann@a10.test; inactive-alias info@a10.test ann@a10.test", "info@a10.test", "unknown"),
    Row("inactive alias of a mailbox", "mailbox ann@a11.test; inactive-alias ann@a11.test x@far.test", "ann@a11.test", "mailbox",
        mailbox=("ann@a11.test", "a11.test/ann/", "")),
    Row("alias to a foreign address", "domain a12.test; alias out@a12.test x@far.test", "out@a12.test", "alias",
        alias=["x@far.test"]),
    # --- catch-all --------------------------------------------------------------------------
    Row("catch-all", "mailbox ann@c1.test; alias @c1.test ann@c1.test; alias ann@c1.test ann@c1.test", "nobody@c1.test", "alias",
        alias=["ann@c1.test"]),
    Row("catch-all after an alias", "mailbox ann@c2.test; mailbox bob@c2.test; alias @c2.test ann@c2.test;"
        " alias ann@c2.test ann@c2.test; alias bob@c2.test bob@c2.test; alias info@c2.test bob@c2.test", "info@c2.test", "alias",
        alias=["bob@c2.test"]),
    Row("catch-all after a mailbox with its alias row", "mailbox ann@c3.test; alias @c3.test x@far.test;"
        " alias ann@c3.test ann@c3.test", "ann@c3.test", "mailbox", mailbox=("ann@c3.test", "c3.test/ann/", "")),
    Row("catch-all after a mailbox without one", "mailbox ann@c4.test; alias @c4.test x@far.test", "ann@c4.test", "mailbox",
        mailbox=("ann@c4.test", "c4.test/ann/", ""), departs=SWALLOWED, postfix=(250, {("x@far.test", "smtp:far.test")})),
    Row("catch-all to another domain keeps the name", "domain c5.test; mailbox ann@c6.test; alias @c5.test @c6.test",
        "ann@c5.test", "alias", alias=["ann@c6.test"]),
    Row("inactive catch-all", "domain c7.test; inactive-alias @c7.test x@far.test", "nobody@c7.test", "unknown"),
    Row("catch-all and an extension", "domain c8.test; alias @c8.test x@far.test", "nobody+lists@c8.test", "alias",
        alias=["x@far.test"]),
    # --- alias domains ----------------------------------------------------------------------
    Row("alias domain: mailbox with its alias row", "mailbox ann@d1.test; alias ann@d1.test ann@d1.test;"
        " alias-domain by.d1.test d1.test", "ann@by.d1.test", "alias", alias=["ann@d1.test"],
        mailbox=("ann@by.d1.test", "d1.test/ann/", "")),
    Row("alias domain: mailbox without one", "mailbox ann@d2.test; alias-domain by.d2.test d2.test", "ann@by.d2.test", "mailbox",
        mailbox=("ann@by.d2.test", "d2.test/ann/", "")),
    Row("alias domain: alias", "mailbox ann@d3.test; alias info@d3.test ann@d3.test; alias-domain by.d3.test d3.test",
        "info@by.d3.test", "alias", alias=["ann@d3.test"]),
    Row("alias domain: unknown", "domain d4.test; alias-domain by.d4.test d4.test", "nobody@by.d4.test", "unknown"),
    Row("alias domain: catch-all", "domain d5.test; alias @d5.test x@far.test; alias-domain by.d5.test d5.test",
        "nobody@by.d5.test", "alias", alias=["x@far.test"]),
    Row("alias domain: catch-all after a mailbox with its alias row", "mailbox ann@d6.test; alias ann@d6.test ann@d6.test;"
        " alias @d6.test x@far.test; alias-domain by.d6.test d6.test", "ann@by.d6.test", "alias", alias=["ann@d6.test"],
        mailbox=("ann@by.d6.test", "d6.test/ann/", "")),
    Row("alias domain: catch-all after a mailbox without one", "mailbox ann@d7.test; alias @d7.test x@far.test;"
        " alias-domain by.d7.test d7.test", "ann@by.d7.test", "mailbox", mailbox=("ann@by.d7.test", "d7.test/ann/", ""),
        departs=SWALLOWED, postfix=(250, {("x@far.test", "smtp:far.test")})),
    Row("alias domain: catch-all after a mailbox with an extension", "mailbox ann@d8.test; alias ann@d8.test ann@d8.test;"
        " alias @d8.test x@far.test; alias-domain by.d8.test d8.test", "ann+lists@by.d8.test", "alias",
        alias=["ann+lists@d8.test"], mailbox=("ann@by.d8.test", "d8.test/ann/", "lists"),
        departs=SWALLOWED, postfix=(250, {("x@far.test", "smtp:far.test")})),
    Row("alias domain that is switched off", "mailbox ann@d9.test; inactive-alias-domain by.d9.test d9.test", "ann@by.d9.test",
        "unknown"),
    # --- extensions -------------------------------------------------------------------------
    Row("extension of a mailbox", "mailbox ann@e1.test; alias ann@e1.test ann@e1.test", "ann+lists@e1.test", "mailbox",
        mailbox=("ann@e1.test", "e1.test/ann/", "lists")),
    Row("extension of a mailbox without an alias row", "mailbox ann@e2.test", "Ann+Lists@e2.test", "mailbox",
        mailbox=("ann@e2.test", "e2.test/ann/", "Lists")),
    Row("extension with a mailbox of its own", "mailbox ann@e3.test; mailbox ann+lists@e3.test", "ann+lists@e3.test", "mailbox",
        mailbox=("ann+lists@e3.test", "e3.test/ann+lists/", "")),
    Row("extension with a mailbox of its own and an alias row of the other", "mailbox ann@e4.test; mailbox ann+lists@e4.test;"
        " alias ann@e4.test ann@e4.test", "ann+lists@e4.test", "mailbox", mailbox=("ann+lists@e4.test", "e4.test/ann+lists/", "")),
    Row("extension with an alias of its own", "mailbox ann@e5.test; alias ann@e5.test ann@e5.test;"
        " alias ann+lists@e5.test x@far.test", "ann+lists@e5.test", "alias", alias=["x@far.test"],
        mailbox=("ann@e5.test", "e5.test/ann/", "lists")),
    Row("extension of an alias goes to its target", "mailbox ann@e6.test; alias info@e6.test ann@e6.test,x@far.test",
        "info+one@e6.test", "alias", alias=["ann+one@e6.test", "x+one@far.test"]),
    Row("extension of an alias whose target has one", "mailbox ann@e7.test; alias info@e7.test ann+info@e7.test",
        "info+one@e7.test", "alias", alias=["ann+info@e7.test"], departs="an extension is put on a target that has none;"
        " Postfix puts it behind the one that is there", postfix=(250, {("ann+info+one@e7.test", "mailbox")})),
    Row("extension of nobody", "mailbox ann@e8.test", "bob+lists@e8.test", "unknown"),
    Row("two extensions: the first delimiter counts", "mailbox ann@e9.test; alias ann@e9.test ann@e9.test", "ann+one+two@e9.test",
        "mailbox", mailbox=("ann@e9.test", "e9.test/ann/", "one+two")),
    Row("empty extension", "mailbox ann@e10.test", "ann+@e10.test", "mailbox", mailbox=("ann@e10.test", "e10.test/ann/", "")),
    Row("delimiter at the beginning is none", "mailbox ann@e11.test", "+ann@e11.test", "unknown"),
    # --- postmaster ---------------------------------------------------------------------------
    Row("postmaster of an own domain", "domain p1.test", "postmaster@p1.test", "alias", alias=[POSTMASTER],
        departs=NEEDED, postfix=(550, {("postmaster@p1.test", "unknown")})),
    Row("postmaster with a mailbox", "mailbox postmaster@p2.test", "Postmaster@p2.test", "mailbox",
        mailbox=("postmaster@p2.test", "p2.test/postmaster/", "")),
    Row("postmaster with an alias", "mailbox ann@p3.test; alias postmaster@p3.test ann@p3.test", "postmaster@p3.test", "alias",
        alias=["ann@p3.test"]),
    Row("postmaster before the catch-all", "domain p4.test; alias @p4.test x@far.test", "postmaster@p4.test", "alias",
        alias=[POSTMASTER], departs=NEEDED, postfix=(250, {("x@far.test", "smtp:far.test")})),
    Row("postmaster of an alias domain", "domain p5.test; alias-domain by.p5.test p5.test", "postmaster@by.p5.test", "alias",
        alias=[POSTMASTER], departs=NEEDED, postfix=(550, {("postmaster@by.p5.test", "unknown")})),
    Row("postmaster of a foreign domain", "", "postmaster@far.test", "foreign"),
    # --- relay domains --------------------------------------------------------------------------
    Row("relay domain", "relay r1.test", "x@r1.test", "relay"),
    Row("relay domain with a transport", "relay r2.test smtp:[192.0.2.9]:25", "x@R2.test", "relay", transport="smtp:[192.0.2.9]:25"),
    Row("subdomain of a relay domain", "relay r3.test", "x@sub.r3.test", "relay"),
    Row("inactive relay domain", "inactive-relay r4.test smtp:[192.0.2.9]:25", "x@r4.test", "foreign"),
    Row("alias in a relay domain", "relay r5.test; mailbox ann@r6.test; alias info@r5.test ann@r6.test", "info@r5.test", "alias",
        alias=["ann@r6.test"]),
    Row("alias in a relay domain that names itself among others", "relay r8.test; alias ann@r8.test ann@r8.test,x@far.test", "ann@r8.test",
        "alias", alias=["ann@r8.test", "x@far.test"]),
    Row("catch-all of a relay domain that leads to one of its addresses", "relay r9.test; alias @r9.test ann@r9.test", "ann@r9.test", "relay"),
    Row("own domain whose mail goes to another host", "mailbox ann@r7.test; transport r7.test smtp:[192.0.2.7]:25", "ann@r7.test", "relay",
        mailbox=("ann@r7.test", "r7.test/ann/", ""), transport="smtp:[192.0.2.7]:25"),
    # --- transports -----------------------------------------------------------------------------
    Row("transport of an address", "relay t1.test smtp:[192.0.2.1]; transport x@t1.test smtp:[192.0.2.2]", "x@t1.test", "relay",
        transport="smtp:[192.0.2.2]"),
    Row("transport of an address without its extension", "relay t2.test smtp:[192.0.2.1]; transport x@t2.test smtp:[192.0.2.2]",
        "x+lists@t2.test", "relay", transport="smtp:[192.0.2.2]"),
    Row("transport of an address with its extension", "relay t3.test; transport x@t3.test smtp:[192.0.2.2];"
        " transport x+lists@t3.test smtp:[192.0.2.3]", "x+lists@t3.test", "relay", transport="smtp:[192.0.2.3]"),
    Row("transport of a domain", "relay t4.test; transport t4.test smtp:[192.0.2.4]", "y@t4.test", "relay",
        transport="smtp:[192.0.2.4]"),
    Row("transport of a parent domain", "relay sub.t5.test; transport .t5.test smtp:[192.0.2.5]", "x@sub.t5.test", "relay",
        transport="smtp:[192.0.2.5]"),
    Row("transport of the nearest parent", "relay a.b.t6.test; transport .t6.test smtp:[192.0.2.6]; transport .b.t6.test"
        " smtp:[192.0.2.7]", "x@a.b.t6.test", "relay", transport="smtp:[192.0.2.7]"),
    Row("transport of a parent without the dot is not for subdomains", "relay sub.t7.test; transport t7.test smtp:[192.0.2.7]",
        "x@sub.t7.test", "relay"),
    Row("transport of subdomains is not for the parent", "relay t8.test; transport .t8.test smtp:[192.0.2.8]", "x@t8.test", "relay"),
    Row("transport of a domain before its parent", "relay sub.t9.test; transport sub.t9.test smtp:[192.0.2.1];"
        " transport .t9.test smtp:[192.0.2.9]", "x@sub.t9.test", "relay", transport="smtp:[192.0.2.1]"),
    Row("transport of an own mailbox", "mailbox ann@t10.test; transport ann@t10.test lmtp:unix:/run/other", "ann@t10.test",
        "relay", mailbox=("ann@t10.test", "t10.test/ann/", ""), transport="lmtp:unix:/run/other"),
    Row("transport that is an error", "mailbox ann@t11.test; transport ann@t11.test error:moved away", "ann@t11.test",
        "unknown", mailbox=("ann@t11.test", "t11.test/ann/", ""), transport="error:moved away"),
    Row("transport that is an error, in a relay domain", "relay t13.test; transport ann@t13.test error:moved away", "ann@t13.test",
        "unknown", transport="error:moved away"),
    Row("transport of own users by a parent domain", "mailbox ann@sub.t14.test; transport .t14.test smtp:[192.0.2.14]", "ann@sub.t14.test",
        "relay", mailbox=("ann@sub.t14.test", "sub.t14.test/ann/", ""), transport="smtp:[192.0.2.14]"),
    Row("transport without a next hop", "relay t15.test; transport t15.test smtp:", "x@t15.test", "relay", transport="smtp:"),
    Row("transport that says nothing", "relay t16.test; transport t16.test :", "x@t16.test", "relay"),
    Row("transport that says nothing ends the search", "relay sub.t17.test; transport sub.t17.test :; transport .t17.test smtp:[192.0.2.17]",
        "x@sub.t17.test", "relay"),
    Row("transport of an alias's target", "domain t12.test; alias info@t12.test x@far12.test; transport far12.test"
        " smtp:[192.0.2.12]", "info@t12.test", "alias", alias=["x@far12.test"]),
    Row("transport *", "transport * smtp:[192.0.2.99]; relay star.test", "x@star.test", "relay",
        transport="smtp:[192.0.2.99]", world="star"),
    Row("transport of a domain before *", "relay star2.test smtp:[192.0.2.2]", "x@star2.test", "relay",
        transport="smtp:[192.0.2.2]", world="star"),
    Row("transport * is for mailboxes too", "mailbox ann@star3.test", "ann@star3.test", "mailbox",
        mailbox=("ann@star3.test", "star3.test/ann/", ""), transport="smtp:[192.0.2.99]", world="star"),
    # --- domains ----------------------------------------------------------------------------------
    Row("foreign domain", "", "x@foreign.test", "foreign"),
    Row("inactive domain", "inactive-domain o1.test; mailbox-of-it ann@o1.test", "ann@o1.test", "foreign",
        mailbox=("ann@o1.test", "o1.test/ann/", "")),
    Row("subdomain of an own domain", "domain o2.test", "x@sub.o2.test", "foreign"),
    # --- odd addresses --------------------------------------------------------------------------------
    Row("quoted local part with a space", 'mailbox "a b"@q1.test', '"a b"@q1.test', "mailbox",
        mailbox=('"a b"@q1.test', 'q1.test/"a b"/', "")),
    Row("quoted local part with an @", "domain q2.test", '"a@b"@q2.test', "unknown"),
    Row("quoted local part with an @ and a mailbox behind it", "mailbox b@q3.test", '"a@b"@q3.test', "unknown"),
    Row("quoted delimiter", 'mailbox ann@q4.test', '"ann +x"@q4.test', "unknown"),
    Row("two @", "mailbox ann@q5.test", "ann@far.test@q5.test", "unknown", departs="refused by smtpd, which"
        " takes no such address; Postfix puts the local part into quotes", postfix=(550, None)),
    Row("SQL in the local part", "mailbox ann@q6.test", "ann'or'1'='1@q6.test", "unknown"),
    Row("percent sign", "mailbox ann@q7.test", "a%n@q7.test", "unknown"),
    # --- nothing there ----------------------------------------------------------------------------------
    Row("empty tables", "", "ann@empty.test", "foreign", world="empty"),
    Row("empty tables: postmaster", "", "postmaster@empty.test", "foreign", world="empty"),
]


# --- the tables ------------------------------------------------------------------------------------------

def quote(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def insert(table, columns, *values):
    return f"INSERT IGNORE INTO {table} ({columns}) VALUES ({', '.join(map(quote, values))});\n"


def own_domain(name, active="1"):
    return insert("domain", "domain, active", name, active)


def mailbox(address, active="1"):
    local, domain = address.rsplit("@", 1)
    return insert("mailbox", "username, password, maildir, domain, active", address, "!", f"{domain}/{local}/", domain, active)


def alias(address, targets, active="1"):
    return insert("alias", "address, goto, domain, active", address, targets, address.rsplit("@", 1)[1], active)


def alias_domain(name, target, active="1"):
    return own_domain(name) + insert("alias_domain", "alias_domain, target_domain, active", name, target, active)


def relay(name, transport="", active="1"):
    return insert("domain", "domain, backupmx, transport, active", name, "1", transport, active)


def with_domain(statement, address):
    return own_domain(address.rsplit("@", 1)[1]) + statement


# The first word of a line of Row.tables; the rest are its arguments, the last of which may hold spaces.
WORDS = {
    "domain": lambda rest: own_domain(rest),
    "inactive-domain": lambda rest: own_domain(rest, "0"),
    "mailbox": lambda rest: with_domain(mailbox(rest), rest),
    "mailbox-of-it": lambda rest: mailbox(rest),
    "inactive-mailbox": lambda rest: with_domain(mailbox(rest, "0"), rest),
    "alias": lambda rest: alias(*rest.split(" ", 1)),
    "inactive-alias": lambda rest: alias(*rest.split(" ", 1), "0"),
    "rows": lambda rest: "".join(insert("virtual_aliases", "source, destination", rest.split()[0], target)
                                 for target in rest.split()[1:]),
    "alias-domain": lambda rest: alias_domain(*rest.split()),
    "inactive-alias-domain": lambda rest: alias_domain(*rest.split(), "0"),
    "relay": lambda rest: relay(*rest.split()),
    "inactive-relay": lambda rest: relay(*(rest.split() + [""])[:2], "0"),
    "transport": lambda rest: insert("transport", "domain, transport", *rest.split(" ", 1)),
}


def tables_of(rows):
    lines = [line.strip() for row in rows for line in row.tables.split(";") if line.strip()]
    return "".join(WORDS[line.split(" ", 1)[0]](line.split(" ", 1)[1]) for line in lines)


# --- both sides, once for all rows of a world ----------------------------------------------------------------

class World:
    """One database, authd and Postfix on it, and all that they said."""

    def __init__(self, db, name):
        self.rows = [row for row in ROWS if row.world == name]
        db.sql(f"CREATE DATABASE {name}")
        db.sql((PRESET / "schema.sql").read_text() + MORE_TABLES + tables_of(self.rows), name)
        self.authd = Authd(postmaster=POSTMASTER)
        self.authd.preset(db, database=name)
        self.files = {setting: [self.authd.settings / f"{file}.cf" for file in files] for setting, files in QUERIES.items()}
        for setting, (file, query) in MORE_QUERIES.items():
            self.add(setting, file, query)
        self.ask_postfix()
        self.authd.start()

    def add(self, setting, name, query):
        path = self.authd.settings / f"{name}.cf"
        text = self.files[setting][0].read_text()
        path.write_text(text[:text.index("query =")] + f"query = {query}\n")
        self.files[setting].append(path)
        self.authd.set(setting, "\n".join(str(file) for file in self.files[setting]))

    def ask_postfix(self):
        addresses = [row.address for row in self.rows]
        with Postfix(self.files) as postfix:
            self.codes, self.ends = postfix.codes(addresses), postfix.ends(addresses)
            keys = sorted({key.lstrip(dot) for address in addresses for key in keys_of(address) for dot in ("", ".")})
            self.single = {setting: [postfix.query(file, keys) for file in files] for setting, files in postfix.files.items()}

    def first(self, setting, keys):
        """What the files of one setting have for the first of these keys that one of them has, as Postfix asks them."""
        for key in keys:
            for answers in self.single[setting]:
                if key in answers:
                    return answers[key]
        return None


def keys_of(address):
    """All keys that an address is looked up by."""
    address = address.lower()
    local, domain = address.rsplit("@", 1)
    labels = domain.split(".")
    parents = ["." + ".".join(labels[first:]) for first in range(1, len(labels))]
    return [address, *([f"{base(local)}@{domain}"] if base(local) != local else []), "@" + domain, domain, *parents, "*"]


def base(local):
    return local if local.startswith('"') or local.find("+") <= 0 else local[:local.index("+")]


@pytest.fixture(scope="module")
def worlds():
    if missing():
        pytest.skip(f"Debian's Postfix is not here: {missing()}")
    with MariaDB() as db:
        made = {}
        try:
            for row in ROWS:
                if row.world not in made:
                    made[row.world] = World(db, row.world)
            yield made
        finally:
            for world in made.values():
                world.authd.__exit__()


# --- what authd says ------------------------------------------------------------------------------------------

def answer(authd, *question):
    status, *fields = authd.lookup(*question)
    assert status != "later", (question, fields)
    return fields if status == "ok" else None


def end_of(authd, address):
    """Where the mail of an address that is no alias goes, in the words of harness.postfix_tables."""
    [transport], [kind, *_] = answer(authd, "transport", address) or [None], answer(authd, "rcpt", address)
    if transport is not None:
        return transport + address.rsplit("@", 1)[1] if transport.endswith(":") else transport
    if kind == "alias" and authd.lookup("mailbox", address) == ("no", "relay"):
        kind = "relay"  # it names itself too
    if kind in ("mailbox", "unknown"):
        return kind
    domain = address.rsplit("@", 1)[1]
    return f"relay:{domain}" if kind == "relay" else f"smtp:{domain}"


def ends_of(authd, address, through=()):
    """The final addresses, as queued finds them: a name that came back to itself is its mailbox."""
    address = address.lower()
    aliases = answer(authd, "rcpt", address)[0] == "alias" and address not in through
    if not aliases:
        home = answer(authd, "mailbox", address)
        return {(address, "mailbox" if address in through and home else end_of(authd, address))}
    return {end for target in answer(authd, "alias", address) for end in ends_of(authd, target, (*through, address))}


def named(rows):
    return [pytest.param(row, id=row.name.replace(" ", "-")) for row in rows]


@pytest.mark.parametrize("row", named(ROWS))
def test_authd_says(worlds, row):
    authd = worlds[row.world].authd
    assert answer(authd, "rcpt", row.address)[0] == row.rcpt
    if row.rcpt == "alias":
        assert answer(authd, "alias", row.address) == row.alias
    home = answer(authd, "mailbox", row.address)
    assert (home and (home[0], home[1], home[4])) == (row.mailbox and tuple(row.mailbox))
    assert answer(authd, "transport", row.address) == (None if row.transport is None else [row.transport])


CODES = {"mailbox": 250, "alias": 250, "relay": 250, "unknown": 550, "foreign": 554}


@pytest.mark.parametrize("row", named([row for row in ROWS if not row.departs]))
def test_postfix_says_the_same(worlds, row):
    world = worlds[row.world]
    assert world.codes[row.address] == CODES[row.rcpt]
    assert world.ends[row.address] == ends_of(world.authd, row.address)


@pytest.mark.parametrize("row", named([row for row in ROWS if row.departs]))
def test_postfix_says_otherwise(worlds, row):
    """So that a departure that is none any more is taken out of the table."""
    world = worlds[row.world]
    code, ends = row.postfix
    assert world.codes[row.address] == code
    assert ends is None or world.ends[row.address] == ends


@pytest.mark.parametrize("row", named([row for row in ROWS if not row.departs]))
def test_postmap_says_the_same_of_each_table(worlds, row):
    """Each of authd's answers is the first that the files of its setting have, asked one by one with postmap -q."""
    world = worlds[row.world]
    full, *_ = keys = keys_of(row.address)
    addresses, domain = [key for key in keys if "@" in key[1:]], full.rsplit("@", 1)[1]
    own = world.first("sql_domains", [domain]) is not None
    # Postfix takes subdomains of relay domains too (parent_domain_matches_subdomains).
    passed_on = world.first("sql_relay_domains", [domain, *(key[1:] for key in keys if key.startswith("."))]) is not None
    kind = answer(world.authd, "rcpt", row.address)[0]
    refused = kind == "unknown" and (answer(world.authd, "transport", row.address) or [""])[0].startswith("error:")
    assert own or refused or kind == "alias" or kind == ("relay" if passed_on else "foreign")
    home = answer(world.authd, "mailbox", row.address)
    assert (home and home[1]) == world.first("sql_mailboxes", addresses)
    transport_keys = [key for key in keys if not key.startswith("@")]
    value = world.first("sql_transports", transport_keys)
    assert answer(world.authd, "transport", row.address) == ([value] if value not in (None, ":") else None)
    targets = targets_of(world.first("sql_aliases", [*addresses, "@" + domain]) or "", full)
    is_alias = set(targets) - {without_extension(full)} and (own or passed_on)
    assert (kind == "alias") == bool(is_alias)
    if is_alias:
        assert [without_extension(target) for target in answer(world.authd, "alias", row.address)] == targets


def targets_of(value, address):
    """What a table holds for an alias, without the extensions that may be put on; "@domain" keeps the address's name."""
    targets = [target.strip() for target in value.split(",") if target.strip()]
    return [without_extension(target if not target.startswith("@") else address.rsplit("@", 1)[0] + target) for target in targets]


def without_extension(address):
    local, domain = address.rsplit("@", 1)
    return f"{base(local)}@{domain}"
