"""Maildirs that are there before a server looks at them."""
import base64
import os
import pwd
import random
import shutil
import time

WORDS = 2000
SYLLABLES = ["ba", "ko", "ri", "ten", "mu", "la", "sche", "vo", "dar", "in", "po", "ne", "qua", "ster", "ll"]
OTHERS = [*SYLLABLES, "é", "ü", "ß"]  # in one word of ten, as in real mailboxes


def own(directory):
    vmail = pwd.getpwnam("vmail")
    for path in (directory.parent, directory, *(directory / part for part in ("new", "cur", "tmp"))):
        os.chown(path, vmail.pw_uid, vmail.pw_gid)


def begin(directory):
    for part in ("", "new", "cur", "tmp"):
        (directory / part).mkdir(parents=True, exist_ok=True)


def put(directory, number, message, flags="S"):
    """As a delivery leaves it, but read already: the name has the sizes. Lines end in LF, so that the size on the wire is larger."""
    vmail = pwd.getpwnam("vmail")
    wire = len(message) + message.count(b"\n")
    path = f"{directory}/cur/{1700000000 + number // 1000000}.M{number % 1000000:06}P1.load,S={len(message)},W={wire}:2,{flags}"
    with open(path, "wb", buffering=0) as file:
        file.write(message)
    os.chown(path, vmail.pw_uid, vmail.pw_gid)
    os.utime(path, (1700000000 + 60 * number,) * 2)


def make_mailbox(directory, count, size):
    """Messages that are all alike."""
    text = b"From: load@sender.test\nTo: someone\nMessage-ID: <%07d@load.test>\nSubject: load\n\n"
    line = b"All work and no play makes a mail server a dull daemon, says load.\n"
    lines = max((size - len(text)) // len(line), 1)
    body = line * lines
    begin(directory)
    for number in range(count):
        put(directory, number, text % number + body)
    own(directory)


class Letters:
    """Letters as people have them: plain, HTML beside plain, attachments; 8 KiB in the mean; in threads. The same ones each time."""

    def __init__(self):
        self.chance = random.Random(7)
        self.words = ["".join(self.chance.choices(SYLLABLES if number % 10 else OTHERS, k=self.chance.randint(1, 4)))
                      for number in range(WORDS)]
        self.blocks = [self.make_block() for _ in range(300)]
        self.files = [self.chance.randbytes(8000) for _ in range(20)]
        self.threads = []  # (id, references) of what may be answered

    def make_block(self):
        """About a KiB of lines."""
        return "\n".join(" ".join(self.chance.choices(self.words, k=9)) for _ in range(18)) + "\n"

    def text(self, blocks):
        return "".join(self.chance.choices(self.blocks, k=blocks))

    def part(self, kind, text):
        encoded = base64.encodebytes(text.encode()).decode() if self.chance.random() < 0.3 else None
        encoding = "base64" if encoded else "8bit"
        return f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{encoded or text}"

    def multipart(self, kind, number, *parts):
        edge = f"=_edge_{number}_{kind}"
        inner = "".join(f"--{edge}\n{part}\n" for part in parts)
        return f'Content-Type: multipart/{kind}; boundary="{edge}"\n\n{inner}--{edge}--\n'

    def body(self, number):
        which = self.chance.random()
        plain = self.part("text/plain", self.text(self.chance.randint(1, 5)))
        if which < 0.5:
            return plain
        html = self.part("text/html", f"<html><body><p>{self.text(self.chance.randint(2, 5))}</p></body></html>\n")
        both = self.multipart("alternative", number, plain, html)
        if which < 0.8:
            return both
        file = base64.encodebytes(self.chance.choice(self.files)).decode()
        attached = f'Content-Type: application/pdf; name="paper{number}.pdf"\nContent-Disposition: attachment\n' \
            f"Content-Transfer-Encoding: base64\n\n{file}"
        return self.multipart("mixed", number, both, attached)

    def thread(self, number):
        """The header fields of a thread, and its subject."""
        own_id = f"<{number}.{self.chance.getrandbits(48):x}@load.test>"
        if self.threads and self.chance.random() < 0.7:
            parent, references, topic = self.chance.choice(self.threads[-200:])
            references = (references + [parent])[-8:]
            fields, subject = f"In-Reply-To: {parent}\nReferences: {' '.join(references)}\n", "Re: " + topic
        else:
            topic = " ".join(self.chance.choices(self.words, k=4))
            if not topic.isascii():
                topic = f"=?utf-8?b?{base64.b64encode(topic.encode()).decode()}?="
            references, fields, subject = [], "", topic
        self.threads.append((own_id, references, topic))
        return f"Message-ID: {own_id}\n{fields}Subject: {subject}\n"

    def letter(self, number):
        when = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(1700000000 + 60 * number + self.chance.randint(-90000, 90000)))
        people = [f"person{self.chance.randint(0, 500)}@place{self.chance.randint(0, 40)}.test" for _ in range(4)]
        rare = "the zanzibar needle\n" if number % 1000 == 77 else ""
        received = "".join(f"Received: from mx{i}.place.test by mx{i + 1}.place.test with ESMTPS id {number:x}{i};\n\t{when}\n"
                           for i in range(2))
        head = f"Return-Path: <{people[0]}>\n{received}Date: {when}\nFrom: Some Person <{people[0]}>\nTo: {people[1]}, {people[2]}\n" \
            f"Cc: {people[3]}\n{self.thread(number)}MIME-Version: 1.0\nX-Mailer: load\n"
        body = self.body(number)
        return (head + (body.replace("\n\n", "\n\n" + rare, 1) if "base64" not in body[:200] else body)).encode()


def make_letters(directory, count):
    letters = Letters()
    begin(directory)
    for number in range(count):
        put(directory, number, letters.letter(number), "S" if number % 10 else "")
    own(directory)


def forget_index(directory):
    """All that a server has made of the mailbox, but for the mail; other folders too."""
    for entry in directory.iterdir():
        if entry.name in ("new", "cur", "tmp"):
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
