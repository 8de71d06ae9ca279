"""What the functions of linear algebra share: their error, and what they ask of a matrix.

The last two dims are the matrix, all dims before them are a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.modes import no_grad, state
from ..dtypes import FLOATING, can_cast, float16
from ..kernels.layout import laid_out, row_major
from ..tensor import Tensor
from .numpy_names import numpy_names, rename
from .registry import refuse_grad, write_out
from .table import bad_argument


class _LinAlgError(RuntimeError):
    """Numbers for which the result does not exist: singular, not positive definite, no convergence."""


_LinAlgError.__module__ = "torch._C"  # where torch has it: tracebacks read the same
LinAlgError = _LinAlgError


def check_tensor(x: Any, name: str, argument: str = "A") -> None:
    """Raise TypeError for anything but a tensor."""
    if not isinstance(x, Tensor):
        raise bad_argument(name, argument, 1, x)


def check_matrix(x: Tensor, name: str, argument: str = "A") -> None:
    """Raise RuntimeError for fewer than two dims, TypeError for anything but a tensor."""
    check_tensor(x, name, argument)
    if x.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")


def check_square(x: Tensor, name: str, argument: str = "A") -> None:
    """Raise RuntimeError unless `x` is a batch of square matrices."""
    check_matrix(x, name, argument)
    rows, columns = x._array.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are {rows} by "
            f"{columns} matrices"
        )


def check_inexact(x: Tensor, name: str, low_precision: bool = True) -> None:
    """Raise RuntimeError for dtypes without fractions (and for half, unless `low_precision`)."""
    if x.dtype.category < FLOATING:
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {x.dtype.title}"
        )
    if x.dtype is float16 and not low_precision:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {x.dtype.title}")


def failed(name: str, info: np.ndarray, complaint: str) -> LinAlgError:
    """The error for the first matrix of a batch whose LAPACK `info` is not zero.

    `complaint` says what is wrong; "{info}" in it stands for the number.
    """
    where = ""
    if info.ndim:
        where = f"(Batch element {int(np.flatnonzero(info)[0])}): "
    number: Any = int(info.reshape(-1)[np.flatnonzero(info)[0]])
    return LinAlgError(f"{name}: {where}{complaint.format(info=number)}")


def check_lapack(x: Tensor, kernel: str) -> None:
    """Raise NotImplementedError for the dtypes that LAPACK has no routines for, in torch's words."""
    if x._array.dtype.char not in "fdFD":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.title}'")


def columns(array: np.ndarray) -> np.ndarray:
    """The same matrices stored column by column, as LAPACK (and so torch) leaves its results."""
    *batch, rows, n = array.shape
    *steps, step, one = row_major((*batch, n, rows), array.itemsize)
    return laid_out(array, (*steps, one, step))


def castable_out(name: str, *results: str, rule: str = "cast") -> Callable[..., Any]:
    """Give a function `out=` of any dtype that its result (called so and so) can be cast to.

    `rule`: "traced" where operands that require grad are not refused (see `OUT_RULES`).
    """
    short = name.rpartition(".")[2]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        names = numpy_names(function)

        @functools.wraps(function)
        def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
            if kwargs:
                rename(kwargs, names)
            if out is None:
                return function(*args, **kwargs)
            outs = (out,) if isinstance(out, Tensor) else tuple(out)
            if rule == "cast":
                refuse_grad(short, (*args, *kwargs.values(), *outs))
            found = function(*args, **kwargs)
            values = (found,) if isinstance(out, Tensor) else found
            for target, value, what in zip(outs, values, results):
                if not can_cast(value.dtype, target.dtype):
                    raise RuntimeError(
                        f"{name}: Expected {what} to be safely castable from {value.dtype.title} "
                        f"dtype, but got {what} with dtype {target.dtype.title}"
                    )
                write_out(target, value, short, rule)
            return out if isinstance(out, Tensor) else type(found)(outs)

        return call

    return decorate


def copied_out(name: str) -> Callable[..., Any]:
    """As `castable_out` for one result, which is copied: `out` gets its gradient."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if out is None:
                return result
            if not can_cast(result.dtype, out.dtype):
                raise RuntimeError(
                    f"{name}: Expected result to be safely castable from {result.dtype.title} dtype, "
                    f"but got result with dtype {out.dtype.title}"
                )
            with no_grad():
                write_out(out, result)  # resizes
            return out.copy_(result) if result._requires_grad and state.grad else out

        return call

    return decorate
