"""Running an update on bare arrays, in pieces of a size that suits the processor.

A large parameter is updated a block at a time, so that gradient, state and temporaries meet in the
cache.  Small parameters that take the same step are laid side by side first: an update is a dozen
NumPy calls of about a microsecond each, whether for 6 elements or for 6,000.  Either way each
element gets the same operations in the same order, so the bits do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .plain import Plain

BLOCK = 65536  # elements at a time: larger blocks leave the second-level cache, smaller cost calls
JOIN = 16384  # elements up to which copying parameters side by side is cheaper than calls for each
Update = Callable[..., None]


class Job:
    """One parameter to be updated: its step's numbers, and its operands as flat arrays.

    The operands are the parameter, its gradient, and the state tensors `names`; where one of them
    is not contiguous they keep their shape.
    """

    __slots__ = ("numbers", "names", "operands", "changed", "size", "joinable", "memory")

    def __init__(
        self, numbers: dict[str, Any], p: Tensor, state: dict[str, Tensor], as_real: bool
    ) -> None:
        self.numbers = numbers
        self.names = list(state)
        self.changed = [p, *state.values()]
        param, grad = p._array, p.grad._array  # type: ignore[union-attr]
        arrays = [param, grad, *[t._array for t in state.values()]]
        if param.flags.c_contiguous and not grad.flags.c_contiguous:
            arrays[1] = np.ascontiguousarray(grad)
        if as_real and param.dtype.kind == "c":
            arrays = [_real_view(a) for a in arrays]
        flat = all(a.flags.c_contiguous for a in arrays)
        self.operands = [a if a.ndim == 1 else a.reshape(-1) for a in arrays] if flat else arrays
        self.size = self.operands[0].size
        # float16 is left alone: torch rounds the last few elements of each tensor differently
        self.joinable = flat and self.size < JOIN and param.dtype.char != "e"
        root = param if p._root is None else p._root
        self.memory = id(root if root.base is None else root.base)

    def fits(self, other: Any) -> bool:
        """Whether one update can serve this job and another."""
        return (
            self.names == other.names
            and self.operands[0].dtype == other.operands[0].dtype
            and self.numbers == other.numbers
        )


def run_all(update: Update, jobs: list[Job]) -> None:
    """Run `update(numbers, param, grad, **state)` for every job."""
    waiting: dict[int, Job] = {}  # by memory: a parameter and a view of it are stepped in turn
    last, size = jobs[0] if jobs else None, 0
    for job in jobs:
        if job.memory in waiting or (job.joinable and (size >= JOIN or not job.fits(last))):
            _run_side_by_side(update, list(waiting.values()))
            waiting, size = {}, 0
        if not job.joinable:
            _run(update, job, job.operands)
            continue
        waiting[job.memory] = last = job
        size += job.size
    _run_side_by_side(update, list(waiting.values()))
    for job in jobs:
        for tensor in job.changed:
            bump(tensor)


def _run_side_by_side(update: Update, jobs: list[Job]) -> None:
    if len(jobs) < 2:
        for job in jobs:
            _run(update, job, job.operands)
        return
    columns = [np.concatenate(parts) for parts in zip(*[job.operands for job in jobs])]
    _run(update, jobs[0], columns)
    start = 0
    for job in jobs:
        stop = start + job.size
        for i, operand in enumerate(job.operands):
            if i != 1:  # the gradient was only read
                operand[...] = columns[i][start:stop]
        start = stop


def _run(update: Update, job: Job, operands: list[np.ndarray]) -> None:
    size = operands[0].size
    if size <= BLOCK or operands[0].ndim != 1:
        blocks = [operands]
    else:
        blocks = [[a[i : i + BLOCK] for a in operands] for i in range(0, size, BLOCK)]
    for block in blocks:
        param, grad, *state = [Plain(a) for a in block]
        update(job.numbers, param, grad, **dict(zip(job.names, state)))


def _real_view(array: np.ndarray) -> np.ndarray:
    """A complex array's memory as real numbers, with a last dim of 2."""
    half = array.itemsize // 2
    return np.lib.stride_tricks.as_strided(
        array.real, (*array.shape, 2), (*array.strides, half), writeable=array.flags.writeable
    )


def bump(tensor: Tensor) -> None:
    """Count a write, so that a graph that saved the old values notices."""
    if tensor._cell is None:
        tensor._cell = [0]
    tensor._cell[0] += 1
