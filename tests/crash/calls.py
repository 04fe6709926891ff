"""The system calls of processes, recorded by strace: what they do to one directory, and what packets they send and receive."""
import os
import pathlib
import re
import subprocess

CALLS = ("openat,creat,mkdirat,mkdir,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,syncfs,rename,renameat,"
         "renameat2,unlink,unlinkat,link,linkat,ftruncate,fallocate,sendmsg,sendto,recvmsg,recvfrom,lseek")
LINE = re.compile(r"^(\d+) +(.*)$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(.*)$", re.S)
TEXT = r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?'
DESCRIPTOR = r"(?:\w+)<((?:\\x[0-9a-f]{2})*)>(\(deleted\))?"


def strace(log):
    """To be put before a command."""
    return ["strace", "-f", "-qq", "-y", "-xx", "-s", "2000000", "-e", f"trace={CALLS}", "-o", str(log)]


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def path_of(text):
    return unhex(text).decode("utf-8", "surrogateescape")


class Call:
    """`began` and `ended` are numbers of lines of the record: what ended before another began came before it."""

    def __init__(self, name, arguments, result, began, ended, rest):
        self.name, self.arguments, self.result = name, arguments, result
        self.began, self.ended, self.rest = began, ended, rest

    def __repr__(self):
        return f"<{self.began}-{self.ended} {self.name}({self.arguments[:200]}) = {self.result}>"

    def texts(self):
        found = re.findall(TEXT, self.arguments)
        assert not any(cut for _, cut in found), f"strace has cut a text: {self}"
        return [unhex(text) for text, _ in found]

    def descriptors(self):
        """(path, deleted) of each descriptor among the arguments."""
        return [(path_of(path), bool(deleted)) for path, deleted in re.findall(DESCRIPTOR, self.arguments)]

    def packet(self):
        """The bytes that were sent or received."""
        return b"".join(re.findall(TEXT, self.arguments) and [unhex(t) for t, _ in
                                                              re.findall(r"iov_base=" + TEXT, self.arguments)]
                        or self.texts())[:max(self.result, 0)]


def calls(log):
    """Those that succeeded, in the order in which they ended."""
    open_calls, found = {}, []
    for number, line in enumerate(pathlib.Path(log).read_text().splitlines()):
        match = LINE.match(line)
        if not match:
            continue
        pid, text = match.groups()
        began = number
        if text.endswith("<unfinished ...>"):
            open_calls[pid] = (number, text.removesuffix("<unfinished ...>").rstrip())
            continue
        resumed = RESUMED.match(text)
        if resumed:
            began, before = open_calls.pop(pid)
            text = before + resumed.group(2).lstrip() if before.endswith("(") else f"{before} {resumed.group(2).lstrip()}"
        match = CALL.match(text)
        if match and int(match.group(3)) >= 0:
            found.append(Call(match.group(1), match.group(2).strip(), int(match.group(3)), began, number, match.group(4)))
    return found


class Operation:
    """
    What one call does to the disk: `kind` is write, truncate, create, mkdir, unlink, rename or link (of a name), sync, or none of the
    disk's: sent, received.
    """

    def __init__(self, call, kind, **about):
        self.call, self.kind, self.began, self.ended = call, kind, call.began, call.ended
        self.__dict__.update(about)

    def __repr__(self):
        return f"<{self.ended} {self.kind} " + " ".join(f"{k}={v!r:.80}" for k, v in self.__dict__.items()
                                                         if k not in ("call", "kind", "began", "ended")) + ">"


class Reader:
    """Turns calls into operations on what lies beneath `root`. Files are numbered: a name may come to mean another."""

    def __init__(self, root, names):
        self.root = os.path.realpath(root)
        self.names = dict(names)  # relative path -> number of the file
        self.gone = {}            # of files whose name went
        self.at = {}              # where write(2) goes on
        self.next = max(self.names.values(), default=0) + 1
        self.operations = []

    def relative(self, path):
        inside = path == self.root or path.startswith(self.root + "/")
        return os.path.relpath(path, self.root) if inside else None

    def named(self, call, place=0):
        """The relative path that the place-th pair of directory and name speaks of."""
        name = call.texts()[place].decode("utf-8", "surrogateescape")
        directories = [path for path, _ in call.descriptors()]
        return self.relative(os.path.normpath(os.path.join(directories[place] if directories else "/", name)))

    def file(self, call):
        """(number, relative path) of the file that the first descriptor is open on."""
        path, deleted = call.descriptors()[0]
        path = self.relative(path)
        if path is None:
            return None, None
        if deleted:
            return self.gone.get(path), path
        return self.names.get(path), path

    def add(self, call, kind, **about):
        self.operations.append(Operation(call, kind, **about))

    def read(self, found):
        for call in found:
            action = getattr(self, "on_" + call.name, None)
            if action is not None:
                action(call)
        return self.operations

    # --- names ------------------------------------------------------------------------

    def on_openat(self, call):
        opened = re.match(r"<((?:\\x[0-9a-f]{2})*)>", call.rest)
        path = self.relative(path_of(opened.group(1))) if opened else None
        if path is None or "O_TMPFILE" in call.arguments or "(deleted)" in call.rest:
            return
        if "O_CREAT" in call.arguments and path not in self.names:
            self.names[path] = self.next
            self.add(call, "create", path=path, file=self.next)
            self.next += 1
        number = self.names.get(path)
        if number is not None:
            if "O_TRUNC" in call.arguments:
                self.add(call, "truncate", file=number, size=0)
            self.at[number] = 0
            self.appends = getattr(self, "appends", set())
            if "O_APPEND" in call.arguments:
                self.appends.add(number)

    def on_mkdirat(self, call):
        path = self.named(call)
        if path is not None:
            self.add(call, "mkdir", path=path)

    def on_unlinkat(self, call):
        path = self.named(call)
        if path in self.names:
            self.gone[path] = self.names.pop(path)
            self.add(call, "unlink", path=path)

    def on_renameat(self, call):
        before, after = self.named(call, 0), self.named(call, 1)
        if before in self.names:
            if after in self.names:
                self.gone[after] = self.names[after]
            self.names[after] = self.names.pop(before)
            self.add(call, "rename", path=before, to=after, file=self.names[after])

    def on_linkat(self, call):
        before, after = self.named(call, 0), self.named(call, 1)
        if before in self.names:
            self.names[after] = self.names[before]
            self.add(call, "link", path=before, to=after, file=self.names[after])

    on_renameat2 = on_rename = on_renameat
    on_unlink, on_mkdir = on_unlinkat, on_mkdirat

    # --- contents -----------------------------------------------------------------------

    def on_write(self, call):
        number, _ = self.file(call)
        if number is None:
            return
        data = b"".join(call.texts())[:call.result]
        at = None if number in getattr(self, "appends", ()) else self.at.get(number, 0)
        self.add(call, "write", file=number, at=at, data=data)
        if at is not None:
            self.at[number] = at + len(data)

    on_writev = on_write

    def on_pwrite64(self, call):
        number, _ = self.file(call)
        if number is None:
            return
        data = b"".join(call.texts())[:call.result]
        at = int(call.arguments.rsplit(", ", 1)[1])
        self.add(call, "write", file=number, at=at, data=data)

    on_pwritev = on_pwrite64

    def on_lseek(self, call):
        number, _ = self.file(call)
        if number is not None:
            self.at[number] = call.result

    def on_ftruncate(self, call):
        number, _ = self.file(call)
        if number is not None:
            self.add(call, "truncate", file=number, size=int(call.arguments.rsplit(", ", 1)[1]))

    def unknown(self, call):
        inside = [path for path, _ in call.descriptors() if self.relative(path) is not None]
        assert not inside, f"the test does not know what this does to the disk: {call}"

    on_fallocate = on_link = on_creat = on_pwritev2 = unknown

    def on_fsync(self, call):
        number, path = self.file(call)
        if path is not None:
            self.add(call, "sync", file=number, path=path)

    on_fdatasync = on_fsync

    def on_syncfs(self, call):
        number, path = self.file(call)
        if path is not None:
            self.add(call, "sync", file=number, path=None)

    # --- packets ----------------------------------------------------------------------------

    def on_sendmsg(self, call):
        self.add(call, "sent", fields=call.packet().split(b"\0"))

    def on_recvmsg(self, call):
        self.add(call, "received", fields=call.packet().split(b"\0"))

    on_sendto, on_recvfrom = on_sendmsg, on_recvmsg
