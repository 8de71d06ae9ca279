"""Adamax, NAdam and RAdam: three answers to what Adam's first steps and its denominator should be.

(sources: Kingma & Ba 2015, section 7; Dozat 2016; Liu et al. 2020)
"""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
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
from .plain import kept, maximum_


class _AdamFamily(Elementwise):
    """Options and defaults that the three have in common."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            group.setdefault("maximize", False)
            group.setdefault("differentiable", False)
            group.setdefault("capturable", False)
            if "decoupled_weight_decay" in self.defaults:
                group.setdefault("decoupled_weight_decay", False)
        counts_as_tensors(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0.0), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}


def _check(lr: Any, betas: Any, eps: float, weight_decay: float) -> None:
    checks.check_lr(lr)
    checks.check_at_least_zero(eps=eps)
    checks.check_betas(betas)
    checks.check_at_least_zero(weight_decay=weight_decay)


def _decayed(group: dict[str, Any], p: Any, grad: Any) -> Any:
    """Weight decay, in the gradient or on the parameter itself."""
    if group["weight_decay"] == 0:
        return grad
    if group.get("decoupled_weight_decay"):
        p.mul_(1 - squeezed(group["lr"]) * group["weight_decay"])
        return grad
    return grad.add(p, alpha=group["weight_decay"])


class Adamax(_AdamFamily):
    """Adam with the infinity norm: u ← max(β₂u, |g| + eps);  p ← p - lr/(1-β₁ᵗ) · m/u."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _check(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0.0), "exp_avg": zeros_like(p), "exp_inf": zeros_like(p)}

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        bias_correction = 1 - group["betas"][0] ** advance(state)
        return {"clr": squeezed(group["lr"]) / bias_correction}

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any,
        exp_avg: Any, exp_inf: Any,
    ) -> None:  # fmt: skip
        beta1, beta2 = group["betas"]
        grad = _decayed(group, p, grad)
        exp_avg.lerp_(grad, 1 - beta1)
        maximum_(exp_inf.mul_(beta2), grad.abs().add_(group["eps"]))
        p.addcdiv_(kept(exp_avg), kept(exp_inf), value=-n["clr"])


class NAdam(_AdamFamily):
    """Adam with Nesterov's look-ahead, and a momentum μₜ = β₁(1 - ½·0.96^(t·momentum_decay))."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check(lr, betas, eps, weight_decay)
        checks.check_at_least_zero(momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": scalar(0.0),
            "mu_product": scalar(1.0),
            "exp_avg": zeros_like(p),
            "exp_avg_sq": zeros_like(p),
        }

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        step = advance(state)
        (beta1, beta2), decay = group["betas"], group["momentum_decay"]
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * decay)))
        product = state["mu_product"]
        product._array[...] *= mu
        bump(product)
        lr, so_far = squeezed(group["lr"]), product.item()
        return {
            "bias_correction2": 1 - beta2**step,
            "grad_step": -lr * (1.0 - mu) / (1.0 - so_far),
            "exp_avg_step": (-lr * mu_next) / (1.0 - so_far * mu_next),
        }

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any,
        exp_avg: Any, exp_avg_sq: Any,
    ) -> None:  # fmt: skip
        beta1, beta2 = group["betas"]
        grad = _decayed(group, p, grad)
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = (exp_avg_sq / n["bias_correction2"]).sqrt().add(group["eps"])
        p.addcdiv_(grad, denom, value=n["grad_step"])
        p.addcdiv_(kept(exp_avg), denom, value=n["exp_avg_step"])


class RAdam(_AdamFamily):
    """Adam that scales its first steps down by how little the variance estimate is worth yet.

    ρₜ is the length of a simple moving average that would know as much; up to 5 the step is plain
    momentum, from there on Adam's, times the rectification term.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _check(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        step = advance(state)
        beta1, beta2 = group["betas"]
        bias_correction2 = 1 - beta2**step
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * step * (beta2**step) / bias_correction2
        rect = None
        if rho > 5.0:
            length = (rho - 4) * (rho - 2) * rho_inf
            rect = (length / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
        return {
            "lr": squeezed(group["lr"]),
            "bias_correction1": 1 - beta1**step,
            "bias_correction2_sqrt": bias_correction2**0.5,
            "rect": rect,
        }

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any,
        exp_avg: Any, exp_avg_sq: Any,
    ) -> None:  # fmt: skip
        beta1, beta2 = group["betas"]
        grad = _decayed(group, p, grad)
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        update = exp_avg / n["bias_correction1"] * n["lr"]
        if n["rect"] is not None:
            adaptive = n["bias_correction2_sqrt"] / kept(exp_avg_sq).sqrt().add(group["eps"])
            update = update * adaptive * n["rect"]
        p.add_(update, alpha=-1.0)
