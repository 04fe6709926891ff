"""What a server may write: the responses of RFC 9051 section 9 (and RFC 3501's that it has dropped), as a strict reader."""
import re

ATOM = rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+'
FLAG = rb"\\?" + ATOM
DATE_TIME = rb'"[ \d]\d-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{4} \d\d:\d\d:\d\d [+-]\d{4}"'
SET = rb"(?:[1-9]\d*)(?::[1-9]\d*)?(?:,[1-9]\d*(?::[1-9]\d*)?)*"
SECTION = rb"\[(?:[1-9]\d*(?:\.[1-9]\d*)*)?\.?(?:HEADER|TEXT|MIME|HEADER\.FIELDS(?:\.NOT)? \(\S+(?: \S+)*\))?\]"
CODES = {b"PERMANENTFLAGS": rb" \((?:(?:%s|\\\*)(?: (?:%s|\\\*))*)?\)" % (FLAG, FLAG), b"UIDNEXT": rb" [1-9]\d*", b"UIDVALIDITY": rb" [1-9]\d*",
         b"UNSEEN": rb" [1-9]\d*", b"HIGHESTMODSEQ": rb" [1-9]\d*", b"APPENDUID": rb" [1-9]\d* " + SET, b"COPYUID": rb" [1-9]\d* " + SET + b" " + SET,
         b"MODIFIED": b" " + SET, b"CAPABILITY": rb"(?: %s)+" % ATOM, b"BADCHARSET": rb"(?: \([^()]+\))?",
         b"MAILBOXID": rb" \([A-Za-z0-9_-]{1,255}\)"}
BARE = {b"ALREADYEXISTS", b"AUTHENTICATIONFAILED", b"CANNOT", b"CLOSED", b"CONTACTADMIN", b"EXPUNGEISSUED", b"HASCHILDREN", b"INUSE", b"LIMIT",
        b"NOMODSEQ", b"NONEXISTENT", b"NOTSAVED", b"OVERQUOTA", b"PRIVACYREQUIRED", b"READ-ONLY", b"READ-WRITE", b"TOOBIG", b"TRYCREATE",
        b"UIDREQUIRED", b"UNAVAILABLE", b"UNKNOWN-CTE", b"USEATTR"}


class Reader:
    """One response, with its literals, from its first byte to its last."""

    def __init__(self, raw, utf8=False):
        self.raw, self.at, self.utf8 = raw, 0, utf8

    def fail(self, wanted):
        raise AssertionError(f"{wanted} is missing at byte {self.at}: {self.raw[:self.at]!r} >>> {self.raw[self.at:self.at + 200]!r}")

    def maybe(self, pattern):
        found = re.compile(pattern).match(self.raw, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0]

    def take(self, pattern, wanted):
        found = self.maybe(pattern)
        return found if found is not None else self.fail(wanted)

    def space(self):
        self.take(rb" ", "a space")

    def string(self):
        quoted = self.maybe(rb'"(?:[^"\\\r\n\x00]|\\["\\])*"')
        if quoted is not None:
            quoted.decode("utf-8" if self.utf8 else "ascii")
            return re.sub(rb"\\(.)", rb"\1", quoted[1:-1])
        count = int(self.take(rb"\{\d+\}\r\n", "a string")[1:-3])
        text = self.raw[self.at:self.at + count]
        if len(text) < count or b"\0" in text:
            self.fail("a literal without NUL")
        self.at += count
        return text

    def nstring(self):
        return None if self.maybe(rb"NIL") else self.string()

    def astring(self):
        return self.maybe(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+') or self.string()

    def listed(self, one, empty=False, separator=rb" "):
        self.take(rb"\(", "a list")
        if empty and self.maybe(rb"\)"):
            return
        one()
        while self.maybe(separator) is not None and (separator or not self.raw.startswith(b")", self.at)):
            one()
            if not separator and self.raw.startswith(b")", self.at):
                break
        self.take(rb"\)", "the end of a list")

    # --- ENVELOPE, BODY ---

    def address(self):
        self.take(rb"\(", "an address")
        for last in (False, False, False, True):
            self.nstring()
            self.take(rb"\)" if last else rb" ", "the next part of an address")

    def addresses(self):
        if not self.maybe(rb"NIL"):
            self.listed(self.address, separator=rb"")

    def envelope(self):
        self.take(rb"\(", "an envelope")
        for part in [self.nstring] * 2 + [self.addresses] * 6 + [self.nstring, self.nstring]:
            part()
            if part is not None and not self.raw.startswith(b")", self.at):
                self.space()
        self.take(rb"\)", "the end of an envelope")

    def parameters(self):
        if not self.maybe(rb"NIL"):
            self.listed(lambda: (self.string(), self.space(), self.string()))

    def disposition(self):
        if not self.maybe(rb"NIL"):
            self.take(rb"\(", "a disposition")
            self.string()
            self.space()
            self.parameters()
            self.take(rb"\)", "a disposition's end")

    def language(self):
        if self.raw.startswith(b"(", self.at):
            self.listed(self.string)
        else:
            self.nstring()

    def extension(self, first):
        """As much of it as comes."""
        for part in (first, self.disposition, self.language, self.nstring):
            if self.raw.startswith(b")", self.at):
                return
            self.space()
            part()

    def body(self, extended):
        self.take(rb"\(", "a body")
        if self.raw.startswith(b"(", self.at):
            while self.raw.startswith(b"(", self.at):
                self.body(extended)
            self.space()
            self.string()
            if extended:
                self.extension(self.parameters)
        else:
            self.part(extended)
        self.take(rb"\)", "a body's end")

    def part(self, extended):
        major = self.string().upper()
        self.space()
        minor = self.string().upper()
        for field in (self.parameters, self.nstring, self.nstring, self.string, lambda: self.take(rb"\d+", "octets")):
            self.space()
            field()
        if major == b"MESSAGE" and minor in (b"RFC822", b"GLOBAL"):
            self.space()
            self.envelope()
            self.space()
            self.body(extended)
        if major == b"TEXT" or (major == b"MESSAGE" and minor in (b"RFC822", b"GLOBAL")):
            self.take(rb" \d+", "lines")
        if extended:
            self.extension(self.nstring)

    # --- responses ---

    def item(self):
        name = self.take(rb"(?:BODY|BINARY|BINARY\.SIZE)\[|[A-Z0-9.]+", "an item of FETCH")
        if name.endswith(b"["):
            self.at -= 1
            self.take(SECTION, "a section")
            self.maybe(rb"<\d+>")
            self.space()
            return self.take(rb"\d+", "a size") if name == b"BINARY.SIZE[" else self.nstring()
        self.space()
        readers = {b"FLAGS": lambda: self.listed(lambda: self.take(FLAG, "a flag"), empty=True), b"ENVELOPE": self.envelope,
                   b"BODY": lambda: self.body(False), b"BODYSTRUCTURE": lambda: self.body(True), b"UID": lambda: self.take(rb"[1-9]\d*", "a UID"),
                   b"INTERNALDATE": lambda: self.take(DATE_TIME, "a date"), b"RFC822.SIZE": lambda: self.take(rb"\d+", "a size"),
                   b"SAVEDATE": lambda: self.maybe(rb"NIL") or self.take(DATE_TIME, "a date"), b"MODSEQ": lambda: self.take(rb"\([1-9]\d*\)", "a modseq"),
                   b"RFC822": self.nstring, b"RFC822.HEADER": self.nstring, b"RFC822.TEXT": self.nstring}
        return readers[name]()

    def mailbox_list(self):
        self.listed(lambda: self.take(rb"\\" + ATOM, "an attribute"), empty=True)
        self.take(rb' (?:"[^"\\]"|NIL) ', "a separator")
        self.astring()
        self.maybe(rb' \("CHILDINFO" \("[A-Z-]+"(?: "[A-Z-]+")*\)\)')

    def status(self):
        self.astring()
        self.space()
        self.listed(lambda: self.take(rb"[A-Z]+ \d+", "an item of STATUS"), empty=True)

    def state(self):
        if self.maybe(rb"\["):
            code = self.take(ATOM, "a response code")
            if code in CODES:
                self.take(CODES[code], "a code's argument")
            elif code not in BARE:
                self.fail(f"a known code ({code!r})")
            self.take(rb"\] ", "a code's end")
        self.take(rb"[^\r\n\x00]+", "text")

    def untagged(self):
        self.take(rb"\* ", "a star")
        if self.maybe(rb"\d+ (?:EXISTS|RECENT|EXPUNGE)$") is not None:
            return
        if self.maybe(rb"[1-9]\d* FETCH ") is not None:
            self.listed(self.item)
            return
        word = self.take(rb"[A-Z]+", "a response's name")
        readers = {b"OK": self.state, b"NO": self.state, b"BAD": self.state, b"BYE": self.state, b"LIST": self.mailbox_list, b"LSUB": self.mailbox_list,
                   b"STATUS": self.status, b"FLAGS": lambda: self.listed(lambda: self.take(FLAG, "a flag"), empty=True)}
        if word in readers:
            self.space()
            readers[word]()
        else:
            self.take({b"SEARCH": rb"(?: [1-9]\d*)*(?: \(MODSEQ [1-9]\d*\))?", b"CAPABILITY": rb"(?: %s)+" % ATOM, b"ENABLED": rb"(?: %s)*" % ATOM,
                       b"ESEARCH": rb'(?: \(TAG "[^"]+"\))?(?: UID)?(?: (?:MIN|MAX|COUNT|MODSEQ) \d+)*(?: ALL %s)?(?: MODSEQ \d+)?' % SET,
                       b"NAMESPACE": rb'(?: (?:NIL|\(\("[^"]*" (?:"[^"]"|NIL)\)\))){3}', b"ID": rb' (?:NIL|\("[^"]*" "[^"]*"(?: "[^"]*" "[^"]*")*\))'}[word],
                      "what belongs to " + word.decode())


def check(raw, utf8=False):
    """AssertionError: this is no untagged response."""
    reader = Reader(raw, utf8)
    reader.untagged()
    if reader.at != len(raw):
        reader.fail("the end")
    return reader


def check_text(text, utf8=False):
    """The same of a tagged answer behind its tag: "OK [CODE] text"."""
    reader = Reader(text if isinstance(text, bytes) else text.encode(), utf8)
    reader.take(rb"(?:OK|NO|BAD) ", "OK, NO or BAD")
    reader.state()
    if reader.at != len(reader.raw):
        reader.fail("the end")
