"""What the optimizers require of their options, with torch's messages."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor


def check_lr(lr: Any) -> None:
    """A learning rate is a number, or a one-element tensor, not below zero."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_at_least_zero(**options: Any) -> None:
    """Raise ValueError naming the first option that is below zero (or NaN)."""
    for name, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


def check_betas(betas: Any) -> None:
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_fused(fused: Any, foreach: Any, differentiable: bool) -> None:
    """`fused` and `foreach` choose torch's implementation; here they change nothing."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def refuse_capture() -> None:
    """Graph capture needs an accelerator, here as in torch."""
    raise AssertionError(
        "If capturable=True, params and state_steps must be on supported devices: "
        "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla']."
    )
