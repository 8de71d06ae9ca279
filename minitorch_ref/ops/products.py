"""Other products: outer, vdot, kron, trace, cross, vander."""

from __future__ import annotations

from ..autograd.graph import rename
from ..settings import warn_once
from ..tensor import Tensor
from .common import sum_dtype, wrap_dim
from .conversion import cast
from .joining import cat, stack
from .parts import diagonal
from .pointwise import conj, mul
from .pointwise import plain_sub as sub
from .rearranging import flip
from .registry import op
from .shaping import reshape
from .table import not_implemented
from .writing import exact_out

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


@op(own_out=True)
@exact_out("result dtype {out} does not match input dtype {own}")
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """The dot product of two vectors, the first one conjugated."""
    return rename(conj(input).dot(other), "VdotBackward0")


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
    return rename(reshape(mul(wide, narrow), *shape), "UnsafeViewBackward0")


@op
def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal."""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input._array.dtype.kind == "b":
        raise not_implemented("trace", input)
    return rename(diagonal(input).sum(), "TraceBackward0")


_CROSS_DIM = (
    "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim "
    "explicitly or simply use torch.linalg.cross.\nThe default value of dim will change to agree "
    "with that of linalg.cross in a future release."
)


@op(own_out=True)
@exact_out()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dim of size three (the first such dim by default)."""
    if dim is None:
        three = [i for i, n in enumerate(input._array.shape) if n == 3]
        if not three:
            raise RuntimeError("no dimension of size 3 in input")
        dim = three[0]
        warn_once(_CROSS_DIM)
    return cross_along(input, other, dim)


def cross_along(input: Tensor, other: Tensor, dim: int) -> Tensor:
    """a × b = roll(a)·roll²(b) − roll²(a)·roll(b), components rolled cyclically."""
    if input.ndim != other.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions."
        )
    if input._array.dtype != other._array.dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype.title} but found {other.dtype.title}"
        )
    dim = wrap_dim(dim, input.ndim)
    if input._array.shape[dim] != 3 or other._array.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got "
            f"{input._array.shape[dim]} and {other._array.shape[dim]}"
        )
    if input._array.dtype.kind == "b":
        raise not_implemented("cross", input)
    a = [input.select(dim, (i + 1) % 3) for i in range(3)]
    b = [other.select(dim, (i + 1) % 3) for i in range(3)]
    parts = [sub(mul(a[i], b[(i + 1) % 3]), mul(a[(i + 1) % 3], b[i])) for i in range(3)]
    return rename(stack(parts, dim), "LinalgCrossBackward0")


@op(method=False)
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Rows of powers of the elements of `x`, highest power first unless `increasing`."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x.numel()
    count = n if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    x = cast(x, sum_dtype(x, None))
    powers = x.new_ones(n, min(count, 1))
    if count > 1:
        rest = x.unsqueeze(1).expand(n, count - 1).cumprod(1)
        powers = rename(cat([powers, rest], 1), "CopySlices")
    return powers if increasing else flip(powers, [1])
