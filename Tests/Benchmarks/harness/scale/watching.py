"""Many directories under one watch: how long until all are watched, and what that costs in memory."""
import os
import shutil
import statistics

from ..problem import MISSING, Problem
from .figure import Figure
from .program import Running

DIRECTORIES_EACH = 1000
ROUNDS = 3
SPARE = 2_000  # watches that others have
LIMIT_FILE = "/proc/sys/fs/inotify/max_user_watches"
WATCHES_LIVE = b"Watches established"
MIB = 1 << 20


def measure(world, count):
    """Each in turn, `ROUNDS` times; told are the medians."""
    with EnoughWatches(count), world.room() as room:
        made = _make(room.watched, count)
        room.configure()
        ours, peers = [], []
        for _ in range(ROUNDS):
            ours.append(_slipway(room))
            if world.inotifywait:
                peers.append(_inotifywait(world, room))
    return list(_figures(made, ours, peers))


def _slipway(room):
    shutil.rmtree(room.state, ignore_errors=True)
    with room.service() as (service, seconds):
        return seconds, service.peaks.anonymous / MIB


def _inotifywait(world, room):
    command = [world.inotifywait, "-r", "-m", room.watched]
    with Running(command, room.environment, room.log) as process:
        seconds = process.wait_until(lambda: process.has_told(WATCHES_LIVE), "its watches were live")
        return seconds, process.peaks.anonymous / MIB


def _make(watched, count):
    """`count` directories, the watched one among them."""
    for index in range(count - 1):
        above, below = divmod(index, DIRECTORIES_EACH)
        upper = os.path.join(watched, f"d{above:04}")
        os.mkdir(os.path.join(upper, f"d{below - 1:04}") if below else upper)
    return count


def _figures(made, ours, peers):
    names = (("until all are watched", "s"), ("RssAnon, highest until then", "MiB"))
    yield Figure("directories", made, "", digits=0)
    for index, (what, unit) in enumerate(names):
        own = statistics.median(run[index] for run in ours)
        yield Figure(f"slipway: {what}", own, unit)
        if peers:
            other = statistics.median(run[index] for run in peers)
            yield Figure(f"inotifywait -r -m: {what}", other, unit)
            yield Figure("the first divided by the second", own / other, "", 1.0)


class EnoughWatches:
    """Raises the limit of the kernel while it is entered, where it is too low and may be raised."""

    def __init__(self, count):
        self.needed = count + SPARE
        self.before = None

    def __enter__(self):
        with open(LIMIT_FILE, encoding="ascii") as file:
            limit = int(file.read())
        if limit >= self.needed:
            return
        try:
            _set_limit(self.needed)
        except OSError:
            raise Problem(
                f"{limit} watches are allowed, and {self.needed} needed: "
                f"sysctl -w fs.inotify.max_user_watches={self.needed}", MISSING) from None
        self.before = limit

    def __exit__(self, *_):
        if self.before:
            _set_limit(self.before)


def _set_limit(count):
    with open(LIMIT_FILE, "w", encoding="ascii") as file:
        file.write(str(count))
