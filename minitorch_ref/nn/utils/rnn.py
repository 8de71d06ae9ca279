"""Sequences of different lengths in one tensor."""

from __future__ import annotations

from collections.abc import Iterable

from ...tensor import Tensor


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
