"""Every state of a directory that a power cut may leave (POSIX promises nothing of what was not synced): see states()."""
import itertools
import os
import random

BLOCK = 4096
ALL_SUBSETS = 6  # of so many units that are not synced; of more a choice is made
NAMES = ("create", "mkdir", "unlink", "rename", "link")


def snapshot(root):
    """(names, contents): relative path -> number of the file, number -> bytes. Directories are numbered 0."""
    names, contents = {}, {}
    for directory, folders, files in os.walk(root):
        for name in folders:
            names[os.path.relpath(os.path.join(directory, name), root)] = 0
        for name in files:
            path = os.path.join(directory, name)
            number = len(contents) + 1
            names[os.path.relpath(path, root)] = number
            with open(path, "rb") as file:
                contents[number] = file.read()
    return names, contents


class Unit:
    """A part of an operation that reaches the disk or does not: a name, or what one write puts into one block."""

    def __init__(self, operation, at=0, data=b""):
        self.operation, self.at, self.data = operation, at, data


def units_of(operation, size):
    """`size`: of the file at that moment, where an append goes."""
    if operation.kind != "write":
        return [Unit(operation)]
    at = size if operation.at is None else operation.at
    data, units = operation.data, []
    while data:
        room = BLOCK - at % BLOCK
        units.append(Unit(operation, at, data[:room]))
        at, data = at + room, data[room:]
    if len(units) > 3:  # of a long one: its first block, its last one, and all between
        middle = Unit(operation, units[1].at, b"".join(unit.data for unit in units[1:-1]))
        units = [units[0], middle, units[-1]]
    return units


class History:
    def __init__(self, names, contents, operations):
        self.names, self.contents = names, contents
        self.operations = [o for o in operations if o.kind in NAMES or o.kind in ("write", "truncate")]
        self.syncs = [o for o in operations if o.kind == "sync"]
        sizes = {number: len(content) for number, content in contents.items()}
        self.units = []
        for operation in self.operations:
            for unit in units_of(operation, sizes.get(getattr(operation, "file", 0), 0)):
                self.units.append(unit)
                if unit.data:
                    sizes[operation.file] = max(sizes.get(operation.file, 0), unit.at + len(unit.data))
            if operation.kind == "truncate":
                sizes[operation.file] = operation.size
        for place, unit in enumerate(self.units):
            unit.place = place

    def is_durable(self, operation, moment):
        for sync in self.syncs:
            if sync.ended > moment or operation.ended > sync.began:
                continue
            if sync.path is None:  # of the whole file system
                return True
            if operation.kind in ("write", "truncate"):
                if sync.file == operation.file:
                    return True
            elif os.path.dirname(getattr(operation, "to", operation.path)) == (sync.path if sync.path != "." else ""):
                return True
        return False

    def at(self, moment):
        """What is on the disk for sure after that line of the record, and what may be."""
        sure, maybe, known = [], [], {}
        for unit in self.units:
            operation = unit.operation
            if operation.ended > moment:
                continue
            if id(operation) not in known:
                known[id(operation)] = self.is_durable(operation, moment)
            (sure if known[id(operation)] else maybe).append(unit)
        return sure, maybe

    def moments(self):
        return sorted({o.ended for o in self.operations} | {o.ended for o in self.syncs})

    def in_order(self, kept):
        return sorted(kept, key=lambda unit: unit.place)

    def names_after(self, kept):
        """Relative path -> number of the file, when these units (in order) are on the disk."""
        names = dict(self.names)
        for unit in kept:
            operation = unit.operation
            if operation.kind in ("create", "mkdir"):
                names[operation.path] = getattr(operation, "file", 0)
            elif operation.kind == "unlink":
                names.pop(operation.path, None)
            elif operation.kind == "rename":
                # A new name may be on the disk though the old one never was: they are in two directories.
                names.pop(operation.path, None)
                names[operation.to] = operation.file
            elif operation.kind == "link":
                names[operation.to] = operation.file
        return names

    def key(self, kept):
        """Equal for equal trees, without building them: which names, and what was written to the files behind them."""
        kept = self.in_order(kept)
        written = {}
        for unit in kept:
            if unit.operation.kind not in NAMES:
                written.setdefault(unit.operation.file, []).append(unit.place)
        return tuple(sorted((path, number, tuple(written.get(number, ()))) for path, number in self.names_after(kept).items()))

    def build(self, kept):
        """The tree (path -> bytes, None for a directory) when these units are on the disk."""
        kept = self.in_order(kept)
        contents = {number: bytearray(content) for number, content in self.contents.items()}
        for unit in kept:
            operation = unit.operation
            if operation.kind in NAMES:
                continue
            content = contents.setdefault(operation.file, bytearray())
            if operation.kind == "truncate":
                del content[operation.size:]
                content.extend(bytes(operation.size - len(content)))
            else:
                content.extend(bytes(max(0, unit.at - len(content))))
                content[unit.at:unit.at + len(unit.data)] = unit.data
        return {path: None if number == 0 else bytes(contents.get(number, b"")) for path, number in self.names_after(kept).items()}


def choices(count, chance):
    """Sets of places out of `count`: every one when that is few, else none, all, each alone, all but each, beginnings, and some by chance."""
    everything = range(count)
    if count <= ALL_SUBSETS:
        for size in range(count + 1):
            yield from itertools.combinations(everything, size)
        return
    yield ()
    yield tuple(everything)
    for place in everything:
        yield (place,)
        yield tuple(p for p in everything if p != place)
        yield tuple(range(place))
        yield tuple(p for p in everything if chance.random() < 0.5)


def states(history, seed=1, moments=None):
    """Yields (moment, key, units that are on the disk): each different state of each moment (or of those given) once."""
    chance = random.Random(seed)
    for moment in history.moments() if moments is None else moments:
        sure, maybe = history.at(moment)
        seen = set()
        for chosen in choices(len(maybe), chance):
            kept = sure + [maybe[place] for place in chosen]
            key = history.key(kept)
            if key not in seen:
                seen.add(key)
                yield moment, key, kept


def write(tree, root):
    for path in sorted(tree):
        if tree[path] is None:
            os.makedirs(os.path.join(root, path), mode=0o700, exist_ok=True)
    for path, content in tree.items():
        if content is not None:
            place = os.path.join(root, path)
            os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
            with open(place, "wb") as file:
                file.write(content)
            os.chmod(place, 0o600)
