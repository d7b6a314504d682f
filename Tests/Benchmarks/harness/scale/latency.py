"""From close(2) to the first byte of the PUT, at a rate."""
import os
import time

from ..sink import Sink
from ..tools import PREFIX
from .figure import Figure, percentile
from .program import Running

CONTENT = bytes(4096)
AIM = 5  # ms, of the 99th percentile
ASKS = 0.05  # seconds between two questions to the sink: each costs it a request

# The loop that is written without Slipway: no marker, one program a file.
LOOP = """exec 2>&1
"$1" -m -e close_write --format %f "$2" | while read -r name; do
  "$3" --endpoint-url "$4" --log error cp "$2/$name" "s3://$5/$name"
done
"""
WATCHES_LIVE = b"Watches established"


class Marked:
    """Trees of one file each, made ready by a marker."""

    INTAKE = "ready: { marker: .ready }"

    def make(self, watched, name):
        """The time, by CLOCK_MONOTONIC, at which the close(2) began that makes it ready."""
        tree = os.path.join(watched, name)
        os.mkdir(tree)
        _write(os.path.join(tree, "file"), CONTENT)
        return _write(os.path.join(tree, ".ready"), b"")

    def key(self, name):
        return f"{name}/file"


class Closed:
    """Files that are trees of their own."""

    INTAKE = "ready: closed"

    def make(self, watched, name):
        return _write(os.path.join(watched, name), CONTENT)

    def key(self, name):
        return name


INTAKES = {"marker": Marked, "closed": Closed}


def measure(world, count, rate, with_peer=False):
    """`count` trees, `rate` a second, into a directory that the service watches."""
    yield from _figures(f"slipway, {world.intake}", _slipway(world, count, rate), AIM)
    if with_peer and world.inotifywait:
        yield from _figures("inotifywait and s5cmd", _peer(world, count, rate))


def _slipway(world, count, rate):
    intake = INTAKES[world.intake]()
    with world.room() as room:
        room.configure(intake=intake.INTAKE)
        with room.service() as (service, _):
            closed = _produce(room, intake, count, rate)
            service.wait_until(lambda: world.sink.counts()[0] >= count, "all had arrived", ASKS)
        room.expect_objects(count)
        return _delays(world, intake, closed)


def _peer(world, count, rate):
    intake = Closed()
    with world.room() as room:
        command = ["/bin/sh", "-c", LOOP, "loop", world.inotifywait, room.watched, world.s5cmd,
                   world.sink.endpoint, f"{Sink.NOTED}/{PREFIX}".rstrip("/")]
        with Running(command, room.environment, room.log) as loop:
            loop.wait_until(lambda: loop.has_told(WATCHES_LIVE), "its watches were live")
            closed = _produce(room, intake, count, rate)
            loop.wait_until(lambda: world.sink.counts()[0] >= count, "all had arrived", ASKS)
        room.expect_objects(count)
        return _delays(world, intake, closed)


def _produce(room, intake, count, rate):
    """The times of the close(2)s by name. The times of the starts are fixed, so that a slow one delays no other."""
    closed, start = {}, time.monotonic()
    for index in range(count):
        time.sleep(max(0.0, start + index / rate - time.monotonic()))
        name = f"t{index:06}"
        closed[name] = intake.make(room.watched, name)
    return closed


def _delays(world, intake, closed):
    arrivals = {}
    for method, path, at in world.sink.requests():
        if method == "PUT":
            arrivals.setdefault(path, at)
    base = f"/{Sink.NOTED}/{PREFIX}"
    return [1000 * (arrivals[base + intake.key(name)] - at) for name, at in closed.items()]


def _figures(who, delays, aim=None):
    yield Figure(f"{who}: p50", percentile(delays, 0.5), "ms")
    yield Figure(f"{who}: p99", percentile(delays, 0.99), "ms", aim)
    yield Figure(f"{who}: highest", max(delays), "ms")


def _write(path, content):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(file, content)
    closing = time.monotonic()
    os.close(file)
    return closing
