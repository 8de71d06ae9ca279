"""Rprop and ASGD: steps by the gradient's sign alone, and averaged stochastic gradient descent.

(sources: Riedmiller & Braun 1993; Polyak & Juditsky 1992, with Bottou's schedule)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from . import checks
from .blocks import bump
from .elementwise import (
    Elementwise,
    advance,
    counts_as_tensors,
    scalar,
    squeezed,
    zeros_like,
)
from .optimizer import ParamsT
from .plain import kept, number


def _set_flags(optimizer: Elementwise) -> None:
    for group in optimizer.param_groups:
        group.setdefault("foreach", None)
        group.setdefault("maximize", False)
        group.setdefault("differentiable", False)
        group.setdefault("capturable", False)
    counts_as_tensors(optimizer)


class Rprop(Elementwise):
    """Each element has a step size of its own: it grows while the gradient keeps its sign.

    etas: what the size is multiplied by when the sign changes, and when it stays; step_sizes: its
    bounds.  Where the sign has changed, the element rests for one step.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        checks.check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_flags(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        lr = number(group["lr"])
        size = np.full_like(p._array, complex(lr, lr) if p.is_complex() else lr)
        return {"step": scalar(0.0), "prev": zeros_like(p), "step_size": wrap(size)}

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        advance(state)
        return {}

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any, prev: Any, step_size: Any
    ) -> None:
        etaminus, etaplus = group["etas"]
        factor = (grad * kept(prev)).sign()
        factor[factor.gt(0)] = etaplus
        factor[factor.lt(0)] = etaminus
        factor[factor.eq(0)] = 1
        step_size.mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.clone()
        grad[factor.eq(etaminus)] = 0
        p.addcmul_(grad.sign(), kept(step_size), value=-1)
        prev.copy_(grad)


class ASGD(Elementwise):
    """p ← (1 - lambd·η)p - η·g, with the average of p kept in state["ax"].

    η = lr / (1 + lambd·lr·t)^alpha; averaging starts at step t0.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        checks.check_lr(lr)
        checks.check_at_least_zero(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _set_flags(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": scalar(0.0),
            "eta": scalar(number(group["lr"])),
            "mu": scalar(1.0),
            "ax": zeros_like(p),
        }

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        step = advance(state)
        now = {"eta": state["eta"].item(), "mu": state["mu"].item()}
        lr = squeezed(group["lr"])
        eta = number(lr / ((1 + group["lambd"] * lr * step) ** group["alpha"]))
        for name, value in (("eta", eta), ("mu", 1 / max(1, step - group["t0"]))):
            state[name]._array[...] = value  # for the next step
            bump(state[name])
        return now

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any, ax: Any
    ) -> None:
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        p.mul_(1 - group["lambd"] * n["eta"]).add_(grad, alpha=-n["eta"])
        if n["mu"] == 1:
            ax.copy_(p)
        else:
            ax.add_(p.sub(ax).mul_(n["mu"]))
