"""The files that are sent."""
import os
import random
import shutil

from .problem import Problem

SEED = 20261121
PIECE = 1 << 20
FILES_A_DIRECTORY = 100
SPARE = 64 << 20  # bytes that stay free for the state directory, logs and the sink


class Tree:
    """Makes the files of a row in `directory`, which is watched, as the tree `tree`; the same bytes every time."""

    NAME = "tree"

    def __init__(self, directory, files):
        self.watched = directory
        self.path = os.path.join(directory, self.NAME)
        self.marker = os.path.join(self.path, ".ready")
        self.listing = directory + ".names"
        self.files = files

    def __enter__(self):
        self._expect_space()
        names = [self._name(index) for index in range(self.files.count)]
        for index, name in enumerate(names):
            self._make(index, os.path.join(self.path, name))
        with open(self.listing, "w", encoding="ascii") as listing:
            listing.writelines(name + "\n" for name in names)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.watched, ignore_errors=True)

    def set_ready(self, is_ready):
        """Lays the marker, or takes it away: the peers would send it."""
        if is_ready:
            with open(self.marker, "wb"):
                pass
        elif os.path.exists(self.marker):
            os.remove(self.marker)

    def _name(self, index):
        return f"d{index // FILES_A_DIRECTORY:04}/f{index % FILES_A_DIRECTORY:02}.bin"

    def _make(self, index, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            if self.files.sparse:
                out.truncate(self.files.size)
                return
            source = random.Random(f"{SEED} {index}")
            for start in range(0, self.files.size, PIECE):
                out.write(source.randbytes(min(PIECE, self.files.size - start)))

    def _expect_space(self):
        os.makedirs(self.path)
        needed = SPARE + (0 if self.files.sparse else self.files.bytes)
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise Problem(
                f"{self.files.title} need {needed >> 20} MiB in {self.path}, and {free >> 20} MiB are free: "
                "name another directory with --memory, or leave the row out")
