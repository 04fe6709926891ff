"""A disk that is soon full."""
import subprocess


class SmallDisk:
    """A tmpfs of a few hundred KiB over a directory, with its owner."""

    def __init__(self, directory, kibibytes):
        self.directory = directory
        status = directory.stat()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode={status.st_mode & 0o7777:o},"
                        f"uid={status.st_uid},gid={status.st_gid}", "postern-test", directory], check=True)
        self.filler = directory / "filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def free(self):
        self.filler.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.directory], check=True)
