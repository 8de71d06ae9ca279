"""Gradients checked against differences: the proof that a rule is the derivative of its forward.

For every output element i and input element j the analytic Jacobian (backward with a one at i) is
held against the central difference (f(x + εe_j) − f(x − εe_j)) / 2ε.  In float64 with ε = 1e-6 the
difference is good to about 1e-9 · |f''' | + 1e-10 · |f|, far inside the tolerances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import complex128, float64
from ..settings import warn_caller
from ..tensor import Tensor, wrap
from .engine import grad


class GradcheckError(RuntimeError):
    """The analytic and the numerical gradient differ."""


def _outputs(result: Any) -> list[Tensor]:
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [r for r in results if isinstance(r, Tensor) and r.is_floating_point() | r.is_complex()]


def _parts(kind: np.dtype) -> tuple[complex, ...]:
    """The directions in which an element can move: real, and imaginary for complex numbers."""
    return (1, 1j) if kind.kind == "c" else (1,)


def _numerical(function: Callable[..., Any], inputs: Sequence[Any], x: Tensor, eps: float) -> Any:
    """d output / d x, one row per (element of x, direction), for each output."""
    array, rows = x._array, []
    for index in np.ndindex(array.shape):
        for direction in _parts(array.dtype):
            kept, sides = array[index].copy(), []
            for step in (eps, -eps):
                array[index] = kept + array.dtype.type(step * direction)
                sides.append([o._array.copy() for o in _outputs(function(*inputs))])
            array[index] = kept
            rows.append([(high - low) / (2 * eps) for high, low in zip(*sides)])
    return rows


def _analytical(outputs: list[Tensor], x: Tensor) -> Any:
    """The same rows from backward: gradients of each output element's real and imaginary part."""
    columns: list[Any] = []
    for out in outputs:
        if not out.requires_grad:
            columns.append(None)
            continue
        parts = {}
        for index in np.ndindex(out._array.shape):
            for unit in _parts(out._array.dtype):
                seed = np.zeros_like(out._array)
                seed[index] = unit
                (g,) = grad([out], [x], [wrap(seed)], retain_graph=True, allow_unused=True)
                parts[index, unit] = np.zeros_like(x._array) if g is None else g._array
        columns.append(parts)
    return columns


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    fast_mode: bool = False,
    **unused: Any,
) -> bool:
    """Whether backward gives the derivatives of `func` at `inputs` (float64 tensors, small).

    Raises GradcheckError naming the first element that differs, or returns False then if
    `raise_exception` is False.  Raises ValueError if no input requires grad.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    for i, x in enumerate(inputs):
        if isinstance(x, Tensor) and x.requires_grad and x.dtype not in (float64, complex128):
            warn_caller(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. "
                "This check will likely fail if all the inputs are not of double precision floating "
                "point or complex. "
            )
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    try:
        _check_all(func, inputs, checked, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_all(
    func: Any, inputs: Any, checked: Any, eps: float, atol: float, rtol: float, nondet_tol: float
) -> None:
    outputs = _outputs(func(*inputs))
    if not any(o.requires_grad for o in outputs):
        if any(np.any(np.asarray(d) != 0) for x in checked for d in _numerical(func, inputs, x, eps)):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        return
    for number, x in enumerate(checked):
        analytic = _analytical(outputs, x)
        again = _analytical(outputs, x)
        numeric = _numerical(func, inputs, x, eps)
        for o, parts in enumerate(analytic):
            if parts is not None:
                _same_each_time(parts, again[o], nondet_tol)
                _compare(parts, [row[o] for row in numeric], x, (o, number), atol, rtol)


def _same_each_time(first: Any, second: Any, tolerance: float) -> None:
    for key, value in first.items():
        if np.any(np.abs(value - second[key]) > tolerance):
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output "
                "multiple times gives different values, although analytical gradient matches "
                "numerical gradient."
            )


def _compare(
    parts: Any, rows: list[Any], x: Tensor, names: tuple[int, int], atol: float, rtol: float
) -> None:
    """Each element of the two Jacobians, complex numbers as pairs of real ones."""
    kind = x._array.dtype
    moves = [(i, d) for i in np.ndindex(x._array.shape) for d in _parts(kind)]
    for (move, direction), row in zip(moves, rows):
        for (index, unit), g in parts.items():
            # Re(conj(unit) · df) is what moved; Re(conj(g) · direction) is what backward says
            moved = float(np.real(np.conj(unit) * row[index]))
            said = float(np.real(np.conj(g[move]) * direction))
            if not abs(moved - said) <= atol + rtol * abs(moved):
                raise GradcheckError(
                    f"Jacobian mismatch for output {names[0]} with respect to input {names[1]}, at "
                    f"output element {index}, input element {move}:\n"
                    f"numerical: {moved!r}\nanalytical: {said!r}"
                )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    gen_non_contig_grad_outputs: bool = False,
    **options: Any,
) -> bool:
    """Whether the gradient of the gradient is right; options as in `gradcheck`.

    `grad_outputs`: what backward starts from; drawn from a fixed stream if None.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        stream = np.random.RandomState(0)
        grad_outputs = [_random_like(o, stream) for o in _outputs(func(*inputs)) if o.requires_grad]
    else:
        grad_outputs = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    count = len(grad_outputs)

    def first_gradients(*arguments: Any) -> tuple[Any, ...]:
        own, seeds = arguments[:-count], arguments[-count:]
        outputs = [o for o in _outputs(func(*own)) if o.requires_grad]
        wanted = [x for x in own if isinstance(x, Tensor) and x.requires_grad]
        found = grad(outputs, wanted, list(seeds), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(first_gradients, (*inputs, *grad_outputs), **options)


def _random_like(out: Tensor, stream: Any) -> Tensor:
    values = stream.standard_normal(out._array.shape).astype(out._array.dtype)
    if out.is_complex():
        values = values + 1j * stream.standard_normal(out._array.shape).astype(values.real.dtype)
    seed = wrap(np.asarray(values, out._array.dtype))
    seed.requires_grad = True
    return seed
