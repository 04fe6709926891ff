"""Promise 6: no program can start a shell or a program named by input. The parsers hold no function that starts one, no
program of the suite holds system(3) or popen(3), and in a running parser execve kills."""
import pathlib
import re
import subprocess

import pytest

from harness import Process

# queued and lmtp have a child that starts deliver: they are held by seccomp alone (promise 8).
PARSERS = ["smtpd", "imapd", "pop3d", "lmtpd", "imap", "pop3", "trace"]
STARTERS = {"execve", "execveat", "execv", "execvp", "execvpe", "execl", "execle", "execlp", "fexecve", "posix_spawn",
            "posix_spawnp", "wordexp"}
SHELLS = {"system", "popen", "wordexp"}


def symbols(path):
    """Functions in the binary, or wanted by it from libraries; without their versions."""
    names = set()
    for options in (["-p"], ["-D", "-p"]):
        result = subprocess.run(["nm", *options, str(path)], capture_output=True, text=True, check=True)
        names |= set(re.findall(r"^(?:[0-9a-f]+)? +[A-Za-z] (\w+)", result.stdout, re.M))
    assert "main" in names or "read" in names, f"{path} is stripped: the test sees nothing"
    return names


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_holds_nothing_that_starts_programs(suite, name):
    path = suite.libexec / f"postern-{name}"
    assert not symbols(path if path.exists() else suite.bin / f"postern-{name}") & (STARTERS | SHELLS)


def test_no_program_holds_a_shell(suite):
    programs = [*pathlib.Path(suite.libexec).glob("postern-*"), *pathlib.Path(suite.bin).glob("postern-*")]
    assert len(programs) > 5
    assert not {path.name: found for path in programs if (found := symbols(path) & SHELLS)}


@pytest.mark.parametrize("service", ["smtpd", "imapd", "pop3d"])
def test_execve_kills_a_parser(suite, service):
    before = set(suite.pids(service))
    with getattr(suite, {"smtpd": "smtp", "imapd": "imap", "pop3d": "pop3"}[service])() as dialogue:
        assert dialogue.greeting
        process = Process((set(suite.pids(service)) - before).pop())
        assert str(process.inject("execve", "/bin/sh")).startswith("killed")
