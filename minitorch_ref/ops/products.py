"""Products built from the matrix product: outer, inner, einsum, tensordot, kron, and the add… family."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..quiet import fp
from ..tensor import Tensor
from .common import wrap_dim
from .matmul import bmm, matmul, mm, mv
from .parts import diagonal
from .pointwise import conj, mul, plain_add, zeros_as
from .pointwise import plain_sub as sub
from .registry import op
from .shaping import expand_shape, permute, reshape

# ---- vectors -----------------------------------------------------------------------------------


@op(out=True)
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of two vectors: (n), (m) → (n, m)."""
    for which, v in (("self", input), ("vec2", vec2)):
        if v.ndim != 1:
            raise RuntimeError(
                f"outer: Expected 1-D argument {which}, but got {v.ndim}-D"
            )
    return mul(input.unsqueeze(1), vec2)


op(outer, name="ger")


@op(out=True)
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dims of both."""
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other)
    if input._array.shape[-1] != other._array.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return tensordot(input, other, dims=([-1], [-1]))


@op(out=True)
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The dot product of two vectors, the first one conjugated."""
    return rename(conj(input).dot(other), "VdotBackward0")


@op(out=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · outer(vec1, vec2)`."""
    product = outer(vec1, vec2)
    scaled = product if alpha == 1 else mul(product, alpha)
    return scaled if beta == 0 else plain_add(input if beta == 1 else mul(input, beta), scaled)


# ---- sums with products --------------------------------------------------------------------------------


def _blend(input: Tensor, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """beta · input + alpha · product; beta = 0 ignores even inf and nan in `input`."""
    expand_shape(input._array.shape, product._array.shape)
    scaled = product if alpha == 1 else mul(product, alpha)
    if beta == 0:
        return scaled
    return plain_add(input if beta == 1 else mul(input, beta), scaled)


@op(out=True, inplace=True)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · mat @ vec`."""
    return rename(_blend(input, mv(mat, vec), beta, alpha), "AddmvBackward0")


@op(out=True, inplace=True)
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · batch1 @ batch2`, for batches of matrices."""
    return rename(_blend(input, bmm(batch1, batch2), beta, alpha), "BaddbmmBackward0")


@op(out=True, inplace=True)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · Σ_b batch1[b] @ batch2[b]`."""
    return rename(_blend(input, bmm(batch1, batch2).sum(0), beta, alpha), "AddbmmBackward0")


# ---- chains and powers -----------------------------------------------------------------------------------


@op(method=False)
def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of matrices, multiplied in the cheapest order."""
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    return multiply_chain(list(matrices))


def multiply_chain(matrices: list[Tensor]) -> Tensor:
    """Dynamic programming over where to split the chain; cost n·m·p per product."""
    n = len(matrices)
    sizes = [m._array.shape[0] for m in matrices] + [matrices[-1]._array.shape[1]]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(n)}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return matrices[i]
        k = best[i, j][1]
        return mm(product(i, k), product(k + 1, j))

    return product(0, n - 1)


@op(out=True)
def matrix_power(input: Tensor, n: int) -> Tensor:
    """Square matrices multiplied by themselves `n` times; negative powers of the inverse."""
    if input.ndim < 2 or input._array.shape[-1] != input._array.shape[-2]:
        raise RuntimeError(
            "linalg.matrix_power: A must be batches of square matrices, but they are "
            f"{input.shape[-2] if input.ndim > 1 else '?'} by {input.shape[-1] if input.ndim else '?'} matrices"
        )
    if n < 0:
        return matrix_power(input.inverse(), -n)
    if n == 0:
        eye = np.eye(input._array.shape[-1], dtype=input._array.dtype)
        data = np.broadcast_to(eye, input._array.shape).copy()
        return record("MulBackward0", data, input=(input, zeros_as))
    result, square = None, input
    while n:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        if n:
            square = matmul(square, square)
    assert result is not None
    return result


# ---- einsum and tensordot ---------------------------------------------------------------------------------


@op(out=True, method=False)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over pairs of dims: the last `dims` of a with the first of b, or two lists."""
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        left, right = [list(d) if isinstance(d, (list, tuple)) else [d] for d in dims]
    left, right = [wrap_dim(d, a.ndim) for d in left], [wrap_dim(d, b.ndim) for d in right]
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    for i, (m, n) in enumerate(zip(left, right)):
        if a._array.shape[m] != b._array.shape[n]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[m]} in dim "
                f"{left[i]} and second has size {b.shape[n]} in dim {right[i]}"
            )
    rows = [d for d in range(a.ndim) if d not in left]
    columns = [d for d in range(b.ndim) if d not in right]
    shared = math.prod(a._array.shape[d] for d in left)
    x = reshape(permute(a, *rows, *left), math.prod(a._array.shape[d] for d in rows), shared)
    y = reshape(permute(b, *right, *columns), shared, math.prod(b._array.shape[d] for d in columns))
    shape = [a._array.shape[d] for d in rows] + [b._array.shape[d] for d in columns]
    return reshape(mm(x, y), *shape)


@op(method=False)
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Einstein's notation: `einsum("bij,bjk->bik", a, b)`, or operands with lists of dim numbers.

    Operands are contracted two at a time, from the left, each pair as one batched product.
    """
    if isinstance(equation, Tensor):
        equation, given = _from_sublists([equation, *operands])
        operands = tuple(given)
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, output = _parse(equation.replace(" ", ""), operands)
    tensors = [_merge_repeated(x, labels) for x, labels in zip(operands, terms)]
    result, labels = tensors[0]
    for i, (x, other) in enumerate(tensors[1:], start=1):
        later = set(output).union(*(t for _, t in tensors[i + 1 :]))
        result, labels = _contract(result, labels, x, other, later)
    return _arrange(result, labels, output)


def _from_sublists(arguments: list[Any]) -> tuple[str, list[Any]]:
    """`einsum(a, [0, 1], b, [1, 2], [0, 2])` as an equation."""
    letters = string.ascii_letters
    output = arguments.pop() if len(arguments) % 2 else None

    def spell(labels: Sequence[Any]) -> str:
        return "".join("..." if x is Ellipsis else letters[x] for x in labels)

    equation = ",".join(spell(labels) for labels in arguments[1::2])
    if output is not None:
        equation += "->" + spell(output)
    return equation, arguments[::2]


def _parse(equation: str, operands: Sequence[Any]) -> tuple[list[list[Any]], list[Any]]:
    """Labels of every operand's dims and of the output's; an ellipsis's dims get numbers."""
    inputs, arrow, output = equation.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        more = "more" if len(operands) > len(terms) else "fewer"
        raise RuntimeError(
            f"einsum(): {more} operands were provided than specified in the equation"
        )
    spread = 0
    for term, x in zip(terms, operands):
        named = len(term.replace("...", ""))
        _check_term(term, named, x)
        if "..." in term:
            spread = max(spread, x.ndim - named)

    def labels(term: str, ndim: int | None) -> list[Any]:
        before, dots, after = term.partition("...")
        own = spread if ndim is None else ndim - len(before) - len(after)
        return [*before, *(range(spread - own, spread) if dots else ()), *after]

    parsed = [labels(term, x.ndim) for term, x in zip(terms, operands)]
    if arrow:
        wanted = labels(output, None)
        for label in wanted:
            if isinstance(label, str) and not any(label in t for t in parsed):
                raise RuntimeError(
                    f"einsum(): output subscript {label} does not appear in the equation for any "
                    "input operand"
                )
        return parsed, wanted
    seen = "".join(t.replace("...", "") for t in terms)
    return parsed, [*range(spread), *sorted(c for c in set(seen) if seen.count(c) == 1)]


def _check_term(term: str, named: int, x: Tensor) -> None:
    for c in term.replace("...", ""):
        if not c.isalpha():
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {term.index(c)} in the equation string, "
                "subscripts must be in [a-zA-Z]"
            )
    if named > x.ndim or ("..." not in term and named != x.ndim):
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number "
            f"of dimensions ({x.ndim}) for operand 0 and no ellipsis was given"
        )


def _merge_repeated(x: Tensor, labels: list[Any]) -> tuple[Tensor, list[Any]]:
    """`ii` stands for the diagonal."""
    labels = list(labels)
    for label in labels[:]:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = diagonal(x, 0, first, second)
            labels = [m for i, m in enumerate(labels) if i not in (first, second)] + [label]
    return x, labels


def _contract(
    a: Tensor, left: list[Any], b: Tensor, right: list[Any], later: set[Any]
) -> tuple[Tensor, list[Any]]:
    """One batched product: shared labels needed later are the batch, the other shared ones summed."""
    a, left = _sum_out(a, left, set(right) | later)
    b, right = _sum_out(b, right, set(left) | later)
    batch = [x for x in left if x in right and x in later]
    summed = [x for x in left if x in right and x not in later]
    rows = [x for x in left if x not in right]
    columns = [x for x in right if x not in left]
    size = _sizes(a, left, b, right)
    x = permute(a, *[left.index(m) for m in batch + rows + summed])
    y = permute(b, *[right.index(m) for m in batch + summed + columns])
    x = x.expand(*[size[m] for m in batch], *[size[m] for m in rows], *[size[m] for m in summed])
    y = y.expand(*[size[m] for m in batch], *[size[m] for m in summed], *[size[m] for m in columns])
    n, r, s, c = (math.prod(size[m] for m in group) for group in (batch, rows, summed, columns))
    product = bmm(reshape(x, n, r, s), reshape(y, n, s, c))
    labels = batch + rows + columns
    return reshape(product, *[size[m] for m in labels]), labels


def _sizes(a: Tensor, left: list[Any], b: Tensor, right: list[Any]) -> dict[Any, int]:
    size: dict[Any, int] = {}
    for labels, shape in ((left, a._array.shape), (right, b._array.shape)):
        for m, n in zip(labels, shape):
            if size.setdefault(m, n) != n and 1 not in (size[m], n):
                raise RuntimeError(
                    "einsum(): operands do not broadcast with remapped shapes [original->remapped]: "
                    f"subscript {m} has size {n} for operand 1 which does not broadcast with "
                    f"previously seen size {size[m]}"
                )
            size[m] = n if size[m] == 1 else size[m]
    return size


def _sum_out(x: Tensor, labels: list[Any], needed: set[Any]) -> tuple[Tensor, list[Any]]:
    """Sum the dims that nobody else mentions."""
    dims = [i for i, m in enumerate(labels) if m not in needed]
    return (x.sum(dims), [m for m in labels if m in needed]) if dims else (x, labels)


def _arrange(x: Tensor, labels: list[Any], output: list[Any]) -> Tensor:
    """The result's dims in the order asked for."""
    x, labels = _sum_out(x, labels, set(output))
    missing = [m for m in output if m not in labels]
    for m in missing:
        x, labels = x.unsqueeze(0), [m, *labels]
    order = [labels.index(m) for m in output]
    return x if order == sorted(order) else permute(x, *order)


# ---- others -------------------------------------------------------------------------------------------------


@op(out=True)
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product: every element of `input` times the whole of `other`."""
    ndim = max(input.ndim, other.ndim)
    x = reshape(input, *[1] * (ndim - input.ndim), *input.shape)
    y = reshape(other, *[1] * (ndim - other.ndim), *other.shape)
    shape = [m * n for m, n in zip(x.shape, y.shape)]
    wide = reshape(x, *[k for m in x.shape for k in (m, 1)])
    narrow = reshape(y, *[k for n in y.shape for k in (1, n)])
    return reshape(mul(wide, narrow), *shape)


@op
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input.ndim != 2:
        raise RuntimeError("trace: expected a matrix")
    return rename(diagonal(input).sum(), "TraceBackward0")


@op(out=True)
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dim of size three (the first such dim by default)."""
    if dim is None:
        three = [i for i, n in enumerate(input._array.shape) if n == 3]
        if not three:
            raise RuntimeError("no dimension of size 3 in input")
        dim = three[0]
    return cross_along(input, other, dim)


def cross_along(input: Tensor, other: Tensor, dim: int) -> Tensor:
    """a × b = roll(a)·roll²(b) − roll²(a)·roll(b), components rolled cyclically."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions."
        )
    dim = wrap_dim(dim, input.ndim)
    if input._array.shape[dim] != 3 or other._array.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got "
            f"{input._array.shape[dim]} and {other._array.shape[dim]}"
        )
    a = [input.select(dim, (i + 1) % 3) for i in range(3)]
    b = [other.select(dim, (i + 1) % 3) for i in range(3)]
    parts = [sub(mul(a[i], b[(i + 1) % 3]), mul(a[(i + 1) % 3], b[i])) for i in range(3)]
    from .joining import stack

    return rename(stack(parts, dim), "LinalgCrossBackward0")


@op(out=True)
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The integral along `dim` by the trapezoidal rule, over points `x` or steps `dx`."""
    dim = wrap_dim(dim, y.ndim)
    n = y._array.shape[dim]
    if n == 0:
        return y.sum(dim)
    means = plain_add(y.narrow(dim, 1, n - 1), y.narrow(dim, 0, n - 1))
    if x is None:
        return mul(means.sum(dim), dx / 2)
    along = wrap_dim(-1, x.ndim) if x.ndim == 1 else wrap_dim(dim, x.ndim)
    steps = sub(x.narrow(along, 1, n - 1), x.narrow(along, 0, n - 1))
    if x.ndim == 1:
        steps = reshape(steps, *[n - 1 if i == dim else 1 for i in range(y.ndim)])
    return mul(mul(means, steps).sum(dim), 0.5)


op(trapezoid, name="trapz")


@op(method=False, out=True)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Rows of powers of the elements of `x`, highest power first unless `increasing`."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.numel() if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    powers = np.arange(count) if increasing else np.arange(count)[::-1]
    data = np.ones((x.numel(), count), x._array.dtype)
    for i, p in enumerate(powers):
        if p:
            data[:, i] = fp.quiet(np.power, x._array, x._array.dtype.type(p))
    shape_powers = powers

    def rule(g: Tensor, x: Tensor) -> Tensor:
        slopes = [mul(x ** int(max(p - 1, 0)), float(p)) for p in shape_powers]
        total = mul(g.select(1, 0), 0)
        for i, slope in enumerate(slopes):
            total = plain_add(total, mul(g.select(1, i), conj(slope)))
        return total

    return record("VanderBackward0", data, x=(x, rule))


