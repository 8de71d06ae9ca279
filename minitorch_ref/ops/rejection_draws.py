"""Gamma, Dirichlet and binomial numbers: one for every element of a tensor of parameters.

torch keeps the first two under private names, for `torch.distributions`.  A gamma number has a
gradient towards its shape: see `kernels/implicit.py`.
"""

from __future__ import annotations

import numpy as np

from ..autograd.graph import record
from ..quiet import fp
from ..random import Generator, source_of
from ..tensor import Tensor
from .creation import check_tensor
from .registry import op
from .table import broadcast_error
from .unrecorded import without_derivative

_WIDTHS = ("float32", "float64")


def _check(name: str, kernel: str, input: Tensor) -> None:
    check_tensor(name, input)
    if input.dtype.name not in _WIDTHS:
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")


@op(method=False)
def _standard_gamma(self: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma numbers of rate 1 with the shapes `self`, which they follow with a gradient."""
    _check("_standard_gamma", "gamma_cpu", self)
    from ..kernels import rejection  # imported when first used

    drawn = rejection.gamma(source_of(generator), self._array)
    return record(
        "StandardGammaBackward0",
        drawn,
        self=(self, lambda g, self, out: g * standard_gamma_grad(self, out)),
    )


def standard_gamma_grad(self: Tensor, output: Tensor) -> Tensor:
    """How gamma numbers `output` move with their shapes `self`: d output / d self."""
    from ..kernels import implicit

    slope = _by_element(implicit.gamma_slope, self, output)
    return without_derivative("_standard_gamma_grad", slope, self)


@op(method=False)
def _sample_dirichlet(self: Tensor, generator: Generator | None = None) -> Tensor:
    """A point of the simplex for every row of concentrations along the last dim."""
    _check("_sample_dirichlet", "dirichlet", self)
    from ..kernels import rejection

    drawn = rejection.dirichlet(source_of(generator), self._array)
    return without_derivative("_sample_dirichlet", drawn, self)


def dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """How parts `x` grow with their concentration `alpha`, in units of the rest they take it from;
    `total` is the sum of all concentrations."""
    from ..kernels import implicit

    slope = _by_element(lambda x, a, t: implicit.beta_slope(x, a, t - a), x, alpha, total)
    return without_derivative("_dirichlet_grad", slope, x, alpha, total)


def _by_element(slope, *operands: Tensor) -> np.ndarray:  # type: ignore[no-untyped-def]
    """`slope` of broadcast float64 arrays, rounded to the operands' type."""
    wide = np.broadcast_arrays(*[x._array.astype(np.float64) for x in operands])
    return np.asarray(fp.quiet(slope, *wide)).astype(operands[0]._array.dtype)


@op(method=False)
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed, each with the chance `prob`; of their common dtype.

    Raises ValueError or RuntimeError for types that are not floating or differ.
    """
    for name, x in (("count", count), ("prob", prob)):
        check_tensor("binomial", x)
        if not x.is_floating_point():
            raise ValueError(
                f"binomial only supports floating-point dtypes for {name}, got: {x.dtype.title}"
            )
    if count.dtype is not prob.dtype:
        raise RuntimeError(f"Found dtype {prob.dtype.title} but expected {count.dtype.title}")
    _check("binomial", "binomial_cpu", count)
    try:
        counts, chances = np.broadcast_arrays(count._array, prob._array)
    except ValueError:
        raise broadcast_error(count._array, prob._array) from None
    from ..kernels import rejection

    drawn = rejection.binomial(source_of(generator), counts, chances)
    return without_derivative("binomial", drawn, count, prob)
