"""Updates that treat every element alike: all optimizers but L-BFGS.

An optimizer of this kind gives three things: the state a parameter starts with, the numbers of
one step (step size, bias corrections ...), and the update itself.  The update is run on `Plain`
arrays, a block of the parameter at a time, so that gradient, state and temporaries meet in the
cache whatever the parameter's size.  With `differentiable=True` the same update runs on the tensors
themselves, and is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.modes import enable_grad
from ..tensor import Tensor, wrap
from .checks import refuse_capture
from .optimizer import Optimizer, no_grad_unless_differentiable
from .plain import Plain

BLOCK = 8192  # elements: five float32 operands of this size fit the second-level cache


class Elementwise(Optimizer):
    """Steps each parameter with `_update`, block by block."""

    _as_real = True  # update complex parameters as pairs of real numbers

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
        with np.errstate(all="ignore"):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._step_one(p, group)
        return loss

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state.update(self._new_state(p, group))
        if group.get("capturable"):
            refuse_capture()
        numbers = self._numbers(state, group, p)
        if not state:  # nothing to keep: leave no trace in the state dict
            del self.state[p]
        tensors = {k: v for k, v in state.items() if isinstance(v, Tensor) and k not in COUNTS}
        if group["differentiable"]:
            grad: Any = -p.grad if group["maximize"] else p.grad  # type: ignore[operator]
            self._update(group, numbers, p, grad, **tensors)
            return
        names = list(tensors)
        changed = [p, *tensors.values()]
        gradient = p.grad._array  # type: ignore[union-attr]
        for block in _blocks([t._array for t in changed], gradient, self._as_real):
            param, grad, *rest = (Plain(a) for a in block)
            if group["maximize"]:
                grad = -grad
            self._update(group, numbers, param, grad, **dict(zip(names, rest)))
        for tensor in changed:
            bump(tensor)


# State that counts steps, one number per parameter: not part of the elementwise update.
COUNTS = frozenset({"step", "mu_product", "eta", "mu"})


def _blocks(changed: list[np.ndarray], grad: np.ndarray, as_real: bool) -> Any:
    """(param, grad, *state) as flat pieces of at most BLOCK elements; whole if not contiguous."""
    param, *state = changed
    arrays = [param, grad, *state]
    if not all(a.flags.c_contiguous for a in arrays):
        grad = np.ascontiguousarray(grad) if param.flags.c_contiguous else grad
        arrays[1] = grad
    if as_real and param.dtype.kind == "c":
        arrays = [_real_view(a) for a in arrays]
    if not all(a.flags.c_contiguous for a in arrays):
        return [arrays]
    if param.size <= BLOCK:
        return [[a.reshape(-1) for a in arrays]]
    flat = [a.reshape(-1) for a in arrays]
    return ([a[i : i + BLOCK] for a in flat] for i in range(0, flat[0].size, BLOCK))


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
