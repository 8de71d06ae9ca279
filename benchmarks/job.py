"""What a job is: a piece of work written once against the torch namespace it is handed.

A job builds its data once (from NumPy's generator, so every engine gets the same numbers) and
returns the function to time.  That function returns its result, so the tests can hold the engines
against each other with the very code that is timed.

`work` says what any algorithm has to do at least; with the machine's peak (`roofline`) it gives the
floor: the time below which no implementation can go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Run = Callable[[], Any]
Build = Callable[[Any], Run]


class Work(NamedTuple):
    """Multiply-adds of matrix products, and bytes that are read or written at least once."""

    multiply_adds: float = 0
    bytes: float = 0


class Job(NamedTuple):
    """`build(torch)` gives the function to time.

    A `cold` one is called once a turn, with no call before it to warm up: a new process each time.
    """

    name: str
    what: str
    build: Build
    work: Work = Work()
    cold: bool = False


def draw(torch: Any, *shape: int, seed: int = 0, grad: bool = False) -> Any:
    """A float32 normal tensor, the same numbers on every engine."""
    values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return torch.from_numpy(values).requires_grad_(grad)


def integers(torch: Any, high: int, *shape: int, seed: int = 1) -> Any:
    """An int64 tensor of numbers below `high`, the same on every engine."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, high, shape))
