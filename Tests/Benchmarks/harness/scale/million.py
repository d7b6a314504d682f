"""One tree of very many files: its memory must not grow with them."""
import os
import shutil

from ..measure import measure as run
from ..problem import Problem
from ..sink import Sink
from .figure import Figure

AIM = 64  # MB of VmHWM, shared libraries included
MB = 1_000_000
FILE_COST = 5 << 10  # bytes in memory: a page, an inode, two entries
SPARE_INODES = 10_000


def measure(world, count, each):
    """`count` files of one byte, `each` in a directory, by `run --once`."""
    with world.room() as room:
        _expect_space(room.memory, count)
        make_tree(os.path.join(room.watched, "tree"), count, each)
        room.configure(bucket=Sink.BUCKET)
        cost = run(room.once(), room.environment, room.log)
        room.expect_objects(count)
    yield Figure("peak memory (VmHWM, with shared libraries)", cost.resident / MB, "MB", AIM)
    yield Figure("of it anonymous (RssAnon)", cost.memory / MB, "MB")
    yield Figure("wall", cost.wall, "s")
    yield Figure("CPU a file", cost.cpu / count * 1e6, "µs")
    yield Figure("files a second", count / cost.wall, "", digits=0)


def make_tree(tree, count, each):
    for index in range(count):
        above, below = divmod(index, each)
        if not below:
            directory = os.path.join(tree, f"d{above:04}")
            os.makedirs(directory)
        file = os.open(f"{directory}/f{below:06}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(file, b"x")
        os.close(file)
    with open(os.path.join(tree, ".ready"), "wb"):
        pass


def _expect_space(directory, count):
    free, inodes = shutil.disk_usage(directory).free, os.statvfs(directory).f_favail
    if free < count * FILE_COST or inodes < count + SPARE_INODES:
        raise Problem(
            f"{count:,} files need {count * FILE_COST >> 20} MiB and as many inodes in {directory}, where "
            f"{free >> 20} MiB and {inodes:,} inodes are free: name another directory with --memory, or leave it out")
