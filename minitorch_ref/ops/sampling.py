"""New random tensors: `rand`, `randn`, `randint`, `randperm`, `normal`, `bernoulli`, `multinomial`
…

Most are an empty tensor filled by one of the in-place methods of `random_fill.py`; what is decided
here is shape, dtype and layout.  The streams of random numbers are those of `random.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..autograd.graph import record
from ..autograd.inplace import bump, unwritten
from ..autograd.modes import no_grad
from ..dtypes import BOOL, COMPLEX, dtype
from ..kernels import draws
from ..random import (
    Generator,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
    source_of,
)  # fmt: skip
from ..tensor import Tensor, wrap
from .common import is_number
from .creation import check_tensor, empty_like
from .options import (
    Options,
    allocate,
    deliver,
    place,
    prepare_out,
    settle,
    size_of,
    to_int,
    to_shape,
)  # fmt: skip
from .random_fill import bernoulli_, fill_integers, normal_, standard_uniform
from .registry import op
from .table import broadcast_error
from .unrecorded import without_derivative

if TYPE_CHECKING:
    from typing import Unpack

__all__ = [
    "Generator", "bernoulli", "default_generator", "fork_rng", "get_rng_state", "initial_seed",
    "manual_seed", "multinomial", "normal", "poisson", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state",
]  # fmt: skip


def _blank(name: str, shape: Sequence[int], default: dtype, out: Any, options: Any) -> Any:
    """An uninitialised tensor to fill (or `out`), and whether it shall require grad afterwards."""
    if out is not None:
        return prepare_out(name, out, shape, options), options.get("requires_grad", False)
    kind, grad = settle(name, options, default)
    return wrap(allocate(shape, kind)), grad


def _done(filled: Tensor, grad: bool, out: Tensor | None) -> Tensor:
    """What was drawn into new memory has not been written to before; `out` has."""
    filled = unwritten(filled) if out is None else filled
    return filled.requires_grad_() if grad else filled


@op(method=False, own_out=True)
def rand(
    *size: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    **options: Unpack[Options],
) -> Tensor:
    """Uniform in [0, 1)."""
    shape = size_of("rand", size, options)
    blank, grad = _blank("rand", shape, dtypes.get_default_dtype(), out, options)
    return _done(standard_uniform(blank, generator), grad, out)


@op(method=False, own_out=True)
def randn(
    *size: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    **options: Unpack[Options],
) -> Tensor:
    """Normal with mean 0 and variance 1 (for a complex number: of both parts together)."""
    shape = size_of("randn", size, options)
    blank, grad = _blank("randn", shape, dtypes.get_default_dtype(), out, options)
    return _done(normal_(blank, generator=generator), grad, out)


@op(method=False, own_out=True)
def randint(
    *args: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """Integers in [low, high), int64 by default: `randint(high, size)`, `randint(low, high, size)`.

    Raises RuntimeError if low >= high or the dtype cannot hold them.
    """
    low, high, size = _integer_arguments(args, options)
    shape = to_shape("randint", size, max(len(args), 1))
    blank, grad = _blank("randint", shape, dtypes.int64, out, options)
    return _done(fill_integers(blank, low, high, generator), grad, out)


def _integer_arguments(args: tuple[Any, ...], options: Any) -> tuple[int, int, Any]:
    """low, high and size from positions and keywords (which are taken out of `options`)."""
    names = ["low", "high", "size"]
    given = {key: options.pop(key) for key in names if key in options}
    open_names = [key for key in names if key not in given]
    if "low" not in given and len(args) < len(open_names):
        open_names.remove("low")  # randint(high, size)
    given.update(zip(open_names, args))
    for key in ("high", "size"):
        if key not in given:
            raise TypeError(f'randint() missing 1 required positional arguments: "{key}"')
    position = 1 + ("low" in given)
    low = to_int("randint", "low", given.get("low", 0), 1)
    return low, to_int("randint", "high", given["high"], position), given["size"]


@op(method=False, own_out=True)
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    **options: Unpack[Options],
) -> Tensor:
    """0 … n-1 in random order, int64 by default.

    Raises RuntimeError if the dtype cannot count to n.
    """
    count = to_int("randperm", "n", n, 1)
    kind, grad = settle("randperm", options, dtypes.int64 if out is None else out.dtype)
    to_shape("randperm", (count,))  # not negative
    if kind.category in (BOOL, COMPLEX):
        raise NotImplementedError(f"\"randperm\" not implemented for '{kind.title}'")
    _check_countable(count, kind)
    array = draws.permutation(source_of(generator), count).astype(kind.np, copy=False)
    return deliver(array, grad) if out is None else place("randperm", array, out, options)


_EXACT = {"float16": (11, "2049"), "float32": (24, "2^24+1"), "float64": (53, "2^53+1")}


def _check_countable(count: int, kind: dtype) -> None:
    if kind.name in _EXACT:
        digits, shown = _EXACT[kind.name]
        if count > (1 << digits) + 1:
            raise RuntimeError(f"n cannot be greater than {shown} for {kind.title} type.")
    elif count - 1 > np.iinfo(kind.np).max:
        raise RuntimeError(f"value cannot be converted to type {kind.name}_t without overflow")


# ---- like another tensor -------------------------------------------------------------------------


def _blank_like(name: str, input: Any, memory_format: Any, options: Any) -> tuple[Tensor, bool]:
    check_tensor(name, input)
    kind, grad = settle(name, options, input.dtype)
    return empty_like(input, dtype=kind, memory_format=memory_format), grad


@op(method=False)
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    memory_format: Any = None,
    **options: Unpack[Options],
) -> Tensor:
    """Uniform in [0, 1), with `input`'s shape, dtype and order of dims."""
    blank, grad = _blank_like("rand_like", input, memory_format, options)
    return _done(standard_uniform(blank, generator), grad, None)


@op(method=False)
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    memory_format: Any = None,
    **options: Unpack[Options],
) -> Tensor:
    """Normal with mean 0 and variance 1, with `input`'s shape, dtype and order of dims."""
    blank, grad = _blank_like("randn_like", input, memory_format, options)
    return _done(normal_(blank, generator=generator), grad, None)


@op(method=False)
def randint_like(
    input: Tensor,
    *args: Any,
    generator: Generator | None = None,
    memory_format: Any = None,
    **options: Any,
) -> Tensor:
    """Integers in [low, high), with `input`'s shape, dtype and order of dims.

    `randint_like(input, high)`, `randint_like(input, low, high)`.
    """
    check_tensor("randint_like", input)
    low, high, _ = _integer_arguments((*args, ()), options)
    blank, grad = _blank_like("randint_like", input, memory_format, options)
    return _done(fill_integers(blank, low, high, generator), grad, None)


# ---- distributions with parameters ---------------------------------------------------------------


def _zero(g: Tensor) -> Tensor:
    return wrap(np.zeros_like(g._array))


@op(method=False, own_out=True)
def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    **options: Unpack[Options],
) -> Tensor:
    """Normal numbers: `mean` and `std` are tensors, or one of them is, or both are numbers.

    Two numbers need a `size`.  A tensor `mean` gives the dtype, else `std`.  Gradients towards both
    are zero.
    """
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    if size is not None or not tensors:
        if size is None or tensors or not (is_number(mean) and is_number(std)):
            raise TypeError(
                "normal() received an invalid combination of arguments - got "
                f"({type(mean).__name__}, {type(std).__name__})"
            )
        shape = to_shape("normal", size, 3)
        blank, grad = _blank("normal", shape, dtypes.get_default_dtype(), out, options)
        return _done(normal_(blank, mean, std, generator=generator), grad, out)
    if options:
        raise TypeError(f"normal() got an unexpected keyword argument '{next(iter(options))}'")
    with no_grad():
        result = _normal_around(mean, std, generator, out)
    if out is not None:
        return result
    name = "NormalBackward" + ("3" if len(tensors) == 2 else "1" if tensors[0] is mean else "2")
    inputs = {k: (x, _zero) for k, x in (("mean", mean), ("std", std)) if isinstance(x, Tensor)}
    return record(name, result._array, **inputs)


def _normal_around(mean: Any, std: Any, generator: Any, out: Tensor | None) -> Tensor:
    """Standard normal numbers, times std, plus mean: in the dtype of the first that is a tensor."""
    first = mean if isinstance(mean, Tensor) else std
    if isinstance(std, Tensor):
        if std.is_complex():
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std.numel() and not (std._array >= 0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    shape = tuple(first.shape)
    if first is not std and isinstance(std, Tensor):
        try:
            shape = np.broadcast_shapes(mean.shape, std.shape)
        except ValueError:
            raise broadcast_error(mean._array, std._array) from None
    if out is None:
        blank = wrap(allocate(shape, first.dtype))
    else:
        blank = prepare_out("normal", out, shape, {})
    if not isinstance(std, Tensor):
        return normal_(blank, 0.0, std, generator=generator).add_(mean)
    return normal_(blank, generator=generator).mul_(std).add_(mean)


@op(own_out=True)
def bernoulli(
    input: Tensor,
    p: float | None = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """1 with the probability that `input` says (or `p`), else 0; of `input`'s dtype."""
    check_tensor("bernoulli", input)
    with no_grad():
        if out is not None:
            blank = prepare_out("bernoulli", out, input.shape, {})
        else:
            blank = wrap(allocate(input.shape, input.dtype))
        bernoulli_(blank, input.detach() if p is None else p, generator=generator)
    if out is not None:
        return out
    if p is not None:
        return without_derivative("bernoulli", blank._array, input)
    return record("BernoulliBackward0", blank._array, input=(input, _zero))


@op(method=False)
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Poisson counts with the rates `input`, of its dtype.  RuntimeError if one is negative."""
    check_tensor("poisson", input)
    kind = input.dtype
    if not kind.is_floating_point:
        raise NotImplementedError(f"\"poisson_cpu\" not implemented for '{kind.title}'")
    rates = input._array.astype(np.float64).reshape(-1)
    if not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    counts = draws.convert(draws.poisson(source_of(generator), rates), kind.np)
    return record("PoissonBackward0", counts.reshape(input._array.shape), input=(input, _zero))


@op(own_out=True)
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Indices drawn with the weights `input`, 1-d or one row per distribution; int64.

    Raises RuntimeError for weights that are negative, not finite or all zero, and for more samples
    without replacement than there are categories.
    """
    check_tensor("multinomial", input)
    count = to_int("multinomial", "num_samples", num_samples, 2)
    _check_weights(input, count, replacement, out)
    weights = input._array if input.ndim == 2 else input._array[None]
    source = source_of(generator)
    if not weights.size:
        chosen = np.empty((len(weights), count), np.int64)
    elif replacement and count > 1:
        wide = weights.astype(np.float32) if weights.dtype == np.float16 else weights
        chosen = draws.choose_with_replacement(source, wide, count)
    else:
        chosen = draws.choose(source, weights, count)
    result = chosen if input.ndim == 2 else chosen[0]
    if out is None:
        return wrap(result)
    prepare_out("multinomial", out, result.shape, {})._array[...] = result
    bump(out)
    return out


def _check_weights(input: Tensor, count: int, replacement: bool, out: Tensor | None) -> None:
    kind, weights = input.dtype, input._array
    if not 0 < input.ndim <= 2:
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not kind.is_floating_point:
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {kind.title}"
        )
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.title}")
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )
    if weights.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    if not ((weights >= 0) & (weights < np.inf)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not weights.any(axis=-1).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
