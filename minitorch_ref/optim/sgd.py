"""SGD: gradient descent with momentum, Nesterov's look-ahead and weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from . import checks
from .elementwise import Elementwise, squeezed
from .optimizer import ParamsT


class SGD(Elementwise):
    """b ← μ·b + (1 - dampening)·g;  p ← p - lr·b, with nesterov p ← p - lr·(g + μ·b).

    weight_decay adds λ·p to g first.  The first step takes b = g.
    """

    _as_real = False

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)
        checks.check_fused(fused, foreach, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", False)

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        first = group["momentum"] != 0 and state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = wrap(np.empty_like(p._array))
        return {"first": first, "lr": squeezed(group["lr"])}

    def _update(  # type: ignore[override]
        self,
        group: dict[str, Any],
        n: dict[str, Any],
        p: Any,
        grad: Any,
        momentum_buffer: Any = None,
    ) -> None:
        if group["weight_decay"] != 0:
            grad = _add_scaled(grad.clone(), p, group["weight_decay"])
        if group["momentum"] != 0:
            if n["first"]:
                momentum_buffer.copy_(grad.detach())
            else:
                momentum_buffer.mul_(group["momentum"]).add_(grad, alpha=1 - group["dampening"])
            if group["nesterov"]:
                grad = grad.add(momentum_buffer, alpha=group["momentum"])
            else:
                grad = momentum_buffer
        _add_scaled(p, grad, n["lr"], sign=-1)


def _add_scaled(x: Any, y: Any, scale: Any, sign: int = 1) -> Any:
    """x += sign·scale·y; a scale that is itself being differentiated stays a tensor."""
    if isinstance(scale, Tensor) and scale.requires_grad and isinstance(x, Tensor):
        return x.addcmul_(y.clone(), scale, value=sign)
    return x.add_(y, alpha=scale if sign == 1 else -scale)
