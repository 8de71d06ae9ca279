"""Tensors from data: Python numbers and nested lists, NumPy arrays, buffers, other tensors.

`tensor` always copies; `as_tensor`, `from_numpy` and their like share memory where they can.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..device import check_device
from ..device import device as device_type
from ..dtypes import dtype
from ..kernels import heap
from ..quiet import fp
from ..tensor import Size, Tensor, wrap
from .common import cast_array
from .options import Options, allocate, deliver, settle, to_shape, wrong_type
from .registry import op
from .sequences import from_sequence, invalid_type, is_sequence

if TYPE_CHECKING:
    from typing import Unpack

_NEGATIVE_STRIDE = (
    "At least one stride in the given numpy array is negative, and tensors with negative strides "
    "are not currently supported. (You can probably work around this by making a copy of your "
    "array  with array.copy().) "
)
_READ_ONLY = (
    "The given {} is not writable, and PyTorch does not support non-writable tensors. Writing to "
    "this tensor is an error. You may want to copy the {} to protect its data or make it writable "
    "before converting it to a tensor."
)
_COPY = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than {}(sourceTensor)."
)


@op(method=False)
def tensor(data: Any, **options: Unpack[Options]) -> Tensor:
    """A new tensor with a copy of `data`: a number, nested sequences, an array or a tensor.

    Raises ValueError for ragged sequences, TypeError or RuntimeError for what is no number.
    """
    if isinstance(data, Tensor):
        warnings.warn(_COPY.format("torch.tensor"), stacklevel=2)
    return _new("tensor", data, None, options)


@op(function=False)
def new_tensor(self: Tensor, data: Any, **options: Unpack[Options]) -> Tensor:
    """Like `tensor`, of this tensor's dtype."""
    if isinstance(data, Tensor):
        warnings.warn(_COPY.format("tensor.new_tensor"), stacklevel=2)
    return _new("new_tensor", data, self.dtype, options)


def _new(name: str, data: Any, default: dtype | None, options: Any) -> Tensor:
    # "no dtype" cannot be a default of `settle`: ask it with one, and see whether one was named
    kind, grad = settle(name, options, default or dtypes.float32)
    named = default is not None or options.get("dtype") is not None
    return deliver(to_array(data, kind if named else None), grad)


def to_array(data: Any, wanted: dtype | None) -> np.ndarray:
    """A new array with `data`'s elements, of the dtype wanted or inferred."""
    if isinstance(data, Tensor):
        array = data._array
    elif isinstance(data, np.ndarray):
        array = _usable(data)
    elif hasattr(data, "__dlpack__") and not isinstance(data, np.generic):
        array = _usable(np.from_dlpack(data))
    else:
        return from_sequence(data, wanted)
    kind = dtypes.of_array(array) if wanted is None else wanted
    cast = fp.quiet(cast_array, array, kind)
    return array.copy("K") if cast is array else cast


def _usable(array: np.ndarray) -> np.ndarray:
    """`array`, if a tensor can look into its memory.  Raises TypeError or ValueError if not."""
    if not array.dtype.isnative:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. Conversion "
            "between byte orders is currently not supported."
        )
    if array.dtype.char not in dtypes.BY_CHAR:
        name = array.dtype.type.__name__
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{name}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint8, "
            "and bool."
        )
    if array.size and min(array.strides, default=0) < 0:
        raise ValueError(_NEGATIVE_STRIDE)
    if array.size >= heap.LARGE:
        heap.keep()
    return array if type(array) is np.ndarray else array.view(np.ndarray)


# ---- sharing memory ------------------------------------------------------------------------------


@op(method=False)
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the array's memory.

    Raises TypeError for other objects and for element types torch lacks, ValueError for negative
    strides.  Warns if the array is read-only.
    """
    if not isinstance(ndarray, np.ndarray):
        kind = type(ndarray)
        name = f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__
        raise TypeError(f"expected np.ndarray (got {name})")
    array = _usable(ndarray)
    if not array.flags.writeable:
        warnings.warn(_READ_ONLY.format("NumPy array", "array"), stacklevel=2)
    tensor = wrap(array)
    if not array.size:
        tensor._root = array.view()  # as of a view, its strides are what they are
    return tensor


@op(method=False)
def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself, or on its memory, if it has the dtype; else like `tensor`."""
    kind, _ = settle("as_tensor", {"dtype": dtype, "device": device}, dtypes.float32)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(kind)
    if isinstance(data, np.ndarray):
        shared = from_numpy(data)
        return shared if dtype is None else shared.to(kind)
    return wrap(to_array(data, None if dtype is None else kind))


@op(method=False)
def frombuffer(
    buffer: Any, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor sharing the memory of an object with the buffer protocol.

    `offset` is in bytes, `count` in elements (negative: all).  ValueError if they do not fit.
    """
    kind, grad = settle("frombuffer", {"dtype": dtype, "requires_grad": requires_grad}, dtype)
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    size, item = view.nbytes, kind.itemsize
    if not size or not count:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    if count > 0 and offset + count * item > size:
        raise ValueError(
            f"requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must "
            f"not be greater than actual buffer length ({size} bytes)"
        )
    if count < 0 and (size - offset) % item:
        raise ValueError(
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({item})"
        )
    if view.readonly:
        warnings.warn(_READ_ONLY.format("buffer", "buffer"), stacklevel=2)
    return deliver(np.frombuffer(buffer, kind.np, max(count, -1), offset), grad)


@op(method=False)
def from_file(
    filename: str, shared: bool | None = None, size: int | None = 0, **options: Unpack[Options]
) -> Tensor:
    """A 1-d tensor of `size` elements whose memory is a file, mapped.

    `shared`: what is written to the tensor is written to the file, which is made, or made longer, if
    need be; else the file stays as it is, and RuntimeError is raised if it is too short.
    """
    for name, kind, value in (("filename", "str", filename), ("shared", "bool", shared)):
        if type(value).__name__ != kind and not (name == "shared" and value is None):
            raise wrong_type("from_file", name, kind, value, int(name == "filename"))
    if size is not None and type(size) is not int:
        raise wrong_type("from_file", "size", "int", size)
    if options.pop("pin_memory", False):
        raise RuntimeError("tensors constructed from a file cannot be pinned")
    wanted, grad = settle("from_file", options, dtypes.get_default_dtype())
    if not size:
        return deliver(np.empty(0, wanted.np), grad)
    try:
        return deliver(_mapped(filename, bool(shared), size, wanted), grad)
    except OSError as error:
        mode = "read-write" if shared else "read-only"
        raise RuntimeError(
            f"unable to open file <{filename}> in {mode} mode: {error.strerror} ({error.errno})"
        ) from None


def _mapped(filename: str, shared: bool, size: int, kind: dtype) -> np.ndarray:
    needed = size * kind.itemsize
    if size < 0:
        raise RuntimeError(
            f"unable to mmap {needed} bytes from file <{filename}>: Cannot allocate memory (12)"
        )
    with open(filename, "a+b" if shared else "rb") as file:
        present = file.seek(0, 2)
        if shared and present < needed:
            file.truncate(needed)
        elif present < needed:
            raise RuntimeError(
                f"file <{filename}> size <{present}> is smaller than the required mapping size "
                f"<{needed}>"
            )
    mode: Any = "r+" if shared else "c"
    return np.asarray(np.memmap(filename, kind.np, mode, shape=(size,)))


@op(method=False)
def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of any object with `__dlpack__` (or of such a capsule)."""
    check_device(device)
    if not hasattr(ext_tensor, "__dlpack__"):
        if type(ext_tensor).__name__ != "PyCapsule":
            raise RuntimeError(
                "from_dlpack received an invalid capsule. Note that DLTensor capsules can be "
                "consumed only once, so you might have already constructed a tensor from it once."
            )
        ext_tensor = _Capsule(ext_tensor)
    array = np.from_dlpack(ext_tensor)
    return wrap(_usable(array.copy() if copy else array))


class _Capsule:
    """NumPy asks an object for its capsule; this one has only that."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **keywords: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the CPU


@op(method=False)
def asarray(
    obj: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """Anything as a tensor; `copy` True always copies, False never does and raises ValueError."""
    wish = {"dtype": dtype, "device": device, "requires_grad": bool(requires_grad)}
    kind, grad = settle("asarray", wish, dtypes.get_default_dtype())
    wanted = None if dtype is None else kind
    shared = _shared(obj, kind)
    if shared is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return deliver(to_array(obj, wanted), grad)
    copies = copy or wanted not in (None, shared.dtype)
    if copies and copy is False:
        raise ValueError(
            f"can't alias tensor with dtype '{shared.dtype.title}' into dtype '{kind.title}'."
        )
    if isinstance(obj, Tensor):
        return _tensor_as(obj, wanted or obj.dtype, copies, requires_grad)
    return deliver(to_array(shared, wanted) if copies else shared._array, grad)


def _tensor_as(x: Tensor, kind: dtype, copies: bool, grad: bool | None) -> Tensor:
    """`x`, or a copy that stays in `x`'s graph unless `grad` is False."""
    if grad is None and x.requires_grad:
        warnings.warn(
            "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of "
            "False. Pass requires_grad=False explicitly to get the old behavior and silence this "
            "warning.",
            stacklevel=3,
        )
    if not copies and grad in (None, x.requires_grad):
        return x
    result = x.detach() if grad is False or (x.is_leaf and not copies) else x
    if copies:
        result = result.clone() if result.dtype is kind else result.to(kind, copy=True)
    return result.requires_grad_() if grad and not result.requires_grad else result


def _shared(obj: Any, default: dtype) -> Tensor | None:
    """A tensor on `obj`'s memory, if it has any that a tensor can look into."""
    if isinstance(obj, Tensor):
        return obj
    if isinstance(obj, np.ndarray):
        return from_numpy(obj)
    if isinstance(obj, np.generic):
        return wrap(_usable(np.array(obj)))
    if hasattr(obj, "__dlpack__"):
        return from_dlpack(obj)
    try:
        memoryview(obj)
    except TypeError:
        return None
    return frombuffer(obj, dtype=default)


# ---- legacy constructors -------------------------------------------------------------------------


def legacy_tensor(kind: dtype, args: tuple[Any, ...], kwargs: Any, exact: bool = False) -> Tensor:
    """`Tensor(2, 3)`: uninitialised, of these sizes.  `Tensor([2, 3])`: these elements.

    `exact`: a tensor given as data must have dtype `kind` already (else it is taken as it is).
    """
    where = kwargs.pop("device", None)
    if where is not None and device_type(where).type != "cpu":
        raise RuntimeError(
            "legacy constructor expects device type: cpu but device type: "
            f"{device_type(where).type} was passed"
        )
    if "size" in kwargs:
        args = (Size(kwargs.pop("size")),)
    elif "data" in kwargs:
        args = (kwargs.pop("data"),)
    if kwargs:
        raise TypeError(f"new() got an unexpected keyword argument '{next(iter(kwargs))}'")
    if not args:
        return wrap(allocate((0,), kind))
    first = args[0]
    if isinstance(first, Size) or len(args) > 1 or _is_plain_int(first):
        size = first if isinstance(first, Size) else args
        return wrap(allocate(to_shape("new", size), kind))
    if isinstance(first, Tensor):
        if exact and first.dtype is not kind:
            raise TypeError(f"expected TensorOptions(dtype={kind}) (got dtype={first.dtype})")
        return first.detach()
    if isinstance(first, (str, bytes)):
        raise invalid_type(first)
    if not is_sequence(first):
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return wrap(to_array(first, kind))


def _is_plain_int(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


@op(function=False)
def new(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The legacy constructor of this tensor's dtype."""
    return legacy_tensor(self.dtype, args, kwargs, exact=True)


class LegacyType:
    """`torch.FloatTensor` and its like: makes tensors of one dtype, and recognises them."""

    def __init__(self, kind: dtype) -> None:
        self.dtype = kind
        self.__name__ = kind.legacy

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return legacy_tensor(self.dtype, args, kwargs, exact=True)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class 'torch.{self.__name__}'>"


LEGACY_TYPES = {kind.legacy: LegacyType(kind) for kind in dtypes.ALL}


def _construct(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    return legacy_tensor(dtypes.get_default_dtype(), args, kwargs)


Tensor._construct = staticmethod(_construct)  # what `Tensor(...)` itself does
