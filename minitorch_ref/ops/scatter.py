"""Moving elements by an index along one dim: gather and scatter.

    gather      out[i][j] = input[index[i][j]][j]          (dim 0)
    scatter     out[index[i][j]][j] = src[i][j]

Gathering and adding-scatter are each other's gradients, so second derivatives come for free.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record
from ..autograd.inplace import move_to
from ..kernels import scatter as kernels
from ..settings import warn_once
from ..tensor import Tensor, wrap
from .common import dtype_of, is_number, wrap_dim
from .indexing import number_as
from .parts import put_slice
from .registry import op
from .table import bad_argument
from .writing import exact_out, write_exactly, written_by

_INTEGERS = "lqi"  # characters of the types of an index: int64, int32

# ---- checks --------------------------------------------------------------------------------------


def need_tensor(name: str, argument: str, position: int, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise bad_argument(name, argument, position, value)
    return value


def as_dims(array: np.ndarray) -> np.ndarray:
    """An array with a dim to index along: one without dims counts as one of size one."""
    return array.reshape(1) if array.ndim == 0 else array


def _check_sizes(
    name: str, own: np.ndarray, dim: int, index: np.ndarray, source: np.ndarray | None = None
) -> None:
    """Raise torch's RuntimeError unless `index` fits in `own` (not along `dim`) and `source`."""
    what = "input" if name == "gather" else "self"
    for other, word in ((own, what), (source, "src")):
        if other is not None and max(other.ndim, 1) != max(index.ndim, 1):
            raise RuntimeError(
                f"Index tensor must have the same number of dimensions as {word} tensor"
            )
    sizes, limits = as_dims(index).shape, as_dims(own).shape
    for d, n in enumerate(sizes):
        if d != dim and n > limits[d]:
            if name == "gather":
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(sizes)} to be no "
                    f"larger than self {list(limits)} apart from dimension {dim}"
                )
            raise RuntimeError(_too_large(index, own, dim, source))
        if source is not None and n > as_dims(source).shape[d]:
            raise RuntimeError(_too_large(index, own, dim, source))


def _too_large(index: np.ndarray, own: np.ndarray, dim: int, source: np.ndarray | None) -> str:
    text = (
        f"Expected index {list(index.shape)} to be no larger than self {list(own.shape)} apart "
        f"from dimension {dim}"
    )
    if source is None:
        return text
    return text + f" and to be no larger size than src {list(source.shape)}"


def check_bounds(
    name: str, index: np.ndarray, size: int, dim: int, error: type[Exception] = RuntimeError
) -> None:
    outside = kernels.first_outside(index, size)
    if outside is not None:
        raise error(f"{name}index {outside} is out of bounds for dimension {dim} with size {size}")


def _integers(name: str, index: Tensor) -> np.ndarray:
    if index._array.dtype.char not in _INTEGERS:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    return index._array


# ---- gather --------------------------------------------------------------------------------------


@op(own_out=True)
@exact_out()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """out[i][j] = input[index[i][j]][j] for dim 0; `index` has as many dims as `input`.

    Raises RuntimeError for an index out of bounds, of another type than integer, or too large.
    """
    dim = wrap_dim(dim, input.ndim)
    array, where = input._array, _integers("gather", need_tensor("gather", "index", 2, index))
    if where.size == 0:
        data = np.empty(where.shape, array.dtype)
    else:
        _check_sizes("gather", array, dim, where)
        check_bounds("", where, as_dims(array).shape[dim], dim)
        data = kernels.gather(as_dims(array), dim, as_dims(where)).reshape(where.shape)
    shape = array.shape

    def back(g: Tensor, index: Tensor) -> Tensor:
        return scatter_add(wrap(np.zeros(shape, g._array.dtype)), dim, index, g)

    return record("GatherBackward0", data, input=(input, back), index=index)


# ---- scatter -------------------------------------------------------------------------------------

_REDUCE_WARNING = (
    "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a "
    "future PyTorch release. Use torch.scatter_reduce instead for more reduction options."
)
_UFUNCS = {"add": np.add, "multiply": np.multiply}


def _scatter_kernel(
    array: np.ndarray, dim: int, index: Tensor, src: Any = None, *,
    value: Any = None, reduce: str | None = None,
) -> None:  # fmt: skip
    if reduce is not None and isinstance(src, Tensor):
        warn_once(_REDUCE_WARNING)
    dim, where, source = scatter_arguments("scatter", array, dim, index, src, value)
    if where.size == 0:
        return
    if reduce is None:
        kernels.scatter(as_dims(array), dim, where, source)
    elif reduce in _UFUNCS:
        kernels.scatter_with(_UFUNCS[reduce], as_dims(array), dim, where, source)
    else:
        raise RuntimeError("reduce argument must be either add or multiply.")


def scatter_arguments(
    name: str, array: np.ndarray, dim: int, index: Tensor, src: Any, value: Any = None
) -> tuple[int, np.ndarray, np.ndarray]:
    """The dim, the index and the source (as large as the index), checked."""
    own = dtype_of(array)
    dim = wrap_dim(dim, array.ndim)
    where = _integers(name, need_tensor(name, "index", 2, index))
    src = value if src is None else src
    if isinstance(src, Tensor):
        if src.dtype is not own:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
        source = src._array
    elif is_number(src) and name == "scatter":
        source = np.broadcast_to(number_as(src, own), where.shape)
    else:
        raise bad_argument(name, "src", 3, src)
    if where.size:
        _check_sizes(name, array, dim, where, source if isinstance(src, Tensor) else None)
        check_bounds("", where, as_dims(array).shape[dim], dim)
        source, where = as_dims(source), as_dims(where)
        source = source[tuple([slice(n) for n in where.shape])]
    return dim, where, source


@op(inplace=True, own_out=True)
@written_by(_scatter_kernel)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *,
    value: Any = None, reduce: str | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """out[index[i][j]][j] = src[i][j] for dim 0, elsewhere `input`; `src` may be a number.

    `reduce` ("add" or "multiply") combines instead of overwriting, and has no gradient.
    """
    data = input._array.copy()
    _scatter_kernel(data, dim, index, src, value=value, reduce=reduce)
    src = value if src is None else src
    if reduce is not None:
        result = record(
            "NotImplemented", data, input=(input, _no_gradient), src=(src, _no_gradient)
        )
        if out is None:
            return result
        write_exactly(out, wrap(data), "scatter")  # torch knows no gradient, and so refuses none
        move_to(out, result)
        return out
    name = "ScatterBackward0" if isinstance(src, Tensor) else "ScatterBackward1"
    result = record(
        name,
        data,
        input=(input, lambda g, index: scatter(g, dim, index, 0)),
        src=(src, _gradient_of_source(dim, src)),
        index=index,
    )
    return result if out is None else write_exactly(out, result, "scatter")


def _gradient_of_source(dim: int, src: Any) -> Any:
    """The rule for what was scattered: its elements are where the index put them.

    torch's `grad.gather(dim, index)`; a source larger than the index gets zeros beyond it.
    """
    shape = src._array.shape if isinstance(src, Tensor) else ()

    def back(g: Tensor, index: Tensor) -> Tensor:
        part = gather(g, dim, index)
        if part._array.shape == shape:
            return part
        return put_slice(part, shape, tuple([slice(n) for n in part._array.shape]))

    return back


def _no_gradient(g: Tensor) -> Tensor:
    raise RuntimeError("derivative for aten::scatter is not implemented")


def _scatter_add_kernel(array: np.ndarray, dim: int, index: Tensor, src: Tensor) -> None:
    dim, where, source = scatter_arguments("scatter_add", array, dim, index, src)
    if where.size:
        kernels.scatter_with(np.add, as_dims(array), dim, where, source)


@op(inplace=True, own_out=True)
@exact_out()
@written_by(_scatter_add_kernel)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """out[index[i][j]][j] += src[i][j] for dim 0, one after the other."""
    data = input._array.copy()
    _scatter_add_kernel(data, dim, index, src)
    return record(
        "ScatterAddBackward0",
        data,
        input=(input, lambda g: g),
        src=(src, _gradient_of_source(dim, src)),
        index=index,
    )
