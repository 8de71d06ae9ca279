"""Connectionist temporal classification: how likely a sequence of labels is, however it is spread.

The labels, with blanks between them, are the states a path may walk through, one frame a step: it
stays, advances by one, or skips a blank between two different labels.  α adds up all paths to a state
from the start, β all paths from it to the end (Graves et al. 2006).  Sums are of logarithms, in double
precision.  The gradient is torch's: that of log_softmax is folded into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...dtypes import float32, float64
from ...ops.masking import where
from ...ops.registry import op
from ...ops.unrecorded import without_derivative
from ...tensor import Tensor, wrap

_WHERE = "(while checking arguments for ctc_loss_allocate_outputs)"


@op(namespace="nn.functional")
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """−log of the probability of `targets` under `log_probs`, [T, N, C] or [T, C].

    targets: [N, S], or all of them in one row.  "mean" divides each loss by the length of its target
    first.  Targets too long for their input give inf, or 0 with `zero_infinity`.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    inputs = _lengths("input_lengths", input_lengths)
    lengths = _lengths("target_lengths", target_lengths)
    single = log_probs.ndim == 2 and _is_scalar(input_lengths)
    x = log_probs.unsqueeze(1) if single else log_probs
    loss = _losses(x, targets, inputs, lengths, blank, zero_infinity)
    if zero_infinity:
        loss = where(loss == float("inf"), loss.new_zeros(()), loss)
    if reduction == "mean":
        sizes = np.maximum(np.array(lengths, loss._array.dtype), 1)
        return (loss / wrap(sizes)).mean()
    if reduction == "sum":
        return loss.sum()
    return loss.squeeze(0) if single else loss


def _is_scalar(lengths: Any) -> bool:
    return (lengths.ndim == 0 if isinstance(lengths, Tensor) else len(lengths) == 1)


def _lengths(name: str, given: Any) -> list[int]:
    if isinstance(given, Tensor):
        if given._array.dtype.kind not in "iu":
            raise RuntimeError(f"{name} must be integral")
        return [int(n) for n in given._array.reshape(-1)]
    return [int(n) for n in given]


def _check(
    x: Tensor, targets: Tensor, inputs: list[int], lengths: list[int], blank: int
) -> None:
    """Raise torch's RuntimeErrors for sizes that do not go together."""
    if x.ndim != 3:
        raise RuntimeError(
            f"Expected 3-dimensional tensor, but got {x.ndim}-dimensional tensor for argument #1 "
            f"'log_probs' {_WHERE}"
        )
    steps, batch, labels = x._array.shape
    if not 0 <= blank < labels:
        raise RuntimeError("blank must be in label range")
    for name, sizes in (("input_lengths", inputs), ("target_lengths", lengths)):
        if len(sizes) != batch:
            raise RuntimeError(f"{name} must be of size batch_size")
    for n in lengths:
        if n < 0:
            raise RuntimeError(
                f"Expected target_lengths to have value at least 0, but got value {n} {_WHERE}"
            )
    if targets.ndim == 1 and targets.numel() != sum(lengths):
        raise RuntimeError(
            f"Expected tensor to have size {sum(lengths)} at dimension 0, but got size "
            f"{targets.numel()} for argument #2 'targets' {_WHERE}"
        )
    if targets.ndim > 1 and targets._array.shape[1] < max(lengths, default=0):
        raise RuntimeError(
            f"Expected tensor to have size at least {max(lengths)} at dimension 1, but got size "
            f"{targets._array.shape[1]} for argument #2 'targets' {_WHERE}"
        )
    for n in inputs:
        if not 0 <= n <= steps:
            bound = f"at least 0, but got value {n}" if n < 0 else f"at most {steps}, but got value {n}"
            raise RuntimeError(f"Expected input_lengths to have value {bound} {_WHERE}")


# ---- paths -----------------------------------------------------------------------------------------


def _states(labels: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """The labels with blanks between and around, and which states a skip may end in."""
    states = np.full(2 * labels.size + 1, blank, np.int64)
    states[1::2] = labels
    skips = np.zeros(states.size, bool)
    skips[3::2] = labels[1:] != labels[:-1]
    return states, skips


def _add(*logs: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(np.stack(logs))


def _forward(frames: np.ndarray, skips: np.ndarray) -> np.ndarray:
    """α[t, s]: the log of all paths that are in state s at frame t; `frames` is [T, states]."""
    alpha = np.full(frames.shape, -np.inf)
    alpha[0, :2] = frames[0, :2]
    for t in range(1, len(frames)):
        last = alpha[t - 1]
        one = np.concatenate([[-np.inf], last[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf] * min(2, last.size), last[:-2]]), -np.inf)
        alpha[t] = _add(last, one, two) + frames[t]
    return alpha


def _one_loss(
    log_probs: np.ndarray, labels: np.ndarray, blank: int
) -> tuple[float, np.ndarray | None]:
    """The loss of one sequence, and the log of what paths through each label add up to, [T, C]."""
    steps, classes = log_probs.shape
    if steps == 0:
        return (-0.0 if labels.size == 0 else np.inf), None
    states, skips = _states(labels, blank)
    frames = log_probs[:, states]
    alpha = _forward(frames, skips)
    # backwards in time it is the same walk over the reversed states
    back = np.zeros_like(skips)
    back[2:] = skips[::-1][:-2] if skips.size > 2 else False
    beta = _forward(frames[::-1, ::-1], back)[::-1, ::-1]
    loss = -float(np.logaddexp.reduce(alpha[-1, -2:]))
    through = np.full((steps, classes), -np.inf)
    for s, label in enumerate(states):
        through[:, label] = np.logaddexp(through[:, label], alpha[:, s] + beta[:, s])
    return loss, through


def _losses(
    x: Tensor, targets: Tensor, inputs: list[int], lengths: list[int], blank: int, zero: bool
) -> Tensor:
    """The loss of every sequence of the batch."""
    if x.dtype not in (float32, float64):
        kind = x.dtype.title
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{kind}'")
    _check(x, targets, inputs, lengths, blank)
    array = x._array.astype(np.float64)
    rows = _rows(targets._array.astype(np.int64), lengths)
    with np.errstate(all="ignore"):
        found = [
            _one_loss(array[:n, b], labels, blank) for b, (n, labels) in enumerate(zip(inputs, rows))
        ]
    losses = np.array([loss for loss, _ in found]).astype(x._array.dtype)

    def rule(g: Tensor, x: Tensor) -> Tensor:
        slope = np.zeros(array.shape)
        with np.errstate(all="ignore"):
            for b, (loss, through) in enumerate(found):
                if through is None or (zero and np.isinf(loss)):
                    continue
                lp = array[: inputs[b], b]
                slope[: inputs[b], b] = (np.exp(lp) - np.exp(through + loss - lp)) * g._array[b]
        return without_derivative("_ctc_loss_backward", slope.astype(g._array.dtype), g, x)

    return record("CtcLossBackward0", losses, x=(x, rule))


def _rows(targets: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
    """The labels of each sequence."""
    if targets.ndim == 1:
        ends = np.cumsum(lengths)
        return [targets[end - n : end] for end, n in zip(ends, lengths)]
    return [row[:n] for row, n in zip(targets, lengths)]


