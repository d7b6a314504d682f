"""What is measured, as data. A new one is one more `Row` in `ROWS`, and a function that gives its figures."""
from dataclasses import dataclass
from functools import partial
from typing import Callable

from . import bursts, latency, million, queues, restart, watching


@dataclass(frozen=True)
class Row:
    name: str
    title: str  # {count} is the number
    measure: Callable  # of a World and a number; gives Figures
    count: int
    tiny: int  # the number that shows whether it works

    def titled(self, is_tiny):
        return self.title.format(count=f"{self.tiny if is_tiny else self.count:,}")


def _latency(rate, count, tiny, **more):
    return Row(
        f"latency-{rate}", f"close(2) to the PUT's first byte: {{count}} trees of one file, {rate:,} a second",
        partial(latency.measure, rate=rate, **more), count, tiny)


ROWS = (
    _latency(1, 40, 1, with_peer=True),
    _latency(100, 1_000, 5),
    _latency(1_000, 10_000, 5),
    Row("watch", "{count} directories are watched", watching.measure, 110_000, 50),
    Row("million", "one tree of {count} files, 1,000 in a directory", partial(million.measure, each=1_000),
        1_000_000, 200),
    Row("million-flat", "one tree of {count} files, all in one directory", partial(million.measure, each=1_000_000),
        1_000_000, 200),
    Row("burst-200", "{count} trees made ready at once, each with a post hook", partial(bursts.measure, limit=2),
        200, 20),
    Row("burst-10000", "{count} trees made ready at once, each with a post hook", bursts.measure, 10_000, 40),
    Row("queue", "{count} files of 4 KiB through a queue, beside the same files as one marked tree", queues.measure,
        10_000, 40),
    Row("restart", "a start over {count} files that have been delivered", restart.measure, 100_000, 200),
)


def by_name():
    return {row.name: row for row in ROWS}
