"""Adafactor: Adam's second moment kept as the product of one row and one column.

For a gradient of n × m the mean squares of its rows and of its columns are averaged over time,
n + m numbers; their outer product over their mean estimates the n × m second moments.  The step
relative to the size of the parameter, and the clipping of the update's RMS, take the place of the
first moment.  (source: Shazeer & Stern 2018, with torch's ε₁)
"""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..ops.creation import zeros_like
from ..ops.from_data import tensor
from ..tensor import Tensor
from .optimizer import ParamsT
from .plain import number
from .whole import Whole


class Adafactor(Whole):
    """β₂ = 1 - t^τ; p ← p - max(ε₂, RMS(p))·min(lr, 1/√t) · u / max(1, RMS(u)/d), u = g/√v."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
            "foreach": foreach, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _step_one(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state.update(_new_state(grad))
        _update(p, -grad if group["maximize"] else grad, state, group)


def _new_state(grad: Tensor) -> dict[str, Tensor]:
    state = {"step": tensor(0.0, dtype=dtypes.float32)}
    if grad.dim() < 2:
        return state | {"variance": zeros_like(grad)}
    *outer, rows, columns = grad.shape
    return state | {
        "row_var": grad.new_zeros([*outer, rows, 1]),
        "col_var": grad.new_zeros([*outer, 1, columns]),
    }


def _update(p: Tensor, grad: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
    lr, (eps1, eps2) = number(group["lr"]), group["eps"]
    eps1 = dtypes.finfo(p.dtype).eps if eps1 is None else eps1
    state["step"] += 1
    t = state["step"].item()
    fresh = t ** group["beta2_decay"]  # 1 - β₂
    alpha = max(eps2, _rms(p)) * min(lr, 1 / t**0.5)
    if group["weight_decay"] != 0:
        p.mul_(1 - lr * group["weight_decay"])
    update = _second_moment(grad, state, fresh, eps1).clamp_(min=eps1 * eps1).rsqrt_()
    update.mul_(grad)
    p.add_(update, alpha=-alpha / max(1.0, _rms(update, group["d"])))


def _rms(x: Tensor, times: float = 1.0) -> float:
    return x.norm(2).item() / (x.numel() ** 0.5 * times)


def _second_moment(
    grad: Tensor, state: dict[str, Tensor], fresh: float, eps: float
) -> Tensor:
    """The estimate of the mean squared gradient, in new memory."""
    if grad.dim() < 2:
        return state["variance"].lerp_(grad * grad, fresh).clone()
    for name, dim in (("row_var", -1), ("col_var", -2)):
        squares = grad.norm(dim=dim, keepdim=True).square_().div_(grad.size(dim))
        state[name].lerp_(squares, fresh)
    row = state["row_var"]
    return (row @ state["col_var"]).div_(row.mean(dim=-2, keepdim=True).clamp_(min=eps))
