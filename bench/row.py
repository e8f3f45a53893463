"""One line of the table: what an operation costs, against a floor of the same run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

SECONDS = 0.4  # of measuring each
LEAST = 0.70  # of the bare library's speed, through our interface


@dataclass(frozen=True)
class Row:
    """`bound`: the ratio that must not be passed; 0 where none was set."""

    operation: str
    milliseconds: float
    against: str = ""
    floor: float = 0.0
    bound: float = 0.0

    @property
    def ratio(self) -> float:
        return self.milliseconds / self.floor if self.floor else 0.0

    @property
    def missed(self) -> bool:
        return bool(self.bound) and self.ratio > self.bound


def cost(operation: Callable[[], object]) -> float:
    """CPU-milliseconds each, over at least SECONDS and after one warm-up."""
    operation()
    done, begun = 0, process_time()
    while process_time() - begun < SECONDS:
        operation()
        done += 1
    return (process_time() - begun) * 1000 / done


def pair(
    operation: str, ours: Callable[[], object], against: str, theirs: Callable[[], object], *, bound: float = 0.0
) -> tuple[Row, Row]:
    """Two that are compared, by turns: what the machine does meanwhile befalls both. Of three rounds each's best."""
    rounds = [(cost(theirs), cost(ours)) for _ in range(3)]
    floor, milliseconds = (min(each) for each in zip(*rounds, strict=True))
    return Row(against, floor), Row(operation, milliseconds, against, floor, bound)
