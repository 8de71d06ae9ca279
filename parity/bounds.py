"""How far from the truth a sum may honestly end up: γₙ·(|J||x|), from the data of the sample.

For an op y = f(x), evaluated by any backward-stable summation of n terms in precision u,

    |ŷᵢ − yᵢ|  ≤  γ_{n+d} · ( Σⱼ |∂yᵢ/∂xⱼ|·|xⱼ| + |yᵢ| ),     γₙ = n·u / (1 − n·u),

where n is the number of inputs that yᵢ really depends on and d the op's other roundings (`depth`).
For a matrix product this is the textbook γₙ|A||B|; for a mean, a softmax or a convolution it is the
same bound with the right lengths and data, and gradients are covered as functions of the inputs and
the cotangents.  J comes from torch in float64, one row per output element that needs it.  Where torch
cannot differentiate a gradient once more, its being linear in the cotangents c still gives

    gⱼ = Σᵢ cᵢ ∂yᵢ/∂xⱼ,        |ĝⱼ − gⱼ|  ≤  γ_{n+d} · ( Σᵢ |cᵢ||∂yᵢ/∂xⱼ| + |gⱼ| ).

float16 and bfloat16 ops accumulate in float32 and round at each step that stores: d·u₁₆ + γₙ(u₃₂).

Matrix factorizations and solvers are backward stable in norm, not element by element: what is
computed is the exact answer for A + E with ‖E‖ ≤ γ·‖A‖, rounded in proportion to its own size.
To first order that allows (level "factorization")

    |ŷᵢ − yᵢ|  ≤  γ_{n+d} · ( Σ_A ‖∂yᵢ/∂A‖_F·‖A‖_F + maxₖ|yₖ| ),

summed over the matrices A among the arguments (each of a batch by itself).  The condition number
is in the Jacobian: nothing has to be said about it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

UNIT = {
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
    "float32": 2.0**-24,
    "float64": 2.0**-53,
    "complex64": 2.0**-24,
    "complex128": 2.0**-53,
}


def gamma(n: float | np.ndarray, unit: float) -> np.ndarray:
    """γₙ = n·u / (1 − n·u); infinity where n·u reaches 1."""
    product = n * unit
    return np.where(product < 1, product / np.maximum(1 - product, 1e-300), np.inf)


def allowance(terms: np.ndarray, depth: int, dtype: str) -> np.ndarray:
    """The factor in front of |J||x| for an output of `dtype` that depends on `terms` inputs."""
    if dtype in ("float16", "bfloat16"):
        return depth * UNIT[dtype] + gamma(terms, UNIT["float32"])
    factor = 2.0 if dtype.startswith("complex") else 1.0  # a complex product has twice the terms
    return gamma(factor * (terms + depth), UNIT[dtype])


def condition(weight: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Σⱼ |∂yᵢ/∂xⱼ||xⱼ| / |yᵢ|: how many relative roundings of its inputs a result is off."""
    with np.errstate(all="ignore"):
        return np.where(weight > 0, np.minimum(weight / np.maximum(size, 1e-300), 1e300), 1.0)


def _weight(gradient: Any, value: Any, normwise: bool) -> float:
    """Σⱼ |∂y/∂xⱼ||xⱼ| over one argument; or Σ ‖∂y/∂A‖‖A‖ over the matrices in it."""
    if normwise and gradient.ndim:
        dims = tuple(range(max(gradient.ndim - 2, 0), gradient.ndim))
        product = gradient.abs().square().sum(dims).sqrt() * value.abs().square().sum(dims).sqrt()
    else:
        product = gradient.abs() * value.abs()
    product = product.detach()
    return float(product[product.isfinite()].sum())


def sensitivity(
    torch: Any, output: Any, inputs: list, rows: np.ndarray, normwise: bool = False
) -> tuple[np.ndarray, np.ndarray] | None:
    """(Σⱼ |∂yᵢ/∂xⱼ||xⱼ|, number of inputs that count) for the flat indices `rows` of `output`.

    output: a float64 or complex128 tensor with a graph over `inputs`.  normwise: with the norms of
    whole matrices instead of their entries.  None where torch cannot differentiate it.
    """
    weight, terms = np.zeros(len(rows)), np.zeros(len(rows))
    if not output.requires_grad:
        return None
    parts = _real_parts(output)
    for k, index in enumerate(rows):
        for part in parts:
            try:
                found = torch.autograd.grad(
                    part[int(index)], inputs, retain_graph=True, allow_unused=True
                )
            except (RuntimeError, ValueError):  # torch has no third derivative of some ops
                return None
            for gradient, value in zip(found, inputs, strict=True):
                if gradient is not None:
                    weight[k] += _weight(gradient, value, normwise)
                    terms[k] += int((gradient != 0).sum())
    return weight, terms


def _real_parts(tensor: Any) -> list:
    flat = tensor.reshape(-1)
    return [flat.real, flat.imag] if flat.is_complex() else [flat]


def of_gradient(
    torch: Any, outputs: list, cotangents: list, leaf: Any, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """(Σᵢ |cᵢ||∂yᵢ/∂xⱼ|, number of them that count) for the flat indices `rows` of `leaf`.

    outputs: tensors with a graph over `leaf`; cotangents: one for each, of its shape.  One backward
    pass for every output element.  None where torch cannot.
    """
    weight, terms = np.zeros(leaf.numel()), np.zeros(leaf.numel())
    for output, cotangent in zip(outputs, cotangents, strict=True):
        for part in _real_parts(output):
            for value, size in zip(part, cotangent.detach().abs().reshape(-1), strict=True):
                try:
                    (slope,) = torch.autograd.grad(value, leaf, retain_graph=True, allow_unused=True)
                except (RuntimeError, ValueError):
                    return None
                if slope is not None:
                    slope = slope.detach().abs().reshape(-1).numpy()
                    weight += np.where(np.isfinite(slope), slope, 0) * float(size)
                    terms += slope != 0
    return weight[rows], terms[rows]
