"""RMSprop: steps divided by a running root mean square of the gradient.  (source: Hinton, 2012)"""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import checks
from .elementwise import Elementwise, advance, counts_as_tensors, scalar, squeezed, zeros_like
from .optimizer import ParamsT


class RMSprop(Elementwise):
    """v ← α·v + (1-α)g²;  p ← p - lr·g / (√v + eps).

    centered subtracts the square of the gradient's running mean from v; momentum sums the steps up.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        checks.check_lr(lr)
        checks.check_at_least_zero(
            eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha
        )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("momentum", 0)
            group.setdefault("centered", False)
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)
        counts_as_tensors(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": scalar(0.0), "square_avg": zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = zeros_like(p)
        return state

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        advance(state)
        return {"lr": squeezed(group["lr"])}

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any,
        square_avg: Any, momentum_buffer: Any = None, grad_avg: Any = None,
    ) -> None:  # fmt: skip
        alpha = group["alpha"]
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            grad_avg.lerp_(grad, 1 - alpha)
            avg = square_avg.addcmul(grad_avg, grad_avg, value=-1).sqrt_()
        else:
            avg = square_avg.sqrt()
        avg = avg.add(group["eps"])
        if group["momentum"] > 0:
            momentum_buffer.mul_(group["momentum"]).addcdiv_(grad, avg)
            p.add_(momentum_buffer, alpha=-n["lr"])
        else:
            p.addcdiv_(grad, avg, value=-n["lr"])
