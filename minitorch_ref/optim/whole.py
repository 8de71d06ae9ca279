"""Updates that need a parameter whole, as a matrix: Adafactor and Muon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.modes import enable_grad, no_grad
from ..tensor import Tensor
from .optimizer import Optimizer


class Whole(Optimizer):
    """Steps one parameter after the other with `_step_one`."""

    def _step_one(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change `p` and its state in place."""
        raise NotImplementedError

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have a gradient; returns what `closure` returns."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.is_complex():
                    raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
                self._step_one(p, p.grad, self.state[p], group)
        return loss
