"""Waiting for something with a deadline, never for a time that is hoped to be long enough."""
import time


class Timeout(AssertionError):
    pass


def wait_for(what, seconds, question):
    """Asks `question()` until it gives something true, and returns that. `what` is for the message of Timeout."""
    deadline = time.monotonic() + seconds
    pause = 0.002
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Timeout(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def wait_until(question, seconds=10):
    return wait_for("what the test waits for", seconds, question)
