"""What a measurement is given."""
import contextlib
import os
import tempfile
from dataclasses import dataclass

from ..problem import Problem
from ..sink import Sink
from ..tools import environment, write_workflow
from .program import Running


@dataclass(frozen=True)
class World:
    """The programs, the sink, and directories that exist."""

    slipway: str
    inotifywait: str | None  # None: without peers
    s5cmd: str | None
    sink: Sink
    memory: str  # for the files
    state: str  # for state directories
    intake: str  # marker or closed, where a measurement has both

    @contextlib.contextmanager
    def room(self):
        """A place for one measurement, which is gone at its end, and a sink that has forgotten everything."""
        with contextlib.ExitStack() as stack:
            memory, state = (
                stack.enter_context(tempfile.TemporaryDirectory(dir=base, prefix="room-", ignore_cleanup_errors=True))
                for base in (self.memory, self.state))
            self.sink.forget()
            yield Room(self, memory, state)


class Room:
    """A directory to watch, one for the state, and slipway for both."""

    def __init__(self, world, memory, state):
        self.world = world
        self.memory = memory
        self.watched = os.path.join(memory, "watched")
        self.started = os.path.join(memory, "started")
        self.file = os.path.join(memory, "workflows.yaml")
        self.state = os.path.join(state, "state")
        self.environment = environment(memory, memory)
        os.mkdir(self.watched)

    @property
    def log(self):
        return os.path.join(self.memory, "log")

    def configure(self, bucket=Sink.NOTED, intake="ready: { marker: .ready }", keys=""):
        write_workflow(
            self.file, self.watched, self.world.sink.endpoint, self.state, bucket=bucket, intake=intake,
            keys=f", started: '{self.started}'{keys}")

    def once(self):
        return [self.world.slipway, "run", "--once", "-f", self.file]

    @contextlib.contextmanager
    def service(self):
        """The running service, once its watches are live, and the seconds that this took. It ends as it does at
        SIGTERM, if nothing has failed before."""
        if os.path.exists(self.started):
            os.remove(self.started)
        with Running([self.world.slipway, "run", "-f", self.file], self.environment, self.log) as service:
            yield service, service.wait_until(lambda: os.path.exists(self.started), "its watches were live")
            service.interrupt()

    def expect_objects(self, count):
        """For what has come to its end."""
        objects, _ = self.world.sink.counts()
        if objects != count:
            raise Problem(f"{objects} objects arrived, where {count} were to: nothing is told of that")
