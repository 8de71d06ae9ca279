"""`vmap`: a function of one example, mapped over a dim of its arguments.

Here it is the loop that it stands for: the function runs once for each slice, and its results are
stacked.  So it composes with everything, and it accepts more than torch's does: numbers may be
taken out of tensors, and branches may depend on them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops.joining import stack
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor
from .trees import flatten, map_leaves, spread, unflatten

_KINDS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """A function that runs `func` on every slice of its arguments, and stacks what it returns.

    `in_dims`, `out_dims`: the dim that is mapped, for all arguments and results or in a nest like
    theirs; None for an argument that every call gets whole.  `randomness`: "error" if `func` draws
    random numbers, "different" or the "same" numbers for each slice.  `chunk_size` changes nothing.
    Raises ValueError for dims that do not fit, RuntimeError for random numbers unasked.
    """
    if randomness not in _KINDS:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(
            f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})"
        )

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        name = _name(func)
        map_leaves(functools.partial(_check_out_dim, name, out_dims), out_dims)
        leaves, shape = flatten(args)
        dims = _dims_of(name, in_dims, args, leaves, shape)
        size = _size(dims, leaves)

        def call(i: int) -> Any:
            own = [x if d is None else _slice(x, d, i, size) for x, d in zip(leaves, dims)]
            return func(*unflatten(own, shape), **kwargs)

        results = _each(call, max(size, 1), randomness)
        return _joined(name, results, out_dims, size)

    return wrapper


def _slice(x: Tensor, dim: int, i: int, size: int) -> Tensor:
    """Slice `i`; of nothing, one of zeros, which tells what a result looks like."""
    return x.select(dim, i) if size else x.new_zeros(x.shape[:dim] + x.shape[dim + 1 :])


def _each(call: Callable[[int], Any], count: int, randomness: str) -> list[Any]:
    """The results of all calls, with random numbers as they are asked for."""
    start = None if randomness == "different" else get_rng_state()
    results = []
    for i in range(count):
        if i and randomness == "same" and start is not None:
            set_rng_state(start)
        results.append(call(i))
    if randomness == "error" and start is not None:
        if not np.array_equal(get_rng_state()._array, start._array):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the "
                "'same' or 'different' randomness flags on vmap or perform the randomness operation "
                "out of vmap"
            )
    return results


# ---- arguments -------------------------------------------------------------------------------------


def _name(func: Callable[..., Any]) -> str:
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return getattr(func, "__name__", repr(func))


def _dims_of(
    name: str, in_dims: Any, args: tuple[Any, ...], leaves: list[Any], shape: Any
) -> list[int | None]:
    """The mapped dim of each leaf, counted from the front; None where there is none."""
    start = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{start}expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are "
            "trying to vmap over a function with no inputs. The latter is unsupported."
        )
    dims = spread(in_dims, shape)
    if dims is None:
        raise ValueError(
            f"{start}in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{flatten(in_dims)[1]} but inputs has structure {shape}."
        )
    return [_dim_of(start, x, dim) for x, dim in zip(leaves, dims)]


def _dim_of(start: str, x: Any, dim: Any) -> int | None:
    if dim is None:
        return None
    if not isinstance(dim, int):
        raise ValueError(
            f"{start}Got in_dim={dim} for an input but in_dim must be either an integer dimension or "
            "None."
        )
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{start}Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap "
            "over non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -x.dim() <= dim < x.dim():
        raise ValueError(
            f"{start}Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
            f"{x.dim()} so expected in_dim to satisfy -{x.dim()} <= in_dim < {x.dim()}."
        )
    return dim % x.dim()


def _size(dims: list[int | None], leaves: list[Any]) -> int:
    sizes = [x.shape[d] for x, d in zip(leaves, dims) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


# ---- results ---------------------------------------------------------------------------------------


def _check_out_dim(name: str, out_dims: Any, dim: Any) -> None:
    if dim is not None and not isinstance(dim, int):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should appear."
        )


def _joined(name: str, results: list[Any], out_dims: Any, size: int) -> Any:
    """The results of all calls as one, each leaf stacked along its own dim."""
    leaves, shape = zip(*[flatten(r) for r in results])
    if isinstance(results[0], Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        dims: list[Any] | None = list(out_dims)
    else:
        dims = spread(out_dims, shape[0])
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the "
            f"structure of `outputs`. out_dims has structure {flatten(out_dims)[1]} but outputs has "
            f"structure {shape[0]}."
        )
    joined = [_join(name, list(each), dim, size) for each, dim in zip(zip(*leaves), dims)]
    return unflatten(joined, shape[0])


def _join(name: str, each: list[Any], dim: int | None, size: int) -> Any:
    if dim is None:
        if isinstance(each[0], Tensor) and not all(_same(each[0], x) for x in each):
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        return each[0]
    if not isinstance(each[0], Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(each[0])}. Did you "
            "mean to set out_dims= to None for output?"
        )
    joined = stack(each, dim)
    return joined if size else joined.narrow(dim, 0, 0)


def _same(a: Tensor, b: Tensor) -> bool:
    return a is b or np.array_equal(a._array, b._array, equal_nan=a._array.dtype.kind in "fc")
