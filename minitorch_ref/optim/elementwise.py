"""Updates that treat every element alike: all optimizers but L-BFGS.

An optimizer of this kind gives three things: the state a parameter starts with, the numbers of
one step (step size, bias corrections ...), and the update itself, which `blocks.py` runs on bare
arrays.  With `differentiable=True` the same update runs on the tensors themselves, and is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.modes import enable_grad
from ..quiet import fp
from ..tensor import Tensor, wrap
from .blocks import Jobs, bump
from .checks import refuse_capture
from .optimizer import Optimizer, no_grad_unless_differentiable


class Elementwise(Optimizer):
    """Steps each parameter with `_update`, block by block."""

    _as_real = True  # update complex parameters as pairs of real numbers
    _jobs: Jobs | None = None

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter that has not been stepped yet."""
        return {}

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        """What is computed once per parameter and step: numbers, and counts in `state`."""
        return {}

    def _update(
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any, **state: Any
    ) -> None:
        """Change `p` and the tensors of `state` in place; they are Plain blocks, or tensors."""
        raise NotImplementedError

    @no_grad_unless_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; returns what `closure` returns."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            fp.quiet(self._step_group, group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        if group.get("capturable"):
            refuse_capture()
        known = self._jobs
        if known is None:
            known = self._jobs = Jobs()
        jobs = []
        for p in group["params"]:
            gradient = p._grad
            if gradient is None:
                continue
            numbers, tensors = self._prepare(p, group)
            if group["differentiable"]:
                grad = -gradient if group["maximize"] else gradient
                self._update(group, numbers, p, grad, **tensors)
                continue
            job = known.find(p, tensors, self._as_real)
            job.begin(numbers, gradient._array)
            jobs.append(job)

        def update(numbers: dict[str, Any], p: Any, grad: Any, **state: Any) -> None:
            self._update(group, numbers, p, -grad if group["maximize"] else grad, **state)

        known.run(update, jobs)

    def _prepare(self, p: Tensor, group: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A parameter's numbers for this step, and its state tensors by name."""
        state = self.state[p]
        if not state:
            state.update(self._new_state(p, group))
        numbers = self._numbers(state, group, p)
        if not state:  # nothing to keep: leave no trace in the state dict
            del self.state[p]
            return numbers, state
        tensors = {k: v for k, v in state.items() if isinstance(v, Tensor) and k not in COUNTS}
        return numbers, tensors


# State that counts steps, one number per parameter: not part of the elementwise update.
COUNTS = frozenset({"step", "mu_product", "eta", "mu"})


def zeros_like(p: Tensor) -> Tensor:
    """Zeros in p's shape, dtype and order of dims in memory."""
    return wrap(np.zeros_like(p._array))


def scalar(value: float) -> Tensor:
    """A 0-d tensor that counts: float32, or float64 where that is the default."""
    double = dtypes.get_default_dtype() is dtypes.float64
    return wrap(np.array(value, np.float64 if double else np.float32))


def advance(state: dict[str, Any]) -> float:
    """Count one more step; returns how many it makes."""
    step = state["step"]
    step._array[...] += 1
    bump(step)
    return step._array.item()


def counts_as_tensors(optimizer: Optimizer) -> None:
    """Old state dicts hold step counts as numbers: make them tensors."""
    for state in optimizer.state.values():
        for name in COUNTS & state.keys():
            if not isinstance(state[name], Tensor):
                state[name] = scalar(float(state[name]))


def squeezed(value: Any) -> Any:
    """A hyperparameter given as a one-element tensor, as a 0-d tensor."""
    return value.squeeze() if isinstance(value, Tensor) and value.ndim else value
