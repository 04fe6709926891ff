"""SEARCH BODY and TEXT with the sketches that searches leave in a folder (postern-sketches): they find what they find without them, and
read fewer messages. Issue 7, item 8."""
import base64
import contextlib
import itertools
import os
import quopri
import random
import threading

import pytest

from harness.small_disk import SmallDisk

numbers = itertools.count(1)
chance = random.Random(8)

TEXTS = {"us-ascii": "the quick brown fox jumps over a lazy dog while seven wizards mix jugs of liquor and quartz sphinxes judge vows",
         "iso-8859-1": "größe straße café naïve smörgåsbord élève façade übergrößen señor",
         "koi8-r": "съешь ещё этих мягких французских булок да выпей чаю привет мир",
         "gb18030": "你好 世界 邮件 服务器 搜索 索引 天地 玄黄 宇宙 洪荒 日月 盈昃 辰宿 列张",
         "iso-2022-jp": "日本語 テスト 色は 匂へど 散りぬるを 我が世 誰ぞ 常ならむ",
         "euc-kr": "한국어 시험 다람쥐 헌 쳇바퀴에 타고파 키스의 고유조건은",
         "utf-8": "Ελληνικά кириллица ﬁne İstanbul ẞtraße 漢字 ａｂｃ full width"}
ENCODINGS = ("8bit", "base64", "quoted-printable")


def words(charset, count):
    known = TEXTS[charset].split()
    return " ".join(word.upper() if chance.random() < 0.1 else word for word in chance.choices(known, k=count))


def encode(raw, encoding):
    if encoding == "base64":
        return base64.encodebytes(raw)
    return quopri.encodestring(raw) if encoding == "quoted-printable" else raw


def part(kind, charset, text, encoding):
    return f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n".encode() \
        + encode(text.encode(charset), encoding)


def letter(number):
    """One of many kinds: header fields in encoded words, a text, another one beside it, a file, a message within."""
    charset, encoding = [*TEXTS][number % len(TEXTS)], ENCODINGS[number % 3]
    text = "\n".join(words(charset, 7) for _ in range(chance.choice((1, 5, 40)))) + f"\nunique{number}x end\n"
    if number == 11:
        text += "far " * 12000 + "behind everything\n"  # beyond what is read and folded at a time
    subject = base64.b64encode(words(charset, 3).encode(charset)).decode()
    head = f"From: sender{number}@example.test\nTo: anna@example.test\nSubject: =?{charset}?b?{subject}?=\n" \
        f"X-Long: folded line\n continues here{number}\nMIME-Version: 1.0\n".encode()
    body = part("text/plain", charset, text, encoding)
    if number % 4 == 1:
        other = part("text/html", "utf-8", f"<p>{words('utf-8', 9)} markup{number}</p>\n", ENCODINGS[number % 2])
        file = b"Content-Type: application/octet-stream\nX-Part: headofpart%d\nContent-Transfer-Encoding: base64\n\n" % number \
            + base64.encodebytes(chance.randbytes(600))
        inner = b"Content-Type: message/rfc822\n\nSubject: within%d\n\ninner text\n" % number
        body = b'Content-Type: multipart/mixed; boundary="edge"\n\n' \
            + b"".join(b"--edge\n" + p + b"\n" for p in (body, other, file, inner)) + b"--edge--\n"
    return head + body


class Mailbox:
    """A folder with mail in it, put there as another program would."""

    def __init__(self, suite, count, make=letter):
        self.suite, self.user, self.name = suite, suite.user(), "Box"
        with self.session(None) as imap:
            assert imap.command("CREATE Box")[0] == "OK"
        self.path = self.user.maildir / ".Box"
        self.file = self.path / "postern-sketches"
        self.owner = self.path.stat()
        self.paths = [self.put(make(number)) for number in range(count)]

    def put(self, text):
        return self.place(self.path / "cur" / f"{1700000000 + next(numbers)}.M1P1.host:2,S", text)

    def place(self, path, text):
        """All at once: under that name there may be another one."""
        temporary = self.path / "tmp" / "new"
        temporary.write_bytes(text)
        os.chown(temporary, self.owner.st_uid, self.owner.st_gid)
        temporary.rename(path)
        return path

    @contextlib.contextmanager
    def session(self, folder="Box"):
        with self.suite.imap("imaps") as imap:
            assert imap.login(self.user.address, self.user.password)[0] == "OK"
            if folder:
                assert imap.command(f"SELECT {folder}")[0] == "OK", imap.text
            yield imap

    def search(self, keys):
        with self.session() as imap:
            return search(imap, keys)

    @contextlib.contextmanager
    def without(self):
        """What cannot be a file of sketches is in its place."""
        self.file.unlink(missing_ok=True)
        self.file.mkdir()
        try:
            yield
        finally:
            self.file.rmdir()


def search(imap, keys):
    """Keys in which texts may be any: as literals."""
    every = [keys] if isinstance(keys, str) else keys
    pieces = [key.encode() if isinstance(key, str) else b"{%d+}\r\n%s" % (len(key), key) for key in every]
    status, lines = imap.command(b"SEARCH CHARSET UTF-8 " + b" ".join(pieces))
    assert status == "OK", imap.text
    return next([int(n) for n in line.split()[2:]] for line in lines if line.startswith(b"* SEARCH"))


def needles():
    """Pieces of the texts, of all lengths; such as are nowhere; across line ends, and where the message's form ends and its text begins."""
    found = [b"unique7x", b"UNIQUE11X end", b"behind everything", b"far behind", b"far far far far far", b"zanzibar", b"qzx", b"q",
             b"", b"within5", b"headofpart5", b"inner text", b"markup9", b"subject: within9", b"x-part: headofpart13", b"sender3@",
             b"continues here4", b"line continues", b"Content-Type", b"text/plain", b"--edge", b"end\n", b"end\r\n",
             b"x end\n--edge", b"fox\n", b"unique7x end\n\n",
             "STRASSE".encode(), "straße".encode(), "ABC FULL".encode(), "fine".encode(), "é".encode(), "ß".encode(), b"\xff\xfe\xfd"]
    for charset, text in TEXTS.items():
        for _ in range(6):
            line = words(charset, 7) if chance.random() < 0.5 else text
            start = chance.randrange(len(line))
            found.append(line[start:start + chance.randint(1, 12)].encode())
    return [needle for needle in found if b"\0" not in needle]


def programs():
    every = needles()
    for needle in every:
        yield ["BODY", needle]
        yield ["TEXT", needle]
    for _ in range(25):
        a, b, c = chance.sample(every, 3)
        yield chance.choice((["BODY", a, "TEXT", b], ["OR BODY", a, "TEXT", b], ["NOT TEXT", a],
                             ["NOT (OR BODY", a, "(BODY", b, "SEEN)) TEXT", c], ["OR (BODY", a, "NOT BODY", b, "SEEN) TEXT", c],
                             ["5:30 NOT BODY", a, "OR TEXT", b, "BODY", c]))


@pytest.fixture(scope="module")
def box(suite):
    return Mailbox(suite, 48)


@pytest.fixture(scope="module")
def small(suite):
    """Messages whose words are their own."""
    return Mailbox(suite, 30, plain)


def plain(number):
    return b"Subject: plain\n\nword%d of many\n" % number


def is_sieved(box, imap):
    """
    Whether the last message's sketch decides: its text becomes another one in its place, as no program changes it, and its sketch
    stays. The message is what it was behind this.
    """
    path = next(path for path in (box.path / "cur").iterdir() if path.name.startswith(box.paths[-1].name.split(":")[0]))
    was = path.read_bytes()
    with open(path, "r+b") as file:
        file.write(was.replace(b"of many", b"oxymoro"))
    found = search(imap, "BODY oxymoro")
    with open(path, "r+b") as file:
        file.write(was)
    return found == []


# --- answers --------------------------------------------------------------------------------------------------------------------------

def test_what_is_found_is_what_is_found_without(box):
    """The same programs where there can be no sketches, while they are made, and when they are there."""
    asked = [*programs()]
    with box.without(), box.session() as imap:
        right = [search(imap, keys) for keys in asked]
    assert not box.file.exists()
    for when in ("being made", "there"):
        with box.session() as imap:
            for keys, answer in zip(asked, right, strict=True):
                if when == "being made":
                    box.file.unlink(missing_ok=True)
                assert search(imap, keys) == answer, (when, keys)
    assert right[0] == [8] and right[2] == [12], "UTF-8 and chunks are searched at all"


def test_each_message_has_what_it_was_made_of(box):
    with box.session() as imap:
        for number in range(48):
            assert search(imap, f"BODY unique{number}x") == [number + 1]
            assert search(imap, f"TEXT sender{number}@") == [number + 1]
            assert search(imap, f"BODY sender{number}@") == []


# --- when they are made and used --------------------------------------------------------------------------------------------------------

def test_only_a_search_in_texts_makes_them_and_the_next_one_uses_them(small):
    small.file.unlink(missing_ok=True)
    with small.session() as imap:
        for keys in ("ALL", "SUBJECT plain", "HEADER X-None x", "FROM nobody"):
            search(imap, keys)
        assert not small.file.exists()
        assert search(imap, "BODY word7") == [8]
        assert small.file.stat().st_mode & 0o777 == 0o600
        assert is_sieved(small, imap)


def test_flags_do_not_matter(small):
    with small.session() as imap:
        search(imap, "BODY nowhere")
        assert imap.command("STORE 1:* +FLAGS (\\Flagged Key)")[0] == "OK"
        assert is_sieved(small, imap)
    with small.session() as imap:
        assert is_sieved(small, imap)
        assert imap.command("STORE 1:* -FLAGS (\\Flagged Key)")[0] == "OK"


def test_a_file_that_was_replaced_is_read(small):
    """Under the name of the old one, by a restored backup."""
    small.search("BODY nowhere")
    path = small.place(small.paths[3], b"Subject: other\n\nanother text\n")
    assert small.search("BODY another") == [4]
    assert small.search("BODY word3") == []
    small.place(path, plain(3))
    assert small.search("BODY word3") == [4]


def test_expunged_and_put_back(suite):
    box = Mailbox(suite, 20, plain)
    box.search("BODY nowhere")
    with box.session() as imap:
        assert imap.command("STORE 5:15 +FLAGS.SILENT (\\Deleted)")[0] == "OK" and imap.command("EXPUNGE")[0] == "OK"
        assert search(imap, "BODY word7") == [] and search(imap, "BODY word19") == [9]
    for number in range(4, 15):
        box.put(plain(100 + number))
    for _ in range(2):
        assert box.search("BODY word7") == [] and box.search("BODY word107") == [13] and box.search("BODY word19") == [9]


def test_those_of_messages_that_are_gone_are_removed(suite):
    """When they are more than the others; those stay."""
    box = Mailbox(suite, 60, lambda number: plain(number) + base64.encodebytes(random.Random(number).randbytes(9000)))
    box.search("BODY nowhere-at-all")
    before = box.file.stat().st_size
    assert before > 150000
    with box.session() as imap:
        assert imap.command("STORE 1:40 +FLAGS.SILENT (\\Deleted)")[0] == "OK" and imap.command("EXPUNGE")[0] == "OK"
        assert search(imap, "BODY word50") == [11]
    assert box.file.stat().st_size < before / 2
    with box.session() as imap:
        assert search(imap, "BODY word50") == [11] and is_sieved(box, imap)


def test_another_uidvalidity(suite):
    """The same UIDs are other messages: what the folder's UID list says makes the file."""
    box = Mailbox(suite, 20, plain)
    box.search("BODY nowhere")
    before = box.file.read_bytes()
    for name in ("dovecot-uidlist", "postern-index"):
        (box.path / name).unlink()
    box.paths[0].unlink()
    with box.session() as imap:
        assert search(imap, "BODY word7") == [7] and search(imap, "BODY word0") == []
        assert box.file.read_bytes()[:40] != before[:40]
        assert is_sieved(box, imap)


# --- trouble ------------------------------------------------------------------------------------------------------------------------------

DAMAGE = {"empty": lambda whole: b"", "cut in the head": lambda whole: whole[:20], "cut": lambda whole: whole[:len(whole) // 2 + 3],
          "of zeroes": lambda whole: bytes(len(whole)), "noise": lambda whole: random.Random(1).randbytes(len(whole)),
          "zeroes within": lambda whole: whole[:300] + bytes(200) + whole[500:], "noise behind": lambda whole: whole + b"noise" * 9999,
          "of another version": lambda whole: b"POSTSKE0" + whole[8:], "a head alone": lambda whole: whole[:40],
          "ones for bits": lambda whole: whole[:72] + b"\xff" * 64 + whole[136:],
          "no bits": lambda whole: whole[:72] + bytes(len(whole) - 72)}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_is_not_sound(small, damage):
    small.search("BODY nowhere")
    inode, changed = small.file.stat().st_ino, DAMAGE[damage](small.file.read_bytes())
    small.file.write_bytes(changed)
    with small.session() as imap:
        for number in (0, 7, 29):
            assert search(imap, f"BODY word{number}") == [n + 1 for n in range(30) if f"word{n}".startswith(f"word{number}")], damage
        search(imap, "BODY nowhere")
        assert is_sieved(small, imap)
    assert small.file.stat().st_ino == inode


def test_it_is_cut_short_while_searches_go_on(small):
    stop = threading.Event()

    def spoil():
        cut = random.Random(3)
        while not stop.is_set():
            with contextlib.suppress(OSError):
                os.truncate(small.file, cut.randrange(small.file.stat().st_size + 1))

    small.search("BODY nowhere")
    spoiler = threading.Thread(target=spoil)
    spoiler.start()
    try:
        with small.session() as imap:
            for _ in range(60):
                assert search(imap, "BODY word17") == [18]
    finally:
        stop.set()
        spoiler.join()


def test_two_sessions_at_once(box):
    answers = {}

    def ask(name):
        with box.session() as imap:
            answers[name] = [search(imap, f"BODY unique{n}x") for n in range(48)]

    for _ in range(2):
        box.file.unlink(missing_ok=True)
        both = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert answers["a"] == answers["b"] == [[n + 1] for n in range(48)]
    before = box.file.stat().st_size
    box.search("BODY nowhere")
    assert box.file.stat().st_size < 1.1 * before, "each message has one"


@pytest.mark.parametrize("how", ["the file", "the folder"])
def test_without_the_right_to_write(small, how):
    small.search("BODY nowhere")
    if how == "the folder":
        small.file.unlink()
    place = small.file if how == "the file" else small.path
    mode = place.stat().st_mode & 0o7777
    place.chmod(mode & 0o555)
    try:
        for _ in range(2):
            assert small.search("BODY word17") == [18]
    finally:
        place.chmod(mode)


def test_on_a_full_disk(suite):
    user = suite.user()
    with suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
    with SmallDisk(user.maildir, 600) as disk, suite.imap("imaps") as imap:
        assert imap.login(user.address, user.password)[0] == "OK"
        for number in range(20):
            text = plain(number).replace(b"\n", b"\r\n")
            assert imap.command([f"APPEND INBOX {{{len(text)}}}", text + b"\r\n"])[0] == "OK", imap.text
        assert imap.command("SELECT INBOX")[0] == "OK"
        disk.fill()
        for _ in range(2):
            assert search(imap, "BODY word17") == [18]
        disk.free()
        assert search(imap, "BODY word17") == [18]
        assert (user.maildir / "postern-sketches").stat().st_size > 1000


def test_the_setting(suite):
    suite.set("imap_search_sketches", "no")
    suite.restart("imap")
    try:
        box = Mailbox(suite, 20, plain)
        for _ in range(2):
            assert box.search("BODY word17") == [18]
        assert not box.file.exists()
    finally:
        suite.set("imap_search_sketches", None)
        suite.restart("imap")
