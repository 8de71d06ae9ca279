"""What can be wrong with the arguments of a convolution, in torch's order and in torch's words."""

from __future__ import annotations

import functools
from typing import Any

from ...settings import warn_once
from ...tensor import Tensor

Ints = tuple[int, ...]

_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int",
    "int32": "int", "int64": "long int", "float16": "c10::Half", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip
_BOOL_KERNELS = {1: "slow_conv2d_cpu", 2: "slow_conv2d_cpu", 3: "compute_columns3d"}


def check_types(name: str, dims: int, x: Any, w: Any, b: Any) -> None:
    """Operands that are tensors, of one dtype, the input with `dims` spatial dims.

    Raises TypeError, RuntimeError or (bool tensors) NotImplementedError.
    """
    if not (isinstance(x, Tensor) and isinstance(w, Tensor) and (b is None or isinstance(b, Tensor))):
        got = ", ".join(type(t).__name__ for t in (x, w, b)[: 2 if b is None else 3])
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({got}), but expected "
            "(Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, ...)"
        )
    kind = x._array.dtype
    if b is not None and b._array.dtype != kind:
        raise RuntimeError(
            f"Input type ({_C_NAMES[x.dtype.name]}) and bias type ({_C_NAMES[b.dtype.name]}) "
            "should be the same"
        )
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, "
            f"but got input of size: {list(x.shape)}"
        )
    if kind.kind == "b":
        kernel = "slow_conv_transpose2d_out_cpu" if "transpose" in name else _BOOL_KERNELS[dims]
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
    if w._array.dtype != kind:
        _refuse_types(dims, x, w)


def _refuse_types(dims: int, x: Tensor, w: Tensor) -> None:
    if x.dtype.name == "float32" and dims > 1:
        end = " or input should be a MKLDNN tensor and weight is a dense tensor"
    elif x.dtype.is_complex:
        end = ""
    else:
        raise RuntimeError(f"expected scalar type {x.dtype.title} but found {w.dtype.title}")
    raise RuntimeError(
        f"Input type ({_type(x)}) and weight type ({_type(w)}) should be the same{end}"
    )


def _type(t: Tensor) -> str:
    if t.dtype.is_complex or t.dtype.name == "bool":
        return f"CPU{t.dtype.title}Type"
    return f"torch.{t.dtype.title}Tensor"


def same_padding(
    mode: str, dims: int, kernel: Ints, stride: Any, dilation: Any
) -> tuple[Ints, list[int]]:
    """`padding="same"` or "valid" as (padding on both sides, what F.pad must add at the end)."""
    if mode == "valid":
        return (0,) * dims, []
    if mode != "same":
        raise RuntimeError(f"Invalid padding string: '{mode}'")
    if any(s != 1 for s in expand("stride", stride, dims)):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for d, k in zip(expand("dilation", dilation, dims), kernel)]
    extra: list[int] = []
    for t in reversed(total):
        extra += [0, t % 2]
    if any(extra):
        warn_once(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded "
            "copy of the input be created"
        )
    return tuple([t // 2 for t in total]), extra if any(extra) else []


def expand(name: str, value: Any, dims: int, rank: int | None = None) -> Ints:
    """A number, or one per dim, as a tuple; `rank`: another length that is let through."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    for v in values:
        if isinstance(v, (bool, float)) or not hasattr(v, "__index__"):
            raise TypeError(
                f"received an invalid combination of arguments - {name}={type(v).__name__}, "
                f"but expected a tuple of ints {name}"
            )
    if len(values) not in (1, dims, rank):
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the "
            f"convolution dimensions, but got {name}={list(values)}"
        )
    ints = tuple([v.__index__() for v in values])
    return ints * dims if len(ints) == 1 else ints


@functools.lru_cache(maxsize=1024, typed=True)
def check_geometry(
    dims: int, x: Ints, w: Ints, b: Ints | None, stride: Any, padding: Any, dilation: Any,
    groups: int, output_padding: Any = None,
) -> Any:  # fmt: skip
    """(stride, padding, dilation, groups, output size) of a convolution that is in order.

    With `output_padding`, of a transposed one.  Raises RuntimeError in torch's words.
    """
    transposed = output_padding is not None
    if len(w) < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    rank = len(w) - 2
    # a number stands for one per dim of the function, which the weight's rank may contradict
    stride = expand("stride", expand("stride", stride, dims, rank), rank)
    padding = expand("padding", expand("padding", padding, dims, rank), rank)
    dilation = expand("dilation", expand("dilation", dilation, dims, rank), rank)
    extra = output_padding if transposed else 0
    extra = expand("output_padding", expand("output_padding", extra, dims, rank), rank)
    for name, values, least in (
        ("negative padding", padding, 0), ("negative output_padding", extra, 0),
        ("non-positive stride", stride, 1), ("non-positive dilation", dilation, 1),
    ):  # fmt: skip
        if min(values) < least:
            raise RuntimeError(f"{name} is not supported")
    if rank != dims:
        raise RuntimeError(
            f"Expected {rank + 2}-dimensional input for {rank + 2}-dimensional weight {list(w)}, "
            f"but got {len(x)}-dimensional input of size {list(x)} instead"
        )
    _check_channels(x, w, b, groups, transposed)
    if transposed:
        size = _transposed_size(x, w, stride, padding, dilation, extra)
    else:
        size = _size(x, w, stride, padding, dilation)
    if 0 in x[2:]:
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {list(x)}"
        )
    return stride, padding, dilation, groups, size


def _check_channels(x: Ints, w: Ints, b: Ints | None, groups: int, transposed: bool) -> None:
    weight = f"Given groups={groups}, expected weight"
    if w[0] < groups:
        raise RuntimeError(
            f"{weight} to be at least {groups} at dimension 0, but got weight of size {list(w)} instead"
        )
    if w[0] % groups:
        raise RuntimeError(
            f"{weight} to be divisible by {groups} at dimension 0, but got weight of size "
            f"[{list(w)}] instead"
        )
    wanted = w[0] if transposed else w[1] * groups
    given = f"Given transposed=1, weight of size {list(w)}, expected"
    if x[1] != wanted:
        head = given if transposed else f"Given groups={groups}, weight of size {list(w)}, expected"
        raise RuntimeError(
            f"{head} input{list(x)} to have {wanted} channels, but got {x[1]} channels instead"
        )
    outs = w[1] * groups if transposed else w[0]
    if b is not None and b != (outs,):
        head = given if transposed else f"Given weight of size {list(w)}, expected"
        raise RuntimeError(
            f"{head} bias to be 1-dimensional with {outs} elements, but got bias of size "
            f"{list(b)} instead"
        )


def _by(values: Any) -> str:
    return " x ".join(map(str, values))


def _size(x: Ints, w: Ints, stride: Ints, padding: Ints, dilation: Ints) -> Ints:
    padded = [n + 2 * p for n, p in zip(x[2:], padding)]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w[2:])]
    if min(w[2:]) < 1:
        raise RuntimeError(f"kernel size should be greater than zero, but got ({_by(w[2:])})")
    if any(n < r for n, r in zip(padded, reach)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_by(padded)}). Kernel size: ({_by(reach)}). "
            "Kernel size can't be greater than actual input size"
        )
    return tuple([(n - r) // s + 1 for n, r, s in zip(padded, reach, stride)])


def _refuse_empty(x: Ints, w: Ints) -> None:
    """A transposed convolution wants a weight that is not empty; torch says so in several ways."""
    if x[0] == 0:
        raise IndexError("select(): index 0 out of range for tensor of size [0] at dimension 0")
    if len(w) == 5:
        names = "n_output_plane x n_input_plane x kernel_depth x kernel_height x kernel_width"
        raise RuntimeError(f"non-empty 5D ({names}) tensor expected for weight, but got: {list(w)}")
    height, width = w[2:] if len(w) == 4 else (1, w[2])
    if 0 in (height, width):
        raise RuntimeError(
            "kernel size should be greater than zero, but got "
            f"kernel_height: {height} kernel_width: {width}"
        )
    shape = [*w[:2], height, width]
    raise RuntimeError(f"non-empty 2D or 4D weight tensor expected, but got: {shape}")


def _transposed_size(
    x: Ints, w: Ints, stride: Ints, padding: Ints, dilation: Ints, extra: Ints
) -> Ints:
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation)):
        axes = ("depth", "height", "width")[-max(2, len(extra)) :]
        fill = {"output_padding": 0, "stride": 1, "dilation": 1}
        said = []
        for name, values in (("output_padding", extra), ("stride", stride), ("dilation", dilation)):
            values = (fill[name],) * (2 - len(values)) + values
            said += [f"{name}_{axis}: {v}" for axis, v in zip(axes, values)]
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            + " ".join(said)
        )
    if 0 in w:
        _refuse_empty(x, w)
    size = tuple([
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, k, s, p, d, e in zip(x[2:], w[2:], stride, padding, dilation, extra)
    ])  # fmt: skip
    if min(size) < 1:
        raise RuntimeError(
            f"Given input size per channel: ({_by(x[2:])}). Calculated output size per channel: "
            f"({_by(size)}). Output size is too small"
        )
    return size
