"""A start over what has been delivered: nothing may be asked of the server."""
from ..measure import measure as run
from .figure import Figure
from .million import make_tree

TREES = 100


def measure(world, count):
    """`count` files in `TREES` trees, which stay; and then the service and `run --once` anew."""
    with world.room() as room:
        for index in range(TREES):
            make_tree(f"{room.watched}/t{index:03}", count // TREES, count)
        room.configure()
        first = run(room.once(), room.environment, room.log)
        room.expect_objects(count // TREES * TREES)
        world.sink.forget()
        with room.service() as (service, seconds):
            memory = service.peaks.resident / 1e6
        again = run(room.once(), room.environment, room.log)
        requests = len(world.sink.requests())
    yield Figure("the first run --once, which delivers them", first.wall, "s")
    yield Figure("the service anew: until the watches are live", seconds, "s")
    yield Figure("the same: peak memory until then (VmHWM)", memory, "MB")
    yield Figure("run --once anew, from start to end", again.wall, "s")
    yield Figure("requests of both", requests, "", 0, digits=0)
