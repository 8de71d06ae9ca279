"""Adam and AdamW: steps scaled by running averages of the gradient and of its square.

(sources: Kingma & Ba 2015; Reddi et al. 2018 for AMSGrad; Loshchilov & Hutter 2019 for AdamW)
"""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import checks
from .elementwise import Elementwise, advance, counts_as_tensors, scalar, squeezed, zeros_like
from .optimizer import ParamsT
from .plain import kept, maximum_


class Adam(Elementwise):
    """m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  p ← p - lr·m̂ / (√v̂ + eps).

    m̂ and v̂ are m and v over 1-βᵗ, which undoes their start at zero.  amsgrad uses the largest v
    so far.  weight_decay adds λ·p to g, or shrinks p itself with decoupled_weight_decay.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError(
                "lr as a Tensor is not supported for capturable=False and foreach=True"
            )
        checks.check_lr(lr)
        checks.check_at_least_zero(eps=eps)
        checks.check_betas(betas)
        checks.check_at_least_zero(weight_decay=weight_decay)
        _check_beta_types(betas, foreach and not capturable)
        defaults = {
            "lr": lr,
            "betas": tuple(squeezed(beta) for beta in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        checks.check_fused(fused, foreach, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)
        counts_as_tensors(self)

    def _new_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": scalar(0.0), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(p)
        return state

    def _numbers(self, state: dict[str, Any], group: dict[str, Any], p: Tensor) -> dict[str, Any]:
        step = advance(state)
        beta1, beta2 = group["betas"]
        lr = squeezed(group["lr"])
        return {
            "shrink": 1 - lr * group["weight_decay"],
            "step_size": lr / (1 - beta1**step),
            "bias_correction2_sqrt": (1 - beta2**step) ** 0.5,
        }

    def _update(  # type: ignore[override]
        self, group: dict[str, Any], n: dict[str, Any], p: Any, grad: Any,
        exp_avg: Any, exp_avg_sq: Any, max_exp_avg_sq: Any = None,
    ) -> None:  # fmt: skip
        beta1, beta2 = group["betas"]
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p.mul_(n["shrink"])
            else:
                grad = grad.add(p, alpha=group["weight_decay"])
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        largest = exp_avg_sq
        if group["amsgrad"]:
            maximum_(max_exp_avg_sq, exp_avg_sq)
            largest = max_exp_avg_sq
        denom = (kept(largest).sqrt() / n["bias_correction2_sqrt"]).add_(group["eps"])
        p.addcdiv_(kept(exp_avg), denom, value=-n["step_size"])


class AdamW(Adam):
    """Adam with decoupled weight decay: p shrinks by lr·λ in each step, whatever the gradient."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def _check_beta_types(betas: Any, foreach: Any) -> None:
    tensors = [isinstance(beta, Tensor) for beta in betas]
    if not (all(tensors) or all(isinstance(beta, float) for beta in betas)):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if not tensors[i]:
            continue
        if foreach:
            raise ValueError(
                f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True"
            )
        if beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
