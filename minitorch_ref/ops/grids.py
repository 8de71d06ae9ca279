"""Grids and products: matrices of blocks, coordinates, and every choice of elements."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..settings import warn_once
from ..tensor import Tensor, wrap
from .common import result_type
from .joining import _listed, stack
from .parts import narrow
from .registry import op
from .shaping import expand, flatten, reshape, view_


@op(method=False)
def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the tensors as blocks on its diagonal; vectors are rows."""
    tensors = tuple(_listed(tensors, "block_diag"))
    shapes = []
    for i, t in enumerate(tensors):
        if t.ndim > 2:
            raise RuntimeError(
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                f"Input {i} has {t.ndim} dimensions"
            )
        shapes.append(((1, 1) + t._array.shape)[-2:])
    if not tensors:
        return wrap(np.zeros((1, 0), result_type(0.0).np))
    rows, columns = (sum(s[d] for s in shapes) for d in (0, 1))
    data = np.zeros((rows, columns), result_type(*tensors).np)
    inputs, row, column = {}, 0, 0
    for i, (t, (m, n)) in enumerate(zip(tensors, shapes)):
        data[row : row + m, column : column + n] = t._array
        inputs[f"t{i}"] = (t, _block_rule(row, m, column, n, t._array.shape))
        row, column = row + m, column + n
    return record("BlockDiagBackward0", data, **inputs)


def _block_rule(row: int, m: int, column: int, n: int, shape: tuple[int, ...]) -> Any:
    return lambda g: reshape(narrow(narrow(g, 0, row, m), 1, column, n), shape)


@op(method=False)
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of the grid that vectors span, one tensor per vector; views.

    indexing: "ij" (the first vector along dim 0; the default) or "xy" (along dim 1).
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    vectors = _listed(tensors, "meshgrid")
    _check_grid(vectors, indexing)
    dims = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) >= 2:
        dims[0], dims[1] = 1, 0
    shape = [1] * len(vectors)
    for v, d in zip(vectors, dims):
        shape[d] = v.numel()
    grids = []
    for v, d in zip(vectors, dims):
        along = [1] * len(vectors)
        along[d] = v.numel()
        grids.append(expand(view_(v, along), *shape))
    return tuple(grids)


def _check_grid(vectors: list[Tensor], indexing: str | None) -> None:
    if indexing is None:
        warn_once(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument."
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(
            'torch.meshgrid: indexing must be one of "xy" or "ij", but received: ' + indexing
        )
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for v in vectors:
        if v.ndim > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{list(v.shape)}"
            )
        if v.dtype is not vectors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")


def _check_vector(input: Tensor) -> None:
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")


@op(method=False)
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Every choice of one element from each vector, as rows; one vector stays as it is."""
    for t in _listed(tensors, "cartesian_prod"):
        _check_vector(t)
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(grid) for grid in meshgrid(*tensors, indexing="ij")], 1)


@op
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of r elements of a vector, in its order, as rows."""
    _check_vector(input)
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return wrap(np.empty(0, input._array.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.numel()), r)), np.int64).reshape(-1, r)
    columns = np.ascontiguousarray(places.T)
    return stack([input.index_select(0, wrap(c)) for c in columns], 1)
