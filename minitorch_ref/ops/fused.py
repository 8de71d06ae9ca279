"""addcmul, addcdiv and lerp: a tensor moved by a product, a quotient, or part of the way to another.

The one idea: torch's vectorised loops round `input + product` once, so these are not compositions
of `mul` and `add`; the arithmetic with torch's bits is in kernels/fma.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.modes import state
from ..dtypes import INTEGER, result_type
from ..kernels import fma
from ..kernels.layout import arranged
from ..kernels.select import select
from ..quiet import fp
from ..tensor import Tensor, wrap
from .arithmetic import alike
from .common import as_operand, convert_number
from .pointwise import conj, mul, neg, plain_div, plain_sub
from .refusals import bad_argument, broadcast_shape, no_kernel
from .registry import check_overlap, op, write_out


def _operands(name: str, kinds: str, *tensors: Tensor) -> list[np.ndarray]:
    """The three arrays in their common type, broadcast; the first one a copy to write to."""
    for i, (argument, x) in enumerate(zip(("input", "tensor1", "tensor2"), tensors)):
        if not isinstance(x, Tensor):
            raise bad_argument(name, argument, i + 1, x)
    common = result_type(*tensors)
    arrays = [as_operand(x, common) for x in tensors]
    shape = broadcast_shape(*arrays)
    if common.np.kind not in kinds:
        raise no_kernel(f"{name}_cpu_out", common.np)
    first, *others = [a if a.shape == shape else np.broadcast_to(a, shape) for a in arrays]
    return [np.array(first, order="C"), *others]


def _times(x: Tensor, value: Any) -> Tensor:
    return x if value == 1 else mul(x, value)


@op(inplace=True, out=True)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """`input + value · tensor1 · tensor2`.  Raises NotImplementedError for booleans."""
    if value == 1 and alike(input, tensor1) and alike(input, tensor2):
        data = fp.quiet(fma.fma, tensor1._array, tensor2._array, input._array)
        data = arranged(data, input._array, tensor1._array, tensor2._array)
        if not state.grad or not any(map(requires_grad, (input, tensor1, tensor2))):
            return wrap(data)
        return _recorded_product(data, input, tensor1, tensor2, value)
    y, a, b = _operands("addcmul", "uifc", input, tensor1, tensor2)
    factor = convert_number(value, result_type(input, tensor1, tensor2))[()]
    data = fp.quiet(fma.addcmul, y, a, b, factor)
    data = arranged(data, input._array, tensor1._array, tensor2._array)
    return _recorded_product(data, input, tensor1, tensor2, value)


def _recorded_product(
    data: np.ndarray, input: Tensor, tensor1: Tensor, tensor2: Tensor, value: Any
) -> Tensor:
    return record(
        "AddcmulBackward0",
        data,
        input=(input, lambda g: g),
        tensor1=(tensor1, lambda g, tensor2: mul(g, conj(_times(tensor2, value)))),
        tensor2=(tensor2, lambda g, tensor1: mul(g, conj(_times(tensor1, value)))),
    )


@op(inplace=True, out=True)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """`input + value · tensor1 / tensor2`.  Raises RuntimeError on whole numbers."""
    if result_type(tensor1, tensor2).category <= INTEGER:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv "
            "will perform a true division of tensor1 and tensor2."
        )
    y, a, b = _operands("addcdiv", "fc", input, tensor1, tensor2)
    factor = convert_number(value, result_type(input, tensor1, tensor2))[()]
    data = fp.quiet(fma.addcdiv, y, a, b, factor)
    data = arranged(data, input._array, tensor1._array, tensor2._array)
    return record(
        "AddcdivBackward0",
        data,
        input=(input, lambda g: g),
        tensor1=(tensor1, lambda g, tensor2: mul(g, conj(plain_div(value, tensor2)))),
        tensor2=(tensor2, lambda g, tensor1, tensor2: _divisor_gradient(g, tensor1, tensor2, value)),
    )


def _divisor_gradient(g: Tensor, tensor1: Tensor, tensor2: Tensor, value: Any) -> Tensor:
    slope = plain_div(_times(tensor1, value), mul(tensor2, tensor2))
    return neg(mul(g, conj(slope)))


def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Tensor | None = None) -> Tensor:
    """`input + weight · (end − input)`; from the nearer end, as torch computes it.

    Raises RuntimeError unless all tensors have one dtype, NotImplementedError for whole numbers.
    """
    _check_lerp(input, end, weight)
    many = isinstance(weight, Tensor)
    if type(weight) is float and out is None and alike(input, end):
        data = fp.quiet(_part_way_by_number, input._array, end._array, weight)
        data = arranged(data, input._array, end._array)
        if not state.grad or not (requires_grad(input) or requires_grad(end)):
            return wrap(data)
        return _recorded_step(data, input, end, weight)
    arrays = [x._array for x in (input, end, weight) if isinstance(x, Tensor)]
    shape = broadcast_shape(*arrays)
    kind = input._array.dtype
    if kind.kind not in "fc":
        raise no_kernel("lerp_kernel_tensor" if many else "lerp_kernel_scalar", kind)
    part = weight._array if many else convert_number(weight, input.dtype)
    a, b, w = (np.asarray(_wide(x)) for x in (*arrays[:2], part))
    data = fp.quiet(_part_way, np.broadcast_to(a, shape), np.broadcast_to(b, shape), w)
    data = arranged(np.asarray(data, kind), *arrays)
    result = _recorded_step(data, input, end, weight)
    if out is None:
        return result
    check_overlap(out, (input, end, weight))
    return write_out(out, result, "lerp", "same" if many and weight.ndim else "cast")


op(lerp, inplace=True, own_out=True)


def _recorded_step(data: np.ndarray, input: Tensor, end: Tensor, weight: Any) -> Tensor:
    return record(
        "LerpBackward1" if isinstance(weight, Tensor) else "LerpBackward0",
        data,
        input=(input, lambda g, weight: mul(g, conj(_rest(weight)))),
        end=(end, lambda g, weight: mul(g, conj(weight))),
        weight=(weight, lambda g, input, end: mul(g, conj(plain_sub(end, input)))),
    )


def _rest(weight: Any) -> Any:
    """1 − weight; of a number a number, which has no dtype."""
    return plain_sub(1, weight) if isinstance(weight, Tensor) else 1 - weight


def _part_way_by_number(a: np.ndarray, b: np.ndarray, weight: float) -> np.ndarray:
    """`_part_way` for one weight: the nearer end is known, and long vectors have BLAS."""
    w = a.dtype.type(weight)
    near = abs(w) < 0.5
    base, factor = (a, w) if near else (b, w - a.dtype.type(1))
    if a.size < fma.LONG:
        return fma.fma(factor, np.asarray(b - a), base)
    return fma.axpy(np.array(base, order="C"), np.subtract(b, a, order="C"), factor)


_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def _check_lerp(input: Any, end: Any, weight: Any) -> None:
    for i, (argument, x) in enumerate((("input", input), ("end", end))):
        if not isinstance(x, Tensor):
            raise bad_argument("lerp", argument, i + 1, x)
    for argument, x in (("end", end), ("weight", weight)):
        if isinstance(x, Tensor) and x.dtype is not input.dtype:
            wanted, given = (_C_NAMES.get(t.dtype.name, t.dtype.name) for t in (input, x))
            raise RuntimeError(
                f"expected dtype {wanted} for `{argument}` but got dtype {given}"
            )


def _wide(x: Any) -> Any:
    """Half precision widened: computed in float32 and rounded once."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def _part_way(a: np.ndarray, b: np.ndarray, w: np.ndarray) -> np.ndarray:
    """a + w (b − a) for |w| < ½, else b + (w − 1) (b − a), the products unrounded."""
    near = np.abs(w) < 0.5
    factor = select(near, w, w - w.dtype.type(1), w.dtype)
    base = select(near, a, b, a.dtype)
    if base.dtype.kind == "c":
        return base + factor * (b - a)
    return fma.fma(factor, b - a, base)
