"""A private MariaDB server in a directory of its own, without a network port unless one is asked for."""
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile

from .wait import wait_for

TEMPLATE = "/var/tmp/postern-test/mariadb-template"


def make_template():
    """The tables of a fresh server are made once, whoever wants them: it takes seconds."""
    place = os.path.dirname(TEMPLATE)
    os.makedirs(place, exist_ok=True)
    with open(TEMPLATE + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(TEMPLATE):
            return
        fresh = tempfile.mkdtemp(prefix="mariadb-", dir=place)
        result = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={fresh}", "--user=root",
                                 "--auth-root-authentication-method=socket", "--skip-test-db",
                                 "--innodb-log-file-size=8M"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert result.returncode == 0, result.stdout
        os.rename(fresh, TEMPLATE)


class MariaDB:
    """
    with MariaDB() as db:
        db.sql("CREATE DATABASE ...")
    The user "postern" with the password "secret" may do everything; the socket is db.socket.
    """
    user, password = "postern", "secret"

    def __init__(self, port=None, general_log=False, options=()):
        make_template()
        self.directory = tempfile.mkdtemp(prefix="postern-mariadb-", dir="/var/tmp")
        os.chmod(self.directory, 0o755)
        self.data = os.path.join(self.directory, "data")
        self.socket = os.path.join(self.directory, "mysqld.sock")
        self.log_file = os.path.join(self.directory, "general.log")
        shutil.copytree(TEMPLATE, self.data)
        self.options = ["--skip-networking"] if port is None else [f"--port={port}", "--bind-address=127.0.0.1"]
        self.options += options
        if general_log:
            self.options += ["--general-log=1", f"--general-log-file={self.log_file}"]
        self.process = None
        self.start()
        self.sql(f"CREATE USER '{self.user}'@'%' IDENTIFIED BY '{self.password}';"
                 f"CREATE USER '{self.user}'@'localhost' IDENTIFIED BY '{self.password}';"
                 f"GRANT ALL ON *.* TO '{self.user}'@'%'; GRANT ALL ON *.* TO '{self.user}'@'localhost'")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        log = open(os.path.join(self.directory, "error.log"), "ab")
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", "--user=root",
             "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2",
             "--performance-schema=OFF", f"--pid-file={self.directory}/pid", *self.options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        wait_for("MariaDB answers", 60, self.answers)

    def answers(self):
        assert self.process.poll() is None, open(os.path.join(self.directory, "error.log")).read()[-2000:]
        return subprocess.run(["mariadb", "--no-defaults", "-S", self.socket, "-u", "root", "-e", "SELECT 1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def sql(self, text, database=None):
        """Runs statements as root; the rows as lists of texts."""
        command = ["mariadb", "--no-defaults", "--default-character-set=utf8mb4", "-S", self.socket, "-u", "root",
                   "--batch", "--skip-column-names"]
        result = subprocess.run(command + ([database] if database else []), input=text.encode(), capture_output=True)
        assert result.returncode == 0, result.stderr.decode()
        return [line.split("\t") for line in result.stdout.decode().splitlines()]

    def freeze(self):
        """Stopped but not closed: connections stay, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)
        stat = f"/proc/{self.process.pid}/stat"
        wait_for("the server to stand still", 10, lambda: open(stat).read().rsplit(")", 1)[1].split()[0] == "T")

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(60)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
