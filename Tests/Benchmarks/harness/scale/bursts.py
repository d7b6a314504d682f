"""Many trees that are ready at once, each with a post hook."""
import os
import time

from ..problem import Problem
from .figure import Figure
from .latency import Marked

HOOK = """#!/bin/sh
echo >>"$SLIPWAY_STATE/ran"
"""


def measure(world, count, limit=None):
    """From before the first tree is made until the last hook has written its line."""
    intake = Marked()
    with world.room() as room:
        hook = os.path.join(room.memory, "hook")
        with open(hook, "w", encoding="ascii", opener=_executable) as out:
            out.write(HOOK)
        room.configure(keys=f", hooks: {{ post: [{hook}] }}")
        with room.service() as (service, _):
            start = time.monotonic()
            for index in range(count):
                intake.make(room.watched, f"t{index:06}")
            made = time.monotonic()
            service.wait_until(lambda: _ran(room) >= count, "all had arrived, and all hooks had run")
            end = time.monotonic()
        room.expect_objects(count)
        if _ran(room) != count:
            raise Problem(f"{_ran(room)} hooks ran for {count} trees: nothing is told of that")
    yield Figure("the trees are made", made - start, "s")
    yield Figure("all are delivered, and their hooks have run", end - start, "s", limit)
    yield Figure("trees a second", count / (end - start), "", digits=0)


def _executable(path, flags):
    return os.open(path, flags, 0o755)


def _ran(room):
    """The lines, of one byte each, that hooks have written so far."""
    return sum(
        os.path.getsize(os.path.join(directory, "ran"))
        for directory, _, names in os.walk(room.state) if "ran" in names)
