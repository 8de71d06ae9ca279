"""Reductions."""

from __future__ import annotations

import numpy as np

from ..autograd.graph import record
from ..dtypes import dtype as DType
from ..quiet import fp
from ..tensor import Tensor
from .common import Dims, kept_shape, sum_dtype, wrap_dims
from .conversion import cast
from .registry import op


@op(out=True)
def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The sum over `dim` (all dims by default); integers are summed in int64."""
    x = cast(input, sum_dtype(input, dtype))
    array = x._array
    dims = wrap_dims(dim, array.ndim)
    data = fp.quiet(np.add.reduce, array, axis=dims, keepdims=keepdim)
    shape, kept = array.shape, kept_shape(array.shape, dims)
    name = "SumBackward0" if dim is None else "SumBackward1"
    return record(name, data, x=(x, lambda g: g.reshape(kept).expand(shape)))
