"""Adagrad and Adadelta: steps divided by the gradient's history, in full or as a running average.

(sources: Duchi, Hazan & Singer 2011; Zeiler 2012)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from . import checks
from .elementwise import Elementwise, advance, counts_as_tensors, scalar, squeezed, zeros_like
from .optimizer import ParamsT
from .plain import kept


class Adagrad(Elementwise):
    """s ← s + g²;  p ← p - lr/(1 + (t-1)·lr_decay) · g / (√s + eps)."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        checks.check_lr(lr)
        checks.check_at_least_zero(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        checks.check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(self._new_state(p, group))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("fused", None)
        counts_as_tensors(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        start = self.defaults["initial_accumulator_value"]
        if p.is_complex():
            start = complex(start, start)
        return {"step": scalar(0.0), "sum": wrap(np.full_like(p._array, start))}

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        step = advance(state)
        return {"clr": squeezed(group["lr"]) / (1 + (step - 1) * group["lr_decay"])}

    def _update(  # type: ignore[override]
        self,
        group: dict[str, Any],
        n: dict[str, Any],
        p: Any,
        grad: Any,
        sum: Any,  # noqa: A002
    ) -> None:
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        sum.addcmul_(grad, grad, value=1)
        std = kept(sum).sqrt().add(group["eps"])
        p.addcdiv_(grad, std, value=-n["clr"])


class Adadelta(Elementwise):
    """v ← ρv + (1-ρ)g²;  Δ = g·√(u + eps)/√(v + eps);  u ← ρu + (1-ρ)Δ²;  p ← p - lr·Δ."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        checks.check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        checks.check_at_least_zero(eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)
        counts_as_tensors(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0.0), "square_avg": zeros_like(p), "acc_delta": zeros_like(p)}

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        advance(state)
        return {"lr": squeezed(group["lr"])}

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any,
        square_avg: Any, acc_delta: Any,
    ) -> None:  # fmt: skip
        rho, eps = group["rho"], group["eps"]
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        std = square_avg.add(eps).sqrt_()
        delta = acc_delta.add(eps).sqrt_() / std * grad
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-n["lr"])
