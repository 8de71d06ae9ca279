"""Lookup tables: embedding, embedding_bag and one_hot.

The gradient of a lookup adds each row of g back into the row it was read from; its own gradient is
a lookup again.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ...autograd.graph import record, rename
from ...autograd.inplace import bump
from ...kernels import scatter
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor, wrap


@op(namespace="nn.functional")
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """weight[input]: indices of any shape (*), weight (rows, D) → (*, D).

    The row `padding_idx` gets no gradient.  `max_norm` first shortens the rows in use *in place*.
    Raises IndexError for an index out of range.  `sparse` gradients are dense here.
    """
    if padding_idx is not None:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    if max_norm is not None:
        embedding_renorm_(weight, _checked_index(input, weight), max_norm, norm_type)
    return lookup(weight, input, padding_idx, scale_grad_by_freq)


def lookup(weight: Tensor, indices: Tensor, padding: int | None, by_frequency: bool) -> Tensor:
    """weight[indices], after torch's checks."""
    return _lookup(weight, _checked_index(indices, weight), padding, by_frequency)


def _checked_index(input: Tensor, weight: Tensor) -> np.ndarray:
    """The indices as int64.  Raises torch's errors for other dtypes and for missing rows."""
    index = input._array
    if index.dtype.char not in "lqi":
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got torch.{input.dtype.legacy} instead "
            "(while checking arguments for embedding)"
        )
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if scatter.first_outside(index, len(weight._array)) is not None:
        raise IndexError("index out of range in self")
    return index.astype(np.int64)  # a copy: the graph keeps it, and the user may write to the input


def _lookup(weight: Tensor, index: np.ndarray, padding: int | None, by_frequency: bool) -> Tensor:
    rows = weight._array.shape[0]
    return record(
        "EmbeddingBackward0",
        weight._array.take(index, axis=0),
        weight=(weight, lambda g: _lookup_grad(g, index, rows, padding, by_frequency)),
    )


def _lookup_grad(
    g: Tensor, index: np.ndarray, rows: int, padding: int | None, by_frequency: bool
) -> Tensor:
    flat = index.reshape(-1)
    data = _add_rows(g._array.reshape(flat.size, g._array.shape[-1]), flat, rows)
    if by_frequency:
        counts = np.maximum(np.bincount(flat, minlength=rows), 1).astype(data.dtype)
        data /= counts[:, None]
    if padding is not None:
        data[padding] = 0
    return record(
        "EmbeddingDenseBackwardBackward0",
        data,
        g=(g, lambda gg: _lookup(_scaled(gg, flat, padding, by_frequency), index, None, False)),
    )


def _scaled(gg: Tensor, flat: np.ndarray, padding: int | None, by_frequency: bool) -> Tensor:
    """The transpose of what `_lookup_grad` did to the rows after adding them up."""
    if padding is None and not by_frequency:
        return gg
    scale = np.ones((gg._array.shape[0], 1), gg._array.dtype)
    if by_frequency:
        scale[:, 0] /= np.maximum(np.bincount(flat, minlength=len(scale)), 1)
    if padding is not None:
        scale[padding] = 0
    return gg * wrap(scale)


def _add_rows(g: np.ndarray, index: np.ndarray, rows: int) -> np.ndarray:
    """Row r of the result is the sum of g's rows at which the index is r."""
    out = np.zeros((rows, g.shape[1]), g.dtype)
    fp.quiet(scatter.add_rows, out, 0, index, g)
    return out


def embedding_renorm_(
    weight: Tensor, index: np.ndarray, max_norm: float, norm_type: float = 2.0
) -> Tensor:
    """Shorten, in place and unrecorded, the rows in use whose p-norm exceeds `max_norm`."""
    used = np.unique(index)
    rows = weight._array[used]
    with np.errstate(all="ignore"):
        norms = np.linalg.norm(rows.astype(np.float64), ord=norm_type, axis=1).astype(rows.dtype)
    long = norms > max_norm
    scale = (max_norm / (norms[long].astype(np.float64) + 1e-7)).astype(rows.dtype)
    weight._array[used[long]] = rows[long] * scale[:, None]
    bump(weight)
    return weight


# ---- bags ----------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or maximum of each bag of looked-up rows: (bags, D).

    input (B, N): B bags of N; or (N) with `offsets` (B), where each bag begins.  Entries equal to
    `padding_idx` are left out of their bag; an empty bag gives zeros.
    Raises ValueError for arguments that do not fit together, RuntimeError for offsets or indices
    out of range.
    """
    if weight._array.dtype == np.int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. "
            "Usage `embedding_bag(weight, input, ...)` is deprecated, "
            "and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    _check_bag(input, weight, offsets, per_sample_weights, mode, scale_grad_by_freq, sparse)
    index, starts = _flat_bags(input, weight, offsets, include_last_offset)
    if max_norm is not None:
        embedding_renorm_(weight, index, max_norm, norm_type)
    bag = np.searchsorted(starts, np.arange(index.size), side="right") - 1
    scales = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        counted = np.flatnonzero(index != padding_idx % weight.size(0))
        index, bag = index[counted], bag[counted]
        scales = None if scales is None else scales.index_select(0, wrap(counted))
    rows = _lookup(weight, index, None, scale_grad_by_freq)
    if scales is not None:
        rows = rows * scales.unsqueeze(-1)
    return _bagged(rows, bag, len(starts), mode)


def _check_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None, scales: Tensor | None, mode: str,
    by_frequency: bool, sparse: bool,
) -> None:  # fmt: skip
    if scales is not None and input.size() != scales.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({scales.shape}) is not None, "
            f"then it must have the same shape as the input ({input.shape})"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of"
            f" fixed length sequences. However, found offsets of type {type(offsets)}"
        )
    if input.ndim == 1 and offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if input.ndim == 1 and offsets is not None and offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if input.ndim not in (1, 2):
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_frequency:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if scales is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )


def _flat_bags(
    input: Tensor, weight: Tensor, offsets: Tensor | None, include_last: bool
) -> tuple[np.ndarray, np.ndarray]:
    """All indices in one row, and where each bag begins in it."""
    index = input._array.reshape(-1)
    wrong = np.flatnonzero((index < 0) | (index >= weight.size(0)))
    if wrong.size:
        raise RuntimeError(
            f"Index {wrong[0]} of input takes value {index[wrong[0]]} which is not in the valid "
            f"range [0, {weight.size(0)})"
        )
    if offsets is None:
        n = input.size(1)
        return index.astype(np.int64), np.arange(input.size(0)) * n
    starts = offsets._array
    if starts.size and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {starts[0]}"
        )
    if starts.size and starts[-1] > index.size:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {index.size} but got offsets[-1] "
            f"of {starts[-1]}"
        )
    return index.astype(np.int64), starts[:-1] if include_last else starts.copy()


def _bagged(rows: Tensor, bag: np.ndarray, bags: int, mode: str) -> Tensor:
    """Row b of the result combines the rows whose bag is b."""
    counts = np.bincount(bag, minlength=bags)
    if mode == "max":
        return _largest(rows, bag, counts)
    total = _bag_sum(rows, bag, bags)
    if mode == "mean":
        total = total / wrap(np.maximum(counts, 1).astype(rows._array.dtype)[:, None])
    if total._node is not None:
        rename(total, "EmbeddingBagBackward0")
    return total


def _bag_sum(rows: Tensor, bag: np.ndarray, bags: int) -> Tensor:
    data = _add_rows(rows._array, bag, bags)
    return record(
        "EmbeddingBagBackward0", data, rows=(rows, lambda g: _lookup(g, bag, None, False))
    )


def _largest(rows: Tensor, bag: np.ndarray, counts: np.ndarray) -> Tensor:
    """The first largest element of each bag and column; zeros for an empty bag."""
    x = rows._array
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    filled = counts > 0
    chosen = np.zeros((counts.size, x.shape[1]), np.int64)
    for b in np.flatnonzero(filled):
        chosen[b] = starts[b] + np.argmax(x[starts[b] : starts[b] + counts[b]], axis=0)
    picked = rows.gather(0, wrap(chosen)) if x.size else rows.new_zeros(chosen.shape)
    result = picked.masked_fill(wrap(~filled[:, None]), 0)
    if result._node is not None:
        rename(result, "EmbeddingBagBackward0")
    return result


@op(namespace="nn.functional")
def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """int64 zeros of shape (*, num_classes) with a 1 at each class; −1: as many as are needed.

    Raises RuntimeError for other dtypes than int64, and for classes out of range.
    """
    classes = tensor._array
    if classes.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if classes.size:
        if classes.min() < 0:
            raise RuntimeError("Class values must be non-negative.")
        if num_classes == -1:
            num_classes = int(classes.max()) + 1
        elif classes.max() >= num_classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    elif num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    return wrap((classes[..., None] == np.arange(num_classes)).astype(np.int64))
