"""What a loss does with its elements: keep them ("none"), or take their mean or their sum."""

from __future__ import annotations

import warnings

import numpy as np

from ...tensor import Tensor


def reduction_of(
    reduction: str, size_average: bool | None = None, reduce: bool | None = None
) -> str:
    """The reduction meant by the three arguments; the older two overrule `reduction`, and warn.

    Raises ValueError for a name that is none of "none", "mean" and "sum".
    """
    if size_average is not None or reduce is not None:
        return legacy_get_string(size_average, reduce)
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            stacklevel=3,
        )
        return "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def legacy_get_string(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> str:
    """The reduction that the deprecated arguments stand for."""
    size_average = True if size_average is None else size_average
    reduce = True if reduce is None else reduce
    name = "none" if not reduce else "mean" if size_average else "sum"
    if emit_warning:
        warnings.warn(
            "size_average and reduce args will be deprecated, "
            f"please use reduction='{name}' instead.",
            stacklevel=4,
        )
    return name


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """`loss` after its reduction."""
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def reduced_array(loss: np.ndarray, reduction: str, kind: np.dtype) -> np.ndarray:
    """The same for an array: computed in the loss's own type, then rounded once to `kind`."""
    if reduction != "none":
        total = np.add.reduce(loss, axis=None)
        loss = total / loss.dtype.type(loss.size) if reduction == "mean" else total
    return np.asarray(loss, kind)
