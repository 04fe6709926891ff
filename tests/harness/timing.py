"""
Whether two things take the same time, told on a machine that does other things too: both are tried in turn, in an order
that chance gives, and what counts is the median of the differences within each turn, with an interval that holds the true
one whatever the distribution is (from the binomial distribution of signs). A busy minute makes the interval wider, not wrong.
"""
import random
import statistics
import time

CERTAIN = 4.4  # standard deviations: chance alone is outside once in 100,000


class Difference:
    """Of `other` from `one`, in seconds: the median, and between which it lies almost surely."""

    def __init__(self, one, other):
        differences = sorted(b - a for a, b in zip(one, other))
        count = len(differences)
        reach = CERTAIN * count ** 0.5 / 2
        self.tries = count
        self.usual = statistics.median(one)
        self.median = statistics.median(differences)
        self.least = differences[max(0, int(count / 2 - reach))]
        self.most = differences[min(count - 1, int(count / 2 + reach))]

    def beyond(self, limit):
        """It is certain that the difference is larger than this."""
        return self.least > limit or self.most < -limit

    def within(self, limit):
        """It is certain that it is not."""
        return -limit <= self.least and self.most <= limit

    def __str__(self):
        return (f"{self.median * 1e6:+.0f} us ({self.least * 1e6:+.0f} to {self.most * 1e6:+.0f}) of {self.usual * 1e6:.0f} us,"
                f" {self.tries} tries each")


def compare(attempts, tries, seconds, told=lambda difference: True, least=30):
    """
    `attempts`: name -> function of the try's number that does it and returns how long it took. Each is tried as often as
    `tries` says, or as `seconds` allow (but `least` times); up to five times as long while not all is told. The others'
    differences from the first, by name.
    """
    taken = {name: [] for name in attempts}
    order = list(attempts)
    begin = time.monotonic()
    for number in range(tries):
        patience = time.monotonic() - begin
        if number >= least and patience > seconds and (patience > 5 * seconds or all(map(told, differences(taken).values()))):
            break
        random.shuffle(order)
        for name in order:
            taken[name].append(attempts[name](number))
    return differences(taken)


def differences(taken):
    first, *others = taken
    return {name: Difference(taken[first], taken[name]) for name in others}
