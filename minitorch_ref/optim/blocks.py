"""Running an update on bare arrays, in pieces of a size that suits the processor.

A large parameter is updated a block at a time, on several threads.  Small parameters that take the
same step are laid side by side first: an update is a dozen NumPy calls of about a microsecond each,
whether for 6 elements or for 6,000.  Either way each element gets the same operations in the same
order, so the bits do not depend on it.

What a step needs to know of a parameter stays the same from one step to the next but for its
gradient: a `Job` is worked out once, and looked up as long as it `holds`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.threads import parallel_for
from ..tensor import Tensor
from .plain import Plain

BLOCK = 1 << 19  # elements at a time, at most: a call lasts 100 us, and threads seldom wait
_EVEN = 64  # sizes of blocks are multiples of it: torch rounds a float16 tensor's last few otherwise
JOIN = 16384  # elements up to which copying parameters side by side is cheaper than calls for each
Update = Callable[..., None]


class Job:
    """One parameter to be updated: its step's numbers, and its operands as flat arrays.

    The operands are the parameter, its gradient, and the tensors in its `state`; where one of them
    is not contiguous they keep their shape.
    """

    __slots__ = (
        "kept", "names", "changed", "real", "flat", "others", "numbers", "grad", "begun", "size",
        "joinable", "memory",
    )  # fmt: skip

    def __init__(self, p: Tensor, state: dict[str, Tensor], as_real: bool) -> None:
        param = p._array
        self.names, self.changed = list(state), [p, *state.values()]
        self.kept = [(tensor, tensor._array) for tensor in self.changed]
        self.real = as_real and param.dtype.kind == "c"
        self.flat = all(array.flags.c_contiguous for _, array in self.kept)
        self.others = [self._laid_out(array) for _, array in self.kept]
        self.numbers: dict[str, Any] = {}
        self.grad, self.begun = self.others[0], False
        self.size = self.grad.size
        # float16 is left alone: torch rounds the last few elements of each tensor differently
        self.joinable = self.flat and self.size < JOIN and param.dtype.char != "e"
        root = param if p._root is None else p._root
        self.memory = id(root if root.base is None else root.base)

    def _laid_out(self, array: np.ndarray) -> np.ndarray:
        if self.flat and not array.flags.c_contiguous:
            array = np.ascontiguousarray(array)
        if self.real:
            array = _real_view(array)
        return array.reshape(-1) if self.flat and array.ndim != 1 else array

    def holds(self, state: dict[str, Tensor]) -> bool:
        """Whether nothing has changed but the gradient: the same state, all in the same memory."""
        if len(state) != len(self.names):
            return False
        for name, (tensor, _) in zip(self.names, self.kept[1:]):
            if state.get(name) is not tensor:
                return False
        return all(tensor._array is array for tensor, array in self.kept)

    def begin(self, numbers: dict[str, Any], grad: np.ndarray) -> None:
        """Take this step's numbers and gradient."""
        self.numbers, self.grad, self.begun = numbers, self._laid_out(grad), True

    def operands(self) -> list[np.ndarray]:
        """The arrays of the update: the parameter, the gradient, the state."""
        return [self.others[0], self.grad, *self.others[1:]]

    def fits(self, other: Any) -> bool:
        """Whether one update can serve this job and another."""
        return (
            self.numbers == other.numbers
            and self.others[0].dtype == other.others[0].dtype
            and self.names == other.names
        )


class Bundle:
    """Small parameters side by side: a column for the parameters, and one for each part of the state."""

    def __init__(self, jobs: tuple[Job, ...]) -> None:
        size, dtype = sum(job.size for job in jobs), jobs[0].others[0].dtype
        self.parts = list(zip(*[job.others for job in jobs]))
        self.columns = [np.empty(size, dtype) for _ in self.parts]
        stops = np.cumsum([job.size for job in jobs])[:-1]
        split = [np.split(column, stops) for column in self.columns]
        self.back = [pair for parts in zip(self.parts, split) for pair in zip(*parts)]

    def run(self, update: Update, jobs: tuple[Job, ...]) -> None:
        """Update all of them in one."""
        for column, parts in zip(self.columns, self.parts):
            np.concatenate(parts, out=column)
        grad = np.concatenate([job.grad for job in jobs])
        _run(update, jobs[0], [self.columns[0], grad, *self.columns[1:]])
        for place, found in self.back:
            place[...] = found


class Jobs:
    """An optimizer's jobs and bundles, kept from one step to the next."""

    def __init__(self) -> None:
        self.known: dict[Tensor, Job] = {}
        self.bundles: dict[tuple[Job, ...], Bundle] = {}

    def find(self, p: Tensor, state: dict[str, Tensor], as_real: bool) -> Job:
        """The job of a parameter; another one where it is listed twice and the first is not done yet."""
        job = self.known.get(p)
        if job is None or job.begun or not job.holds(state):
            job = self.known[p] = Job(p, state, as_real)
            self.bundles.clear()
        return job

    def run(self, update: Update, jobs: list[Job]) -> None:
        """Run `update(numbers, param, grad, **state)` for every job."""
        waiting: dict[int, Job] = {}  # by memory: a parameter and a view of it are stepped in turn
        last, size = jobs[0] if jobs else None, 0
        for job in jobs:
            apart = job.joinable and (size >= JOIN or not (job is last or job.fits(last)))
            if apart or job.memory in waiting:
                self._run_waiting(update, waiting)
                waiting, size = {}, 0
            if not job.joinable:
                _run(update, job, job.operands())
                continue
            waiting[job.memory] = last = job
            size += job.size
        self._run_waiting(update, waiting)
        for job in jobs:
            job.begun = False
            for tensor in job.changed:
                bump(tensor)

    def _run_waiting(self, update: Update, waiting: dict[int, Job]) -> None:
        jobs = tuple(waiting.values())
        if len(jobs) < 2:
            for job in jobs:
                _run(update, job, job.operands())
            return
        bundle = self.bundles.get(jobs)
        if bundle is None:
            bundle = self.bundles[jobs] = Bundle(jobs)
        bundle.run(update, jobs)


def _run(update: Update, job: Job, operands: list[np.ndarray]) -> None:
    size = operands[0].size
    if size <= BLOCK or operands[0].ndim != 1:
        _update(update, job, operands)
        return

    count = -(-size // BLOCK)
    step = -(-size // (count * _EVEN)) * _EVEN  # blocks of one size: threads end together

    def task(i: int) -> None:
        _update(update, job, [a[i * step : (i + 1) * step] for a in operands])

    parallel_for(task, count)


def _update(update: Update, job: Job, block: list[np.ndarray]) -> None:
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
