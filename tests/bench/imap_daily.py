"""What clients do all day, a command at a time: the median of its time in microseconds, from the command's bytes to its answer."""
import time

from accounts import DOMAIN, PASSWORD
from imap_client import Client
from mailboxes import make_letters

USER, FOLDERS, LETTERS = "user5", 50, 200
COUNTS = "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
LISTED = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
THUNDERBIRD = ("(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References "
               "Newsgroups In-Reply-To Content-Type Reply-To)])")
SMALL = b"From: load@sender.test\r\nSubject: small\r\n\r\n" + b"x" * 1000
PIECE, PIECES = 262144, 40
LARGE = (b"From: load@sender.test\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
         b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + (b"QUJD" * 19 + b"\r\n") * 135000 + b"--b--\r\n")


def idle_once(client):
    client.number += 1
    client.send(b"a%d IDLE\r\n" % client.number)
    client.wait_for(b"+ ")
    client.send(b"DONE\r\n")
    client.read_to(b"a%d " % client.number)


# What it is called, how often it is done, and what is done the k-th time.
COMMANDS = (
    ("NOOP", 300, lambda client, k: client.command("NOOP")),
    ("IDLE and DONE", 200, lambda client, k: idle_once(client)),
    ("STATUS", 300, lambda client, k: client.command(f"STATUS F{k % FOLDERS} {COUNTS}")),
    ("LIST", 100, lambda client, k: client.command('LIST "" "*"')),
    ("LIST with STATUS of 50", 30, lambda client, k: client.command(f'LIST "" "*" RETURN (STATUS {COUNTS})')),
    ("SELECT", 300, lambda client, k: client.command(f"SELECT F{k % FOLDERS}")),
    ("FETCH of flags", 200, lambda client, k: client.command("UID FETCH 1:* FLAGS")),
    ("FETCH as Thunderbird lists", 100, lambda client, k: client.command(f"UID FETCH 1:* {THUNDERBIRD}")),
    ("FETCH of one in a list", 200, lambda client, k: client.command(f"FETCH {k % LETTERS + 1} {LISTED}")),
    ("FETCH of a body", 200, lambda client, k: client.command(f"FETCH {k % LETTERS + 1} BODY.PEEK[]")),
    ("SEARCH UNSEEN", 200, lambda client, k: client.command("UID SEARCH UNSEEN")),
    ("SORT", 100, lambda client, k: client.command("UID SORT (REVERSE DATE) UTF-8 ALL")),
    ("STORE of one", 200, lambda client, k: client.command(f"STORE {k % LETTERS + 1} +FLAGS (\\Flagged)")),
    ("COPY of one", 100, lambda client, k: client.command(f"COPY {k % LETTERS + 1} F1")),
    ("MOVE of one", 100, lambda client, k: client.command("MOVE 1 F2")),
    ("delete one", 50, lambda client, k: (client.command("STORE 1 +FLAGS (\\Deleted)"), client.command("EXPUNGE"))),
    ("APPEND of 1 KiB", 100, lambda client, k: client.command("APPEND F3 (\\Seen)", SMALL)),
    ("APPEND of 10 MiB", 5, lambda client, k: client.command("APPEND Large", LARGE)),
    ("SELECT of large ones", 5, lambda client, k: client.command("SELECT Large")),
    ("FETCH of 10 MiB", 5, lambda client, k: client.command("FETCH 1 BODY.PEEK[]")),
    ("FETCH of it, piece by piece", 3,
     lambda client, k: [client.command(f"FETCH 1 BODY.PEEK[2]<{n * PIECE}.{PIECE}>") for n in range(PIECES)]),
)


def prepare(side, client):
    make_letters(side.root / DOMAIN / USER, LETTERS)
    client.command("CREATE Large")
    client.command("SELECT INBOX")
    client.command(f"FETCH 1:* {LISTED}")
    for n in range(FOLDERS):
        client.command(f"CREATE F{n}")
        client.command(f"COPY 1:* F{n}")
    for n in range(FOLDERS):
        client.command(f"SELECT F{n}")
        client.command(f"FETCH 1:* {LISTED}")
    time.sleep(1.5)  # a directory that has changed a second ago is looked at once more
    for n in range(FOLDERS):
        client.command(f"STATUS F{n} {COUNTS}")


def daily(program, side, options):
    del program, options
    found = {}
    with Client(side.ports["imap"], f"{USER}@{DOMAIN}", PASSWORD) as client:
        if not (side.root / DOMAIN / USER / "cur").exists() or not any((side.root / DOMAIN / USER / "cur").iterdir()):
            prepare(side, client)
        client.command("SELECT F0")
        for name, count, act in COMMANDS:
            times = []
            for k in range(count):
                begin = time.monotonic()
                act(client, k)
                times.append(time.monotonic() - begin)
            found[f"{name}, us"] = sorted(times)[count // 2] * 1e6
        client.command("SELECT INBOX")
        client.command(f"COPY 1:150 F{FOLDERS - 1}")  # what was taken from it, for the next round
    return found
