"""Sides that are measured in turn, and the table of what came out."""
import pathlib

from measure import load, settle


class Side:
    """Where the figures find a server."""

    def __init__(self, server, group, name, **ports):
        self.name, self.group, self.server, self.ports = name, group, server, ports

    @property
    def root(self):
        return pathlib.Path(self.server.mail_root)


def loaded(program, side, name, *arguments, worth=1):
    """One load of a side: its rate and its CPU for each."""
    settle(side.group)
    cpu = side.group.milliseconds()
    result = load(program, *arguments)
    settle(side.group)
    if result.failed:
        print(f"  {side.name}: {result.failed} rounds of {name} failed, {result.done} did not", flush=True)
    done = max(result.done * worth, 1)
    return {f"{name}/s": done / result.seconds, f"{name}, CPU ms": (side.group.milliseconds() - cpu) / done}


def better(name, one, other):
    """The better of two: most for a rate, least for a time or memory."""
    return max(one, other) if "/s" in name else min(one, other)


def measure(act, sides, program, options):
    """name -> one value a side: the best of the rounds, in which the sides take turns."""
    found = {}
    for _ in range(options.rounds):
        for at, side in enumerate(sides):
            for name, value in act(program, side, options).items():
                row = found.setdefault(name, [None] * len(sides))
                row[at] = value if row[at] is None else better(name, row[at], value)
    return found


def show(sides, found):
    """Each value of another side with how many times better Postern's is."""
    print("\n%-52s%12s" % ("", sides[0].name) + "".join("%18s%9s" % (side.name, "times") for side in sides[1:]))
    for name, (ours, *others) in found.items():
        line = "%-52s%12.2f" % (name, ours)
        for value in others:
            one, other = (ours, value) if "/s" in name else (value, ours)
            line += "%18.2f%9.2f" % (value, one / other if other else 0)
        print(line, flush=True)
