"""Debian's haproxy before the suite's ports."""
import contextlib
import pathlib
import shutil
import subprocess
import tempfile

from .build import HOME
from .suite import free_ports, listening_ports
from .wait import wait_for

# A balancer of ours has an address of its own: to the suite 127.0.0.1 stays a stranger without a header.
ADDRESS = "127.0.0.77"


class Haproxy:
    """`ports` maps a name of a suite's service and of how it is sent, ("smtps", "send-proxy-v2"), to its port."""

    def __init__(self, suite, wanted):
        HOME.mkdir(mode=0o755, exist_ok=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="haproxy-", dir=HOME))
        self.ports = dict(zip(wanted, free_ports(len(wanted))))
        self.process = None
        lines = ["global", "  maxconn 200", "defaults", "  mode tcp", "  timeout connect 20s", "  timeout client 60s", "  timeout server 60s"]
        for number, ((service, how), port) in enumerate(self.ports.items()):
            lines += [f"listen l{number}", f"  bind 127.0.0.1:{port}", f"  source {ADDRESS}",
                      f"  server s 127.0.0.1:{suite.ports[service]} {how}"]
        (self.directory / "haproxy.cfg").write_text("\n".join(lines) + "\n")

    def __enter__(self):
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(["haproxy", "-db", "-f", self.directory / "haproxy.cfg"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_for(lambda: f"haproxy to listen: {(self.directory / 'log').read_text()}", 20,
                 lambda: set(self.ports.values()) <= listening_ports())
        return self

    def __exit__(self, *_):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        shutil.rmtree(self.directory)
