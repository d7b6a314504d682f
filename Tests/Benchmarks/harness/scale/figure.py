"""What a measurement hands back."""
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    what: str
    value: float
    unit: str  # as it is told; "" for a number, or a ratio
    limit: float | None = None  # the aim: at most so much. Told, and never asserted
    digits: int = 2


def percentile(values, share):
    """The smallest of `values` that so great a share of them does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
