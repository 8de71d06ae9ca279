"""Cross-entropy and the negative log-likelihood it ends in.

The one idea: given the targets, nll is a *linear* map: pick one element per target, scale, add up.
A `_Picks` holds that map (flat positions and scales, computed once and checked once), `_nll`
applies it and `_nll_grad` applies its transpose.  Each is the other's gradient rule, no input is
saved, and any number of dims behind the classes is the same code.

Cross-entropy goes both steps at once where nobody looks in between: of the log-probabilities only
the picked ones are made, and no array of zeros with one number in each row.

    input (N, C, S)   target (N, S)     flat position of (n, s):  (n·C + target[n, s])·S + s
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...autograd import graph
from ...autograd.graph import Node, node_class, record, rename, requires_grad
from ...autograd.modes import state
from ...autograd.watching import watched
from ...kernels import softmax as kernels
from ...kernels.scatter import first_outside
from ...kernels.select import keep
from ...ops.curves import check_floating
from ...ops.registry import op
from ...ops.softmax import log_softmax, log_softmax_grad
from ...quiet import fp
from ...tensor import Tensor, wrap
from ._reduction import reduction_of


class _Picks:
    """Which elements of the log-probabilities count, and with which scale."""

    __slots__ = ("node", "shape", "kind", "outer", "flat", "scale", "valid", "reduction", "total")

    def __init__(
        self, x: np.ndarray, target: np.ndarray, weight: np.ndarray | None, reduction: str,
        ignore_index: int,
    ) -> None:  # fmt: skip
        n, classes, rest = _layout(x.shape)
        target = target.reshape(n, rest).astype(np.int64, copy=False)
        self.node = "NllLossBackward0" if x.ndim < 3 else "NllLoss2DBackward0"
        self.shape, self.kind, self.reduction = x.shape, x.dtype, reduction
        self.outer = () if x.ndim == 1 else (n, *x.shape[2:])
        self.valid = _valid(target, classes, ignore_index)
        if self.valid is not None:
            target = target * self.valid  # an ignored target points at class 0, with scale 0
        self.flat = _corners(n, classes, rest) + (target * rest if rest > 1 else target)
        self.scale = None if weight is None else weight[target]
        if self.scale is not None and self.valid is not None:
            self.scale = keep(self.valid, self.scale)
        self.total = self._total(target.size)

    def _total(self, size: int) -> float:
        """What "mean" divides by: the weight of the targets that count."""
        if self.scale is not None:
            return float(np.add.reduce(self.scale, axis=None))
        return float(size if self.valid is None else np.count_nonzero(self.valid))

    def pick(self, x: np.ndarray) -> np.ndarray:
        """−scale · x at each position, reduced."""
        return self.reduce(x.reshape(-1)[self.flat])

    def reduce(self, taken: np.ndarray) -> np.ndarray:
        """`pick`, of what is at the positions."""
        taken = np.negative(taken, dtype=_wide(self.kind))
        if self.scale is not None:
            taken *= self.scale
        if self.valid is not None:
            taken = keep(self.valid, taken)
        if self.reduction == "none":
            return taken.reshape(self.outer).astype(self.kind, copy=False)
        total = np.add.reduce(taken, axis=None)
        if self.reduction == "mean":
            total = total / total.dtype.type(self.total)
        return np.asarray(total, self.kind)

    def place(self, g: np.ndarray) -> np.ndarray:
        """The transpose: −scale · g at each position of an array of zeros."""
        out = np.zeros(self.shape, self.kind)
        out.reshape(-1)[self.flat] = self.spread(g)
        return out

    def spread(self, g: np.ndarray) -> np.ndarray:
        """−scale · g for each position."""
        g = np.negative(g, dtype=_wide(self.kind))
        if self.reduction == "mean":
            g = np.divide(g, g.dtype.type(self.total))
        if self.reduction == "none":
            g = g.reshape(self.flat.shape)
        if self.scale is not None:
            g = g * self.scale
        if self.valid is not None:
            g = keep(self.valid, np.broadcast_to(g, self.valid.shape))
        return g


def _wide(kind: np.dtype) -> np.dtype:
    return np.dtype(np.float32) if kind.itemsize == 2 else kind


def _layout(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(batch, classes, everything behind) of an input's shape."""
    if len(shape) == 1:
        return 1, shape[0], 1
    rest = 1
    for n in shape[2:]:
        rest *= n
    return shape[0], shape[1], rest


@functools.lru_cache(maxsize=64)
def _corners(n: int, classes: int, rest: int) -> np.ndarray:
    """The flat position of class 0 for every (n, s).  Cached: a training loop has one shape."""
    corners = np.arange(n)[:, None] * (classes * rest) + np.arange(rest)
    corners.flags.writeable = False
    return corners


def _valid(target: np.ndarray, classes: int, ignore_index: int) -> np.ndarray | None:
    """Which targets are not ignored; None if all count.  Raises IndexError for a wrong class."""
    if not target.size:
        return None
    outside = first_outside(target, classes)
    if outside is None and not 0 <= ignore_index < classes:
        return None
    valid = target != ignore_index
    wrong = target[valid & ((target < 0) | (target >= classes))]
    if wrong.size:
        raise IndexError(f"Target {wrong[0]} is out of bounds.")
    return valid


def _nll(input: Tensor, picks: _Picks) -> Tensor:
    data = fp.quiet(picks.pick, input._array)
    return record(picks.node, data, input=(input, lambda g: _nll_grad(g, picks)))


def _nll_grad(g: Tensor, picks: _Picks) -> Tensor:
    name = picks.node.replace("Backward0", "BackwardBackward0")
    return record(name, fp.quiet(picks.place, g._array), g=(g, lambda gg: _nll(gg, picks)))


@op(namespace="nn.functional")
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−input[n, target[n]], weighted by class; the mean is over the total weight.

    input (C), (N, C) or (N, C, d1, …), log-probabilities; target () or (N) or (N, d1, …), classes.
    Raises ValueError and RuntimeError for shapes that do not fit, IndexError for a wrong class.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    return _nll(input, _picks(input, target, weight, reduction, ignore_index))


def _picks(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
) -> _Picks:
    _check_nll(input, target, weight)
    w = None if weight is None else weight._array
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype.title} but found {weight.dtype.title}"
        )
    return _Picks(input._array, target._array, w, reduction, ignore_index)


def nll_loss2d(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`nll_loss` of images: input (N, C, H, W), target (N, H, W)."""
    return nll_loss(input, target, weight, size_average, ignore_index, reduce, reduction)


def _check_nll(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Raise torch's complaint about shapes and dtypes that do not fit together."""
    x, t = input._array, target._array
    if x.ndim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {x.ndim})")
    if x.ndim != 1 and x.shape[0] != target.size(0):
        raise ValueError(
            f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
            f"({target.size(0)})."
        )
    expected = x.shape[:1] + x.shape[2:]
    if x.ndim < 3:
        if t.ndim > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if x.ndim == 1 and t.size != 1:
            raise ValueError(
                f"For 1D input, 1D target must have size 1, but got target size: {t.size}"
            )
    elif x.ndim == 4:
        if t.ndim != 3:
            raise RuntimeError(
                "only batches of spatial targets supported (3D tensors) but got targets of "
                f"dimension: {t.ndim}"
            )
        if t.shape != expected:
            raise RuntimeError(
                f"size mismatch (got input: {list(x.shape)} , target: {list(t.shape)}"
            )
    elif t.shape != expected:
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(t.shape)}")
    if t.dtype.char not in "lqB":
        raise RuntimeError(
            f"expected target dtype to be Long or Byte, but got {target.dtype.title}"
        )
    check_floating(input, "nll_loss_out_frame")
    classes = x.shape[0] if x.ndim == 1 else x.shape[1]
    if weight is not None and weight._array.shape != (classes,):
        raise RuntimeError(_weight_complaint(classes, weight, spatial=x.ndim > 2))


def _weight_complaint(classes: int, weight: Tensor, spatial: bool) -> str:
    if spatial:
        return "weight tensor should be defined either for all or no classes"
    return (
        f"weight tensor should be defined either for all {classes} classes or no classes but got "
        f"weight tensor of shape: {list(weight.shape)}"
    )


# ---- cross-entropy -------------------------------------------------------------------------------


@op(namespace="nn.functional")
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """nll_loss(log_softmax(input), target), from logits; targets are classes or probabilities.

    input (C), (N, C) or (N, C, d1, …); target holds probabilities if it has the input's shape, and
    else classes, as in `nll_loss`.  Label smoothing mixes the target with a uniform distribution.
    Raises what `nll_loss` raises.
    """
    reduction = reduction_of(reduction, size_average, reduce)
    if input._array.shape == target._array.shape:
        return _soft_cross_entropy(input, target, weight, reduction, ignore_index, label_smoothing)
    _check_smoothing(label_smoothing)
    dim = 0 if input.ndim == 1 else 1
    if not label_smoothing and _in_one(input, dim):
        return _both(input, dim, _picks(input, target, weight, reduction, ignore_index))
    log_p = input.log_softmax(dim)
    loss = nll_loss(log_p, target, weight, ignore_index=ignore_index, reduction=reduction)
    if not label_smoothing:
        return loss
    smooth = _smooth_loss(log_p, target, weight, reduction, ignore_index)
    classes = input.size(0 if input.ndim == 1 else 1)
    return loss * (1 - label_smoothing) + smooth * (label_smoothing / classes)


def _in_one(input: Tensor, dim: int) -> bool:
    """Whether a graph is made in which nobody sees what is between the two steps."""
    x = input._array
    known = x.dtype.char in "fd" and x.ndim > dim and x.size > 0
    return known and state.grad and requires_grad(input) and not watched()


def _both(input: Tensor, dim: int, picks: _Picks) -> Tensor:
    """`_nll(log_softmax(input))`, with the same two nodes."""
    x = input._array
    e, totals, tops = fp.quiet(kernels.powers, dim, x)
    place = picks.flat.shape

    def taken() -> np.ndarray:
        return picks.reduce(x.reshape(-1)[picks.flat] - tops.reshape(place) - np.log(totals).reshape(place))

    def rule(g: Tensor, input: Tensor) -> Tensor:
        log_p = log_softmax(input, dim) if state.grad else input  # only further derivatives need it
        return log_softmax_grad(g, log_p, wrap(e), totals, dim)

    between = wrap(x)  # of the log-probabilities the graph needs shape and dtype
    between._node = graph._node("LogSoftmaxBackward0", between, {"input": (input, rule)}, None)
    between._requires_grad = True
    loss = record(picks.node, fp.quiet(taken), input=(between, lambda g: _nll_grad(g, picks)))
    node: Any = loss._node
    node.__class__ = node_class(picks.node, _BothNode)
    node.picks, node.powers, node.totals, node.dim = picks, e, totals, dim
    return loss


class _BothNode(Node):
    """The node of the second step, which makes the gradient of the first one's input if it can."""

    picks: _Picks
    powers: np.ndarray | None
    totals: np.ndarray
    dim: int

    def gradients(self, g: Any, wanted: Any = None) -> list[Any]:
        between: Any = self.edges[0][0]
        target, nr = between.edges[0][:2]
        seen = between.hooks is not None or (between, 0) in state.running.captured
        if self.powers is None or state.grad or seen or not (wanted is None or target in wanted):
            return super().gradients(g, wanted)
        if not state.running.retain:
            between.release()
        return [(target, nr, wrap(fp.quiet(self._slope, g._array, self.powers)))]

    def _slope(self, g: np.ndarray, powers: np.ndarray) -> np.ndarray:
        """g − eᵘ · (Σ g / Σ eᵘ), where each row of g has one element."""
        picks = self.picks
        picked = np.broadcast_to(picks.spread(g), picks.flat.shape)
        dx = kernels.scaled(self.dim, powers, -picked.reshape(self.totals.shape) / self.totals)
        dx.reshape(-1)[picks.flat] += picked
        return dx

    def release(self) -> None:
        self.powers = None


def _check_smoothing(label_smoothing: float) -> None:
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}"
        )


def _per_class(weight: Tensor, log_p: Tensor) -> Tensor:
    """The class weights, shaped to broadcast against (N, C, d1, …)."""
    return weight.reshape((-1,) if log_p.ndim == 1 else (1, -1) + (1,) * (log_p.ndim - 2))


def _smooth_loss(
    log_p: Tensor, target: Tensor, weight: Tensor | None, reduction: str, ignore_index: int
) -> Tensor:
    """The cross-entropy with the (unnormalised) uniform distribution, where targets count."""
    dim = 0 if log_p.ndim == 1 else 1
    weighted = log_p if weight is None else log_p * _per_class(weight, log_p)
    ignored = (target == ignore_index).reshape(log_p.shape[:dim] + log_p.shape[dim + 1 :])
    loss = (-weighted.sum(dim)).masked_fill(ignored, 0.0)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    counted = ~ignored
    if weight is None:
        return loss.sum() / counted.sum()
    return loss.sum() / weight[target.reshape(ignored.shape)[counted].long()].sum()


def _soft_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    label_smoothing: float,
) -> Tensor:
    """−Σ target · log_softmax(input) over the classes; the mean is over the batch."""
    if not target.is_floating_point():
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, "
            f"got {target.dtype.title}"
        )
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    _check_smoothing(label_smoothing)
    dim = 0 if input.ndim == 1 else 1
    classes = input.size(dim)
    if weight is not None and weight._array.shape != (classes,):
        raise RuntimeError(
            "cross_entropy: weight tensor should be defined either for all "
            f"{classes} classes or no classes but got weight tensor of shape: {list(weight.shape)}"
        )
    log_p = input.log_softmax(dim)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    product = log_p * target
    if weight is not None:
        product = product * _per_class(weight, log_p)
    if reduction == "none":
        return -product.sum(dim)
    total = -product.sum()
    if reduction == "sum":
        return total
    return rename(total / (input.numel() / classes), "DivBackward1")
