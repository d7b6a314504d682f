"""The rows of the table, as data. A new one is one more `Row` in `ROWS`."""
from dataclasses import dataclass, field

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

PARALLEL = 64  # files in flight where a row does not vary them: Slipway's default


@dataclass(frozen=True)
class Files:
    """What is sent: `count` files of `size` bytes, in directories of 100; sparse ones are all hole."""

    count: int
    size: int
    sparse: bool = False

    @property
    def bytes(self):
        return self.count * self.size

    @property
    def title(self):
        unit, name = next(pair for pair in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")) if self.size >= pair[0])
        plural = "file" if self.count == 1 else "files"
        return f"{self.count:,} {'sparse ' if self.sparse else ''}{plural} of {self.size // unit} {name}"


@dataclass(frozen=True)
class Aim:
    """`metric` of Slipway shall be at most `limit` times that of `beside`. Told, and never asserted."""

    metric: str  # wall, cpu or memory
    beside: str  # a tool's name
    limit: float


@dataclass(frozen=True)
class Row:
    name: str
    files: Files
    verified: bool = False  # the destination's defaults, MD5 and ETag; else `checksum: none`
    transfers: int | None = None  # files in flight; None: PARALLEL, and s5cmd its own default
    state: str = "memory"  # where the state directory lies: memory or disk
    aims: tuple = field(default=())
    by_default: bool = True

    @property
    def title(self):
        parts = [self.files.title, "checksum: " + ("default" if self.verified else "none")]
        if self.transfers:
            parts.append(f"{self.transfers} in flight")
        if self.state == "disk":
            parts.append("state directory on disk")
        return ", ".join(parts)


SMALL = Files(10_000, 4 * KIB)
MEDIUM = Files(10_000, 256 * KIB)
LARGE = Files(2, GIB)
SPARSE = Files(1, 5 * GIB, sparse=True)

SMALL_AIMS = (Aim("cpu", "floor", 1.5), Aim("wall", "s5cmd", 0.3))
MEMORY_AIM = Aim("memory", "s5cmd", 1.0)

# Rows of the same files stand together: they are made once, and removed before the next are.
ROWS = (
    Row("small", SMALL, aims=SMALL_AIMS),
    Row("small-disk", SMALL, state="disk", aims=SMALL_AIMS),
    Row("small-verified", SMALL, verified=True),
    Row("small-1", SMALL, transfers=1),
    Row("small-8", SMALL, transfers=8),
    Row("small-64", SMALL, transfers=64),
    Row("small-256", SMALL, transfers=256),
    Row("medium", MEDIUM),
    Row("large", LARGE, aims=(Aim("cpu", "s5cmd", 0.6), MEMORY_AIM)),
    Row("large-verified", LARGE, verified=True, aims=(Aim("cpu", "s5cmd", 1.0), MEMORY_AIM)),
    Row("sparse", SPARSE),
    Row("smoke", Files(20, 4 * KIB), verified=True, by_default=False),
)


def by_name():
    return {row.name: row for row in ROWS}
