"""Ops that write part of a tensor: one kernel each, for the op and for its in-place form.

The idea: the kernel writes into an array it is given.  The op hands it a copy of its input, and
records; the in-place form hands it the tensor's own memory when no graph has to follow, and goes
through the graph machinery otherwise.  Kernels check their arguments before they write.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import requires_grad
from ..autograd.inplace import bump, check_writable, in_place
from ..autograd.modes import no_grad, state
from ..tensor import Tensor, address, wrap
from .numpy_names import numpy_names, rename
from .registry import refuse_grad, write_out
from .table import bad_argument


def written_by(
    kernel: Callable[..., None], *, may_alias: bool = False, any_layout: bool = False
) -> Callable[[Any], Any]:
    """Give an op `f(input, *args)` the in-place form that `kernel(array, *args)` makes possible.

    `may_alias`: an operand may be the written tensor itself (never overlap it in part).
    `any_layout`: the kernel does not need contiguous memory; expanded tensors it may then write
    to, with torch's warning.
    """

    def decorate(function: Any) -> Any:
        name = f"{function.__name__}_"
        general = in_place(function, name)

        @functools.wraps(function)
        def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            refuse_overlap(self, (*args, *kwargs.values()), may_alias)
            if follows_graph(self, (*args, *kwargs.values())):
                return general(self, *args, **kwargs)
            check_target(self, self._array, name.lstrip("_") if any_layout else None)
            if any_layout or self._array.flags.c_contiguous:
                kernel(self._array, *args, **kwargs)
            else:
                apply(kernel, self._array, *args, **kwargs)
            bump(self)
            return self

        method.__name__ = method.__qualname__ = name
        method.__doc__ = f"In-place form of `{function.__name__}`."
        function.in_place = method
        return function

    return decorate


_COMPLAINT = "Expected out tensor to have dtype {c_own}, but got {c_out} instead"


def exact_out(complaint: str = _COMPLAINT, *, copies: bool = False) -> Callable[[Any], Any]:
    """Give an op an `out=` that must have the result's own type, or torch's RuntimeError.

    `copies`: torch copies the result into `out`, and so `out` gets the result's gradient.
    """

    def decorate(function: Any) -> Any:
        names = numpy_names(function)

        @functools.wraps(function)
        def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Any:
            if kwargs:
                rename(kwargs, names)
            try:
                result = function(*args, **kwargs)
            except AttributeError:
                refuse_others(function, args)
                raise
            if out is None:
                return result
            if copies and state.grad and (result._requires_grad or requires_grad(out)):
                check_own_type(out, result, complaint)
                with no_grad():
                    write_out(out, result)  # resizes
                return out.copy_(result)
            return write_exactly(out, result, function.__name__, complaint)

        return call

    return decorate


def refuse_others(function: Any, args: tuple[Any, ...]) -> None:
    """Raise torch's TypeError if something else stands where `function` declares a Tensor."""
    for i, (name, kind) in enumerate(function.__annotations__.items()):
        if i < len(args) and kind == "Tensor" and not isinstance(args[i], Tensor):
            raise bad_argument(function.__name__, name, i + 1, args[i]) from None


def named_out(complaint: str = _COMPLAINT) -> Callable[[Any], Any]:
    """Give an op with several results an `out=` of tensors that have the results' own types."""

    def decorate(function: Any) -> Any:
        names = numpy_names(function)

        @functools.wraps(function)
        def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
            if kwargs:
                rename(kwargs, names)
            if out is None:
                return function(*args, **kwargs)
            refuse_grad(function.__name__, (*args, *kwargs.values(), *out))
            result = function(*args, **kwargs)
            for target, found in zip(out, result):
                write_exactly(target, found, function.__name__, complaint)
            return return_types.written(result, tuple(out))

        return call

    return decorate


def exact_in_place(function: Any) -> Any:
    """Give an op an in-place form that takes a result of the tensor's own shape and type only."""

    @functools.wraps(function)
    def checked(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        try:
            result = function(self, *args, **kwargs)
        except RuntimeError:  # does `self` not fit, or do the others not fit together?
            result = function(self.new_zeros(()), *args, **kwargs)
        for what, own, found in (
            ("dtype", C_TYPES[self.dtype.name], C_TYPES[result.dtype.name]),
            ("size", list(self.shape), list(result.shape)),
        ):
            if own != found:
                raise RuntimeError(
                    f"Bad in-place call: input tensor {what} {own} and output tensor {what} "
                    f"{found} should match"
                )
        return result

    function.in_place = in_place(checked, f"{function.__name__}_")
    return function


def write_exactly(
    out: Tensor, result: Tensor, name: str, complaint: str = _COMPLAINT
) -> Tensor:
    """`write_out` into a tensor of the result's type; RuntimeError with `complaint` for another."""
    check_own_type(out, result, complaint)
    return write_out(out, result, name)


def check_own_type(out: Tensor, result: Tensor, complaint: str = _COMPLAINT) -> None:
    """Raise torch's RuntimeError if `out` is not of the result's type."""
    own, given = result.dtype, out.dtype
    if own is not given:
        names = {"own": own.title, "out": given.title}
        c_names = {"c_own": C_TYPES[own.name], "c_out": C_TYPES[given.name]}
        raise RuntimeError(complaint.format(**names, **c_names))


# What C++ calls the types, in torch's messages.
C_TYPES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "float32": "float", "float64": "double",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def apply(kernel: Callable[..., None], array: np.ndarray, *args: Any, **kwargs: Any) -> None:
    """Run a kernel, which needs contiguous memory, on an array that is not."""
    copy = array.copy()
    kernel(copy, *args, **kwargs)
    array[...] = copy


def check_target(self: Tensor, array: np.ndarray, expandable: str | None = None) -> None:
    """Raise torch's RuntimeError if `array`, all or part of `self`, may not be written now.

    `expandable`: the name of an op that may write where elements share memory, with a warning.
    """
    if self._array.flags.c_contiguous or not _repeats(self._array):
        check_writable(self)
        return
    part = wrap(array)
    part._inference = self._inference
    if expandable is not None and _repeats(array):
        warnings.warn(
            f"Use of {expandable} on expanded tensors is deprecated. Please clone() the tensor "
            "before performing this operation. This also applies to advanced indexing e.g. "
            "tensor[indices] = tensor",
            UserWarning,
            stacklevel=4,
        )
        part._array = array.reshape(-1)[:0]
    check_writable(part)


def _repeats(array: np.ndarray) -> bool:
    """Whether several elements are one place in memory, as in an expanded tensor."""
    return any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape, strict=True))


def follows_graph(self: Tensor, operands: Any) -> bool:
    """Whether a write has to be recorded."""
    if not state.grad:
        return False
    return requires_grad(self) or any(isinstance(x, Tensor) and requires_grad(x) for x in operands)


def refuse_overlap(self: Tensor, operands: Any, may_alias: bool = False) -> None:
    """Raise torch's RuntimeError if an operand's memory overlaps what is to be written.

    As in torch, only dense memory is examined: interleaved columns of one matrix may pass.
    """
    array = self._array
    for x in operands:
        if isinstance(x, Tensor) and np.may_share_memory(array, x._array):
            if may_alias and same_memory(array, x._array):
                continue
            if x._array.size and _is_dense(array) and _is_dense(x._array):
                raise RuntimeError(
                    "unsupported operation: some elements of the input tensor and the written-to "
                    "tensor refer to a single memory location. Please clone() the tensor before "
                    "performing the operation."
                )


def same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are the same view of the same memory."""
    return address(a) == address(b) and a.shape == b.shape and a.strides == b.strides


def _is_dense(array: np.ndarray) -> bool:
    """Whether the elements fill their memory without gaps, in any order of the dims."""
    expected = array.itemsize
    for step, n in sorted(zip(array.strides, array.shape, strict=True)):
        if n > 1:
            if step != expected:
                return False
            expected *= n
    return True
