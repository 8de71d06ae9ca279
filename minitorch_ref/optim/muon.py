"""Muon: the update of a matrix is its momentum made orthogonal.

With B = USVᵀ the momentum, the step goes along UVᵀ, found by five iterations of the polynomial
p(X) = aX + b(XXᵀ)X + c(XXᵀ)²X, which pulls all singular values towards 1, roughly.  torch iterates in
bfloat16, which NumPy does not have: here every result is rounded to 8 bits of mantissa instead.
(source: Keller Jordan, "Muon: an optimizer for hidden layers in neural networks", 2024)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ops.creation import zeros_like
from ..quiet import fp
from ..tensor import Tensor, wrap
from .optimizer import ParamsT
from .plain import number
from .whole import Whole

_ADJUSTMENTS = ("original", "match_rms_adamw")


class Muon(Whole):
    """B ← lerp(B, g, 1 − μ); p ← p·(1 − lr·λ) − lr′·orthogonal(lerp(g, B, μ)), for matrices p."""

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        """`adjust_lr_fn`: lr′ is lr·√max(1, rows/columns) ("original"), or 0.2·lr·√max(rows, columns).

        Raises ValueError for parameters that are no matrices, and for arguments out of range.
        """
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn is not None and adjust_lr_fn not in _ADJUSTMENTS:
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{p.size()}"
                    )

    def _step_one(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(grad)
        _update(p, grad, state["momentum_buffer"], group)


def _update(p: Tensor, grad: Tensor, buffer: Tensor, group: dict[str, Any]) -> None:
    lr, momentum = number(group["lr"]), group["momentum"]
    buffer.lerp_(grad, 1 - momentum)
    update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
    direction = orthogonal(
        update._array, group["ns_coefficients"], group["ns_steps"], group["eps"]
    )
    rows, columns = p.shape
    if group["adjust_lr_fn"] == "match_rms_adamw":
        ratio = 0.2 * math.sqrt(max(rows, columns))
    else:
        ratio = math.sqrt(max(1, rows / columns))
    p.mul_(1 - lr * group["weight_decay"])
    p.add_(wrap(direction.astype(p._array.dtype)), alpha=-lr * ratio)


def orthogonal(
    matrix: np.ndarray, coefficients: tuple[float, float, float], steps: int, eps: float
) -> np.ndarray:
    """UVᵀ, roughly, for the matrix USVᵀ, in float32 numbers of bfloat16's precision.

    Raises ValueError for 100 steps or more, or other than three coefficients.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = (np.float32(k) for k in coefficients)
    x = as_bfloat16(matrix)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    length = as_bfloat16(np.sqrt(np.add.reduce(x * x, axis=None, dtype=np.float32)))
    x = as_bfloat16(fp.quiet(np.divide, x, np.maximum(length, as_bfloat16(np.float32(eps)))))
    for _ in range(steps):
        gram = as_bfloat16(x @ x.T)
        change = as_bfloat16(b * gram + c * (gram @ gram))
        x = as_bfloat16(a * x + change @ x)
    return x.T if tall else x


def as_bfloat16(x: Any) -> np.ndarray:
    """`x` rounded to the nearest number with 8 bits of mantissa, halves to even, as float32."""
    single = np.asarray(x, np.float32)
    bits = single.view(np.uint32)
    rounded = bits + (0x7FFF + (bits >> 16 & 1))
    return np.where(np.isnan(single), single, (rounded & 0xFFFF0000).view(np.float32))
