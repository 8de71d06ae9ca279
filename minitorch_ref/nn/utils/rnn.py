"""Sequences of different lengths in one tensor: padded to the longest, or packed.

Packed, the rows of the first step of every sequence come first, then those of the second step of
all sequences that have one, and so on: each step is one block, nothing is computed for padding.
The sequences are in order of decreasing length; `sorted_indices` says how they got there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from ...dtypes import (
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
)
from ...ops.from_data import as_tensor, tensor
from ...ops.ranges import arange
from ...tensor import Tensor
from ..functional.recurrent import packed, padded

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
    "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class PackedSequence_(NamedTuple):  # noqa: N801 - torch's name
    """The fields of a packed batch; both orders are None if it was sorted already."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """Sequences packed step by step; made by `pack_padded_sequence` and `pack_sequence`."""

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Cast or move the data; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        return self.to(*args, **kwargs) if args or kwargs else self

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        return self.to(*args, **{"device": "cuda", **kwargs})

    def double(self) -> Self:
        return self.to(dtype=float64)

    def float(self) -> Self:
        return self.to(dtype=float32)

    def half(self) -> Self:
        return self.to(dtype=float16)

    def long(self) -> Self:
        return self.to(dtype=int64)

    def int(self) -> Self:
        return self.to(dtype=int32)

    def short(self) -> Self:
        return self.to(dtype=int16)

    def char(self) -> Self:
        return self.to(dtype=int8)

    def byte(self) -> Self:
        return self.to(dtype=uint8)

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one; None for None."""
    if permutation is None:
        return None
    places = arange(0, permutation.numel())
    return permutation.new_zeros(permutation.shape).scatter_(0, permutation, places)


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack (T, N, *), or (N, T, *), of which only the first `lengths[n]` steps count.

    Raises RuntimeError for lengths that are not positive or, if `enforce_sorted`, not decreasing.
    """
    counts, order = as_tensor(lengths, dtype=int64), None
    if not enforce_sorted:
        counts, order = counts.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    steps = input.transpose(0, 1) if batch_first else input
    data, sizes = packed(steps, _checked(counts, steps.size(1)))
    return PackedSequence(data, tensor(sizes), order, None)


def _checked(lengths: Tensor, batch: int) -> list[int]:
    """The lengths as numbers.  Raises RuntimeError in torch's words."""
    if lengths.ndim != 1:
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{lengths.ndim}D cpu {lengths.dtype.title} tensor"
        )
    found = lengths.tolist()
    if len(found) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(found)} "
            f"(batch_size={batch})"
        )
    if found[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if any(a < b for a, b in zip(found, found[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    return found


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """(T, N, *), or (N, T, *), in the original order, and the lengths.

    Raises ValueError if `total_length` is less than the longest sequence.
    """
    length = sequence.batch_sizes.size(0)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being {length}"
            )
        length = total_length
    out, found = padded(sequence.data, sequence.batch_sizes.tolist(), padding_value, length)
    out, lengths = (out.transpose(0, 1) if batch_first else out), tensor(found)
    back = sequence.unsorted_indices
    if back is None:
        return out, lengths
    return out.index_select(0 if batch_first else 1, back), lengths[back]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (Lᵢ, *)."""
    lengths = [item.size(0) for item in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed."""
    out, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(out, lengths, batch_first=True)


def pad_sequence(
    sequences: Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (Lᵢ, *) as one (L, N, *), or (N, L, *), L being the longest; the rest padding."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    items = list(sequences)
    if not items:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be left or right, but got {padding_side}")
    longest = max(item.size(0) for item in items)
    outer = (len(items), longest) if batch_first else (longest, len(items))
    padded = items[0].new_full((*outer, *items[0].shape[1:]), padding_value)
    rows = padded if batch_first else padded.transpose(0, 1)
    for place, item in enumerate(items):
        start = longest - item.size(0) if padding_side == "left" else 0
        rows[place, start : start + item.size(0)] = item
    return padded


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences that `pad_sequence` padded on the right."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[: int(length)] for row, length in zip(rows, lengths)]
