"""postern check: a fresh installation has no mistake; each mistake is found and told with what to do."""
import contextlib
import json
import os
import subprocess

import pytest

from harness import Suite


@pytest.fixture(scope="module")
def suite():
    with Suite("check", {"postmaster": "first@example.test"}) as running:
        running.user("first")
        yield running


def check(suite, *arguments):
    return subprocess.run([suite.bin / "postern", "check", *arguments], capture_output=True, text=True, timeout=120,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "POSTERN_SETTINGS": str(suite.settings), "ASAN_OPTIONS": "detect_leaks=0"})


def found(suite):
    result = check(suite, "--json")
    findings = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == (1 if any(f["level"] == "error" for f in findings) else 0), result
    return findings


@contextlib.contextmanager
def setting(suite, name, value):
    path = suite.settings / name
    before = path.read_text() if path.exists() else None
    suite.set(name, value)
    yield
    suite.set(name, before.rstrip("\n") if before is not None else None)


@contextlib.contextmanager
def mode(path, number):
    before = path.stat().st_mode & 0o7777
    path.chmod(number)
    yield
    path.chmod(before)


@contextlib.contextmanager
def owner(path, uid):
    before, number = path.stat(), path.stat().st_mode & 0o7777
    os.chown(path, uid, -1)
    yield
    os.chown(path, before.st_uid, before.st_gid)
    path.chmod(number)


@contextlib.contextmanager
def down(suite, service):
    suite.down(service)
    yield
    suite.up(service)


@contextlib.contextmanager
def template(suite, mode, text):
    path = suite.settings / "warning.txt"
    path.write_text(text)
    path.chmod(mode)
    with setting(suite, "quota_warning_template", str(path)):
        yield
    path.unlink()


def test_a_fresh_installation_has_no_mistake(suite):
    assert found(suite) == []
    assert check(suite).stdout == "No mistake was found.\n"


@pytest.mark.parametrize("mistake, level, about, what, do", [
    (lambda s: setting(s, "message_size", "many"), "error", "settings", "message_size", ""),
    (lambda s: setting(s, "mesage_size", "1M"), "warning", "settings", "mesage_size: no program has such a setting", "postern settings"),
    (lambda s: setting(s, "bad\x1b[2Jname", "1"), "warning", "settings", "bad?[2Jname", ""),
    (lambda s: setting(s, "hostname", "mail"), "warning", "hostname", "not a full name", "hostname"),
    (lambda s: setting(s, "postmaster", None), "warning", "postmaster", "nobody", "postmaster"),
    (lambda s: setting(s, "permitted_networks", "10.0.0.0/8 0.0.0.0/0"), "error", "relay", "0.0.0.0/0", "own networks"),
    (lambda s: setting(s, "permitted_networks", "[::]/0"), "error", "relay", "[::]/0", ""),
    (lambda s: mode(s.libexec / "postern-deliver", 0o755), "error", "deliver", "not setuid", "chmod 6711"),
    (lambda s: mode(s.queue, 0o755), "error", "files", "open to every user", "chmod o-rwx"),
    (lambda s: mode(s.settings, 0o777), "error", "files", "changed by others", "chmod go-w"),
    (lambda s: owner(s.mail_root, 0), "error", "files", "belongs to root, not to vmail", "chown vmail"),
    (lambda s: setting(s, "queue_directory", "/nonexistent/queue"), "error", "files", "no such directory", "install -d"),
    (lambda s: down(s, "remote"), "error", "sockets", "remote/send", "postern-remote"),
    (lambda s: down(s, "authd"), "error", "lookups", "cannot say", "postern lookup"),
    (lambda s: down(s, "pop3s"), "warning", "ports", "fetch mail, TLS", "listen/pop3s"),
    (lambda s: setting(s, "quota_warning_template", "/nonexistent/warning"), "error", "settings", "quota_warning_template", "correct that file"),
    (lambda s: template(s, 0o644, "Subject: full\n\n$nonsense\n"), "error", "settings", "there is a $ with no word of these", "correct that file"),
    (lambda s: template(s, 0o600, "Subject: full\n\n$percent\n"), "error", "settings", "it cannot be read", "correct that file"),
    (lambda s: setting(s, "quota_warnings", "95 80"), "error", "settings", "quota_warnings", "the lowest first"),
    (lambda s: setting(s, "over_quota_code", "500"), "error", "settings", "over_quota_code", "452"),
    (lambda s: setting(s, "listen/smtpd", "any"), "error", "ports", "ADDRESS PORT LIMIT", ""),
], ids=lambda value: value.split()[0] if isinstance(value, str) and value else None)
def test_a_mistake_is_found(suite, mistake, level, about, what, do):
    with mistake(suite):
        findings = found(suite)
    [finding] = [f for f in findings if f["about"] == about and what in f["what"]][:1] or pytest.fail(str(findings))
    assert finding["level"] == level and do in finding["do"]


def test_misuse(suite):
    assert check(suite, "--yes").returncode == 100
