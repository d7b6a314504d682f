"""The loop: each row's tools in turn, round after round, and the medians."""
import contextlib
import itertools
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict

from .measure import measure
from .problem import Problem
from .sink import Sink
from .tools import environment
from .trees import Tree


class Benchmark:
    """Measures rows with files in `memory`, a directory in memory, and with state directories there or in `disk`.
    Everything that it makes is in two directories of its own, and is gone at its end."""

    def __init__(self, tools, runs, memory, disk):
        self.tools = tools
        self.runs = runs
        self.bases = {"memory": memory, "disk": disk}
        self.work = {}
        self.sink = None

    def rows(self, rows):
        """One row's figures after the other, as they are measured."""
        with contextlib.ExitStack() as stack:
            for place, base in self.bases.items():
                os.makedirs(base, exist_ok=True)
                made = tempfile.mkdtemp(prefix="slipway-benchmarks-", dir=base)
                stack.callback(shutil.rmtree, made, ignore_errors=True)
                self.work[place] = made
            self.sink = stack.enter_context(Sink(os.path.join(self.work["memory"], "sink")))
            for files, group in itertools.groupby(rows, key=lambda row: row.files):
                with Tree(os.path.join(self.work["memory"], "watched"), files) as tree:
                    for row in group:
                        yield self._row(row, tree)

    def _row(self, row, tree):
        costs = {tool.name: [] for tool in self.tools}
        # The first round is not counted: it fills caches. Each round begins with another tool, so that none always
        # comes behind the same one.
        for turn in range(self.runs + 1):
            start = turn % len(self.tools)
            for tool in self.tools[start:] + self.tools[:start]:
                _tell(f"{row.name}: round {turn} of {self.runs}, {tool.name}")
                cost = self._run(tool, row, tree)
                if turn:
                    costs[tool.name].append(cost)
        _tell("")
        return {
            "row": row.name, "title": row.title, "files": row.files.count, "bytes": row.files.bytes,
            "tools": {name: _figures(runs) for name, runs in costs.items()},
        }

    def _run(self, tool, row, tree):
        work = {place: tempfile.mkdtemp(dir=made) for place, made in self.work.items()}
        try:
            tree.set_ready(tool.wants_marker)
            self.sink.forget()
            call = tool.call(row, tree, self.sink.endpoint, work)
            names = tree.listing if tool.reads_names else os.devnull
            log = os.path.join(work["memory"], "log")
            cost = measure(call, environment(work["memory"], work["memory"]), log, names, tree.path)
            self._expect_everything(tool, row)
            return cost
        finally:
            for directory in work.values():
                shutil.rmtree(directory, ignore_errors=True)

    def _expect_everything(self, tool, row):
        objects, size = self.sink.counts()
        if objects != row.files.count or size < row.files.bytes:
            raise Problem(
                f"{row.name}: {tool.name} sent {objects} objects and {size} bytes, where there are "
                f"{row.files.count} files of together {row.files.bytes} bytes: it is not compared")


def _tell(text):
    """One line of a terminal, that the next one takes the place of."""
    if sys.stderr.isatty():
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)


def _figures(costs):
    figures = {metric: [asdict(cost)[metric] for cost in costs] for metric in ("wall", "cpu", "memory")}
    return {metric: {"median": statistics.median(values), "runs": values} for metric, values in figures.items()}
