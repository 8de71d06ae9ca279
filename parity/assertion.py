"""`assert_parity(a, b, oracle=…)`: one comparison with derived bounds, for tests of your own."""

from __future__ import annotations

from typing import Any

import numpy as np

from .bounds import UNIT, gamma
from .outcome import Check
from .ulp import spacing
from .values import compare_arrays


class ParityError(AssertionError):
    """Two results differ by more than rounding explains; `.check` has the figures."""

    def __init__(self, message: str, check: Check) -> None:
        super().__init__(message)
        self.check = check


def as_array(value: Any) -> np.ndarray:
    """The values of a tensor of any engine, an array, or a number."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):
        value = value.detach()
        value = value.cpu() if hasattr(value, "cpu") else value
        value = value.resolve_conj().resolve_neg() if hasattr(value, "resolve_conj") else value
        return np.asarray(value.numpy())
    return np.asarray(value)


def assert_parity(
    a: Any,
    b: Any,
    oracle: Any = None,
    *,
    terms: int | None = None,
    magnitude: Any = None,
    exact: bool = False,
    name: str = "result",
) -> Check:
    """Raise ParityError unless `a` is as good a result as `b`; return the figures otherwise.

    a, b: tensors, arrays or numbers; `b` is the reference.
    oracle: the same result in higher precision; without one, only the distance of a and b counts.
    terms, magnitude: for sums, the number of terms of each element and Σ|term| (an array that
        broadcasts to the result, |A|@|B| for a matrix product): the bound is γ_terms·magnitude.
    exact: demand the same bits.
    """
    ours, theirs = as_array(a), as_array(b)
    truth = None if oracle is None else as_array(oracle)

    def bound(rows: np.ndarray) -> np.ndarray:
        size = np.broadcast_to(
            np.abs(as_array(magnitude)).astype(np.float64), theirs.shape
        ).reshape(-1)[rows]
        real = np.dtype(
            theirs.dtype.name.replace("complex64", "float32").replace("complex128", "float64")
        )
        return (
            gamma(float(terms or 0), UNIT[theirs.dtype.name])
            * size
            / spacing(np.abs(theirs.reshape(-1)[rows]).astype(np.float64), real)
        )

    summed = terms is not None and magnitude is not None
    level = "exact" if exact else "sum" if summed else "ulp"
    check = compare_arrays(ours, theirs, name, level, lambda: truth, bound if summed else None)
    if not check.verdict.ok:
        raise ParityError(f"{name}: {check.verdict}: {check.detail}", check)
    return check
