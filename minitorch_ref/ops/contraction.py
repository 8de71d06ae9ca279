"""Contractions: `inner`, `tensordot`, `einsum`.

einsum's one idea: give every operand the same dims in the same order (those of the output first,
missing ones of size one), so that a product of two operands is one batched matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .common import wrap_dim
from .matmul import bmm, mm
from .parts import diagonal
from .pointwise import mul
from .registry import op
from .shaping import movedim, permute, reshape, unsqueeze, view_
from .writing import exact_out

_OUT = "tensordot: Expected the output tensor to have dtype {own}, but got an output tensor with dtype {out}"
_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # torch's order
_ELLIPSIS = "..."
_NO_OPERAND = (
    "einsum(): must specify the equation string and at least one operand, or at least one operand "
    "and its subscripts list"
)


@op(own_out=True)
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dims of both."""
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other, out=out)
    if input._array.shape[-1] != other._array.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, dims=([-1], [-1]), out=out)


# ---- tensordot -----------------------------------------------------------------------------------


@op(own_out=True, method=False)
@exact_out(_OUT, copies=True)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over pairs of dims: the last `dims` of a with the first of b, or two lists."""
    given_left, given_right = _paired(a, b, dims)
    if a._array.dtype != b._array.dtype:
        raise RuntimeError("both inputs should have same dtype")
    left = _distinct(given_left, a.ndim)
    right = _distinct(given_right, b.ndim)
    for i, (m, n) in enumerate(zip(left, right)):
        if a._array.shape[m] == b._array.shape[n]:
            continue
        if b._array.shape[n] == 1:
            a = a.sum(m, True)
        elif a._array.shape[m] == 1:
            b = b.sum(n, True)
        else:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[m]} in dim "
                f"{given_left[i]} and second has size {b.shape[n]} in dim {given_right[i]}"
            )
    rows = [d for d in range(a.ndim) if d not in left]
    columns = [d for d in range(b.ndim) if d not in right]
    shared = math.prod(a._array.shape[d] for d in left)
    x = reshape(permute(a, *rows, *left), math.prod(a._array.shape[d] for d in rows), shared)
    y = reshape(permute(b, *right, *columns), shared, math.prod(b._array.shape[d] for d in columns))
    shape = [a._array.shape[d] for d in rows] + [b._array.shape[d] for d in columns]
    return reshape(mm(x, y), *shape)


def _paired(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    """The dims of a and of b that are contracted, as they were given."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        return list(range(-dims, 0)), list(range(dims))
    if not isinstance(dims, (tuple, list)):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] "
            f"containing two lists, but got dims={dims}"
        )
    left, right = dims
    for which, side in (("dims_self", left), ("dims_other", right)):
        if not isinstance(side, (tuple, list)):
            raise TypeError(
                f"tensordot(): argument '{which}' (position 3) must be tuple of ints, not "
                f"{type(side).__name__}"
            )
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    return list(left), list(right)


def _distinct(dims: list[int], ndim: int) -> list[int]:
    found = [wrap_dim(d, ndim) for d in dims]
    for d in found:
        if found.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return found


# ---- einsum --------------------------------------------------------------------------------------


@op(method=False)
def einsum(*args: Any) -> Tensor:
    """Einstein's notation: `einsum("bij,bjk->bik", a, b)`, or operands with lists of dim numbers.

    Operands are contracted two at a time, from the left, each pair as one batched product.
    """
    if len(args) < 2:
        raise ValueError(_NO_OPERAND)
    equation, operands = _from_sublists(list(args)) if isinstance(args[0], Tensor) else (
        args[0], list(args[1:]))  # fmt: skip
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        return einsum(equation, *operands[0])
    for i, x in enumerate(operands):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 1, but got {type(x).__name__}"
            )
    terms, output = _parse(equation, operands)
    axes, kept = _axes(terms, output, operands)
    aligned = _align(operands, terms, axes)
    used = [sum(x._array.shape[d] != 1 for x in aligned) for d in range(len(axes))]
    result = aligned[0]
    for x in aligned[1:]:
        result = _contract(result, x, kept, used)
    if len(axes) == kept:
        return result
    if len(aligned) > 1:
        return view_(result, *result._array.shape[:kept])
    return result.sum(tuple(range(kept, len(axes))))


def _from_sublists(arguments: list[Any]) -> tuple[str, list[Any]]:
    """`einsum(a, [0, 1], b, [1, 2], [0, 2])` as an equation."""
    output = arguments.pop() if len(arguments) % 2 else None

    def spell(labels: Sequence[Any]) -> str:
        return "".join(_ELLIPSIS if x is Ellipsis else letter(x) for x in labels)

    def letter(x: int) -> str:
        if 0 <= x < len(_LABELS):
            return _LABELS[x]
        raise ValueError(
            "einsum(): subscript in subscript list is not within the valid range [0, 52)"
        )

    equation = ",".join(spell(labels) for labels in arguments[1::2])
    if output is not None:
        equation += "->" + spell(output)
    return equation, arguments[::2]


def _parse(equation: str, operands: Sequence[Tensor]) -> tuple[list[list[str]], list[str] | None]:
    """The labels of every operand and of the output (None if the equation has no arrow)."""
    inputs, arrow, result = equation.partition("->")
    pieces = inputs.split(",")
    terms, start = [], 0
    for i, piece in enumerate(pieces):
        if i >= len(operands):
            raise RuntimeError(
                "einsum(): fewer operands were provided than specified in the equation"
            )
        terms.append(_labels(piece, start, f"operand {i}", f"operand {i} for which an ellipsis was"
                             " already found", ""))  # fmt: skip
        start += len(piece) + 1
    if len(pieces) < len(operands):
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    for i, (labels, x) in enumerate(zip(terms, operands)):
        dots = _ELLIPSIS in labels
        named = len(labels) - dots
        if named > x.ndim or (not dots and named != x.ndim):
            what = "is more than" if dots else "does not match"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) {what} the number "
                f"of dimensions ({x.ndim}) for operand {i}"
                + ("" if dots else " and no ellipsis was given")
            )
    if not arrow:
        return terms, None
    return terms, _labels(result, len(inputs) + 2, "output", "output but an ellipsis (...) was "
                          "already found", " (...)")  # fmt: skip


def _labels(text: str, start: int, whose: str, twice: str, dots: str) -> list[str]:
    """Letters and ellipses of one term, which stands at `start` in the equation."""
    found: list[str] = []
    i = 0
    while i < len(text):
        c = text[i]
        if c == ".":
            if _ELLIPSIS in found:
                raise RuntimeError(f"einsum(): found '.' for {twice}")
            if text[i : i + 3] != _ELLIPSIS:
                raise RuntimeError(
                    f"einsum(): found '.' for {whose} that is not part of any ellipsis{dots}"
                )
            found.append(_ELLIPSIS)
            i += 2
        elif c != " ":
            if c not in _LABELS:
                raise RuntimeError(
                    f"einsum(): invalid subscript given at index {start + i} in the equation "
                    "string, subscripts must be in [a-zA-Z]"
                )
            found.append(c)
        i += 1
    return found


def _axes(
    terms: list[list[str]], output: list[str] | None, operands: Sequence[Tensor]
) -> tuple[list[Any], int]:
    """The dims that all operands get (letters; numbers for the ellipsis), and how many are kept."""
    seen = [label for labels in terms for label in labels if label != _ELLIPSIS]
    spread = max(
        (x.ndim - len(t) + 1 for t, x in zip(terms, operands) if _ELLIPSIS in t), default=0
    )
    if output is None:
        output = [_ELLIPSIS, *(c for c in _LABELS if seen.count(c) == 1)]
    axes: list[Any] = []
    for label in output:
        if label == _ELLIPSIS:
            axes += range(spread)
            continue
        if label in axes or label not in seen:
            raise RuntimeError(
                f"einsum(): output subscript {label} "
                + ("appears more than once in the output" if label in axes else
                   "does not appear in the equation for any input operand")
            )  # fmt: skip
        axes.append(label)
    kept = len(axes)
    if _ELLIPSIS not in output:
        axes += range(spread)
    return axes + [c for c in _LABELS if c in seen and c not in axes], kept


def _align(operands: Sequence[Tensor], terms: list[list[str]], axes: list[Any]) -> list[Tensor]:
    """The operands with all `axes` in order: of size one where an operand has no such label."""
    sizes: dict[Any, int] = {}
    spread = sum(isinstance(a, int) for a in axes)
    aligned = []
    for i, (x, labels) in enumerate(zip(operands, terms)):
        x, own = _merge_repeated(x, _numbered(labels, x.ndim, spread), i)
        for d, label in enumerate(own):
            n = x._array.shape[d]
            if n != 1 and sizes.setdefault(label, n) != n:
                raise RuntimeError(_clash(label, d, n, i, sizes[label]))
        for label in axes:
            if label not in own:
                x, own = unsqueeze(x, len(own)), [*own, label]
        aligned.append(permute(x, *[own.index(label) for label in axes]))
    return aligned


def _clash(label: Any, dim: int, size: int, operand: int, before: int) -> str:
    if isinstance(label, int):
        return (
            f"einsum(): dimension {dim} covered by ellipsis in operand {operand}has size {size} "
            f"which does not broadcast with previously seen ellipsis with size {before} for the "
            "respective dimension"
        )
    return (
        f"einsum(): subscript {label} has size {size} for operand {operand} which does not "
        f"broadcast with previously seen size {before}"
    )


def _numbered(labels: list[str], ndim: int, spread: int) -> list[Any]:
    """The labels with the ellipsis's dims as numbers, counted so that the last ones agree."""
    if _ELLIPSIS not in labels:
        return list(labels)
    at = labels.index(_ELLIPSIS)
    covered = ndim - len(labels) + 1
    return [*labels[:at], *range(spread - covered, spread), *labels[at + 1 :]]


def _merge_repeated(x: Tensor, labels: list[Any], operand: int) -> tuple[Tensor, list[Any]]:
    """`ii` stands for the diagonal, which takes the place of the first i."""
    d = 0
    while d < len(labels):
        first = labels.index(labels[d])
        if first == d:
            d += 1
            continue
        m, n = x._array.shape[d], x._array.shape[first]
        if m != n:
            raise RuntimeError(
                f"einsum(): subscript {labels[d]} is repeated for operand {operand} but the sizes "
                f"don't match, {m} != {n}"
            )
        x = movedim(diagonal(x, 0, first, d), -1, first)
        del labels[d]
    return x, labels


def _contract(a: Tensor, b: Tensor, kept: int, used: list[int]) -> Tensor:
    """The product of two aligned operands, summed over the dims that no later operand has."""
    summed: list[int] = []
    alone_a: list[int] = []
    alone_b: list[int] = []
    for d in range(kept, len(used)):
        in_a, in_b = a._array.shape[d] != 1, b._array.shape[d] != 1
        if in_a and in_b:
            used[d] -= 1
            if used[d] == 1:
                summed.append(d)
                used[d] = 0
        elif used[d] == 1 and (in_a or in_b):
            (alone_a if in_a else alone_b).append(d)
            used[d] = 0
    a = a.sum(alone_a, True) if alone_a else a
    b = b.sum(alone_b, True) if alone_b else b
    return _product(a, b, summed) if summed else mul(a, b)


def _product(a: Tensor, b: Tensor, summed: list[int]) -> Tensor:
    """One batched matrix product: dims of both, of a alone, of b alone, and the summed ones."""
    both: list[int] = []
    rows: list[int] = []
    columns: list[int] = []
    for d, (m, n) in enumerate(zip(a._array.shape, b._array.shape)):
        if d not in summed:
            (both if m != 1 and n != 1 else rows if m != 1 else columns).append(d)
    x = permute(a, *both, *rows, *summed, *columns)
    y = permute(b, *both, *summed, *columns, *rows)
    batch = [a._array.shape[d] for d in both]
    tall, wide = [a._array.shape[d] for d in rows], [b._array.shape[d] for d in columns]
    n, r, c = math.prod(batch), math.prod(tall), math.prod(wide)
    s = math.prod(a._array.shape[d] for d in summed)
    product = bmm(reshape(x, n, r, s), reshape(y, n, s, c))
    order = both + rows + summed + columns
    result = view_(product, *batch, *tall, *[1] * len(summed), *wide)
    return permute(result, *[order.index(d) for d in range(len(order))])
