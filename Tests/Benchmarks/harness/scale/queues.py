"""Files through a queue, each claimed, sent and moved, beside the same files as one tree."""
import os
import statistics

from ..measure import measure as run
from ..sink import Sink
from .figure import Figure

CONTENT = bytes(4096)
AIM = 2  # times the wall time of the tree
ROUNDS = 5


def measure(world, count):
    """`ROUNDS` times in turn, each with a new state directory, by `run --once`; medians."""
    costs = {_tree: [], _queue: []}
    for _ in range(ROUNDS):
        for kind, found in costs.items():
            with world.room() as room:
                kind(room, count)
                found.append(run(room.once(), room.environment, room.log))
                room.expect_objects(count)
    tree, queue = ([cost.wall for cost in found] for found in costs.values())
    yield Figure("as one tree", statistics.median(tree), "s")
    yield Figure("through the queue", statistics.median(queue), "s")
    ratios = [one / other for one, other in zip(queue, tree)]
    yield Figure("the queue's time beside the tree's", statistics.median(ratios), "", AIM)
    yield Figure("CPU a file through the queue", _median_cpu(costs[_queue]) / count * 1e6, "µs")


def _tree(room, count):
    _fill(os.path.join(room.watched, "tree"), count)
    with open(os.path.join(room.watched, "tree", ".ready"), "wb"):
        pass
    room.configure(bucket=Sink.BUCKET)


def _queue(room, count):
    _fill(room.watched, count)
    places = ", ".join(f"{name}: '{room.memory}/{name}'" for name in ("working", "completed", "failed"))
    room.configure(bucket=Sink.BUCKET, intake=f"queue: {{ {places} }}")


def _fill(directory, count):
    os.makedirs(directory, exist_ok=True)
    for index in range(count):
        with open(f"{directory}/f{index:06}", "wb") as out:
            out.write(CONTENT)


def _median_cpu(costs):
    return statistics.median(cost.cpu for cost in costs)
