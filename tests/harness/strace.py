"""strace on processes that run: it has them in its hands when attach() is back."""
import subprocess
import tempfile

from .process import Process
from .wait import wait_for

WAIT4 = "61"        # x86-64


def waits_for_them(process, pids):
    """strace waits for what they do, and then they sleep: it has stopped each and let it go again. (That there is a tracer is not
    enough: what a process does before its first stop is not seen.)"""
    tracer = Process(process.pid)
    if tracer.system_call() != WAIT4:
        return False
    return all(status["TracerPid"] == str(process.pid) and status["State"][0] in "SD" for status in (Process(pid).status() for pid in pids))


def attach(pids, *options):
    pids = list(pids)
    words = [word for pid in pids for word in ("-p", str(pid))]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(["strace", "-qq", *options, *words], stdout=subprocess.DEVNULL, stderr=said)
        wait_for(lambda: f"strace: {state(process, pids, said)}", 10, lambda: waits_for_them(process, pids))
    return process


def state(process, pids, said):
    said.seek(0)
    there = [(pid, Process(pid).status()["State"] if Process(pid).directory.exists() else "gone") for pid in pids]
    return f"exit status {process.poll()}, said {said.read()!r}, to trace: {there}"
