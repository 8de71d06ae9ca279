"""What a job is: a piece of work written once against the torch namespace it is handed.

A job builds its data once (from NumPy's generator, so every engine gets the same numbers) and
returns the function to time.  That function returns its result, so the tests can hold the engines
against each other with the very code that is timed.

`work` says what any algorithm has to do at least; with the machine's peak (`roofline`) it gives the
floor: the time below which no implementation can go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Formula:
    """A job as a function of drawn tensors, `call(torch, *tensors)`: a `build` that can be read.

    With `grad` the gradient of every tensor is taken too, from a given gradient of the result.
    Written so, a job can also be run by a library that differentiates functions and not tensors.
    """

    call: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]
    grad: bool = False

    def __call__(self, torch: Any) -> Run:
        """The function to time."""
        call, grad = self.call, self.grad
        xs = [draw(torch, *shape, seed=i, grad=grad) for i, shape in enumerate(self.shapes)]
        if not grad:
            return lambda: call(torch, *xs)
        g = draw(torch, *call(torch, *xs).shape, seed=len(xs))
        return lambda: torch.autograd.grad(call(torch, *xs), xs, g)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """A float32 normal array."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def labels(high: int, *shape: int, seed: int = 1) -> np.ndarray:
    """An int64 array of numbers below `high`."""
    return np.random.default_rng(seed).integers(0, high, shape)


def draw(torch: Any, *shape: int, seed: int = 0, grad: bool = False) -> Any:
    """A float32 normal tensor, the same numbers on every engine."""
    return torch.from_numpy(normal(*shape, seed=seed)).requires_grad_(grad)


def integers(torch: Any, high: int, *shape: int, seed: int = 1) -> Any:
    """An int64 tensor of numbers below `high`, the same on every engine."""
    return torch.from_numpy(labels(high, *shape, seed=seed))
